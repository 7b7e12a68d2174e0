#include "http/families/webhooks.hpp"

#include "http/families/body.hpp"
#include "http/json.hpp"
#include "model/limits.hpp"
#include "model/policy.hpp"
#include "model/webhooks.hpp"

namespace nacre::http::webhooks {

namespace {

// ---- bodies ----------------------------------------------------------------------------------------

struct fields {
  std::optional<model::webhook_url> target;
  std::string url;  // as given, with a target
  std::optional<model::event_set> events;
  std::optional<bool> enabled;
  bool new_secret = false;
};

result<model::event_set> events_in(const json_value& given) {
  constexpr auto what = "events must be a list of event types; an empty one means all";
  if (!given.is_array()) return fail(errc::invalid, what);
  model::event_set out = 0;
  for (const auto& each : given.items()) {
    auto text = each.string();
    auto type = text ? model::parse_event_type(*text) : std::nullopt;
    // A ping comes when it is asked for, wanted or not.
    if (!type || *type == model::event_type::ping) return fail(errc::invalid, what);
    out |= model::bit_of(*type);
  }
  return out;
}

result<fields> parse(const json_document& body) {
  fields out;
  if (auto given = body.find("url")) {
    auto text = given->string();
    if (!text) return fail(errc::invalid, "url must be a string");
    auto target = model::parse_webhook_url(*text);
    if (!target) return fail(target.error());
    out.target = std::move(*target);
    out.url = *text;
  }
  if (auto given = body.find("events")) {
    auto events = events_in(*given);
    if (!events) return fail(events.error());
    out.events = *events;
  }
  if (auto given = body.find("enabled")) {
    out.enabled = given->boolean();
    if (!out.enabled) return fail(errc::invalid, "enabled must be true or false");
  }
  if (auto given = body.find("rotateSecret")) {
    auto wish = given->boolean();
    if (!wish) return fail(errc::invalid, "rotateSecret must be true or false");
    out.new_secret = *wish;
  }
  return out;
}

// ---- objects ---------------------------------------------------------------------------------------

void write_time(json_writer& w, std::string_view name, const std::optional<timestamp>& t) {
  if (t)
    w.field(name, std::string_view(format_rfc3339(*t)));
  else
    w.field(name, nullptr);
}

void write(json_writer& w, const model::webhook_entry& e, const crypto::secure_bytes* secret = nullptr) {
  const auto& r = e.record;
  const auto& p = e.progress;
  w.object().field("id", std::string_view(text_of(e.id))).field("url", std::string_view(r.url));
  w.key("events").array();
  for (std::uint8_t n = 1; n <= model::event_types; ++n)
    if (auto t = static_cast<model::event_type>(n); r.events & model::bit_of(t)) w.value(model::name_of(t));
  w.end_array().field("enabled", r.enabled);
  w.key("disabledReason");
  if (r.enabled)
    w.value(nullptr);
  else
    w.value(r.gone ? "gone" : "switched off");
  if (secret && !secret->empty()) w.field("secret", secret->view());
  write_time(w, "previousSecretUntil", r.previous ? std::optional(r.previous->until) : std::nullopt);
  w.field("createdBy", std::string_view(text_of(r.created_by)));
  w.field("createdAt", std::string_view(format_rfc3339(r.created)));
  w.key("deliveries").object().field("waiting", p.waiting).field("delivered", p.delivered);
  w.field("failedAttempts", p.failed).field("failingAttempts", p.failing);
  w.field("givenUp", p.given_up).field("dropped", p.dropped);
  write_time(w, "lastDeliveredAt", p.last_delivered);
  write_time(w, "lastFailedAt", p.last_failed);
  w.key("lastStatus");
  if (p.last_status == 0)
    w.value(nullptr);
  else
    w.value(unsigned{p.last_status});
  w.end_object().end_object();
}

response one(int status, const model::webhook_entry& e, const crypto::secure_bytes* secret = nullptr) {
  json_writer w(4096 + limits::webhook_url_bytes_max);  // a secret must not leave copies behind in growing buffers
  w.object().key("data");
  write(w, e, secret);
  w.end_object();
  auto r = json_response(status, w.take());
  r.wipe = secret != nullptr;
  return r;
}

template <int status>
response made(call&, actors::answer& a) {
  return one(status, std::get<model::webhook_entry>(a.outcome.what), &a.token);
}

response done(call&, actors::answer&) { return no_content(); }

webhook_id hook_in_path(const call& c) { return webhook_id{parse_uuid(c.capture(1)).value_or(uuid{})}; }

// ---- shared shapes of handlers -----------------------------------------------------------------------

// Membership, then the body, then the role: only who may have the webhook makes this node look up its host.
template <class Go>
void with_fields(call_ptr c, std::initializer_list<std::string_view> allowed, bool url_required, Go go) {
  auto& raw = *c;
  std::vector<std::string_view> names(allowed);
  raw.with.service.query(raw.ctx.workspace, raw.req.deadline,
                         [c = std::move(c), allowed_names = std::move(names), url_required,
                          go](result<std::shared_ptr<const model::view>> v) mutable {
                           if (!v) return refuse(std::move(c), v.error());
                           auto who = model::stand(**v, c->ctx, model::scope_admin);
                           if (!(*v)->trustworthy())
                             return refuse(std::move(c), {errc::storage_failed, "Stored state could not be read"});
                           if (!who) return refuse(std::move(c), who.error());
                           auto body = body_of(c, allowed_names);
                           if (!body) return;
                           auto given = parse(*body);
                           if (!given) return refuse(std::move(c), given.error());
                           if (url_required && !given->target)
                             return refuse(std::move(c), {errc::invalid, "url is required"});
                           if (auto may = model::require_admin(*who); !may) return refuse(std::move(c), may.error());
                           if (!given->target || !c->with.ask.webhook_target)
                             return go(std::move(c), std::move(*given));
                           auto& look = c->with.ask.webhook_target;
                           auto target = *given->target;
                           look(target, [c = std::move(c), given = std::move(*given), go](result<void> fine) mutable {
                             if (!fine) return refuse(std::move(c), fine.error());
                             go(std::move(c), std::move(given));
                           });
                         });
}

}  // namespace

void create(call_ptr c) {
  with_fields(std::move(c), {"url", "events"}, true, [](call_ptr mine, fields given) {
    order_and_answer(std::move(mine), actors::issue_webhook{std::move(given.url), given.events.value_or(0)}, made<201>);
  });
}

void list(call_ptr c) {
  auto page = page_of(c->req);
  if (!page) return refuse(std::move(c), page.error());
  answer_from_view(std::move(c), [at = *page](call& mine, const model::view& v) {
    auto found = model::list_webhooks(v, mine.ctx, at);
    if (!found) return error_response(mine, found.error());
    json_writer w(256 + 1024 * found->items.size());
    w.object().key("data").array();
    for (const auto& e : found->items) write(w, e);
    w.end_array().key("pagination").object().field("total", found->total);
    w.field("limit", at.limit).field("offset", at.offset).end_object().end_object();
    return json_response(200, w.take());
  });
}

void get(call_ptr c) {
  answer_from_view(std::move(c), [](call& mine, const model::view& v) {
    auto found = model::get_webhook(v, mine.ctx, hook_in_path(mine));
    return found ? one(200, *found) : error_response(mine, found.error());
  });
}

void change(call_ptr c) {
  with_fields(std::move(c), {"url", "events", "enabled", "rotateSecret"}, false, [](call_ptr mine, fields given) {
    actors::edit_webhook what;
    what.what.id = hook_in_path(*mine);
    if (given.target) what.what.url = std::move(given.url);
    what.what.events = given.events;
    what.what.enabled = given.enabled;
    what.new_secret = given.new_secret;
    order_and_answer(std::move(mine), std::move(what), made<200>);
  });
}

void remove(call_ptr c) {
  auto id = hook_in_path(*c);
  order_and_answer(std::move(c), model::operation{model::delete_webhook{id}}, done);
}

void test(call_ptr c) {
  auto id = hook_in_path(*c);
  order_and_answer(std::move(c), model::operation{model::ping_webhook{id}}, made<202>);
}

}  // namespace nacre::http::webhooks
