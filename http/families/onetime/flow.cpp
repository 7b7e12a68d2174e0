#include "http/families/onetime/flow.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "actors/one_time.hpp"
#include "crypto/digest.hpp"
#include "crypto/one_time.hpp"
#include "http/families/onetime/words.hpp"
#include "model/audit.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/load.hpp"
#include "model/secrets.hpp"

namespace nacre::http::onetime {

namespace {

struct gate_of {
  bool open;
  std::string_view code;
};

gate_of gate_for(const onetime_rules& rules, act what) {
  const auto& g = rules.guest;
  if (!g.all) return {false, "GUEST_ROUTES_DISABLED"};
  switch (what) {
    case act::conceal:
      return {g.conceal, "GUEST_CONCEAL_DISABLED"};
    case act::generate:
      return {g.generate, "GUEST_GENERATE_DISABLED"};
    case act::show:
      return {g.show, "GUEST_SHOW_DISABLED"};
    case act::reveal:
      return {g.reveal, "GUEST_REVEAL_DISABLED"};
    case act::burn:
      return {g.burn, "GUEST_BURN_DISABLED"};
    case act::receipt:
      return {g.receipt, "GUEST_RECEIPT_DISABLED"};
  }
  std::abort();
}

model::scope_bit scope_for(act what) {
  bool writes = what == act::conceal || what == act::generate || what == act::burn;
  return writes ? model::scope_write : model::scope_read;
}

// Whoever acts on the secret reads the row again, a moment later and through other views.
void read_ahead(const model::view& v, workspace_id ws, secret_id id) {
  const auto row = model::keys::secret(ws, id);
  v.prefetch(model::space::sealed, std::array<std::string_view, 1>{row});
}

// Asks a view; `find(view)` says which workspace, if anything is there.
template <class Find>
void locate(call_ptr c, crypto::secure_bytes link, Find find, with_link next) {
  auto& raw = *c;
  raw.with.service.query(
      {}, raw.req.deadline,
      [c = std::move(c), link = std::move(link), find = std::move(find),
       next = std::move(next)](result<std::shared_ptr<const model::view>> v) mutable {
        if (!v) return http::refuse(std::move(c), v.error());
        auto where = find(**v);
        if (!(*v)->trustworthy())
          return http::refuse(std::move(c), {errc::storage_failed, "Stored state could not be read"});
        if (!where) return refuse(std::move(c), missing_secret(link.view()));
        c->ctx.workspace = *where;
        next(std::move(c), std::move(link));
      });
}

// Where a claim may go without a current view, for it decides by itself. What this node's own view knows has to be
// recent: a node that has lost the others, or is fetching the state, would order what it may never hear the end of.
// With a passphrase more is decided than a claim: whether to try, and what a wrong try is told.
std::optional<workspace_id> at_hand(const call& c, secret_id id) {
  constexpr std::chrono::milliseconds recent{limits::claim_view_age_ms};
  const auto& service = c.with.service;
  const auto age = service.local_age();
  if (age.count() == 0 || age > recent) return std::nullopt;  // on a single node there is nothing to wait for
  const auto v = service.local_view();
  auto ws = model::where_is(*v, id);
  read_ahead(*v, ws, id);
  const auto secret = model::find_secret(*v, ws, id, c.ctx.now);
  return secret && !secret->has_passphrase && v->trustworthy() ? std::optional(ws) : std::nullopt;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& each : parts) out.append(out.empty() ? "" : ", ").append(each);
  return out;
}

using concealed = unique_function<void(call_ptr, actors::answer, created)>;

actors::conceal copy_of(const actors::conceal& c) {
  actors::conceal out;
  out.value = c.value.clone();
  if (c.passphrase) out.passphrase = c.passphrase->clone();
  out.kind = c.kind;
  out.lifespan_s = c.lifespan_s;
  out.recipients = c.recipients;
  out.link = c.link.clone();
  out.receipt_link = c.receipt_link.clone();
  out.show_generated = c.show_generated;
  return out;
}

// The links of a new secret and, for a guest's, the partition they lead to.
struct drawn {
  crypto::secure_bytes receipt_link, link;
  workspace_id where;
};

drawn draw(const crypto::keyring& keys) {
  auto receipt_link = crypto::make_identifier();
  auto link = actors::link_of(keys, receipt_link.view());
  auto where = guest_partition_of(actors::secret_id_of(keys, link.view()));
  return {std::move(receipt_link), std::move(link), where};
}

void order_to_keep(call_ptr c, actors::conceal what, created echo, int moves_left, concealed then);

// Others may find their way to the roomier partition at the same time: hence more than one move.
void move_and_order(call_ptr c, actors::conceal what, created echo, int moves_left, actors::answer full,
                    concealed then) {
  auto& raw = *c;
  raw.with.service.query(
      {}, raw.req.deadline,
      [c = std::move(c), what = std::move(what), echo = std::move(echo), moves_left, full = std::move(full),
       then = std::move(then)](result<std::shared_ptr<const model::view>> v) mutable {
        if (!v) return http::refuse(std::move(c), v.error());
        auto to = roomier(**v, c->ctx.workspace, [&] { return draw(c->with.keys); });
        if (!(*v)->trustworthy())
          return http::refuse(std::move(c), {errc::storage_failed, "Stored state could not be read"});
        if (!to) return refuse_outcome(std::move(c), full.outcome);
        c->ctx.workspace = to->where;
        what.receipt_link = std::move(to->receipt_link);
        what.link = std::move(to->link);
        order_to_keep(std::move(c), std::move(what), std::move(echo), moves_left - 1, std::move(then));
      });
}

void order_to_keep(call_ptr c, actors::conceal what, created echo, int moves_left, concealed then) {
  auto again = moves_left > 0 ? copy_of(what) : actors::conceal{};
  order(std::move(c), std::move(what),
        [again = std::move(again), echo = std::move(echo), moves_left, then = std::move(then)](
            call_ptr mine, actors::answer a) mutable {
          const auto& refused = a.outcome.refused;
          if (refused && refused->code == errc::full && moves_left > 0)
            return move_and_order(std::move(mine), std::move(again), std::move(echo), moves_left, std::move(a),
                                  std::move(then));
          if (refused) return refuse_outcome(std::move(mine), a.outcome);
          then(std::move(mine), std::move(a), std::move(echo));
        });
}

void create(call_ptr c, model::secret_kind kind, telling how, create_input in, concealed then) {
  constexpr int moves_max = 3;  // each costs its passphrase's stretching again
  actors::conceal what;
  created echo;
  what.kind = kind;
  if (kind == model::secret_kind::generate) {
    const auto& g = in.generate;
    what.value = crypto::make_password(g.chars, {g.uppercase, g.lowercase, g.numbers, g.symbols, g.exclude_ambiguous});
    what.show_generated = how == telling::by_receipt;
    if (how == telling::at_once) echo.generated = what.value.clone();
  } else {
    what.value = std::move(in.value);
  }
  what.passphrase = std::move(in.passphrase);
  what.lifespan_s = static_cast<std::uint32_t>(in.ttl_s);
  for (const auto& each : in.recipients) echo.masked_recipients.push_back(masked_address(each));
  echo.recipients = std::move(in.recipients);
  what.recipients = joined(echo.masked_recipients);
  auto place = draw(c->with.keys);
  what.receipt_link = std::move(place.receipt_link);
  what.link = std::move(place.link);
  if (!is_guest(*c)) {
    c->ctx.workspace = *c->caller.bound_to;
    return order_to_keep(std::move(c), std::move(what), std::move(echo), 0, std::move(then));
  }
  c->ctx.workspace = place.where;
  order_to_keep(std::move(c), std::move(what), std::move(echo), moves_max, std::move(then));
}

}  // namespace

