#pragma once
// What is promised whatever happens to machines: judged of what is seen on the way (of the disks in ledger.hpp), and of
// the states at the end. The first broken promise ends the run.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/raft/group.hpp"
#include "tests/sim/plan.hpp"

namespace nacre::sim {

class disk;
class node;
class world;

inline constexpr std::uint32_t budget_per_pat = 3;

// A secret or, once that has ended, its receipt.
bool holds_receipt(const disk& d, std::uint64_t secret);

class promises {
 public:
  explicit promises(world& w) : w_(w) {}

  // Every node applies the same entries, a term has one leader, and whoever leads has what was committed before.
  void saw_committed(const node& by, raft::instance of, const raft::committed_entry& e);
  void saw_role(const node& n);

  // A secret is shown to one reader, who may come with its key again, a PAT as often as its budget allows; numbers of
  // clients.hpp.
  void saw_created(const node& by, std::uint64_t secret);
  void saw_shown(std::uint64_t secret, std::uint64_t reader);
  bool was_shown_to(std::uint64_t secret, std::uint64_t reader) const;
  void saw_pat_shown(std::uint64_t pat, std::uint64_t request);

  // A read that must be current holds what was acknowledged before it began: `latest()`, at most 20 secrets, of then.
  std::vector<std::uint64_t> latest() const;
  void saw_current_read(const node& n, const std::vector<std::uint64_t>& before);

  // At rest: the members hold one state, it is whole, no acknowledged secret is lost, and no row of an epoch is kept
  // that is over.
  void check_end();

  // The entry that ended an epoch, 0: none has been committed.
  std::uint64_t end_of(std::uint64_t epoch) const;
  std::uint64_t entries() const { return history_.size(); }
  std::uint64_t highest() const { return highest_; }  // index committed anywhere that counts

 private:
  using place = std::pair<std::uint64_t, std::uint64_t>;  // an epoch, and an index or a term in it

  world& w_;
  struct decided {
    std::uint64_t term = 0;
    std::string payload;
    std::uint64_t in_term = 0;  // of who knew first
  };
  std::map<place, decided> history_;  // what was committed
  std::map<place, node_id> leaders_;
  std::map<std::uint64_t, std::uint64_t> ends_;  // of epochs: the entry that ended them; nothing behind it counts
  std::uint64_t highest_ = 0;
  std::set<std::uint64_t> created_;                           // acknowledged
  std::map<std::uint64_t, std::uint64_t> shown_;              // secret -> reader that got it
  std::map<std::uint64_t, std::set<std::uint64_t>> reveals_;  // PAT -> requests that got it
};

}  // namespace nacre::sim
