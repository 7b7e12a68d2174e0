// PATs: making, importing, changing, revoking, and using one as credential.

#include "tests/model/world.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

std::optional<token_owner> found(const world& w, std::uint64_t n) {
  auto p = w.pat(n).value();
  std::string_view lookup(reinterpret_cast<const char*>(p.lookup.data()), p.lookup.size());
  return find_token(w.st, lookup, p.imported ? token_origin::imported : token_origin::issued);
}

}  // namespace

TEST_CASE("a created PAT is listed, found by its lookup and on record", "[model][pats]") {
  world w;
  auto expires = after(w.now, 1000);
  auto o = w.made(w.member, new_pat(1, scope_write, expires));
  const auto& entry = std::get<pat_entry>(o.what);
  CHECK(entry.id == pat_no(1));
  CHECK(entry.workspace == w.ws);
  CHECK(entry.workspace_name == "Pearl");
  CHECK(entry.record == *w.pat(1));
  CHECK(entry.record.owner == w.member);
  CHECK(entry.record.created == w.now);
  CHECK(entry.record.expires == expires);
  CHECK(entry.record.scopes == scope_write);
  CHECK(entry.record.has_ciphertext());
  CHECK(w.workspace().live_pats == 1);
  CHECK(w.person(w.member)->live_pats == 1);
  CHECK(w.st.get(space::sealed, keys::sealed_pat(w.ws, pat_no(1))) == "sealed 1");
  CHECK(found(w, 1)->id == pat_no(1));
  CHECK(w.last_audit_has(R"("action":"pat.create")"));
  CHECK(w.last_audit_has(to_string(pat_no(1))));
}

TEST_CASE("a PAT's id and token are taken once, in every workspace", "[model][pats]") {
  world w;
  w.made(w.member, new_pat(1));
  CHECK(w.refused(w.admin, new_pat(1)) == errc::conflict);
  auto same_token = new_pat(2);
  same_token.lookup = new_pat(1).lookup;
  CHECK(w.refused(w.admin, same_token) == errc::conflict);
  auto as_import = foreign_pat(2, w.member);
  as_import.lookup = new_pat(1).lookup;
  CHECK(w.refused(w.as_system(), as_import) == errc::conflict);
  CHECK(w.refused(w.stranger, new_pat(2)) == errc::forbidden);
  w.ws = ws_no(2);
  w.made(w.stranger, create_workspace{"Other", "", "k"});
  CHECK(w.refused(w.stranger, same_token) == errc::conflict);
  w.made(w.stranger, new_pat(3));
}

TEST_CASE("an imported PAT authenticates, belongs to its owner and has no ciphertext", "[model][pats]") {
  world w;
  auto o = w.made(w.owner, foreign_pat(1, w.member, scope_write));
  CHECK(std::get<pat_entry>(o.what).record.imported);
  CHECK(std::get<pat_entry>(o.what).record.created == timestamp{1});
  CHECK_FALSE(w.pat(1).value().has_ciphertext());
  CHECK(w.person(w.member)->live_pats == 1);
  CHECK(found(w, 1)->record.owner == w.member);
  CHECK_FALSE(w.st.get(space::sealed, keys::sealed_pat(w.ws, pat_no(1))));
  CHECK(w.last_audit_has(R"("action":"pat.import")"));
  CHECK(w.refused(w.owner, foreign_pat(1, w.member)) == errc::conflict);
  CHECK(w.refused(w.member, foreign_pat(2, w.member)) == errc::forbidden);
  CHECK(w.refused(w.stranger, foreign_pat(2, w.member)) == errc::forbidden);
}

