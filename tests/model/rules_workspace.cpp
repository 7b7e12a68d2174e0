// Workspaces, members, service users, projects.

#include "tests/model/world.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

TEST_CASE("who creates a workspace owns it, and it is on record", "[model][rules]") {
  world w;
  w.ws = ws_no(2);
  auto o = w.made(w.stranger, create_workspace{"Second", "s@example.org", "wrapped"});
  const auto& entry = std::get<workspace_entry>(o.what);
  CHECK(entry.id == w.ws);
  CHECK(entry.role == role::owner);
  CHECK(entry.record == w.workspace());
  CHECK(w.workspace().name == "Second");
  CHECK(w.workspace().owners == 1);
  CHECK(w.workspace().members == 1);
  CHECK(w.person(w.stranger)->email == "s@example.org");
  CHECK(w.st.get(space::sealed, keys::data_key(w.ws, 1)) == "wrapped");
  CHECK(w.last_audit_has(R"("action":"workspace.create")"));
  CHECK(w.audit_size() == 1);
}

TEST_CASE("a workspace is created once, never under the nil id, never by a PAT", "[model][rules]") {
  world w;
  w.made(w.owner, new_pat(1, scope_admin));
  CHECK(w.refused(w.owner, create_workspace{"Again", "", "other"}) == errc::conflict);
  auto by_pat = w.with_pat(w.owner, pat_no(1), scope_admin);
  by_pat.workspace = ws_no(7);
  CHECK(w.refused(by_pat, create_workspace{"By PAT", "", "wrapped"}) == errc::forbidden);
  CHECK(w.refused(by_pat, admit_member{"By PAT", "", role::owner, "wrapped"}) == errc::forbidden);
  w.made(w.owner, delete_workspace{});
  CHECK(w.refused(w.owner, create_workspace{"Again", "", "other"}) == errc::conflict);
  w.ws = system_workspace;
  CHECK(w.refused(w.owner, create_workspace{"Nil", "", "wrapped"}) == errc::invalid);
  CHECK(w.refused(w.owner, admit_member{"Nil", "", role::owner, "wrapped"}) == errc::invalid);
  CHECK(w.refused(w.as_system(), foreign_pat(1, w.owner)) == errc::invalid);
}

TEST_CASE("first use of a trusted token makes what is missing", "[model][rules]") {
  world w;
  auto o = w.made(w.stranger, admit_member{"Ignored", "s@example.org", role::admin, "ignored"});
  CHECK(std::get<workspace_entry>(o.what).role == role::admin);
  CHECK(w.workspace().name == "Pearl");
  CHECK(w.workspace().members == 4);
  CHECK(w.person(w.stranger)->role == role::admin);
  CHECK(w.st.get(space::sealed, keys::data_key(w.ws, 1)) == "wrapped");
  CHECK(w.last_audit_has(R"("action":"member.admit")"));

  w.ws = ws_no(2);
  w.made(w.stranger, admit_member{"New", "s@example.org", role::owner, "key 2"});
  CHECK(w.workspace().name == "New");
  CHECK(w.audit_size() == 2);  // the workspace, then its first member
}

TEST_CASE("admitting who is there changes nothing, whatever the token claims", "[model][rules]") {
  world w;
  auto before = w.st.all();
  auto o = w.made(w.member, admit_member{"Renamed", "new@example.org", role::owner, "other"});
  CHECK(std::get<workspace_entry>(o.what).role == role::member);
  CHECK(std::get<workspace_entry>(o.what).record.name == "Pearl");
  CHECK(w.st.all() == before);
}

