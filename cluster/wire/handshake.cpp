#include "cluster/wire/handshake.hpp"

#include "crypto/digest.hpp"
#include "crypto/random.hpp"
#include "model/wire.hpp"

namespace nacre::cluster::wire {
namespace {

constexpr std::string_view protocol = "nacre/wire/2", as_dialler = "dialler", as_acceptor = "acceptor";

std::string transcript_of(std::string_view hello, std::string_view answering_hello) {
  const auto all = model::writer().bytes(protocol).bytes(hello).bytes(answering_hello).take();
  return std::string(crypto::view(crypto::sha256(all)));
}

std::string bound(std::string_view what, std::string_view role, std::string_view transcript) {
  return model::writer().bytes(protocol).bytes(what).bytes(role).raw(transcript).take();
}

std::string root_proof(const self_description& self, std::string_view role, std::string_view transcript) {
  const auto all = crypto::hmac_sha256(self.root_check, bound("root", role, transcript));
  return std::string(crypto::view(all).substr(0, root_proof_bytes));
}

proof prove(const self_description& self, std::string_view role, std::string_view transcript) {
  return {self.identity.sign(bound("sign", role, transcript)), root_proof(self, role, transcript)};
}

or_refusal<void> check(const self_description& self, const crypto::verified_member& peer, const proof& p,
                       std::string_view role, std::string_view transcript) {
  if (!peer.signed_by(bound("sign", role, transcript), p.signature)) return tl::make_unexpected(refusal::signature);
  if (!crypto::equal(p.root, root_proof(self, role, transcript))) return tl::make_unexpected(refusal::root_key);
  return {};
}

struct both_keys {
  crypto::secure_bytes dialler, acceptor;
};
or_refusal<both_keys> agree(const crypto::key_agreement& ours, std::string_view theirs, std::string_view transcript) {
  const auto shared = ours.agree(theirs);
  if (!shared) return tl::make_unexpected(refusal::malformed);
  const auto bytes = crypto::hkdf_sha256(shared->view(), transcript, "nacre/wire/2 keys", 64);
  return both_keys{crypto::secure_bytes{bytes.view().substr(0, 32)}, crypto::secure_bytes{bytes.view().substr(32)}};
}

hello hello_of(const self_description& self, node_id to, const crypto::key_agreement& share) {
  hello out;
  out.cluster = self.identity.name().cluster;
  out.from = self.identity.name().node;
  out.to = to;
  out.instance = self.instance;
  out.nonce = std::string(crypto::random_bytes(nonce_bytes).view());
  out.share = share.public_key();
  out.certificate = self.identity.certificate();
  if (self.door != nullptr) {
    const auto ours = self.door->ours();
    out.directory = ours.directory;
    out.boot = ours.boot;
    out.known = self.door->known();
  }
  return out;
}

introduction introduction_of(const hello& h) { return {{h.directory, h.boot, h.instance}, h.known}; }

// Another version says so even where the rest cannot be read.
refusal misfit(std::string_view message) {
  const auto head = header_of(message);
  if (!head || head->version == protocol_version) return refusal::malformed;
  return head->version < protocol_version ? refusal::older : refusal::newer;
}

or_refusal<crypto::verified_member> verify(const self_description& self, const hello& h, std::int64_t now) {
  if (h.cluster != self.identity.name().cluster) return tl::make_unexpected(refusal::other_cluster);
  auto peer = self.identity.trust().verify(h.certificate, now);
  if (!peer || peer->name() != crypto::member_name{h.cluster, h.from}) return tl::make_unexpected(refusal::certificate);
  return std::move(*peer);
}

}  // namespace

dialling::dialling(const self_description& self, node_id to)
    : self_(self), to_(to), hello_(encode(hello_of(self, to, share_))) {}

or_refusal<std::string> dialling::on_answer(std::string_view message, std::int64_t now) {
  const auto said = decode_answer(message);
  if (!said) return tl::make_unexpected(misfit(message));
  const auto& h = said->hello;
  if (h.from != to_ || h.to != self_.identity.name().node) return tl::make_unexpected(refusal::misdirected);
  const auto peer = verify(self_, h, now);
  if (!peer) return tl::make_unexpected(peer.error());
  const auto transcript = transcript_of(hello_, encode(h));
  if (auto proved = check(self_, *peer, said->proof, as_acceptor, transcript); !proved)
    return tl::make_unexpected(proved.error());
  auto keys = agree(share_, h.share, transcript);
  if (!keys) return tl::make_unexpected(keys.error());
  keys_ = {std::move(keys->dialler), std::move(keys->acceptor)};
  introduced_ = introduction_of(h);
  return encode(prove(self_, as_dialler, transcript));
}

or_refusal<std::string> accepting::on_hello(std::string_view message, std::int64_t now,
                                            const std::function<bool(node_id)>& is_member) {
  const auto h = decode_hello(message);
  if (!h) return tl::make_unexpected(misfit(message));
  peer_ = h->from;
  if (h->cluster != self_.identity.name().cluster) return tl::make_unexpected(refusal::other_cluster);
  if (h->to != self_.identity.name().node) return tl::make_unexpected(refusal::misdirected);
  if (h->from == self_.identity.name().node) return tl::make_unexpected(refusal::own_id);
  auto member = verify(self_, *h, now);
  if (!member) return tl::make_unexpected(member.error());
  if (!is_member(h->from)) return tl::make_unexpected(refusal::not_member);
  member_ = std::move(*member);
  introduced_ = introduction_of(*h);
  const crypto::key_agreement share;
  const auto ours = hello_of(self_, h->from, share);
  transcript_ = transcript_of(message, encode(ours));
  auto keys = agree(share, h->share, transcript_);
  if (!keys) return tl::make_unexpected(keys.error());
  keys_ = {std::move(keys->acceptor), std::move(keys->dialler)};
  return encode(answer{ours, prove(self_, as_acceptor, transcript_)});
}

or_refusal<void> accepting::on_proof(std::string_view message) {
  const auto p = decode_proof(message);
  if (!member_ || !p) return tl::make_unexpected(misfit(message));
  return check(self_, *member_, *p, as_dialler, transcript_);
}

}  // namespace nacre::cluster::wire
