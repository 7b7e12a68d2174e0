// Lists of tokens that are given again: as long as they are what a view would say, to whoever they were made for, and
// no more of them than there is room for.

#include "http/kept_lists.hpp"

#include <set>
#include <thread>

#include "http/api.hpp"
#include "http/pending.hpp"
#include "tests/support/installation.hpp"

using namespace nacre;
using namespace nacre::http;
using namespace nacre::testing;

namespace {

const user_id owner = user_no(1), member = user_no(2);
const workspace_id home = workspace_no(1), away = workspace_no(9);
using family_of = model::token_family;

// Anybody by their id.
class by_word final : public crypto::authenticator {
 public:
  result<crypto::jwt_claims> verify(std::string_view compact, timestamp now, crypto::jwt_refusal*) const override {
    crypto::jwt_claims c;
    c.issuer = "https://issuer.example";
    c.subject = std::string(compact.substr(compact.find('.') + 1, 36));
    c.subject_is_user_id = true;
    c.expires_s = now.value() / 1000 + 3600;
    return c;
  }
  crypto::reload_report reload() override { return {}; }
  std::uint64_t generation() const override { return 0; }
};

struct node_of_lists : installation {
  explicit node_of_lists(std::size_t lists = 64, actors::settings s = {}, storage::store* outer = nullptr)
      : installation(std::move(s), outer) {
    api_settings rules;
    rules.limits_enabled = false;
    rules.kept_lists = lists;
    api = make_api(*service, who, keys, time, rules, {});
    found();
    join(member, model::role::member);
  }

  response get(const std::string& credential, const std::string& path, workspace_id ws = home,
               const std::string& query = {}) {
    request r;
    r.id = request_no(requests += 2);
    r.verb = method::get;
    r.path = path;
    r.query = query;
    r.headers.push_back({"Authorization", "Bearer " + credential});
    r.headers.push_back({"X-Workspace-Id", to_string(ws)});
    r.client.text = "192.0.2.7";
    r.deadline = in_a_while();
    auto box = std::make_shared<inbox<response>>();
    api(std::move(r), make_responder([box](response a) { box->put(std::move(a)); }));
    if (!box->await(1)) FAIL("no answer");
    return box->next();
  }
  static std::string jwt(user_id who) { return "eyJ." + to_string(who) + ".AA"; }
  static std::string body(const response& r) { return r.ready_body ? *r.ready_body : r.body; }
  // All that goes out of it.
  static std::string said(const response& r) {
    std::string lines = r.ready_lines ? *r.ready_lines : "";
    for (const auto& h : r.headers) lines += "\r\n" + h.name + ": " + h.value;
    return std::to_string(r.status) + lines + "\n" + body(r);
  }
  actors::answer issued(family_of f, const std::string& name, user_id by = owner,
                        model::scope_set scopes = model::scope_read) {
    actors::issue_pat what;
    what.name = name;
    what.family = f;
    what.scopes = scopes;
    if (f == family_of::unleash) what.expires = after(time.now(), 3'600'000);
    auto a = ask(as(by), std::move(what));
    INFO((a.outcome.refused ? a.outcome.refused->text : ""));
    REQUIRE_FALSE(a.outcome.refused);
    return a;
  }
  void does(model::operation what, user_id by = owner) { REQUIRE_FALSE(ask(as(by), std::move(what)).outcome.refused); }
  void renames(pat_id id, std::string name) { does(model::change_pat{id, std::move(name), false, {}, {}}); }

  by_word tokens;
  gate who{*service, tokens, keys, time, {}};
  handler api;
};

struct listing {
  family_of family;
  const char* path;
};
constexpr listing listings[] = {{family_of::alephant, "/api/v1/pats"},
                                {family_of::unleash, "/api/admin/user/tokens"},
                                {family_of::service, "/api/personal-access-tokens"}};

bool is_kept(const response& r) { return r.ready_body != nullptr; }

}  // namespace

TEST_CASE("a list is the same, headers and all, made anew, given for the first time or given again", "[http][lists]") {
  node_of_lists kept, anew(0);
  for (const auto& each : listings) {
    INFO(each.path);
    for (auto* on : {&kept, &anew}) {
      (void)on->issued(each.family, "a \"quoted\" n\xc3\xa4me");
      (void)on->issued(each.family, "b");
    }
    // Ids are random: told apart by the workspace they are in, the same token each time.
    auto first = kept.get(kept.jwt(owner), each.path), second = kept.get(kept.jwt(owner), each.path);
    CHECK(first.status == 200);
    CHECK(kept.said(first) == kept.said(second));
    CHECK(is_kept(second));
    auto plain = anew.get(anew.jwt(owner), each.path);
    CHECK_FALSE(is_kept(plain));
    auto without_ids = [](std::string text) {
      for (std::size_t at = 0; (at = text.find("\"id\":\"", at)) != text.npos;) text.erase(at + 6, 36), at += 6;
      for (std::size_t at = 0; (at = text.find("tokenPrefix\":\"", at)) != text.npos;)
        text.erase(at + 14, 12), at += 14;
      return text;
    };
    CHECK(without_ids(kept.said(second)) == without_ids(anew.said(plain)));
  }
}

