#include "cluster/wire/message.hpp"

#include <cstdlib>
#include <utility>

#include "crypto/certificates.hpp"
#include "model/wire.hpp"

namespace nacre::cluster::wire {
namespace {

constexpr std::string_view magic = "NW";

// The body of a message of our version and this kind.
std::optional<std::string_view> body_of(std::string_view message, kind k) {
  const auto head = header_of(message);
  if (!head || head->version != protocol_version || head->kind != k || message.size() > hello_bytes_max)
    return std::nullopt;
  return message.substr(header_bytes);
}

void put(model::writer& to, const hello& h) {
  to.id(h.cluster).u64(h.from).u64(h.to).id(h.instance).raw(h.nonce).raw(h.share).bytes(h.certificate);
  to.id(h.directory).u64(h.boot).u8(static_cast<std::uint8_t>(h.known.size()));
  for (const auto& each : h.known) to.u64(each.node).id(each.last.directory).u64(each.last.boot).id(each.last.process);
}

hello get_hello(model::reader& from) {
  hello out;
  out.cluster = from.id();
  out.from = from.u64();
  out.to = from.u64();
  out.instance = from.id();
  out.nonce = from.raw(nonce_bytes);
  out.share = from.raw(share_bytes);
  out.certificate = from.text(crypto::certificate_bytes_max);
  if (out.from == 0 || out.to == 0) from.fail();
  out.directory = from.id();
  out.boot = from.u64();
  auto count = from.u8();
  if (count > acquaintances_max) from.fail();
  for (node_id before = 0; count > 0 && from.ok(); --count) {
    acquaintance each;
    each.node = from.u64();
    each.last.directory = from.id();
    each.last.boot = from.u64();
    each.last.process = from.id();
    if (each.node <= std::exchange(before, each.node)) from.fail();
    out.known.push_back(each);
  }
  return out;
}

void put(model::writer& to, const proof& p) { to.bytes(p.signature).raw(p.root); }

proof get_proof(model::reader& from) {
  proof out;
  out.signature = from.text(crypto::signature_bytes_max);
  out.root = from.raw(root_proof_bytes);
  return out;
}

}  // namespace

std::string_view why_we_refuse(refusal r) {
  switch (r) {  // No default, on purpose.
    case refusal::older:
      return "refused: its protocol is older than ours; finish the upgrade there";
    case refusal::newer:
      return "refused: its protocol is newer than ours; finish the upgrade here";
    case refusal::malformed:
      return "refused: what it sent is not of this protocol";
    case refusal::other_cluster:
      return "refused: it belongs to another cluster";
    case refusal::certificate:
      return "refused: its certificate is not one of this cluster for that node, or its time has passed";
    case refusal::signature:
      return "refused: it has not shown that it holds its certificate's key";
    case refusal::root_key:
      return "refused: its root key is another one";
    case refusal::duplicate:
      return "refused: another live process already is the node it says to be";
    case refusal::own_id:
      return "refused: it says to be this very node";
    case refusal::not_member:
      return "refused: it is not among this cluster's members";
    case refusal::misdirected:
      return "refused: another node answers at its address";
    case refusal::busy:
      return "refused: too many connections begin at once";
    case refusal::other_directory:
      return "refused: its data directory is not the one its number had; take it in under a new number";
    case refusal::older_start:
      return "refused: its data directory is an older copy of the one its number had; take it in under a new number";
    case refusal::own_older:
      return "refused: it knows another data directory under our number, or a later start; this node must come back "
             "under a new one";
  }
  std::abort();
}

std::string_view why_it_refuses(refusal r) {
  switch (r) {
    case refusal::older:
      return "it refuses us: our protocol is older; finish the upgrade here";
    case refusal::newer:
      return "it refuses us: our protocol is newer; finish the upgrade there";
    case refusal::malformed:
      return "it refuses us: what we sent is not of its protocol";
    case refusal::other_cluster:
      return "it refuses us: it belongs to another cluster";
    case refusal::certificate:
      return "it refuses us: our certificate is not one of its cluster for this node, or its time has passed";
    case refusal::signature:
      return "it refuses us: we have not shown that we hold our certificate's key";
    case refusal::root_key:
      return "it refuses us: our root key is another one";
    case refusal::duplicate:
      return "it refuses us: another live process already has our node id";
    case refusal::own_id:
      return "it refuses us: it has our node id";
    case refusal::not_member:
      return "it refuses us: we are not among its cluster's members";
    case refusal::misdirected:
      return "it refuses us: it is another node than we look for at its address";
    case refusal::busy:
      return "it refuses us for now: too many connections begin at once";
    case refusal::other_directory:
      return "it refuses us: our data directory is not the one our number had; this node must come back under a new "
             "one";
    case refusal::older_start:
      return "it refuses us: our data directory is an older copy of the one our number had; this node must come back "
             "under a new one";
    case refusal::own_older:
      return "it refuses us: we know another data directory under its number, or a later start; take it in under a new "
             "number";
  }
  std::abort();
}

std::optional<header> header_of(std::string_view message) {
  if (message.size() < header_bytes || !message.starts_with(magic)) return std::nullopt;
  const auto k = static_cast<std::uint8_t>(message[3]);
  if (k < static_cast<std::uint8_t>(kind::hello) || k > static_cast<std::uint8_t>(kind::beat)) return std::nullopt;
  return header{static_cast<std::uint8_t>(message[2]), static_cast<kind>(k)};
}

std::string header_for(kind k) {
  std::string out(magic);
  out.push_back(static_cast<char>(protocol_version));
  out.push_back(static_cast<char>(k));
  return out;
}

std::string encode(const hello& h) {
  model::writer out;
  put(out.raw(header_for(kind::hello)), h);
  return out.take();
}

std::string encode(const answer& a) {
  model::writer inner, out;
  put(inner, a.hello);
  put(out.raw(header_for(kind::answer)).bytes(inner.view()), a.proof);
  return out.take();
}

std::string encode(const proof& p) {
  model::writer out;
  put(out.raw(header_for(kind::proof)), p);
  return out.take();
}

std::string encode(refusal r) {
  auto out = header_for(kind::refusal);
  out.push_back(static_cast<char>(r));
  return out;
}

std::optional<hello> decode_hello(std::string_view message) {
  const auto body = body_of(message, kind::hello);
  if (!body) return std::nullopt;
  model::reader in(*body);
  auto out = get_hello(in);
  return in.finished() ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<answer> decode_answer(std::string_view message) {
  const auto body = body_of(message, kind::answer);
  if (!body) return std::nullopt;
  model::reader in(*body);
  model::reader inner(in.bytes(hello_bytes_max));
  answer out;
  out.hello = get_hello(inner);
  out.proof = get_proof(in);
  return inner.finished() && in.finished() ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<proof> decode_proof(std::string_view message) {
  const auto body = body_of(message, kind::proof);
  if (!body) return std::nullopt;
  model::reader in(*body);
  auto out = get_proof(in);
  return in.finished() ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<refusal> decode_refusal(std::string_view message) {
  const auto head = header_of(message);
  if (!head || head->kind != kind::refusal || message.size() != header_bytes + 1) return std::nullopt;
  const auto number = static_cast<std::uint8_t>(message[header_bytes]);
  if (number < static_cast<std::uint8_t>(refusal::older) || number > static_cast<std::uint8_t>(refusal::own_older))
    return std::nullopt;
  return static_cast<refusal>(number);
}

}  // namespace nacre::cluster::wire
