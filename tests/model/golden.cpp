// Stored and replicated bytes must stay readable for ever. Each file under tests/golden/model holds one
// sample: its name and its bytes in hex. NACRE_REWRITE_GOLDEN=1 writes them anew; the diff of an
// existing file is a format change and needs a new version byte.

#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "model/apply.hpp"
#include "model/keys.hpp"
#include "tests/model/golden_file.hpp"
#include "tests/model/samples.hpp"
#include "tests/support/map_state.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

// The golden bytes of this sample, which `now` must equal.
std::string golden(const std::string& name, const std::string& now) {
  if (rewrites_golden()) write_golden(name, now);
  INFO(golden_path(name));
  auto stored = read_golden(name);
  REQUIRE(stored);
  CHECK(golden_text(name, now) == golden_text(name, *stored));
  return *stored;
}

template <class Record>
void same(const std::string& name, const Record& record) {
  CHECK(decode<Record>(golden(name, encode(record))) == record);
}

}  // namespace

TEST_CASE("records written by every version so far are still read, and written the same", "[model][golden]") {
  same("record_workspace", sample_workspace());
  same("record_member", sample_member());
  same("record_service_user", sample_service_user());
  same("record_project", sample_project());
  same("record_pat", sample_pat());
  same("record_pat_plain", sample_plain_pat());
  same("record_budget", sample_budget());
  same("record_audit_head", sample_head());
  same("record_audit_row", sample_row());
  for (const auto& [name, record] :
       {std::pair{"record_secret", sample_secret()}, {"record_secret_plain", sample_plain_secret()}}) {
    auto row = encode(held_secret{record, {}, {}, {}});  // up to format 2 a row of its own: how a held secret begins
    CHECK(golden(name, row.substr(0, row.size() - 2 * sizeof(std::uint32_t))).size() > 0);
  }
  same("record_held_secret", sample_held_secret());
  same("record_held_secret_unlinked", sample_unlinked_secret());
  same("record_held_secret_2", sample_secret_with_receipt());
  same("record_receipt", sample_receipt());
  same("record_receipt_plain", sample_plain_receipt());
  same("record_receipt_revealed", sample_revealed_receipt());
  same("record_claim", sample_claim());
  same("record_pat_claim", sample_pat_claim());
  same("record_attempts", sample_attempts());
  same("record_partition_5", sample_partition());
  auto without_audit = sample_partition();  // as formats up to 4 have it
  without_audit.audit = {};
  CHECK(decode<partition_record>(read_golden("record_partition").value()) == without_audit);
  same("record_ask", sample_ask());
  same("record_ask_open", sample_open_ask());
  same("record_webhook", sample_webhook());
  same("record_webhook_list", sample_webhook_list());
  same("record_webhook_progress", sample_progress());
  same("record_delivery", sample_delivery());
  same("record_workspace_v2", sample_numbering_workspace());
  same("record_member_v2", sample_numbered_member());
  same("record_service_user_v2", sample_numbered_service_user());
  same("record_pat_v2", sample_service_token());
  same("record_pat_claim_v2", sample_rotation_claim());
}

TEST_CASE("commands written by every version so far are still read, and written the same", "[model][golden]") {
  std::set<std::size_t> variants;
  for (const auto& [name, op] : sample_operations()) {
    command c{sample_context(), op};
    CHECK(decode_command(golden("command_" + name, encode(c))) == c);
    variants.insert(op.index());
  }
  CHECK(variants.size() == std::variant_size_v<operation>);
}

