// Rows as format 2 kept them become those of format 3, whatever became of a secret before.

#include "model/format_3.hpp"

#include <catch2/catch.hpp>

#include "model/keys.hpp"
#include "tests/model/secrets_world.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

std::string old_record(const secret_record& record) {
  auto row = encode(held_secret{record, {}, {}, {}});
  row.resize(row.size() - 2 * sizeof(std::uint32_t));  // the lengths of what is sealed
  return row;
}

// What is there as format 2 would hold it.
void make_old(map_state& st, workspace_id ws) {
  auto rows = st.of(space::sealed);
  for (const auto& [key, value] : rows) {
    if (key.size() != 33 || !key.starts_with(ws.value().view())) continue;
    secret_id id{*uuid_from_bytes(std::string_view(key).substr(17))};
    if (key[16] == 'C') {
      st.erase(space::sealed, key);
      st.put(space::sealed, keys::secret(ws, id), value);
    }
    if (key[16] != 'X') continue;
    auto held = decode<held_secret>(value).value();
    st.put(space::sealed, key, held.sealed);
    st.put(space::state, keys::at(ws, 'X').id(id).take(), old_record(held.record));
    if (!held.sealed_link.empty())
      st.put(space::sealed, keys::at(ws, 'Y').id(held.record.receipt).take(), held.sealed_link);
  }
  auto dues = st.of(space::index);
  for (const auto& [key, value] : dues) {
    if (key[0] != 'e' || key[25] != static_cast<char>(due_kind::secret)) continue;
    receipt_id id{*uuid_from_bytes(std::string_view(key).substr(26))};
    auto receipt = decode<receipt_record>(st.get(space::state, keys::receipt(ws, id)).value()).value();
    st.erase(space::index, key);
    st.put(space::index, keys::due_at(receipt.secret_expires(), ws, due_kind::secret, receipt.secret.value()), "");
    st.put(space::index, keys::due_at(receipt.expires(), ws, due_kind::receipt, id.value()), "");
  }
}

void upgrade(map_state& st, std::size_t rows_at_once, std::size_t parts_max = SIZE_MAX,
             std::size_t bytes_at_once = SIZE_MAX) {
  std::string next;
  std::size_t parts = 0;
  do {
    auto part = to_format_3(st, next, rows_at_once, bytes_at_once);
    REQUIRE(st.trustworthy());
    for (const auto& change : part.changes)
      change.value ? st.put(change.in, change.key, *change.value) : st.erase(change.in, change.key);
    next = part.next;
  } while (!next.empty() && ++parts < parts_max);
}

// New, previewed, with a passphrase, revealed, revealed and to be fetched again, burned, generated.
struct lived : secrets_world {
  explicit lived(bool of_guests) : secrets_world(of_guests) {
    older = true;
    for (std::uint64_t n = 1; n <= 5; ++n) conceal(n, n == 2 ? 60 : 3600, n == 3);
    made(reader(), preview_secret{secret(2)});
    CHECK(claims(4));
    CHECK(claims(5, key_no(1)));
    conceal(6);
    made(maker(), burn_secret{receipt(6), true});
    made(maker(), generated(7, 3600));
  }
};

}  // namespace

TEST_CASE("what format 2 holds of one-time secrets is all there in format 3, and nothing else", "[model][format]") {
  lived w(GENERATE(false, true));
  auto expected = w.st.all();
  make_old(w.st, w.home);
  REQUIRE(w.st.all() != expected);
  auto rows_at_once = GENERATE(as<std::size_t>{}, 1, 3, 1'000);
  SECTION("in one go") { upgrade(w.st, rows_at_once); }
  SECTION("a few bytes at a time") { upgrade(w.st, rows_at_once, SIZE_MAX, 100); }
  SECTION("cut short and begun anew") {
    upgrade(w.st, rows_at_once, 2);
    upgrade(w.st, rows_at_once);
    upgrade(w.st, rows_at_once);
  }
  CHECK(broken(w.st) == "");
  // Where a secret had ended its receipt keeps the row it had from the beginning, and needs no other.
  auto& index = expected[static_cast<std::size_t>(space::index)];
  for (const auto& [key, value] : w.st.of(space::index))
    if (key[0] == 'e' && key[25] == static_cast<char>(due_kind::receipt)) index.emplace(key, value);
  std::erase_if(index, [&](const auto& row) {
    return row.first[0] == 'e' && row.first[25] == static_cast<char>(due_kind::secret) &&
           !w.st.get(space::index, row.first);
  });
  CHECK(w.st.all() == expected);

  CHECK(w.claims(1));
  CHECK(w.claims(2));
  CHECK(w.claims(5, key_no(1)));  // the same reader again
  CHECK_FALSE(w.viewable(4));
  CHECK(w.entry(7)->sealed_generated == "generated 7");
  w.now = after(w.now, 2 * 3'600'000);
  w.sweep_now();
  w.sweep_now();
  CHECK(w.sealed_rows() == 0);
  for (std::uint64_t n = 1; n <= 7; ++n) CHECK_FALSE(w.row<receipt_record>(keys::receipt(w.home, w.receipt(n))));
}

// As of a node that was behind when it was upgraded: the others swept with the program of before.
TEST_CASE("a sweep from before format 3 does in the rows of today what it did", "[model][format][sweep]") {
  secrets_world w(GENERATE(false, true));
  w.older = true;
  for (std::uint64_t n = 1; n <= 3; ++n) w.conceal(n, 60);
  CHECK(w.claims(2));
  CHECK(w.claims(3, key_no(1)));
  auto secret_due = [&](std::uint64_t n) {
    return due{w.kept(n).secret_expires(), due_kind::secret, w.secret(n).value()};
  };
  auto receipt_due = [&](std::uint64_t n) { return due{w.kept(n).expires(), due_kind::receipt, w.receipt(n).value()}; };
  std::vector<due> first, second;
  for (std::uint64_t n = 1; n <= 3; ++n) first.push_back(secret_due(n)), second.push_back(receipt_due(n));

  w.now = after(w.now, 61'000);
  auto audited = w.audit_size();
  w.made(w.as_system(), sweep{first});
  CHECK(w.state_of(1) == receipt_state::expired);
  CHECK_FALSE(w.sealed(1));
  CHECK(w.audit_size() == audited + 1);
  CHECK(w.last_audit_has(R"("action":"secret.expire")"));
  w.made(w.as_system(), sweep{first});  // and once only
  CHECK(w.audit_size() == audited + 1);

  w.now = after(w.now, 60'000);
  w.made(w.as_system(), sweep{second});
  for (std::uint64_t n = 1; n <= 3; ++n) CHECK_FALSE(w.row<receipt_record>(keys::receipt(w.home, w.receipt(n))));
  w.sweep_now();  // what said until when the claim could be fetched
  CHECK(w.due_now().empty());
  CHECK(w.sealed_rows() == 0);
}

TEST_CASE("a row of format 2 that cannot be read is not passed over", "[model][format]") {
  lived w(true);
  make_old(w.st, w.home);
  w.st.put(space::state, keys::at(w.home, 'X').id(w.secret(1)).take(), "?");
  to_format_3(w.st, {}, 1'000, 1'000'000);
  CHECK_FALSE(w.st.trustworthy());
}
