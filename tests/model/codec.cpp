// Records, commands and the wire codec below them.

#include <catch2/catch.hpp>

#include "model/error.hpp"
#include "model/wire.hpp"
#include "tests/model/samples.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

// `read(bytes)` must take exactly the bytes encode wrote: none missing, none more, no other version (of some
// records there are two: which one was written says what is there).
template <class Read>
void refuses_misfits(const std::string& bytes, Read read) {
  for (std::size_t n = 0; n < bytes.size(); ++n)
    if (read(std::string_view(bytes).substr(0, n))) FAIL("read " << n << " of " << bytes.size() << " bytes");
  for (char more : {'\0', '\x01', '\xff'}) CHECK_FALSE(read(bytes + more));
  for (int version = 0; version < 256; ++version) {
    auto other = bytes;
    other[0] = static_cast<char>(version);
    if (read(other).has_value() != (other == bytes)) FAIL("version " << version);
  }
}

template <class Record>
void survives(random_source& random) {
  for (int i = 0; i < 150; ++i) {
    Record record;
    fill(random, record);
    auto bytes = encode(record);
    REQUIRE(decode<Record>(bytes) == record);
    if (i % 10 == 0) refuses_misfits(bytes, [](std::string_view b) { return decode<Record>(b); });
  }
}

}  // namespace

TEMPLATE_TEST_CASE("a record survives its bytes, and no other bytes are taken for one", "[model][codec]",
                   workspace_record, member_record, service_user_record, project_record, pat_record, budget_record,
                   audit_head, audit_row, held_secret, receipt_record, claim_record, pat_claim_record, attempts_record,
                   partition_record, webhook_record, webhook_list, webhook_progress, delivery_record, ask_record) {
  auto seed = nacre::testing::announced_seed("records");
  CAPTURE(seed);
  random_source random(seed);
  survives<TestType>(random);
}

TEST_CASE("a command survives its bytes, and no other bytes are taken for one", "[model][codec]") {
  auto seed = nacre::testing::announced_seed("commands");
  CAPTURE(seed);
  random_source random(seed);
  for (std::size_t which = 0; which < std::variant_size_v<operation>; ++which) {
    for (int i = 0; i < 60; ++i) {
      command c;
      fill(random, c.ctx);
      c.what = random_operation(random, which);
      auto bytes = encode(c);
      REQUIRE(decode_command(bytes) == c);
      if (i % 10 == 0) refuses_misfits(bytes, decode_command);
    }
  }
}

TEST_CASE("an operation nobody knows is refused", "[model][codec]") {
  command c;
  c.what = delete_workspace{};  // has no bytes of its own: any tag fits in length
  auto bytes = encode(c);
  REQUIRE(decode_command(bytes));
  for (int tag = 0; tag < 256; ++tag) {
    bytes[1] = static_cast<char>(tag);
    CHECK(decode_command(bytes).has_value() == (tag == 4));
  }
}

TEST_CASE("values no rule allows do not decode", "[model][codec]") {
  member_record m;
  for (int role = 0; role < 256; ++role) {
    auto bytes = encode(m);
    bytes[1] = static_cast<char>(role);
    CHECK(decode<member_record>(bytes).has_value() == (role >= 1 && role <= 3));
  }
  pat_record p;
  p.scopes = every_scope + 1;
  CHECK_FALSE(decode<pat_record>(encode(p)));
  p.scopes = every_scope;
  CHECK(decode<pat_record>(encode(p)));

  budget_record b;
  b.reveals.resize(limits::reveal_budget_max);
  CHECK(decode<budget_record>(encode(b)));
  b.reveals.emplace_back();
  CHECK_FALSE(decode<budget_record>(encode(b)));

  command c;
  for (auto [per_pat, per_user] : {std::pair{601u, 60u}, {10u, 601u}}) {
    c.what = reveal_pat{{}, true, per_pat, per_user};
    CHECK_FALSE(decode_command(encode(c)));
  }
  c.what = rename_workspace{std::string(401, 'x')};
  CHECK_FALSE(decode_command(encode(c)));
  c.what = note_activity{std::vector<note_activity::use>(limits::touches_per_command_max + 1), {}};
  CHECK_FALSE(decode_command(encode(c)));
  c.what = note_activity{{}, {}, std::vector<pat_id>(limits::touches_per_command_max + 1)};
  CHECK_FALSE(decode_command(encode(c)));
  c.what = create_workspace{"", "", std::string(limits::command_bytes_max, 'x')};
  CHECK_FALSE(decode_command(encode(c)));
}

