#include "model/queries.hpp"

#include "tests/model/world.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

std::vector<pat_id> ids(const result<listed<pat_entry>>& page) {
  REQUIRE(page);
  std::vector<pat_id> out;
  for (const auto& e : page->items) out.push_back(e.id);
  return out;
}

}  // namespace

TEST_CASE("PATs are listed newest first, the later made first among equal times", "[model][queries]") {
  world w;
  w.made(w.member, new_pat(1));
  w.made(w.member, new_pat(2));
  w.now = after(w.now, 1);
  w.made(w.admin, new_pat(3));
  auto old = foreign_pat(4, w.member);
  old.created = timestamp{-5};  // before 1970
  w.made(w.as_system(), old);
  old = foreign_pat(5, w.member);
  old.created = timestamp{5};
  w.made(w.as_system(), old);
  CHECK(ids(list_pats(w.st, w.as(w.owner), {})) == std::vector{pat_no(3), pat_no(2), pat_no(1), pat_no(5), pat_no(4)});
  CHECK(ids(list_pats(w.st, w.as(w.member), {})) == std::vector{pat_no(2), pat_no(1), pat_no(5), pat_no(4)});
}

TEST_CASE("a member sees their own PATs, owners and admins all, a stranger none", "[model][queries]") {
  world w;
  w.made(w.member, new_pat(1));
  w.made(w.admin, new_pat(2));
  for (auto who : {w.owner, w.admin}) {
    CHECK(list_pats(w.st, w.as(who), {})->total == 2);
    CHECK(get_pat(w.st, w.as(who), pat_no(1)).value().record.owner == w.member);
  }
  CHECK(list_pats(w.st, w.as(w.member), {})->total == 1);
  CHECK(get_pat(w.st, w.as(w.member), pat_no(1)).has_value());
  CHECK(get_pat(w.st, w.as(w.member), pat_no(2)).error().code == errc::forbidden);
  CHECK(get_pat(w.st, w.as(w.member), pat_no(9)).error().code == errc::not_found);
  CHECK(get_pat(w.st, w.as(w.stranger), pat_no(1)).error().code == errc::forbidden);
  CHECK(list_pats(w.st, w.as(w.stranger), {}).error().code == errc::forbidden);
  w.made(w.member, revoke_pat{pat_no(1)});
  CHECK(get_pat(w.st, w.as(w.owner), pat_no(1)).error().code == errc::not_found);
  CHECK(list_pats(w.st, w.as(w.member), {})->total == 0);
  auto other = w.as(w.stranger);
  other.workspace = ws_no(2);
  REQUIRE_FALSE(apply(w.st, {other, create_workspace{"Other", "", "k"}}).refused);
  CHECK(get_pat(w.st, other, pat_no(2)).error().code == errc::not_found);
}

TEST_CASE("pages cut the whole list without overlap, and beyond the end is empty", "[model][queries]") {
  world w;
  for (std::uint64_t n = 1; n <= 25; ++n) {
    w.now = after(w.now, n % 3 == 0 ? 1 : 0);
    w.made(n % 2 ? w.member : w.admin, new_pat(n));
  }
  for (auto who : {w.owner, w.member}) {
    auto all = ids(list_pats(w.st, w.as(who), {0, 100}));
    CHECK(all.size() == (who == w.owner ? 25u : 13u));
    for (std::uint32_t limit : {1u, 2u, 7u, 13u, 25u, 26u}) {
      std::vector<pat_id> joined;
      for (std::uint32_t offset = 0; offset < 30; offset += limit) {
        auto page = list_pats(w.st, w.as(who), {offset, limit});
        CHECK(page->items.size() <= limit);
        CHECK(page->total == all.size());
        for (auto id : ids(page)) joined.push_back(id);
      }
      CHECK(joined == all);
    }
    CHECK(list_pats(w.st, w.as(who), {25, 20})->items.empty());
    CHECK(list_pats(w.st, w.as(who), {limits::page_offset_max, 20})->items.empty());
    CHECK(list_pats(w.st, w.as(who), {0, 0})->items.empty());
    CHECK(list_pats(w.st, w.as(who), {0, 0})->total == all.size());
  }
}