TEST_CASE("a removed member does not come back by a token's claim, only by an admin's hand", "[model][rules]") {
  world w;
  w.made(w.member, new_pat(1));
  w.made(w.admin, remove_member{w.member});
  CHECK(w.refused(w.member, admit_member{"Pearl", "", role::owner, "k"}) == errc::forbidden);
  CHECK(w.person(w.member)->removed == w.now);
  auto o = w.made(w.admin, put_member{w.member, role::member, std::nullopt});
  CHECK_FALSE(w.person(w.member)->removed);
  CHECK(w.person(w.member)->email == "m@example.org");
  CHECK(w.person(w.member)->live_pats == 1);
  CHECK(std::get<member_entry>(o.what).record == *w.person(w.member));
}

TEST_CASE("an admin renames a workspace; the same name again is no event", "[model][rules]") {
  world w;
  auto o = w.made(w.admin, rename_workspace{"Nacre"});
  CHECK(std::get<workspace_entry>(o.what).record.name == "Nacre");
  CHECK(std::get<workspace_entry>(o.what).role == role::admin);
  CHECK(w.last_audit_has(R"("action":"workspace.rename")"));
  auto before = w.st.all();
  w.made(w.admin, rename_workspace{"Nacre"});
  CHECK(w.st.all() == before);
  CHECK(w.refused(w.member, rename_workspace{"Mine"}) == errc::forbidden);
  CHECK(w.refused(w.stranger, rename_workspace{"Mine"}) == errc::forbidden);
}

TEST_CASE("only an owner deletes a workspace, and then it is gone for everybody", "[model][rules]") {
  world w;
  w.made(w.owner, new_pat(1, scope_admin));
  w.made(w.member, new_pat(2));
  w.made(w.as_system(), foreign_pat(3, w.member));
  w.made(w.owner, create_project{project_no(1), "P", "p", "1"});
  CHECK(w.refused(w.admin, delete_workspace{}) == errc::forbidden);
  CHECK(w.refused(w.member, delete_workspace{}) == errc::forbidden);
  auto audited = w.audit_size();
  w.made(w.owner, delete_workspace{});
  CHECK(w.audit_size() == audited + 1);
  CHECK(w.workspace().deleted == w.now);
  CHECK_FALSE(w.st.get(space::sealed, keys::data_key(w.ws, 1)));
  for (auto who : {w.owner, w.admin, w.member}) {
    CHECK_FALSE(w.st.get(space::index, keys::user_workspace(who, w.ws)));
    CHECK(list_workspaces(w.st, w.as(who).who, {}).total == 0);
  }
  const operation every[] = {rename_workspace{"x"},
                             delete_workspace{},
                             put_member{w.stranger, role::member, {}},
                             remove_member{w.member},
                             create_service_user{user_no(9), "s"},
                             create_project{project_no(2), "Q", "q", "1"},
                             new_pat(4),
                             foreign_pat(5, w.owner),
                             change_pat{pat_no(1), "x", false, {}},
                             revoke_pat{pat_no(1)},
                             reveal_pat{pat_no(1)},
                             admit_member{"x", "", role::owner, "k"}};
  for (const auto& op : every) {
    INFO(action_of(op));
    CHECK(w.refused(w.owner, op) == errc::forbidden);
    if (!std::holds_alternative<admit_member>(op)) {
      CHECK(w.refused(w.with_pat(w.owner, pat_no(1), scope_admin), op) == errc::forbidden);
      CHECK(refused_early(w.st, {w.as(w.owner), op}).value().refused->code == errc::forbidden);
    }
  }
  CHECK(w.refused(w.as_system(), foreign_pat(5, w.owner)) == errc::not_found);
  for (std::uint64_t n = 1; n <= 2; ++n) {
    auto lookup = w.pat(n).value().lookup;
    std::string_view text(reinterpret_cast<const char*>(lookup.data()), lookup.size());
    CHECK_FALSE(find_token(w.st, text, token_origin::issued));
  }
  auto imported = w.pat(3).value().lookup;
  CHECK_FALSE(find_token(w.st, {reinterpret_cast<const char*>(imported.data()), 32}, token_origin::imported));
  CHECK(w.st.trustworthy());
}

