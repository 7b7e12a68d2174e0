#include "http/call.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "http/buffer.hpp"
#include "http/json.hpp"
#include "http/text.hpp"
#include "http/voice.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/load.hpp"
#include "model/policy.hpp"

namespace nacre::http {

namespace {

std::int64_t whole_seconds(std::int64_t ms) { return ms <= 1000 ? 1 : (ms + 999) / 1000; }

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1, low = high < 0 ? -1 : hex_value(text[i + 2]);
      if (low < 0) return std::nullopt;
      out += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return out;
}

const std::string* find(const std::vector<std::pair<std::string, std::string>>& query, std::string_view name) {
  for (const auto& [key, value] : query)
    if (key == name) return &value;
  return nullptr;
}

// The object is who, for what is noted on the side has no actor of its own: the user, and the token they came with.
void note_denied(const call& c, std::string_view action, std::string_view why) {
  auto who = to_string(c.ctx.who.user);
  if (c.ctx.who.via == model::caller::kind::pat) who.append(" ").append(to_string(c.ctx.who.pat));
  c.with.service.note_act(c.ctx.workspace, action, who, why);
}

// An outsider names what workspace they like: one that is none has no log.
bool has_log(const call& c) {
  auto view = c.with.service.local_view();
  auto ws = model::load<model::workspace_record>(*view, model::space::state, model::keys::workspace(c.ctx.workspace));
  return ws && !ws->deleted;
}

}  // namespace

response json_response(int status, std::string body) {
  response r;
  r.status = status;
  // One by one: a list in braces would be copied, strings and all, with every answer.
  r.headers.reserve(4);
  r.headers.push_back({"Content-Type", "application/json"});
  r.headers.push_back({"Cache-Control", "no-store"});
  r.headers.push_back({"X-Content-Type-Options", "nosniff"});
  r.body = std::move(body);
  return r;
}

response no_content() {
  response r;
  r.status = 204;
  r.headers = {{"Cache-Control", "no-store"}};
  return r;
}

response error_response(const call& c, const error& e) {
  auto r = voice_of(c.speaks).error(c, e);
  if (r.status == 503) r.headers.push_back({"Retry-After", "1"});
  // RFC 6750 section 3.1, for families whose body does not tell an expired token from a wrong one.
  if (r.status == 401 && c.speaks != family::onetime_v1 && c.speaks != family::onetime_v2) {
    bool tried = c.req.find("authorization") != nullptr;
    bool expired = e.code == errc::token_expired;
    r.headers.push_back({"WWW-Authenticate", !tried    ? "Bearer"
                                             : expired ? "Bearer error=\"invalid_token\", "
                                                         "error_description=\"The token has expired\""
                                                       : "Bearer error=\"invalid_token\""});
  }
  if (r.status >= 500 && c.with.ask.failed) c.with.ask.failed(c.req.id, e);
  return r;
}

model::budget_state spent_rate(std::string_view name, const rate& limit, std::chrono::milliseconds wait) {
  // No division is exact: ten in a minute must not become ten in 61 s. Bounded by what a limiter keeps.
  constexpr double window_s_max = 86'400.0 * 10'000;
  double window_s = std::clamp(std::ceil(limit.burst / limit.per_second - 1e-6), 1.0, window_s_max);
  return {name, static_cast<std::uint32_t>(limit.burst), 0, wait.count(), static_cast<std::int64_t>(window_s) * 1000};
}

void add_budget_headers(response& r, const model::budget_state& budget) {
  auto name = "\"" + std::string(budget.name) + "\"";
  r.headers.push_back({"RateLimit-Policy", name + ";q=" + std::to_string(budget.limit) +
                                               ";w=" + std::to_string(whole_seconds(budget.window_ms))});
  r.headers.push_back({"RateLimit", name + ";r=" + std::to_string(budget.remaining) +
                                        ";t=" + std::to_string(whole_seconds(budget.reset_ms))});
}

response limited_response(const call& c, const error& e, const model::budget_state& budget) {
  auto wait_s = whole_seconds(budget.reset_ms);
  auto r = voice_of(c.speaks).limited(c, e, wait_s, budget.limit);
  r.headers.push_back({"Retry-After", std::to_string(wait_s)});
  add_budget_headers(r, budget);
  if (c.with.ask.budget_refused) c.with.ask.budget_refused(budget.name);
  return r;
}

