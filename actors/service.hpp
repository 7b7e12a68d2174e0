#pragma once
// What the wire talks to: orders go to their workspace's actor, questions to a current view.
//
// submit(): `reply` is called exactly once, on some thread, and must not block. An order that finds
// its queue full is answered `busy` at once; one that is past its deadline is not begun.
// query(): `done` gets a view that holds everything acknowledged before the call.
// note_*(): cheap remarks that are gathered and written later, many at a time; they may lag and,
// when the process is killed, the last ones are lost.
// Threads: any. No CAF type crosses this header.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "cluster/log.hpp"
#include "crypto/keyring.hpp"
#include "crypto/secure_bytes.hpp"
#include "model/apply.hpp"
#include "model/time.hpp"
#include "model/unique_function.hpp"

namespace nacre::actors {

// What a caller wants, before the actor has added what only it may make: ids, keys, sealed tokens.
struct issue_pat {
  std::string name;
  model::scope_set scopes = model::scope_read;
  std::optional<timestamp> expires;
};
struct found_workspace {  // ctx.workspace names the new one
  std::string name, email;
};
struct admit_claimed {  // first use of a trusted token's workspace and role
  std::string workspace_name, email;
  model::role role = model::role::member;
};
using intent = std::variant<issue_pat, found_workspace, admit_claimed, model::operation>;

struct answer {
  model::outcome outcome;
  crypto::secure_bytes token;  // of a created or revealed PAT, else empty
};

struct order {
  model::context ctx;  // stamped: ctx.now is when the node took the request
  intent what;
  cluster::deadline deadline;
  unique_function<void(answer)> reply;
};

struct settings {
  std::size_t threads = 2;                // of the actor scheduler
  std::size_t queue_per_workspace = 256;  // orders under way; beyond: busy
  std::size_t queue_total = 8'192;
  std::chrono::milliseconds idle{60'000};  // an actor without orders for so long is put to sleep
  std::chrono::milliseconds note_flush{1'000};
  std::string node = "solo";  // named in audit entries
};

struct service_stats {
  std::size_t actors = 0;        // awake
  std::size_t orders = 0;        // under way
  std::uint64_t busy_total = 0;  // refused at the door
};

class service {
 public:
  virtual ~service() = default;
  virtual void submit(order o) = 0;
  virtual void query(workspace_id ws, cluster::deadline by,
                     unique_function<void(result<std::shared_ptr<const model::view>>)> done) = 0;
  virtual void note_use(workspace_id ws, pat_id pat, timestamp at) = 0;
  // Recorded at most once an hour for the same workspace, action and object.
  virtual void note_act(workspace_id ws, std::string_view action, std::string_view object) = 0;
  // Counted, and recorded once a minute under the system workspace. `reason` is a fixed word.
  virtual void note_auth_failure(std::string_view reason) = 0;
  virtual service_stats stats() const = 0;
  // Writes what was noted, settles what is under way, for at most some seconds. The log must still run.
  virtual void stop() = 0;
  // Returns when nobody holds an order any more; bounded once the log has stopped. Replies touch what the
  // caller of submit() owns, so nothing of that may go before.
  virtual void await_idle() = 0;
};

// `log`, `keys` and `time` must outlive the service.
std::unique_ptr<service> make_service(cluster::log& log, const crypto::keyring& keys, const clock& time, settings s);

}  // namespace nacre::actors