TEST_CASE("whose token is imported becomes a member; the first in a new workspace owns it", "[model][pats]") {
  world w;
  w.made(w.as_system(), foreign_pat(1, w.stranger));
  CHECK(w.person(w.stranger)->role == role::member);
  w.made(w.owner, remove_member{w.stranger});
  CHECK(w.refused(w.as_system(), foreign_pat(2, w.stranger)) == errc::conflict);

  w.ws = ws_no(2);
  CHECK(w.refused(w.owner, foreign_pat(3, w.owner)) == errc::forbidden);  // only offline, without a workspace
  w.made(w.as_system(), foreign_pat(3, w.stranger));
  w.made(w.as_system(), foreign_pat(4, w.member));
  CHECK(w.person(w.stranger)->role == role::owner);
  CHECK(w.person(w.member)->role == role::member);
  CHECK(w.audit_size() == 5);  // workspace, member, token; member, token
  CHECK(w.st.get(space::sealed, keys::data_key(w.ws, 1)) == "wrapped");
}

TEST_CASE("an admin imports their own tokens, an owner everybody's", "[model][pats]") {
  world w;
  w.made(w.owner, put_member{user_no(9), role::admin, {}});
  for (auto other : {w.owner, user_no(9), w.member, w.stranger})
    CHECK(w.refused(w.admin, foreign_pat(1, other, scope_admin)) == errc::forbidden);
  w.made(w.owner, foreign_pat(1, w.admin));
  w.made(w.admin, foreign_pat(2, w.admin));
  w.made(w.as_system(), foreign_pat(3, w.owner));
}

