#include "model/asks.hpp"

#include <algorithm>
#include <cstdlib>

#include "model/apply.hpp"
#include "model/audit.hpp"
#include "model/keys.hpp"
#include "model/load.hpp"
#include "model/outcomes.hpp"
#include "model/policy.hpp"
#include "model/record_bytes.hpp"
#include "model/secrets.hpp"

namespace nacre::model {

namespace {

using bytes::checked;
using bytes::read_hash;

void put_hash(writer& w, const keyed_hash& h) { w.raw(bytes::view(h)); }

std::uint32_t read_lifespan(reader& r) {
  auto seconds = r.u32();
  if (seconds < limits::secret_ttl_s_min || seconds > limits::secret_ttl_s_max) r.fail();
  return seconds;
}

outcome unknown_ask() { return refuse(errc::not_found, "Unknown request"); }

void save(state& st, workspace_id ws, ask_id id, const ask_record& ask) {
  st.put(space::state, keys::ask(ws, id), encode(ask));
}

// What a guest's request takes of its partition: for as long as it is known, and its answer until nobody can pick it up
// any more.
struct room {
  std::uint64_t secrets = 0;
  std::uint64_t bytes = 0;
};

room room_of_answer(const ask_record& ask) {
  return ask.state == ask_state::answered ? room{1, ask.sealed_bytes} : room{};
}

// The partition's row with that given back, for whoever writes it; of a workspace nothing.
std::optional<partition_record> without(const state& st, workspace_id ws, room r) {
  if (!is_guest_partition(ws)) return std::nullopt;
  auto part = load_partition(st, ws);
  part.secrets -= std::min(part.secrets, r.secrets);
  part.sealed_bytes -= std::min(part.sealed_bytes, r.bytes);
  return part;
}

void shred(state& st, workspace_id ws, ask_id id, ask_record& ask) {
  st.erase(space::sealed, keys::sealed_answer(ws, id));
  ask.retry_until.reset();
}

void end(ask_record& ask, ask_state how, timestamp when) {
  ask.state = how;
  ask.ended = when;
}

// How time alone has ended it by now, if it has.
std::optional<timestamp> expired_at(const ask_record& ask, timestamp now) {
  auto until = ask.state == ask_state::open       ? std::optional(ask.answerable_until())
               : ask.state == ask_state::answered ? ask.pickable_until()
                                                  : std::nullopt;
  return until && now >= *until ? until : std::nullopt;
}

outcome told(const context& ctx, ask_id id, ask_record ask) {
  return answer(ask_entry{id, ctx.workspace, std::move(ask)});
}

bool is_retry(const ask_record& ask, const std::optional<keyed_hash>& retry, timestamp now) {
  return ask.state == ask_state::picked_up && retry && ask.retry == retry && ask.retry_until && now < *ask.retry_until;
}

}  // namespace

// ---- bytes -------------------------------------------------------------------------------------------

std::string_view name_of(ask_state s) {
  switch (s) {
    case ask_state::open:
      return "open";
    case ask_state::answered:
      return "answered";
    case ask_state::picked_up:
      return "picked_up";
    case ask_state::cancelled:
      return "cancelled";
    case ask_state::expired:
      return "expired";
  }
  std::abort();
}

std::string encode(const ask_record& v) {
  writer w;
  w.u8(bytes::version_1).id(v.owner).time(v.created).u32(v.lifespan_s).raw(bytes::view(v.pickup));
  w.u8(static_cast<std::uint8_t>(v.state)).maybe(v.answered).maybe(v.answer_key, put_hash);
  w.u32(v.data_key_version).u64(v.sealed_bytes).maybe(v.ended).maybe(v.retry, put_hash).maybe(v.retry_until);
  return w.take();
}

template <>
std::optional<ask_record> decode(std::string_view in) {
  auto r = bytes::open(in);
  ask_record v;
  v.owner = r.id_as<user_id>();
  v.created = r.time();
  v.lifespan_s = read_lifespan(r);
  v.pickup = read_hash(r);
  auto state = r.u8();
  if (state > static_cast<std::uint8_t>(ask_state::expired)) r.fail();
  v.state = static_cast<ask_state>(state);
  v.answered = r.maybe_time();
  v.answer_key = r.maybe(read_hash);
  v.data_key_version = r.u32();
  v.sealed_bytes = r.u64();
  v.ended = r.maybe_time();
  v.retry = r.maybe(read_hash);
  v.retry_until = r.maybe_time();
  return checked(r, std::move(v));
}

void put(writer& w, const open_ask& v) {
  w.id(v.id).raw(bytes::view(v.pickup)).u32(v.lifespan_s).u64(v.partition_bytes_max);
}
void put(writer& w, const answer_ask& v) {
  w.id(v.id).maybe(v.key, put_hash).u32(v.data_key_version).bytes(v.sealed).u64(v.partition_bytes_max);
}
void put(writer& w, const pick_up_ask& v) {
  w.id(v.id).raw(bytes::view(v.pickup)).maybe(v.retry, put_hash).u64(static_cast<std::uint64_t>(v.retry_window_ms));
}
void put(writer& w, const confirm_ask& v) { w.id(v.id).raw(bytes::view(v.pickup)).raw(bytes::view(v.retry)); }
void put(writer& w, const cancel_ask& v) { w.id(v.id).raw(bytes::view(v.pickup)); }

void get(reader& r, open_ask& v) {
  v.id = r.id_as<ask_id>();
  v.pickup = read_hash(r);
  v.lifespan_s = read_lifespan(r);
  v.partition_bytes_max = r.u64();
}
void get(reader& r, answer_ask& v) {
  v.id = r.id_as<ask_id>();
  v.key = r.maybe(read_hash);
  v.data_key_version = r.u32();
  v.sealed = r.text(limits::sealed_bytes_max);
  v.partition_bytes_max = r.u64();
}
void get(reader& r, pick_up_ask& v) {
  v.id = r.id_as<ask_id>();
  v.pickup = read_hash(r);
  v.retry = r.maybe(read_hash);
  auto ms = r.u64();
  if (ms > static_cast<std::uint64_t>(limits::retry_window_ms_max)) r.fail();
  v.retry_window_ms = static_cast<std::int64_t>(ms);
}
void get(reader& r, confirm_ask& v) {
  v.id = r.id_as<ask_id>();
  v.pickup = read_hash(r);
  v.retry = read_hash(r);
}
void get(reader& r, cancel_ask& v) {
  v.id = r.id_as<ask_id>();
  v.pickup = read_hash(r);
}

// ---- commands ----------------------------------------------------------------------------------------

outcome apply_to(state& st, const context& ctx, const open_ask& op) {
  auto ws = ctx.workspace;
  ask_record ask;
  std::optional<partition_record> part;
  if (is_guest_partition(ws)) {
    if (guest_partition_of(op.id) != ws) return refuse(errc::internal, "A guest's request in a foreign partition");
    part = load_partition(st, ws);
    if (op.partition_bytes_max != 0 && part->sealed_bytes + limits::guest_ask_bytes > op.partition_bytes_max)
      return refuse(errc::full, "No more secrets of guests can be kept at present. Try again later");
    part->sealed_bytes += limits::guest_ask_bytes;
  } else {
    auto who = stand(st, ctx, scope_write);
    if (!who) return refuse(who.error());
    ask.owner = ctx.who.user;
  }
  if (st.get(space::state, keys::ask(ws, op.id)) || st.get(space::index, keys::one_time(op.id.value())))
    return refuse(errc::conflict, "This request exists already");
  ask.created = ctx.now;
  ask.lifespan_s = op.lifespan_s;
  ask.pickup = op.pickup;
  save(st, ws, op.id, ask);
  if (!is_guest_partition(ws)) st.put(space::index, keys::one_time(op.id.value()), std::string(ws.value().view()));
  put_due(st, ws, ask.answerable_until(), due_kind::ask, op.id.value());
  put_due(st, ws, ask.forgotten(), due_kind::ask, op.id.value());
  put_on_record(st, ctx, "request.open", op.id.value(), {}, std::move(part));
  return told(ctx, op.id, ask);
}

outcome apply_to(state& st, const context& ctx, const answer_ask& op) {
  auto ws = ctx.workspace;
  auto ask = find_ask(st, ws, op.id, ctx.now);
  if (!ask) return unknown_ask();
  if (ask->state == ask_state::answered || ask->state == ask_state::picked_up) {
    const bool again = ask->answer_key && op.key == ask->answer_key;  // lost its answer
    if (again) return told(ctx, op.id, *ask);
    return refuse(errc::conflict, "This request has been answered already");
  }
  if (ask->state != ask_state::open) return unknown_ask();
  std::optional<partition_record> part;
  if (is_guest_partition(ws)) {
    part = load_partition(st, ws);
    ask->sealed_bytes = op.sealed.size();
    if (op.partition_bytes_max != 0 && part->sealed_bytes + ask->sealed_bytes > op.partition_bytes_max)
      return refuse(errc::full, "No more secrets of guests can be kept at present. Try again later");
    ++part->secrets;
    part->sealed_bytes += ask->sealed_bytes;
  }
  ask->state = ask_state::answered;
  // A node whose clock is late must not have it end before it began, nor one that is early keep it for longer.
  ask->answered = std::clamp(ctx.now, ask->created, ask->answerable_until());
  ask->answer_key = op.key;
  ask->data_key_version = op.data_key_version;
  save(st, ws, op.id, *ask);
  st.put(space::sealed, keys::sealed_answer(ws, op.id), op.sealed);
  put_due(st, ws, *ask->pickable_until(), due_kind::ask, op.id.value());
  put_on_record(st, ctx, "request.answer", op.id.value(), {}, std::move(part));
  return told(ctx, op.id, *ask);
}

outcome apply_to(state& st, const context& ctx, const pick_up_ask& op) {
  auto ws = ctx.workspace;
  auto ask = find_ask(st, ws, op.id, ctx.now);
  if (!ask || ask->pickup != op.pickup) return unknown_ask();
  if (is_retry(*ask, op.retry, ctx.now)) return told(ctx, op.id, *ask);
  if (ask->state == ask_state::open) return refuse(errc::conflict, "Nobody has answered yet");
  if (ask->state != ask_state::answered) return unknown_ask();
  auto part = without(st, ws, room_of_answer(*ask));
  end(*ask, ask_state::picked_up, ctx.now);
  if (op.retry && op.retry_window_ms > 0) {
    ask->retry = op.retry;
    ask->retry_until = std::min(after(ctx.now, op.retry_window_ms), ask->forgotten());
    put_due(st, ws, *ask->retry_until, due_kind::ask, op.id.value());
  } else {
    shred(st, ws, op.id, *ask);
  }
  save(st, ws, op.id, *ask);
  put_on_record(st, ctx, "request.pick_up", op.id.value(), {}, std::move(part));
  return told(ctx, op.id, *ask);
}

outcome apply_to(state& st, const context& ctx, const confirm_ask& op) {
  auto ask = find_ask(st, ctx.workspace, op.id, ctx.now);
  if (!ask || ask->pickup != op.pickup || ask->retry != op.retry) return unknown_ask();
  if (ask->retry_until) {
    shred(st, ctx.workspace, op.id, *ask);
    save(st, ctx.workspace, op.id, *ask);
  }
  return told(ctx, op.id, *ask);
}

outcome apply_to(state& st, const context& ctx, const cancel_ask& op) {
  auto ws = ctx.workspace;
  auto ask = find_ask(st, ws, op.id, ctx.now);
  if (!ask || ask->pickup != op.pickup) return unknown_ask();
  if (ask->state == ask_state::cancelled) return told(ctx, op.id, *ask);
  if (ask->state != ask_state::open && ask->state != ask_state::answered)
    return refuse(errc::conflict, "The request has ended already");
  auto part = without(st, ws, room_of_answer(*ask));
  end(*ask, ask_state::cancelled, ctx.now);
  shred(st, ws, op.id, *ask);
  save(st, ws, op.id, *ask);
  put_on_record(st, ctx, "request.cancel", op.id.value(), {}, std::move(part));
  return told(ctx, op.id, *ask);
}

void sweep_ask(state& st, const context& ctx, ask_id id) {
  auto ws = ctx.workspace;
  auto ask = load<ask_record>(st, space::state, keys::ask(ws, id));
  if (!ask) return;
  const bool forgotten = ctx.now >= ask->forgotten();
  const auto expired = expired_at(*ask, ctx.now);
  if (!expired && !forgotten && !(ask->retry_until && ctx.now >= *ask->retry_until)) return;

  auto freed = expired ? room_of_answer(*ask) : room{};
  if (forgotten) freed.bytes += limits::guest_ask_bytes;
  auto part = freed.bytes > 0 ? without(st, ws, freed) : std::nullopt;
  if (expired) {
    end(*ask, ask_state::expired, *expired);
    put_on_record(st, ctx, "request.expire", id.value(), {}, std::move(part));
  } else if (part) {
    st.put(space::state, keys::partition(ws), encode(*part));
  }
  if (expired || ask->retry_until) shred(st, ws, id, *ask);
  if (!forgotten) return save(st, ws, id, *ask);
  st.erase(space::state, keys::ask(ws, id));
  if (!is_guest_partition(ws)) st.erase(space::index, keys::one_time(id.value()));
}

// ---- questions ---------------------------------------------------------------------------------------

workspace_id where_is(const view& v, ask_id id) {
  return where_is(v, secret_id{id.value()});  // one index, and one way of dealing them to partitions, for both
}

std::optional<ask_record> find_ask(const view& v, workspace_id ws, ask_id id, timestamp now) {
  auto ask = load<ask_record>(v, space::state, keys::ask(ws, id));
  if (!ask || now >= ask->forgotten() || is_deleted(v, ws)) return std::nullopt;
  if (auto when = expired_at(*ask, now)) {
    ask->state = ask_state::expired;
    ask->ended = when;
  }
  return ask;
}

bool can_pick_up(const ask_record& ask, const std::optional<keyed_hash>& retry, timestamp now) {
  return ask.state == ask_state::answered || is_retry(ask, retry, now);
}

}  // namespace nacre::model
