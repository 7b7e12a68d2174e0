// The input is once a presented token, once a workspace name.
// A presented token is classed as a plain second reading of the contract classes it and is never
// `ours` (nobody can guess the checksum; that of service users is a CRC, counted here once more). A name gives
// tokens of every family that are ours until one character changes.

#include <fuzzer/FuzzedDataProvider.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "crypto/digest.hpp"
#include "crypto/token.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace nacre;
using namespace nacre::crypto;

keyring make_keys() {
  ::setenv("NACRE_FUZZ_ROOT_KEY", "f0f1f2f3f4f5f6f7f8f90a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 1);
  auto opened = open_key_provider("env:NACRE_FUZZ_ROOT_KEY");
  NACRE_FUZZ_CHECK(opened);
  return keyring{std::shared_ptr<const key_provider>{std::move(*opened)}, make_service_keys()};
}

constexpr model::token_family families[] = {model::token_family::alephant, model::token_family::unleash,
                                            model::token_family::service};

// Read off a mask: '#' stands for a hex digit.
bool fits_mask(const std::string& text, const std::string& mask) {
  if (text.size() != mask.size()) return false;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    const bool fits = mask[i] == '#' ? std::string_view{"0123456789abcdef"}.find(text[i]) != std::string_view::npos
                                     : text[i] == mask[i];
    if (!fits) return false;
  }
  return true;
}

bool looks_keyed(const std::string& text) {
  static const std::string alephant = "pat_ws" + std::string(6, '#') + "_" + std::string(64, '#');
  static const std::string unleash = "user:" + std::string(56, '#');
  return fits_mask(text, alephant) || fits_mask(text, unleash);
}

// nacre_pat_, 22 characters, _, 43 characters, and the CRC-32 of all that in six.
bool ends_with_its_crc(const std::string& text) {
  if (text.size() != 82 || !text.starts_with("nacre_pat_") || text[32] != '_') return false;
  std::uint32_t crc = 0xffffffff;
  for (std::size_t i = 0; i < 76; ++i) {
    crc ^= static_cast<std::uint8_t>(text[i]);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
  }
  crc = ~crc;
  std::string digits(6, '0');
  for (std::size_t i = 6; i-- > 0; crc /= 62)
    digits[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[crc % 62];
  return text.substr(76) == digits;
}

void check_normal(const std::string& name) {
  const auto normal = normalise_workspace_name(name);
  NACRE_FUZZ_CHECK(normal.size() <= name.size());
  NACRE_FUZZ_CHECK(normalise_workspace_name(normal) == normal);
  NACRE_FUZZ_CHECK(normal.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos);
  NACRE_FUZZ_CHECK(normal.find("--") == std::string::npos);
  NACRE_FUZZ_CHECK(normal.empty() || (normal.front() != '-' && normal.back() != '-'));
  // Letters and digits survive in order.
  std::string kept, expected;
  for (const char c : normal)
    if (c != '-') kept.push_back(c);
  for (const char c : name) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) expected.push_back(c);
    if (c >= 'A' && c <= 'Z') expected.push_back(static_cast<char>(c + 32));
  }
  NACRE_FUZZ_CHECK(kept == expected);
  NACRE_FUZZ_CHECK(alephant_prefix(name) == alephant_prefix(normal));
  NACRE_FUZZ_CHECK(alephant_prefix(name) == "pat_ws" + to_hex(view(sha256(normal))).substr(0, 6));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const keyring keys = make_keys();
  FuzzedDataProvider input{data, size};
  const auto at = input.ConsumeIntegral<std::uint8_t>();
  const auto replacement = static_cast<char>(input.ConsumeIntegral<std::uint8_t>());
  const auto text = input.ConsumeRemainingBytesAsString();

  const auto presented = check_token(keys, text);
  if (presented.check == token_check::ours)
    NACRE_FUZZ_CHECK(presented.family == model::token_family::service && ends_with_its_crc(text));
  else
    NACRE_FUZZ_CHECK(presented.check == (looks_keyed(text) ? token_check::foreign : token_check::malformed));

  check_normal(text);
  const auto family = families[at % 3];
  const auto made = make_token(keys, family, text, pat_id{});
  const std::string token{made.view()};
  NACRE_FUZZ_CHECK(family == model::token_family::service ? ends_with_its_crc(token) : looks_keyed(token));
  if (family == model::token_family::alephant)
    NACRE_FUZZ_CHECK(token.substr(0, alephant_prefix_chars) == alephant_prefix(text));
  NACRE_FUZZ_CHECK(check_token(keys, token).is_ours(family));
  auto changed = token;
  auto& place = changed[at % changed.size()];
  // One character is compared, not the token: libFuzzer learns what it sees compared, and would present it.
  const bool same = place == replacement;
  place = replacement;
  NACRE_FUZZ_CHECK(same || check_token(keys, changed).check != token_check::ours);
  return 0;
}