TEST_CASE("an imported PAT was made in the past, give or take what clocks differ", "[model][pats]") {
  world w;
  auto op = foreign_pat(1, w.owner);
  op.created = after(w.now, 300'001);
  CHECK(w.refused(w.owner, op) == errc::invalid);
  CHECK(w.refused(w.as_system(), op) == errc::invalid);
  op.created = after(w.now, 300'000);
  w.made(w.as_system(), op);
}

TEST_CASE("name and expiry of a PAT change, by its creator or an admin", "[model][pats]") {
  world w;
  w.made(w.member, new_pat(1, scope_read, after(w.now, 10)));
  w.made(w.member, change_pat{pat_no(1), "Renamed", false, after(w.now, 99)});
  CHECK(w.pat(1).value().name == "Renamed");
  CHECK(w.pat(1).value().expires == after(w.now, 10));
  w.made(w.admin, change_pat{pat_no(1), std::nullopt, true, std::nullopt});
  CHECK_FALSE(w.pat(1).value().expires);
  CHECK(w.last_audit_has(R"("action":"pat.update")"));
  auto before = w.st.all();
  auto o = w.made(w.member, change_pat{pat_no(1), std::nullopt, false, std::nullopt});
  CHECK(std::get<pat_entry>(o.what).record == *w.pat(1));
  CHECK(w.st.all() == before);

  w.made(w.owner, new_pat(2));
  CHECK(w.refused(w.member, change_pat{pat_no(2), "Mine", false, {}}) == errc::forbidden);
  CHECK(w.refused(w.member, change_pat{pat_no(9), "None", false, {}}) == errc::not_found);
  CHECK(w.refused(w.stranger, change_pat{pat_no(1), "Mine", false, {}}) == errc::forbidden);
  w.made(w.owner, revoke_pat{pat_no(1)});
  CHECK(w.refused(w.member, change_pat{pat_no(1), "Back", false, {}}) == errc::not_found);
}

TEST_CASE("a revoked PAT loses its ciphertext and list rows and keeps its lookup", "[model][pats]") {
  world w;
  w.made(w.member, new_pat(1));
  w.made(w.member, new_pat(2));
  CHECK(w.refused(w.stranger, revoke_pat{pat_no(1)}) == errc::forbidden);
  CHECK(w.refused(w.member, revoke_pat{pat_no(9)}) == errc::not_found);
  w.now = after(w.now, 5);
  auto o = w.made(w.admin, revoke_pat{pat_no(1)});
  CHECK(std::get<pat_entry>(o.what).record.revoked == w.now);
  CHECK_FALSE(w.st.get(space::sealed, keys::sealed_pat(w.ws, pat_no(1))));
  CHECK(list_pats(w.st, w.as(w.admin), {})->items.size() == 1);
  CHECK(list_pats(w.st, w.as(w.member), {})->items.size() == 1);
  CHECK(found(w, 1)->record.revoked == w.now);
  CHECK(w.person(w.member)->live_pats == 1);
  CHECK(w.last_audit_has(R"("action":"pat.revoke")"));
  CHECK(w.refused(w.admin, revoke_pat{pat_no(1)}) == errc::not_found);
  w.made(w.owner, new_pat(3));
  CHECK(w.refused(w.member, revoke_pat{pat_no(3)}) == errc::forbidden);
}

TEST_CASE("a PAT used as credential acts for its owner within its scopes", "[model][pats]") {
  world w;
  w.made(w.owner, new_pat(1, scope_read));
  w.made(w.owner, new_pat(2, scope_write));
  w.made(w.owner, new_pat(3, scope_admin));
  auto with = [&](std::uint64_t n) { return w.with_pat(w.owner, pat_no(n), w.pat(n).value().scopes); };
  CHECK(w.refused(with(1), new_pat(10)) == errc::insufficient_scope);
  CHECK(w.refused(with(1), change_pat{pat_no(1), "x", false, {}}) == errc::insufficient_scope);
  CHECK(w.refused(with(1), revoke_pat{pat_no(1)}) == errc::insufficient_scope);
  CHECK(w.run(with(1), reveal_pat{pat_no(1)}).refused->text == "Insufficient permissions. Required scope: admin");
  w.made(with(2), new_pat(10));
  w.made(with(2), change_pat{pat_no(1), "x", false, {}});
  for (const operation& op :
       {operation{reveal_pat{pat_no(1)}}, operation{rename_workspace{"x"}}, operation{delete_workspace{}},
        operation{put_member{w.member, role::admin, {}}}, operation{remove_member{w.member}},
        operation{create_service_user{user_no(9), "s"}}, operation{create_project{project_no(1), "p", "p", "1"}},
        operation{foreign_pat(11, w.member)}}) {
    INFO(action_of(op));
    CHECK(w.refused(with(2), op) == errc::insufficient_scope);
    CHECK(needed_scope(op) == scope_admin);
  }
  w.made(with(3), rename_workspace{"By PAT"});
  CHECK(w.last_audit_has(R"("kind":"pat")"));
  w.made(with(3), reveal_pat{pat_no(1)});
  CHECK(get_pat(w.st, with(1), pat_no(2)).has_value());
}

TEST_CASE("scopes are those of the record, whatever the command says", "[model][pats]") {
  world w;
  w.made(w.owner, new_pat(1, scope_read));
  w.made(w.owner, new_pat(2, scope_admin));
  CHECK(w.refused(w.with_pat(w.owner, pat_no(1), scope_admin), rename_workspace{"x"}) == errc::insufficient_scope);
  CHECK(w.refused(w.with_pat(w.owner, pat_no(1), scope_admin), new_pat(3)) == errc::insufficient_scope);
  // And a PAT is its owner's: nobody else acts with it.
  CHECK(w.refused(w.with_pat(w.admin, pat_no(2), scope_admin), rename_workspace{"x"}) == errc::unauthenticated);
}

TEST_CASE("a PAT of an earlier membership is no credential any more", "[model][pats]") {
  world w;
  w.made(w.member, new_pat(1, scope_admin));
  w.made(w.owner, foreign_pat(2, w.member));
  w.made(w.admin, new_pat(3));
  w.made(w.owner, remove_member{w.member});
  auto with = [&](std::uint64_t n) { return w.with_pat(w.member, pat_no(n), w.pat(n).value().scopes); };
  CHECK(get_pat(w.st, with(1), pat_no(1)).error().code == errc::forbidden);
  w.made(w.owner, put_member{w.member, role::member, {}});
  CHECK(get_pat(w.st, with(1), pat_no(1)).error().code == errc::token_revoked);
  CHECK(get_pat(w.st, with(2), pat_no(1)).error().text == "Token has been revoked");
  CHECK(w.refused(with(1), new_pat(4)) == errc::token_revoked);
  // Others' tokens, new ones and imported ones of any date are good; the dead are still there to be handled.
  CHECK(list_pats(w.st, w.with_pat(w.admin, pat_no(3), scope_read), {})->total == 3);
  w.made(w.member, new_pat(4));
  w.made(w.owner, foreign_pat(5, w.member));
  CHECK(get_pat(w.st, with(4), pat_no(1)));
  CHECK(get_pat(w.st, with(5), pat_no(1)));
  CHECK_FALSE(w.run(w.admin, reveal_pat{pat_no(1)}).refused);
  w.made(w.member, revoke_pat{pat_no(1)});
  // A change of role is no new membership.
  w.made(w.owner, put_member{w.member, role::admin, {}});
  CHECK(get_pat(w.st, with(4), pat_no(4)));
}

TEST_CASE("a PAT never makes a stronger one", "[model][pats]") {
  world w;
  w.made(w.owner, new_pat(1, scope_write));
  auto with = [&] { return w.with_pat(w.owner, pat_no(1), scope_write); };
  CHECK(w.refused(with(), new_pat(2, scope_admin)) == errc::insufficient_scope);
  CHECK(w.refused(with(), new_pat(2, scope_read | scope_admin)) == errc::insufficient_scope);
  w.made(with(), new_pat(2, scope_write));
  w.made(with(), new_pat(3, scope_read | scope_write));
  w.made(with(), new_pat(4, scope_read));
  w.made(w.owner, new_pat(5, scope_admin));
  w.made(w.with_pat(w.owner, pat_no(5), scope_admin), new_pat(6, scope_admin));
}

TEST_CASE("a dead credential is told what killed it", "[model][pats]") {
  world w;
  w.made(w.owner, new_pat(1, scope_admin, after(w.now, 10)));
  w.made(w.owner, new_pat(2, scope_admin));
  auto with = [&](std::uint64_t n) { return w.with_pat(w.owner, pat_no(n), scope_admin); };
  auto told = [&](std::uint64_t n) {
    return w.run(with(n), rename_workspace{"x" + std::to_string(w.requests)}).refused;
  };
  w.now = after(w.now, 9);
  CHECK_FALSE(told(1));
  w.now = after(w.now, 1);
  CHECK(told(1)->code == errc::token_expired);
  CHECK(told(1)->text == "Token has expired");
  w.made(w.owner, change_pat{pat_no(1), {}, true, after(w.now, 10)});
  CHECK_FALSE(told(1));
  w.made(with(2), revoke_pat{pat_no(2)});  // a PAT may end itself
  CHECK(told(2)->code == errc::token_revoked);
  CHECK(told(2)->text == "Token has been revoked");
  CHECK(told(3)->code == errc::unauthenticated);
  CHECK(told(3)->text == "Authentication failed");
  auto elsewhere = with(1);
  elsewhere.workspace = ws_no(2);
  CHECK(w.refused(elsewhere, rename_workspace{"x"}) == errc::unauthenticated);
}

TEST_CASE("with its owner's rank a PAT loses its power", "[model][pats]") {
  world w;
  w.made(w.admin, new_pat(1, scope_admin));
  w.made(w.owner, new_pat(2));
  auto with = [&] { return w.with_pat(w.admin, pat_no(1), scope_admin); };
  w.made(with(), rename_workspace{"As admin"});
  w.made(with(), reveal_pat{pat_no(2)});
  w.made(w.owner, put_member{w.admin, role::member, {}});
  CHECK(w.refused(with(), rename_workspace{"As member"}) == errc::forbidden);
  CHECK(w.run(with(), reveal_pat{pat_no(2)}).refused->code == errc::forbidden);
  CHECK(w.refused(with(), revoke_pat{pat_no(2)}) == errc::forbidden);
  w.made(with(), reveal_pat{pat_no(1)});
  w.made(w.owner, remove_member{w.admin});
  CHECK(w.refused(with(), new_pat(3)) == errc::forbidden);
  CHECK(w.refused(with(), reveal_pat{pat_no(1)}) == errc::forbidden);
  CHECK_FALSE(get_pat(w.st, with(), pat_no(1)));
}
