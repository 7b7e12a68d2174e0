#include "crypto/token.hpp"

#include <algorithm>

#include "crypto/digest.hpp"
#include "crypto/hex.hpp"
#include "crypto/random.hpp"

namespace nacre::crypto {
namespace {

constexpr std::string_view alephant_head = "pat_ws";
constexpr std::size_t name_hex_chars = 6;
constexpr std::size_t random_part_bytes = 26;
constexpr std::size_t checksum_chars = 12;
constexpr std::size_t random_at = alephant_prefix_chars + 1;
constexpr std::size_t checksum_at = random_at + 2 * random_part_bytes;
static_assert(alephant_head.size() + name_hex_chars == alephant_prefix_chars);
static_assert(checksum_at + checksum_chars == alephant_token_chars);

// Only the lower-case digits a token is made of: another spelling would be another lookup key.
bool all_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool has_alephant_shape(std::string_view text) {
  return text.size() == alephant_token_chars && text.starts_with(alephant_head) && text[alephant_prefix_chars] == '_' &&
         all_hex(text.substr(alephant_head.size(), name_hex_chars)) && all_hex(text.substr(random_at));
}

std::array<char, checksum_chars> checksum_text(const keyring& keys, std::string_view before) {
  const auto sum = keys.token_checksum(before);
  std::array<char, checksum_chars> out;
  write_hex({reinterpret_cast<const char*>(sum.data()), sum.size()}, out.data());
  return out;
}

}  // namespace

std::string normalise_workspace_name(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  for (const char c : name) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9')) {
      out.push_back(lower);
    } else if (!out.empty() && out.back() != '-') {
      out.push_back('-');
    }
  }
  if (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

std::string alephant_prefix(std::string_view workspace_name) {
  const digest of_name = sha256(normalise_workspace_name(workspace_name));
  return std::string{alephant_head} + to_hex(view(of_name).substr(0, name_hex_chars / 2));
}

secure_bytes make_alephant_token(const keyring& keys, std::string_view workspace_name) {
  secure_bytes token(alephant_token_chars);
  auto* text = reinterpret_cast<char*>(token.data());
  const auto prefix = alephant_prefix(workspace_name);
  std::copy(prefix.begin(), prefix.end(), text);
  text[alephant_prefix_chars] = '_';
  write_hex(random_bytes(random_part_bytes).view(), text + random_at);
  const auto sum = checksum_text(keys, token.view().substr(0, checksum_at));
  std::copy(sum.begin(), sum.end(), text + checksum_at);
  return token;
}

token_check check_alephant_token(const keyring& keys, std::string_view text) {
  if (!has_alephant_shape(text)) return token_check::malformed;
  const auto sum = checksum_text(keys, text.substr(0, checksum_at));
  return equal(text.substr(checksum_at), {sum.data(), sum.size()}) ? token_check::ours : token_check::foreign;
}

}  // namespace nacre::crypto
