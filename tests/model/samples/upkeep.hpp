#pragma once
// The audit log, partitions, and what nodes note and sweep by themselves.

#include "model/commands.hpp"
#include "model/limits.hpp"
#include "model/records.hpp"
#include "tests/model/samples/any.hpp"

namespace nacre::model::testing {

inline void fill(random_source& r, audit_head& v) {
  v.size = r.one_in(10) ? r.any() : r.below(300);
  v.edge.resize(static_cast<std::size_t>(__builtin_popcountll(v.size)));
  for (auto& h : v.edge) h = r.array<32>();
}
inline void fill(random_source& r, audit_row& v) { v = {r.array<32>(), text(r, 2000)}; }
inline void fill(random_source& r, partition_record& v) {
  v.secrets = r.any();
  v.sealed_bytes = r.any();
  fill(r, v.audit);
}

inline void fill(random_source& r, note_activity& v) {
  v.uses.resize(r.below(5));
  for (auto& use : v.uses) use = {r.id_as<pat_id>(), r.time()};
  v.acts.resize(r.below(5));
  for (auto& act : v.acts) act = {text(r), text(r), text(r), r.u32()};
  v.reused.resize(r.below(5));
  for (auto& pat : v.reused) pat = r.id_as<pat_id>();
}
inline void fill(random_source& r, open_partition& v) { v = {text(r, 2000)}; }
inline void fill(random_source& r, sweep& v) {
  v.dues.resize(r.one_in(20) ? limits::dues_per_command_max : r.below(5));
  for (auto& d : v.dues) d = {r.time(), static_cast<due_kind>(1 + r.below(due_kinds)), r.id()};
}

inline audit_head sample_head() { return {5, {sample_hash(0x50), sample_hash(0x60)}}; }
inline partition_record sample_partition() { return {3, 4096, sample_head()}; }
inline audit_row sample_row() { return {sample_hash(0x70), R"({"action":"pat.create","seq":1})"}; }

inline named_operations sample_upkeep_operations() {
  auto pat = pat_id{sample_id(0x12)};
  return {
      {"note_activity", note_activity{{{pat, sample_time}}, {{"auth.failed", "system", "token_expired", 12}}, {pat}}},
      {"open_partition", open_partition{"wrapped"}},
      {"sweep", sweep{{{sample_time, due_kind::secret, sample_id(0x16)},
                       {after(sample_time, 1), due_kind::receipt, sample_id(0x14)},
                       {after(sample_time, 2), due_kind::claim, sample_id(0x16)},
                       {after(sample_time, 3), due_kind::pat_claim, sample_id(0x17)},
                       {after(sample_time, 4), due_kind::generated, sample_id(0x14)}}}},
  };
}

}  // namespace nacre::model::testing
