// Hash-only tokens: they authenticate, and are never revealed.

#include "tests/e2e/kit.hpp"
#include "tests/support/receiver.hpp"

using namespace nacre::e2e;
using nacre::test::run;
using nacre::test::run_reading;
using nacre::test::write_whole;

namespace {

std::string foreign_token(char fill) { return "pat_wsabc123_" + std::string(64, fill); }

std::string row(const std::string& ws, const std::string& user, const std::string& token,
                const std::string& more = "") {
  return R"({"workspaceId":")" + ws + R"(","userId":")" + user +
         R"(","name":"from before","scopes":["read","write"],"tokenPrefix":"pat_wsabc123","tokenHash":")" +
         hex_sha256(token) + R"(","createdAt":"2024-05-06T07:08:09Z","expiresAt":null)" + more + "}";
}

void check_imported(installation& on, person& user, const std::string& token) {
  auto bearer = user.with(token);
  auto list = bearer.get("/api/v1/pats");
  REQUIRE(list.status == 200);
  auto pat = list.json()["data"][list.json()["data"].size() - 1];  // the oldest
  CHECK(pat["name"].text() == "from before");
  CHECK(pat["tokenPrefix"].text() == "pat_wsabc123");
  CHECK(pat["createdAt"].text() == "2024-05-06T07:08:09Z");
  CHECK_FALSE(pat["canReveal"].flag());
  auto reveal = pat_path(pat["id"].text(), "reveal");
  check_error(user.post(reveal), 422, "reveal_not_available");
  on.restart();
  person again(on.port(), user.credential(), user.workspace());
  check_error(again.post(reveal), 422, "reveal_not_available");
  CHECK(again.with(token).get("/api/v1/pats").status == 200);
  check_error(again.with(foreign_token('9')).get("/api/v1/pats"), 401, "unauthorized");
  CHECK(again.del(pat_path(pat["id"].text())).status == 204);
  check_error(again.with(token).get("/api/v1/pats"), 401, "token_revoked");
  check_error(again.post(reveal), 404, "not_found");
}

}  // namespace

TEST_CASE("tokens imported into a stopped node authenticate and stay unrevealable", "[alephant][import]") {
  installation on;
  team t(on);
  auto token = foreign_token('1');
  check_error(t.member.with(token).get("/api/v1/pats"), 401, "unauthorized");
  REQUIRE(on.node().stop() == 0);
  auto file = on.node().home() / "rows.jsonl";
  auto fresh_ws = new_uuid(), fresh_user = new_uuid();
  write_whole(file, row(t.workspace, t.member.user(), token) + "\n\n" +
                        row(fresh_ws, fresh_user, foreign_token('2'), R"(,"id":")" + new_uuid() + "\"") + "\n");
  auto done = run("nacre", {"import", "pats", "--data-dir", on.node().data().string(), "--file", file.string()});
  CHECK(done.code == 0);
  CHECK(done.output == "2 imported, 0 refused\n");
  auto again = run("nacre", {"import", "pats", "--data-dir", on.node().data().string(), "--file", file.string()});
  CHECK(again.code == 65);
  CHECK(again.output == "0 imported, 2 refused\n");
  REQUIRE(on.node().start());
  person user(on.port(), t.member.credential(), t.workspace);
  check_imported(on, user, token);
  person owner(on.port(), foreign_token('2'), fresh_ws);
  CHECK(owner.get("/api/v1/workspaces/" + fresh_ws).json()["data"]["role"].text() == "owner");
}

TEST_CASE("tokens imported into a running node authenticate and stay unrevealable", "[alephant][import]") {
  installation on;
  team t(on);
  auto token = foreign_token('3');
  auto file = on.node().home() / "rows.jsonl";
  write_whole(file, row(t.workspace, t.member.user(), token) + "\n");
  nacre::test::child_options as_owner;
  as_owner.environment["NACRE_TOKEN"] = t.owner.credential();
  const std::vector<std::string> command{"import", "pats", "--url", on.node().url(), "--file", file.string()};
  auto done = run("nacre", command, as_owner);
  INFO(done.errors);
  CHECK(done.code == 0);
  CHECK(done.output == "1 imported, 0 refused\n");
  CHECK(run("nacre", command, as_owner).code == 65);
  CHECK(run("nacre", command).code == 64);  // no credential
  check_imported(on, t.member, token);
}

