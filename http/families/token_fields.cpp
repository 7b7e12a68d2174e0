#include "http/families/token_fields.hpp"

#include "actors/one_time.hpp"
#include "http/import_row.hpp"
#include "model/limits.hpp"
#include "model/pats.hpp"

namespace nacre::http {

namespace {

std::optional<error> refused_life(const call& c, const model::pat_record& pat, const std::optional<timestamp>& until) {
  const auto& who = c.caller.who;
  if (who.via != model::caller::kind::pat || !pat.expires || (until && *until <= *pat.expires)) return std::nullopt;
  if (c.caller.narrowed) return error{errc::forbidden, "A token with restrictions makes no token's life longer"};
  auto missing = static_cast<model::scope_set>(model::implied(pat.scopes) & ~who.scopes);
  return missing ? std::optional(model::lacks(missing)) : std::nullopt;
}

}  // namespace

result<std::optional<model::restrictions>> restrictions_of(const json_value& body) {
  auto not_before = body.find("notBefore"), uses = body.find("maxUses"), networks = body.find("allowedNetworks");
  if (!not_before && !uses && !networks) return std::optional<model::restrictions>{};
  model::restrictions out;
  if (not_before && !not_before->is_null()) {
    auto text = not_before->string();
    out.not_before = text ? parse_rfc3339(*text) : std::nullopt;
    if (!out.not_before) return fail(errc::invalid, "notBefore must be an RFC 3339 date-time or null");
  }
  if (uses && !uses->is_null()) {
    auto n = uses->integer();
    if (!n || *n < 1 || static_cast<std::uint64_t>(*n) > limits::token_uses_max)
      return fail(errc::invalid, "maxUses must be a whole number between 1 and " +
                                     std::to_string(limits::token_uses_max) + " or null");
    out.uses_max = static_cast<std::uint64_t>(*n);
  }
  if (networks && !networks->is_null()) {
    auto wrong = [] {
      return fail(errc::invalid, "allowedNetworks must be an array of at most " +
                                     std::to_string(limits::networks_per_token_max) +
                                     " IP addresses or networks such as 10.0.0.0/8");
    };
    if (!networks->is_array()) return wrong();
    for (const auto& item : networks->items()) {
      auto text = item.string();
      auto network = text ? model::parse_network(*text) : std::nullopt;
      if (!network || out.networks.size() >= limits::networks_per_token_max) return wrong();
      out.networks.push_back(*network);
    }
  }
  return std::optional<model::restrictions>{std::move(out)};
}

void write_restrictions(json_writer& w, const model::pat_record& pat, std::string (*time)(timestamp)) {
  const auto& only = pat.only;
  if (only.not_before) w.field("notBefore", std::string_view(time(*only.not_before)));
  if (only.uses_max) w.field("maxUses", *only.uses_max).field("uses", pat.uses);
  if (only.networks.empty()) return;
  w.key("allowedNetworks").array();
  for (const auto& n : only.networks) w.value(std::string_view(model::to_string(n)));
  w.end_array();
}

result<actors::renew_pat> renewal_of(const call& c, pat_id id) {
  actors::renew_pat out;
  out.id = id;
  auto key = retry_key_of(c.req);
  if (!key) return fail(key.error());
  out.retry_key = std::move(*key);
  if (c.req.body.empty()) return out;
  auto json = parse_json_object(c.req.body);
  if (!json) return fail(json.error());
  if (auto overlap = json->find("overlap"); overlap && !overlap->is_null()) {
    auto seconds = overlap->integer();
    if (!seconds || *seconds < 0 || *seconds > limits::rotation_overlap_s_max)
      return fail(errc::invalid, "overlap must be a whole number of seconds between 0 and " +
                                     std::to_string(limits::rotation_overlap_s_max));
    out.overlap_ms = *seconds * 1000;
  }
  if (auto first = json->find("untilFirstUse"); first && !first->is_null()) {
    auto yes = first->boolean();
    if (!yes) return fail(errc::invalid, "untilFirstUse must be true or false");
    out.until_first_use = *yes;
  }
  if (auto expires = expiry_in(*json)) {
    auto when = expiry_of(*expires);
    if (!when) return fail(when.error());
    if (*when && **when <= c.ctx.now) return fail(errc::invalid, "expiresAt must be in the future");
    out.set_expires = true;
    out.expires = *when;
  }
  return out;
}

std::optional<error> refused_if_outgoing(const call& c, pat_id id) {
  if (!c.caller.outgoing || c.caller.who.pat != id) return std::nullopt;
  return error{errc::forbidden,
               "This token is being replaced: what replaces it is not its own to renew, change or reveal"};
}

std::optional<error> refused_renewal(const call& c, const model::view& v, const model::pat_entry& pat,
                                     const actors::renew_pat& what) {
  if (auto why = refused_if_outgoing(c, pat.id)) {
    model::rotate_pat again;
    again.id = pat.id;
    if (what.retry_key) again.retry = actors::rotation_hash_of(c.with.keys, pat.id, c.ctx.who.user, *what.retry_key);
    return model::rotation_salt(v, c.ctx, again) ? std::nullopt : why;
  }
  return what.set_expires ? refused_life(c, pat.record, what.expires) : std::nullopt;
}

std::optional<error> refused_change(const call& c, const model::pat_entry& pat, const model::change_pat& what) {
  if (auto why = refused_if_outgoing(c, pat.id)) return why;
  return what.set_expires ? refused_life(c, pat.record, what.expires) : std::nullopt;
}

bool has_json_or_no_body(const request& r) { return r.body.empty() || has_json_body(r); }

}  // namespace nacre::http