TEST_CASE("a list never shows a token as it was before what has been answered", "[http][lists]") {
  for (const auto& each : listings) {
    INFO(each.path);
    node_of_lists node;
    auto mine = node.jwt(owner);
    auto shows = [&](const std::string& what) {
      auto a = node.get(mine, each.path), b = node.get(mine, each.path);
      CHECK(a.status == 200);
      CHECK(node.said(a) == node.said(b));
      CHECK(is_kept(b));
      return node.body(a).find(what) != std::string::npos;
    };
    CHECK_FALSE(shows("alpha"));
    auto first = node.issued(each.family, "alpha");
    CHECK(shows("alpha"));
    auto id = pat_of(first).id;
    node.renames(id, "beta");
    CHECK_FALSE(shows("alpha"));
    CHECK(shows("beta"));
    actors::renew_pat renewal;
    renewal.id = id;
    renewal.set_expires = true;
    renewal.expires = timestamp{1'900'000'000'000};
    REQUIRE_FALSE(node.ask(node.as(owner), renewal).outcome.refused);
    CHECK(shows("2030-03-17"));
    if (each.family != family_of::service) {
      node.time.set(timestamp{1'850'000'000'000});
      node.service->note_use(home, id, node.time.now());
      CHECK(eventually([&] { return node.body(node.get(mine, each.path)).find("2028-08-16") != std::string::npos; }));
      CHECK(shows("2028-08-16"));
    }
    node.does(model::change_pat{id, {}, false, {}, model::restrictions{{}, 7, {}}});
    CHECK(shows("\"maxUses\":7,\"uses\":0"));
    auto counted = node.as(owner);
    counted.who = {};
    counted.who.via = model::caller::kind::system;
    REQUIRE_FALSE(node.ask(counted, model::operation{model::count_use{id}}).outcome.refused);
    CHECK(shows("\"uses\":1"));
    node.does(model::revoke_pat{id});
    CHECK_FALSE(shows("beta"));
  }
}

TEST_CASE("a kept list is for its caller, credential, workspace, path and query alone", "[http][lists]") {
  node_of_lists node;
  node.found(away, owner);
  (void)node.issued(family_of::alephant, "of the owner");
  auto narrow = node.issued(family_of::alephant, "of the member", member);
  auto blind = node.issued(family_of::alephant, "cannot list", member, model::scope_introspect);
  const std::string pats = "/api/v1/pats";
  auto has = [&](const response& r, const char* what) { return node.body(r).find(what) != std::string::npos; };
  for (int i = 0; i < 3; ++i) {
    auto all = node.get(node.jwt(owner), pats), own = node.get(node.jwt(member), pats);
    CHECK(has(all, "of the owner"));
    CHECK(has(all, "of the member"));
    CHECK_FALSE(has(own, "of the owner"));
    CHECK(has(own, "of the member"));
    CHECK_FALSE(has(node.get(node.jwt(owner), pats, away), "of the"));
    CHECK(has(node.get(text_of(narrow), pats), "of the member"));
    CHECK(node.get(text_of(blind), pats).status == 403);
    CHECK(node.get(text_of(narrow), pats, away).status == 403);
    CHECK(node.get(node.jwt(member), pats, away).status == 403);
    CHECK(node.get(node.jwt(user_no(3)), pats).status == 403);
    CHECK(has(node.get(node.jwt(owner), pats, home, "limit=1"), "\"limit\":1,"));
    CHECK(has(node.get(node.jwt(owner), pats, home, "limit=2"), "\"limit\":2,"));
    CHECK(node.get(node.jwt(owner), pats, home, "limit=x").status == 400);
    CHECK(node.get("pat_ws", pats).status == 401);
  }
}

