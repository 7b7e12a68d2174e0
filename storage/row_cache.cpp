#include "storage/row_cache.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace nacre::storage {

namespace {

constexpr std::size_t unit_bytes = 16;        // rows begin at multiples of it
constexpr std::size_t row_bytes_max = 2'048;  // a larger one would push out many
constexpr std::size_t row_bytes_usual = 128;  // were rows much smaller, places would run out before bytes do
constexpr std::size_t shard_bytes_min = 64u << 10;
constexpr std::size_t steps_max = 64;  // beyond them a place is not looked for: nobody's hashes make a search long

std::uint64_t hash_of(std::string_view key) { return std::hash<std::string_view>{}(key); }
std::uint64_t upper_half(std::uint64_t hash) { return hash & 0xffff'ffff'0000'0000; }

constexpr std::size_t shards = 8;
constexpr std::size_t huge_from_bytes = 1u << 20;

}  // namespace

row_cache::pages::pages(std::size_t bytes) : bytes_(bytes) {
  auto* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<char*>(p);
  // Rows are met in no order, and with small pages where they lie would have to be looked up in memory too.
  if (bytes >= huge_from_bytes) ::madvise(p, bytes, MADV_HUGEPAGE);
}

row_cache::pages::~pages() { ::munmap(data_, bytes_); }

struct row_cache::shard::head {
  std::uint32_t bytes;  // of the whole row, padded
  std::uint32_t hash;   // its upper half
  std::uint16_t key_bytes, value_bytes;
  std::uint32_t live;  // zero: dropped, or the unused end of the ring
};

row_cache::shard::shard(std::size_t bytes_max)
    : room_(bytes_max / unit_bytes * unit_bytes),
      mask_(std::bit_ceil(room_ / row_bytes_usual) - 1),
      ring_(room_),
      slots_((mask_ + 1) * sizeof(std::uint64_t)) {}

row_cache::shard::head row_cache::shard::head_at(std::size_t at) const {
  head h;
  std::memcpy(&h, ring_.data() + at, sizeof h);
  return h;
}

std::optional<std::size_t> row_cache::shard::slot_of(std::uint64_t hash, std::string_view key) const {
  auto slot = (hash >> 32) & mask_;
  for (std::size_t step = 0; step < steps_max; ++step, slot = (slot + 1) & mask_) {
    const auto entry = slots()[slot];
    if (entry == 0) return std::nullopt;
    if (upper_half(entry) != upper_half(hash)) continue;
    const auto at = ((entry & 0xffff'ffff) - 1) * unit_bytes;
    const auto h = head_at(at);
    if (std::string_view(ring_.data() + at + sizeof h, h.key_bytes) == key) return slot;
  }
  return std::nullopt;
}

std::optional<std::string_view> row_cache::shard::find(std::uint64_t hash, std::string_view key) const {
  const auto slot = slot_of(hash, key);
  if (!slot) return std::nullopt;
  const auto at = ((slots()[*slot] & 0xffff'ffff) - 1) * unit_bytes;
  const auto h = head_at(at);
  return std::string_view(ring_.data() + at + sizeof h + h.key_bytes, h.value_bytes);
}

void row_cache::shard::hint_place(std::uint64_t hash) const { __builtin_prefetch(slots() + ((hash >> 32) & mask_)); }

void row_cache::shard::hint_row(std::uint64_t hash) const {
  auto slot = (hash >> 32) & mask_;
  for (; slots()[slot] != 0; slot = (slot + 1) & mask_) {
    if (upper_half(slots()[slot]) != upper_half(hash)) continue;
    const auto* row = ring_.data() + ((slots()[slot] & 0xffff'ffff) - 1) * unit_bytes;
    constexpr std::size_t line_bytes = 64, row_lines = 3;
    for (std::size_t n = 0; n < row_lines; ++n) __builtin_prefetch(row + n * line_bytes);
    return;
  }
}

// Those behind move up to where they would have been without it, so that a search may end at a free place.
void row_cache::shard::vacate(std::size_t slot) {
  auto* all = slots();
  for (auto next = (slot + 1) & mask_; all[next] != 0; next = (next + 1) & mask_) {
    const auto home = (all[next] >> 32) & mask_;
    if (((next - home) & mask_) < ((next - slot) & mask_)) continue;
    all[slot] = all[next];
    slot = next;
  }
  all[slot] = 0;
  --rows_;
}

void row_cache::shard::drop_oldest() {
  const auto h = head_at(first_);
  if (h.live) {
    std::string_view key(ring_.data() + first_ + sizeof h, h.key_bytes);
    if (const auto slot = slot_of(std::uint64_t{h.hash} << 32, key)) vacate(*slot);
  }
  used_ -= h.bytes;
  first_ += h.bytes;
  if (first_ == room_) first_ = 0;
}

void row_cache::shard::add(std::uint64_t hash, std::string_view key, std::string_view value) {
  const auto bytes = (sizeof(head) + key.size() + value.size() + unit_bytes - 1) / unit_bytes * unit_bytes;
  const auto to_end = room_ - next_;
  // A row lies in one piece; what is left at the end passes as a dropped row.
  const auto unused = to_end < bytes ? to_end : 0;
  while (used_ + unused + bytes > room_ || rows_ > mask_ - mask_ / 8) drop_oldest();
  if (unused > 0) {
    static_assert(sizeof(head) <= unit_bytes);  // so there is room for one
    const head filler{static_cast<std::uint32_t>(unused), 0, 0, 0, 0};
    std::memcpy(ring_.data() + next_, &filler, sizeof filler);
    used_ += unused;
    next_ = 0;
  }
  auto slot = (hash >> 32) & mask_;
  for (std::size_t step = 0; slots()[slot] != 0; slot = (slot + 1) & mask_)
    if (++step == steps_max) return;
  const head h{static_cast<std::uint32_t>(bytes), static_cast<std::uint32_t>(hash >> 32),
               static_cast<std::uint16_t>(key.size()), static_cast<std::uint16_t>(value.size()), 1};
  auto* to = ring_.data() + next_;
  std::memcpy(to, &h, sizeof h);
  key.copy(to + sizeof h, key.size());
  value.copy(to + sizeof h + key.size(), value.size());
  slots()[slot] = upper_half(hash) | (next_ / unit_bytes + 1);
  ++rows_;
  used_ += bytes;
  next_ += bytes;
  if (next_ == room_) next_ = 0;
}

void row_cache::shard::drop(std::uint64_t hash, std::string_view key) {
  const auto slot = slot_of(hash, key);
  if (!slot) return;
  const auto at = ((slots()[*slot] & 0xffff'ffff) - 1) * unit_bytes;
  auto h = head_at(at);
  h.live = 0;
  std::memcpy(ring_.data() + at, &h, sizeof h);
  vacate(*slot);
}

void row_cache::shard::clear() {
  std::memset(slots(), 0, (mask_ + 1) * sizeof(std::uint64_t));
  first_ = next_ = used_ = rows_ = 0;
}

row_cache::row_cache(space of, std::size_t bytes_max) : of_(of) {
  if (bytes_max == 0) return;
  for (std::size_t i = 0; i < shards; ++i)
    shards_.push_back(std::make_unique<shard>(std::max(bytes_max / shards, shard_bytes_min)));
}

// The rows of a workspace share a shard.
row_cache::shard& row_cache::shard_of(std::string_view key) const {
  constexpr std::size_t workspace_bytes = 16;  // every key begins with its workspace (model/keys.hpp)
  return *shards_[hash_of(key.substr(0, workspace_bytes)) % shards];
}

std::optional<std::string> row_cache::find(space in, std::string_view key, moment seen_by) const {
  std::array<std::optional<std::string>, 1> found;
  find(in, std::span(&key, 1), seen_by, found);
  return std::move(found[0]);
}

void row_cache::find(space in, std::span<const std::string_view> keys, moment seen_by,
                     std::span<std::optional<std::string>> found) const {
  if (!keeps(in)) return;
  constexpr std::size_t at_once = 4;
  std::array<std::uint64_t, at_once> hashes;
  while (!keys.empty()) {
    const auto& s = shard_of(keys[0]);
    std::size_t count = 0;
    for (; count < std::min(keys.size(), at_once) && &shard_of(keys[count]) == &s; ++count) {
      hashes[count] = hash_of(keys[count]);
      s.hint_place(hashes[count]);
    }
    {
      std::lock_guard lock(s.mutex);
      if (count > 1)
        for (std::size_t i = 0; i < count; ++i) s.hint_row(hashes[i]);
      for (std::size_t i = 0; i < count; ++i) {
        if (seen_by < s.stamp(hashes[i])) continue;
        if (const auto value = s.find(hashes[i], keys[i])) found[i].emplace(*value);
      }
    }
    keys = keys.subspan(count);
    found = found.subspan(count);
  }
}

void row_cache::learn(space in, std::string_view key, std::string_view value, moment seen_by) {
  if (!keeps(in) || key.size() + value.size() > row_bytes_max) return;
  const auto hash = hash_of(key);
  auto& s = shard_of(key);
  std::lock_guard lock(s.mutex);
  if (seen_by >= s.stamp(hash) && !s.find(hash, key)) s.add(hash, key, value);
}

void row_cache::before_write(const batch& writes) {
  for (const auto& w : writes) {
    if (!keeps(w.in)) continue;
    if (w.what == write::kind::erase_range) {  // rare, and of many rows at least
      for (auto& s : shards_) {
        std::lock_guard lock(s->mutex);
        s->stamp_all(never);
        s->clear();
      }
      return;
    }
    const auto hash = hash_of(w.key);
    auto& s = shard_of(w.key);
    std::lock_guard lock(s.mutex);
    s.stamp(hash) = never;
    s.drop(hash, w.key);
  }
}

void row_cache::after_write(const batch& writes, moment now) {
  for (const auto& w : writes) {
    if (!keeps(w.in)) continue;
    if (w.what == write::kind::erase_range) {
      for (auto& s : shards_) {
        std::lock_guard lock(s->mutex);
        s->stamp_all(now);
      }
      return;
    }
    const auto hash = hash_of(w.key);
    auto& s = shard_of(w.key);
    std::lock_guard lock(s.mutex);
    s.stamp(hash) = now;
  }
}

}  // namespace nacre::storage