TEST_CASE("members are put in, changed and kept as they are", "[model][rules]") {
  world w;
  w.made(w.admin, put_member{w.stranger, role::admin, "s@example.org"});
  CHECK(w.workspace().members == 4);
  CHECK(w.last_audit_has(R"("action":"member.put")"));
  CHECK(w.last_audit_has(R"("reason":"admin")"));
  w.made(w.admin, put_member{w.stranger, role::member, std::nullopt});
  CHECK(w.person(w.stranger)->role == role::member);
  CHECK(w.person(w.stranger)->email == "s@example.org");
  auto before = w.st.all();
  w.made(w.admin, put_member{w.stranger, role::member, "s@example.org"});
  CHECK(w.st.all() == before);
  CHECK(w.refused(w.member, put_member{w.member, role::admin, {}}) == errc::forbidden);
  CHECK(w.refused(user_no(99), put_member{user_no(99), role::admin, {}}) == errc::forbidden);
}

TEST_CASE("only an owner makes or unmakes an owner", "[model][rules]") {
  world w;
  CHECK(w.refused(w.admin, put_member{w.admin, role::owner, {}}) == errc::forbidden);
  CHECK(w.refused(w.admin, put_member{w.stranger, role::owner, {}}) == errc::forbidden);
  CHECK(w.refused(w.admin, put_member{w.owner, role::member, {}}) == errc::forbidden);
  CHECK(w.refused(w.admin, put_member{w.owner, role::owner, "mine@example.org"}) == errc::forbidden);
  auto before = w.st.all();
  w.made(w.admin, put_member{w.owner, role::owner, "o@example.org"});  // says what is so
  CHECK(w.st.all() == before);
  CHECK(w.refused(w.admin, remove_member{w.owner}) == errc::forbidden);
  w.made(w.owner, put_member{w.admin, role::owner, {}});
  CHECK(w.workspace().owners == 2);
  w.made(w.admin, put_member{w.owner, role::admin, {}});
  CHECK(w.workspace().owners == 1);
  CHECK(w.refused(w.owner, put_member{w.admin, role::member, {}}) == errc::forbidden);
}

TEST_CASE("the last owner stays an owner, in whatever order the commands come", "[model][rules]") {
  world w;
  CHECK(w.refused(w.owner, put_member{w.owner, role::admin, {}}) == errc::conflict);
  CHECK(w.refused(w.owner, remove_member{w.owner}) == errc::conflict);
  w.made(w.owner, put_member{w.admin, role::owner, {}});
  SECTION("two owners leave at the same time: one can") {
    w.made(w.owner, remove_member{w.owner});
    CHECK(w.refused(w.admin, remove_member{w.admin}) == errc::conflict);
  }
  SECTION("two owners demote each other at the same time: one can") {
    w.made(w.owner, put_member{w.admin, role::member, {}});
    CHECK(w.refused(w.admin, put_member{w.owner, role::member, {}}) == errc::forbidden);
  }
  SECTION("two owners remove each other at the same time: one can") {
    w.made(w.admin, remove_member{w.owner});
    CHECK(w.refused(w.owner, remove_member{w.admin}) == errc::forbidden);
  }
  SECTION("an owner leaves while the other steps down: one can") {
    w.made(w.admin, put_member{w.admin, role::member, {}});
    CHECK(w.refused(w.owner, remove_member{w.owner}) == errc::conflict);
  }
  SECTION("an owner who left and was put back as a member is no owner") {
    w.made(w.admin, remove_member{w.owner});
    w.made(w.admin, put_member{w.owner, role::member, {}});
    CHECK(w.workspace().owners == 1);
    CHECK(w.refused(w.admin, remove_member{w.admin}) == errc::conflict);
  }
  CHECK(w.workspace().owners == 1);
}