TEST_CASE("members, service users and projects are paged with their totals; who left is not listed",
          "[model][queries]") {
  world w;
  for (std::uint64_t n = 10; n < 15; ++n) {
    w.made(w.owner, put_member{user_no(n), role::member, {}});
    w.made(w.owner, create_service_user{user_no(100 + n), "s"});
    w.made(w.owner, create_project{project_no(n), "P", "p" + std::to_string(n), "1"});
  }
  w.made(w.owner, remove_member{user_no(12)});
  auto members = list_members(w.st, w.as(w.member), {0, 100});
  CHECK(members->total == 7);
  CHECK(members->items.size() == 7);
  for (const auto& m : members->items) CHECK(m.id != user_no(12));
  CHECK(list_members(w.st, w.as(w.member), {5, 100})->items.size() == 2);
  CHECK(list_members(w.st, w.as(w.member), {3, 2})->items[0].id == members->items[3].id);
  CHECK(list_members(w.st, w.as(w.member), {7, 5})->items.empty());
  CHECK(list_members(w.st, w.as(w.member), {0, 0})->total == 7);
  auto service_users = list_service_users(w.st, w.as(w.member), {1, 2});
  CHECK(service_users->total == 5);
  CHECK(service_users->items[0].id == user_no(111));
  auto projects = list_projects(w.st, w.as(w.member), {4, 20});
  CHECK(projects->total == 5);
  CHECK(projects->items.size() == 1);
  CHECK(projects->items[0].record.key == "p14");
  CHECK(projects->items[0].workspace == w.ws);
  for (auto code :
       {list_members(w.st, w.as(w.stranger), {}).error().code,
        list_service_users(w.st, w.as(w.stranger), {}).error().code,
        list_projects(w.st, w.as(w.stranger), {}).error().code, get_workspace(w.st, w.as(w.stranger)).error().code})
    CHECK(code == errc::forbidden);
  auto mine = get_workspace(w.st, w.as(w.member));
  CHECK(mine->record == w.workspace());
  CHECK(mine->role == role::member);
}

TEST_CASE("a user's workspaces are theirs only, live only, in id order", "[model][queries]") {
  world w;
  for (std::uint64_t n = 2; n <= 6; ++n) {
    w.ws = ws_no(n);
    w.made(w.member, create_workspace{"W" + std::to_string(n), "", "k"});
  }
  w.made(w.member, delete_workspace{});
  auto who = w.as(w.member).who;
  auto all = list_workspaces(w.st, who, {0, 20});
  CHECK(all.total == 5);
  REQUIRE(all.items.size() == 5);
  CHECK(all.items[0].id == ws_no(1));
  CHECK(all.items[0].role == role::member);
  CHECK(all.items[4].record.name == "W5");
  CHECK(all.items[4].role == role::owner);
  CHECK(list_workspaces(w.st, who, {3, 20}).items.size() == 2);
  CHECK(list_workspaces(w.st, who, {1, 1}).items[0].id == ws_no(2));
  CHECK(list_workspaces(w.st, who, {9, 20}).items.empty());
  CHECK(list_workspaces(w.st, who, {9, 20}).total == 5);
  CHECK(list_workspaces(w.st, w.as(w.stranger).who, {}).total == 0);
}

