#include "crypto/certificates.hpp"

#include <catch2/catch.hpp>

#include "crypto/random.hpp"

using namespace nacre;
using namespace nacre::crypto;

namespace {

constexpr std::int64_t now = 1'800'000'000, day = 86'400;

struct authority {
  uuid cluster = random_uuid();
  issued_certificate files = *make_cluster_ca({cluster, "test", now, ca_certificate_days});

  issued_certificate node(std::uint64_t id, std::int64_t days = node_certificate_days) const {
    return *issue_node_certificate(files.certificate, files.key.view(), {id, {"localhost", "127.0.0.1"}, now, days});
  }
  result<node_identity> identity(const issued_certificate& of, std::int64_t at = now) const {
    return node_identity::read(files.certificate, of.certificate, of.key.view(), at);
  }
};

std::string why(const auto& refused) {
  REQUIRE_FALSE(refused);
  return refused.error().text;
}

}  // namespace

TEST_CASE("a node's certificate names its cluster and its node, and its key signs for it", "[certificates]") {
  const authority ca;
  const auto self = ca.identity(ca.node(7));
  REQUIRE(self);
  CHECK(self->name() == member_name{ca.cluster, 7});
  const auto peer = self->trust().verify(self->certificate(), now);
  REQUIRE(peer);
  CHECK(peer->name() == member_name{ca.cluster, 7});
  const auto signature = self->sign("hello");
  CHECK(peer->signed_by("hello", signature));
  CHECK_FALSE(peer->signed_by("hellO", signature));
  CHECK_FALSE(peer->signed_by("hello", signature.substr(1)));
  CHECK_FALSE(peer->signed_by("hello", ""));
  CHECK_FALSE(ca.identity(ca.node(8))
                  ->trust()
                  .verify(ca.identity(ca.node(8))->certificate(), now)
                  ->signed_by("hello", signature));
}

TEST_CASE("a certificate tells people what it is", "[certificates]") {
  const authority ca;
  const auto root = read_certificate(ca.files.certificate);
  REQUIRE(root);
  CHECK(root->ca);
  CHECK(root->cluster == ca.cluster);
  CHECK_FALSE(root->node);
  CHECK(root->name == "nacre test");
  CHECK(root->not_after == now + ca_certificate_days * day);
  CHECK(root->fingerprint == ca.identity(ca.node(1))->trust().fingerprint());
  const auto leaf = read_certificate(ca.node(3).certificate);
  REQUIRE(leaf);
  CHECK_FALSE(leaf->ca);
  CHECK(leaf->node == 3u);
  CHECK(leaf->hosts == std::vector<std::string>{"localhost", "127.0.0.1"});
  CHECK(leaf->not_after == now + node_certificate_days * day);
  CHECK(ca.files.key.view().starts_with("-----BEGIN PRIVATE KEY-----"));
}

TEST_CASE("no node outlives its CA", "[certificates]") {
  const authority ca;
  CHECK(read_certificate(ca.node(1, 20 * 365).certificate)->not_after == now + ca_certificate_days * day);
}

TEST_CASE("files that do not belong together are refused in words", "[certificates]") {
  const authority ca, other;
  const auto one = ca.node(1), two = ca.node(2), foreign = other.node(1);
  const auto read = [](std::string_view a, std::string_view b, std::string_view c, std::int64_t at = now) {
    return why(node_identity::read(a, b, c, at));
  };
  const auto& root = ca.files.certificate;
  CHECK(read(root, one.certificate, two.key.view()) == "the node's key is not the one of its certificate");
  CHECK(read(root, foreign.certificate, foreign.key.view()) ==
        "the node's own certificate: the certificate is not signed by the cluster's CA");
  CHECK(read(root, root, ca.files.key.view()) ==
        "the node's own certificate: the certificate is not for both ends of TLS");
  CHECK(read(one.certificate, one.certificate, one.key.view()) ==
        "the CA's certificate is not one that `nacre ca init` makes");
  CHECK(read("", one.certificate, one.key.view()) == "the CA's file holds no certificate");
  CHECK(read(root, "", one.key.view()) == "the node's certificate file holds no certificate");
  CHECK(read(root, one.certificate, "x").starts_with("the node's key file holds no key"));
  CHECK(read(root, one.certificate, one.key.view(), now + node_certificate_days * day + 1)
            .starts_with("the node's own certificate: the certificate ended 20"));
  CHECK(read(root, one.certificate, one.key.view(), now - 2 * day) ==
        "the node's own certificate: the certificate is not valid yet; is the clock right?");
}

TEST_CASE("only a leaf of this CA is a member", "[certificates]") {
  const authority ca, other;
  const auto trust = *cluster_trust::read(ca.files.certificate);
  const auto der = ca.identity(ca.node(1))->certificate();
  CHECK(trust.verify(der, now));
  CHECK_FALSE(trust.verify(der, now + 3 * 365 * day));
  CHECK_FALSE(trust.verify(der + "x", now));
  CHECK_FALSE(trust.verify(der.substr(0, der.size() - 1), now));
  CHECK_FALSE(trust.verify("", now));
  CHECK_FALSE(trust.verify(std::string(certificate_bytes_max + 1, '0'), now));
  CHECK_FALSE(trust.verify(other.identity(other.node(1))->certificate(), now));
  for (std::size_t at = 0; at < der.size(); at += 7) {
    auto changed = der;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK_FALSE(trust.verify(changed, now));
  }
}

TEST_CASE("nothing is issued for what is no node, host or name", "[certificates]") {
  const authority ca, other;
  const auto issue = [&](node_request what) {
    what.now = now;
    return issue_node_certificate(ca.files.certificate, ca.files.key.view(), what);
  };
  CHECK_FALSE(issue({0, {}}));
  CHECK_FALSE(issue({1, {"a b"}}));
  CHECK_FALSE(issue({1, {"a,URI:nacre:cluster:x"}}));
  CHECK_FALSE(issue({1, {""}}));
  CHECK_FALSE(issue({1, std::vector<std::string>(certificate_hosts_max + 1, "a")}));
  CHECK_FALSE(issue_node_certificate(ca.files.certificate, other.files.key.view(), {1, {}, now}));
  CHECK_FALSE(issue_node_certificate(ca.files.certificate, ca.files.key.view(), {1, {}, now + 11 * 365 * day}));
  CHECK_FALSE(make_cluster_ca({random_uuid(), "", now}));
  CHECK_FALSE(make_cluster_ca({random_uuid(), "a/b", now}));
}

TEST_CASE("two ends agree on a key that a third does not get", "[certificates]") {
  const key_agreement a, b, c;
  REQUIRE(a.agree(b.public_key()));
  CHECK(equal(a.agree(b.public_key())->view(), b.agree(a.public_key())->view()));
  CHECK_FALSE(equal(a.agree(b.public_key())->view(), c.agree(a.public_key())->view()));
  CHECK_FALSE(a.agree(std::string(32, '\0')));
  CHECK_FALSE(a.agree("short"));
}