call::~call() {
  wipe(req.body);
  wipe(req.query);  // old clients of one-time secrets put everything there
  wipe(req.path);   // links open secrets
  for (auto& h : req.headers)
    if (same_word(h.name, "authorization") || same_word(h.name, "idempotency-key") || same_word(h.name, "pickup-key"))
      wipe(h.value);
}

void answer(call_ptr c, response r) {
  bool good = r.status == 200;
  if (good && !c->act.empty()) c->with.service.note_act(c->ctx.workspace, c->act, to_string(c->ctx.who.user));
  if (r.status == 403 && !c->denial.empty() && has_log(*c)) note_denied(*c, c->denial, c->why);
  if (good && c->to_keep) {
    if (auto list = to_kept(r, c->to_keep->name, c->ctx.workspace, c->to_keep->stamp, c->act)) {
      r = ready(list);
      c->with.lists.keep(std::move(list));
    }
  }
  r.route = c->pattern;
  if (c->caller.expires) r.headers.push_back({"X-Nacre-Token-Expires-At", format_rfc3339(*c->caller.expires)});
  if (!c->ctx.workspace.value().is_nil()) r.workspace = c->ctx.workspace;
  // Who has the answer may come with the next large body at once, and finds the room of this one free.
  wipe(c->req.body);
  std::string().swap(c->req.body);
  c->req.body_room = {};
  std::move(c->respond)(std::move(r));
}

void refuse(call_ptr c, const error& e) {
  auto r = error_response(*c, e);
  c->why = nacre::name_of(e.code);
  answer(std::move(c), std::move(r));
}

result<workspace_id> workspace_of_header(const call& c) {
  const auto* text = c.req.find("x-workspace-id");
  if (!text) return fail(errc::invalid, "The X-Workspace-Id header is required");
  auto id = parse_uuid(*text);
  if (!id || id->is_nil()) return fail(errc::invalid, "The X-Workspace-Id header must be a UUID");
  return workspace_id{*id};
}

result<void> enter_workspace(call& c, workspace_id ws) {
  if (c.caller.bound_to && *c.caller.bound_to != ws)
    return fail(errc::forbidden, "The token belongs to another workspace");
  c.ctx.workspace = ws;
  return {};
}

void enter_own_workspace(call_ptr c, unique_function<void(call_ptr)> next) {
  auto own = c->caller.bound_to ? c->caller.bound_to : c->caller.claimed;
  if (c->req.find("x-workspace-id")) {
    auto named = workspace_of_header(*c);
    if (!named) return refuse(std::move(c), named.error());
    own = *named;
  }
  if (own) {
    if (auto in = enter_workspace(*c, *own); !in) return refuse(std::move(c), in.error());
    return next(std::move(c));
  }
  auto& raw = *c;
  raw.with.service.query(
      {}, raw.req.deadline,
      [c = std::move(c), next = std::move(next)](result<std::shared_ptr<const model::view>> v) mutable {
        if (!v) return refuse(std::move(c), v.error());
        auto of = model::list_workspaces(**v, c->caller.who, {0, 1});
        if (!(*v)->trustworthy()) return refuse(std::move(c), {errc::storage_failed, "Stored state could not be read"});
        if (of.total == 0) return refuse(std::move(c), {errc::forbidden, "You are not a member of any workspace"});
        if (of.total > 1)
          return refuse(std::move(c), {errc::invalid,
                                       "You are a member of several workspaces: name one in the "
                                       "X-Workspace-Id header"});
        c->ctx.workspace = of.items.front().id;
        next(std::move(c));
      });
}

void as_member(call_ptr c, model::scope_set needed, unique_function<void(call_ptr)> next) {
  auto& raw = *c;
  raw.with.service.query(
      raw.ctx.workspace, raw.req.deadline,
      [c = std::move(c), needed, next = std::move(next)](result<std::shared_ptr<const model::view>> v) mutable {
        if (!v) return refuse(std::move(c), v.error());
        auto standing = model::stand(**v, c->ctx, needed);
        if (!(*v)->trustworthy()) return refuse(std::move(c), {errc::storage_failed, "Stored state could not be read"});
        if (!standing) return refuse(std::move(c), standing.error());
        next(std::move(c));
      });
}