TEST_CASE("an import goes at the pace the node's address limit allows", "[alephant][import]") {
  node_process::options o;
  o.arguments = {"--set", "limits.address_per_second=20", "--set", "limits.address_burst=60"};
  installation on(o);
  team t(on);
  const auto file = on.node().home() / "rows.jsonl";
  std::string rows;
  for (int i = 0; i < 100; ++i) rows += row(t.workspace, t.member.user(), std::to_string(i)) + "\n";
  write_whole(file, rows);
  nacre::test::child_options as_owner;
  as_owner.environment["NACRE_TOKEN"] = t.owner.credential();
  const auto done = run("nacre", {"import", "pats", "--url", on.node().url(), "--file", file.string()}, as_owner);
  INFO(done.errors);
  CHECK(done.code == 0);
  CHECK(done.output == "100 imported, 0 refused\n");
}

TEST_CASE("an import over HTTP says from which line on nothing is known", "[alephant][import]") {
  using nacre::test::http_status;
  nacre::test::temporary_directory dir;
  std::string rows;
  for (char each : {'a', 'b', 'c'}) rows += row(new_uuid(), new_uuid(), foreign_token(each)) + "\n";
  write_whole(dir / "rows", rows);
  nacre::test::child_options with_token;
  with_token.environment["NACRE_TOKEN"] = "a-token";
  const auto second_row_told = [&](const std::vector<std::string>& answers) {
    nacre::test::receiver server([&](const nacre::test::received&, std::size_t n) {
      return n >= 1 && n <= answers.size() ? answers[n - 1] : http_status(201);
    });
    return run("nacre", {"import", "pats", "--url", server.url(""), "--file", (dir / "rows").string()}, with_token);
  };
  const std::string lost, too_much = http_status(429, "Retry-After: 301\r\n"), busy = http_status(503);
  for (const auto& last : {lost, too_much, http_status(503, "Retry-After: 301\r\n")}) {
    const auto cut = second_row_told({last});
    CHECK(cut.code == 74);
    CHECK(cut.output == "1 imported, 0 refused, the rest unknown\n");
    CHECK(cut.errors.starts_with("line 2 and all after it: unknown, run again ("));
  }
  CHECK(second_row_told({busy}).output == "3 imported, 0 refused\n");
  CHECK(second_row_told({http_status(400)}).output == "2 imported, 1 refused\n");
}

TEST_CASE("only owners and admins import, and only into the workspace they stand in", "[alephant][import]") {
  team t(shared()), there(shared());
  auto good = [&] { return row(t.workspace, t.member.user(), new_uuid() + new_uuid()); };
  check_error(t.member.post("/api/v1/pats/import", good()), 403, "forbidden");
  check_error(there.owner.in(t.workspace).post("/api/v1/pats/import", good()), 403, "forbidden");
  check_error(there.owner.post("/api/v1/pats/import", good()), 400, "invalid_request");
  // Who knows a token acts as its owner: an admin brings in their own only.
  for (const auto& other : {t.owner.user(), t.member.user()})
    check_error(t.admin.post("/api/v1/pats/import", row(t.workspace, other, "known to the admin")), 403, "forbidden");
  auto once = row(t.workspace, t.admin.user(), new_uuid() + new_uuid());
  auto made = t.admin.post("/api/v1/pats/import", once);
  CHECK(made.status == 201);
  CHECK(made.body.find("okenHash") == std::string::npos);
  check_error(t.admin.post("/api/v1/pats/import", once), 409, "conflict");
  CHECK(t.owner.get("/api/v1/pats").json()["pagination"]["total"].number() == 1);
}

TEST_CASE("a token brings in none that may more than itself", "[alephant][import]") {
  team t(shared());
  const auto brought = [&](const auto& by, const std::string& scopes) {
    auto stronger = row(t.workspace, t.owner.user(), new_uuid() + new_uuid());
    stronger.replace(stronger.find(R"(["read","write"])"), 16, scopes);
    return t.owner.with(by["token"].text()).post("/api/v1/pats/import", stronger);
  };
  auto few = t.owner.new_pat(R"("name":"few","scopes":["admin"],"maxUses":5)");
  check_error(brought(few, R"(["read"])"), 403, "forbidden");
  auto all = t.owner.new_pat(R"("name":"admin","scopes":["admin"])");
  check_error(brought(all, R"(["read","introspect"])"), 403, "insufficient_scope");
  CHECK(brought(all, R"(["admin"])").status == 201);
  CHECK(t.owner.get("/api/v1/pats").json()["pagination"]["total"].number() == 3);
}

