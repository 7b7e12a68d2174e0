#include "model/secret_records.hpp"

#include "model/record_bytes.hpp"
#include "model/wire.hpp"

namespace nacre::model {

namespace {

using bytes::checked;
using bytes::open;
using bytes::open_up_to;
using bytes::read_hash;
using bytes::version_1;
using bytes::version_2;
using bytes::view;

void put(writer& w, const secret_record& v) {
  w.id(v.receipt).id(v.owner).time(v.created).u32(v.lifespan_s).maybe(v.previewed);
  w.u8(static_cast<std::uint8_t>(v.kind)).flag(v.has_passphrase).u32(v.data_key_version).u64(v.sealed_bytes);
}

secret_kind read_kind(reader& r) {
  auto byte = r.u8();
  if (byte < 1 || byte > 2) r.fail();
  return static_cast<secret_kind>(byte);
}

// No sum of a stored time and a stored lifetime leaves the calendar.
std::uint32_t read_lifespan(reader& r) {
  auto seconds = r.u32();
  if (seconds > limits::secret_ttl_s_max) r.fail();
  return seconds;
}

secret_record get_secret(reader& r) {
  secret_record v;
  v.receipt = r.id_as<receipt_id>();
  v.owner = r.id_as<user_id>();
  v.created = r.time();
  v.lifespan_s = read_lifespan(r);
  v.previewed = r.maybe_time();
  v.kind = read_kind(r);
  v.has_passphrase = r.flag();
  v.data_key_version = r.u32();
  v.sealed_bytes = r.u64();
  return v;
}

void put(writer& w, const attempts_record::counter& c) { w.u32(c.attempts).time(c.first).maybe(c.locked_until); }

attempts_record::counter get_counter(reader& r) {
  attempts_record::counter c;
  c.attempts = r.u32();
  c.first = r.time();
  c.locked_until = r.maybe_time();
  return c;
}

}  // namespace

receipt_record receipt_of(secret_id id, const secret_record& secret, const open_receipt& open) {
  receipt_record r;
  r.secret = id;
  r.owner = secret.owner;
  r.custid = open.custid;
  r.created = secret.created;
  r.updated = open.updated;
  r.lifespan_s = secret.lifespan_s;
  r.kind = secret.kind;
  r.has_passphrase = secret.has_passphrase;
  r.data_key_version = secret.data_key_version;
  r.previewed = open.previewed;
  r.secret_previewed = secret.previewed;
  r.recipients = open.recipients;
  r.memo = open.memo;
  return r;
}

open_receipt kept_of(receipt_record r) {
  return {std::move(r.custid), r.updated, r.previewed, std::move(r.recipients), std::move(r.memo)};
}

std::string encode(const held_secret& v) {
  constexpr std::size_t fixed_bytes = 128;  // of both records, nearly
  writer w{fixed_bytes + v.sealed.size() +
           (v.receipt ? v.receipt->custid.size() + v.receipt->recipients.size() + v.receipt->memo.size()
                      : v.sealed_link.size())};
  w.u8(v.receipt ? version_2 : version_1);
  put(w, v.record);
  w.bytes(v.sealed);
  if (!v.receipt) return w.bytes(v.sealed_link).take();
  const auto& r = *v.receipt;
  return w.bytes(r.custid).time(r.updated).maybe(r.previewed).bytes(r.recipients).bytes(r.memo).take();
}

template <>
std::optional<held_secret> decode(std::string_view bytes) {
  auto [r, version] = open_up_to(version_2, bytes);
  held_secret v;
  v.record = get_secret(r);
  v.sealed = r.text(limits::sealed_bytes_max);
  if (version == version_1) {
    v.sealed_link = r.text(limits::record_bytes_max);
    return checked(r, std::move(v));
  }
  auto& open = v.receipt.emplace();
  open.custid = r.text(limits::email_bytes_max);
  open.updated = r.time();
  open.previewed = r.maybe_time();
  open.recipients = r.text(limits::recipients_bytes_max);
  open.memo = r.text(4 * limits::memo_chars_max);
  return checked(r, std::move(v));
}

std::string encode(const receipt_record& v) {
  constexpr std::size_t fixed_bytes = 144;  // nearly
  writer w{fixed_bytes + v.custid.size() + v.recipients.size() + v.memo.size()};
  w.u8(v.revealed_by ? version_2 : version_1)
      .id(v.secret)
      .id(v.owner)
      .bytes(v.custid)
      .time(v.created)
      .time(v.updated)
      .u32(v.lifespan_s)
      .u8(static_cast<std::uint8_t>(v.kind))
      .flag(v.has_passphrase)
      .u32(v.data_key_version)
      .maybe(v.previewed)
      .maybe(v.secret_previewed)
      .u8(static_cast<std::uint8_t>(v.end))
      .maybe(v.ended)
      .bytes(v.recipients)
      .bytes(v.memo);
  if (v.revealed_by) w.id(*v.revealed_by);
  return w.take();
}

template <>
std::optional<receipt_record> decode(std::string_view bytes) {
  auto [r, version] = open_up_to(version_2, bytes);
  receipt_record v;
  v.secret = r.id_as<secret_id>();
  v.owner = r.id_as<user_id>();
  v.custid = r.text(limits::email_bytes_max);
  v.created = r.time();
  v.updated = r.time();
  v.lifespan_s = read_lifespan(r);
  v.kind = read_kind(r);
  v.has_passphrase = r.flag();
  v.data_key_version = r.u32();
  v.previewed = r.maybe_time();
  v.secret_previewed = r.maybe_time();
  auto end = r.u8();
  if (end > 3) r.fail();
  v.end = static_cast<receipt_end>(end);
  v.ended = r.maybe_time();
  v.recipients = r.text(limits::recipients_bytes_max);
  v.memo = r.text(4 * limits::memo_chars_max);
  if (version >= version_2) v.revealed_by = r.id_as<request_id>();
  return checked(r, std::move(v));
}

std::string encode(const claim_record& v) {
  writer w;
  w.u8(version_1).raw(view(v.key)).time(v.until).flag(v.confirmed);
  put(w, v.secret);
  w.time(v.forgotten);
  return w.take();
}

template <>
std::optional<claim_record> decode(std::string_view bytes) {
  auto r = open(bytes);
  claim_record v;
  v.key = read_hash(r);
  v.until = r.time();
  v.confirmed = r.flag();
  v.secret = get_secret(r);
  v.forgotten = r.time();
  return checked(r, std::move(v));
}

std::string encode(const pat_claim_record& v) {
  writer w;
  w.u8(v.rotation ? version_2 : version_1).id(v.pat).id(v.user).raw(view(v.key)).time(v.until);
  if (v.rotation)
    w.raw({reinterpret_cast<const char*>(v.rotation->salt.data()), v.rotation->salt.size()})
        .raw(view(v.rotation->lookup));
  return w.take();
}

template <>
std::optional<pat_claim_record> decode(std::string_view bytes) {
  auto [r, version] = open_up_to(version_2, bytes);
  pat_claim_record v;
  v.pat = r.id_as<pat_id>();
  v.user = r.id_as<user_id>();
  v.key = read_hash(r);
  v.until = r.time();
  if (version >= version_2) {
    pat_claim_record::made made;
    auto salt = r.raw(made.salt.size());
    if (salt.size() == made.salt.size()) std::memcpy(made.salt.data(), salt.data(), salt.size());
    made.lookup = read_hash(r);
    v.rotation = made;
  }
  return checked(r, v);
}

std::string encode(const attempts_record& v) {
  writer w;
  w.u8(version_1);
  put(w, v.secret);
  w.u32(static_cast<std::uint32_t>(v.clients.size()));
  for (const auto& c : v.clients) {
    w.bytes(c.prefix);
    put(w, c.count);
  }
  w.u32(v.lifetime);
  return w.take();
}

template <>
std::optional<attempts_record> decode(std::string_view bytes) {
  auto r = open(bytes);
  attempts_record v;
  v.secret = get_counter(r);
  auto count = r.u32();
  if (count > limits::attempt_clients_max) r.fail();
  for (std::uint32_t i = 0; r.ok() && i < count; ++i) {
    attempts_record::client c;
    c.prefix = r.text(4 * limits::name_chars_max);
    c.count = get_counter(r);
    v.clients.push_back(std::move(c));
  }
  v.lifetime = r.u32();
  return checked(r, std::move(v));
}

std::string encode(const partition_record& v) {
  writer w{32 + sizeof(v.audit.edge[0]) * v.audit.edge.size()};
  w.u8(version_2).u64(v.secrets).u64(v.sealed_bytes);
  put(w, v.audit);
  return w.take();
}

template <>
std::optional<partition_record> decode(std::string_view bytes) {
  auto [r, version] = open_up_to(version_2, bytes);
  partition_record v;
  v.secrets = r.u64();
  v.sealed_bytes = r.u64();
  if (version >= version_2) get(r, v.audit);
  return checked(r, std::move(v));
}

}  // namespace nacre::model
