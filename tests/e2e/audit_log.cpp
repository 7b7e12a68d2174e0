// The audit log on the wire: every act, in order, without a gap, without a secret.

#include <algorithm>
#include <bit>

#include "tests/e2e/kit.hpp"

using namespace nacre::e2e;

namespace {

const keys entry_keys{"action",  "actor",  "client",  "count", "node", "object",
                      "outcome", "reason", "request", "seq",   "time"};

const json_tree* last(const std::vector<json_tree>& log, std::string_view action, std::string_view object = {}) {
  for (auto it = log.rbegin(); it != log.rend(); ++it)
    if ((*it)["action"].text() == action && (object.empty() || (*it)["object"].text() == object)) return &*it;
  return nullptr;
}

}  // namespace

TEST_CASE("every act is one entry and the sequence has no gap", "[audit]") {
  team t(shared());
  auto pat = t.member.new_pat();
  auto id = pat["id"].text();
  CHECK(t.member.patch(pat_path(id), R"({"name":"b"})").status == 200);
  auto revealed = t.member.post(pat_path(id, "reveal"));
  CHECK(t.other.post(pat_path(id, "reveal")).status == 403);
  CHECK(t.member.post(pat_path(new_uuid(), "reveal")).status == 404);
  CHECK(t.admin.del(pat_path(id)).status == 204);
  auto ws = "/api/v1/workspaces/" + t.workspace;
  CHECK(t.owner.patch(ws, R"({"name":"Renamed"})").status == 200);
  CHECK(t.owner.put(ws + "/members/" + t.other.user(), R"({"role":"admin"})").status == 200);
  CHECK(t.owner.post(ws + "/service-users", R"({"name":"robot"})").status == 201);
  CHECK(t.owner.post(ws + "/projects", R"({"name":"a","key":"a","version":"1"})").status == 201);
  CHECK(t.owner.del(ws + "/members/" + t.other.user()).status == 204);

  auto log = audit_of(t.owner);
  keys actions;
  for (std::size_t i = 0; i < log.size(); ++i) {
    const auto& e = log[i];
    CHECK(e.keys() == entry_keys);
    CHECK(e["actor"].keys() == keys{"id", "iss", "kind", "pat", "sub"});
    CHECK(e["seq"].number() == static_cast<std::int64_t>(i + 1));
    CHECK(is_time(e["time"].text()));
    CHECK(is_uuid(e["request"].text()));
    if (e["action"].text() != "pat.list_all") actions.push_back(e["action"].text());
  }
  CHECK(actions == keys{"workspace.create", "member.admit", "member.admit", "member.admit", "member.admit",
                        "pat.create", "pat.update", "pat.reveal", "pat.reveal", "pat.reveal", "pat.revoke",
                        "workspace.rename", "member.put", "service_user.create", "project.create", "member.remove"});
  const auto* create = last(log, "pat.create");
  CHECK((*create)["object"].text() == id);
  CHECK((*create)["actor"]["id"].text() == t.member.user());
  CHECK((*create)["actor"]["kind"].text() == "jwt");
  CHECK((*create)["actor"]["iss"].text() == "nacre-dev");
  CHECK((*create)["outcome"].text() == "granted");
  CHECK((*create)["client"].text() == "127.0.0.0/24");
  std::vector<const json_tree*> reveals;
  for (const auto& e : log)
    if (e["action"].text() == "pat.reveal") reveals.push_back(&e);
  CHECK((*reveals[0])["request"].text() == revealed.header("X-Request-Id"));
  CHECK((*reveals[0])["outcome"].text() == "granted");
  CHECK((*reveals[1])["outcome"].text() == "denied");
  CHECK((*reveals[1])["reason"].text() == "forbidden");
  CHECK((*reveals[1])["actor"]["id"].text() == t.other.user());
  CHECK((*reveals[2])["reason"].text() == "not_found");
}

