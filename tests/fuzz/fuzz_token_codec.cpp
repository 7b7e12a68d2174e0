// The input is once a presented token, once a workspace name.
// A presented token is classed as a plain second reading of the contract classes it and is never
// `ours` (nobody can guess the checksum). A name gives a token that is ours until one character changes.

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

// ^pat_ws[0-9a-f]{6}_[0-9a-f]{64}$, read off a mask: 'h' stands for a hex digit.
bool looks_like_a_token(const std::string& text) {
  static const std::string mask = "pat_ws" + std::string(6, 'h') + "_" + std::string(64, 'h');
  if (text.size() != mask.size()) return false;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    const bool fits = mask[i] == 'h' ? std::string_view{"0123456789abcdef"}.find(text[i]) != std::string_view::npos
                                     : text[i] == mask[i];
    if (!fits) return false;
  }
  return true;
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

  const auto presented = check_token(keys, text).check;
  NACRE_FUZZ_CHECK(presented == (looks_like_a_token(text) ? token_check::foreign : token_check::malformed));

  check_normal(text);
  const auto made = make_token(keys, model::token_family::alephant, text, pat_id{});
  const std::string token{made.view()};
  NACRE_FUZZ_CHECK(looks_like_a_token(token));
  NACRE_FUZZ_CHECK(token.substr(0, alephant_prefix_chars) == alephant_prefix(text));
  NACRE_FUZZ_CHECK(check_token(keys, token).check == token_check::ours);
  auto changed = token;
  changed[at % changed.size()] = replacement;
  NACRE_FUZZ_CHECK(changed == token || check_token(keys, changed).check != token_check::ours);
  return 0;
}
