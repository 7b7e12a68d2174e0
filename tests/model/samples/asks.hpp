#pragma once
// Requests for secrets.

#include "model/commands.hpp"
#include "model/records.hpp"
#include "tests/model/samples/any.hpp"

namespace nacre::model::testing {

inline void fill(random_source& r, ask_record& v) {
  v = {r.id_as<user_id>(), r.time(),      any_lifespan(r), r.array<32>(), static_cast<ask_state>(r.below(5)),
       maybe_time(r),      maybe_hash(r), r.u32(),         r.any(),       maybe_time(r),
       maybe_hash(r),      maybe_time(r)};
}

inline void fill(random_source& r, open_ask& v) { v = {r.id_as<ask_id>(), r.array<32>(), any_lifespan(r), r.any()}; }
inline void fill(random_source& r, answer_ask& v) {
  v = {r.id_as<ask_id>(), maybe_hash(r), r.u32(), text(r, 4000), r.any()};
}
inline void fill(random_source& r, pick_up_ask& v) {
  v = {r.id_as<ask_id>(), r.array<32>(), maybe_hash(r), any_window(r)};
}
inline void fill(random_source& r, confirm_ask& v) { v = {r.id_as<ask_id>(), r.array<32>(), r.array<32>()}; }
inline void fill(random_source& r, cancel_ask& v) { v = {r.id_as<ask_id>(), r.array<32>()}; }

inline ask_record sample_ask() {
  return {user_id{sample_id(0x11)}, sample_time,          3600, sample_hash(7), ask_state::picked_up,
          after(sample_time, 1),    sample_hash(8),       2,    4096,           after(sample_time, 2),
          sample_hash(9),           after(sample_time, 3)};
}
inline ask_record sample_open_ask() { return {{}, sample_time, 60, sample_hash(7), {}, {}, {}, 0, 0, {}, {}, {}}; }

inline named_operations sample_ask_operations() {
  auto ask = ask_id{sample_id(0x18)};
  return {
      {"open_ask", open_ask{ask, sample_hash(7), 3600, 1'000'000}},
      {"answer_ask", answer_ask{ask, sample_hash(8), 2, "sealed", 1'000'000}},
      {"answer_ask_once", answer_ask{ask, std::nullopt, 1, "sealed", 0}},
      {"pick_up_ask", pick_up_ask{ask, sample_hash(7), sample_hash(9), 60'000}},
      {"pick_up_ask_for_good", pick_up_ask{ask, sample_hash(7), std::nullopt, 0}},
      {"confirm_ask", confirm_ask{ask, sample_hash(7), sample_hash(9)}},
      {"cancel_ask", cancel_ask{ask, sample_hash(7)}},
  };
}

}  // namespace nacre::model::testing