TEST_CASE("a member leaves by themselves or is removed by an admin, once", "[model][rules]") {
  world w;
  CHECK(w.refused(w.member, remove_member{w.admin}) == errc::forbidden);
  CHECK(w.refused(w.admin, remove_member{w.stranger}) == errc::not_found);
  w.made(w.member, remove_member{w.member});
  CHECK(w.last_audit_has(R"("action":"member.remove")"));
  CHECK(w.refused(w.admin, remove_member{w.member}) == errc::not_found);
  CHECK(w.refused(w.member, new_pat(1)) == errc::forbidden);
  w.made(w.owner, remove_member{w.admin});
  CHECK(w.workspace().members == 1);
}

TEST_CASE("service users and projects are made by admins, each id and key once", "[model][rules]") {
  world w;
  auto s = w.made(w.admin, create_service_user{user_no(50), "deployer"});
  CHECK(std::get<service_user_entry>(s.what).record.created_by == w.admin);
  CHECK(w.last_audit_has(R"("action":"service_user.create")"));
  CHECK(w.refused(w.admin, create_service_user{user_no(50), "other"}) == errc::conflict);
  CHECK(w.refused(w.member, create_service_user{user_no(51), "other"}) == errc::forbidden);
  CHECK(w.refused(w.stranger, create_service_user{user_no(51), "other"}) == errc::forbidden);

  auto p = w.made(w.admin, create_project{project_no(1), "Shell", "shell", "1"});
  CHECK(std::get<project_entry>(p.what).record.key == "shell");
  CHECK(w.last_audit_has(R"("action":"project.create")"));
  CHECK(w.refused(w.admin, create_project{project_no(2), "Other", "shell", "1"}) == errc::conflict);
  CHECK(w.refused(w.admin, create_project{project_no(1), "Other", "other", "1"}) == errc::conflict);
  CHECK(w.refused(w.member, create_project{project_no(2), "Other", "other", "1"}) == errc::forbidden);
  CHECK(w.refused(w.stranger, create_project{project_no(2), "Other", "other", "1"}) == errc::forbidden);
  CHECK(w.workspace().service_users == 1);
  CHECK(w.workspace().projects == 1);
}

TEST_CASE("what is full is refused as a conflict", "[model][rules]") {
  world w;
  auto ws = w.workspace();
  auto with = [&](auto change) {  // counters are believed; counting ten thousand rows would be slow
    auto full = ws;
    change(full);
    w.st.put(space::state, keys::workspace(w.ws), encode(full));
  };
  auto code = [&](const context& ctx, const operation& op) {
    auto before = w.st.all();
    auto o = apply(w.st, {ctx, op});
    CHECK(w.st.all() == before);
    return o.refused.value().code;
  };
  with([](auto& f) { f.members = limits::members_per_workspace_max; });
  CHECK(code(w.as(w.owner), put_member{w.stranger, role::member, {}}) == errc::conflict);
  CHECK(code(w.as(w.stranger), admit_member{"", "", role::member, ""}) == errc::conflict);
  CHECK(code(w.as_system(), foreign_pat(1, w.stranger)) == errc::conflict);
  with([](auto& f) { f.projects = limits::projects_per_workspace_max; });
  CHECK(code(w.as(w.owner), create_project{project_no(1), "P", "p", "1"}) == errc::conflict);
  with([](auto& f) { f.service_users = limits::service_users_per_workspace_max; });
  CHECK(code(w.as(w.owner), create_service_user{user_no(50), "s"}) == errc::conflict);
  auto me = *w.person(w.owner);
  me.live_pats = limits::pats_per_user_max;
  w.st.put(space::state, keys::member(w.ws, w.owner), encode(me));
  CHECK(code(w.as(w.owner), new_pat(1)) == errc::conflict);
  CHECK(code(w.as_system(), foreign_pat(1, w.owner)) == errc::conflict);
}

