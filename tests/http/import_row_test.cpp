// The line that brings in a token issued elsewhere: what it must say, and what each slip is told.

#include "http/import_row.hpp"

#include <map>

#include "crypto/digest.hpp"
#include "model/limits.hpp"
#include "tests/support/installation.hpp"

using namespace nacre;
using namespace nacre::http;

namespace {

using fields = std::map<std::string, std::string>;

const std::string hash_hex = std::string(62, 'a') + "0F";

fields good() {
  return {{"workspaceId", R"("10000000-0000-4000-8000-000000000001")"},
          {"userId", R"("20000000-0000-4000-8000-000000000001")"},
          {"name", R"("old")"},
          {"scopes", R"(["read","admin"])"},
          {"tokenPrefix", R"("ghp_")"},
          {"tokenHash", "\"" + hash_hex + "\""},
          {"createdAt", R"("2020-01-02T03:04:05Z")"},
          {"expiresAt", "null"}};
}

std::string json_of(const fields& f) {
  std::string out;
  for (const auto& [name, value] : f) out += (out.empty() ? "{\"" : ",\"") + name + "\":" + value;
  return out + "}";
}

std::string told(const fields& f) {
  auto row = parse_import_row(json_of(f));
  if (row) return "taken";
  CHECK(row.error().code == errc::invalid);
  return row.error().text;
}

}  // namespace

TEST_CASE("an import row says all that a hash-only token needs", "[http][import]") {
  auto row = parse_import_row(json_of(good()));
  REQUIRE(row);
  CHECK_FALSE(row->id);
  CHECK(to_string(row->workspace) == "10000000-0000-4000-8000-000000000001");
  CHECK(to_string(row->owner) == "20000000-0000-4000-8000-000000000001");
  CHECK(row->name == "old");
  CHECK(row->prefix == "ghp_");
  CHECK(row->scopes == (model::scope_read | model::scope_admin));
  CHECK(row->token_hash == *crypto::from_hex(hash_hex));
  CHECK(format_rfc3339(row->created) == "2020-01-02T03:04:05Z");
  CHECK_FALSE(row->expires);

  auto more = good();
  more["id"] = R"("30000000-0000-4000-8000-00000000000A")";
  more["expiresAt"] = R"("2030-01-01T00:00:00+01:00")";
  more["comment"] = "\"fields nobody asked for are ignored\"";
  auto full = parse_import_row(json_of(more));
  REQUIRE(full);
  CHECK(to_string(*full->id) == "30000000-0000-4000-8000-00000000000a");
  CHECK(format_rfc3339(*full->expires) == "2029-12-31T23:00:00Z");
}

TEST_CASE("what may be left out of an import row", "[http][import]") {
  auto f = good();
  f.erase("scopes");
  auto row = parse_import_row(json_of(f));
  REQUIRE(row);
  CHECK(row->scopes == model::scope_read);
  f["scopes"] = "null";
  CHECK(parse_import_row(json_of(f))->scopes == model::scope_read);
  f.erase("expiresAt");
  CHECK(told(f) == "taken");
  f["id"] = "null";
  CHECK(told(f) == "taken");
  for (auto needed : {"workspaceId", "userId", "name", "tokenPrefix", "tokenHash", "createdAt"}) {
    auto without = good();
    without.erase(needed);
    INFO(needed);
    CHECK(told(without).find(needed) == 0);
  }
}

TEST_CASE("each slip in an import row is named", "[http][import]") {
  struct slip {
    std::string field, value, says;
  };
  const std::string uuid_text = "must be a UUID", time_text = "must be an RFC 3339 time";
  const slip slips[] = {
      {"id", "7", uuid_text},
      {"id", R"("00000000-0000-0000-0000-000000000000")", uuid_text},
      {"workspaceId", R"("x")", uuid_text},
      {"workspaceId", "null", uuid_text},
      {"workspaceId", R"("00000000-0000-0000-0000-000000000000")", uuid_text},
      {"userId", "[]", uuid_text},
      {"userId", R"("{20000000-0000-4000-8000-000000000001}")", uuid_text},
      {"name", "1", "must be a string"},
      {"name", R"("")", "must not be blank"},
      {"name", R"("   ")", "must not be blank"},
      {"name", R"("a\u0000b")", "control"},
      {"name", "\"" + std::string(limits::name_chars_max + 1, 'n') + "\"", "at most 100"},
      {"tokenPrefix", R"("")", "must not be blank"},
      {"tokenPrefix", "\"" + std::string(limits::token_prefix_chars_max + 1, 'p') + "\"", "at most 32"},
      {"tokenPrefix", "null", "must be a string"},
      {"tokenHash", R"("")", "hex SHA-256"},
      {"tokenHash", "\"" + hash_hex.substr(1) + "\"", "hex SHA-256"},
      {"tokenHash", "\"" + hash_hex + "00\"", "hex SHA-256"},
      {"tokenHash", "\"" + hash_hex.substr(1) + "g\"", "hex SHA-256"},
      {"tokenHash", "12", "hex SHA-256"},
      {"scopes", "[]", "must not be empty"},
      {"scopes", R"("read")", "must be a list"},
      {"scopes", R"(["READ"])", "read, write, admin and introspect"},
      {"scopes", R"(["read",1])", "read, write, admin and introspect"},
      {"createdAt", R"("yesterday")", time_text},
      {"createdAt", "1577934245", time_text},
      {"createdAt", "null", time_text},
      {"expiresAt", R"("")", time_text},
      {"expiresAt", "0", time_text},
      {"expiresAt", R"("2030-02-30T00:00:00Z")", time_text},
  };
  for (const auto& s : slips) {
    auto f = good();
    f[s.field] = s.value;
    INFO(s.field << " = " << s.value.substr(0, 60));
    auto said = told(f);
    CHECK(said.find(s.says) != std::string::npos);
    CHECK(said.find(s.field) == 0);
  }
  for (std::string broken : {"", "[]", "null", "{", R"({"name":"a","name":"b"})", "{} {}"}) {
    INFO(broken);
    auto row = parse_import_row(broken);
    REQUIRE_FALSE(row);
    CHECK(row.error().code == errc::invalid);
  }
}

TEST_CASE("limits count characters, not bytes, and the boundary is inside", "[http][import]") {
  std::string hundred;
  for (std::size_t i = 0; i < limits::name_chars_max; ++i) hundred += "\xf0\x9f\xa6\xaa";
  auto f = good();
  f["name"] = "\"" + hundred + "\"";
  f["tokenPrefix"] = "\"" + std::string(limits::token_prefix_chars_max, 'p') + "\"";
  CHECK(told(f) == "taken");
  f["name"] = "\"" + hundred + "x\"";
  CHECK(told(f) != "taken");
}

TEST_CASE("an imported token is found by the lookup of the token itself", "[http][import]") {
  auto keys = testing::fixed_keyring();
  const std::string token = "ghp_0123456789abcdef";
  auto f = good();
  f["tokenHash"] = "\"" + crypto::to_hex(crypto::view(crypto::sha256(token))) + "\"";
  auto row = parse_import_row(json_of(f));
  REQUIRE(row);
  auto op = std::get<model::import_pat>(import_operation(*row, keys, testing::pat_no(5)));
  CHECK(op.lookup == keys.token_lookup(token));
  CHECK(op.id == testing::pat_no(5));
  CHECK(op.pepper_version == keys.pepper_version());
  row->id = testing::pat_no(6);
  CHECK(std::get<model::import_pat>(import_operation(*row, keys, testing::pat_no(5))).id == testing::pat_no(6));
}
