#include "http/families/requests.hpp"

#include <algorithm>

#include "actors/one_time.hpp"
#include "crypto/one_time.hpp"
#include "http/families/body.hpp"
#include "http/families/onetime/flow.hpp"
#include "http/json.hpp"
#include "http/text.hpp"
#include "model/asks.hpp"
#include "model/limits.hpp"

namespace nacre::http::requests {

namespace {

bool is_guest(const call& c) { return c.ctx.who.via == model::caller::kind::guest; }

error unknown() { return {errc::not_found, "Unknown request"}; }

// ---- what is sent ------------------------------------------------------------------------------------

// A word and base64url behind a dot: nobody keeps anything readable here by mistake.
bool is_sealed(std::string_view text) {
  constexpr std::size_t word_chars_max = 32, least = 40;
  auto dot = text.find('.');
  if (dot == text.npos || dot == 0 || dot > word_chars_max || text.size() < dot + least) return false;
  auto fits = [](char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '_'; };
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(dot), fits) &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(dot) + 1, text.end(), fits);
}

std::size_t sealed_bytes_max(const call& c) {
  return std::min(c.with.settings.onetime.secret_bytes_max, limits::answer_bytes_max);
}

result<std::uint32_t> lifetime_in(const json_document& body, bool guest) {
  auto most = guest ? limits::guest_secret_ttl_s_max : limits::secret_ttl_s_max;
  auto given = body.find("lifetimeSeconds");
  auto seconds = given ? given->integer() : std::optional<std::int64_t>(limits::secret_ttl_s_default);
  if (!seconds || *seconds < limits::secret_ttl_s_min || *seconds > most)
    return fail(errc::invalid, "lifetimeSeconds must be a whole number between " +
                                   std::to_string(limits::secret_ttl_s_min) + " and " + std::to_string(most));
  return static_cast<std::uint32_t>(*seconds);
}

// Both halves of the pickup link; what nobody could have issued finds nothing.
std::optional<model::keyed_hash> pickup_of(const call& c, ask_id id) {
  const auto* key = c.req.find("pickup-key");
  if (!key || !crypto::is_identifier(*key)) return std::nullopt;
  return actors::pickup_hash_of(c.with.keys, id, *key);
}

std::optional<ask_id> id_in_path(const call& c) {
  if (!crypto::is_identifier(c.capture(0))) return std::nullopt;
  return actors::ask_id_of(c.with.keys, c.capture(0));
}

bool within_limit(call_ptr& c, bool picks_up) {
  auto& limit = picks_up ? c->with.guest_reveals : c->with.guest_creates;
  auto wait = limit.admit(c->limit_key, std::chrono::steady_clock::now());
  if (wait.count() == 0) return true;
  const auto& s = c->with.settings;
  auto r = limited_response(
      *c, {errc::rate_limited, "Too many requests. Try again later"},
      picks_up ? spent_rate("guest_reveal", s.guest_reveal, wait) : spent_rate("guest_create", s.guest_create, wait));
  answer(std::move(c), std::move(r));
  return false;
}

// ---- what is told ------------------------------------------------------------------------------------

void write_time(json_writer& w, std::string_view name, const std::optional<timestamp>& t) {
  if (t)
    w.field(name, std::string_view(format_rfc3339(*t)));
  else
    w.field(name, nullptr);
}

// For who asked.
void write_fields(json_writer& w, const model::ask_record& ask) {
  w.field("state", model::name_of(ask.state));
  write_time(w, "createdAt", ask.created);
  write_time(w, "answerUntil", ask.answerable_until());
  write_time(w, "answeredAt", ask.answered);
  write_time(w, "pickupUntil", ask.pickable_until());
  write_time(w, "endedAt", ask.ended);
}

response tell(const model::ask_record& ask) {
  json_writer w;
  w.object().key("data").object();
  write_fields(w, ask);
  w.end_object().end_object();
  return json_response(200, w.take());
}

// For who has been asked: whether there is still something to do.
response tell_bearer(int status, const model::ask_record& ask) {
  json_writer w;
  w.object().key("data").object();
  w.field("state", ask.state == model::ask_state::open ? "open" : "answered");
  write_time(w, "answerUntil", ask.answerable_until());
  w.end_object().end_object();
  return json_response(status, w.take());
}

// Null: it was there when the command acted, and its workspace was deleted before this node could tell.
const model::ask_record* ask_in(const actors::answer& a) {
  const auto* entry = std::get_if<model::ask_entry>(&a.outcome.what);
  return entry ? &entry->record : nullptr;
}

