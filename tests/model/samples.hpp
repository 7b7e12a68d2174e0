#pragma once
// Records and commands for codec tests: random ones, and the fixed ones of the golden files, a file a family under
// samples/. A golden sample is never changed; new ones are added.

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "tests/model/samples/asks.hpp"
#include "tests/model/samples/pats.hpp"
#include "tests/model/samples/people.hpp"
#include "tests/model/samples/secrets.hpp"
#include "tests/model/samples/upkeep.hpp"
#include "tests/model/samples/webhooks.hpp"

namespace nacre::model::testing {

inline void fill(random_source& r, context& v) {
  v = {r.id_as<request_id>(), r.id_as<workspace_id>(), r.time(), {}, text(r), text(r)};
  v.who = {static_cast<caller::kind>(1 + r.below(4)),
           r.id_as<user_id>(),
           r.id_as<pat_id>(),
           any_scopes(r),
           text(r, limits::issuer_bytes_max),
           text(r, limits::subject_bytes_max)};
}

template <std::size_t I = 0>
operation random_operation(random_source& r, std::size_t which) {
  if constexpr (I < std::variant_size_v<operation>) {
    if (which != I) return random_operation<I + 1>(r, which);
    operation op{std::in_place_index<I>};
    fill(r, std::get<I>(op));
    return op;
  } else {
    return {};
  }
}

inline context sample_context() {
  context ctx;
  ctx.request = request_id{sample_id(0x80)};
  ctx.workspace = workspace_id{sample_id(0x90)};
  ctx.now = sample_time;
  ctx.who = {caller::kind::pat,        user_id{sample_id(0xa0)},
             pat_id{sample_id(0xb0)},  scope_read | scope_write | scope_admin,
             "https://issuer.example", "ada"};
  ctx.client_prefix = "192.0.2.0/24";
  ctx.node = "n1";
  return ctx;
}

inline named_operations sample_operations() {
  named_operations all;
  for (auto* family : {sample_people_operations, sample_pat_operations, sample_secret_operations, sample_ask_operations,
                       sample_webhook_operations, sample_upkeep_operations}) {
    auto some = family();
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace nacre::model::testing
