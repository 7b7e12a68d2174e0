#include "app/installation.hpp"

#include <catch2/catch.hpp>

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