TEST_CASE("values no rule of tokens allows do not decode", "[model][codec]") {
  auto kept = [](auto change) {
    pat_record p = sample_service_token();
    change(p);
    return decode<pat_record>(encode(p)).has_value();
  };
  CHECK(kept([](pat_record&) {}));
  for (int family = 0; family < 256; ++family)
    CHECK(kept([&](pat_record& p) { p.family = static_cast<token_family>(family); }) == (family >= 1 && family <= 3));
  for (int n = 0; n < 256; ++n)
    CHECK(kept([&](pat_record& p) { p.permissions = {static_cast<permission>(n)}; }) == (n < 19));
  CHECK_FALSE(kept([](pat_record& p) { p.permissions = {permission::releases, permission::releases}; }));
  CHECK(kept([](pat_record& p) { p.projects.resize(limits::projects_per_token_max); }));
  CHECK_FALSE(kept([](pat_record& p) { p.projects.resize(limits::projects_per_token_max + 1); }));
  CHECK(kept([](pat_record& p) { p.only.networks.resize(limits::networks_per_token_max); }));
  CHECK_FALSE(kept([](pat_record& p) { p.only.networks.resize(limits::networks_per_token_max + 1); }));
  CHECK_FALSE(kept([](pat_record& p) { p.only.networks[0].bits = 129; }));
  CHECK_FALSE(kept([](pat_record& p) { p.only.networks[1].base[15] = 1; }));  // behind the prefix
  CHECK_FALSE(kept([](pat_record& p) { p.only.uses_max = 0; }));
  CHECK(kept([](pat_record& p) { p.name = std::string(limits::token_name_bytes_max, 'x'); }));
  CHECK_FALSE(kept([](pat_record& p) { p.name = std::string(limits::token_name_bytes_max + 1, 'x'); }));
  for (int type = 0; type < 256; ++type) {
    auto s = sample_numbered_service_user();
    s.type = static_cast<account_type>(type);
    CHECK(decode<service_user_record>(encode(s)).has_value() == (type >= 1 && type <= 5));
  }

  auto sent = [](operation op) { return decode_command(encode(command{{}, std::move(op)})).has_value(); };
  auto create = sample_create_pat();
  create.scopes = every_scope + 1;
  CHECK_FALSE(sent(create));
  create = sample_create_pat();
  create.per_owner_max = limits::family_tokens_per_owner_max;
  CHECK(sent(create));
  ++create.per_owner_max;
  CHECK_FALSE(sent(create));
  // Sealed are the tokens of the Alephant family, and no others.
  create = sample_create_pat();
  create.data_key_version = 0;
  CHECK_FALSE(sent(create));
  create = sample_create_service_token();
  create.data_key_version = 1;
  CHECK_FALSE(sent(create));
  for (auto [overlap, fits] : {std::pair<std::int64_t, bool>{0, true},
                               {limits::rotation_overlap_s_max * 1000, true},
                               {limits::rotation_overlap_s_max * 1000 + 1, false},
                               {-1, false}}) {
    auto rotate = sample_rotation();
    rotate.overlap_ms = overlap;
    CHECK(sent(rotate) == fits);
  }
  for (auto [window, fits] : {std::pair<std::int64_t, bool>{600'000, true}, {600'001, false}, {-1, false}}) {
    auto rotate = sample_rotation();
    rotate.retry_window_ms = window;
    CHECK(sent(rotate) == fits);
  }
}

TEST_CASE("a record that has nothing new is written as it always was", "[model][codec]") {
  auto version = [](const auto& record) { return static_cast<int>(encode(record)[0]); };
  CHECK(version(sample_pat()) == 1);
  CHECK(version(sample_workspace()) == 1);
  CHECK(version(sample_member()) == 1);
  CHECK(version(sample_service_user()) == 1);
  CHECK(version(sample_pat_claim()) == 1);
  std::vector<void (*)(pat_record&)> news = {
      [](pat_record& p) { p.family = token_family::unleash; },
      [](pat_record& p) { p.permissions = {permission::owner}; },
      [](pat_record& p) { p.all_projects = false; },
      [](pat_record& p) { p.projects.resize(1); },
      [](pat_record& p) { p.updated = sample_time; },
      [](pat_record& p) { p.only.not_before = sample_time; },
      [](pat_record& p) { p.only.uses_max = 1; },
      [](pat_record& p) { p.only.networks.resize(1), p.only.networks[0].bits = 0; },
      [](pat_record& p) { p.uses = 1; },
      [](pat_record& p) { p.previous.emplace(); },
      [](pat_record& p) { p.rotations = 1; },
      [](pat_record& p) { p.scopes |= scope_introspect; },
      [](pat_record& p) { p.name = std::string(4 * limits::name_chars_max + 1, 'x'); },
  };
  for (auto make_new : news) {
    auto p = sample_pat();
    make_new(p);
    CHECK(version(p) == 2);
    CHECK(decode<pat_record>(encode(p)) == p);
  }
}

