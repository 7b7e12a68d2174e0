#include "app/standings.hpp"

#include <algorithm>
#include <utility>

#include "model/wire.hpp"

namespace nacre::app {

namespace {

using steady = std::chrono::steady_clock;

// No frame of the log begins so.
constexpr std::uint8_t word_mark = 0x57;
constexpr std::size_t version_bytes_max = 64, check_bytes_max = 64, nodes_max = 64, members_max = 16,
                      address_bytes_max = 300;

bool holds(const std::vector<cluster::peers::neighbour>& all, const cluster::peers::neighbour& one) {
  return std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.node == one.node; });
}

std::int64_t milliseconds_since(steady::time_point at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - at).count();
}

}  // namespace

std::string encode(const node_word& w) {
  model::writer out(64 + 64 * w.of.size());
  out.u8(word_mark)
      .bytes(w.version)
      .u64(static_cast<std::uint64_t>(w.certificate_end))
      .u32(w.groups)
      .bytes(w.keys_check)
      .flag(w.waits)
      .flag(w.failed);
  out.u32(static_cast<std::uint32_t>(w.members.size()));
  for (const auto& m : w.members) out.u64(m.node).bytes(m.address);
  out.u32(static_cast<std::uint32_t>(w.of.size()));
  for (const auto& g : w.of)
    out.u8(g.role)
        .u64(g.leader)
        .u64(g.epoch)
        .u64(g.term)
        .u64(g.commit_index)
        .u64(g.applied_index)
        .flag(g.fetching)
        .u64(g.fetched_bytes);
  if (w.clock) out.time(*w.clock);
  return out.take();
}

// A newer node may say more behind it.
std::optional<node_word> decode_word(std::string_view frame) {
  model::reader in(frame);
  if (in.u8() != word_mark) return std::nullopt;
  node_word w;
  w.version = in.text(version_bytes_max);
  w.certificate_end = static_cast<std::int64_t>(in.u64());
  w.groups = in.u32();
  w.keys_check = in.text(check_bytes_max);
  w.waits = in.flag();
  w.failed = in.flag();
  const auto members = in.u32();
  if (members > members_max) return std::nullopt;
  for (std::uint32_t i = 0; i < members && in.ok(); ++i) {
    const auto node = in.u64();
    w.members.push_back({node, in.text(address_bytes_max)});
  }
  const auto groups = in.u32();
  if (groups > limits::cluster_groups_max) return std::nullopt;
  for (std::uint32_t i = 0; i < groups && in.ok(); ++i) {
    node_word::group g;
    g.role = in.u8();
    g.leader = in.u64();
    g.epoch = in.u64();
    g.term = in.u64();
    g.commit_index = in.u64();
    g.applied_index = in.u64();
    g.fetching = in.flag();
    g.fetched_bytes = in.u64();
    w.of.push_back(g);
  }
  if (in.ok() && !in.finished()) w.clock = in.time();
  // What is shown to people and in JSON.
  const bool plain = std::all_of(w.version.begin(), w.version.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!in.ok() || !plain) return std::nullopt;
  return w;
}

node_word word_of(const cluster::cluster_status& s) {
  node_word w;
  w.groups = static_cast<std::uint32_t>(s.groups.size());
  w.waits = s.members.empty();
  w.members = s.members_reached;
  for (const auto& g : s.groups)
    w.of.push_back({static_cast<std::uint8_t>(g.role), g.leader, g.epoch, g.term, g.commit_index, g.applied_index,
                    g.fetching, g.fetched_bytes});
  return w;
}

std::optional<timestamp> agreed_time(timestamp own, std::vector<timestamp> others, std::size_t members) {
  others.push_back(own);
  if (others.size() <= members / 2) return std::nullopt;
  std::sort(others.begin(), others.end());
  return std::min(own, others[others.size() - (members / 2 + 1)]);
}

void standings::tell(const node_word& mine) {
  const auto frame = encode(mine);
  for (const auto& p : below_.status())
    if (p.connected) below_.send(p.node, frame);
  std::lock_guard lock(connecting_);
  const auto now = steady::now();
  if (std::erase_if(leaving_, [now](const auto& each) { return each.until < now; }) > 0) connect();
}

std::map<cluster::node_id, node_word> standings::heard(moment since) const {
  std::map<cluster::node_id, node_word> out;
  std::lock_guard lock(hearing_);
  for (const auto& [node, each] : said_)
    if (each.at >= since) {
      auto& word = out.emplace(node, each.what).first->second;
      if (word.clock) word.clock = kept_after(*word.clock, milliseconds_since(each.at));
    }
  return out;
}

void standings::invite(std::vector<neighbour> guests) {
  std::lock_guard lock(connecting_);
  const auto until = steady::now() + leaving_lasts;  // the log may be about to want them
  for (auto& was : std::exchange(guests_, std::move(guests)))
    if (!holds(guests_, was)) leaving_.push_back({std::move(was), until});
  connect();
}

result<void> standings::start(receiver on_frame) {
  return below_.start([this, on_frame = std::move(on_frame)](cluster::node_id from, std::string frame) {
    auto word = decode_word(frame);
    if (!word) return on_frame(from, std::move(frame));
    std::lock_guard lock(hearing_);
    if (said_.size() >= nodes_max)
      std::erase_if(said_, [](const auto& each) { return each.second.at < steady::now() - word_lasts; });
    if (said_.size() < nodes_max || said_.contains(from)) said_[from] = {std::move(*word), steady::now()};
  });
}

void standings::set_neighbours(std::vector<neighbour> all) {
  std::lock_guard lock(connecting_);
  const auto until = steady::now() + leaving_lasts;
  for (auto& was : std::exchange(neighbours_, std::move(all)))
    if (!holds(neighbours_, was)) leaving_.push_back({std::move(was), until});
  connect();
}

void standings::connect() {
  auto all = neighbours_;
  for (const auto& g : guests_)
    if (!holds(all, g)) all.push_back(g);
  for (const auto& each : leaving_)
    if (!holds(all, each.who)) all.push_back(each.who);
  below_.set_neighbours(std::move(all));
}

}  // namespace nacre::app
