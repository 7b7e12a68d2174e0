#include "http/checked_tokens.hpp"

#include <utility>

namespace nacre::http {

using model::token_family;

namespace {

void add_word(std::string& to, std::string_view word) {
  if (!to.empty()) to += ' ';
  to += word;
}

// Until when judge() says what it has just said, whoever asks; 0: nobody knows.
std::int64_t good_until_of(const model::pat_record& record) {
  const auto& only = record.only;
  if (record.previous || only.not_before || only.uses_max || !only.networks.empty()) return 0;
  return record.expires ? record.expires->value() : INT64_MAX;
}

}  // namespace

std::string words_of(model::scope_set scopes) {
  std::string out;
  for (auto s : model::scope_bits)
    if (scopes & s) add_word(out, model::name_of(s));
  return out;
}

model::scope_set scopes_of(const model::standing& who) {
  return who.is_admin() ? model::every_scope : model::scope_set{model::scope_read | model::scope_write};
}

model::permission_set permissions_of(const model::standing& who) {
  return who.is_admin() ? model::every_permission : model::every_permission & ~bit_of(model::permission::owner);
}

std::string lines_of(workspace_id ws, user_id subject, std::string_view scopes, const checked_token* token) {
  std::string out;
  auto line = [&out](std::string_view name, std::string_view value) {
    out.append("\r\n").append(name).append(": ").append(value);
  };
  line("Cache-Control", "no-store");
  line("X-Nacre-Subject", text_of(subject));
  line("X-Nacre-Workspace", text_of(ws));
  line("X-Nacre-Scopes", scopes);
  if (token) line("X-Nacre-Token-Id", text_of(token->id));
  if (auto end = token ? model::end_of(token->record, token->lookup) : std::nullopt)
    line("X-Nacre-Token-Expires-At", format_rfc3339(*end));
  return out;
}

bool checked_token::is_good(timestamp now, std::string_view client) const {
  if (now.value() < good_until_ms) return true;
  std::optional<std::array<std::uint8_t, 16>> address;
  if (!record.only.networks.empty()) address = model::parse_address(client);
  return model::judge(record, lookup, now, address).has_value();
}

result<checked_tokens::entry> weigh(const crypto::digest& name, model::token_owner token,
                                    const model::keyed_hash& lookup, const model::view& seen, timestamp now,
                                    std::uint64_t stamp) {
  auto made = std::make_shared<checked_token>();
  made->name = name;
  made->workspace = token.workspace;
  made->id = token.id;
  made->record = std::move(token.record);
  made->lookup = lookup;
  made->stamp = stamp;
  const auto& record = made->record;
  model::context ctx;
  ctx.workspace = made->workspace;
  ctx.now = now;
  ctx.who.via = model::caller::kind::pat;
  ctx.who.user = record.owner;
  ctx.who.pat = made->id;
  ctx.who.scopes = record.scopes;
  auto who = model::stand(seen, ctx, model::every_scope);
  if (!seen.trustworthy()) return fail(errc::storage_failed, "Stored state could not be read");
  if (!who && who.error().code == errc::forbidden) return fail(errc::token_revoked, "The token's owner has left");
  if (!who) return fail(who.error());
  made->email = std::move(who->me.email);
  switch (record.family) {
    case token_family::alephant:
      made->scope_bits = model::implied(record.scopes);
      made->permissions = who->grants;
      break;
    case token_family::unleash:
      made->scope_bits = scopes_of(*who) & ~model::scope_introspect;
      made->permissions = permissions_of(*who);
      break;
    case token_family::service:
      made->permissions = who->grants;
      // As given; not those its owner's role no longer has.
      for (auto p : record.permissions)
        if (who->grants & bit_of(p)) add_word(made->scopes, model::name_of(p));
      break;
  }
  if (record.family != token_family::service) made->scopes = words_of(made->scope_bits);
  made->some_projects = record.family == token_family::service && !record.all_projects;
  made->good_until_ms = good_until_of(record);
  made->lines = lines_of(made->workspace, record.owner, made->scopes, made.get());
  return checked_tokens::entry{std::move(made)};
}

}  // namespace nacre::http