void order(call_ptr c, actors::intent what, unique_function<void(call_ptr, actors::answer)> then) {
  auto& raw = *c;
  actors::order o;
  o.ctx = raw.ctx;
  o.ctx.client_prefix = raw.req.client.audit_prefix();
  o.what = std::move(what);
  o.deadline = raw.req.deadline;
  o.reply = [c = std::move(c), then = std::move(then)](actors::answer a) mutable { then(std::move(c), std::move(a)); };
  raw.with.service.submit(std::move(o));
}

void refuse_outcome(call_ptr c, const model::outcome& refused) {
  if (refused.refused->code != errc::rate_limited || !refused.budget) return refuse(std::move(c), *refused.refused);
  // A refused reveal changes nothing, so that nobody fills the log by trying; that it was tried is on record.
  if (refused.budget->name.starts_with("reveal"))
    note_denied(*c, "pat.reveal.limited", nacre::name_of(refused.refused->code));
  auto r = limited_response(*c, *refused.refused, *refused.budget);
  answer(std::move(c), std::move(r));
}

void order_and_answer(call_ptr c, actors::intent what, response (*make)(call&, actors::answer&)) {
  order(std::move(c), std::move(what), [make](call_ptr mine, actors::answer a) {
    const auto& outcome = a.outcome;
    if (outcome.refused) return refuse_outcome(std::move(mine), outcome);
    auto r = make(*mine, a);
    if (outcome.budget) add_budget_headers(r, *outcome.budget);
    answer(std::move(mine), std::move(r));
  });
}

result<std::optional<std::string>> retry_key_of(const request& r) {
  const auto* key = r.find("idempotency-key");
  if (!key) return std::optional<std::string>{};
  if (key->size() < retry_key_chars_min || key->size() > retry_key_chars_max || printable_run(*key) != key->size())
    return fail(errc::invalid, "The Idempotency-Key header must have 16 to 128 printable characters");
  return std::optional<std::string>(*key);
}

bool has_json_body(const request& r) {
  const auto* type = r.find("content-type");
  if (!type) return false;
  auto essence = std::string_view(*type).substr(0, type->find(';'));
  while (!essence.empty() && (essence.back() == ' ' || essence.back() == '\t')) essence.remove_suffix(1);
  return same_word(essence, "application/json");
}

result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view raw) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!raw.empty()) {
    auto part = raw.substr(0, raw.find('&'));
    raw.remove_prefix(std::min(raw.size(), part.size() + 1));
    if (part.empty()) continue;
    auto equals = part.find('=');
    auto key = decode(part.substr(0, equals));
    auto value = decode(equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1));
    if (!key || !value) return fail(errc::invalid, "The query has a malformed escape");
    if (find(out, *key)) return fail(errc::invalid, "A query parameter is given twice");
    out.emplace_back(std::move(*key), std::move(*value));
  }
  return out;
}

result<std::uint64_t> number_of(const std::vector<std::pair<std::string, std::string>>& query, std::string_view name,
                                std::uint64_t otherwise, std::uint64_t least, std::uint64_t most) {
  const auto* text = find(query, name);
  if (!text) return otherwise;
  std::uint64_t n = 0;
  const auto* end = text->data() + text->size();
  auto [stopped, problem] = std::from_chars(text->data(), end, n);
  if (text->empty() || problem != std::errc{} || stopped != end || n < least || n > most)
    return fail(errc::invalid, std::string(name) + " must be a whole number between " + std::to_string(least) +
                                   " and " + std::to_string(most));
  return n;
}

result<model::page> page_of(const request& r) {
  auto query = parse_query(r.query);
  if (!query) return fail(query.error());
  if (find(*query, "page") || find(*query, "pageSize")) {
    auto size = number_of(*query, "pageSize", limits::page_default, 1, limits::page_size_max);
    if (!size) return fail(size.error());
    auto page = number_of(*query, "page", 1, 1, limits::page_offset_max / limits::page_size_max);
    if (!page) return fail(page.error());
    return model::page{static_cast<std::uint32_t>((*page - 1) * *size), static_cast<std::uint32_t>(*size)};
  }
  auto limit = number_of(*query, "limit", limits::page_default, 1, limits::page_limit_max);
  if (!limit) return fail(limit.error());
  auto offset = number_of(*query, "offset", 0, 0, limits::page_offset_max);
  if (!offset) return fail(offset.error());
  return model::page{static_cast<std::uint32_t>(*offset), static_cast<std::uint32_t>(*limit)};
}

}  // namespace nacre::http
