// T-aad-swap through the whole node: who can write to the disk, but has no keys, gets no token shown
// that is not the record's own, in its own workspace, under its own policy.

#include "tests/support/installation.hpp"

using namespace nacre;
using namespace nacre::testing;

namespace {

const user_id owner = user_no(1), member = user_no(2);
const workspace_id home = workspace_no(1), other = workspace_no(2);

struct tampered : installation {
  tampered() {
    found(home);
    found(other);
    join(member, model::role::member);
    mine = made(owner, home);
    neighbour = made(owner, home);
    foreign = made(owner, other);
  }
  struct known {
    pat_id id;
    std::string token;
  };
  known made(user_id who, workspace_id ws) {
    auto a = ask(as(who, ws), issue("ci"));
    REQUIRE_FALSE(a.outcome.refused);
    return {pat_of(a).id, text_of(a)};
  }
  void write(model::space in, std::string key, std::string value) {
    REQUIRE(memory->apply({{storage::write::kind::put, in, std::move(key), std::move(value)}},
                          storage::durability::synced));
  }
  std::string sealed(workspace_id ws, pat_id id) {
    return view()->get(model::space::sealed, model::keys::sealed_pat(ws, id)).value();
  }
  void edit(pat_id id, const std::function<void(model::pat_record&)>& change) {
    auto r = model::load<model::pat_record>(*view(), model::space::state, model::keys::pat(home, id));
    REQUIRE(r);
    change(*r);
    write(model::space::state, model::keys::pat(home, id), model::encode(*r));
  }
  void must_stay_hidden(pat_id id) {
    auto shown = ask(as(owner), reveal(id));
    REQUIRE(shown.outcome.refused);
    CHECK(shown.outcome.refused->code == errc::corrupt);
    CHECK(shown.token.empty());
  }
  known mine, neighbour, foreign;
};

}  // namespace

TEST_CASE("sealed tokens cannot be moved between records", "[actors][sealing][T-aad-swap]") {
  tampered node;
  auto key = model::keys::sealed_pat(home, node.mine.id);
  auto own = node.sealed(home, node.mine.id);
  SECTION("of one workspace") { node.write(model::space::sealed, key, node.sealed(home, node.neighbour.id)); }
  SECTION("of two workspaces") { node.write(model::space::sealed, key, node.sealed(other, node.foreign.id)); }
  SECTION("of two workspaces, the data key along with it") {
    node.write(model::space::sealed, key, node.sealed(other, node.foreign.id));
    node.write(model::space::sealed, model::keys::data_key(home, 1),
               *node.view()->get(model::space::sealed, model::keys::data_key(other, 1)));
  }
  SECTION("or damaged in any byte that was tried") {
    for (std::size_t at = 0; at < own.size(); at += 7) {
      auto bad = own;
      bad[at] = static_cast<char>(bad[at] ^ 1);
      node.write(model::space::sealed, key, bad);
      auto shown = node.ask(node.as(owner), reveal(node.mine.id));
      REQUIRE(shown.outcome.refused);
      CHECK((shown.outcome.refused->code == errc::corrupt || shown.outcome.refused->code == errc::unsupported));
      REQUIRE(shown.token.empty());
    }
  }
  SECTION("or cut short") { node.write(model::space::sealed, key, own.substr(0, own.size() - 1)); }
  SECTION("or emptied") { node.write(model::space::sealed, key, ""); }
  node.must_stay_hidden(node.mine.id);
  // The neighbours are as they were, and so is this one when the bytes are back.
  CHECK(text_of(node.ask(node.as(owner), reveal(node.neighbour.id))) == node.neighbour.token);
  node.write(model::space::sealed, key, own);
  CHECK(text_of(node.ask(node.as(owner), reveal(node.mine.id))) == node.mine.token);
}

