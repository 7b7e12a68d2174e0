// Any bytes as a command: what decodes is written back as the same bytes, and applied to a small state
// it keeps the invariants; a refusal changes nothing, but for a denied reveal.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/apply.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/model/invariants.hpp"
#include "tests/model/invariants_secrets.hpp"
#include "tests/model/samples.hpp"
#include "tests/support/map_state.hpp"

namespace {

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

// The ids are those of the golden samples, so that the corpus meets what is there.
void furnish(map_state& st) {
  auto ctx = sample_context();
  auto me = ctx.who.user;
  auto other = user_id{sample_id(0x11)};
  ctx.who = {caller::kind::jwt, me, {}, 0, "", ""};
  std::uint8_t request = 0;
  auto act = [&](user_id who, operation op) {
    ctx.who.user = who;
    ctx.request = request_id{sample_id(++request)};
    NACRE_FUZZ_CHECK(!apply(st, {ctx, std::move(op)}).refused);
  };
  auto pat = [](pat_id id, scope_set scopes, std::uint8_t lookup) {
    create_pat op;
    op.id = id;
    op.name = "p";
    op.prefix = "pat_ws000000";
    op.scopes = scopes;
    op.lookup = sample_hash(lookup);
    op.sealed = "sealed";
    return op;
  };
  act(me, create_workspace{"Pearl", "", "wrapped"});
  act(me, put_member{other, role::owner, std::nullopt});
  // One with uses left, and a token before the one it has now.
  auto counted = pat(pat_id{sample_id(0x12)}, scope_write, 6);
  counted.only.uses_max = 2;
  act(other, counted);
  auto rotation = sample_rotation();
  rotation.lookup = sample_hash(0x20);
  rotation.retry = sample_hash(9);
  act(other, rotation);
  act(me, pat(pat_id{sample_id(0xb0)}, scope_admin, 0x30));
  act(me, reveal_pat{pat_id{sample_id(0x12)}, true, 10, 60, sample_hash(3), 60'000});
  for (const auto& [name, op] : sample_operations())
    if (const auto* made = std::get_if<conceal_secret>(&op)) act(me, *made);
  // One more, which its reader may fetch again.
  conceal_secret claimed;
  claimed.id = secret_id{sample_id(0x18)};
  claimed.receipt = receipt_id{sample_id(0x19)};
  claimed.lifespan_s = 60;
  act(me, claimed);
  act(me, claim_secret{claimed.id, false, sample_hash(4), 60'000});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto c = decode_command(bytes);
  if (!c) return 0;
  NACRE_FUZZ_CHECK(encode(*c) == bytes);
  map_state st;
  furnish(st);
  auto before = st.all();
  (void)refused_early(st, *c);
  NACRE_FUZZ_CHECK(st.all() == before);
  auto o = apply(st, *c);
  NACRE_FUZZ_CHECK(st.trustworthy());
  NACRE_FUZZ_CHECK(broken(st).empty());
  NACRE_FUZZ_CHECK(history_wrong(before, st.all()).empty());
  if (o.refused && !std::holds_alternative<reveal_pat>(c->what)) NACRE_FUZZ_CHECK(st.all() == before);
  auto once = st.all();
  auto again = apply(st, *c);
  NACRE_FUZZ_CHECK(st.trustworthy());
  if (again.replayed) NACRE_FUZZ_CHECK(st.all() == once);
  return 0;
}
