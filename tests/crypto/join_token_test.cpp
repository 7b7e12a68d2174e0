#include "crypto/join_token.hpp"

#include <catch2/catch.hpp>

#include "crypto/certificates.hpp"
#include "crypto/random.hpp"
#include "tests/crypto/support.hpp"

using namespace nacre;
using namespace nacre::crypto;

namespace {

constexpr std::int64_t now = 1'800'000'000;

struct root_key {
  test::temporary_directory dir;
  std::unique_ptr<key_provider> provider;
  root_key() {
    REQUIRE(create_root_key_file(dir / "root.key"));
    provider = test::value(open_key_provider("file:" + (dir / "root.key").string()));
  }
};

join_offer offer() {
  const auto ca = test::value(make_cluster_ca({random_uuid(), "test", now}));
  auto node = test::value(issue_node_certificate(ca.certificate, ca.key.view(), {4, {}, now}));
  join_offer out;
  out.cluster = *read_certificate(ca.certificate)->cluster;
  out.node = 4;
  out.expires = now + 3'600;
  out.members = {"1=10.0.0.1:7400", "4=10.0.0.4:7400"};
  out.ca_certificate = ca.certificate;
  out.certificate = node.certificate;
  out.key = std::move(node.key);
  out.groups = 2;
  out.service_keys = "wrapped";
  return out;
}

}  // namespace

TEST_CASE("a join token gives the new node all it needs to be itself", "[join]") {
  const root_key root;
  const auto made = offer();
  const auto token = make_join_token(*root.provider, made);
  CHECK(token.size() < 8'000);
  const auto opened = open_join_token(*root.provider, token, now);
  REQUIRE(opened);
  CHECK(opened->cluster == made.cluster);
  CHECK(opened->node == 4);
  CHECK(opened->members == made.members);
  CHECK(opened->groups == 2);
  CHECK(opened->service_keys == "wrapped");
  CHECK(node_identity::read(opened->ca_certificate, opened->certificate, opened->key.view(), now));
}

TEST_CASE("a join token is worth nothing without the root key, changed, cut off, or late", "[join]") {
  const root_key root, other;
  const auto token = make_join_token(*root.provider, offer());
  const auto why = [&](const key_provider& with, std::string_view text, std::int64_t at = now) {
    const auto opened = open_join_token(with, text, at);
    REQUIRE_FALSE(opened);
    return opened.error().text;
  };
  CHECK(why(*other.provider, token).starts_with("the join token does not open"));
  CHECK(why(*root.provider, token, now + 3'600) == "the join token has ended; make another one");
  CHECK_FALSE(open_join_token(*root.provider, "", now));
  CHECK_FALSE(open_join_token(*root.provider, token + "AA", now));
  for (std::size_t size = 0; size < token.size(); size += 11)
    CHECK_FALSE(open_join_token(*root.provider, std::string_view(token).substr(0, size), now));
  for (std::size_t at = 0; at < token.size(); at += 7) {
    auto changed = token;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    if (changed != token) CHECK_FALSE(open_join_token(*root.provider, changed, now));
  }
}