std::optional<problem> refused_by_policy(const call& c, act what) {
  if (!is_guest(c)) return refused_by_scope(c, scope_for(what));
  auto [open, code] = gate_for(c.with.settings.onetime, what);
  if (open) return std::nullopt;
  return guests_refused(code);
}

std::optional<problem> refused_by_scope(const call& c, model::scope_bit needed) {
  if (c.ctx.who.via != model::caller::kind::pat || (c.ctx.who.scopes & needed)) return std::nullopt;
  return problem_of(error{errc::insufficient_scope,
                          "Insufficient permissions. Required scope: " + std::string(model::name_of(needed))});
}

bool within_guest_limit(call_ptr& c, act what) {
  if (!is_guest(*c)) return true;
  bool reveals = what == act::reveal;
  auto& limit = reveals ? c->with.guest_reveals : c->with.guest_creates;
  auto wait = limit.admit(c->limit_key, std::chrono::steady_clock::now());
  if (wait.count() == 0) return true;
  const auto& s = c->with.settings;
  auto r = limited_response(
      *c, {errc::rate_limited, "Too many requests. Please try again later."},
      reveals ? spent_rate("guest_reveal", s.guest_reveal, wait) : spent_rate("guest_create", s.guest_create, wait));
  answer(std::move(c), std::move(r));
  return false;
}

