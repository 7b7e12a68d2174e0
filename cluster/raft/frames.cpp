#include "cluster/raft/frames.hpp"

#include <type_traits>
#include <utility>

#include "model/limits.hpp"
#include "model/wire.hpp"

namespace nacre::cluster::raft {

namespace {

using model::reader;
using model::writer;

// Indexes and terms beyond this are no honest node's; sums of a few of them do not overflow.
constexpr std::uint64_t number_max = std::uint64_t{1} << 60;

std::uint64_t number(reader& r) {
  auto v = r.u64();
  if (v > number_max) r.fail();
  return v;
}

void put(writer& w, const append& m) {
  w.u64(m.term).u64(m.prev_index).u64(m.prev_term).u64(m.commit).flag(m.quiet);
  w.u32(static_cast<std::uint32_t>(m.entries.size()));
  for (const auto& e : m.entries) w.u64(e.term).u8(static_cast<std::uint8_t>(e.kind)).bytes(e.payload);
}
void get(reader& r, append& m) {
  m.term = number(r);
  m.prev_index = number(r);
  m.prev_term = number(r);
  m.commit = number(r);
  m.quiet = r.flag();
  auto count = r.u32();
  if (count > entries_per_frame_max || m.prev_term > m.term || (m.quiet && count != 0)) return r.fail();
  auto term = m.prev_term;
  for (; count > 0 && r.ok(); --count) {
    log_entry e;
    e.term = number(r);
    auto kind = r.u8();
    e.payload = r.text(entry_bytes_max);
    // Terms never fall along a log, and none is beyond its leader's.
    if (kind < 1 || kind > 2 || e.term < term || e.term == 0 || e.term > m.term || e.payload.empty()) return r.fail();
    e.kind = static_cast<entry_kind>(kind);
    term = e.term;
    m.entries.push_back(std::move(e));
  }
}

void put(writer& w, const append_reply& m) { w.u64(m.term).u64(m.rejected).u64(m.last_index); }
void get(reader& r, append_reply& m) {
  m.term = number(r);
  m.rejected = number(r);
  m.last_index = number(r);
}

void put(writer& w, const vote& m) { w.u64(m.term).u64(m.last_index).u64(m.last_term).flag(m.pre); }
void get(reader& r, vote& m) {
  m.term = number(r);
  m.last_index = number(r);
  m.last_term = number(r);
  m.pre = r.flag();
}

void put(writer& w, const vote_reply& m) { w.u64(m.term).flag(m.granted).flag(m.pre); }
void get(reader& r, vote_reply& m) {
  m.term = number(r);
  m.granted = r.flag();
  m.pre = r.flag();
}

void put(writer& w, const snapshot_offer& m) { w.u64(m.term).u64(m.at.index).u64(m.at.term).u64(m.stream); }
void get(reader& r, snapshot_offer& m) {
  m.term = number(r);
  m.at.index = number(r);
  m.at.term = number(r);
  m.stream = r.u64();
  if (m.at.index == 0 || m.at.term == 0 || m.at.term > m.term) r.fail();
}

void put(writer& w, const forward& m) {
  w.u32(static_cast<std::uint32_t>(m.commands.size()));
  for (const auto& c : m.commands)
    w.u64(c.from.node).u64(c.from.boot).u64(c.from.seq).u64(c.from.floor).bytes(c.command);
}
void get(reader& r, forward& m) {
  auto count = r.u32();
  if (count == 0 || count > commands_per_entry_max) return r.fail();
  for (; count > 0 && r.ok(); --count) {
    tagged_command c;
    c.from.node = r.u64();
    c.from.boot = number(r);
    c.from.seq = number(r);
    c.from.floor = number(r);
    c.command = r.text(limits::command_bytes_max);
    if (c.from.node == 0 || c.from.seq == 0 || c.from.floor > c.from.seq || c.command.empty()) return r.fail();
    m.commands.push_back(std::move(c));
  }
}

void put(writer& w, const forward_refused& m) {
  w.u8(static_cast<std::uint8_t>(m.why)).u32(static_cast<std::uint32_t>(m.seqs.size()));
  for (auto seq : m.seqs) w.u64(seq);
}
void get(reader& r, forward_refused& m) {
  auto why = r.u8();
  auto count = r.u32();
  if (why < 1 || why > 2 || count == 0 || count > commands_per_entry_max) return r.fail();
  m.why = static_cast<refusal>(why);
  for (; count > 0 && r.ok(); --count) m.seqs.push_back(number(r));
}

void put(writer& w, const probe& m) { w.u64(m.round).u64(m.term); }
void get(reader& r, probe& m) {
  m.round = r.u64();
  m.term = number(r);
}
void put(writer& w, const probe_reply& m) { w.u64(m.round).u64(m.term); }
void get(reader& r, probe_reply& m) {
  m.round = r.u64();
  m.term = number(r);
}
void put(writer& w, const ask_index& m) { w.u64(m.id); }
void get(reader& r, ask_index& m) { m.id = r.u64(); }
void put(writer& w, const index_reply& m) { w.u64(m.id).flag(m.known).u64(m.index); }
void get(reader& r, index_reply& m) {
  m.id = r.u64();
  m.known = r.flag();
  m.index = number(r);
}

void put(writer& w, const fetch& m) { w.u64(m.stream).u64(m.chunk); }
void get(reader& r, fetch& m) {
  m.stream = r.u64();
  m.chunk = number(r);
}
void put(writer& w, const chunk& m) {
  w.u64(m.stream).u64(m.number).flag(m.known).flag(m.last).u64(m.digest).bytes(m.rows);
}
void get(reader& r, chunk& m) {
  m.stream = r.u64();
  m.number = number(r);
  m.known = r.flag();
  m.last = r.flag();
  m.digest = r.u64();
  m.rows = r.text(chunk_bytes_max + entry_bytes_max);
}

void put(writer& w, const epoch_notice& m) {
  w.u64(m.mark.index).u64(m.mark.term).u32(m.groups);
  put_members(w, m.members);
}
void get(reader& r, epoch_notice& m) {
  m.mark.index = number(r);
  m.mark.term = number(r);
  m.groups = r.u32();
  m.members = get_members(r);
  if (m.mark.index == 0 || m.mark.term == 0 || m.groups == 0 || m.members.empty()) r.fail();
}
void put(writer& w, const reconfigure& m) { put_members(w, m.members); }
void get(reader& r, reconfigure& m) {
  m.members = get_members(r);
  if (m.members.empty()) r.fail();
}

std::size_t size_hint(const message& m) {
  std::size_t size = 128;
  if (const auto* a = std::get_if<append>(&m))
    for (const auto& e : a->entries) size += 16 + e.payload.size();
  if (const auto* f = std::get_if<forward>(&m))
    for (const auto& c : f->commands) size += 40 + c.command.size();
  if (const auto* c = std::get_if<chunk>(&m)) size += c->rows.size();
  return size;
}

// The kind of a message is its place in the variant plus one; new ones go to the end.
template <std::size_t I = 0>
bool get_kind(reader& r, std::uint8_t kind, message& into) {
  if constexpr (I < std::variant_size_v<message>) {
    if (kind != I + 1) return get_kind<I + 1>(r, kind, into);
    get(r, into.emplace<I>());
    return true;
  } else {
    return false;
  }
}

bool get_head(reader& r, std::uint8_t& kind, instance& of) {
  if (r.u8() != frame_version) return false;
  kind = r.u8();
  of.group = r.u32();
  of.epoch = number(r);
  return r.ok() && of.epoch != 0;
}

}  // namespace

std::string encode(const frame& f) {
  writer w(size_hint(f.what));
  w.u8(frame_version).u8(static_cast<std::uint8_t>(f.what.index() + 1)).u32(f.of.group).u64(f.of.epoch);
  std::visit([&](const auto& m) { put(w, m); }, f.what);
  return w.take();
}

std::optional<frame> decode_frame(std::string_view bytes) {
  if (bytes.size() > frame_bytes_max) return std::nullopt;
  reader r(bytes);
  frame f;
  std::uint8_t kind = 0;
  if (!get_head(r, kind, f.of) || !get_kind(r, kind, f.what) || !r.finished()) return std::nullopt;
  return f;
}

std::optional<instance> peek_instance(std::string_view bytes) {
  reader r(bytes);
  std::uint8_t kind = 0;
  instance of;
  if (!get_head(r, kind, of)) return std::nullopt;
  return of;
}

}  // namespace nacre::cluster::raft
