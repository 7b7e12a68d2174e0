#include "app/installation.hpp"

#include <catch2/catch.hpp>
#include <sstream>

#include "app/maintenance.hpp"
#include "crypto/token.hpp"
#include "storage/rocks_upgrade.hpp"
#include "tests/crypto/support.hpp"

using namespace nacre;
using namespace nacre::app;

namespace {

struct place {
  crypto::test::temporary_directory home;
  std::filesystem::path data = home / "data";
  result<installation> open() {
    REQUIRE(ensure_dev_root_key(data));
    installation_options o;
    o.root_key = dev_root_key_source(data);
    return open_installation(data, o);
  }
};

using kind = storage::write::kind;

}  // namespace

TEST_CASE("an installation opens again with the keys it was made with", "[app][installation]") {
  place p;
  {
    auto made = p.open();
    REQUIRE(made);
    REQUIRE(made->store->apply({{kind::put, model::space::state, "row", "value"}}, storage::durability::synced));
  }
  CHECK(p.open());
  CHECK((std::filesystem::status(p.data).permissions() & std::filesystem::perms::mask) ==
        std::filesystem::perms::owner_all);
}

TEST_CASE("data without the check value of its root key is refused, not given new keys", "[app][installation]") {
  place p;
  {
    auto made = p.open();
    REQUIRE(made);
    REQUIRE(made->store->apply(
        {{kind::put, model::space::state, "row", "value"}, {kind::erase, model::space::meta, "keys.root_check", {}}},
        storage::durability::synced));
  }
  for (int i = 0; i < 2; ++i) {
    auto opened = p.open();
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == errc::corrupt);
    CHECK_THAT(opened.error().text, Catch::Contains("check value") && Catch::Contains(p.data.string()));
  }
}

TEST_CASE("a root key that is missing beside data is named, and no other one made", "[app][installation]") {
  place p;
  REQUIRE(p.open());
  REQUIRE(std::filesystem::remove(p.data / "root.key"));
  for (int i = 0; i < 2; ++i) {
    const auto refused = ensure_dev_root_key(p.data);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::invalid);
    CHECK_THAT(refused.error().text, Catch::Contains((p.data / "root.key").string() + " is missing"));
  }
}

TEST_CASE("a directory of an older format is not upgraded under another root key", "[app][installation]") {
  place p;
  const std::string key = "storage/format", older{0, 0, 0, static_cast<char>(storage::format_version - 1)};
  {
    auto made = p.open();
    REQUIRE(made);
    REQUIRE(made->store->apply({{kind::put, model::space::meta, key, older}}, storage::durability::synced));
  }
  REQUIRE(ensure_dev_root_key(p.home / "other"));
  installation_options o;
  o.root_key = dev_root_key_source(p.home / "other");
  auto refused = open_installation(p.data, o);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid);
  CHECK_THAT(refused.error().text, Catch::Contains("the root key is not the one"));
  // The program it was made by goes on from there.
  CHECK(storage::open_rocks_store_as(p.data / "db", {}, storage::format_version - 1, {}));
  auto upgraded = p.open();
  REQUIRE(upgraded);
  CHECK(upgraded->store->snapshot()->get(model::space::meta, key) != older);
}

TEST_CASE("nodes of a cluster that begins empty have the same service keys, another cluster others",
          "[app][installation]") {
  crypto::test::temporary_directory home;
  REQUIRE(ensure_dev_root_key(home / "keys"));
  const auto pepper_of = [&](const char* name, const std::string& cluster, const std::string& taken = {}) {
    installation_options o;
    o.root_key = dev_root_key_source(home / "keys");
    o.cluster_id = cluster;
    o.service_keys = taken;
    auto opened = open_installation(home / name, o);
    REQUIRE(opened);
    const auto exported = home / (std::string(name) + ".keys");
    REQUIRE(export_service_keys(*opened, exported));
    const auto lookup = opened->keys->token_lookup("a token");
    return crypto::to_hex(crypto::view(lookup));
  };
  const std::string one(16, '\1'), other(16, '\2');
  const auto first = pepper_of("a", one);
  CHECK(pepper_of("b", one) == first);
  CHECK(pepper_of("c", other) != first);
  CHECK(pepper_of("a", other) == first);  // what a directory has it keeps

  const auto single = pepper_of("d", "");
  CHECK(single != first);
  CHECK(pepper_of("e", one, (home / "d.keys").string()) == single);

  // Each directory has wrapped them for itself: the same keys may stay in a file, others may not be lost there.
  const auto exports = [&](const char* name, const char* file) {
    installation_options o;
    o.root_key = dev_root_key_source(home / "keys");
    auto opened = open_installation(home / name, o);
    REQUIRE(opened);
    return export_service_keys(*opened, home / file);
  };
  CHECK(exports("b", "a.keys"));
  CHECK(exports("e", "d.keys"));
  for (const char* name : {"c", "d"}) {
    const auto refused = exports(name, "a.keys");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::conflict);
  }
}

TEST_CASE("a scan tells tokens of every family, and nothing that only looks like one", "[app][scan]") {
  place p;
  std::string text;
  {
    auto made = p.open();
    REQUIRE(made);
    auto token = [&](model::token_family family) {
      return std::string(crypto::make_token(*made->keys, family, "Pearl", pat_id{}).view());
    };
    auto alephant = token(model::token_family::alephant), unleash = token(model::token_family::unleash),
         service = token(model::token_family::service);
    text = "nothing user: here nacre_pat_ and pat_ws\n";
    text += "a=" + service + " b=\"" + unleash + "\" " + alephant + "\n";
    // Longer words, mistyped ones and cut ones.
    for (const auto& good : {alephant, unleash, service}) {
      auto mistyped = good;
      mistyped.back() = mistyped.back() == '0' ? '1' : '0';
      text += "x" + good + " " + good + "0 " + mistyped + " " + good.substr(0, good.size() - 1) + "\n";
    }
    text += "Authorization: Bearer   " + unleash;
  }
  auto scanner = open_scanner({p.data, {}});
  REQUIRE(scanner);
  std::istringstream in(text);
  std::vector<std::string> seen;
  for (const auto& s : (*scanner)->scan(in))
    seen.push_back(std::to_string(s.line) + ":" + std::to_string(s.column) + " " + s.prefix.substr(0, 6));
  CHECK(seen == std::vector<std::string>{"2:3 nacre_", "2:89 user:", "2:152 pat_ws", "6:25 user:"});
}
