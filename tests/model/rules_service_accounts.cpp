// Service users as Unleash knows them: by user name, with a root role.

#include "model/people.hpp"
#include "tests/model/world.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

create_service_user account(std::uint64_t n, std::string username, std::uint32_t root_role = 2) {
  create_service_user op;
  op.id = user_no(n);
  op.name = "CI";
  op.email = std::move(username);
  op.root_role = root_role;
  return op;
}

change_service_user with_role(std::uint64_t n, std::uint32_t root_role) {
  change_service_user op;
  op.id = user_no(n);
  op.root_role = root_role;
  return op;
}

role role_of(world& w, std::uint64_t n) {
  auto found = find_person(w.st, w.ws, user_no(n));
  REQUIRE(found);
  return std::get<service_user_record>(found->record).role();
}

}  // namespace

TEST_CASE("a user name is one service account's, letter for letter", "[model][rules]") {
  world w;
  w.made(w.admin, account(50, "ci"));
  CHECK(w.refused(w.admin, account(51, "ci")) == errc::conflict);
  w.made(w.admin, account(51, "CI"));
  // Other families' service users have ids for that, and may stand in the way of an account only.
  w.made(w.admin, account(52, "ci", 0));
  w.made(w.admin, account(53, "robot@example.com", 0));
  CHECK(w.refused(w.admin, account(54, "robot@example.com")) == errc::conflict);
}

TEST_CASE("a root role said last is the role, whatever the account was made as", "[model][rules]") {
  world w;
  auto op = account(50, "ci", 0);
  op.type = account_type::admin;
  w.made(w.admin, op);
  CHECK(role_of(w, 50) == role::admin);
  w.made(w.admin, with_role(50, 3));
  CHECK(role_of(w, 50) == role::member);
  w.made(w.admin, with_role(50, 1));
  CHECK(role_of(w, 50) == role::admin);
  CHECK(w.refused(w.member, with_role(50, 3)) == errc::forbidden);
  op = account(51, "root", 0);
  op.type = account_type::owner;
  w.made(w.owner, op);
  CHECK(w.refused(w.admin, with_role(51, 3)) == errc::forbidden);
  w.made(w.owner, with_role(51, 3));
  CHECK(role_of(w, 51) == role::member);
}