TEST_CASE("keys stay where every version so far has put them", "[model][golden]") {
  workspace_id ws{sample_id(0x90)};
  user_id user{sample_id(0xa0)};
  pat_id pat{sample_id(0xb0)};
  auto hash = sample_hash(1);
  std::string_view lookup(reinterpret_cast<const char*>(hash.data()), hash.size());
  golden("key_workspace", keys::workspace(ws));
  golden("key_member", keys::member(ws, user));
  golden("key_service_user", keys::service_user(ws, user));
  golden("key_project", keys::project(ws, project_id{sample_id(0xc0)}));
  golden("key_project_key", keys::project_key(ws, "shell"));
  golden("key_pat", keys::pat(ws, pat));
  golden("key_live_pat", keys::live_pat(ws, sample_time, 7));
  golden("key_owned_pat", keys::owned_pat(ws, user, sample_time, 7));
  golden("key_family_pat", keys::family_pat(ws, user, token_family::service, 7));
  golden("key_numbered_user", keys::numbered_user(ws, 7));
  golden("key_budget", keys::budget(ws, user));
  golden("key_request", keys::request(ws, sample_time, request_id{sample_id(0x80)}));
  golden("key_audit_head", keys::audit_head(ws));
  golden("key_audit", keys::audit(ws, 258));
  golden("key_data_key", keys::data_key(ws, 3));
  golden("key_sealed_pat", keys::sealed_pat(ws, pat));
  golden("key_token", keys::token(lookup));
  golden("key_user_workspace", keys::user_workspace(user, ws));
  secret_id secret{sample_id(0x16)};
  receipt_id receipt{sample_id(0x14)};
  golden("key_secret", keys::secret(ws, secret));
  golden("key_receipt", keys::receipt(ws, receipt));
  golden("key_owned_receipt", keys::owned_receipt(ws, user, sample_time, receipt));
  golden("key_claim", keys::claim(ws, secret));
  golden("key_attempts", keys::attempts(ws, secret));
  golden("key_pat_claim", keys::pat_claim(ws, sample_id(0x17)));
  golden("key_ask", keys::ask(ws, ask_id{sample_id(0x18)}));
  golden("key_partition", keys::partition(guest_partition(63)));
  golden("key_sealed_claim", keys::sealed_claim(ws, secret));
  golden("key_sealed_receipt", keys::sealed_receipt(ws, receipt));
  golden("key_sealed_generated", keys::sealed_generated(ws, receipt));
  golden("key_one_time", keys::one_time(secret.value()));
  golden("key_due", keys::due_at(sample_time, ws, due_kind::pat_claim, sample_id(0x17)));
  webhook_id hook{sample_id(0xd0)};
  golden("key_webhooks", keys::webhooks(ws));
  golden("key_webhook", keys::webhook(ws, hook));
  golden("key_webhook_progress", keys::webhook_progress(ws, hook));
  golden("key_delivery", keys::delivery(ws, hook, sample_time, 7));
  golden("key_webhook_secret", keys::webhook_secret(ws, hook, 2));
  golden("key_due_webhook", keys::due_webhook(sample_time, ws, hook));
}

TEST_CASE("what was remembered by every version so far still answers a retry", "[model][golden]") {
  map_state st;
  auto ctx = sample_context();
  ctx.who.via = caller::kind::jwt;
  REQUIRE_FALSE(apply(st, {ctx, create_workspace{"Pearl", "", "wrapped"}}).refused);
  auto remembered = [&](const char* name, const operation& op, std::uint8_t request) {
    ctx.request = request_id{sample_id(request)};
    auto first = apply(st, {ctx, op});
    auto key = keys::request(ctx.workspace, ctx.now, ctx.request);
    st.put(space::state, key, golden(name, st.get(space::state, key).value_or("")));
    auto again = apply(st, {ctx, op});
    CHECK(again.replayed);
    CHECK(again.refused.has_value() == first.refused.has_value());
    CHECK(again.budget.has_value() == first.budget.has_value());
  };
  remembered("request_granted", rename_workspace{"Nacre"}, 1);
  remembered("request_denied", reveal_pat{pat_id{sample_id(0x12)}, true, 10, 60}, 2);
}

TEST_CASE("keys of earlier times sort first, and lists put the newest first, also around 1970", "[model][keys]") {
  auto seed = nacre::testing::announced_seed("keys");
  CAPTURE(seed);
  random_source random(seed);
  workspace_id ws{sample_id(1)};
  user_id user{sample_id(2)};
  request_id request{sample_id(3)};
  for (int i = 0; i < 2000; ++i) {
    auto a = random.time(), b = random.one_in(2) ? random.time() : after(a, 1);
    if (random.one_in(4)) a = timestamp{-1}, b = timestamp{0};
    if (b < a) std::swap(a, b);
    if (a == b) continue;
    REQUIRE(keys::request(ws, a, request) < keys::request(ws, b, request));
    REQUIRE(keys::live_pat(ws, b, 1) < keys::live_pat(ws, a, 2));
    REQUIRE(keys::owned_pat(ws, user, b, 1) < keys::owned_pat(ws, user, a, 2));
    REQUIRE(keys::live_pat(ws, a, 2) < keys::live_pat(ws, a, 1));
    REQUIRE(keys::owned_receipt(ws, user, b, {}) < keys::owned_receipt(ws, user, a, {}));
    REQUIRE(keys::due_at(a, ws, due_kind::generated, sample_id(3)) < keys::dues_from(b));
    REQUIRE(keys::dues_from(b) < keys::due_at(b, {}, due_kind::secret, {}));
  }
}

TEST_CASE("past() is the first key after a prefix's range", "[model][keys]") {
  CHECK(keys::past("a") == "b");
  CHECK(keys::past("a\xff") == "b");
  CHECK(keys::past("a\x7f") == "a\x80");
  CHECK(keys::past("\xff\xff") == "");
  CHECK(keys::past("") == "");
}
