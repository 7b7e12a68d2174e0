#include "crypto/sealed_answer.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "crypto/digest.hpp"
#include "crypto/gcm.hpp"
#include "crypto/jws.hpp"
#include "crypto/jwt.hpp"
#include "crypto/openssl_handles.hpp"
#include "crypto/sealed_text.hpp"

namespace nacre::crypto {
namespace {

constexpr std::string_view link_version = "1", sealed_prefix = "nacre-answer1.", bound_to = "nacre answer 1",
                           ask_context{"nacre ask 1\0", 12}, pickup_context{"nacre pickup 1\0", 15},
                           key_context{"nacre answer 1\0", 15};
constexpr std::size_t ask_check_bytes = 5, pickup_check_bytes = 6;
constexpr std::size_t ask_chars = (p256_public_bytes + ask_check_bytes) / 3 * 4;
constexpr std::size_t pickup_chars = (p256_private_bytes + p256_public_bytes + pickup_check_bytes) / 3 * 4;
constexpr char uncompressed = 4;

secure_bytes joined(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (auto each : parts) size += each.size();
  secure_bytes out(size);
  auto* end = out.data();
  for (auto each : parts) end = std::copy(each.begin(), each.end(), end);
  return out;
}

// ---- P-256 -------------------------------------------------------------------------------------------

// Null: no point of the curve, or, with a private half, not the pair.
evp_key key_of(std::string_view public_key, const secure_bytes* private_key) {
  const error_mark mark;
  const auto point = std::string(1, uncompressed) + std::string(public_key);
  const param_builder builder(OSSL_PARAM_BLD_new());
  bignum scalar;
  bool good = builder &&
              OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
              OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1;
  if (good && private_key) {
    scalar.reset(BN_secure_new());
    good = scalar && BN_bin2bn(private_key->data(), static_cast<int>(private_key->size()), scalar.get()) &&
           OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get()) == 1;
  }
  if (!good) return nullptr;
  const params from(OSSL_PARAM_BLD_to_param(builder.get()));
  const pkey_ctx ctx(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* raw = nullptr;
  auto selection = private_key ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
  if (!from || !ctx || EVP_PKEY_fromdata_init(ctx.get()) != 1 ||
      EVP_PKEY_fromdata(ctx.get(), &raw, selection, from.get()) != 1)
    return nullptr;
  evp_key key(raw);
  const pkey_ctx checking(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  bool fits = checking && (private_key ? EVP_PKEY_check(checking.get()) : EVP_PKEY_public_check(checking.get())) == 1;
  return fits ? std::move(key) : nullptr;
}

std::string public_half(EVP_PKEY* key) {
  std::string point(1 + p256_public_bytes, '\0');
  std::size_t size = 0;
  if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, reinterpret_cast<unsigned char*>(point.data()),
                                      point.size(), &size) != 1 ||
      size != point.size() || point[0] != uncompressed)
    std::abort();
  return point.substr(1);
}

evp_key make_pair() {
  evp_key key(EVP_EC_gen("P-256"));
  if (!key) std::abort();  // no randomness or no memory
  return key;
}

secure_bytes agreed(EVP_PKEY* mine, EVP_PKEY* theirs) {
  const pkey_ctx ctx(EVP_PKEY_CTX_new_from_pkey(nullptr, mine, nullptr));
  secure_bytes out(p256_private_bytes);
  std::size_t size = out.size();
  if (!ctx || EVP_PKEY_derive_init(ctx.get()) != 1 || EVP_PKEY_derive_set_peer(ctx.get(), theirs) != 1 ||
      EVP_PKEY_derive(ctx.get(), out.data(), &size) != 1 || size != out.size())
    std::abort();
  return out;
}

secure_bytes key_and_nonce(const secure_bytes& secret, std::string_view ephemeral, std::string_view public_key,
                           std::string_view identifier) {
  const auto salt = std::string(ephemeral) + std::string(public_key);
  const auto info = std::string(key_context) + std::string(identifier);
  return hkdf_sha256(secret.view(), salt, info, gcm::key_bytes + gcm::nonce_bytes);
}

gcm::key_span key_in(const secure_bytes& both) { return gcm::key_span(both.data(), gcm::key_bytes); }
gcm::nonce_span nonce_in(const secure_bytes& both) {
  return gcm::nonce_span(both.data() + gcm::key_bytes, gcm::nonce_bytes);
}

// ---- links -------------------------------------------------------------------------------------------

auto damaged() { return fail(errc::invalid, "the link is damaged or cut short; nothing was sent or opened"); }
auto newer() { return fail(errc::unsupported, "the link is of a later version than this program"); }

bool is_of_later_version(std::string_view fragment) {
  return !fragment.empty() && fragment[0] >= '2' && fragment[0] <= '9';
}

std::string_view cut(const digest& whole, std::size_t bytes) { return view(whole).substr(0, bytes); }

}  // namespace

asking_key make_asking_key() {
  const auto pair = make_pair();
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(pair.get(), OSSL_PKEY_PARAM_PRIV_KEY, &raw) != 1) std::abort();
  asking_key out{public_half(pair.get()), secure_bytes(p256_private_bytes)};
  const int size = BN_bn2binpad(raw, out.private_key.data(), static_cast<int>(p256_private_bytes));
  BN_clear_free(raw);
  if (size != static_cast<int>(p256_private_bytes)) std::abort();
  return out;
}

