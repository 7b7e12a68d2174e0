// The development issuer: its key, its published key set, and the tokens it mints.
#include <openssl/crypto.h>

#include "crypto/digest.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/openssl_handles.hpp"
#include "crypto/operator_file.hpp"
#include "crypto/random.hpp"
#include "crypto/strict_json.hpp"
#include "model/limits.hpp"

namespace nacre::crypto {
namespace {

constexpr std::size_t private_jwk_bytes_max = 4 * 1024;

std::filesystem::path private_file(const std::filesystem::path& directory) { return directory / "dev-issuer.jwk"; }
std::filesystem::path public_file(const std::filesystem::path& directory) { return directory / "dev-issuer.jwks.json"; }

struct dev_key {
  ed25519_key key;
  std::string x;    // the public key in base64url
  std::string kid;  // its RFC 7638 thumbprint
};

std::optional<dev_key> from_secret(std::string_view secret) {
  auto key = ed25519_key::from_secret(secret);
  if (!key) return std::nullopt;
  auto x = base64url_encode(key->public_part());
  auto kid = base64url_encode(view(sha256(R"({"crv":"Ed25519","kty":"OKP","x":")" + x + R"("})")));
  return dev_key{std::move(*key), std::move(x), std::move(kid)};
}

// The members both files share, without the closing brace.
std::string public_members(const dev_key& key) {
  return R"({"kty":"OKP","crv":"Ed25519","use":"sig","alg":"EdDSA","kid":")" + key.kid + R"(","x":")" + key.x + '"';
}

result<dev_key> load(const std::filesystem::path& directory) {
  const auto file = read_operator_file(private_file(directory), private_jwk_bytes_max, file_privacy::owner_only);
  if (!file) return fail(file.error().code, "dev-issuer.jwk: " + file.error().text);
  const auto refused = [] { return fail(errc::invalid, "dev-issuer.jwk is not an Ed25519 private JWK"); };
  json_reader reader{private_jwk_bytes_max};
  const auto jwk = reader.read(file->content.view());
  if (!jwk || string_member(*jwk, "kty") != "OKP" || string_member(*jwk, "crv") != "Ed25519") return refused();
  const auto secret = decode_secret(string_member(*jwk, "d").value_or(""));
  if (!secret) return refused();
  auto key = from_secret(secret->view());
  if (!key || string_member(*jwk, "x") != key->x || string_member(*jwk, "kid") != key->kid) return refused();
  return std::move(*key);
}

result<void> create(const std::filesystem::path& directory) {
  const secure_bytes secret = random_bytes(ed25519_key_bytes);
  const auto key = from_secret(secret.view());
  if (!key) return fail(errc::internal, "no Ed25519 key could be made");
  std::string d = base64url_encode(secret.view());
  std::string jwk = public_members(*key) + R"(,"d":")" + d + "\"}\n";
  auto written = write_operator_file(private_file(directory), jwk, 0600, false);
  OPENSSL_cleanse(d.data(), d.size());
  OPENSSL_cleanse(jwk.data(), jwk.size());
  if (!written && written.error().code != errc::conflict)  // else another process was faster: use its key
    return fail(written.error().code, "dev-issuer.jwk: " + written.error().text);
  return {};
}

bool publishes(const std::filesystem::path& directory, const dev_key& key) {
  const auto file = read_operator_file(public_file(directory), jwks_bytes_max, file_privacy::owner_writes);
  if (!file) return false;
  const auto set = key_set::parse(file->content.view(), false);
  return set && (*set)->find(key.kid) != nullptr;
}

// What verify() would refuse is not minted.
bool is_mintable(const mint_request& what) {
  const auto passes = [](const std::optional<std::string>& text, std::size_t bytes_max) {
    return !text || is_plain_text(*text, bytes_max);
  };
  return what.seconds >= 1 && what.seconds <= dev_token_seconds_max &&
         is_plain_text(what.subject, limits::subject_bytes_max) && passes(what.workspace, limits::subject_bytes_max) &&
         passes(what.role, limits::subject_bytes_max) && passes(what.email, limits::email_bytes_max) &&
         passes(what.workspace_name, 4 * limits::name_chars_max) && passes(what.scope, limits::jwt_scope_bytes_max);
}

std::string claims_json(const mint_request& what, timestamp now) {
  const std::int64_t iat = now.value() / 1000;
  std::string out = "{\"iss\":" + json_quoted(dev_issuer_name) + ",\"aud\":" + json_quoted(dev_audience) +
                    ",\"jti\":\"" + base64url_encode(random_bytes(16).view()) + "\",\"iat\":" + std::to_string(iat) +
                    ",\"exp\":" + std::to_string(iat + what.seconds) + ",\"sub\":" + json_quoted(what.subject);
  const auto add = [&](std::string_view name, const std::optional<std::string>& text) {
    if (text) out += "," + json_quoted(name) + ":" + json_quoted(*text);
  };
  add("ws", what.workspace);
  add("role", what.role);
  add("email", what.email);
  add("ws_name", what.workspace_name);
  add("scope", what.scope);
  return out + "}";
}

}  // namespace

result<void> ensure_dev_issuer(const std::filesystem::path& directory) {
  const error_mark mark;
  auto key = load(directory);
  if (!key && key.error().code == errc::not_found) {
    if (auto created = create(directory); !created) return created;
    key = load(directory);
  }
  if (!key) return tl::make_unexpected(std::move(key.error()));
  if (publishes(directory, *key)) return {};
  const std::string jwks = R"({"keys":[)" + public_members(*key) + "}]}\n";
  if (auto written = write_operator_file(public_file(directory), jwks, 0644, true); !written)
    return fail(written.error().code, "dev-issuer.jwks.json: " + written.error().text);
  return {};
}

result<std::string> mint_dev_token(const std::filesystem::path& directory, const mint_request& what, timestamp now) {
  if (!is_mintable(what))
    return fail(errc::invalid,
                "a development token needs a subject, a life of 1 second to 24 hours, and no empty, overlong or "
                "control-character text");
  const error_mark mark;
  const auto key = load(directory);
  if (!key) return tl::make_unexpected(key.error());
  std::string token = base64url_encode(R"({"alg":"EdDSA","kid":")" + key->kid + R"(","typ":"JWT"})") + "." +
                      base64url_encode(claims_json(what, now));
  return token + "." + base64url_encode(key->key.sign(token));
}

}  // namespace nacre::crypto
