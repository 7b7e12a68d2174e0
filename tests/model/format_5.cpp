// Guest partitions as formats up to 4 kept them become those of format 5.

#include "model/format_5.hpp"

#include <catch2/catch.hpp>

#include "model/keys.hpp"
#include "tests/model/secrets_world.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

// What is there as format 4 would hold it; a partition that never held a secret had no counts.
void make_old(map_state& st, workspace_id ws) {
  auto part = decode<partition_record>(st.get(space::state, keys::partition(ws)).value()).value();
  if (part.audit.size > 0) st.put(space::state, keys::audit_head(ws), encode(part.audit));
  if (part.secrets + part.sealed_bytes == 0) return st.erase(space::state, keys::partition(ws));
  constexpr std::uint8_t version_1 = 1;
  st.put(space::state, keys::partition(ws), writer{}.u8(version_1).u64(part.secrets).u64(part.sealed_bytes).take());
}

void upgrade(map_state& st) {
  for (const auto& change : to_format_5(st))
    change.value ? st.put(change.in, change.key, *change.value) : st.erase(change.in, change.key);
  REQUIRE(st.trustworthy());
}

}  // namespace

TEST_CASE("what format 4 holds of guest partitions is all there in format 5, and workspaces are as they were",
          "[model][format]") {
  secrets_world w(true);
  for (std::uint64_t n = 1; n <= 5; ++n) w.conceal(n);
  CHECK(w.claims(2));
  if (GENERATE(false, true))  // nothing is left, but what is on record
    for (std::uint64_t n : {1u, 3u, 4u, 5u}) CHECK(w.claims(n));
  secrets_world others;
  others.conceal(1);
  for (auto in : {space::state, space::sealed, space::audit, space::index})
    for (const auto& [key, value] : others.st.of(in)) w.st.put(in, key, value);
  const auto expected = w.st.all();
  make_old(w.st, w.home);
  REQUIRE(w.st.all() != expected);
  upgrade(w.st);
  CHECK(w.st.all() == expected);
  CHECK(broken(w.st) == "");
  upgrade(w.st);  // begun anew after a crash
  CHECK(w.st.all() == expected);
  w.conceal(6);
  CHECK(broken(w.st) == "");
}

TEST_CASE("an audit head of format 4 that cannot be read is not passed over", "[model][format]") {
  secrets_world w(true);
  w.conceal(1);
  make_old(w.st, w.home);
  w.st.put(space::state, keys::audit_head(w.home), "?");
  to_format_5(w.st);
  CHECK_FALSE(w.st.trustworthy());
}
