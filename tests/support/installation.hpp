#pragma once
// The parts of a node below the wire, put together as a test wants them: a clock that is set, keys that
// never change, a store in memory, the log and the actors.

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "actors/service.hpp"
#include "cluster/solo.hpp"
#include "storage/memory_store.hpp"
#include "tests/crypto/support.hpp"
#include "tests/model/invariants.hpp"
#include "tests/support/inbox.hpp"
#include "tests/support/people.hpp"
#include "tests/support/stores.hpp"

namespace nacre::testing {

class manual_clock final : public clock {
 public:
  timestamp now() const override { return timestamp{ms_.load()}; }
  void advance(std::int64_t ms) { ms_ += ms; }
  void set(timestamp t) { ms_ = t.value(); }

 private:
  std::atomic<std::int64_t> ms_{noon.value()};
};

inline crypto::keyring fixed_keyring() {
  crypto::service_keys keys;
  keys.cluster_id = "0123456789abcdef";
  keys.pepper = crypto::secure_bytes(std::string(32, 'p'));
  keys.checksum = crypto::secure_bytes(std::string(32, 'c'));
  return {crypto::test::provider(crypto::test::root_hex_a), std::move(keys)};
}

inline std::string broken_in(const model::view& v) {
  model::testing::map_state copy;
  copy_into(copy, v);
  return model::testing::broken(copy);
}

// Whether any key or value of the view holds these bytes.
inline bool holds_bytes(const model::view& v, std::string_view bytes) {
  bool found = false;
  for (std::size_t i = 0; i < model::space_count; ++i)
    v.scan(static_cast<model::space>(i), {}, std::string(64, '\xff'),
           [&](std::string_view key, std::string_view value) {
             found = found || key.find(bytes) != std::string_view::npos || value.find(bytes) != std::string_view::npos;
             return !found;
           });
  return found;
}

inline cluster::deadline in_a_while() { return std::chrono::steady_clock::now() + patience; }

struct installation {
  explicit installation(actors::settings s = {}, storage::store* outer = nullptr)
      : log(cluster::make_solo_log(outer ? *outer : store, {}, {})),
        service(actors::make_service(*log, keys, time, std::move(s))) {}
  ~installation() {
    store.release();
    service.reset();
  }

  manual_clock time;
  crypto::keyring keys = fixed_keyring();
  std::unique_ptr<storage::store> memory = storage::make_memory_store();
  held_store store{*memory};
  std::unique_ptr<cluster::log> log;
  std::unique_ptr<actors::service> service;

  std::shared_ptr<const model::view> view() const { return memory->snapshot(); }

  model::context as(user_id who, workspace_id ws = workspace_no(1)) {
    return context_of(ws, who, requests += 2, time.now());
  }
  void submit(inbox<actors::answer>& to, model::context ctx, actors::intent what, cluster::deadline by = in_a_while()) {
    service->submit({std::move(ctx), std::move(what), by, [&to](actors::answer a) { to.put(std::move(a)); }});
  }
  actors::answer ask(model::context ctx, actors::intent what, cluster::deadline by = in_a_while()) {
    auto box = std::make_shared<inbox<actors::answer>>();
    service->submit({std::move(ctx), std::move(what), by, [box](actors::answer a) { box->put(std::move(a)); }});
    if (!box->await(1)) FAIL("no answer");
    return box->next();
  }
  // A workspace with this owner.
  void found(workspace_id ws = workspace_no(1), user_id owner = user_no(1)) {
    auto a = ask(as(owner, ws), actors::found_workspace{"Pearl", "o@example.org"});
    REQUIRE_FALSE(a.outcome.refused);
  }
  void join(user_id who, model::role role, workspace_id ws = workspace_no(1), user_id owner = user_no(1)) {
    auto a = ask(as(owner, ws), model::operation{model::put_member{who, role, std::nullopt}});
    REQUIRE_FALSE(a.outcome.refused);
  }

  std::atomic<std::uint64_t> requests{1};
};

inline std::string text_of(const actors::answer& a) { return std::string(a.token.view()); }
inline const model::pat_entry& pat_of(const actors::answer& a) {
  if (const auto* r = std::get_if<model::revealed>(&a.outcome.what)) return r->pat;
  return std::get<model::pat_entry>(a.outcome.what);
}
inline actors::intent reveal(pat_id id) { return model::operation{model::reveal_pat{id, false, 10, 60}}; }
inline actors::intent issue(std::string name, model::scope_set scopes = model::scope_read) {
  return actors::issue_pat{std::move(name), scopes, std::nullopt};
}

}  // namespace nacre::testing
