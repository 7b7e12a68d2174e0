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
    if (!s.given || !s.given->last) return std::make_unique<group_host::state_at>(group_host::state_at{s.at, id});
  }
  std::erase_if(streams_, [&](const auto& each) { return each.second.of == of && each.second.to == to; });
  if (streams_.size() >= streams_max) return nullptr;
  stream s;
  s.of = of;
  s.to = to;
  s.view = store_.snapshot();
  auto applied = load_applied(*s.view, of.group);
  if (!applied || applied->epoch == 0) return nullptr;
  s.at = applied->at;
  s.asked_at = now_ms;
  const auto at = s.at;
  const auto id = next_stream_++;
  streams_.emplace(id, std::move(s));
  return std::make_unique<group_host::state_at>(group_host::state_at{at, id});
}

chunk state_server::give(instance of, node_id to, const fetch& asked, std::uint64_t now_ms) {
  std::lock_guard lock(mutex_);
  end_idle(now_ms);
  chunk unknown{asked.stream, asked.chunk, false, false, 0, {}};
  auto found = streams_.find(asked.stream);
  if (found == streams_.end() || !(found->second.of == of) || found->second.to != to) return unknown;
  auto& s = found->second;
  s.asked_at = now_ms;
  if (s.given && s.given->number == asked.chunk) return *s.given;
  if (asked.chunk == 0) {  // from the beginning: whoever fetched it was started again
    s.place = {};
    s.digest = digest_of_nothing;
    s.number = 0;
    s.given.reset();
  }
  if (asked.chunk != s.number || (s.given && s.given->last)) return unknown;
  auto read = read_rows(*s.view, of.group, groups_, s.place, chunk_bytes_);
  if (!read) return unknown;
  s.digest = digest_of(s.digest, read->rows);
  s.place = std::move(read->next);
  s.given = chunk{asked.stream, s.number++, true, read->last, s.digest, std::move(read->rows)};
  return *s.given;
}

bool state_server::busy(group_id group, std::uint64_t now_ms) {
  std::lock_guard lock(mutex_);
  end_idle(now_ms);
  for (const auto& [id, s] : streams_)
    if (s.of.group == group && (!(s.given && s.given->last) || now_ms - s.asked_at < settled_ms)) return true;
  return false;
}

}  // namespace nacre::cluster::raft
