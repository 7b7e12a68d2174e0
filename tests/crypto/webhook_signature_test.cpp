// The signature receivers check, against values computed elsewhere (Python's hmac).

#include "crypto/webhook_signature.hpp"

#include <set>

#include "crypto/jwt.hpp"
#include "tests/crypto/support.hpp"

namespace nacre::crypto {
namespace {

std::vector<secure_bytes> secrets(std::initializer_list<std::string_view> texts) {
  std::vector<secure_bytes> out;
  for (auto each : texts) out.emplace_back(each);
  return out;
}

constexpr std::string_view one = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE";
constexpr std::string_view two = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY";

}  // namespace

TEST_CASE("a webhook's signature is the known answer", "[crypto][webhook]") {
  CHECK(sign_webhook(secrets({one}), 1'800'000'000, R"({"id":"1"})") ==
        "t=1800000000,v1=881738f2f5e8db3c896d344009faef27882541f424121505980ba972a46c17d6");
  CHECK(sign_webhook(secrets({two, one}), 1'800'000'000, R"({"id":"1"})") ==
        "t=1800000000,v1=007889dddc9e2694e8abb08919a5f2ca26bf81e918fd140afd1c5397f0748fa9"
        ",v1=881738f2f5e8db3c896d344009faef27882541f424121505980ba972a46c17d6");
}

TEST_CASE("a webhook's secret is 32 random bytes as text", "[crypto][webhook]") {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    auto secret = make_webhook_secret();
    REQUIRE(secret.view().starts_with(webhook_secret_prefix));
    auto raw = base64url_decode(secret.view().substr(webhook_secret_prefix.size()));
    REQUIRE(raw);
    CHECK(raw->size() == 32);
    CHECK(seen.insert(*raw).second);
  }
}

}  // namespace nacre::crypto
