// One token core for all families: how many, numbered how, held by whom, and never stronger than their maker.

#include <set>

#include "tests/model/tokens_world.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

std::uint64_t number_of(const outcome& o) { return std::get<pat_entry>(o.what).record.seq; }

}  // namespace

TEST_CASE("the limit is told before a taken description, and expired tokens count", "[model][families]") {
  tokens_world w;
  auto make = [&](std::uint64_t n, std::string name) {
    auto op = w.unleash_token(n);
    op.name = std::move(name);
    op.per_owner_max = 3;
    op.expires = after(w.now, 10);
    return op;
  };
  w.made(w.member, make(1, "a"));
  CHECK(w.refused(w.member, make(2, "a")) == errc::conflict);
  w.made(w.member, make(2, "A"));  // exact, so another
  w.made(w.member, make(3, ""));
  CHECK(w.refused(w.member, make(4, "a")) == errc::full);
  CHECK(w.refused(w.member, make(4, "b")) == errc::full);
  w.now = after(w.now, 1'000);
  CHECK(w.refused(w.member, make(4, "b")) == errc::full);
  w.made(w.admin, make(5, "a"));  // by user
  w.made(w.member, revoke_pat{pat_no(1)});
  w.made(w.member, make(4, "a"));
  CHECK(w.run(w.member, make(6, "c")).refused->text == "Too many PATs (3) already exist for this user.");
}

TEST_CASE("two creates cannot pass the limit or share a description, whichever comes first", "[model][families]") {
  tokens_world w;
  auto last = w.unleash_token(1);
  last.per_owner_max = 1;
  auto other = w.unleash_token(2);
  other.per_owner_max = 1;
  // Both were found to be possible before either was.
  command first{w.as(w.member), last}, second{w.as(w.member), other};
  CHECK_FALSE(refused_early(w.st, first));
  CHECK_FALSE(refused_early(w.st, second));
  w.made(first.ctx, first.what);
  CHECK(w.refused(second.ctx, second.what) == errc::full);
}

TEST_CASE("families count apart, and other families' tokens need no description of their own", "[model][families]") {
  tokens_world w;
  for (std::uint64_t n : {1u, 2u}) {
    auto op = w.service_token(n);
    op.name = "same";
    op.per_owner_max = 2;
    w.made(w.member, op);
  }
  auto op = w.unleash_token(3);
  op.per_owner_max = 1;
  w.made(w.member, op);
  w.made(w.member, new_pat(4));
  auto third = w.service_token(5);
  third.per_owner_max = 2;
  CHECK(w.refused(w.member, third) == errc::full);
  third.per_owner_max = 0;
  CHECK(w.refused(w.admin, third) == errc::full);
}

TEST_CASE("ids ascend over all users, never repeat, and failed creates take none", "[model][families]") {
  tokens_world w;
  std::uint64_t last = number_of(w.made(w.member, w.unleash_token(1)));
  CHECK(w.refused(w.member, [&] {
    auto op = w.unleash_token(2);
    op.name = "PAT 1";
    return op;
  }()) == errc::conflict);
  CHECK(w.refused(w.stranger, w.unleash_token(2)) == errc::forbidden);
  auto next = number_of(w.made(w.admin, w.unleash_token(2)));
  CHECK(next == last + 1);
  w.made(w.admin, revoke_pat{pat_no(2)});
  CHECK(number_of(w.made(w.admin, w.unleash_token(3))) == next + 1);
  auto list = list_tokens(w.st, w.as(w.admin), w.admin, token_family::unleash).value();
  REQUIRE(list.size() == 1);
  CHECK(get_token(w.st, w.as(w.admin), w.admin, token_family::unleash, next + 1).value().id == pat_no(3));
  CHECK(get_token(w.st, w.as(w.admin), w.admin, token_family::unleash, next).error().code == errc::not_found);
  CHECK(get_token(w.st, w.as(w.admin), w.admin, token_family::unleash, last).error().code == errc::not_found);
}

TEST_CASE("lists are in order of creation and show a family and an owner alone", "[model][families]") {
  tokens_world w;
  w.add_robots();
  for (std::uint64_t n : {3u, 1u, 2u}) w.made(w.member, w.unleash_token(n));
  w.made(w.member, w.service_token(4));
  w.made(w.member, new_pat(5));
  w.made(w.owner, w.unleash_token(6, w.robot));
  std::vector<std::string> names;
  auto list = list_tokens(w.st, w.as(w.member), w.member, token_family::unleash).value();
  for (const auto& e : list) names.push_back(e.record.name);
  CHECK(names == std::vector<std::string>{"PAT 3", "PAT 1", "PAT 2"});
  CHECK(list_tokens(w.st, w.as(w.member), w.member, token_family::service).value().size() == 1);
  CHECK(list_tokens(w.st, w.as(w.admin), w.robot, token_family::unleash).value().size() == 1);
  CHECK(list_tokens(w.st, w.as(w.member), w.robot, token_family::unleash).error().code == errc::forbidden);
  CHECK(list_tokens(w.st, w.as(w.admin), w.member, token_family::unleash).error().code == errc::not_found);
  CHECK(get_token(w.st, w.as(w.admin), w.robot, token_family::unleash, pat_no(1)).error().code == errc::not_found);
  CHECK(get_token(w.st, w.as(w.member), w.member, token_family::service, pat_no(1)).error().code == errc::not_found);
  CHECK(list_pats(w.st, w.as(w.owner), {0, 100}).value().total == 1);  // Alephant's list has Alephant's
}

TEST_CASE("tokens of an earlier membership neither count nor take descriptions", "[model][families]") {
  tokens_world w;
  auto make = [&](std::uint64_t n) {
    auto op = w.unleash_token(n);
    op.name = "ci";
    op.per_owner_max = 1;
    return op;
  };
  w.made(w.member, make(1));
  w.made(w.owner, remove_member{w.member});
  w.made(w.owner, put_member{w.member, role::member, {}});
  CHECK(list_tokens(w.st, w.as(w.member), w.member, token_family::unleash).value().empty());
  CHECK(w.stands(1) == errc::token_revoked);
  w.made(w.member, make(2));
  CHECK(w.refused(w.member, make(3)) == errc::full);
}

TEST_CASE("a changed description of Unleash is not another's", "[model][families]") {
  tokens_world w;
  w.made(w.member, w.unleash_token(1));
  w.made(w.member, w.unleash_token(2));
  CHECK(w.refused(w.member, change_pat{pat_no(2), "PAT 1", false, {}, {}}) == errc::conflict);
  w.made(w.member, change_pat{pat_no(2), "PAT 2", false, {}, {}});
  w.made(w.member, change_pat{pat_no(2), "PAT 3", false, {}, {}});
}

TEST_CASE("a service token makes none with more permissions or projects than it has", "[model][families]") {
  tokens_world w;
  for (std::uint64_t n : {1u, 2u}) w.made(w.owner, create_project{project_no(n), "p", "p" + std::to_string(n), "v2"});
  auto maker = w.service_token(1, {permission::releases, permission::documents_full});
  maker.all_projects = false;
  maker.projects = {project_no(1)};
  w.made(w.admin, maker);
  auto by_token = [&](std::vector<permission> permissions, bool all, std::vector<project_id> projects) {
    auto op = w.service_token(50, std::move(permissions));
    op.all_projects = all;
    op.projects = std::move(projects);
    auto o = w.run(w.with(1), op);
    if (!o.refused) w.made(w.admin, revoke_pat{pat_no(50)});
    if (!o.refused) return std::string("made");
    return std::string(name_of(o.refused->code));
  };
  // A revoked id is taken, so the one that may is the last.
  CHECK(by_token({permission::owner}, false, {project_no(1)}) == "forbidden");
  CHECK(by_token({permission::documents}, false, {project_no(1)}) == "forbidden");
  CHECK(by_token({permission::documents_full, permission::branches}, false, {}) == "forbidden");
  CHECK(by_token({}, true, {}) == "forbidden");
  CHECK(by_token({}, false, {project_no(2)}) == "forbidden");
  CHECK(by_token({}, false, {project_no(1), project_no(2)}) == "forbidden");
  CHECK(by_token({}, false, {project_no(9)}) == "invalid");
  CHECK(by_token({permission::releases_deploy, permission::documents_full}, false, {project_no(1)}) == "made");
  // Nor one of a kind where its permissions say nothing.
  CHECK(w.refused(w.with(1), w.unleash_token(51)) == errc::forbidden);
  CHECK(w.refused(w.with(1), new_pat(51)) == errc::forbidden);
}

TEST_CASE("a PAT without the admin scope makes no token of another family", "[model][families]") {
  tokens_world w;
  w.add_robots();
  w.made(w.admin, new_pat(1, scope_read));
  w.made(w.admin, new_pat(2, scope_write));
  w.made(w.admin, new_pat(3, scope_admin));
  for (std::uint64_t n : {1u, 2u}) {
    CHECK(w.refused(w.with(n), w.unleash_token(10)) == errc::insufficient_scope);
    CHECK(w.refused(w.with(n), w.service_token(10)) == errc::insufficient_scope);
    CHECK(w.refused(w.with(n), w.unleash_token(10, w.robot)) == errc::insufficient_scope);
  }
  w.made(w.with(3), w.unleash_token(10, w.robot));
  CHECK(w.refused(w.with(3), new_pat(11, scope_introspect)) == errc::insufficient_scope);
}

TEST_CASE("an Unleash token may what its owner may, and no more", "[model][families]") {
  tokens_world w;
  w.add_robots();
  w.made(w.member, w.unleash_token(1));
  w.made(w.admin, w.unleash_token(2));
  w.made(w.with(1), w.unleash_token(3));
  w.made(w.with(1), revoke_pat{pat_no(1)});  // itself
  CHECK(w.stands(1) == errc::token_revoked);
  CHECK(w.refused(w.with(3), w.unleash_token(4, w.robot)) == errc::forbidden);
  w.made(w.with(2), w.unleash_token(4, w.robot));
  w.made(w.owner, put_member{w.admin, role::member, {}});
  CHECK(w.refused(w.with(2), w.unleash_token(5, w.robot)) == errc::forbidden);
}

TEST_CASE("a member's `owner` permission loses its power with the role", "[model][families]") {
  tokens_world w;
  w.made(w.admin, w.service_token(1, {permission::owner}));
  CHECK(stand(w.st, w.with(1), every_scope).value().may_administer());
  CHECK(stand(w.st, w.with(1), every_scope).value().grants == every_permission);
  CHECK(w.refused(w.member, w.service_token(2, {permission::owner})) == errc::forbidden);
  w.made(w.owner, put_member{w.admin, role::member, {}});
  auto who = stand(w.st, w.with(1), every_scope).value();
  CHECK_FALSE(who.may_administer());
  CHECK(who.grants == (every_permission & ~bit_of(permission::owner)));
  CHECK(w.refused(w.with(1), create_service_user{user_no(60), "s", "", account_type::member, 0}) == errc::forbidden);
  CHECK(w.refused(w.with(1), w.service_token(2, {permission::owner})) == errc::forbidden);
  w.made(w.with(1), w.service_token(2, {permission::documents}));
}

TEST_CASE("a service user with the permission `owner` administers, but makes nobody who may more",
          "[model][families]") {
  tokens_world w;
  w.add_robots();
  w.made(w.admin, w.service_token(1, {permission::owner}, w.robot));
  w.made(w.admin, w.service_token(2, {permission::documents}, w.robot));
  auto create = [](std::uint64_t n, account_type type, std::uint32_t root_role = 0) {
    return create_service_user{user_no(n), "s", "", type, root_role};
  };
  w.made(w.with(1), create(60, account_type::member));
  CHECK(w.refused(w.with(1), create(61, account_type::admin)) == errc::forbidden);
  CHECK(w.refused(w.with(1), create(61, account_type::owner)) == errc::forbidden);
  CHECK(w.refused(w.with(1), create(61, account_type::member, 1)) == errc::forbidden);
  CHECK(w.refused(w.with(1), w.service_token(3, {}, w.robot_admin)) == errc::forbidden);
  CHECK(w.refused(w.with(2), create(61, account_type::member)) == errc::forbidden);
  CHECK(w.refused(w.with(2), w.service_token(3, {}, user_no(60))) == errc::forbidden);
  w.made(w.with(1), w.service_token(3, {permission::owner}, user_no(60)));
}

TEST_CASE("admins make no owners among service users, and touch none", "[model][families]") {
  tokens_world w;
  auto create = [](std::uint64_t n, account_type type) { return create_service_user{user_no(n), "s", "", type, 0}; };
  CHECK(w.refused(w.member, create(60, account_type::member)) == errc::forbidden);
  CHECK(w.refused(w.admin, create(60, account_type::owner)) == errc::forbidden);
  w.made(w.admin, create(60, account_type::admin));
  w.made(w.owner, create(61, account_type::owner));
  CHECK(w.refused(w.admin, change_service_user{user_no(61), "x", {}}) == errc::forbidden);
  CHECK(w.refused(w.admin, delete_service_user{user_no(61)}) == errc::forbidden);
  CHECK(w.refused(w.admin, w.unleash_token(1, user_no(61))) == errc::forbidden);
  w.made(w.owner, w.unleash_token(1, user_no(61)));
  CHECK(w.refused(w.admin, w.rotation(1)) == errc::forbidden);
  w.made(w.owner, w.rotation(1));
  w.made(w.admin, w.unleash_token(2, user_no(60)));
  w.made(w.admin, w.rotation(2));
}

TEST_CASE("a service user's changes keep its number, and its deletion ends its tokens", "[model][families]") {
  tokens_world w;
  w.add_robots();
  w.made(w.owner, w.unleash_token(1, w.robot_admin));
  w.made(w.owner, w.service_token(2, {permission::owner}, w.robot_admin));
  CHECK(w.stands(1) == errc{});
  auto before = w.row<service_user_record>(keys::service_user(w.ws, w.robot_admin)).value();
  w.made(w.with(1), change_service_user{w.robot_admin, "renamed", 2});
  auto now = w.row<service_user_record>(keys::service_user(w.ws, w.robot_admin)).value();
  CHECK(now.number == before.number);
  CHECK(now.name == "renamed");
  CHECK(now.root_role == 2);
  CHECK(find_person(w.st, w.ws, now.number).value().id == w.robot_admin);
  auto live = w.workspace().service_users;
  w.made(w.with(2), delete_service_user{w.robot_admin});  // itself
  CHECK(w.workspace().service_users == live - 1);
  for (std::uint64_t n : {1u, 2u}) {
    CHECK(w.stands(n) == errc::token_revoked);
    CHECK(w.refused(w.owner, w.rotation(n)) == errc::not_found);
    CHECK(w.refused(w.with(n), w.rotation(n)) == errc::token_revoked);
  }
  CHECK(w.refused(w.owner, w.unleash_token(3, w.robot_admin)) == errc::not_found);
  CHECK(w.refused(w.owner, delete_service_user{w.robot_admin}) == errc::not_found);
  CHECK(w.refused(w.owner, change_service_user{w.robot_admin, "x", {}}) == errc::not_found);
  CHECK_FALSE(find_person(w.st, w.ws, now.number));
  CHECK(list_tokens(w.st, w.as(w.owner), w.robot_admin, token_family::unleash).error().code == errc::not_found);
  // Its id is never anybody's again, or its tokens would be.
  CHECK(w.refused(w.owner, create_service_user{w.robot_admin, "again", "", account_type::member, 0}) == errc::conflict);
  CHECK(w.refused(w.owner, put_member{w.robot_admin, role::member, {}}) == errc::conflict);
  CHECK(w.refused(w.owner, foreign_pat(9, w.robot_admin)) == errc::conflict);
  CHECK(w.refused(w.robot_admin, admit_member{"", "", role::owner, "wrapped"}) == errc::forbidden);
}

TEST_CASE("a service user signs in by its tokens alone and holds no Alephant PAT", "[model][families]") {
  tokens_world w;
  w.add_robots();
  CHECK(w.refused(w.robot, w.unleash_token(1)) == errc::forbidden);
  w.made(w.owner, w.unleash_token(1, w.robot));
  w.made(w.with(1), w.unleash_token(2));
  CHECK(w.refused(w.with(1), new_pat(3)) == errc::forbidden);
  auto alephant = new_pat(3);
  alephant.owner = w.robot;
  CHECK(w.refused(w.owner, alephant) == errc::forbidden);
  CHECK(w.refused(w.owner, w.unleash_token(3, w.member)) == errc::not_found);  // a member makes their own
}

TEST_CASE("numbers of members and service users ascend and outlive a second membership", "[model][families]") {
  tokens_world w;
  w.add_robots();
  std::set<std::uint64_t> seen;
  for (auto who : {w.owner, w.admin, w.member}) CHECK(seen.insert(w.person(who).value().number).second);
  for (auto who : {w.robot, w.robot_admin})
    CHECK(seen.insert(find_person(w.st, w.ws, who).has_value()
                          ? std::get<service_user_record>(find_person(w.st, w.ws, who)->record).number
                          : 0)
              .second);
  CHECK(seen == std::set<std::uint64_t>{1, 2, 3, 4, 5});
  auto number = w.person(w.member).value().number;
  w.made(w.owner, remove_member{w.member});
  CHECK_FALSE(find_person(w.st, w.ws, number));
  w.made(w.owner, put_member{user_no(7), role::member, {}});
  w.made(w.owner, put_member{w.member, role::member, {}});
  CHECK(w.person(w.member).value().number == number);
  CHECK(w.person(user_no(7)).value().number == 6);
  CHECK(find_person(w.st, w.ws, number).value().id == w.member);
  for (auto none : {0ull, 7ull, ~0ull}) CHECK_FALSE(find_person(w.st, w.ws, none));
}

TEST_CASE("who joined before there were numbers gets one with their first token that needs it", "[model][families]") {
  tokens_world w;
  auto ws = w.workspace();
  auto old = w.person(w.member).value();
  w.st.erase(space::state, keys::numbered_user(w.ws, old.number));
  REQUIRE(old.number == ws.user_seq);
  --ws.user_seq;
  old.number = 0;
  w.st.put(space::state, keys::workspace(w.ws), encode(ws));
  w.st.put(space::state, keys::member(w.ws, w.member), encode(old));
  w.made(w.member, new_pat(1));
  CHECK(w.person(w.member).value().number == 0);
  w.made(w.member, w.unleash_token(2));
  CHECK(w.person(w.member).value().number == ws.user_seq + 1);
}

TEST_CASE("people are listed members first, found by mail or name, and counted", "[model][families]") {
  tokens_world w;
  w.add_robots();
  auto found = [&](people_filter f, page at = {0, 100}) { return list_people(w.st, w.as(w.member), f, at).value(); };
  CHECK(found({}).total == 5);
  CHECK(found({{}, ""}, {4, 10}).items.size() == 1);
  CHECK(found({{}, ""}, {0, 0}).total == 5);
  CHECK(found({true, ""}).total == 2);
  CHECK(found({false, ""}).total == 3);
  CHECK(found({{}, "EXAMPLE.ORG"}).total == 5);
  CHECK(found({{}, "chief"}).total == 1);
  CHECK(found({{}, "nobody"}).total == 0);
  w.made(w.owner, delete_service_user{w.robot});
  w.made(w.owner, remove_member{w.admin});
  CHECK(found({}).total == 3);
  CHECK(list_people(w.st, w.as(w.stranger), {}, {0, 10}).error().code == errc::forbidden);
}

TEST_CASE("uses are counted exactly, and one too many is refused", "[model][families]") {
  tokens_world w;
  auto op = w.unleash_token(1);
  op.only.uses_max = 3;
  w.made(w.member, op);
  for (std::uint64_t n = 1; n <= 3; ++n) {
    CHECK(judge(w.pat(1).value(), op.lookup, w.now, {}).value().counted);
    w.made(w.as_system(), count_use{pat_no(1)});
    CHECK(w.pat(1).value().uses == n);
  }
  CHECK(w.worth(1, op.lookup) == "token_expired");
  CHECK(w.refused(w.as_system(), count_use{pat_no(1)}) == errc::token_expired);
  // Told twice by one request, it is one use.
  w.made(w.member, change_pat{pat_no(1), {}, false, {}, restrictions{{}, 10, {}}});
  CHECK(w.pat(1).value().uses == 3);
  auto ctx = w.as_system();
  for (int i = 0; i < 2; ++i) w.made(ctx, count_use{pat_no(1)});
  CHECK(w.pat(1).value().uses == 4);
  // Where none are counted, none are.
  w.made(w.member, change_pat{pat_no(1), {}, false, {}, restrictions{}});
  w.made(w.as_system(), count_use{pat_no(1)});
  CHECK(w.pat(1).value().uses == 0);
  w.made(w.member, revoke_pat{pat_no(1)});
  CHECK(w.refused(w.as_system(), count_use{pat_no(1)}) == errc::token_revoked);
  CHECK(w.refused(w.as_system(), count_use{pat_no(99)}) == errc::token_revoked);
}

TEST_CASE("a token is worth nothing before its time and outside its networks", "[model][families]") {
  tokens_world w;
  auto op = new_pat(1, scope_read, after(w.now, 1'000));
  op.only.not_before = after(w.now, 10);
  op.only.networks = {*parse_network("192.0.2.0/24"), *parse_network("2001:db8::/32")};
  w.made(w.member, op);
  auto at = [&](std::int64_t later, const char* from) -> std::string {
    auto p = judge(w.pat(1).value(), op.lookup, after(w.now, later), from ? parse_address(from) : std::nullopt);
    return p ? "good" : std::string(name_of(p.error().code));
  };
  CHECK(at(9, "192.0.2.1") == "unauthenticated");
  CHECK(at(10, "192.0.2.1") == "good");
  CHECK(at(10, "::ffff:192.0.2.255") == "good");
  CHECK(at(10, "2001:db8:ffff::1") == "good");
  CHECK(at(10, "192.0.3.1") == "forbidden");
  CHECK(at(10, "2001:db9::1") == "forbidden");
  CHECK(at(10, nullptr) == "forbidden");
  CHECK(at(1'000, "192.0.3.1") == "token_expired");
}