TEST_CASE("who is refused a reveal or a rotation is on record with the reason, once an hour", "[audit]") {
  team t(shared());
  auto pat = t.owner.new_pat();
  const auto reveal = pat_path(pat["id"].text(), "reveal"), rotate = pat_path(pat["id"].text(), "rotate");
  auto weak = t.owner.new_pat(R"("name":"weak","scopes":["read"])");
  auto narrow = t.owner.new_pat(R"("name":"narrow","scopes":["admin"],"allowedNetworks":["127.0.0.0/8"])");
  auto by_weak = t.owner.with(weak["token"].text()), by_narrow = t.owner.with(narrow["token"].text());
  auto stranger = shared().stranger(t.workspace);
  for (int i = 0; i < 3; ++i) {
    CHECK(t.member.post(rotate).status == 403);
    CHECK(by_weak.post(reveal).status == 403);
    CHECK(by_weak.post(rotate).status == 403);
    CHECK(by_narrow.post(reveal).status == 403);
    CHECK(stranger.post(reveal).status == 403);
    CHECK(stranger.post("/api/admin/user/tokens/1/rotate").status == 403);
    CHECK(stranger.in(new_uuid()).post(reveal).status == 403);
    CHECK(t.other.post(reveal).status == 403);
  }
  for (int i = 0; i < 8; ++i) CHECK(t.other.post(reveal).status == (i < 7 ? 403 : 429));
  const std::string by_owner = t.owner.user() + " ";
  const std::vector<keys> expected{
      {"pat.rotate.denied", t.member.user(), "forbidden"},
      {"pat.reveal.denied", by_owner + weak["id"].text(), "insufficient_scope"},
      {"pat.rotate.denied", by_owner + weak["id"].text(), "insufficient_scope"},
      {"pat.reveal.denied", by_owner + narrow["id"].text(), "forbidden"},
      {"pat.reveal.denied", stranger.user(), "forbidden"},
      {"pat.rotate.denied", stranger.user(), "forbidden"},
      {"pat.reveal.limited", t.other.user(), "rate_limited"},
  };
  auto noted = [&] {
    std::vector<keys> out;
    for (const auto& e : audit_of(t.owner)) {
      const auto action = e["action"].text();
      if (!action.ends_with(".denied") && !action.ends_with(".limited")) continue;
      CHECK(e["outcome"].text() == "denied");
      out.push_back({action, e["object"].text(), e["reason"].text()});
    }
    return out;
  };
  CHECK(eventually([&] { return noted().size() >= expected.size(); }, std::chrono::seconds(10)));
  CHECK_THAT(noted(), Catch::Matchers::UnorderedEquals(expected));
}