TEST_CASE("what must never change of a record is bound to its sealed token", "[actors][sealing][T-aad-swap]") {
  tampered node;
  auto before =
      *model::load<model::pat_record>(*node.view(), model::space::state, model::keys::pat(home, node.mine.id));
  SECTION("owner") {
    node.edit(node.mine.id, [](auto& r) { r.owner = member; });
    auto lifted = node.ask(node.as(member), reveal(node.mine.id));
    REQUIRE(lifted.outcome.refused);
    CHECK(lifted.outcome.refused->code == errc::corrupt);
    CHECK(lifted.token.empty());
  }
  SECTION("scopes") {
    node.edit(node.mine.id, [](auto& r) { r.scopes = model::scope_admin; });
  }
  SECTION("prefix") {
    node.edit(node.mine.id, [](auto& r) { r.prefix[6] ^= 1; });
  }
  SECTION("time of creation") {
    node.edit(node.mine.id, [](auto& r) { r.created = after(r.created, 1); });
  }
  node.must_stay_hidden(node.mine.id);
  node.edit(node.mine.id, [&](auto& r) { r = before; });
  CHECK(text_of(node.ask(node.as(owner), reveal(node.mine.id))) == node.mine.token);
}

TEST_CASE("a data key of another workspace does not open", "[actors][sealing]") {
  actors::settings s;
  s.idle = std::chrono::milliseconds{0};
  s.note_flush = std::chrono::milliseconds{1};
  installation node(s);
  node.found(home);
  node.found(other);
  auto made = node.ask(node.as(owner), issue("ci"));
  auto foreign = *node.view()->get(model::space::sealed, model::keys::data_key(other, 1));
  REQUIRE(
      node.memory->apply({{storage::write::kind::put, model::space::sealed, model::keys::data_key(home, 1), foreign}},
                         storage::durability::synced));
  REQUIRE(eventually([&] { return node.service->stats().actors == 0; }));  // the open key is forgotten
  auto shown = node.ask(node.as(owner), reveal(pat_of(made).id));
  REQUIRE(shown.outcome.refused);
  CHECK(shown.outcome.refused->code == errc::corrupt);
  CHECK(shown.token.empty());
  auto created = node.ask(node.as(owner), issue("ci"));
  REQUIRE(created.outcome.refused);
  CHECK(created.outcome.refused->code == errc::corrupt);
  CHECK(node.log->status().writable);  // one damaged workspace is no reason to stop the others
  CHECK_FALSE(node.ask(node.as(owner, other), issue("ci")).outcome.refused);
}

TEST_CASE("the sealed token of before a rotation cannot be put back", "[actors][sealing][rotation][T-aad-swap]") {
  tampered node;
  auto key = model::keys::sealed_pat(home, node.mine.id);
  std::vector<std::string> old{node.sealed(home, node.mine.id)};
  auto records = std::vector<model::pat_record>{};
  auto rotate = [&] {
    records.push_back(
        *model::load<model::pat_record>(*node.view(), model::space::state, model::keys::pat(home, node.mine.id)));
    auto a = node.ask(node.as(owner), actors::renew_pat{node.mine.id});
    REQUIRE_FALSE(a.outcome.refused);
    return text_of(a);
  };
  rotate();
  old.push_back(node.sealed(home, node.mine.id));
  auto token = rotate();
  auto own = node.sealed(home, node.mine.id);
  CHECK(text_of(node.ask(node.as(owner), reveal(node.mine.id))) == token);
  for (const auto& before : old) {
    node.write(model::space::sealed, key, before);
    node.must_stay_hidden(node.mine.id);
  }
  // Nor with the record made to look as it did.
  auto now = *model::load<model::pat_record>(*node.view(), model::space::state, model::keys::pat(home, node.mine.id));
  for (const auto& before : old) {
    node.edit(node.mine.id, [&](model::pat_record& r) { r.rotations = 1; });
    node.write(model::space::sealed, key, before);
    node.must_stay_hidden(node.mine.id);
  }
  node.edit(node.mine.id, [&](model::pat_record& r) { r = now; });
  node.write(model::space::sealed, key, own);
  node.edit(node.mine.id, [&](model::pat_record& r) { r.lookup = records[1].lookup; });
  node.must_stay_hidden(node.mine.id);
  node.edit(node.mine.id, [&](model::pat_record& r) { r = now; });
  CHECK(text_of(node.ask(node.as(owner), reveal(node.mine.id))) == token);
}