std::string seal_answer(std::string_view public_key, std::string_view identifier, std::string_view text) {
  const auto theirs = key_of(public_key, nullptr);
  if (!theirs) std::abort();
  const auto mine = make_pair();
  const auto ephemeral = public_half(mine.get());
  const auto both = key_and_nonce(agreed(mine.get(), theirs.get()), ephemeral, public_key, identifier);
  const auto plain = padded_text(text);
  std::string raw = ephemeral;
  raw.resize(p256_public_bytes + plain.size() + gcm::tag_bytes);
  auto* bytes = reinterpret_cast<std::uint8_t*>(raw.data()) + p256_public_bytes;
  gcm::encrypt(key_in(both), nonce_in(both), {bound_to}, plain.view(), bytes,
               std::span<std::uint8_t, gcm::tag_bytes>(bytes + plain.size(), gcm::tag_bytes));
  return std::string(sealed_prefix) + base64url_encode(raw);
}

bool is_sealed_answer(std::string_view value) { return value.starts_with(sealed_prefix); }

result<secure_bytes> open_answer(const asking_key& key, std::string_view identifier, std::string_view sealed) {
  const auto refused = [] { return fail(errc::corrupt, "the key of the link does not open what was answered"); };
  if (!is_sealed_answer(sealed)) return refused();
  const auto raw = base64url_decode(sealed.substr(sealed_prefix.size()));
  if (!raw || raw->size() < p256_public_bytes + gcm::tag_bytes) return refused();
  const auto ephemeral = std::string_view(*raw).substr(0, p256_public_bytes);
  const auto theirs = key_of(ephemeral, nullptr);
  const auto mine = key_of(key.public_key, &key.private_key);
  if (!theirs || !mine) return refused();
  const auto both = key_and_nonce(agreed(mine.get(), theirs.get()), ephemeral, key.public_key, identifier);
  const auto inner = std::string_view(*raw).substr(p256_public_bytes, raw->size() - p256_public_bytes - gcm::tag_bytes);
  const auto* tag = reinterpret_cast<const std::uint8_t*>(raw->data()) + p256_public_bytes + inner.size();
  secure_bytes plain(inner.size());
  if (!gcm::decrypt(key_in(both), nonce_in(both), {bound_to}, inner,
                    std::span<const std::uint8_t, gcm::tag_bytes>(tag, gcm::tag_bytes), plain.data()))
    return refused();
  auto text = unpadded_text(plain);
  if (!text) return refused();
  return std::move(*text);
}

std::string fragment_of(const ask_link& link) {
  const auto check = sha256(joined({ask_context, link.public_key, link.identifier}).view());
  return std::string(link_version) + base64url_encode(link.public_key + std::string(cut(check, ask_check_bytes))) +
         link.identifier;
}

secure_bytes fragment_of(const pickup_link& link) {
  const auto secret = link.key.private_key.view(), pickup = link.pickup_key.view();
  const auto check = sha256(joined({pickup_context, secret, link.key.public_key, link.identifier, ".", pickup}).view());
  auto told = base64url_encode(joined({secret, link.key.public_key, cut(check, pickup_check_bytes)}).view());
  auto out = joined({link_version, told, link.identifier, ".", pickup});
  OPENSSL_cleanse(told.data(), told.size());
  return out;
}

result<ask_link> read_ask_fragment(std::string_view fragment) {
  if (is_of_later_version(fragment)) return newer();
  if (!fragment.starts_with(link_version) || fragment.size() < link_version.size() + ask_chars) return damaged();
  const auto told = base64url_decode(fragment.substr(link_version.size(), ask_chars));
  ask_link out{std::string(fragment.substr(link_version.size() + ask_chars)), {}};
  if (!told || told->size() != p256_public_bytes + ask_check_bytes || !is_link_identifier(out.identifier))
    return damaged();
  out.public_key = told->substr(0, p256_public_bytes);
  const auto check = sha256(joined({ask_context, out.public_key, out.identifier}).view());
  if (cut(check, ask_check_bytes) != std::string_view(*told).substr(p256_public_bytes)) return damaged();
  if (!key_of(out.public_key, nullptr)) return damaged();
  return out;
}

result<pickup_link> read_pickup_fragment(std::string_view fragment) {
  if (is_of_later_version(fragment)) return newer();
  if (!fragment.starts_with(link_version) || fragment.size() < link_version.size() + pickup_chars) return damaged();
  const auto told = decode_secret(fragment.substr(link_version.size(), pickup_chars));
  const auto names = fragment.substr(link_version.size() + pickup_chars);
  const auto dot = names.find('.');
  if (!told || told->size() != p256_private_bytes + p256_public_bytes + pickup_check_bytes || dot == names.npos ||
      !is_link_identifier(names.substr(0, dot)) || !is_link_identifier(names.substr(dot + 1)))
    return damaged();
  const auto bytes = told->view();
  pickup_link out;
  out.identifier = std::string(names.substr(0, dot));
  out.pickup_key = secure_bytes(names.substr(dot + 1));
  out.key.private_key = secure_bytes(bytes.substr(0, p256_private_bytes));
  out.key.public_key = std::string(bytes.substr(p256_private_bytes, p256_public_bytes));
  const auto check =
      sha256(joined({pickup_context, bytes.substr(0, p256_private_bytes + p256_public_bytes), names}).view());
  if (!equal(cut(check, pickup_check_bytes), bytes.substr(p256_private_bytes + p256_public_bytes))) return damaged();
  if (!key_of(out.key.public_key, &out.key.private_key)) return damaged();
  return out;
}

}  // namespace nacre::crypto
