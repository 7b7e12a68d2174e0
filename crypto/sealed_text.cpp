#include "crypto/sealed_text.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "crypto/digest.hpp"
#include "crypto/gcm.hpp"
#include "crypto/jws.hpp"
#include "crypto/jwt.hpp"
#include "crypto/random.hpp"

namespace nacre::crypto {
namespace {

constexpr std::string_view link_version = "1", sealed_prefix = "nacre1.", bound_to = "nacre text 1",
                           check_context{"nacre link 1\0", 13};
constexpr std::size_t check_bytes = 4, pad_to = 64;
constexpr std::size_t key_and_check_chars = (sealed_text_key_bytes + check_bytes) / 3 * 4;
constexpr std::size_t identifier_chars_min = 20, identifier_chars_max = 128;

bool is_word_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

secure_bytes joined(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (auto each : parts) size += each.size();
  secure_bytes out(size);
  auto* end = out.data();
  for (auto each : parts) end = std::copy(each.begin(), each.end(), end);
  return out;
}

secure_bytes check_of(std::string_view key, std::string_view identifier) {
  const auto whole = sha256(joined({check_context, key, identifier}).view());
  return secure_bytes(view(whole).substr(0, check_bytes));
}

gcm::key_span span_of(std::string_view key) {
  if (key.size() != gcm::key_bytes) std::abort();
  return gcm::key_span(reinterpret_cast<const std::uint8_t*>(key.data()), gcm::key_bytes);
}

}  // namespace

secure_bytes padded_text(std::string_view text) {
  secure_bytes out((text.size() / pad_to + 1) * pad_to);
  std::fill(std::copy(text.begin(), text.end(), out.data()), out.data() + out.size(), std::uint8_t{0});
  out.data()[text.size()] = 0x80;
  return out;
}

std::optional<secure_bytes> unpadded_text(const secure_bytes& padded) {
  const auto text = padded.view();
  const auto end = text.find_last_not_of('\0');
  if (end == std::string_view::npos || text[end] != '\x80') return std::nullopt;
  return secure_bytes(text.substr(0, end));
}

std::string seal_text(std::string_view key, std::string_view text) {
  const auto plain = padded_text(text);
  std::string raw(gcm::nonce_bytes + plain.size() + gcm::tag_bytes, '\0');
  auto* bytes = reinterpret_cast<std::uint8_t*>(raw.data());
  fill_random({bytes, gcm::nonce_bytes});
  gcm::encrypt(span_of(key), gcm::nonce_span(bytes, gcm::nonce_bytes), {bound_to}, plain.view(),
               bytes + gcm::nonce_bytes,
               std::span<std::uint8_t, gcm::tag_bytes>(bytes + gcm::nonce_bytes + plain.size(), gcm::tag_bytes));
  return std::string(sealed_prefix) + base64url_encode(raw);
}

bool is_sealed_text(std::string_view value) {
  return value.size() > sealed_prefix.size() && value.starts_with(sealed_prefix) &&
         std::all_of(value.begin() + static_cast<std::ptrdiff_t>(sealed_prefix.size()), value.end(), is_word_char);
}

result<secure_bytes> open_sealed_text(std::string_view key, std::string_view sealed) {
  const auto refused = [] { return fail(errc::corrupt, "the key of the link does not open what the server keeps"); };
  if (!is_sealed_text(sealed)) return refused();
  const auto raw = base64url_decode(sealed.substr(sealed_prefix.size()));
  if (!raw || raw->size() < gcm::nonce_bytes + gcm::tag_bytes) return refused();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(raw->data());
  const std::string_view inner =
      std::string_view(*raw).substr(gcm::nonce_bytes, raw->size() - gcm::nonce_bytes - gcm::tag_bytes);
  secure_bytes plain(inner.size());
  const bool right = gcm::decrypt(
      span_of(key), gcm::nonce_span(bytes, gcm::nonce_bytes), {bound_to}, inner,
      std::span<const std::uint8_t, gcm::tag_bytes>(bytes + gcm::nonce_bytes + inner.size(), gcm::tag_bytes),
      plain.data());
  if (!right) return refused();
  auto text = unpadded_text(plain);
  if (!text) return refused();
  return std::move(*text);
}

secure_bytes fragment_of(const sealed_link& link) {
  auto told = base64url_encode(joined({link.key.view(), check_of(link.key.view(), link.identifier).view()}).view());
  auto out = joined({link_version, told, link.identifier});
  OPENSSL_cleanse(told.data(), told.size());
  return out;
}

result<sealed_link> read_fragment(std::string_view fragment) {
  const auto damaged = [] {
    return fail(errc::invalid, "the link is damaged or cut short; nothing was opened. Ask for the whole link");
  };
  if (!fragment.empty() && fragment[0] >= '2' && fragment[0] <= '9')
    return fail(errc::unsupported, "the link is of a later version than this program");
  if (!fragment.starts_with(link_version) || fragment.size() < link_version.size() + key_and_check_chars)
    return damaged();
  const auto told = decode_secret(fragment.substr(link_version.size(), key_and_check_chars));
  sealed_link out{std::string(fragment.substr(link_version.size() + key_and_check_chars)), {}};
  if (!told || told->size() != sealed_text_key_bytes + check_bytes || !is_link_identifier(out.identifier))
    return damaged();
  out.key = secure_bytes(told->view().substr(0, sealed_text_key_bytes));
  if (!equal(check_of(out.key.view(), out.identifier).view(), told->view().substr(sealed_text_key_bytes)))
    return damaged();
  return out;
}

bool is_link_identifier(std::string_view text) {
  return text.size() >= identifier_chars_min && text.size() <= identifier_chars_max &&
         std::all_of(text.begin(), text.end(), is_word_char);
}

}  // namespace nacre::crypto