TEST_CASE("only nacre itself notes activity; a use is recorded once an hour and never goes back", "[model][rules]") {
  world w;
  w.made(w.member, new_pat(1));
  w.made(w.member, new_pat(2));
  w.made(w.member, revoke_pat{pat_no(2)});
  CHECK(w.refused(w.owner, note_activity{{{pat_no(1), w.now}}, {}}) == errc::forbidden);
  auto audited = w.audit_size();
  auto note = [&](std::int64_t later) {
    w.made(w.as_system(),
           note_activity{{{pat_no(1), after(w.now, later)}, {pat_no(2), w.now}, {pat_no(3), w.now}}, {}});
  };
  note(1000);
  CHECK(w.pat(1).value().last_used == after(w.now, 1000));
  CHECK(w.audit_size() == audited + 1);
  CHECK(w.last_audit_has(R"("action":"pat.use")"));
  note(500);
  note(2000);
  CHECK(w.pat(1).value().last_used == after(w.now, 2000));
  auto before = w.st.all();
  note(2000);  // the same use noted twice is no event
  CHECK(w.st.all() == before);
  CHECK(w.audit_size() == audited + 1);
  note(3'600'000);
  CHECK(w.audit_size() == audited + 2);
  CHECK_FALSE(w.pat(2).value().last_used);

  w.made(w.as_system(),
         note_activity{{}, {{"pat.list", "all", "", 1}, {"auth.failed", "system", "token_expired", 12}}});
  CHECK(w.audit_size() == audited + 4);
  CHECK(w.last_audit_has(R"("count":12)"));
  CHECK(w.last_audit_has(R"("outcome":"denied","reason":"token_expired")"));
}

TEST_CASE("a state that cannot be read decides nothing and stays as it was", "[model][rules]") {
  world w;
  w.made(w.member, new_pat(1));
  const operation every[] = {rename_workspace{"x"},
                             delete_workspace{},
                             put_member{w.stranger, role::member, {}},
                             remove_member{w.member},
                             create_service_user{user_no(9), "s"},
                             create_project{project_no(2), "Q", "q", "1"},
                             new_pat(4),
                             foreign_pat(5, w.member),
                             change_pat{pat_no(1), "x", false, {}},
                             revoke_pat{pat_no(1)},
                             reveal_pat{pat_no(1)},
                             admit_member{"x", "", role::owner, "k"}};
  for (const auto& op : every) {
    auto ctx = w.as(std::holds_alternative<admit_member>(op) ? w.stranger : w.owner);
    auto copy_of = [&](map_state& to) {
      for (std::size_t i = 0; i < space_count; ++i)
        for (const auto& [k, v] : w.st.all()[i]) to.put(static_cast<space>(i), k, v);
    };
    map_state sound;
    copy_of(sound);
    apply(sound, {ctx, op});
    for (std::size_t n = 0; n < sound.reads(); ++n) {
      INFO(action_of(op) << ", read " << n << " of " << sound.reads() << " fails");
      map_state failing;
      copy_of(failing);
      failing.fail_reads_after(n);
      apply(failing, {ctx, op});
      CHECK_FALSE(failing.trustworthy());
      CHECK(failing.all() == w.st.all());
    }
  }
}

TEST_CASE("a record that does not decode spoils the state, and nothing is written", "[model][rules]") {
  world w;
  w.made(w.member, new_pat(1));
  for (auto key : {keys::workspace(w.ws), keys::member(w.ws, w.owner), keys::member(w.ws, w.member),
                   keys::pat(w.ws, pat_no(1)), keys::audit_head(w.ws)}) {
    map_state broken_state;
    for (std::size_t i = 0; i < space_count; ++i)
      for (const auto& [k, v] : w.st.all()[i]) broken_state.put(static_cast<space>(i), k, v);
    broken_state.put(space::state, key, "?");
    auto before = broken_state.all();
    apply(broken_state, {w.as(w.owner), revoke_pat{pat_no(1)}});
    CHECK_FALSE(broken_state.trustworthy());
    CHECK(broken_state.all() == before);
  }
}
