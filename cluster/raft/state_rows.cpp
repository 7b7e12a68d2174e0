#include "cluster/raft/state_rows.hpp"

#include <array>
#include <utility>

#include "model/limits.hpp"
#include "model/wire.hpp"

namespace nacre::cluster::raft {

namespace {

using model::space;
using kind = storage::write::kind;

constexpr std::size_t key_bytes_max = 1024;
constexpr std::size_t value_bytes_max = limits::command_bytes_max;

// In the order of the stream. Of `meta` only the rows under log.seen/.
constexpr std::array<space, 5> row_parts = {space::state, space::sealed, space::audit, space::index, space::meta};

std::string seen_prefix(group_id group) { return model::writer{}.raw("log.seen/").u32(group).take(); }
std::string first_key(std::uint8_t part, group_id group) {
  return row_parts[part] == space::meta ? seen_prefix(group) : std::string{};
}
std::string past_key(std::uint8_t part, group_id group) {
  return row_parts[part] == space::meta ? seen_prefix(group + 1) : std::string(key_bytes_max, '\xff');
}

// Keys begin with the workspace, but for `index` (model/keys.hpp).
std::string_view workspace_in(space in, std::string_view key, std::string_view value) {
  if (in != space::index) return key.substr(0, 16);
  switch (key.empty() ? '\0' : key.front()) {
    case 't':
    case 'x':
    case 'o':
      return value.substr(0, 16);
    case 'u':
      return key.size() >= 33 ? key.substr(17, 16) : std::string_view{};
    case 'e':
    case 'q':
      return key.size() >= 25 ? key.substr(9, 16) : std::string_view{};
    default:
      return {};
  }
}

bool in_group(space in, std::string_view key, std::string_view value, group_id group, std::uint32_t groups) {
  if (in == space::meta) return key.starts_with(seen_prefix(group));
  return group_of_row(in, key, value, groups) == group;
}

}  // namespace

group_id group_of(workspace_id ws, std::uint32_t groups) {
  std::uint64_t h = digest_of_nothing;  // FNV-1a
  for (char c : ws.value().view()) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return static_cast<group_id>(h % groups);
}

std::optional<group_id> group_of_row(space in, std::string_view key, std::string_view value, std::uint32_t groups) {
  const auto ws = uuid_from_bytes(workspace_in(in, key, value));
  if (!ws) return std::nullopt;
  return group_of(workspace_id{*ws}, groups);
}

std::uint64_t digest_of(std::uint64_t so_far, std::string_view rows) {
  auto mix = [](std::uint64_t h, std::uint64_t word) {
    h = (h ^ word) * 0x9fb21c651e98df25u;
    return h ^ (h >> 29);
  };
  std::uint64_t h = mix(so_far, rows.size());
  for (; rows.size() >= 8; rows.remove_prefix(8)) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8; ++i) word = word << 8 | static_cast<unsigned char>(rows[i]);
    h = mix(h, word);
  }
  for (char c : rows) h = mix(h, static_cast<unsigned char>(c));
  return h;
}

std::optional<rows_read> read_rows(const model::view& v, group_id group, std::uint32_t groups, const row_place& from,
                                   std::size_t bytes_max) {
  rows_read out;
  model::writer w(bytes_max + 4096);
  out.next = from;
  while (out.next.part < row_parts.size()) {
    const auto in = row_parts[out.next.part];
    const auto start = out.next.key.empty() ? first_key(out.next.part, group) : out.next.key;
    bool full = false;
    v.scan(in, start, past_key(out.next.part, group), [&](std::string_view key, std::string_view value) {
      if (!in_group(in, key, value, group, groups)) return true;
      if (!w.view().empty() && w.view().size() + key.size() + value.size() > bytes_max) {
        out.next.key = key;
        full = true;
        return false;
      }
      w.u8(out.next.part).bytes(key).bytes(value);
      return true;
    });
    if (!v.trustworthy()) return std::nullopt;
    if (full) break;
    out.next = {static_cast<std::uint8_t>(out.next.part + 1), {}};
  }
  out.last = out.next.part >= row_parts.size();
  out.rows = w.take();
  return out;
}

std::optional<storage::batch> writes_of(std::string_view rows, group_id group, std::uint32_t groups) {
  storage::batch all;
  model::reader r(rows);
  while (r.ok() && !r.finished()) {
    const auto part = r.u8();
    if (part >= row_parts.size()) return std::nullopt;
    const auto key = r.bytes(key_bytes_max);
    const auto value = r.bytes(value_bytes_max);
    if (!r.ok() || !in_group(row_parts[part], key, value, group, groups)) return std::nullopt;
    all.push_back({kind::put, row_parts[part], std::string(key), std::string(value)});
  }
  if (!r.finished()) return std::nullopt;
  return all;
}

std::optional<storage::batch> erasures(const model::view& v, group_id group, std::uint32_t groups, row_place& from,
                                       std::size_t rows_max) {
  storage::batch all;
  for (; from.part < row_parts.size(); from = {static_cast<std::uint8_t>(from.part + 1), {}}) {
    const auto in = row_parts[from.part];
    if (groups == 1) {  // everything goes at once
      all.push_back({kind::erase_range, in, first_key(from.part, group), past_key(from.part, group)});
      continue;
    }
    const auto start = from.key.empty() ? first_key(from.part, group) : from.key;
    v.scan(in, start, past_key(from.part, group), [&](std::string_view key, std::string_view value) {
      if (!in_group(in, key, value, group, groups)) return true;
      if (all.size() >= rows_max) {
        from.key = key;
        return false;
      }
      all.push_back({kind::erase, in, std::string(key), ""});
      return true;
    });
    if (!v.trustworthy()) return std::nullopt;
    if (all.size() >= rows_max) return all;
  }
  return all;
}

}  // namespace nacre::cluster::raft
