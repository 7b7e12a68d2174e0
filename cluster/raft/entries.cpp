#include "cluster/raft/entries.hpp"

#include "model/limits.hpp"
#include "model/wire.hpp"

namespace nacre::cluster::raft {

namespace {
constexpr std::uint8_t version_1 = 1;
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

std::optional<std::vector<tagged_command>> decode_batch(std::string_view payload) {
  model::reader r(payload);
  if (r.u8() != version_1) return std::nullopt;
  auto count = r.u32();
  if (count == 0 || count > commands_per_entry_max) return std::nullopt;
  std::vector<tagged_command> all;
  all.reserve(count);
  for (; count > 0 && r.ok(); --count) {
    tagged_command c;
    c.from.node = r.u64();
    c.from.boot = r.u64();
    c.from.seq = r.u64();
    c.from.floor = r.u64();
    c.command = r.text(limits::command_bytes_max);
    if (c.from.node == 0 || c.from.seq == 0 || c.from.floor > c.from.seq || c.command.empty()) return std::nullopt;
    all.push_back(std::move(c));
  }
  if (!r.finished()) return std::nullopt;
  return all;
}

}  // namespace nacre::cluster::raft
