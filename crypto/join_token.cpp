#include "crypto/join_token.hpp"

#include "crypto/certificates.hpp"
#include "crypto/jwt.hpp"
#include "model/limits.hpp"
#include "model/wire.hpp"

namespace nacre::crypto {
namespace {

constexpr std::string_view prefix = "nacre-join-2.";
constexpr std::size_t member_bytes_max = 300, service_keys_bytes_max = 4'096;

std::string open_part(const join_offer& o) {
  model::writer out;
  out.id(o.cluster).u64(o.node).u64(static_cast<std::uint64_t>(o.expires));
  out.u32(static_cast<std::uint32_t>(o.members.size()));
  for (const auto& each : o.members) out.bytes(each);
  return out.u32(o.groups).take();
}

auto no_token() { return fail(errc::invalid, "this is no join token, or a part of it is missing"); }

}  // namespace

std::string make_join_token(const key_provider& root, const join_offer& offer) {
  const auto open = open_part(offer);
  // Lengths first, then the key last: it is the only part that is kept from ordinary memory.
  const auto front =
      model::writer().bytes(offer.ca_certificate).bytes(offer.certificate).bytes(offer.service_keys).take();
  secure_bytes hidden{front.size() + offer.key.size()};
  std::copy(front.begin(), front.end(), hidden.data());
  std::copy(offer.key.data(), offer.key.data() + offer.key.size(), hidden.data() + front.size());
  const auto sealed = root.wrap("nacre/join/v2" + open, hidden.view());
  return std::string(prefix) + base64url_encode(model::writer().bytes(open).raw(sealed).view());
}

result<join_offer> open_join_token(const key_provider& root, std::string_view token, std::int64_t now) {
  if (!token.starts_with(prefix) || token.size() > join_token_bytes_max) return no_token();
  const auto bytes = base64url_decode(token.substr(prefix.size()));
  if (!bytes) return no_token();
  model::reader all(*bytes);
  const auto open = all.bytes(join_token_bytes_max);
  if (!all.ok()) return no_token();
  const auto sealed = std::string_view(*bytes).substr(4 + open.size());
  model::reader in(open);
  join_offer out;
  out.cluster = in.id();
  out.node = in.u64();
  out.expires = static_cast<std::int64_t>(in.u64());
  const auto members = in.u32();
  if (members > limits::cluster_members_max) return no_token();
  for (std::uint32_t i = 0; i < members && in.ok(); ++i) out.members.push_back(in.text(member_bytes_max));
  out.groups = in.u32();
  if (!in.finished() || out.node == 0 || out.groups == 0) return no_token();
  const auto hidden = root.unwrap("nacre/join/v2" + std::string(open), sealed);
  if (!hidden)
    return fail(errc::invalid, "the join token does not open: it was made under another root key, or was changed");
  model::reader inner(hidden->view());
  out.ca_certificate = inner.text(certificate_file_bytes_max);
  out.certificate = inner.text(certificate_file_bytes_max);
  out.service_keys = inner.text(service_keys_bytes_max);
  if (!inner.ok()) return no_token();
  const auto before = 12 + out.ca_certificate.size() + out.certificate.size() + out.service_keys.size();
  out.key = secure_bytes{hidden->view().substr(before)};
  if (out.expires <= now) return fail(errc::invalid, "the join token has ended; make another one");
  return out;
}

}  // namespace nacre::crypto
