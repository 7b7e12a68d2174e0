#pragma once
// What every family says of a token in the same words, our extensions: what narrows it, and its rotation.
//
//   "notBefore":       RFC 3339, or null
//   "maxUses":         1..limits::token_uses_max, or null; every authentication counts
//   "allowedNetworks": up to limits::networks_per_token_max of "192.0.2.7", "10.0.0.0/8", "2001:db8::/32"; null or
//                      []: from everywhere
//   rotation: {"overlap": seconds the old token stays good, default 0, at most limits::rotation_overlap_s_max;
//              "untilFirstUse": true ends it with the new one's first use, if that comes earlier;
//              "expiresAt" or "expires_at": RFC 3339 or null, a new expiry}

#include <optional>

#include "actors/service.hpp"
#include "http/call.hpp"
#include "http/json.hpp"
#include "model/records.hpp"

namespace nacre::http {

// Nothing if none of the fields is there. `invalid` with the field's name.
result<std::optional<model::restrictions>> restrictions_of(const json_value& body);
// The fields that are set, into an open object; times as the family writes them.
void write_restrictions(json_writer& w, const model::pat_record& pat, std::string (*time)(timestamp) = format_rfc3339);

// From body (may be empty) and Idempotency-Key; `invalid` otherwise.
result<actors::renew_pat> renewal_of(const call& c, pat_id id);
// Why the token that came with this call may not act so on that one, if it may not. A token that is being replaced
// would outlive its overlap if it renewed, changed or revealed itself; it is told again what it renewed itself to. One
// with restrictions, or without a scope of the other's, makes no life longer. Asked before the order: what that does to
// rows is the same in every program of one format, and these have not always asked.
std::optional<error> refused_renewal(const call& c, const model::view& v, const model::pat_entry& pat,
                                     const actors::renew_pat& what);
std::optional<error> refused_change(const call& c, const model::pat_entry& pat, const model::change_pat& what);
std::optional<error> refused_if_outgoing(const call& c, pat_id id);
// Whether the content type is JSON, where a body there is.
bool has_json_or_no_body(const request& r);

}  // namespace nacre::http
