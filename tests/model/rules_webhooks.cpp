// Webhooks: who may have them, what they are told, and how deliveries leave the line.

#include <map>
#include <set>

#include "model/webhooks.hpp"
#include "tests/model/secrets_world.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

using fate = settle_deliveries::fate;

struct telling : world {
  webhook_id hook = webhook_no(1);
  explicit telling(event_set events = 0) { add(1, events); }

  void add(std::uint64_t n, event_set events = 0) {
    made(owner, create_webhook{webhook_no(n), "https://hooks.example.com/" + std::to_string(n), events, 1, "secret"});
  }
  std::vector<waiting_delivery> waiting(std::uint64_t n = 1, timestamp until = time_max) const {
    return due_deliveries(st, ws, webhook_no(n), until, 10'000);
  }
  webhook_progress progress(std::uint64_t n = 1) const {
    return row<webhook_progress>(keys::webhook_progress(ws, webhook_no(n))).value();
  }
  webhook_record record(std::uint64_t n = 1) const { return find_webhook(st, ws, webhook_no(n)).value(); }
  std::vector<due_webhook> due() const {
    std::vector<due_webhook> out;
    each_due_webhook(st, [&](const due_webhook& d) {
      out.push_back(d);
      return true;
    });
    return out;
  }
  void settle(const waiting_delivery& d, fate how, std::int64_t next_in_ms = 5'000, std::uint16_t status = 500) {
    made(as_system(), settle_deliveries{{{hook, d.due, d.seq, how, after(now, next_in_ms), status}}});
  }
  std::set<std::string> told(std::uint64_t n = 1) const {
    std::set<std::string> out;
    for (const auto& d : waiting(n)) out.insert(std::string(name_of(d.record.type)));
    return out;
  }
};

}  // namespace

TEST_CASE("owners and admins have webhooks, others are refused", "[model][webhooks]") {
  telling w;
  w.made(w.admin, create_webhook{webhook_no(2), "https://b.example", 0, 1, "s"});
  const operation all[] = {create_webhook{webhook_no(3), "https://c.example", 0, 1, "s"},
                           change_webhook{w.hook, "https://d.example", {}, {}, {}}, ping_webhook{w.hook},
                           delete_webhook{w.hook}};
  for (const auto& op : all) {
    INFO(action_of(op));
    CHECK(w.refused(w.member, op) == errc::forbidden);
    CHECK(w.refused(w.stranger, op) == errc::forbidden);
  }
  CHECK(list_webhooks(w.st, w.as(w.member), {}).error().code == errc::forbidden);
  CHECK(get_webhook(w.st, w.as(w.member), w.hook).error().code == errc::forbidden);
  w.made(w.owner, new_pat(1, scope_write));
  for (const auto& op : all)
    CHECK(w.refused(w.with_pat(w.owner, pat_no(1), scope_write), op) == errc::insufficient_scope);
  CHECK(w.refused(w.owner, settle_deliveries{}) == errc::forbidden);
  auto listed = list_webhooks(w.st, w.as(w.admin), {}).value();
  CHECK(listed.total == 2);
  CHECK(listed.items[0].id == w.hook);
  CHECK(list_webhooks(w.st, w.as(w.admin), {1, 1})->items[0].id == webhook_no(2));
  for (const auto& op : {operation{change_webhook{webhook_no(9), {}, {}, {}, {}}},
                         operation{ping_webhook{webhook_no(9)}}, operation{delete_webhook{webhook_no(9)}}})
    CHECK(w.refused(w.owner, op) == errc::not_found);
}

