#pragma once
// Tokens of every family in a state: rotated, restricted, and held by members and service users.

#include "model/pats.hpp"
#include "model/people.hpp"
#include "model/token_queries.hpp"
#include "model/webhooks.hpp"
#include "tests/model/secrets_world.hpp"

namespace nacre::model::testing {

struct tokens_world : world {
  user_id robot = user_no(50), robot_admin = user_no(51);
  std::uint64_t made_lookups = 1000;

  create_pat token(std::uint64_t n, token_family family, std::optional<user_id> of = {}) {
    auto op = new_pat(n);
    op.family = family;
    op.prefix = family == token_family::unleash ? "user:" : "nacre_pat_";
    op.owner = of;
    op.data_key_version = 0;
    op.sealed.clear();
    return op;
  }
  create_pat service_token(std::uint64_t n, std::vector<permission> permissions = {}, std::optional<user_id> of = {}) {
    auto op = token(n, token_family::service, of);
    op.permissions = std::move(permissions);
    return op;
  }
  create_pat unleash_token(std::uint64_t n, std::optional<user_id> of = {}) {
    return token(n, token_family::unleash, of);
  }
  // Sealed if it is Alephant's.
  rotate_pat rotation(std::uint64_t n, std::int64_t overlap_ms = 0, bool until_first_use = false) {
    auto was = pat(n).value();
    rotate_pat op;
    op.id = pat_no(n);
    op.prefix = was.prefix;
    op.lookup[0] = 7;
    op.lookup[30] = static_cast<std::uint8_t>(++made_lookups >> 8);
    op.lookup[31] = static_cast<std::uint8_t>(made_lookups);
    op.overlap_ms = overlap_ms;
    op.until_first_use = until_first_use;
    bool sealed = was.family == token_family::alephant;
    op.data_key_version = sealed ? 1 : 0;
    if (sealed) op.sealed = "rotated " + std::to_string(made_lookups);
    op.salt[0] = static_cast<std::uint8_t>(made_lookups);
    return op;
  }
  context with(std::uint64_t n) {
    auto p = pat(n).value();
    return with_pat(p.owner, pat_no(n), p.scopes);
  }
  void add_robots() {
    made(owner, create_service_user{robot, "robot", "robot@example.org", account_type::member, 0});
    made(owner, create_service_user{robot_admin, "chief", "chief@example.org", account_type::admin, 1});
  }
  // "good", or the error's name.
  std::string worth(std::uint64_t n, const keyed_hash& lookup) const {
    auto p = judge(pat(n).value(), lookup, now, {});
    return p ? "good" : std::string(name_of(p.error().code));
  }
  errc stands(std::uint64_t n, scope_set needed = every_scope) {
    auto who = stand(st, with(n), needed);
    return who ? errc{} : who.error().code;
  }
};

}  // namespace nacre::model::testing
