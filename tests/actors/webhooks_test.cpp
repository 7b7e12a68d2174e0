// The signing secret of a webhook: made and sealed by the actor, shown once, bound to its place.

#include "model/webhooks.hpp"

#include "actors/sealing.hpp"
#include "tests/support/installation.hpp"

using namespace nacre;
using namespace nacre::testing;

namespace {

const user_id owner = user_no(1), member = user_no(2);
const workspace_id home = workspace_no(1);

struct with_webhook : installation {
  explicit with_webhook(actors::settings s = {}) : installation(std::move(s)) {
    found(home);
    join(member, model::role::member);
    auto a = ask(as(owner), actors::issue_webhook{"https://hooks.example.com", 0});
    REQUIRE_FALSE(a.outcome.refused);
    secret = text_of(a);
    id = std::get<model::webhook_entry>(a.outcome.what).id;
  }
  actors::answer rotate(model::context ctx) {
    return ask(std::move(ctx), actors::edit_webhook{{id, {}, {}, {}, {}}, true});
  }
  std::string opened(const model::webhook_record::secret& which) {
    auto got = actors::open_webhook_secret(*view(), keys, home, id, which);
    return got ? std::string(got->view()) : "";
  }
  model::webhook_record record() { return model::find_webhook(*view(), home, id).value(); }
  std::string secret;
  webhook_id id;
};

}  // namespace

TEST_CASE("a webhook's secret is shown when it is made, and lies sealed", "[actors][webhooks]") {
  with_webhook node;
  CHECK(node.secret.size() == 49);
  CHECK(node.opened(node.record().current) == node.secret);
  CHECK_FALSE(holds_bytes(*node.view(), node.secret));
  CHECK_FALSE(holds_bytes(*node.view(), node.secret.substr(6)));
  auto refused = node.ask(node.as(member), actors::issue_webhook{"https://hooks.example.com", 0});
  CHECK(refused.outcome.refused.value().code == errc::forbidden);
  CHECK(refused.token.empty());
  CHECK(broken_in(*node.view()) == "");
}

TEST_CASE("a changed secret is shown once, and the old one opens beside it", "[actors][webhooks]") {
  with_webhook node;
  auto plain = node.ask(node.as(owner), actors::edit_webhook{{node.id, "https://b.example", {}, {}, {}}, false});
  CHECK_FALSE(plain.outcome.refused);
  CHECK(plain.token.empty());
  auto ctx = node.as(owner);
  auto a = node.rotate(ctx);
  REQUIRE_FALSE(a.outcome.refused);
  CHECK(text_of(a) != node.secret);
  CHECK(text_of(a).size() == 49);
  CHECK(text_of(node.rotate(ctx)) == text_of(a));  // the same request again
  CHECK(node.opened(node.record().current) == text_of(a));
  CHECK(node.opened(node.record().previous->which) == node.secret);
  CHECK(node.rotate(node.as(member)).outcome.refused.value().code == errc::forbidden);
  CHECK(node.rotate(node.as(member)).token.empty());
  REQUIRE_FALSE(node.ask(node.as(owner), model::operation{model::delete_webhook{node.id}}).outcome.refused);
  CHECK(node.rotate(node.as(owner)).outcome.refused.value().code == errc::not_found);
}

TEST_CASE("a secret moved to another webhook or version does not open", "[actors][webhooks][T-aad-swap]") {
  with_webhook node;
  auto other = node.ask(node.as(owner), actors::issue_webhook{"https://b.example", 0});
  auto other_id = std::get<model::webhook_entry>(other.outcome.what).id;
  node.rotate(node.as(owner));
  auto row = [&](webhook_id id, std::uint32_t version) {
    return *node.view()->get(model::space::sealed, model::keys::webhook_secret(home, id, version));
  };
  for (const auto& moved : {row(other_id, 1), row(node.id, 1)}) {
    REQUIRE(node.memory->apply(
        {{storage::write::kind::put, model::space::sealed, model::keys::webhook_secret(home, node.id, 2), moved}},
        storage::durability::synced));
    CHECK(node.opened(node.record().current) == "");
  }
}

TEST_CASE("a reminder that comes late is followed by those that were due meanwhile", "[actors][webhooks][expiry]") {
  constexpr std::int64_t day_ms = 86'400'000;
  actors::settings quick;
  quick.note_flush = std::chrono::milliseconds(5);
  with_webhook node(quick);
  auto what = actors::issue_pat{"brief", model::scope_read, after(node.time.now(), 20 * day_ms)};
  REQUIRE_FALSE(node.ask(node.as(owner), std::move(what)).outcome.refused);
  node.time.advance(19 * day_ms + day_ms / 2);
  auto told = [&] {
    std::vector<std::uint32_t> days;
    for (const auto& d : model::due_deliveries(*node.view(), home, node.id, node.time.now(), 100))
      if (d.record.type == model::event_type::pat_expiring) days.push_back(d.record.days);
    return days;
  };
  CHECK(eventually([&] { return told().size() >= 3; }));
  CHECK(told() == std::vector<std::uint32_t>{14, 7, 1});
}