TEST_CASE("what people do to webhooks is on record", "[model][webhooks]") {
  telling w;
  CHECK(w.last_audit_has(R"("action":"webhook.create")"));
  w.made(w.admin, change_webhook{w.hook, "https://d.example/secret-path", {}, {}, {}});
  CHECK(w.last_audit_has(R"("action":"webhook.update")"));
  CHECK_FALSE(w.last_audit_has("secret-path"));
  w.made(w.admin, change_webhook{w.hook, {}, {}, {}, change_webhook::new_secret{2, 1, "new"}});
  CHECK(w.last_audit_has(R"("action":"webhook.rotate")"));
  w.made(w.admin, ping_webhook{w.hook});
  CHECK(w.last_audit_has(R"("action":"webhook.test")"));
  auto before = w.audit_size();
  w.made(w.admin, change_webhook{w.hook, "https://d.example/secret-path", 0, true, {}});
  CHECK(w.audit_size() == before);  // nothing changed
  w.made(w.admin, delete_webhook{w.hook});
  CHECK(w.last_audit_has(R"("action":"webhook.delete")"));
  CHECK(w.last_audit_has(R"("object":")" + to_string(w.hook)));
}

TEST_CASE("each thing done to a PAT is told once to each webhook that wants it", "[model][webhooks]") {
  telling w;
  w.add(2, bit_of(event_type::pat_revoked));
  w.add(3, bit_of(event_type::secret_burned));
  auto ctx = w.as(w.member);
  w.made(ctx, new_pat(1));
  w.made(ctx, new_pat(1));  // a retry
  CHECK(w.told() == std::set<std::string>{"pat.created"});
  w.made(w.member, reveal_pat{pat_no(1)});
  w.made(w.member, revoke_pat{pat_no(1)});
  CHECK(w.told() == std::set<std::string>{"pat.created", "pat.revealed", "pat.revoked"});
  CHECK(w.told(2) == std::set<std::string>{"pat.revoked"});
  CHECK(w.told(3).empty());
  CHECK(w.waiting().size() == 3);
  // What was denied was not done.
  w.run(w.member, reveal_pat{pat_no(1)});
  CHECK(w.refused(w.member, revoke_pat{pat_no(1)}) == errc::not_found);
  CHECK(w.waiting().size() == 3);
  std::set<std::string> ids;
  for (std::uint64_t n : {1u, 2u})
    for (const auto& d : w.waiting(n)) ids.insert(to_string(d.record.id));
  CHECK(ids.size() == 4);
}

TEST_CASE("another workspace's webhooks hear nothing", "[model][webhooks]") {
  telling w;
  w.ws = ws_no(2);
  w.made(w.owner, create_workspace{"Other", "", "wrapped"});
  w.made(w.owner, new_pat(1));
  w.ws = ws_no(1);
  CHECK(w.waiting().empty());
}

TEST_CASE("a body holds ids and fixed words", "[model][webhooks]") {
  delivery_record d;
  d.id = *parse_uuid("63eb533d-c954-8bf1-b209-354d12dea14e");
  d.type = event_type::pat_revealed;
  d.created = timestamp{1'800'000'000'123};
  d.object = "706cc207-1421-44f6-bb6e-f02eef797f96";
  d.actor = 1;
  d.user = user_no(1);
  auto ws = ws_no(1);
  CHECK(body_of(ws, d) ==
        R"({"id":"63eb533d-c954-8bf1-b209-354d12dea14e","type":"pat.revealed","created":"2027-01-15T08:00:00.123Z",)"
        R"("workspace_id":"10000000-0000-0000-0000-000000000001",)"
        R"("data":{"pat_id":"706cc207-1421-44f6-bb6e-f02eef797f96",)"
        R"("actor":{"kind":"jwt","user_id":"20000000-0000-0000-0000-000000000001"}}})");
  d.type = event_type::pat_expiring;
  d.days = 7;
  d.actor = 3;
  d.user = {};
  CHECK(body_of(ws, d).ends_with(R"(f96","days_left":7,"actor":{"kind":"system","user_id":null}}})"));
  d.type = event_type::secret_burned;
  d.object = "1a2b3c4d";
  d.actor = 4;
  CHECK(body_of(ws, d).ends_with(R"("data":{"secret_ref":"1a2b3c4d","actor":{"kind":"guest","user_id":null}}})"));
  d.object = "\",\"x\":\"";  // whatever a disk may say
  CHECK(body_of(ws, d).find(R"("secret_ref":"")") != std::string::npos);
}

