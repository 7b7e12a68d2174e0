#include "http/families/checking.hpp"

#include <algorithm>
#include <array>

#include "crypto/token.hpp"
#include "http/checked_tokens.hpp"
#include "http/form.hpp"
#include "http/json.hpp"
#include "http/text.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/policy.hpp"

namespace nacre::http::checking {

namespace {

using model::scope_bit;
using model::token_family;

constexpr std::string_view verify_path = "/api/v1/verify";
const std::vector<token_family> every_family = {token_family::alephant, token_family::unleash, token_family::service};

// Of a token that is none (any more).
bool status_is_401(errc code) {
  return code == errc::unauthenticated || code == errc::token_revoked || code == errc::token_expired;
}

// ---- requirements ----------------------------------------------------------------------------------------

struct requirements {
  model::scope_set scopes = 0;
  model::permission_set permissions = 0;
  std::string project;  // id or key; empty: none
  std::optional<workspace_id> workspace;
  bool bounded = false;
  bool none() const { return scopes == 0 && permissions == 0 && project.empty() && !workspace; }
};

// Each of the words between spaces and commas, of which there must be one; false where `take` refuses one.
template <class Take>
bool every_word(std::string_view text, Take take) {
  bool some = false;
  while (!text.empty()) {
    auto end = std::min(text.find_first_of(" ,"), text.size());
    if (end != 0) {
      if (!take(text.substr(0, end))) return false;
      some = true;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return some;
}

// Takes one parameter, which is given for the first time.
result<void> require(requirements& out, std::string_view name, std::string_view value) {
  bool good = false;
  if (name == "scope") {
    good = every_word(value, [&](std::string_view word) {
      auto scope = model::parse_scope(word);
      if (scope) out.scopes |= *scope;
      return scope.has_value();
    });
  } else if (name == "permission") {
    good = every_word(value, [&](std::string_view word) {
      auto permission = model::parse_permission(word);
      if (permission) out.permissions |= bit_of(*permission);
      return permission.has_value();
    });
  } else if (name == "project") {
    out.project = std::string(value);
    good = !value.empty();
  } else if (name == "workspace") {
    auto id = parse_uuid(value);
    if (id) out.workspace = workspace_id{*id};
    good = id.has_value();
  } else if (name == "consistency") {
    out.bounded = value == "bounded";
    good = out.bounded || value == "current";
  } else {
    return fail(errc::invalid, "The query may hold only: scope, permission, project, workspace, consistency");
  }
  if (!good) return fail(errc::invalid, std::string(name) + " is not understood");
  return {};
}

// Nearly every check brings a few plain parameters: nothing to decode, nothing to copy. Nothing: look closer.
std::optional<requirements> plain_requirements_of(std::string_view text) {
  if (text.find_first_of("%+") != std::string_view::npos) return std::nullopt;
  requirements out;
  std::array<std::string_view, 5> names;  // as many as there are
  for (std::size_t count = 0; !text.empty();) {
    auto part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (part.empty()) continue;
    auto name = part.substr(0, part.find('='));
    auto end = names.begin() + static_cast<std::ptrdiff_t>(count);
    if (count == names.size() || std::find(names.begin(), end, name) != end) return std::nullopt;
    names[count++] = name;
    if (!require(out, name, part.substr(std::min(name.size() + 1, part.size())))) return std::nullopt;
  }
  return out;
}

result<requirements> requirements_of(std::string_view text) {
  if (auto plain = plain_requirements_of(text)) return std::move(*plain);
  requirements out;
  auto query = parse_query(text);
  if (!query) return fail(query.error());
  for (const auto& [name, value] : *query)
    if (auto good = require(out, name, value); !good) return fail(good.error());
  return out;
}

// What is required by where the call came from.
result<requirements> requirements_of(const call& c) {
  if (!c.path_goes_on) {
    auto asked = requirements_of(c.req.query);
    // Said where nobody listens: what is required must not go unheard.
    if (asked && asked->none())
      for (const auto& h : c.req.headers)
        if (!h.value.empty() && same_word(h.name, "x-nacre-require"))
          return fail(errc::invalid, "X-Nacre-Require is read behind a longer path; here the query says it");
    return asked;
  }
  const std::string* said = nullptr;
  for (const auto& h : c.req.headers) {
    if (!same_word(h.name, "x-nacre-require")) continue;
    if (said) return fail(errc::invalid, "X-Nacre-Require is given twice");
    said = &h.value;
  }
  if (!said) return fail(errc::invalid, "X-Nacre-Require must say what is required; it may be empty");
  return requirements_of(*said);
}

// ---- verify ----------------------------------------------------------------------------------------------

// Who was let in, by whatever credential.
struct admitted {
  workspace_id workspace;
  std::shared_ptr<const std::string> lines;
  model::scope_set scope_bits = 0;
  model::permission_set permissions = 0;
  const checked_token* token = nullptr;  // null: no token, they signed in
};

void refuse_check(call_ptr c, const error& e) {
  if (status_is_401(e.code) && c->req.find("authorization"))
    c->with.failed_auth.admit(c->limit_key, std::chrono::steady_clock::now());
  refuse(std::move(c), e);
}

std::optional<error> unmet(const requirements& wanted, const admitted& who) {
  if (wanted.workspace && *wanted.workspace != who.workspace)
    return error{errc::forbidden, "The token belongs to another workspace"};
  if (auto missing = wanted.scopes & ~who.scope_bits)
    return error{errc::insufficient_scope,
                 "Insufficient permissions. Required scope: " + words_of(static_cast<model::scope_set>(missing))};
  if (wanted.permissions & ~who.permissions) return error{errc::insufficient_scope, "Insufficient permissions"};
  return std::nullopt;
}

bool good_for(const std::string& project, const admitted& who, const model::view& v) {
  auto id = parse_uuid(project);
  if (!id) {
    auto row = v.get(model::space::state, model::keys::project_key(who.workspace, project));
    if (row) id = uuid_from_bytes(*row);
    if (!id) return false;
  }
  if (!who.token || !who.token->some_projects)
    return v.get(model::space::state, model::keys::project(who.workspace, project_id{*id})).has_value();
  const auto& some = who.token->record.projects;
  return std::find(some.begin(), some.end(), project_id{*id}) != some.end();
}

void let_pass(call_ptr c, const admitted& who) {
  c->ctx.workspace = who.workspace;
  c->caller.expires.reset();  // the lines say it
  response r;
  r.ready_lines = who.lines;
  answer(std::move(c), std::move(r));
}

// Whether what this node has is new enough for what was asked.
bool local_will_do(const call& c, const requirements& wanted) {
  return c.with.service.local_age() <= (wanted.bounded ? c.with.settings.checks.bounded : std::chrono::milliseconds{});
}

// `keep` holds what `who` looks into.
template <class Keep>
void decide(call_ptr c, const requirements& wanted, const admitted& who, Keep keep) {
  auto why = unmet(wanted, who);
  if (!why && wanted.project.empty()) return let_pass(std::move(c), who);
  if (who.token) c->caller.expires = model::end_of(who.token->record, who.token->lookup);
  if (why) return refuse_check(std::move(c), *why);
  auto& raw = *c;
  auto look = [c = std::move(c), project = wanted.project, who,
               keep = std::move(keep)](result<std::shared_ptr<const model::view>> v) mutable {
    if (!v) return refuse(std::move(c), v.error());
    bool good = good_for(project, who, **v);
    if (!(*v)->trustworthy()) return refuse(std::move(c), {errc::storage_failed, "Stored state could not be read"});
    if (!good) return refuse(std::move(c), {errc::forbidden, "The token is not for this project"});
    let_pass(std::move(c), who);
  };
  if (local_will_do(raw, wanted)) return look(raw.with.service.local_view());
  raw.with.service.query(who.workspace, raw.req.deadline, std::move(look));
}

void decide(call_ptr c, const requirements& wanted, checked_tokens::entry known) {
  // The lines live as long as what they are told of.
  admitted who{known->workspace, {known, &known->lines}, known->scope_bits, known->permissions, known.get()};
  decide(std::move(c), wanted, who, std::move(known));
}

void verify_jwt(call_ptr c, requirements wanted) {
  auto& raw = *c;
  auto in_workspace = [](call_ptr mine, const requirements& asked, const model::view& v) {
    auto ws = asked.workspace ? asked.workspace : mine->caller.claimed;
    if (!ws) {
      auto of = model::list_workspaces(v, mine->caller.who, {0, 1});
      if (of.total == 1) ws = of.items.front().id;
    }
    mine->ctx.workspace = ws.value_or(workspace_id{});
    auto standing = ws ? model::stand(v, mine->ctx, model::every_scope)
                       : result<model::standing>(fail(errc::forbidden,
                                                      "You must be a member of one workspace, or the "
                                                      "request must say of which"));
    if (!v.trustworthy()) return refuse(std::move(mine), {errc::storage_failed, "Stored state could not be read"});
    if (!standing) return refuse(std::move(mine), standing.error());
    auto bits = scopes_of(*standing);
    admitted who{*ws, std::make_shared<const std::string>(lines_of(*ws, mine->caller.who.user, words_of(bits))), bits,
                 permissions_of(*standing)};
    decide(std::move(mine), asked, who, nullptr);
  };
  raw.with.who.authenticate(
      raw.req, token_family::alephant,
      [c = std::move(c), wanted = std::move(wanted), in_workspace](result<principal> who) mutable {
        if (!who) return refuse_check(std::move(c), who.error());
        c->caller = std::move(*who);
        c->ctx.who = c->caller.who;
        auto& mine = *c;
        mine.with.service.query({}, mine.req.deadline,
                                [c = std::move(c), wanted = std::move(wanted),
                                 in_workspace](result<std::shared_ptr<const model::view>> v) mutable {
                                  if (!v) return refuse(std::move(c), v.error());
                                  in_workspace(std::move(c), wanted, **v);
                                });
      });
}

// Reads what there is about the token, and remembers it if that is any use.
void verify_anew(call_ptr c, requirements wanted, std::string_view token, const crypto::digest& digest) {
  auto& raw = *c;
  gate::question asked{token, every_family, model::parse_address(raw.req.client.text), raw.req.client.audit_prefix(),
                       raw.req.deadline};
  if (wanted.bounded) asked.age_max = raw.with.settings.checks.bounded;
  auto stamp = raw.with.service.changes().stamp();
  raw.with.who.find(asked,
                    [c = std::move(c), wanted = std::move(wanted), digest, stamp](result<found_token> found) mutable {
                      if (!found) {
                        c->with.who.note_failed(found.error());
                        return refuse_check(std::move(c), found.error());
                      }
                      auto known = c->with.who.remember(digest, std::move(*found), c->ctx.now, stamp);
                      if (!known) {
                        if (status_is_401(known.error().code)) c->with.who.note_failed(known.error());
                        return refuse_check(std::move(c), known.error());
                      }
                      decide(std::move(c), wanted, std::move(*known));
                    });
}

// True if it was known and has been answered.
bool verify_known(call_ptr& c, const requirements& wanted, const crypto::digest& digest) {
  auto known = c->with.who.recall(digest, c->req.client.text, c->ctx.now);
  if (!known) return false;
  // They are on their way while the rest is looked at.
  for (std::size_t at = 0; at < known->lines.size(); at += 64) __builtin_prefetch(known->lines.data() + at);
  decide(std::move(c), wanted, std::move(known));
  return true;
}

void refuse_guess(call_ptr c, std::chrono::milliseconds wait) {
  auto stands = spent_rate("failed_auth", c->with.settings.failed_auth, wait);
  // Not 429: a proxy takes that for a failure of the check.
  auto r = error_response(*c, {errc::unauthenticated, "Too many failed authentications. Try again later"});
  r.headers.push_back({"Retry-After", std::to_string(std::max<std::int64_t>(1, (wait.count() + 999) / 1000))});
  add_budget_headers(r, stands);
  if (c->with.ask.budget_refused) c->with.ask.budget_refused("failed_auth");
  answer(std::move(c), std::move(r));
}

// ---- introspect ------------------------------------------------------------------------------------------

// RFC 6749 section 5.2.
void refuse_request(call_ptr c, int status, std::string_view why) {
  json_writer w;
  w.object().field("error", "invalid_request").field("error_description", why).end_object();
  auto r = json_response(status, w.take());
  answer(std::move(c), std::move(r));
}

struct introspection {
  crypto::secure_bytes token;
  std::optional<std::string> client_address;
};

// What was sent under these names, each once; others are passed over (RFC 7662 section 2.1).
result<introspection> introspection_of(const request& r) {
  std::optional<crypto::secure_bytes> token, address;
  auto take = [&](std::string_view name, std::string_view value) {
    auto* into = name == "token" ? &token : name == "client_address" ? &address : nullptr;
    if (!into) return true;
    bool first = !into->has_value();
    into->emplace(value);
    return first;
  };
  bool good = true;
  if (has_json_body(r)) {
    auto json = parse_json_object(r.body);
    if (!json) return fail(json.error());
    for (const auto& [name, value] : json->root().members()) {
      if (name != "token" && name != "client_address") continue;
      auto text = value.string();
      if (!text) return fail(errc::invalid, std::string(name) + " must be a string");
      good = good && take(name, *text);
    }
  } else {
    auto fields = parse_urlencoded(r.body, limits::body_bytes_max);
    if (!fields) return fail(fields.error());
    for (const auto& f : *fields) good = good && take(f.name.view(), f.value.view());
  }
  if (!good) return fail(errc::invalid, "A parameter is given twice");
  if (!token || token->view().empty()) return fail(errc::invalid, "token is required");
  introspection out{std::move(*token), std::nullopt};
  if (address && !address->view().empty()) out.client_address = std::string(address->view());
  return out;
}

bool has_form_body(const request& r) {
  const auto* said = r.find("content-type");
  auto type = said ? parse_media_type(*said) : result<media_type>(fail(errc::invalid, ""));
  return type && type->essence == "application/x-www-form-urlencoded";
}

std::int64_t seconds_of(timestamp t) { return t.value() / 1000; }

std::string description_of(const call& c, const checked_token& known) {
  const auto& record = known.record;
  auto id = text_of(known.id);
  json_writer w(640);
  w.object().field("active", true).field("scope", std::string_view(known.scopes));
  w.field("sub", std::string_view(text_of(record.owner)));
  if (!known.email.empty()) w.field("username", std::string_view(known.email));
  w.field("client_id", std::string_view(id)).field("jti", std::string_view(id)).field("token_type", "Bearer");
  w.field("iat", seconds_of(record.created));
  if (auto end = model::end_of(record, known.lookup)) w.field("exp", seconds_of(*end));
  if (record.only.not_before) w.field("nbf", seconds_of(*record.only.not_before));
  w.field("workspace_id", std::string_view(text_of(known.workspace)));
  if (c.with.ask.public_url)
    if (auto url = c.with.ask.public_url(); !url.empty()) w.field("iss", std::string_view(url));
  w.end_object();
  return w.take();
}

// Whether who asks may know of tokens of this workspace.
bool may_know(const call& c, workspace_id ws, const model::view& v) {
  if (c.caller.bound_to) return *c.caller.bound_to == ws;
  auto ctx = c.ctx;
  ctx.workspace = ws;
  return model::stand(v, ctx, model::every_scope).has_value();
}

void look_at(call_ptr c, introspection about) {
  std::optional<std::array<std::uint8_t, 16>> client;
  if (about.client_address) {
    client = model::parse_address(*about.client_address);
    if (!client) return refuse_request(std::move(c), 400, "client_address must be an IP address");
  }
  auto token = std::make_unique<crypto::secure_bytes>(std::move(about.token));
  auto& raw = *c;
  gate::question asked{token->view(), every_family, client, raw.req.client.audit_prefix(), raw.req.deadline};
  asked.counts = false;
  raw.with.who.find(asked, [c = std::move(c), token = std::move(token)](result<found_token> found) mutable {
    auto inactive = [&c] {
      auto r = json_response(200, R"({"active":false})");
      answer(std::move(c), std::move(r));
    };
    // What is no answer about the token (busy, a failed read) is none to give.
    auto unknown = [](errc code) { return status_is_401(code) || code == errc::forbidden; };
    if (!found) return unknown(found.error().code) ? inactive() : refuse(std::move(c), found.error());
    auto seen = found->seen;
    bool theirs = may_know(*c, found->token.workspace, *seen);
    auto known = weigh({}, std::move(found->token), found->lookup, *seen, c->ctx.now, 0);
    if (!known) return unknown(known.error().code) ? inactive() : refuse(std::move(c), known.error());
    if (!seen->trustworthy()) return refuse(std::move(c), {errc::storage_failed, "Stored state could not be read"});
    if (!theirs) return inactive();
    auto r = json_response(200, description_of(*c, **known));
    answer(std::move(c), std::move(r));
  });
}

void read_and_look(call_ptr c) {
  if (!has_json_body(c->req) && !has_form_body(c->req))
    return refuse_request(std::move(c), c->req.body.empty() ? 400 : 415, "The body must be a form or JSON");
  auto about = introspection_of(c->req);
  if (!about) return refuse_request(std::move(c), 400, about.error().text);
  look_at(std::move(c), std::move(*about));
}

}  // namespace

void introspect(call_ptr c) {
  if (!c->caller.bound_to) return read_and_look(std::move(c));
  c->ctx.workspace = *c->caller.bound_to;
  as_member(std::move(c), model::scope_introspect, read_and_look);
}

void verify(call_ptr c) {
  auto wanted = requirements_of(*c);
  if (!wanted) return refuse(std::move(c), wanted.error());
  const auto* header = c->req.find("authorization");
  auto credential = header ? credential_of(*header, true) : std::nullopt;
  if (!credential) return refuse_check(std::move(c), {errc::unauthenticated, "Authentication failed"});
  bool jwt = looks_like_jwt(*credential);
  const auto& with = c->with;
  auto wait = with.failed_auth.limits() ? with.failed_auth.peek(c->limit_key, std::chrono::steady_clock::now())
                                        : std::chrono::milliseconds{};
  if (wait.count() > 0)
    if (jwt || crypto::check_token(with.keys, *credential).check != crypto::token_check::ours)
      return refuse_guess(std::move(c), wait);
  if (jwt) return verify_jwt(std::move(c), std::move(*wanted));
  auto digest = crypto::sha256(*credential);
  if (with.who.recalls()) {
    if (local_will_do(*c, *wanted)) {
      if (verify_known(c, *wanted, digest)) return;
    } else {
      auto& raw = *c;
      return raw.with.service.when_current(
          raw.req.deadline,
          [c = std::move(c), wanted = std::move(*wanted), token = *credential, digest](result<void> current) mutable {
            if (!current) return refuse(std::move(c), current.error());
            if (!verify_known(c, wanted, digest)) verify_anew(std::move(c), std::move(wanted), token, digest);
          });
    }
  }
  verify_anew(std::move(c), std::move(*wanted), *credential, digest);
}

bool cut_original_path(std::string& path) {
  if (path.size() <= verify_path.size() || path[verify_path.size()] != '/' || !path.starts_with(verify_path))
    return false;
  path.resize(verify_path.size());
  return true;
}

}  // namespace nacre::http::checking
