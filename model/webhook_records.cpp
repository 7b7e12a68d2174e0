#include "model/webhook_records.hpp"

#include <cstdlib>

#include "model/limits.hpp"
#include "model/record_bytes.hpp"
#include "model/wire.hpp"

namespace nacre::model {

namespace {

using bytes::checked;
using bytes::open;
using bytes::version_1;

void put(writer& w, const webhook_record::secret& s) { w.u32(s.version).u32(s.data_key_version); }

webhook_record::secret read_secret(reader& r) {
  webhook_record::secret s;
  s.version = r.u32();
  s.data_key_version = r.u32();
  return s;
}

}  // namespace

std::string_view name_of(event_type t) {
  switch (t) {  // No default, on purpose.
    case event_type::ping:
      return "ping";
    case event_type::secret_revealed:
      return "secret.revealed";
    case event_type::secret_burned:
      return "secret.burned";
    case event_type::secret_expired:
      return "secret.expired";
    case event_type::secret_locked:
      return "secret.locked";
    case event_type::pat_created:
      return "pat.created";
    case event_type::pat_revealed:
      return "pat.revealed";
    case event_type::pat_revoked:
      return "pat.revoked";
    case event_type::pat_expiring:
      return "pat.expiring";
    case event_type::pat_rotated:
      return "pat.rotated";
    case event_type::pat_reused:
      return "pat.reused";
  }
  std::abort();
}

std::optional<event_type> parse_event_type(std::string_view text) {
  for (std::uint8_t n = 1; n <= event_types; ++n)
    if (auto t = static_cast<event_type>(n); text == name_of(t)) return t;
  return std::nullopt;
}

std::string encode(const webhook_record& v) {
  writer w;
  w.u8(version_1).bytes(v.url).u32(v.events).time(v.created).id(v.created_by).flag(v.enabled).flag(v.gone);
  put(w, v.current);
  w.maybe(v.previous, [](writer& out, const webhook_record::outgoing_secret& s) {
    put(out, s.which);
    out.time(s.until);
  });
  return w.take();
}

template <>
std::optional<webhook_record> decode(std::string_view bytes) {
  auto r = open(bytes);
  webhook_record v;
  v.url = r.text(limits::webhook_url_bytes_max);
  v.events = r.u32();
  v.created = r.time();
  v.created_by = r.id_as<user_id>();
  v.enabled = r.flag();
  v.gone = r.flag();
  v.current = read_secret(r);
  v.previous = r.maybe([](reader& in) {
    webhook_record::outgoing_secret s;
    s.which = read_secret(in);
    s.until = in.time();
    return s;
  });
  return checked(r, std::move(v));
}

std::string encode(const webhook_list& v) {
  writer w;
  w.u8(version_1).u32(static_cast<std::uint32_t>(v.items.size()));
  for (const auto& i : v.items) w.id(i.id).flag(i.enabled).u32(i.events);
  return w.take();
}

template <>
std::optional<webhook_list> decode(std::string_view bytes) {
  auto r = open(bytes);
  webhook_list v;
  auto count = r.u32();
  if (count > limits::webhooks_per_workspace_max) r.fail();
  for (std::uint32_t i = 0; r.ok() && i < count; ++i) {
    webhook_list::item item;
    item.id = r.id_as<webhook_id>();
    item.enabled = r.flag();
    item.events = r.u32();
    v.items.push_back(item);
  }
  return checked(r, std::move(v));
}

std::string encode(const webhook_progress& v) {
  writer w;
  w.u8(version_1).u64(v.next_seq).u32(v.waiting).u64(v.delivered).u64(v.failed).u64(v.given_up).u64(v.dropped);
  w.u32(v.failing).maybe(v.last_delivered).maybe(v.last_failed).maybe(v.due).u32(v.last_status);
  return w.take();
}

template <>
std::optional<webhook_progress> decode(std::string_view bytes) {
  auto r = open(bytes);
  webhook_progress v;
  v.next_seq = r.u64();
  v.waiting = r.u32();
  v.delivered = r.u64();
  v.failed = r.u64();
  v.given_up = r.u64();
  v.dropped = r.u64();
  v.failing = r.u32();
  v.last_delivered = r.maybe_time();
  v.last_failed = r.maybe_time();
  v.due = r.maybe_time();
  auto status = r.u32();
  if (status > limits::http_status_max) r.fail();
  v.last_status = static_cast<std::uint16_t>(status);
  return checked(r, v);
}

std::string encode(const delivery_record& v) {
  return writer{}
      .u8(version_1)
      .id(v.id)
      .u8(static_cast<std::uint8_t>(v.type))
      .time(v.created)
      .bytes(v.object)
      .u8(v.actor)
      .id(v.user)
      .u32(v.days)
      .u32(v.attempts)
      .take();
}

template <>
std::optional<delivery_record> decode(std::string_view bytes) {
  auto r = open(bytes);
  delivery_record v;
  v.id = r.id();
  auto type = r.u8();
  if (type < 1 || type > event_types) r.fail();
  v.type = static_cast<event_type>(type);
  v.created = r.time();
  v.object = r.text(limits::webhook_object_bytes_max);
  v.actor = r.u8();
  v.user = r.id_as<user_id>();
  v.days = r.u32();
  v.attempts = r.u32();
  return checked(r, std::move(v));
}

}  // namespace nacre::model
