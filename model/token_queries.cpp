#include "model/token_queries.hpp"

#include <algorithm>

#include "model/keys.hpp"
#include "model/load.hpp"

namespace nacre::model {

error no_token() { return {errc::not_found, "Personal access token not found"}; }
error used_up() { return {errc::token_expired, "Token has expired: it has been used as often as it may be"}; }

namespace {

bool previous_is_good(const pat_record& pat, const keyed_hash& lookup, timestamp now) {
  return pat.previous && pat.previous->lookup == lookup && now < pat.previous->until;
}

// Whose tokens the caller may see: their own, and who administers those of service users.
result<standing> stand_before(const view& v, const context& ctx, user_id owner) {
  auto who = stand(v, ctx, every_scope);
  if (!who || owner == ctx.who.user) return who;
  if (!who->may_administer()) return fail(errc::forbidden, "Only a workspace owner or admin may do this");
  auto service = load<service_user_record>(v, space::state, keys::service_user(ctx.workspace, owner));
  if (!service || service->removed) return fail(errc::not_found, "Service user not found");
  return who;
}

}  // namespace

result<presented> judge(const pat_record& pat, const keyed_hash& lookup, timestamp now,
                        const std::optional<std::array<std::uint8_t, 16>>& client) {
  bool current = pat.lookup == lookup;
  // Without a rotation no other token ever was this PAT's: the index names a wrong record.
  if (!current && pat.rotations == 0) return fail(errc::unauthenticated, "Authentication failed");
  if (pat.revoked || (!current && !previous_is_good(pat, lookup, now)))
    return fail(errc::token_revoked, "Token has been revoked");
  if (pat.expires && *pat.expires <= now) return fail(errc::token_expired, "Token has expired");
  const auto& only = pat.only;
  if (only.uses_max && pat.uses >= *only.uses_max) return fail(used_up());
  if (only.not_before && now < *only.not_before) return fail(errc::unauthenticated, "Token is not valid yet");
  if (!only.networks.empty()) {
    bool inside = client && std::any_of(only.networks.begin(), only.networks.end(),
                                        [&](const network& n) { return n.contains(*client); });
    if (!inside) return fail(errc::forbidden, "This token may not be used from this address");
  }
  presented p;
  p.retires_previous = current && pat.previous && pat.previous->until_first_use;
  p.counted = only.uses_max.has_value();
  return p;
}

bool is_retired(const pat_record& pat, const keyed_hash& lookup, timestamp now) {
  return pat.rotations > 0 && pat.lookup != lookup && !previous_is_good(pat, lookup, now);
}

std::optional<timestamp> end_of(const pat_record& pat, const keyed_hash& lookup) {
  if (!pat.previous || pat.previous->lookup != lookup) return pat.expires;
  return std::min(pat.expires.value_or(time_max), pat.previous->until);
}

result<std::vector<pat_entry>> list_tokens(const view& v, const context& ctx, user_id owner, token_family family) {
  auto who = stand_before(v, ctx, owner);
  if (!who) return fail(who.error());
  auto prefix = keys::family_pats(ctx.workspace, owner, family);
  std::vector<std::string> ids;
  v.scan(space::state, prefix, keys::past(prefix), [&](std::string_view key, std::string_view id) {
    // Those of an earlier membership are nobody's any more.
    reader seq(key.substr(prefix.size()));
    if (owner != ctx.who.user || seq.u64() > who->me.dead_pats) ids.emplace_back(id);
    return true;
  });
  std::vector<std::string> rows;
  for (const auto& id : ids)
    if (auto parsed = uuid_from_bytes(id)) rows.push_back(keys::pat(ctx.workspace, pat_id{*parsed}));
  std::vector<std::string_view> wanted(rows.begin(), rows.end());
  v.prefetch(space::state, wanted);
  std::vector<pat_entry> out;
  for (const auto& bytes : ids) {
    auto id = uuid_from_bytes(bytes);
    auto record = id ? load<pat_record>(v, space::state, keys::pat(ctx.workspace, pat_id{*id})) : std::nullopt;
    if (!record) {
      v.mark_undecodable();
      break;
    }
    out.push_back({pat_id{*id}, ctx.workspace, std::move(*record), {}});
  }
  return out;
}

result<pat_entry> get_token(const view& v, const context& ctx, user_id owner, token_family family, pat_id id) {
  auto who = stand_before(v, ctx, owner);
  if (!who) return fail(who.error());
  auto pat = find_live_pat(v, ctx.workspace, id);
  bool theirs =
      pat && pat->owner == owner && pat->family == family && (owner != ctx.who.user || pat->seq > who->me.dead_pats);
  if (!theirs) return fail(no_token());
  return pat_entry{id, ctx.workspace, std::move(*pat), {}};
}

result<pat_entry> get_token(const view& v, const context& ctx, user_id owner, token_family family,
                            std::uint64_t number) {
  auto row = v.get(space::state, keys::family_pat(ctx.workspace, owner, family, number));
  auto id = row ? uuid_from_bytes(*row) : std::nullopt;
  if (id) return get_token(v, ctx, owner, family, pat_id{*id});
  if (row) v.mark_undecodable();
  auto who = stand_before(v, ctx, owner);
  if (!who) return fail(who.error());
  return fail(no_token());
}

std::vector<project_entry> projects_of(const view& v, const pat_entry& pat) {
  std::vector<project_entry> out;
  for (const auto& id : pat.record.projects)
    if (auto record = load<project_record>(v, space::state, keys::project(pat.workspace, id)))
      out.push_back({id, pat.workspace, std::move(*record)});
  return out;
}

}  // namespace nacre::model
