#include "cluster/raft/state_server.hpp"

#include <utility>

#include "cluster/raft/log_store.hpp"

namespace nacre::cluster::raft {

void state_server::end_idle(std::uint64_t now_ms) {
  // The caller looked at the clock before it got in here: somebody may have asked since.
  std::erase_if(streams_, [&](const auto& each) {
    return now_ms > each.second.asked_at && now_ms - each.second.asked_at > idle_ms_max;
  });
}

std::unique_ptr<group_host::state_at> state_server::open(instance of, node_id to, std::uint64_t now_ms) {
  std::lock_guard lock(mutex_);
  end_idle(now_ms);
  for (auto& [id, s] : streams_) {
    if (!(s.of == of) || s.to != to || now_ms - s.asked_at > again_ms_max) continue;
    if (!s.whole) return std::make_unique<group_host::state_at>(group_host::state_at{s.at, id});
  }
  std::erase_if(streams_, [&](const auto& each) { return each.second.of == of && each.second.to == to; });
  if (streams_.size() >= streams_max) return nullptr;
  stream s;
  s.of = of;
  s.to = to;
  s.rows = std::make_shared<reading>();
  s.rows->view = store_.snapshot();
  auto applied = load_applied(*s.rows->view, of.group);
  if (!applied || applied->epoch == 0) return nullptr;
  // The last entry of an epoch may be applied before anybody here has heard so: who began in the old epoch behind it
  // would stay there.
  auto epoch = load_epoch(*s.rows->view, of.group);
  if (!epoch || !*epoch || (*epoch)->epoch != of.epoch) return nullptr;
  s.at = applied->at;
  s.asked_at = now_ms;
  const auto at = s.at;
  const auto id = next_stream_++;
  streams_.emplace(id, std::move(s));
  return std::make_unique<group_host::state_at>(group_host::state_at{at, id});
}

chunk state_server::give(instance of, node_id to, const fetch& asked, std::uint64_t now_ms) {
  const chunk unknown{asked.stream, asked.chunk, false, false, 0, {}};
  std::shared_ptr<reading> rows;
  {
    std::lock_guard lock(mutex_);
    end_idle(now_ms);
    auto found = streams_.find(asked.stream);
    if (found == streams_.end() || !(found->second.of == of) || found->second.to != to) return unknown;
    found->second.asked_at = now_ms;
    rows = found->second.rows;
  }
  std::lock_guard one(rows->mutex);
  auto out = read(*rows, of.group, asked);
  std::lock_guard lock(mutex_);
  if (!out) {
    // A view that failed once is believed no more: whoever asks next gets another one.
    if (!rows->view->trustworthy()) streams_.erase(asked.stream);
    return unknown;
  }
  if (auto found = streams_.find(asked.stream); found != streams_.end()) found->second.whole = out->last;
  return std::move(*out);
}

std::optional<chunk> state_server::read(reading& from, group_id group, const fetch& asked) const {
  if (from.given && from.given->number == asked.chunk) return from.given;
  if (asked.chunk == 0) {  // from the beginning: whoever fetched it was started again
    from.place = {};
    from.digest = digest_of_nothing;
    from.number = 0;
    from.given.reset();
  }
  if (asked.chunk != from.number || (from.given && from.given->last)) return std::nullopt;
  auto rows = read_rows(*from.view, group, groups_, from.place, chunk_bytes_);
  if (!rows) return std::nullopt;
  from.digest = digest_of(from.digest, rows->rows);
  from.place = std::move(rows->next);
  from.given = chunk{asked.stream, from.number++, true, rows->last, from.digest, std::move(rows->rows)};
  return from.given;
}

bool state_server::busy(group_id group, std::uint64_t now_ms) {
  std::lock_guard lock(mutex_);
  end_idle(now_ms);
  for (const auto& [id, s] : streams_)
    if (s.of.group == group && (!s.whole || now_ms - s.asked_at < settled_ms)) return true;
  return false;
}

}  // namespace nacre::cluster::raft
