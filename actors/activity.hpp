#pragma once
// Remarks made on the side of requests (a PAT was used, an admin listed all), gathered until they
// are written as one command per workspace. Bounded: when it is full, new remarks are dropped, which
// costs an exact `lastUsedAt`, never a request. Threads: any.
//
// A use is written soon, but in each ten seconds once at most for the same token, and for so many workspaces at a time:
// tokens in constant use must not keep the log busy with saying so. What waits is written in the next ten, or with the
// last call.

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/commands.hpp"

namespace nacre::actors {

class activity {
 public:
  void use(workspace_id ws, pat_id pat, timestamp at);
  // `reason`: a fixed word for what was denied.
  void act(workspace_id ws, std::string_view action, std::string_view object, timestamp at,
           std::string_view reason = {});
  void reuse(workspace_id ws, pat_id pat, timestamp at);
  void auth_failure(std::string_view reason);

  struct noted {
    workspace_id workspace;
    model::note_activity what;
  };
  // What was noted and is due: uses as said above; authentication failures only when a minute has passed, or when
  // this call is the last one.
  std::vector<noted> drain(timestamp now, bool last = false);

 private:
  static constexpr std::size_t shards = 16;
  static constexpr std::size_t per_shard_max = 8'192;
  static constexpr std::size_t workspaces_per_drain = 1'024;
  struct last_use {
    timestamp at;
    bool waits = true;          // to be written
    std::int64_t written = -1;  // in which period it last was
  };
  struct shard {
    std::mutex mutex;
    // By workspace too: who imports a token chooses its id.
    std::map<std::pair<workspace_id, pat_id>, last_use> uses;
  };
  void drain_uses(std::map<workspace_id, model::note_activity>& into, std::int64_t period, bool last);
  std::array<shard, shards> shards_;
  std::size_t next_shard_ = 0;  // where the next drain begins; drain() is for one thread at a time

  // Whether this has not been noted in this hour yet, and there is room for it. Under acts_mutex_.
  bool first_this_hour(std::string key, std::int64_t hour);

  std::mutex acts_mutex_;
  std::map<workspace_id, std::vector<model::note_activity::act>> acts_;
  std::map<workspace_id, std::vector<pat_id>> reused_;
  std::size_t acts_count_ = 0;                                  // with what was reused
  std::map<std::string, std::int64_t, std::less<>> act_hours_;  // what was recorded in which hour
  std::int64_t acts_forgotten_hour_ = 0;                        // when hours gone by were last cleared from it
  std::map<std::string, std::uint32_t, std::less<>> failures_;
  std::int64_t failures_minute_ = 0;
};

}  // namespace nacre::actors
