#include "crypto/token.hpp"

#include <cryptopp/crc.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "crypto/base62.hpp"
#include "crypto/digest.hpp"
#include "crypto/hex.hpp"
#include "crypto/random.hpp"

namespace nacre::crypto {
namespace {

using model::token_family;

constexpr std::size_t checksum_chars = 12;

// pat_ws + 6 hex + _ + random + checksum
constexpr std::string_view alephant_head = "pat_ws";
constexpr std::size_t name_hex_chars = 6;
constexpr std::size_t alephant_random_bytes = 26;
constexpr std::size_t alephant_random_at = alephant_prefix_chars + 1;
constexpr std::size_t alephant_checksum_at = alephant_random_at + 2 * alephant_random_bytes;
static_assert(alephant_head.size() + name_hex_chars == alephant_prefix_chars);
static_assert(alephant_checksum_at + checksum_chars == alephant_token_chars);

// user: + random + checksum
constexpr std::string_view unleash_head = "user:";
constexpr std::size_t unleash_random_bytes = 22;
constexpr std::size_t unleash_checksum_at = unleash_head.size() + 2 * unleash_random_bytes;
static_assert(unleash_checksum_at + checksum_chars == unleash_token_chars);

// nacre_pat_ + id + _ + random + CRC-32
constexpr std::string_view service_head = "nacre_pat_";
constexpr std::size_t id_chars = base62_chars(16), secret_chars = base62_chars(32), crc_chars = base62_chars(4);
constexpr std::size_t service_random_at = service_head.size() + id_chars + 1;
constexpr std::size_t service_crc_at = service_random_at + secret_chars;
static_assert(service_crc_at + crc_chars == service_token_chars);
static_assert(token_random_bytes == 32 && alephant_random_bytes <= 32 && unleash_random_bytes <= 32);

// Only the lower-case digits a token is made of: another spelling would be another lookup key.
bool all_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool has_alephant_shape(std::string_view text) {
  return text.size() == alephant_token_chars && text.starts_with(alephant_head) && text[alephant_prefix_chars] == '_' &&
         all_hex(text.substr(alephant_head.size(), name_hex_chars)) && all_hex(text.substr(alephant_random_at));
}

bool has_unleash_shape(std::string_view text) {
  return text.size() == unleash_token_chars && text.starts_with(unleash_head) &&
         all_hex(text.substr(unleash_head.size()));
}

bool has_service_shape(std::string_view text) {
  secure_bytes value(32);
  auto* bytes = value.data();
  return text.size() == service_token_chars && text.starts_with(service_head) && text[service_random_at - 1] == '_' &&
         read_base62(text.substr(service_head.size(), id_chars), bytes, 16) &&
         read_base62(text.substr(service_random_at, secret_chars), bytes, 32) &&
         read_base62(text.substr(service_crc_at), bytes, 4);
}

std::array<char, crc_chars> crc_text(std::string_view before) {
  CryptoPP::CRC32 crc;
  crc.Update(reinterpret_cast<const CryptoPP::byte*>(before.data()), before.size());
  std::uint8_t sum[4];
  crc.Final(sum);
  std::reverse(std::begin(sum), std::end(sum));  // Crypto++ tells the least significant byte first
  std::array<char, crc_chars> out;
  write_base62({reinterpret_cast<const char*>(sum), sizeof sum}, out.data());
  return out;
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

secure_bytes make_token(const keyring& keys, token_family family, std::string_view workspace_name, pat_id id,
                        const secure_bytes& random) {
  secure_bytes token(shape_of(family).chars);
  auto* text = reinterpret_cast<char*>(token.data());
  const auto put = [text](std::size_t at, std::string_view what) { std::copy(what.begin(), what.end(), text + at); };
  const auto put_keyed = [&](std::size_t at) {
    const auto sum = checksum_text(keys, token.view().substr(0, at));
    put(at, {sum.data(), sum.size()});
  };
  switch (family) {
    case token_family::alephant:
      put(0, alephant_prefix(workspace_name));
      text[alephant_prefix_chars] = '_';
      write_hex(random.view().substr(0, alephant_random_bytes), text + alephant_random_at);
      put_keyed(alephant_checksum_at);
      break;
    case token_family::unleash:
      put(0, unleash_head);
      write_hex(random.view().substr(0, unleash_random_bytes), text + unleash_head.size());
      put_keyed(unleash_checksum_at);
      break;
    case token_family::service: {
      put(0, service_head);
      write_base62(id.value().view(), text + service_head.size());
      text[service_random_at - 1] = '_';
      write_base62(random.view(), text + service_random_at);
      const auto crc = crc_text(token.view().substr(0, service_crc_at));
      put(service_crc_at, {crc.data(), crc.size()});
      break;
    }
  }
  return token;
}

secure_bytes make_token(const keyring& keys, token_family family, std::string_view workspace_name, pat_id id) {
  return make_token(keys, family, workspace_name, id, random_bytes(token_random_bytes));
}

std::size_t prefix_chars(token_family family) {
  return family == token_family::alephant ? alephant_prefix_chars : shape_of(family).head.size();
}

checked_token check_token(const keyring& keys, std::string_view text) {
  const auto keyed = [&](token_family family, std::size_t at) {
    const auto sum = checksum_text(keys, text.substr(0, at));
    return checked_token{family,
                         equal(text.substr(at), {sum.data(), sum.size()}) ? token_check::ours : token_check::foreign};
  };
  if (has_alephant_shape(text)) return keyed(token_family::alephant, alephant_checksum_at);
  if (has_unleash_shape(text)) return keyed(token_family::unleash, unleash_checksum_at);
  if (!has_service_shape(text)) return {};
  const auto crc = crc_text(text.substr(0, service_crc_at));
  bool right = equal(text.substr(service_crc_at), {crc.data(), crc.size()});
  return {token_family::service, right ? token_check::ours : token_check::malformed};
}

token_shape shape_of(token_family family) {
  switch (family) {
    case token_family::alephant:
      return {alephant_head, alephant_token_chars};
    case token_family::unleash:
      return {unleash_head, unleash_token_chars};
    case token_family::service:
      return {service_head, service_token_chars};
  }
  std::abort();
}

}  // namespace nacre::crypto