TEST_CASE("values no rule of one-time secrets allows do not decode", "[model][codec]") {
  auto survives = [](const auto& record) { return decode<std::decay_t<decltype(record)>>(encode(record)).has_value(); };
  held_secret s;
  for (int kind = 0; kind < 256; ++kind) {
    s.record.kind = static_cast<secret_kind>(kind);
    CHECK(survives(s) == (kind == 1 || kind == 2));
  }
  s.record.kind = secret_kind::conceal;
  auto& with_it = s.receipt.emplace();
  for (auto [field, most] : {std::pair{&open_receipt::custid, limits::email_bytes_max},
                             {&open_receipt::recipients, limits::recipients_bytes_max},
                             {&open_receipt::memo, 4 * limits::memo_chars_max}}) {
    with_it = {};
    with_it.*field = std::string(most, 'x');
    CHECK(survives(s));
    with_it.*field += 'x';
    CHECK_FALSE(survives(s));
  }
  receipt_record r;
  for (int end = 0; end < 256; ++end) {
    r.end = static_cast<receipt_end>(end);
    CHECK(survives(r) == (end <= 3));
  }
  for (auto [lifespan, fits] : {std::pair{0u, true}, {2'592'000u, true}, {2'592'001u, false}, {0xffffffffu, false}}) {
    s = {}, r = {};
    s.record.lifespan_s = r.lifespan_s = lifespan;
    CHECK(survives(s) == fits);
    CHECK(survives(r) == fits);
    claim_record c;
    c.secret = s.record;
    CHECK(survives(c) == fits);
  }
  attempts_record a;
  a.clients.resize(limits::attempt_clients_max);
  CHECK(survives(a));
  a.clients.emplace_back();
  CHECK_FALSE(survives(a));

  auto sent = [](operation op) { return decode_command(encode(command{{}, std::move(op)})).has_value(); };
  conceal_secret op;
  for (auto [lifespan, fits] : {std::pair{59u, false}, {60u, true}, {2'592'000u, true}, {2'592'001u, false}}) {
    op.lifespan_s = lifespan;
    CHECK(sent(op) == fits);
  }
  op.lifespan_s = 60;
  op.kind = static_cast<secret_kind>(0);
  CHECK_FALSE(sent(op));
  op.kind = static_cast<secret_kind>(3);
  CHECK_FALSE(sent(op));
  op.kind = secret_kind::conceal;
  op.sealed = std::string(limits::sealed_bytes_max, 'x');
  CHECK(sent(op));
  op.sealed += 'x';
  CHECK_FALSE(sent(op));
  for (auto [window, fits] : {std::pair<std::int64_t, bool>{0, true}, {600'000, true}, {600'001, false}, {-1, false}}) {
    CHECK(sent(claim_secret{{}, true, keyed_hash{}, window}) == fits);
    CHECK(sent(reveal_pat{{}, true, 10, 60, keyed_hash{}, window}) == fits);
  }
  CHECK(sent(set_memo{{}, std::string(2000, 'x')}));
  CHECK_FALSE(sent(set_memo{{}, std::string(2001, 'x')}));
  for (int kind = 0; kind < 256; ++kind)
    CHECK(sent(sweep{{{{}, static_cast<due_kind>(kind), {}}}}) == (kind >= 1 && kind <= due_kinds));
  CHECK(sent(sweep{std::vector<due>(limits::dues_per_command_max)}));
  CHECK_FALSE(sent(sweep{std::vector<due>(limits::dues_per_command_max + 1)}));
}

TEST_CASE("an audit head has one root for each perfect subtree of its size", "[model][codec]") {
  for (std::uint64_t size = 0; size < 70; ++size)
    for (std::size_t roots = 0; roots < 8; ++roots) {
      audit_head head{size, std::vector<std::array<std::uint8_t, 32>>(roots)};
      bool fits = static_cast<std::size_t>(__builtin_popcountll(size)) == roots;
      if (decode<audit_head>(encode(head)).has_value() != fits) FAIL(size << " with " << roots);
    }
}

