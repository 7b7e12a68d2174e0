#include "cluster/wire/channel.hpp"

#include "crypto/digest.hpp"
#include "model/wire.hpp"

namespace nacre::cluster::wire {
namespace {

std::string_view cut(const crypto::digest& d) { return crypto::view(d).substr(0, tag_bytes); }

}  // namespace

std::string sealer::seal(kind k, std::string_view body) {
  model::writer out(header_bytes + number_bytes + body.size() + tag_bytes);
  out.raw(header_for(k)).u64(++number_).raw(body);
  const auto tag = crypto::hmac_sha256(key_.view(), out.view());
  return out.raw(cut(tag)).take();
}

std::string sealer::frame(std::string_view payload) { return seal(kind::frame, payload); }

std::string sealer::beat(std::uint64_t acknowledged) {
  return seal(kind::beat, model::writer().u64(acknowledged).view());
}

std::optional<opened> opener::open(std::string message) {
  const auto head = header_of(message);
  if (!head || head->version != protocol_version || (head->kind != kind::frame && head->kind != kind::beat) ||
      message.size() < header_bytes + number_bytes + tag_bytes || message.size() > message_bytes_max)
    return std::nullopt;
  const std::string_view all(message);
  const auto said = all.substr(0, all.size() - tag_bytes);
  const auto tag = crypto::hmac_sha256(key_.view(), said);
  if (!crypto::equal(cut(tag), all.substr(said.size()))) return std::nullopt;
  model::reader in(said.substr(header_bytes));
  if (in.u64() != number_ + 1) return std::nullopt;
  ++number_;
  opened out;
  out.kind = head->kind;
  if (out.kind == kind::beat) {
    out.acknowledged = in.u64();
    if (!in.finished()) return std::nullopt;
    return out;
  }
  message.resize(said.size());
  message.erase(0, header_bytes + number_bytes);
  out.payload = std::move(message);
  return out;
}

}  // namespace nacre::cluster::wire