// ---- steps -------------------------------------------------------------------------------------------

// Goes on with c.ctx.workspace where the request is.
void at_request(call_ptr c, ask_id id, unique_function<void(call_ptr, const model::ask_record&)> next) {
  auto& raw = *c;
  raw.with.service.query(
      {}, raw.req.deadline,
      [c = std::move(c), id, next = std::move(next)](result<std::shared_ptr<const model::view>> v) mutable {
        if (!v) return refuse(std::move(c), v.error());
        auto ws = model::where_is(**v, id);
        auto ask = model::find_ask(**v, ws, id, c->ctx.now);
        if (!(*v)->trustworthy()) return refuse(std::move(c), {errc::storage_failed, "Stored state could not be read"});
        if (!ask) return refuse(std::move(c), unknown());
        c->ctx.workspace = ws;
        next(std::move(c), *ask);
      });
}

response none(call&, actors::answer&) { return no_content(); }

struct drawn {
  crypto::secure_bytes link;
  ask_id id;
  workspace_id where;  // of a guest's
};

drawn draw(const crypto::keyring& keys) {
  auto link = crypto::make_identifier();
  const auto id = actors::ask_id_of(keys, link.view());
  return {std::move(link), id, guest_partition_of(id)};
}

void order_to_open(call_ptr c, std::uint32_t lifetime_s, drawn at, int moves_left);

void move_and_order(call_ptr c, std::uint32_t lifetime_s, int moves_left, model::outcome full) {
  auto& raw = *c;
  raw.with.service.query({}, raw.req.deadline,
                         [c = std::move(c), lifetime_s, moves_left,
                          full = std::move(full)](result<std::shared_ptr<const model::view>> v) mutable {
                           if (!v) return refuse(std::move(c), v.error());
                           auto to = onetime::roomier(**v, c->ctx.workspace, [&] { return draw(c->with.keys); });
                           if (!(*v)->trustworthy())
                             return refuse(std::move(c), {errc::storage_failed, "Stored state could not be read"});
                           if (!to) return refuse_outcome(std::move(c), full);
                           order_to_open(std::move(c), lifetime_s, std::move(*to), moves_left - 1);
                         });
}

void order_to_open(call_ptr c, std::uint32_t lifetime_s, drawn at, int moves_left) {
  auto pickup = crypto::make_identifier();
  model::open_ask op;
  op.id = at.id;
  op.pickup = actors::pickup_hash_of(c->with.keys, op.id, pickup.view());
  op.lifespan_s = lifetime_s;
  if (is_guest(*c)) c->ctx.workspace = at.where;
  order(
      std::move(c), model::operation{op},
      [link = std::move(at.link), pickup = std::move(pickup), lifetime_s, moves_left](call_ptr mine, actors::answer a) {
        const auto& refused = a.outcome.refused;
        if (refused && refused->code == errc::full && moves_left > 0)
          return move_and_order(std::move(mine), lifetime_s, moves_left, std::move(a.outcome));
        if (refused) return refuse_outcome(std::move(mine), a.outcome);
        const auto* ask = ask_in(a);
        if (!ask) return refuse(std::move(mine), unknown());
        json_writer w(1024);
        w.object().key("data").object().field("id", link.view()).field("pickupKey", pickup.view());
        w.field("answerPage", std::string_view(onetime::public_url(*mine) + "/r"));
        write_fields(w, *ask);
        w.end_object().end_object();
        auto r = json_response(201, w.take());
        r.wipe = true;
        answer(std::move(mine), std::move(r));
      });
}

}  // namespace

void open(call_ptr c) {
  bool guest = is_guest(*c);
  const auto& rules = c->with.settings.onetime.guest;
  if (guest && !(rules.all && rules.request))
    return refuse(std::move(c), {errc::forbidden, "Only accounts may ask for secrets here"});
  auto body = body_of(c, {"lifetimeSeconds"});
  if (!body) return;
  auto lifetime = lifetime_in(*body, guest);
  if (!lifetime) return refuse(std::move(c), lifetime.error());
  if (guest && !within_limit(c, false)) return;
  constexpr int moves_max = 3;
  auto at = draw(c->with.keys);
  order_to_open(std::move(c), *lifetime, std::move(at), guest ? moves_max : 0);
}