void at_secret(call_ptr c, std::string_view link, const std::optional<std::string>& retry_key, bool claims,
               with_link next) {
  auto clean = identifier_in_path(link);
  const auto& keys = c->with.keys;
  auto id = actors::secret_id_of(keys, clean.view());
  if (auto ws = claims ? at_hand(*c, id) : std::nullopt) {
    c->ctx.workspace = *ws;
    return next(std::move(c), std::move(clean));
  }
  auto retry = retry_key ? std::optional(actors::retry_hash_of(keys, id, *retry_key)) : std::nullopt;
  auto find = [id, retry, now = c->ctx.now](const model::view& v) -> std::optional<workspace_id> {
    auto ws = model::where_is(v, id);
    read_ahead(v, ws, id);
    bool there = model::find_secret(v, ws, id, now) || (retry && model::find_claim(v, ws, id, *retry, now));
    return there ? std::optional(ws) : std::nullopt;
  };
  locate(std::move(c), std::move(clean), find, std::move(next));
}

void at_receipt(call_ptr c, std::string_view link, with_link next) {
  auto clean = identifier_in_path(link);
  const std::array ids = {actors::receipt_id_of(c->with.keys, clean.view()),
                          actors::older_receipt_id_of(c->with.keys, clean.view())};
  auto find = [ids, now = c->ctx.now](const model::view& v) -> std::optional<workspace_id> {
    for (auto id : ids)
      if (auto ws = model::where_is(v, id); model::find_receipt(v, ws, id, now)) return ws;
    return std::nullopt;
  };
  locate(std::move(c), std::move(clean), find, std::move(next));
}

void at_claim(call_ptr c, std::string_view link, const std::string& retry_key, with_link next) {
  auto clean = identifier_in_path(link);
  const auto& keys = c->with.keys;
  auto id = actors::secret_id_of(keys, clean.view());
  auto retry = actors::retry_hash_of(keys, id, retry_key);
  auto find = [id, retry](const model::view& v) -> std::optional<workspace_id> {
    auto ws = model::where_is(v, id);
    auto claim = model::load<model::claim_record>(v, model::space::state, model::keys::claim(ws, id));
    auto bytes = [](const model::keyed_hash& h) {
      return std::string_view(reinterpret_cast<const char*>(h.data()), h.size());
    };
    return claim && crypto::equal(bytes(claim->key), bytes(retry)) ? std::optional(ws) : std::nullopt;
  };
  locate(std::move(c), std::move(clean), find, std::move(next));
}

void make_secret(call_ptr c, act what, telling how, unique_function<void(call_ptr, actors::answer, created)> then) {
  if (auto no = refused_by_policy(*c, what)) return refuse(std::move(c), *no);
  auto fields = read_fields(c->req, version_of(*c), create_body_bytes_max(c->with.settings.onetime));
  if (!fields) return refuse_input(std::move(c), fields.error());
  auto rules = create_rules_of(*c);
  auto base = public_url(*c);
  rules.own_host = host_of(base);
  bool made_up = what == act::generate;
  auto in = made_up ? parse_generate(std::move(*fields), rules) : parse_conceal(std::move(*fields), rules);
  if (!in) return refuse_input(std::move(c), in.error());
  if (!within_guest_limit(c, what)) return;
  create(std::move(c), made_up ? model::secret_kind::generate : model::secret_kind::conceal, how, std::move(*in),
         std::move(then));
}

