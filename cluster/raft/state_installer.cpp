#include "cluster/raft/state_installer.hpp"

#include <utility>

#include "model/wire.hpp"

namespace nacre::cluster::raft {

namespace {

using kind = storage::write::kind;
constexpr std::size_t erased_at_once = 4096;

std::string unfinished_key(group_id group) { return model::writer{}.u32(group).u8('I').take(); }

}  // namespace

result<bool> state_installer::unfinished(const model::view& v, group_id group) {
  const bool there = v.get(model::space::log, unfinished_key(group)).has_value();
  if (!v.trustworthy()) return fail(errc::storage_failed, "a read of stored state failed");
  return there;
}

storage::write state_installer::unfinished_row(group_id group) {
  return {kind::put, model::space::log, unfinished_key(group), std::string(1, '\x01')};
}

result<void> state_installer::begin(group_id group) {
  if (auto done = store_.apply({unfinished_row(group)}, storage::durability::synced); !done) return done;
  for (row_place from;;) {
    auto gone = erasures(*store_.snapshot(), group, groups_, from, erased_at_once);
    if (!gone) return fail(errc::storage_failed, "a read of stored state failed");
    if (gone->empty()) return {};
    if (auto done = store_.apply(*gone, storage::durability::buffered); !done) return done;
  }
}

result<void> state_installer::add_rows(const storage::batch& rows) {
  return store_.apply(rows, storage::durability::buffered);
}

result<loaded_log> state_installer::end(instance of, log_mark at, bool keep_log, const member_list& begins) {
  storage::batch last;
  if (!begins.empty()) {
    last = found(of, begins, at);
    for (auto& w : erase_older(of)) last.push_back(std::move(w));
  }
  log_write w;
  w.mark = at;
  if (keep_log)
    w.drop_below = at.index;  // its own entry stays: what follows is checked against it
  else
    w.truncate_from = 1;
  add(last, of, w);
  last.push_back(applied_row(of.group, {of.epoch, at}));
  last.push_back({kind::erase, model::space::log, unfinished_key(of.group), ""});
  if (auto done = store_.apply(last, storage::durability::synced); !done) return fail(done.error());
  return load_log(*store_.snapshot(), of);
}

}  // namespace nacre::cluster::raft