TEST_CASE("the audit log is read oldest first after a sequence number, by owners and admins", "[model][queries]") {
  world w;
  for (std::uint64_t n = 1; n <= 7; ++n) w.made(w.member, new_pat(n));
  auto size = w.audit_size();
  CHECK(size == 10);
  std::vector<std::uint64_t> seqs;
  for (std::uint64_t after_seq = 0; after_seq < size; after_seq += 3) {
    auto page = list_audit(w.st, w.as(w.admin), after_seq, 3);
    CHECK(page->total == size);
    for (const auto& e : page->items) {
      seqs.push_back(e.seq);
      CHECK(e.row.entry.find("\"seq\":" + std::to_string(e.seq) + ",") != std::string::npos);
    }
  }
  CHECK(seqs == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(list_audit(w.st, w.as(w.owner), 10, 5)->items.empty());
  CHECK(list_audit(w.st, w.as(w.owner), ~0ULL, 5)->items.empty());
  CHECK(list_audit(w.st, w.as(w.owner), 0, 0)->items.empty());
  CHECK(list_audit(w.st, w.as(w.owner), 0, 1000)->items.size() == 10);
  CHECK(list_audit(w.st, w.as(w.member), 0, 5).error().code == errc::forbidden);
  CHECK(list_audit(w.st, w.as(w.stranger), 0, 5).error().code == errc::forbidden);
  w.made(w.owner, new_pat(20, scope_write));
  CHECK(list_audit(w.st, w.with_pat(w.owner, pat_no(20), scope_write), 0, 5).error().code == errc::insufficient_scope);
}

TEST_CASE("a lost audit row is noticed, not skipped", "[model][queries]") {
  for (std::uint64_t lost : {1u, 2u, 3u}) {
    world w;
    w.st.erase(space::audit, keys::audit(w.ws, lost));
    auto page = list_audit(w.st, w.as(w.owner), 0, 10);
    CHECK(page->items.size() == lost - 1);
    CHECK_FALSE(w.st.trustworthy());
  }
}

TEST_CASE("an audit entry that is not what its hash was made of is not shown", "[model][queries]") {
  for (std::uint64_t changed : {1u, 2u, 3u}) {
    world w;
    auto row = decode<audit_row>(*w.st.get(space::audit, keys::audit(w.ws, changed))).value();
    row.entry.back() = ' ';
    w.st.put(space::audit, keys::audit(w.ws, changed), encode(row));
    CHECK(list_audit(w.st, w.as(w.owner), 0, 10)->items.size() == changed - 1);
    CHECK_FALSE(w.st.trustworthy());
  }
}

TEST_CASE("the head of the audit log is told to whom its entries are", "[model][queries]") {
  world w;
  const auto size = list_audit(w.st, w.as(w.admin), 0, 1)->total;
  CHECK(get_audit_head(w.st, w.as(w.admin))->size == size);
  CHECK(get_audit_head(w.st, w.as(w.owner)).value() == load_audit_head(w.st, w.ws));
  CHECK(get_audit_head(w.st, w.as(w.member)).error().code == errc::forbidden);
  CHECK(get_audit_head(w.st, w.as(w.stranger)).error().code == errc::forbidden);
  w.made(w.owner, new_pat(20, scope_write));
  CHECK(get_audit_head(w.st, w.with_pat(w.owner, pat_no(20), scope_write)).error().code == errc::insufficient_scope);
}

TEST_CASE("a lookup names its PAT in the range of its origin only", "[model][queries]") {
  world w;
  w.made(w.member, new_pat(1));
  w.made(w.as_system(), foreign_pat(2, w.member));
  auto lookup = [&](std::uint64_t n) {
    auto bytes = w.pat(n).value().lookup;
    return std::string(bytes.begin(), bytes.end());
  };
  auto hit = find_token(w.st, lookup(1), token_origin::issued);
  REQUIRE(hit);
  CHECK(hit->workspace == w.ws);
  CHECK(hit->id == pat_no(1));
  CHECK(hit->record == *w.pat(1));
  CHECK_FALSE(find_token(w.st, lookup(1), token_origin::imported));
  CHECK_FALSE(find_token(w.st, lookup(2), token_origin::issued));
  CHECK(find_token(w.st, lookup(2), token_origin::imported)->id == pat_no(2));
  CHECK_FALSE(find_token(w.st, std::string(32, 'x'), token_origin::issued));
  CHECK_FALSE(find_token(w.st, "", token_origin::issued));
  CHECK(w.st.trustworthy());
  auto lost = lookup(1);
  w.st.erase(space::state, keys::pat(w.ws, pat_no(1)));
  CHECK_FALSE(find_token(w.st, lost, token_origin::issued));
  CHECK_FALSE(w.st.trustworthy());
}

TEST_CASE("a query whose reads failed leaves a view that is not believed", "[model][queries]") {
  auto which = GENERATE(range(0, 9));
  auto ask = [&](const world& w, const context& ctx) {
    auto lookup = new_pat(1).lookup;
    switch (which) {
      case 0:
        (void)list_pats(w.st, ctx, {});
        break;
      case 1:
        (void)get_pat(w.st, ctx, pat_no(1));
        break;
      case 2:
        (void)get_workspace(w.st, ctx);
        break;
      case 3:
        (void)list_workspaces(w.st, ctx.who, {});
        break;
      case 4:
        (void)list_members(w.st, ctx, {});
        break;
      case 5:
        (void)list_service_users(w.st, ctx, {});
        break;
      case 6:
        (void)list_projects(w.st, ctx, {});
        break;
      case 7:
        (void)list_audit(w.st, ctx, 0, 10);
        break;
      default:
        (void)find_token(w.st, {reinterpret_cast<const char*>(lookup.data()), 32}, token_origin::issued);
    }
  };
  auto full = [](world& w) {
    w.made(w.member, new_pat(1));
    w.made(w.owner, create_project{project_no(1), "P", "p", "1"});
  };
  world sound;
  full(sound);
  auto ctx = sound.as(sound.owner);
  auto before = sound.st.reads();
  ask(sound, ctx);
  CHECK(sound.st.trustworthy());
  auto reads = sound.st.reads() - before;
  REQUIRE(reads > 0);
  for (std::size_t n = 0; n < reads; ++n) {
    world failing;
    full(failing);
    failing.st.fail_reads_after(n);
    ask(failing, ctx);
    CHECK_FALSE(failing.st.trustworthy());
  }
}
