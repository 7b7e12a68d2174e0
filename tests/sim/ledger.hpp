#pragma once
// What nodes write to their disks, judged batch by batch, so that nothing is read twice: the same index and term is the
// same entry after the same entries, the same index is the same state, nothing counts behind the end of an epoch, the
// log of acts has no gap and tells of no act that must not have been, and what is committed lies with a majority.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "cluster/raft/types.hpp"
#include "storage/store.hpp"
#include "tests/sim/plan.hpp"

namespace nacre::sim {

class node;
class world;

class ledger {
 public:
  explicit ledger(world& w) : w_(w) {}

  void saw_batch(const node& n, const storage::batch& rows);  // it lies on the disk now
  // Committed anywhere for the first time.
  void saw_first_commit(const node& by, raft::instance of, const raft::committed_entry& e);
  // This secret is nobody's to lose any more, this request must not act any more; numbers of clients.hpp.
  void must_keep(std::uint64_t secret);
  void must_not_act(std::uint64_t request);

 private:
  void saw_log_row(const node& n, std::string_view key, std::string_view value);
  void saw_act(const node& n, const std::string& key, const std::string& value);
  void saw_applied(const node& n, std::string_view value);
  void fail(const node& n, const std::string& what);

  using place = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;  // epoch, index, term
  struct entry {
    std::string bytes;
    std::uint64_t term_before;
    bool operator==(const entry&) const = default;
  };

  world& w_;
  std::map<place, entry> entries_;
  std::map<std::uint64_t, std::uint64_t> states_;  // by index applied: a sum of all rows
  std::map<std::string, std::string> acts_;        // rows of the audit log, by key
  std::map<std::string, unsigned> revealed_;       // PATs and secrets, how often
  std::map<std::string, std::uint64_t> kept_;      // rows of acknowledged secrets
  std::set<std::string> requests_, refused_;       // that acted, and that were told they never will
};

}  // namespace nacre::sim