TEST_CASE("a time outside the years 1 to 9999 does not decode", "[model][codec]") {
  auto read = [](std::int64_t ms) {
    auto bytes = writer{}.time(timestamp{ms}).take();
    reader r(bytes);
    r.time();
    return r.finished();
  };
  CHECK(read(time_min.value()));
  CHECK(read(time_max.value()));
  CHECK(read(0));
  CHECK_FALSE(read(time_min.value() - 1));
  CHECK_FALSE(read(time_max.value() + 1));
  CHECK_FALSE(read(std::numeric_limits<std::int64_t>::min()));
  CHECK_FALSE(read(std::numeric_limits<std::int64_t>::max()));
}

TEST_CASE("integers are big-endian and byte strings stand behind their length", "[model][codec]") {
  writer w;
  w.u8(1).u32(0x02030405).u64(0x060708090a0b0c0dULL).flag(true).flag(false).bytes("ab").raw("c");
  CHECK(w.view() == std::string_view("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x01\x00\x00\x00\x00\x02"
                                     "abc",
                                     22));
  auto bytes = w.take();
  reader r(bytes);
  CHECK(r.u8() == 1);
  CHECK(r.u32() == 0x02030405);
  CHECK(r.u64() == 0x060708090a0b0c0dULL);
  CHECK(r.flag());
  CHECK_FALSE(r.flag());
  CHECK(r.bytes(2) == "ab");
  CHECK_FALSE(r.finished());
  CHECK(r.raw(1) == "c");
  CHECK(r.finished());
}

TEST_CASE("after the first misfit a reader stays failed and reads zeros", "[model][codec]") {
  auto spoil = GENERATE(0, 1, 2, 3, 4);
  const std::string bytes(40, '\x07');
  reader r(bytes);
  switch (spoil) {
    case 0:
      r.flag();
      break;  // 7 is neither
    case 1:
      r.bytes(100);
      break;  // a length beyond what is allowed
    case 2:
      r.bytes(0xffffffff);
      break;  // a length beyond what is there
    case 3:
      r.raw(41);
      break;
    default:
      r.fail();
  }
  CHECK_FALSE(r.ok());
  CHECK(r.u8() == 0);
  CHECK(r.u32() == 0);
  CHECK(r.u64() == 0);
  CHECK_FALSE(r.flag());
  CHECK(r.id().is_nil());
  CHECK(r.time() == timestamp{});
  CHECK(r.bytes(5).empty());
  CHECK(r.raw(0).empty());
  CHECK_FALSE(r.maybe_time());
  CHECK_FALSE(r.finished());
  CHECK_FALSE(r.ok());
}

TEST_CASE("an empty input is finished, and the largest values survive", "[model][codec]") {
  CHECK(reader("").finished());
  reader none("");
  CHECK(none.u8() == 0);
  CHECK_FALSE(none.ok());
  auto bytes = writer{}.u8(255).u32(0xffffffff).u64(~0ULL).bytes("").take();
  reader r(bytes);
  CHECK(r.u8() == 255);
  CHECK(r.u32() == 0xffffffff);
  CHECK(r.u64() == ~0ULL);
  CHECK(r.bytes(0).empty());
  CHECK(r.finished());
}

TEST_CASE("names and texts of roles and scopes agree", "[model][codec]") {
  for (auto r : {role::member, role::admin, role::owner}) CHECK(parse_role(name_of(r)) == r);
  for (auto s : scope_bits) CHECK(parse_scope(name_of(s)) == s);
  for (auto bad : {"", "Owner", "owner ", "root"}) CHECK_FALSE(parse_role(bad));
  for (auto bad : {"", "READ", "read,write"}) CHECK_FALSE(parse_scope(bad));
  CHECK(implied(scope_set{0}) == 0);
  CHECK(implied(scope_read) == scope_read);
  CHECK(implied(scope_write) == (scope_read | scope_write));
  CHECK(implied(scope_admin) == (scope_read | scope_write | scope_admin));
  CHECK(implied(scope_introspect) == scope_introspect);
  for (std::uint8_t code = 1; code <= static_cast<std::uint8_t>(errc::internal); ++code)
    CHECK_FALSE(name_of(static_cast<errc>(code)).empty());
}