TEST_CASE("who lost a role, a membership or a credential gets no list that was made for them before", "[http][lists]") {
  node_of_lists node;
  node.does(model::put_member{member, model::role::admin, std::nullopt});
  (void)node.issued(family_of::alephant, "of the owner");
  auto pat = node.issued(family_of::alephant, "of the member", member);
  auto others = [&](const std::string& credential) {
    auto a = node.get(credential, "/api/v1/pats");
    if (a.status != 200) return std::to_string(a.status);
    return std::string(node.body(a).find("of the owner") != std::string::npos ? "all" : "own");
  };
  for (int i = 0; i < 2; ++i) {
    CHECK(others(node.jwt(member)) == "all");
    CHECK(others(text_of(pat)) == "all");
  }
  node.does(model::put_member{member, model::role::member, std::nullopt});
  for (int i = 0; i < 2; ++i) {
    CHECK(others(node.jwt(member)) == "own");
    CHECK(others(text_of(pat)) == "own");
  }
  node.does(model::change_pat{pat_of(pat).id, {}, true, after(node.time.now(), 1'000), {}});
  CHECK(others(text_of(pat)) == "own");
  CHECK(others(text_of(pat)) == "own");
  node.time.advance(1'000);  // nothing was changed: the moment alone decides
  CHECK(others(text_of(pat)) == "401");
  CHECK(others(node.jwt(member)) == "own");
  node.does(model::remove_member{member});
  CHECK(others(node.jwt(member)) == "403");
  node.does(model::delete_workspace{});
  CHECK(others(node.jwt(owner)) == "403");
}

TEST_CASE("that everybody's tokens were listed is on record, once an hour, also when the list is given again",
          "[http][lists]") {
  node_of_lists node;
  (void)node.issued(family_of::alephant, "of the member", member);
  auto on_record = [&] {
    std::size_t times = 0;
    node.view()->scan(model::space::audit, model::keys::audit(home, 0), model::keys::audit(home, UINT64_MAX),
                      [&](std::string_view, std::string_view row) {
                        times += row.find("\"action\":\"pat.list_all\"") != std::string_view::npos;
                        return true;
                      });
    return times;
  };
  CHECK(node.get(node.jwt(member), "/api/v1/pats").status == 200);
  for (std::size_t hours : {1, 2, 3}) {
    CHECK(node.get(node.jwt(owner), "/api/v1/pats").status == 200);
    CHECK(is_kept(node.get(node.jwt(owner), "/api/v1/pats")));
    CHECK(eventually([&] { return on_record() == hours; }));
    node.time.advance(3'600'000);
  }
}

TEST_CASE("a list that is given again costs no read, one that cannot be read is none", "[http][lists]") {
  auto memory = storage::make_memory_store();
  unreadable_store disk(*memory);
  actors::settings s;
  s.note_flush = std::chrono::hours(1);  // the log reads, too
  node_of_lists node(64, s, &disk);
  auto pat = text_of(node.issued(family_of::alephant, "a"));
  REQUIRE(node.get(pat, "/api/v1/pats").status == 200);
  disk.broken = true;
  CHECK(node.get(pat, "/api/v1/pats").status == 200);
  auto other = node.get(node.jwt(owner), "/api/v1/pats");
  disk.broken = false;
  CHECK(other.status == 503);
  CHECK(node.get(node.jwt(owner), "/api/v1/pats").status == 200);
}

TEST_CASE("no more lists are kept than there is room for, and none that is longer than one may be", "[http][lists]") {
  node_of_lists node(16);
  std::size_t again = 0;
  auto asked = [&](std::size_t n) {
    return node.get(node.jwt(owner), "/api/v1/pats", home, "offset=" + std::to_string(n));
  };
  std::vector<response> held;  // so that no other body comes to lie where one of these does
  for (std::size_t n = 0; n < 200; ++n) held.push_back(asked(n));
  for (std::size_t n = 0; n < 200; ++n) {
    auto r = asked(n);
    again += r.ready_body == held[n].ready_body;
  }
  CHECK(again <= 16);
  const std::string name(limits::name_chars_max, 'n');
  for (int n = 0; n < 60; ++n) (void)node.issued(family_of::alephant, name);
  auto few = node.get(node.jwt(owner), "/api/v1/pats", home, "limit=5");
  auto many = node.get(node.jwt(owner), "/api/v1/pats", home, "limit=60");
  CHECK(is_kept(few));
  CHECK(node.body(many).size() > limits::kept_list_bytes_max);
  CHECK_FALSE(is_kept(many));
  CHECK_FALSE(is_kept(
      node.get(node.jwt(owner), "/api/v1/pats", home, "x=" + std::string(limits::kept_list_path_bytes_max, 'x'))));
}

TEST_CASE("whoever lists while tokens change sees none as it was before what was acknowledged when they asked",
          "[http][lists][stress]") {
  node_of_lists node;
  auto made = node.issued(family_of::unleash, "v0");
  const auto id = pat_of(made).id;
  std::atomic<int> acknowledged{0};
  std::atomic<std::size_t> lists{0}, given_again{0};
  std::atomic<bool> stop{false};
  std::atomic<const char*> wrong{nullptr};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i)
    readers.emplace_back([&, i] {
      const auto credential = i % 2 == 0 ? text_of(made) : node_of_lists::jwt(owner);
      int seen = 0;
      std::shared_ptr<const std::string> last;
      while (!stop) {
        const int before = acknowledged;
        auto r = node.get(credential, "/api/admin/user/tokens");
        if (r.status != 200) {
          wrong = "no list";
          return;
        }
        auto body = node_of_lists::body(r);
        auto at = body.find("\"v");
        const int says = at == body.npos ? -1 : std::atoi(body.c_str() + at + 2);
        if (says < before) wrong = "behind what was acknowledged";
        if (says < seen) wrong = "behind what was seen";
        seen = says;
        ++lists;
        given_again += r.ready_body == last;
        last = r.ready_body;
      }
    });
  for (int n = 1; n <= 300; ++n) {
    node.renames(id, "v" + std::to_string(n));
    acknowledged = n;
  }
  stop = true;
  for (auto& each : readers) each.join();
  INFO((wrong.load() ? wrong.load() : ""));
  CHECK_FALSE(wrong.load());
  CHECK(lists > given_again);
  CHECK(given_again > 0);
}
