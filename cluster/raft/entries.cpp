#include "cluster/raft/entries.hpp"

#include "model/limits.hpp"
#include "model/wire.hpp"

namespace nacre::cluster::raft {

namespace {
constexpr std::uint8_t version_1 = 1;  // a batch of commands
constexpr std::uint8_t seal_version_1 = 2, seal_version_2 = 3;
}  // namespace

void put_members(model::writer& w, const member_list& members) {
  w.u8(static_cast<std::uint8_t>(members.size()));
  for (const auto& m : members) w.u64(m.node).bytes(m.address).id(m.directory);
}

member_list get_members(model::reader& r, bool with_directories) {
  member_list all;
  auto count = r.u8();
  if (count > limits::cluster_members_max) r.fail();
  for (; count > 0 && r.ok(); --count) {
    member m;
    m.node = r.u64();
    m.address = r.text(address_bytes_max);
    if (with_directories) m.directory = r.id();
    for (const auto& other : all)
      if (other.node == m.node) r.fail();
    if (m.node == 0) r.fail();
    all.push_back(std::move(m));
  }
  return all;
}

std::string encode_seal(const seal& s) {
  model::writer w;
  w.u8(seal_version_2).u64(s.next_epoch);
  put_members(w, s.members);
  return w.take();
}

bool is_seal(std::string_view payload) {
  if (payload.empty()) return false;
  const auto version = static_cast<std::uint8_t>(payload.front());
  return version == seal_version_1 || version == seal_version_2;
}

std::optional<seal> decode_seal(std::string_view payload) {
  if (!is_seal(payload)) return std::nullopt;
  model::reader r(payload);
  seal s;
  const auto version = r.u8();
  s.next_epoch = r.u64();
  s.members = get_members(r, version == seal_version_2);
  if (!r.finished() || s.next_epoch < 2 || s.members.empty()) return std::nullopt;
  return s;
}

std::string encode_item(const tag& from, std::string_view command) {
  model::writer w(36 + command.size());
  w.u64(from.node).u64(from.boot).u64(from.seq).u64(from.floor).bytes(command);
  return w.take();
}

std::string encode_batch(const std::vector<std::string>& items) {
  std::size_t size = 5;
  for (const auto& each : items) size += each.size();
  model::writer w(size);
  w.u8(version_1).u32(static_cast<std::uint32_t>(items.size()));
  for (const auto& each : items) w.raw(each);
  return w.take();
}

std::optional<std::vector<batched_command>> decode_batch(std::string_view payload) {
  model::reader r(payload);
  if (r.u8() != version_1) return std::nullopt;
  auto count = r.u32();
  if (count == 0 || count > commands_per_entry_max) return std::nullopt;
  std::vector<batched_command> all;
  all.reserve(count);
  for (; count > 0 && r.ok(); --count) {
    batched_command c;
    c.from.node = r.u64();
    c.from.boot = r.u64();
    c.from.seq = r.u64();
    c.from.floor = r.u64();
    c.command = r.bytes(limits::command_bytes_max);
    if (c.from.node == 0 || c.from.seq == 0 || c.from.floor > c.from.seq || c.command.empty()) return std::nullopt;
    all.push_back(c);
  }
  if (!r.finished()) return std::nullopt;
  return all;
}

}  // namespace nacre::cluster::raft
