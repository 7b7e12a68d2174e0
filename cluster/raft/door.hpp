#pragma once
// Who may take part under which number: the data directory a number first came with, and the newest start of it.
//
// A node whose directory was lost, or set back to an older copy, has forgotten votes it gave and entries it called
// durable. Under its old number it would be counted as if it had not, and acknowledged writes could go. So every node
// keeps, for each other, the directory and the highest start it knows of, and lets nobody in who comes with another
// directory, a smaller start, or the same start in another process (two copies of one directory). What it did not see
// itself it learns from the tables that others bring with their hello, before anything else of theirs counts.
// A copy that was refused could be started until its count is the greater one: so a directory keeps a name for each of
// its starts, and a node that is told by another of a start under its own number which it does not have keeps away.
// A number, or a start, that nobody alive has ever met is not missed.
//
// Only who takes part in votes is remembered so, for only they have promised anything: a guest, who waits to be taken
// in, may lose its directory and come again under its number, or two may wait under one. Which of them it is that is
// taken in the members agree on: whoever was asked for the change says which it has let in, and the new epoch names it
// (entries.hpp, `seal`). What others tell is of such as vote already.
// It is on the disk before anybody is let in; of a guest, before anything counts that it says as a member. Threads:
// any.

#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "cluster/peers.hpp"
#include "model/view.hpp"
#include "storage/store.hpp"

namespace nacre::cluster::raft {

class door final : public doorkeeper {
 public:
  // Makes rows durable and calls back then, or never.
  using writer = std::function<void(storage::batch, unique_function<void()>)>;

  door(node_id self, credential ours, writer write) : self_(self), ours_(ours), write_(std::move(write)) {}
  result<void> load(const model::view& v);
  // Who takes part in votes, as this node knows it; nobody: it waits itself. Until the first call everybody does.
  // With the directory the members agreed on, which counts more than whatever this node has met; nil: they have not,
  // and what it met first counts. The rows of those are handed to the writer before it returns.
  void voters_are(std::map<node_id, uuid> voters);
  // Of whoever was let in last under this number; nil: nobody was.
  uuid directory_of(node_id who) const;

  credential ours() const override { return ours_; }
  std::vector<acquaintance> known() const override;
  admission judge(node_id who, const credential& shown, const std::vector<acquaintance>& knows) const override;
  void admit(node_id who, const credential& shown, const std::vector<acquaintance>& knows,
             unique_function<void(admission)> done) override;

 private:
  static constexpr std::size_t kept_max = 4 * acquaintances_max;
  bool was_ours(const credential& told) const;
  bool votes(node_id who) const;  // surely
  admission standing(node_id who, const credential& shown) const;
  admission verdict_on(node_id who, const credential& shown, const std::vector<acquaintance>& knows) const;
  void remember(node_id who, const credential& shown, storage::batch& rows);
  void write_rows(storage::batch rows, unique_function<void()> then);

  const node_id self_;
  const credential ours_;
  const writer write_;
  mutable std::mutex mutex_;
  std::map<node_id, credential> known_;
  std::optional<std::map<node_id, uuid>> voters_;
  std::map<node_id, credential> guests_;  // who was let in and does not vote
  std::map<std::uint64_t, uuid> starts_;  // of this directory, by number; `ours_` the last
  std::size_t writing_ = 0;
};

// Of this store, made when there is none yet.
result<uuid> directory_of(storage::store& store);
storage::write directory_row(const uuid& directory);
storage::write start_row(std::uint64_t boot, const uuid& process);
// Counts and names this start, durably.
result<credential> count_start(storage::store& store);

}  // namespace nacre::cluster::raft