void show(call_ptr c) {
  auto id = id_in_path(*c);
  if (!id) return refuse(std::move(c), unknown());
  at_request(std::move(c), *id, [id = *id](call_ptr mine, const model::ask_record& ask) {
    if (mine->req.find("pickup-key")) {
      if (pickup_of(*mine, id) != ask.pickup) return refuse(std::move(mine), unknown());
      return answer(std::move(mine), tell(ask));
    }
    bool there = ask.state != model::ask_state::cancelled && ask.state != model::ask_state::expired;
    if (!there) return refuse(std::move(mine), unknown());
    answer(std::move(mine), tell_bearer(200, ask));
  });
}

void answer_it(call_ptr c) {
  auto id = id_in_path(*c);
  if (!id) return refuse(std::move(c), unknown());
  auto key = retry_key_of(c->req);
  if (!key) return refuse(std::move(c), key.error());
  auto body = body_of(c, {"sealed"});
  if (!body) return;
  auto given = body->find("sealed");
  auto text = given ? given->string() : std::nullopt;
  if (!text || !is_sealed(*text))
    return refuse(std::move(c), {errc::invalid, "sealed must be a text that was sealed for who asks"});
  if (text->size() > sealed_bytes_max(*c))
    return refuse(std::move(c),
                  {errc::invalid, "sealed must have at most " + std::to_string(sealed_bytes_max(*c)) + " characters"});
  if (!within_limit(c, false)) return;
  actors::give_answer what;
  what.link = crypto::secure_bytes(c->capture(0));
  what.sealed = *text;
  what.retry_key = std::move(*key);
  at_request(std::move(c), *id, [what = std::move(what)](call_ptr mine, const model::ask_record&) mutable {
    order(std::move(mine), std::move(what), [](call_ptr same, actors::answer a) {
      if (a.outcome.refused) return refuse_outcome(std::move(same), a.outcome);
      const auto* ask = ask_in(a);
      if (!ask) return refuse(std::move(same), unknown());
      auto r = tell_bearer(201, *ask);
      answer(std::move(same), std::move(r));
    });
  });
}

void pick_up(call_ptr c) {
  auto id = id_in_path(*c);
  auto pickup = id ? pickup_of(*c, *id) : std::nullopt;
  if (!pickup) return refuse(std::move(c), unknown());
  auto key = retry_key_of(c->req);
  if (!key) return refuse(std::move(c), key.error());
  if (!within_limit(c, true)) return;
  actors::pick_up_answer what;
  what.link = crypto::secure_bytes(c->capture(0));
  what.pickup = crypto::secure_bytes(*c->req.find("pickup-key"));
  what.retry_key = std::move(*key);
  at_request(std::move(c), *id, [what = std::move(what)](call_ptr mine, const model::ask_record&) mutable {
    order(std::move(mine), std::move(what), [](call_ptr same, actors::answer a) {
      if (a.outcome.refused) return refuse_outcome(std::move(same), a.outcome);
      const auto* ask = ask_in(a);
      if (!ask) return refuse(std::move(same), unknown());
      json_writer w(1024 + 2 * a.token.size());
      w.object().key("data").object().field("sealed", a.token.view());
      write_fields(w, *ask);
      w.end_object().end_object();
      auto r = json_response(200, w.take());
      r.wipe = true;
      answer(std::move(same), std::move(r));
    });
  });
}

void confirm(call_ptr c) {
  auto id = id_in_path(*c);
  auto pickup = id ? pickup_of(*c, *id) : std::nullopt;
  if (!pickup) return refuse(std::move(c), unknown());
  auto key = retry_key_of(c->req);
  if (!key) return refuse(std::move(c), key.error());
  if (!*key) return refuse(std::move(c), {errc::invalid, "The Idempotency-Key header is required"});
  model::confirm_ask op{*id, *pickup, actors::retry_hash_of(c->with.keys, *id, **key)};
  at_request(std::move(c), *id, [op](call_ptr mine, const model::ask_record& ask) {
    if (ask.pickup != op.pickup || ask.retry != op.retry) return refuse(std::move(mine), unknown());
    order_and_answer(std::move(mine), model::operation{op}, none);
  });
}

void cancel(call_ptr c) {
  auto id = id_in_path(*c);
  auto pickup = id ? pickup_of(*c, *id) : std::nullopt;
  if (!pickup) return refuse(std::move(c), unknown());
  model::cancel_ask op{*id, *pickup};
  at_request(std::move(c), *id, [op](call_ptr mine, const model::ask_record& ask) {
    if (ask.pickup != op.pickup) return refuse(std::move(mine), unknown());
    order_and_answer(std::move(mine), model::operation{op}, none);
  });
}

}  // namespace nacre::http::requests
