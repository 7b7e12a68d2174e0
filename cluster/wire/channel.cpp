#include "cluster/wire/channel.hpp"

#include "crypto/digest.hpp"
#include "model/wire.hpp"

namespace nacre::cluster::wire {
namespace {

std::string_view cut(const crypto::digest& d) { return crypto::view(d).substr(0, tag_bytes); }

// A message as yet without number and tag.
std::string begun(kind k, std::size_t body_bytes) {
  model::writer out(header_bytes + number_bytes + body_bytes + tag_bytes);
  return out.raw(header_for(k)).u64(0).take();
}

std::string number_in_bytes(std::uint64_t n) { return model::writer(number_bytes).u64(n).take(); }

// The frames of a message whose frames begin at `at`; none: it is not one.
std::vector<std::string> taken_apart(std::string message, std::size_t at) {
  std::vector<std::string> all;
  model::reader in(std::string_view(message).substr(at));
  const auto first = in.bytes(frame_bytes_max);
  if (in.finished()) {
    message.erase(0, message.size() - first.size());
    all.push_back(std::move(message));
    return all;
  }
  if (!in.ok() || message.size() - at > bundle::bytes_max) return all;
  all.emplace_back(first);
  while (in.ok() && !in.finished()) all.push_back(in.text(bundle::bytes_max));
  if (!in.ok()) all.clear();
  return all;
}

}  // namespace

bundle::bundle(std::string_view frame) : message_(begun(kind::frames, length_bytes + frame.size())) { put(frame); }

void bundle::put(std::string_view frame) {
  message_ += model::writer(length_bytes).u32(static_cast<std::uint32_t>(frame.size())).view();
  message_ += frame;
}

bool bundle::add(std::string_view frame) {
  if (message_.size() - header_bytes - number_bytes + length_bytes + frame.size() > bytes_max) return false;
  put(frame);
  return true;
}

std::string sealer::seal(std::string message) {
  message.replace(header_bytes, number_bytes, number_in_bytes(++number_));
  message += cut(crypto::hmac_sha256(key_.view(), message));
  return message;
}

std::string sealer::frames(bundle all) { return seal(std::move(all.message_)); }

std::string sealer::beat(std::uint64_t acknowledged) {
  return seal(begun(kind::beat, number_bytes) + number_in_bytes(acknowledged));
}

std::optional<opened> opener::open(std::string message) {
  const auto head = header_of(message);
  if (!head || head->version != protocol_version || (head->kind != kind::frames && head->kind != kind::beat) ||
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
  out.frames = taken_apart(std::move(message), header_bytes + number_bytes);
  if (out.frames.empty()) return std::nullopt;
  return out;
}

}  // namespace nacre::cluster::wire
