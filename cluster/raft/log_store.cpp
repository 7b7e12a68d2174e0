#include "cluster/raft/log_store.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "cluster/raft/entries.hpp"
#include "model/wire.hpp"

namespace nacre::cluster::raft {

namespace {

using model::reader;
using model::space;
using model::writer;
using kind = storage::write::kind;
constexpr std::uint8_t version_1 = 1, epoch_version_2 = 2;
constexpr std::string_view boots_key = "log.boots";

writer at(group_id group, char what) { return std::move(writer{32}.u32(group).u8(static_cast<std::uint8_t>(what))); }
std::string epoch_key(group_id group) { return at(group, 'C').take(); }
std::string vote_key(instance of) { return at(of.group, 'V').u64(of.epoch).take(); }
std::string mark_key(instance of) { return at(of.group, 'M').u64(of.epoch).take(); }
std::string entry_key(instance of, std::uint64_t index) { return at(of.group, 'E').u64(of.epoch).u64(index).take(); }
std::string past_entries(instance of) { return at(of.group, 'E').u64(of.epoch + 1).take(); }
std::string applied_key(group_id group) { return writer{}.raw("log.applied/").u32(group).take(); }

storage::write put(space in, std::string key, std::string value) {
  return {kind::put, in, std::move(key), std::move(value)};
}
storage::write erase_range(std::string from, std::string stays) {
  return {kind::erase_range, space::log, std::move(from), std::move(stays)};
}

std::string encode(const epoch_record& e) {
  writer w;
  w.u8(epoch_version_2).u64(e.epoch);
  put_members(w, e.members);
  return w.take();
}
std::string encode(const vote_record& v) { return writer{}.u8(version_1).u64(v.term).u64(v.vote).take(); }
std::string encode(const log_mark& m) { return writer{}.u8(version_1).u64(m.index).u64(m.term).take(); }
std::string encode(const log_entry& e) {
  writer w(10 + e.payload.size());
  return w.u8(version_1).u64(e.term).u8(static_cast<std::uint8_t>(e.kind)).raw(e.payload).take();
}

auto damaged(const char* what) { return fail(errc::corrupt, std::string("the replicated log is damaged: ") + what); }

// Reads a row of version 1 with `get`, or of one up to `newest`, which it is told then; absent rows are nothing.
template <class Get>
result<bool> load_row(const model::view& v, space in, const std::string& key, const char* what, Get get,
                      std::uint8_t newest = version_1) {
  auto bytes = v.get(in, key);
  if (!v.trustworthy()) return damaged(what);
  if (!bytes) return false;
  reader r(*bytes);
  const auto version = r.u8();
  if (version < version_1 || version > newest) return damaged(what);
  if constexpr (std::is_invocable_v<Get, reader&, std::uint8_t>)
    get(r, version);
  else
    get(r);
  if (!r.finished()) return damaged(what);
  return true;
}

}  // namespace

result<std::optional<epoch_record>> load_epoch(const model::view& v, group_id group) {
  epoch_record e;
  auto there = load_row(
      v, space::log, epoch_key(group), "its members",
      [&](reader& r, std::uint8_t version) {
        e.epoch = r.u64();
        e.members = get_members(r, version == epoch_version_2);
        if (e.epoch == 0) r.fail();
      },
      epoch_version_2);
  if (!there) return fail(there.error());
  if (!*there) return std::optional<epoch_record>{};
  return std::optional(std::move(e));
}

result<loaded_log> load_log(const model::view& v, instance of) {
  loaded_log log;
  auto voted = load_row(v, space::log, vote_key(of), "a vote", [&](reader& r) {
    log.vote.term = r.u64();
    log.vote.vote = r.u64();
  });
  if (!voted) return fail(voted.error());
  auto marked = load_row(v, space::log, mark_key(of), "a mark", [&](reader& r) {
    log.mark.index = r.u64();
    log.mark.term = r.u64();
  });
  if (!marked) return fail(marked.error());
  if (!*voted || !*marked || log.mark.index == 0 || log.mark.term == 0) return damaged("a group without its beginning");

  log.first = log.mark.index + 1;
  std::uint64_t expected = 0;
  bool sound = true;
  const auto prefix = entry_key(of, 0).size() - 8;
  v.scan(space::log, entry_key(of, 0), past_entries(of), [&](std::string_view key, std::string_view value) {
    reader at_index(key.substr(prefix));
    const auto index = at_index.u64();
    if (expected == 0) log.first = expected = index;
    reader r(value);
    log_entry e;
    const auto version = r.u8();
    e.term = r.u64();
    const auto what = r.u8();
    sound = sound && at_index.finished() && index == expected++ && r.ok() && version == version_1 && what >= 1 &&
            what <= 2 && value.size() > 10;
    if (!sound) return false;
    e.kind = static_cast<entry_kind>(what);
    e.payload = value.substr(10);
    log.entries.push_back(std::move(e));
    return true;
  });
  if (!sound || !v.trustworthy()) return damaged("an entry");
  if (log.first > log.mark.index + 1) return damaged("a hole after its mark");
  // A log that ends before the mark (the state came from another node) tells nothing.
  if (log.first + log.entries.size() <= log.mark.index) {
    log.entries.clear();
    log.first = log.mark.index + 1;
  }
  return log;
}

result<applied_record> load_applied(const model::view& v, group_id group) {
  applied_record a;
  auto there = load_row(v, space::meta, applied_key(group), "what was applied", [&](reader& r) {
    a.epoch = r.u64();
    a.at.index = r.u64();
    a.at.term = r.u64();
  });
  if (!there) return fail(there.error());
  return a;
}

storage::write applied_row(group_id group, const applied_record& a) {
  return put(space::meta, applied_key(group),
             writer{}.u8(version_1).u64(a.epoch).u64(a.at.index).u64(a.at.term).take());
}

storage::batch found(instance of, const member_list& members, log_mark mark) {
  return {put(space::log, epoch_key(of.group), encode(epoch_record{of.epoch, members})),
          put(space::log, vote_key(of), encode(vote_record{mark.term, 0})),
          put(space::log, mark_key(of), encode(mark))};
}

storage::batch erase_older(instance of) {
  const instance first{of.group, 0};
  return {erase_range(entry_key(first, 0), entry_key(of, 0)), erase_range(vote_key(first), vote_key(of)),
          erase_range(mark_key(first), mark_key(of))};
}

void add(storage::batch& to, instance of, const log_write& w) {
  if (w.vote) to.push_back(put(space::log, vote_key(of), encode(*w.vote)));
  if (w.truncate_from != 0) to.push_back(erase_range(entry_key(of, w.truncate_from), past_entries(of)));
  auto index = w.first;
  for (const auto& e : w.append) to.push_back(put(space::log, entry_key(of, index++), encode(e)));
  if (w.mark) to.push_back(put(space::log, mark_key(of), encode(*w.mark)));
  if (w.drop_below != 0) to.push_back(erase_range(entry_key(of, 0), entry_key(of, w.drop_below)));
}

result<std::uint64_t> count_boot(storage::store& store) {
  auto v = store.snapshot();
  std::uint64_t boots = 0;
  auto there =
      load_row(*v, space::meta, std::string(boots_key), "the count of starts", [&](reader& r) { boots = r.u64(); });
  if (!there) return fail(there.error());
  ++boots;
  auto counted = store.apply({put(space::meta, std::string(boots_key), writer{}.u8(version_1).u64(boots).take())},
                             storage::durability::synced);
  if (!counted) return fail(counted.error());
  return boots;
}

}  // namespace nacre::cluster::raft