TEST_CASE("an import row that breaks a rule is refused", "[alephant][import]") {
  team t(shared());
  auto good = row(t.workspace, t.member.user(), "x");
  auto changed = [&](std::string_view from, std::string_view to) {
    auto out = good;
    auto at = out.find(from);
    REQUIRE(at != std::string::npos);
    return out.replace(at, from.size(), to);
  };
  auto hash = hex_sha256("x");
  for (const auto& bad :
       {std::string("{}"), std::string("[]"), changed(t.workspace, "x"), changed(t.member.user(), "x"),
        changed(hash, hash.substr(1)), changed(hash, "g" + hash.substr(1)), changed("\"" + hash + "\"", "null"),
        changed("from before", ""), changed("\"from before\"", "7"), changed("pat_wsabc123", ""),
        changed("pat_wsabc123", std::string(33, 'x')), changed("2024-05-06T07:08:09Z", "then"),
        changed(R"(["read","write"])", "[]"), changed("\"read\"", "\"root\""), changed("null}", "7}"),
        changed("{\"workspaceId", R"({"id":"x","workspaceId)"), changed("{", R"({"name":"twice",)")}) {
    INFO(bad);
    check_error(t.owner.post("/api/v1/pats/import", bad), 400, "invalid_request");
  }
  check_error(t.owner.send("POST", "/api/v1/pats/import", good, {{"Content-Type", "text/plain"}}), 415,
              "unsupported_media_type");
  CHECK(t.owner.get("/api/v1/pats").json()["pagination"]["total"].number() == 0);
}

TEST_CASE("an import that can write no more says from which line on nothing is known, and may be run again",
          "[alephant][import]") {
  installation on;
  team t(on);
  REQUIRE(on.node().stop() == 0);
  constexpr int rows = 6'000;
  const auto file = on.node().home() / "rows.jsonl";
  std::string text;
  for (int i = 0; i < rows; ++i) text += row(t.workspace, t.member.user(), std::to_string(i)) + "\n";
  write_whole(file, text);
  nacre::test::child_options full;
  full.file_bytes_max = 1 << 20;  // of the log of writes, some thousand rows
  const std::vector<std::string> command{"import", "pats",       "--data-dir", on.node().data().string(),
                                         "--file", file.string()};
  const auto counts = [](const nacre::test::finished& of) {
    std::pair<int, int> n;
    REQUIRE(std::sscanf(of.output.c_str(), "%d imported, %d refused", &n.first, &n.second) == 2);
    return n;
  };
  const auto cut = run("nacre", command, full);
  INFO(cut.errors);
  CHECK(cut.code == 74);
  CHECK(cut.output.ends_with(" imported, 0 refused, the rest unknown\n"));
  const auto taken = counts(cut).first;
  CHECK(taken > 0);
  CHECK(cut.errors.starts_with("line " + std::to_string(taken + 1) + " and all after it: unknown, run again ("));
  CHECK(cut.errors.find("File too large") != std::string::npos);
  CHECK(std::count(cut.errors.begin(), cut.errors.end(), '\n') == 1);

  const auto again = run("nacre", command);
  CHECK(again.code == 65);
  const auto [imported, known] = counts(again);
  CHECK(imported + known == rows);
  CHECK(known >= taken);
}

TEST_CASE("an import names the lines it refuses and says so by its exit code", "[alephant][import]") {
  installation on;
  team t(on);
  REQUIRE(on.node().stop() == 0);
  auto dir = on.node().data().string();
  auto file = on.node().home() / "rows.jsonl";
  write_whole(file, row(t.workspace, t.member.user(), "a") + "\nnot a row\n{}\n" + std::string(40'000, ' ') + "{}\n");
  auto done = run("nacre", {"import", "pats", "--data-dir", dir, "--file", file.string()});
  CHECK(done.code == 65);
  CHECK(done.output == "1 imported, 3 refused\n");
  for (const char* line : {"line 2: ", "line 3: ", "line 4: "}) CHECK(done.errors.find(line) != std::string::npos);
  CHECK(run("nacre", {"import", "pats", "--data-dir", dir, "--file", "/nowhere/rows"}).code == 74);
  nacre::test::child_options token;
  token.environment["NACRE_TOKEN"] = "x";
  for (const auto& where :
       std::vector<std::vector<std::string>>{{"--data-dir", dir}, {"--url", "http://127.0.0.1:1"}}) {
    const auto unread = run("nacre", {"import", "pats", where[0], where[1], "--file", dir}, token);
    CHECK(unread.code == 74);
    CHECK(unread.errors == "nacre: cannot read " + dir + "\n");
    CHECK(run_reading(dir, {"import", "pats", where[0], where[1], "--file", "-"}, token).code == 74);
  }
  CHECK(run("nacre", {"import", "pats", "--data-dir", on.node().home().string(), "--file", file.string()}).code == 78);
  CHECK(run("nacre", {"import", "pats", "--file", file.string()}).code == 64);
  CHECK(run("nacre", {"import", "pats", "--url", "ftp://x", "--file", file.string()}).code == 64);
  CHECK(run("nacre", {"import", "pats", "--url", "http://127.0.0.1:1", "--file", file.string()}, token).code == 69);
  REQUIRE(on.node().start());
  CHECK(run("nacre", {"import", "pats", "--data-dir", dir, "--file", file.string()}).code != 0);  // in use
}
