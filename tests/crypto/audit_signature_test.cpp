// Heads of audit logs: the signature, against RFC 8032 and values computed elsewhere (Python's cryptography).

#include "crypto/audit_signature.hpp"

#include "crypto/ed25519.hpp"
#include "tests/crypto/support.hpp"

namespace nacre::crypto {
namespace {

model::audit_head three_entries() {
  model::audit_head out;
  for (const char* each : {"one", "two", "three"}) model::append_leaf(out, model::leaf_hash(each));
  return out;
}

}  // namespace

TEST_CASE("Ed25519 is that of RFC 8032", "[crypto][audit]") {
  struct vector {
    const char *secret, *key, *message, *signature;
  };
  for (const vector& each : {
           vector{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
                  "d25bf5f0595bbe24655141438e7a100b"},
           vector{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
                  "4a7c15e9716ed28dc027beceea1ec40a"},
       }) {
    const auto key = ed25519_key::from_secret(test::bytes(each.secret));
    REQUIRE(key);
    CHECK(to_hex(key->public_part()) == each.key);
    CHECK(to_hex(key->sign(test::bytes(each.message))) == each.signature);
    CHECK(ed25519_verifies(test::bytes(each.key), test::bytes(each.message), test::bytes(each.signature)));
  }
  CHECK_FALSE(ed25519_key::from_secret(std::string(31, 'x')));
}

TEST_CASE("what is signed of an audit head, and by which key, is what it always was", "[crypto][audit][golden]") {
  const auto bytes = audit_head_bytes({}, three_entries(), "2027-03-31T00:00:00Z");
  CHECK(bytes == R"({"edge":["4f55f619d9215235778b2b9f17d6f4915b16171214d152381293669764de722e",)"
                 R"("671f146c5e471e8a1a83a3c214ce4ba907b8f3a5888d14cc8cd3ce75bb12ef94"],)"
                 R"("root":"5aac771c899ac292e74bf1afe2e6e302f8b55883b2d1bf197b46a6bea6dabca9","size":3,)"
                 R"("time":"2027-03-31T00:00:00Z","workspaceId":"00000000-0000-0000-0000-000000000000"})");
  const keyring keys{test::provider(std::string(64, '0')),
                     {.cluster_id = std::string(16, '\x33'),
                      .pepper = secure_bytes{std::string(32, '\x11')},
                      .pepper_version = 6,
                      .checksum = secure_bytes{std::string(32, '\x22')}}};
  const auto made = keys.sign_audit_head(bytes);
  CHECK(to_hex(made.key) == "778e10c10e926356ecbeb8a112571c986f8cda3c06a7646f114a5d99bdf77bb5");
  CHECK(to_hex(made.value) ==
        "0d0cf0c932f5ad2511963f2d80044b67a4b21dd9ffa303170ce06294fcba27f9"
        "ee7a53d6315870ac6aaad8cdbc52976fe2346b0fedb03e532b69d688c127110b");
  CHECK(is_good(made, bytes));
}

TEST_CASE("all nodes of a cluster sign heads by one key, and no other installation does", "[crypto][audit]") {
  const auto key_of = [](std::string_view root_hex, char cluster) {
    auto root = test::provider(std::string(root_hex));
    auto keys = derive_service_keys(*root, std::string(16, cluster));
    return keyring{std::move(root), std::move(keys)}.sign_audit_head("a head").key;
  };
  const std::string root(64, 'a'), other_root(64, 'b');
  CHECK(key_of(root, '1') == key_of(root, '1'));
  CHECK(key_of(root, '1') != key_of(root, '2'));
  CHECK(key_of(root, '1') != key_of(other_root, '1'));
}

TEST_CASE("a signature is good for its bytes and its key, unchanged, and for nothing else", "[crypto][audit]") {
  const auto key = ed25519_key::from_secret(std::string(32, '\x07'));
  REQUIRE(key);
  const std::string bytes = audit_head_bytes({}, three_entries(), "2027-03-31T00:00:00Z");
  const audit_signature good{key->public_part(), key->sign(bytes)};
  REQUIRE(is_good(good, bytes));
  const auto fails_changed = [&](const std::string& whole, auto check) {
    for (std::size_t at = 0; at < whole.size(); ++at) {
      auto changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ 1);
      if (check(changed)) FAIL_CHECK("byte " << at << " may be changed");
    }
  };
  fails_changed(bytes, [&](const auto& changed) { return is_good(good, changed); });
  fails_changed(good.key, [&](const auto& changed) { return is_good({changed, good.value}, bytes); });
  fails_changed(good.value, [&](const auto& changed) { return is_good({good.key, changed}, bytes); });
  CHECK_FALSE(is_good({good.key, good.value.substr(1)}, bytes));
  CHECK_FALSE(is_good({good.key, good.value + "x"}, bytes));
  CHECK_FALSE(is_good({good.key.substr(1), good.value}, bytes));
  CHECK_FALSE(is_good({}, bytes));
  // The malleated twin: S + L is another text for the same proof, and refused.
  auto twin = good.value;
  const auto order = test::bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  for (unsigned i = 0, carry = 0; i < 32; ++i) {
    carry += static_cast<std::uint8_t>(twin[32 + i]) + static_cast<std::uint8_t>(order[i]);
    twin[32 + i] = static_cast<char>(carry & 0xff);
    carry >>= 8;
  }
  CHECK_FALSE(is_good({good.key, twin}, bytes));
}

}  // namespace nacre::crypto
