// Where the one-time secrets of guests lie, and what of theirs is kept.

#include "tests/model/secrets_world.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

TEST_CASE("a guest partition holds as many bytes as it may, and what has ended makes room", "[model][secrets]") {
  secrets_world w(true);
  auto bytes = [](const conceal_secret& op) {
    return op.sealed.size() + op.sealed_generated.size() + limits::guest_secret_bytes;
  };
  auto bounded = [&](std::uint64_t n, std::uint32_t lifespan_s = 3600) {
    auto op = w.generated(n, lifespan_s);
    op.partition_bytes_max = 3 * bytes(op);
    return op;
  };
  for (std::uint64_t n : {1u, 2u}) w.made(w.maker(), bounded(n));
  w.made(w.maker(), bounded(3, 60));
  CHECK(w.counts() == std::pair<std::uint64_t, std::uint64_t>{3, 3 * bytes(bounded(1))});
  auto full = [&] { return w.refused(w.maker(), bounded(4)) == errc::full; };
  CHECK(full());
  auto unbounded = bounded(9);
  unbounded.partition_bytes_max = 0;
  w.made(w.maker(), unbounded);
  CHECK(w.claims(9));
  CHECK(full());

  w.made(w.maker(), burn_secret{w.receipt(1)});
  w.made(w.maker(), bounded(4));
  CHECK(w.refused(w.maker(), bounded(5)) == errc::full);
  CHECK(w.claims(2, key_no(1)));
  w.made(w.maker(), bounded(5));
  w.now = after(w.now, 60'000);
  CHECK(w.refused(w.maker(), bounded(6)) == errc::full);  // expired, but not gone yet
  w.sweep_now();
  w.made(w.maker(), bounded(6));
  for (std::uint64_t n : {4u, 5u, 6u}) CHECK(w.claims(n));
  CHECK(w.counts() == std::pair<std::uint64_t, std::uint64_t>{0, 0});
}

TEST_CASE("a guest's secret lies in the partition that its id names", "[model][secrets]") {
  secrets_world w(true);
  auto op = w.hidden(1);
  auto elsewhere = w.reader();
  elsewhere.workspace = guest_partition(6);
  CHECK(w.refused(elsewhere, op) == errc::internal);
  for (std::size_t n = 0; n < 256; ++n) {
    uuid id;
    id.bytes[0] = static_cast<std::uint8_t>(n);
    CHECK(guest_partition_of(secret_id{id}) == guest_partition(n % guest_partitions));
    CHECK(where_is(w.st, secret_id{id}) == guest_partition(n % guest_partitions));
  }
  CHECK(where_is(w.st, w.receipt(1)) == w.home);  // its receipt has the same name
}

TEST_CASE("a guest's secret is one row, with one of when it expires and one on record; once claimed, a receipt",
          "[model][secrets]") {
  secrets_world w(true);
  w.conceal(1);
  auto before = w.st.all();
  w.conceal(2);
  auto more_in = [&](space in) { return w.st.of(in).size() - before[static_cast<std::size_t>(in)].size(); };
  CHECK(more_in(space::sealed) == 1);
  CHECK(more_in(space::state) == 0);
  CHECK(more_in(space::index) == 1);
  CHECK(more_in(space::audit) == 1);
  before = w.st.all();
  w.made(w.reader(), w.claiming(1));
  CHECK(more_in(space::sealed) == 0 - std::size_t{1});
  CHECK(more_in(space::state) == 1);  // its receipt
  CHECK(more_in(space::index) == 0);
  CHECK(more_in(space::audit) == 1);
}

TEST_CASE("a name that a secret or a receipt has, of today or of before format 4, is not given twice",
          "[model][secrets]") {
  secrets_world w(GENERATE(false, true));
  auto op = w.hidden(1);
  w.made(w.maker(), op);
  w.older = true;
  auto older = w.hidden(2);
  older.receipt = receipt_id{op.id.value()};
  CHECK(w.refused(w.maker(), older) == errc::conflict);
  CHECK(w.claims(1));
  CHECK(w.refused(w.maker(), older) == errc::conflict);
  w.now = after(w.now, 1);
  CHECK(w.refused(w.maker(), op) == errc::conflict);

  older.receipt = receipt_id{w.secret(3).value()};
  w.made(w.maker(), older);
  w.older = false;
  CHECK(w.refused(w.maker(), w.hidden(3)) == errc::conflict);
  CHECK(w.claims(2));
  CHECK(w.refused(w.maker(), w.hidden(3)) == errc::conflict);
}

TEST_CASE("a guest partition is no workspace: nobody founds, enters or imports into one", "[model][secrets]") {
  secrets_world w(true);
  for (std::size_t n = 0; n < guest_partitions; ++n) {
    w.ws = guest_partition(n);
    CHECK(w.refused(w.owner, create_workspace{"Mine", "", "k"}) == errc::invalid);
    CHECK(w.refused(w.owner, admit_member{"Mine", "", role::owner, "k"}) == errc::invalid);
    CHECK(w.refused(w.as_system(), foreign_pat(1, w.owner)) == errc::invalid);
    for (operation op : {operation(foreign_pat(1, w.owner)), operation(put_member{w.owner, role::owner, {}}),
                         operation(new_pat(1)), operation(delete_workspace{})})
      CHECK(w.refused(w.owner, op) == errc::forbidden);
  }
  CHECK_FALSE(is_guest_partition(ws_no(1)));
  CHECK_FALSE(is_guest_partition(system_workspace));
}

TEST_CASE("only nacre itself opens a guest partition, and its first key stays", "[model][secrets]") {
  secrets_world w(true);
  auto before = w.st.all();
  CHECK(w.refused(w.owner, open_partition{"mine"}) == errc::forbidden);
  CHECK(w.refused(w.reader(), open_partition{"mine"}) == errc::forbidden);
  w.made(w.as_system(), open_partition{"another"});
  CHECK(w.st.all() == before);
  CHECK(w.st.get(space::sealed, keys::data_key(w.home, 1)) == "wrapped");
  w.ws = ws_no(1);
  CHECK(w.refused(w.as_system(), open_partition{"mine"}) == errc::forbidden);
}

TEST_CASE("a guest is nobody's member, not even where the nil user is one", "[model][secrets]") {
  secrets_world w;
  w.made(w.owner, put_member{user_id{}, role::owner, {}});
  w.conceal(1);
  for (operation op : {operation(w.hidden(2)), operation(set_memo{w.receipt(1), "x"}), operation(rename_workspace{"x"}),
                       operation(delete_workspace{})}) {
    CHECK(w.refused(w.reader(), op) == errc::forbidden);
    CHECK(refused_early(w.st, {w.reader(), op}).value().refused.value().code == errc::forbidden);
  }
  CHECK_FALSE(recent_receipts(w.st, w.reader()));
}

TEST_CASE("of guests the last audit entries are kept, and the tree goes on", "[model][secrets][audit]") {
  secrets_world w(true);
  const auto rounds = limits::guest_audit_entries_max / 2 + 50;
  for (std::uint64_t n = 1; n <= rounds; ++n) {
    apply(w.st, {w.maker(), w.hidden(n, 60)});
    apply(w.st, {w.reader(), w.claiming(n)});
    w.now = after(w.now, 1);
  }
  auto head = load_audit_head(w.st, w.home);
  CHECK(head.size == 2 * rounds);
  std::string prefix(w.home.value().view());
  std::uint64_t kept = 0;
  w.st.scan(space::audit, prefix, keys::past(prefix), [&](auto, auto) { return ++kept, true; });
  CHECK(kept == limits::guest_audit_entries_max);
  CHECK_FALSE(w.st.get(space::audit, keys::audit(w.home, head.size - kept)));
  CHECK(w.st.get(space::audit, keys::audit(w.home, head.size)));
}
