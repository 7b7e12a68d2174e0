#include "cluster/raft/seen.hpp"

#include <iterator>
#include <string>
#include <utility>

#include "model/wire.hpp"

namespace nacre::cluster::raft {

namespace {

constexpr std::uint8_t version_1 = 1;

model::writer rows_of(group_id group) { return std::move(model::writer{32}.raw("log.seen/").u32(group)); }

}  // namespace

result<void> seen_tags::load(const model::view& v) {
  origins_.clear();
  changed_.clear();
  bool sound = true;
  const auto from = rows_of(group_).take();
  v.scan(model::space::meta, from, rows_of(group_ + 1).take(), [&](std::string_view key, std::string_view value) {
    model::reader node(key.substr(from.size()));
    model::reader r(value);
    origin o;
    const auto version = r.u8();
    o.boot = r.u64();
    o.floor = r.u64();
    auto count = r.u32();
    sound = sound && version == version_1 && count <= seen_ranges_max;
    for (; sound && count > 0 && r.ok(); --count) {
      const auto first = r.u64();
      o.ranges[first] = r.u64();
    }
    const auto id = node.u64();
    sound = sound && node.finished() && r.finished();
    if (sound) origins_[id] = std::move(o);
    return sound;
  });
  if (!sound || !v.trustworthy()) return fail(errc::corrupt, "what proposals have acted is damaged");
  return {};
}

bool seen_tags::holds(const origin& o, std::uint64_t boot, std::uint64_t seq) {
  if (boot != o.boot) return boot < o.boot;
  if (seq < o.floor) return true;
  auto after = o.ranges.upper_bound(seq);
  return after != o.ranges.begin() && std::prev(after)->second >= seq;
}

void seen_tags::raise_floor(origin& o, std::uint64_t floor) {
  if (floor <= o.floor) return;
  o.floor = floor;
  while (!o.ranges.empty() && o.ranges.begin()->first < floor) {
    const auto last = o.ranges.begin()->second;
    o.ranges.erase(o.ranges.begin());
    if (last >= floor) o.ranges.emplace(floor, last);
  }
}

bool seen_tags::first_time(const tag& t) {
  auto& o = origins_[t.node];
  if (t.boot > o.boot) o = {t.boot, 0, {}};  // what it proposed before its start nobody waits for
  if (t.boot == o.boot) raise_floor(o, t.floor);
  changed_.insert(t.node);
  if (holds(o, t.boot, t.seq)) return false;

  auto after = o.ranges.upper_bound(t.seq);
  const bool joins_next = after != o.ranges.end() && after->first == t.seq + 1;
  const auto last = joins_next ? after->second : t.seq;
  if (joins_next) after = o.ranges.erase(after);
  if (after != o.ranges.begin() && std::prev(after)->second + 1 == t.seq)
    std::prev(after)->second = last;
  else
    o.ranges.emplace(t.seq, last);
  if (o.ranges.size() > seen_ranges_max) raise_floor(o, o.ranges.begin()->second + 1);
  return true;
}

void seen_tags::add_changed(storage::batch& to) {
  for (auto node : changed_) {
    const auto& o = origins_[node];
    model::writer w;
    w.u8(version_1).u64(o.boot).u64(o.floor).u32(static_cast<std::uint32_t>(o.ranges.size()));
    for (const auto& [first, last] : o.ranges) w.u64(first).u64(last);
    to.push_back({storage::write::kind::put, model::space::meta, rows_of(group_).u64(node).take(), w.take()});
  }
  changed_.clear();
}

bool seen_tags::decided(node_id node, std::uint64_t boot, std::uint64_t seq) const {
  auto found = origins_.find(node);
  return found != origins_.end() && holds(found->second, boot, seq);
}

}  // namespace nacre::cluster::raft
