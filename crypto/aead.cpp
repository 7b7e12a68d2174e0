#include "crypto/aead.hpp"

#include <cstdlib>
#include <limits>

#include "crypto/big_endian.hpp"
#include "crypto/digest.hpp"
#include "crypto/gcm.hpp"
#include "crypto/random.hpp"

namespace nacre::crypto {
namespace {

constexpr std::string_view magic = "N1";
constexpr char suite_aes256_gcm_hmac = 1;
constexpr std::string_view commit_label = "nacre/commit/v1";
constexpr std::string_view aad_label = "nacre/aad/v1";

constexpr std::size_t suite_at = 2;
constexpr std::size_t version_at = 3;
constexpr std::size_t nonce_at = 7;  // the header ends here
constexpr std::size_t commit_at = nonce_at + gcm::nonce_bytes;
constexpr std::size_t ciphertext_at = commit_at + sizeof(digest);
static_assert(ciphertext_at + gcm::tag_bytes == blob_overhead_bytes);
static_assert(key_bytes == gcm::key_bytes);

digest commitment(std::string_view key, std::string_view aad) { return hmac_sha256(key, pieces{commit_label, aad}); }

const std::uint8_t* bytes(std::string_view s) { return reinterpret_cast<const std::uint8_t*>(s.data()); }
gcm::key_span as_key(std::string_view key) { return gcm::key_span{bytes(key), key_bytes}; }
gcm::nonce_span nonce_of(std::string_view blob) { return gcm::nonce_span{bytes(blob) + nonce_at, gcm::nonce_bytes}; }

bool has_header(std::string_view blob) {
  return blob.size() >= blob_overhead_bytes && blob.substr(0, magic.size()) == magic &&
         blob[suite_at] == suite_aes256_gcm_hmac;
}

auto refused() { return fail(errc::corrupt, "sealed bytes do not authenticate"); }

std::string seal_under(std::string_view key, std::uint32_t key_version, std::string_view aad,
                       std::string_view plaintext) {
  if (key.size() != key_bytes) std::abort();  // sealing under half a key would be worse than stopping
  std::string blob;
  blob.reserve(blob_overhead_bytes + plaintext.size());
  blob.append(magic).push_back(suite_aes256_gcm_hmac);
  put_u32(blob, key_version);
  blob.resize(blob_overhead_bytes + plaintext.size());
  auto* out = reinterpret_cast<std::uint8_t*>(blob.data());
  fill_random({out + nonce_at, gcm::nonce_bytes});
  const digest commit = commitment(key, aad);
  blob.replace(commit_at, commit.size(), view(commit));
  gcm::encrypt(as_key(key), nonce_of(blob), {std::string_view{blob}.substr(0, nonce_at), aad}, plaintext,
               out + ciphertext_at,
               std::span<std::uint8_t, gcm::tag_bytes>{out + ciphertext_at + plaintext.size(), gcm::tag_bytes});
  return blob;
}

result<secure_bytes> open_under(std::string_view key, std::string_view aad, std::string_view blob) {
  if (key.size() != key_bytes || !has_header(blob)) return refused();
  if (!equal(blob.substr(commit_at, sizeof(digest)), view(commitment(key, aad)))) return refused();
  const auto tag_at = blob.size() - gcm::tag_bytes;
  const auto ciphertext = blob.substr(ciphertext_at, tag_at - ciphertext_at);
  secure_bytes plaintext(ciphertext.size());
  if (!gcm::decrypt(as_key(key), nonce_of(blob), {blob.substr(0, nonce_at), aad}, ciphertext,
                    std::span<const std::uint8_t, gcm::tag_bytes>{bytes(blob) + tag_at, gcm::tag_bytes},
                    plaintext.data()))
    return refused();
  return plaintext;
}

void put_part(std::string& out, std::string_view part) {
  if (part.size() > std::numeric_limits<std::uint32_t>::max()) std::abort();  // a wrapped length would not be injective
  put_u32(out, static_cast<std::uint32_t>(part.size()));
  out.append(part);
}

}  // namespace

std::string encode(const binding& b) {
  std::string version;
  put_u32(version, b.record_version);
  const std::string_view parts[] = {aad_label, b.cluster, b.workspace, b.record,
                                    b.kind,    b.field,   version,     b.policy_hash};
  std::size_t size = 0;
  for (const auto part : parts) size += 4 + part.size();
  std::string out;
  out.reserve(size);
  for (const auto part : parts) put_part(out, part);
  return out;
}

std::string seal(const secure_bytes& key, std::uint32_t key_version, std::string_view aad, std::string_view plaintext) {
  return seal_under(key.view(), key_version, aad, plaintext);
}

std::string seal(const guarded_bytes& key, std::uint32_t key_version, std::string_view aad,
                 std::string_view plaintext) {
  return seal_under(key.view(), key_version, aad, plaintext);
}

result<secure_bytes> open(const secure_bytes& key, std::string_view aad, std::string_view blob) {
  return open_under(key.view(), aad, blob);
}

result<secure_bytes> open(const guarded_bytes& key, std::string_view aad, std::string_view blob) {
  return open_under(key.view(), aad, blob);
}

result<std::uint32_t> key_version_of(std::string_view blob) {
  if (!has_header(blob)) return fail(errc::corrupt, "not a blob v1");
  return get_u32(blob, version_at);
}

}  // namespace nacre::crypto