TEST_CASE("a delivery leaves the line by its settling only", "[model][webhooks]") {
  telling w;
  w.made(w.member, new_pat(1));
  auto d = w.waiting().at(0);
  CHECK(d.due == w.now);
  REQUIRE(w.due().size() == 1);
  CHECK(w.due()[0].workspace == w.ws);

  w.settle(d, fate::retry);
  CHECK(w.waiting(1, w.now).empty());
  auto again = w.waiting().at(0);
  CHECK(again.due == after(w.now, 5'000));
  CHECK(again.seq == d.seq);
  CHECK(again.record.attempts == 1);
  CHECK(body_of(w.ws, again.record) == body_of(w.ws, d.record));
  CHECK(w.due().at(0).due == again.due);
  CHECK(w.progress().failing == 1);

  auto before = w.st.all();
  w.settle(d, fate::delivered);  // settled before: it is no longer there
  CHECK(w.st.all() == before);

  w.settle(again, fate::delivered, 0, 204);
  CHECK(w.waiting().empty());
  CHECK(w.due().empty());
  auto p = w.progress();
  CHECK(p.delivered == 1);
  CHECK(p.failed == 1);
  CHECK(p.failing == 0);
  CHECK(p.last_status == 204);
  CHECK(p.last_delivered == w.now);
}

TEST_CASE("giving up is on record, once for many", "[model][webhooks]") {
  telling w;
  w.made(w.member, new_pat(1));
  w.made(w.member, new_pat(2));
  settle_deliveries op;
  for (const auto& d : w.waiting()) op.items.push_back({w.hook, d.due, d.seq, fate::given_up, {}, 0});
  auto before = w.audit_size();
  w.made(w.as_system(), op);
  CHECK(w.audit_size() == before + 1);
  CHECK(w.last_audit_has(R"("action":"webhook.give_up")"));
  CHECK(w.last_audit_has(R"("count":2)"));
  CHECK(w.progress().given_up == 2);
  CHECK(w.progress().waiting == 0);
  CHECK(w.record().enabled);
}

TEST_CASE("a receiver that is gone switches its webhook off", "[model][webhooks]") {
  telling w;
  w.made(w.member, new_pat(1));
  w.made(w.member, new_pat(2));
  w.settle(w.waiting().at(0), fate::gone, 0, 410);
  CHECK_FALSE(w.record().enabled);
  CHECK(w.record().gone);
  CHECK(w.last_audit_has(R"("action":"webhook.disable")"));
  CHECK(w.due().empty());
  w.made(w.member, new_pat(3));
  CHECK(w.waiting().size() == 1);
  CHECK(w.refused(w.owner, ping_webhook{w.hook}) == errc::conflict);
  // What waited goes on waiting, and goes out once somebody switches it on again.
  w.made(w.owner, change_webhook{w.hook, {}, {}, true, {}});
  CHECK_FALSE(w.record().gone);
  CHECK(w.due().size() == 1);
}

TEST_CASE("a line is bounded: the oldest go first, and are counted", "[model][webhooks]") {
  telling w;
  for (std::uint32_t i = 0; i < limits::webhook_waiting_max; ++i) {
    emit(w.st, w.as(w.owner), {event_type::ping});
    w.now = after(w.now, 1);
  }
  CHECK(w.progress().waiting == limits::webhook_waiting_max);
  w.settle(w.waiting().at(0), fate::retry, 1'000'000);  // the oldest, though it is due last
  emit(w.st, w.as(w.owner), {event_type::ping});
  CHECK(broken(w.st) == "");
  CHECK(w.progress().waiting == limits::webhook_waiting_max - limits::webhook_drop_batch + 1);
  CHECK(w.progress().dropped == limits::webhook_drop_batch);
  for (const auto& d : w.waiting()) CHECK(d.seq > limits::webhook_drop_batch);
  w.made(w.owner, delete_webhook{w.hook});
  CHECK(w.waiting().empty());
  CHECK(w.due().empty());
}

TEST_CASE("a new secret leaves the old one beside it for a day", "[model][webhooks]") {
  telling w;
  auto rotate = [&](std::uint32_t version) {
    return operation{change_webhook{w.hook, {}, {}, {}, change_webhook::new_secret{version, 1, "new"}}};
  };
  CHECK(w.refused(w.owner, rotate(1)) == errc::conflict);
  CHECK(w.refused(w.owner, rotate(3)) == errc::conflict);
  w.made(w.owner, rotate(2));
  CHECK(w.record().current.version == 2);
  CHECK(w.record().previous->which.version == 1);
  CHECK(w.record().previous->until == after(w.now, limits::webhook_old_secret_ms));
  w.made(w.owner, rotate(3));  // the first is gone at once: invariants count the sealed rows
  CHECK(w.record().previous->which.version == 2);
  w.made(w.owner, ping_webhook{w.hook});
  w.now = after(w.now, limits::webhook_old_secret_ms);
  w.settle(w.waiting().at(0), fate::delivered, 0, 200);
  CHECK_FALSE(w.record().previous);
}

TEST_CASE("whatever happens in whatever order, lines, counters and index agree", "[model][webhooks]") {
  auto seed = nacre::testing::announced_seed("webhooks");
  CAPTURE(seed);
  nacre::testing::random_source random(seed);
  telling w;
  std::size_t delivered = 0;
  for (int step = 0; step < 400 || (delivered <= 10 && step < 4'000); ++step) {
    INFO(step);
    w.now = after(w.now, static_cast<std::int64_t>(random.below(3)) * 1'000 - (random.one_in(10) ? 5'000 : 0));
    auto n = 1 + random.below(3);
    auto id = webhook_no(n);
    bool there = find_webhook(w.st, w.ws, id).has_value();
    switch (random.below(8)) {
      case 0:
        if (!there) w.add(n, random.one_in(2) ? 0 : bit_of(event_type::pat_created));
        break;
      case 1:
        if (there && random.one_in(4)) w.made(w.owner, delete_webhook{id});
        break;
      case 2:
        if (there) w.made(w.owner, change_webhook{id, {}, {}, random.one_in(2), {}});
        break;
      case 3:
        if (there)
          w.made(w.owner,
                 change_webhook{id, {}, {}, {}, change_webhook::new_secret{w.record(n).current.version + 1, 1, "new"}});
        break;
      case 4:
        w.run(w.owner, ping_webhook{id});
        break;
      case 5:
        w.run(w.member, new_pat(static_cast<std::uint64_t>(step) + 1));
        break;
      default: {
        settle_deliveries op;
        for (const auto& d : w.waiting(n)) {
          if (random.one_in(3)) continue;
          auto how = random.one_in(30) ? fate::gone : static_cast<fate>(1 + random.below(3));
          delivered += how == fate::delivered;
          op.items.push_back(
              {id, d.due, d.seq, how, after(w.now, static_cast<std::int64_t>(random.below(9'000))), 200});
          if (random.one_in(10)) op.items.push_back(op.items.back());
        }
        w.made(w.as_system(), op);
      }
    }
  }
  CHECK(delivered > 10);
}

TEST_CASE("a workspace holds a bounded number of webhooks, and none when it is deleted", "[model][webhooks]") {
  telling w;
  for (std::uint64_t n = 2; n <= limits::webhooks_per_workspace_max; ++n) w.add(n);
  CHECK(w.refused(w.owner, create_webhook{webhook_no(99), "https://a.example", 0, 1, "s"}) == errc::conflict);
  w.made(w.member, new_pat(1));
  CHECK(w.due().size() == limits::webhooks_per_workspace_max);
  w.made(w.owner, delete_webhook{webhook_no(5)});
  w.add(99);
  CHECK(w.refused(w.owner, create_webhook{webhook_no(99), "https://a.example", 0, 1, "s"}) == errc::conflict);
  w.made(w.owner, delete_workspace{});
  CHECK(w.due().empty());
}

TEST_CASE("a retried request about a webhook that is gone meanwhile says so", "[model][webhooks]") {
  world w;
  auto ctx = w.as(w.owner);
  create_webhook op{webhook_no(1), "https://a.example", 0, 1, "s"};
  w.made(ctx, op);
  w.made(w.owner, delete_webhook{webhook_no(1)});
  auto o = w.run(ctx, op);
  CHECK(o.replayed);
  CHECK(o.refused.value().code == errc::not_found);
}

TEST_CASE("without webhooks an event costs one read and writes nothing", "[model][webhooks]") {
  world w;
  auto reads = w.st.reads();
  auto before = w.st.all();
  emit(w.st, w.as(w.owner), {event_type::pat_created, "x"});
  CHECK(w.st.reads() == reads + 1);
  CHECK(w.st.all() == before);
}

TEST_CASE("failed deliveries come again later and later, then never", "[model][webhooks]") {
  constexpr std::int64_t s = 1'000, waits[] = {5 * s, 30 * s, 120 * s, 600 * s, 3'600 * s, 21'600 * s, 86'400 * s};
  for (std::uint32_t n = 1; n <= 7; ++n) {
    CHECK(*retry_after_ms(n, 0) == waits[n - 1] * 4 / 5);
    CHECK(*retry_after_ms(n, 0x80000000u) == waits[n - 1]);
    CHECK(*retry_after_ms(n, 0xffffffffu) < waits[n - 1] * 6 / 5);
    CHECK(*retry_after_ms(n, 0xffffffffu) >= waits[n - 1] * 6 / 5 - 1);
  }
  CHECK_FALSE(retry_after_ms(8, 0));
  CHECK_FALSE(retry_after_ms(0, 0));
}

TEST_CASE("names of events and their texts agree, and a set without any means all", "[model][webhooks]") {
  std::set<std::string_view> names;
  for (std::uint8_t n = 1; n <= event_types; ++n) {
    auto t = static_cast<event_type>(n);
    CHECK(names.insert(name_of(t)).second);
    CHECK(parse_event_type(name_of(t)) == t);
    CHECK(wants(0, t));
    CHECK(wants(bit_of(t), t));
    CHECK_FALSE(wants(every_event & ~bit_of(t), t));
  }
  CHECK_FALSE(parse_event_type("pat.Created"));
  CHECK_FALSE(parse_event_type(""));
}

TEST_CASE("what becomes of an account's secret is told, with its short id only", "[model][webhooks][secrets]") {
  secrets_world w;
  w.made(w.owner, create_webhook{webhook_no(1), "https://hooks.example.com", 0, 1, "secret"});
  for (std::uint64_t n = 1; n <= 4; ++n) w.conceal(n, n == 3 ? 60 : 3600, n == 4);
  REQUIRE(w.claims(1));
  w.made(w.reader(), burn_secret{w.receipt(2), true});
  w.made(w.reader(), reserve_attempt{w.secret(4)});
  w.made(w.reader(), note_lockout{w.secret(4)});
  w.now = after(w.now, 61'000);
  w.made(w.as_system(), sweep{{{after(w.now, -1'000), due_kind::secret, w.receipt(3).value()}}});
  std::multiset<std::string> told;
  for (const auto& d : due_deliveries(w.st, w.ws, webhook_no(1), time_max, 100)) {
    told.insert(std::string(name_of(d.record.type)));
    auto body = body_of(w.ws, d.record);
    for (std::uint64_t n = 1; n <= 4; ++n) CHECK(body.find(to_string(w.secret(n))) == std::string::npos);
  }
  CHECK(told == std::multiset<std::string>{"secret.revealed", "secret.burned", "secret.locked", "secret.expired"});
}

TEST_CASE("that a PAT will expire is told 14, 7 and 1 days before, and not of one revoked or renewed",
          "[model][webhooks][expiring]") {
  constexpr std::int64_t day = 86'400'000;
  telling w(bit_of(event_type::pat_expiring));
  const auto begin = w.now;
  for (std::uint64_t n = 1; n <= 3; ++n) w.made(w.member, new_pat(n, scope_read, after(begin, 10 * day)));
  w.made(w.member, new_pat(4));
  w.made(w.member, revoke_pat{pat_no(2)});
  w.made(w.member, change_pat{pat_no(3), {}, true, after(begin, 30 * day)});
  std::map<std::string, std::vector<std::uint32_t>> told;
  for (int d = 0; d <= 31; ++d) {
    w.now = after(begin, d * day);
    sweep op;
    for (const auto& due : dues(w.st, time_min, w.now, 100)) op.dues.push_back(due.what);
    if (!op.dues.empty()) w.made(w.as_system(), op);
  }
  for (const auto& d : w.waiting()) told[d.record.object].push_back(d.record.days);
  CHECK(told == std::map<std::string, std::vector<std::uint32_t>>{{to_string(pat_no(1)), {7, 1}},
                                                                  {to_string(pat_no(3)), {14, 7, 1}}});
  CHECK(dues(w.st, time_min, after(w.now, 400 * day), 100).empty());
}