TEST_CASE("the audit log pages, for owners and admins only", "[audit]") {
  team t(shared());
  for (int i = 0; i < 7; ++i) t.owner.new_pat();
  auto whole = audit_of(t.admin);
  auto page = t.admin.get("/api/v1/audit?after=3&limit=4");
  REQUIRE(page.status == 200);
  check_json_headers(page);
  CHECK(page.json().keys() == keys{"data", "pagination"});
  CHECK(page.json()["pagination"].keys() == keys{"total", "after", "limit"});
  CHECK(page.json()["pagination"]["total"].number() == static_cast<std::int64_t>(whole.size()));
  CHECK(page.json()["pagination"]["after"].number() == 3);
  CHECK(page.json()["pagination"]["limit"].number() == 4);
  REQUIRE(page.json()["data"].size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(page.json()["data"][i] == whole[3 + i]);
  CHECK(t.admin.get("/api/v1/audit?after=999999999").json()["data"].size() == 0);
  CHECK(t.admin.get("/api/v1/audit?after=9223372036854775807").json()["data"].size() == 0);
  for (const char* query : {"?after=-1", "?after=x", "?after=9223372036854775808", "?limit=0", "?limit=1001",
                            "?limit=", "?limit=1&limit=1"}) {
    INFO(query);
    check_error(t.admin.get(std::string("/api/v1/audit") + query), 400, "invalid_request");
  }
  check_error(t.member.get("/api/v1/audit"), 403, "forbidden");
  check_error(shared().stranger(t.workspace).get("/api/v1/audit"), 403, "forbidden");
  check_error(t.owner.in("").get("/api/v1/audit"), 400, "invalid_request");
}

TEST_CASE("the head of the audit log tells its size and is signed, for owners and admins only", "[audit]") {
  team t(shared());
  auto head = t.admin.get("/api/v1/audit/head");
  REQUIRE(head.status == 200);
  check_json_headers(head);
  const auto data = head.json()["data"];
  CHECK(data.keys() == keys{"workspaceId", "size", "root", "edge", "time", "key", "signature"});
  CHECK(data["workspaceId"].text() == t.workspace);
  CHECK(data["size"].number() == static_cast<std::int64_t>(audit_of(t.owner).size()));
  CHECK(data["root"].text().size() == 64);
  CHECK(data["edge"].size() == static_cast<std::size_t>(std::popcount(static_cast<unsigned>(data["size"].number()))));
  CHECK(is_time(data["time"].text()));
  CHECK(data["signature"].text().size() == 128);

  const auto pat = t.owner.new_pat();
  const auto later = t.owner.get("/api/v1/audit/head").json()["data"];
  CHECK(later["size"].number() > data["size"].number());
  CHECK(later["root"].text() != data["root"].text());
  CHECK(later["key"].text() == data["key"].text());
  team other(shared());
  CHECK(other.owner.get("/api/v1/audit/head").json()["data"]["key"].text() == data["key"].text());
  check_error(other.owner.in(t.workspace).get("/api/v1/audit/head"), 403, "forbidden");
  check_error(t.member.get("/api/v1/audit/head"), 403, "forbidden");
  check_error(shared().stranger(t.workspace).get("/api/v1/audit/head"), 403, "forbidden");
  check_error(t.owner.with(pat["token"].text()).get("/api/v1/audit/head"), 403, "insufficient_scope");
  check_error(t.owner.in("").get("/api/v1/audit/head"), 400, "invalid_request");
}

TEST_CASE("what was refused leaves no entry unless it was a reveal", "[audit]") {
  team t(shared());
  auto before = audit_of(t.owner).size();
  CHECK(t.member.patch(pat_path(new_uuid()), R"({"name":"b"})").status == 404);
  CHECK(t.member.post("/api/v1/pats", "{}").status == 400);
  CHECK(t.owner.del("/api/v1/workspaces/" + t.workspace + "/members/" + t.owner.user()).status == 409);
  CHECK(audit_of(t.owner).size() == before);
  CHECK(t.member.post(pat_path(new_uuid(), "reveal")).status == 404);
  CHECK(audit_of(t.owner).size() == before + 1);
}

TEST_CASE("a token's use is on record once an hour, and by its id", "[audit]") {
  team t(shared());
  auto pat = t.member.new_pat();
  auto bearer = t.member.with(pat["token"].text());
  for (int i = 0; i < 5; ++i) CHECK(bearer.get("/api/v1/pats").status == 200);
  REQUIRE(eventually([&] { return last(audit_of(t.owner), "pat.use", pat["id"].text()) != nullptr; }));
  auto written = bearer.get(pat_path(pat["id"].text()));
  CHECK(written.status == 200);
  auto log = audit_of(t.owner);
  CHECK(std::count_if(log.begin(), log.end(), [](const auto& e) { return e["action"].text() == "pat.use"; }) == 1);
}

TEST_CASE("an act by token names the token's id", "[audit]") {
  team t(shared());
  auto pat = t.owner.new_pat(R"("name":"a","scopes":["write"])");
  auto made = t.owner.with(pat["token"].text()).new_pat(R"("name":"b")");
  auto log = audit_of(t.owner);
  const auto* e = last(log, "pat.create", made["id"].text());
  REQUIRE(e);
  CHECK((*e)["actor"]["kind"].text() == "pat");
  CHECK((*e)["actor"]["pat"] == pat["id"]);
  CHECK((*e)["actor"]["id"].text() == t.owner.user());
}

TEST_CASE("the audit log holds no token, name or credential", "[audit]") {
  team t(shared());
  auto pat = t.member.new_pat(R"("name":"a telling name","scopes":["admin"])");
  auto bearer = t.member.with(pat["token"].text());
  CHECK(bearer.post(pat_path(pat["id"].text(), "reveal")).status == 200);
  std::string all;
  for (int after = 0;; after += 100) {
    auto page = t.owner.get("/api/v1/audit?after=" + std::to_string(after));
    all += page.body;
    if (page.json()["data"].size() < 100) break;
  }
  for (const auto& secret : {pat["token"].text(), pat["token"].text().substr(13), hex_sha256(pat["token"].text()),
                             std::string("a telling name"), t.member.credential(), std::string("Bearer")})
    CHECK(all.find(secret) == std::string::npos);
}