void reveal_secret(call_ptr c, unique_function<void(call_ptr, actors::answer, asked_reveal)> then) {
  if (auto no = refused_by_policy(*c, act::reveal)) return refuse(std::move(c), *no);
  auto key = retry_key_of(c->req);
  if (!key) return http::refuse(std::move(c), key.error());
  auto fields = read_fields(c->req, version_of(*c), limits::body_bytes_max);
  if (!fields) return refuse_input(std::move(c), fields.error());
  auto in = parse_claim(std::move(*fields));
  if (!in) return refuse_input(std::move(c), in.error());
  if (!within_guest_limit(c, act::reveal)) return;
  auto link = c->capture(0);
  at_secret(std::move(c), link, *key, in->proceed,
            [key = *key, go_on = in->proceed, tried = given(std::move(in->passphrase)), then = std::move(then)](
                call_ptr mine, crypto::secure_bytes clean) mutable {
              asked_reveal asked{clean.clone(), go_on};
              actors::reveal_secret what{std::move(clean), std::move(tried), go_on, std::move(key)};
              order(std::move(mine), std::move(what),
                    [asked = std::move(asked), then = std::move(then)](call_ptr same, actors::answer a) mutable {
                      then(std::move(same), std::move(a), std::move(asked));
                    });
            });
}

void confirm_reveal(call_ptr c, unique_function<void(call_ptr, actors::answer, crypto::secure_bytes)> then) {
  if (auto no = refused_by_policy(*c, act::reveal)) return refuse(std::move(c), *no);
  auto key = retry_key_of(c->req);
  if (!key) return http::refuse(std::move(c), key.error());
  if (!*key) return http::refuse(std::move(c), {errc::invalid, "The Idempotency-Key header is required"});
  auto link = c->capture(0);
  at_claim(std::move(c), link, **key,
           [key = **key, then = std::move(then)](call_ptr mine, crypto::secure_bytes clean) mutable {
             auto asked = clean.clone();
             order(std::move(mine), actors::confirm_secret{std::move(clean), key},
                   [asked = std::move(asked), then = std::move(then)](call_ptr same, actors::answer a) mutable {
                     then(std::move(same), std::move(a), std::move(asked));
                   });
           });
}

version version_of(const call& c) { return c.speaks == family::onetime_v1 ? version::v1 : version::v2; }

void refuse_input(call_ptr c, const input_failure& why) { refuse(std::move(c), problem_of(why)); }

std::optional<crypto::secure_bytes> given(crypto::secure_bytes&& text) {
  if (text.empty()) return std::nullopt;
  return std::move(text);
}

create_rules create_rules_of(const call& c) {
  create_rules rules;
  rules.signed_in = !is_guest(c);
  rules.secret_bytes_max = c.with.settings.onetime.secret_bytes_max;
  return rules;
}

std::size_t create_body_bytes_max(const onetime_rules& rules) {
  constexpr std::size_t escape_factor = 6, beside_bytes = 16 * 1024;
  static_assert(escape_factor * limits::secret_bytes_max + beside_bytes <= limits::large_bodies_bytes_min,
                "the budget for large bodies must have room for the largest");
  return std::max(limits::body_bytes_max, escape_factor * rules.secret_bytes_max + beside_bytes);
}

std::string_view host_of(std::string_view url) {
  auto at = url.find("://");
  auto rest = at == std::string_view::npos ? url : url.substr(at + 3);
  return rest.substr(0, rest.find('/'));
}

std::string public_url(const call& c) { return c.with.ask.public_url ? c.with.ask.public_url() : std::string(); }

std::int64_t epoch_s(timestamp t) { return t.value() / 1000; }

std::int64_t seconds_left(timestamp now, timestamp end) {
  return std::max<std::int64_t>(0, (end.value() - now.value() + 999) / 1000);
}

}  // namespace nacre::http::onetime
