#pragma once
// Workspaces, members, service users and projects.

#include "model/commands.hpp"
#include "model/limits.hpp"
#include "model/records.hpp"
#include "tests/model/samples/any.hpp"

namespace nacre::model::testing {

inline role any_role(random_source& r) { return static_cast<role>(1 + r.below(3)); }
inline account_type any_account(random_source& r) { return static_cast<account_type>(1 + r.below(5)); }

inline void fill(random_source& r, workspace_record& v) {
  v = {text(r), r.time(), maybe_time(r), r.u32(), r.u32(), r.u32(), r.u32(), r.u32(), r.any(), r.any(), 0};
  if (r.one_in(2)) v.user_seq = r.any();
}
inline void fill(random_source& r, member_record& v) {
  v = {any_role(r), maybe_time(r), r.time(), text(r, limits::email_bytes_max), r.u32(), r.any(), 0};
  if (r.one_in(2)) v.number = r.any();
}
inline void fill(random_source& r, service_user_record& v) {
  v = {};
  v.name = text(r);
  v.created = v.updated = r.time();
  v.created_by = r.id_as<user_id>();
  if (r.one_in(2)) return;  // as they were before they had a number
  v.email = text(r, limits::email_bytes_max);
  v.type = any_account(r);
  v.root_role = r.u32();
  v.number = 1 + r.below(1'000);
  v.updated = r.time();
  v.removed = maybe_time(r);
}
inline void fill(random_source& r, project_record& v) { v = {text(r), text(r), text(r), r.time(), r.time()}; }

inline void fill(random_source& r, create_workspace& v) { v = {text(r), text(r, 254), text(r, 2000)}; }
inline void fill(random_source& r, admit_member& v) { v = {text(r), text(r, 254), any_role(r), text(r, 2000)}; }
inline void fill(random_source& r, rename_workspace& v) { v = {text(r)}; }
inline void fill(random_source&, delete_workspace&) {}
inline void fill(random_source& r, put_member& v) {
  v = {r.id_as<user_id>(), any_role(r), {}};
  if (r.one_in(2)) v.email = text(r, 254);
}
inline void fill(random_source& r, remove_member& v) { v = {r.id_as<user_id>()}; }
inline void fill(random_source& r, create_service_user& v) {
  v = {r.id_as<user_id>(), text(r), text(r, limits::email_bytes_max), any_account(r), r.u32()};
}
inline void fill(random_source& r, create_project& v) { v = {r.id_as<project_id>(), text(r), text(r), text(r)}; }
inline void fill(random_source& r, change_service_user& v) {
  v = {r.id_as<user_id>(), {}, {}};
  if (r.one_in(2)) v.name = text(r);
  if (r.one_in(2)) v.root_role = r.u32();
}
inline void fill(random_source& r, delete_service_user& v) { v = {r.id_as<user_id>()}; }

inline workspace_record sample_workspace() {
  return {"Pearl \xf0\x9f\x90\x9a", sample_time, after(sample_time, 1), 2, 3, 4, 5, 6, 7, 8, 0};
}
inline workspace_record sample_numbering_workspace() {
  auto w = sample_workspace();
  w.user_seq = 9;
  return w;
}
inline member_record sample_member() {
  return {role::admin, after(sample_time, 2), sample_time, "ada@example.org", 9, 4, 0};
}
inline member_record sample_numbered_member() {
  auto m = sample_member();
  m.number = 10;
  return m;
}
inline service_user_record sample_service_user() {
  service_user_record s;
  s.name = "deployer";
  s.created = s.updated = sample_time;
  s.created_by = user_id{sample_id(0x10)};
  return s;
}
inline service_user_record sample_numbered_service_user() {
  auto s = sample_service_user();
  s.email = "ci@example.org";
  s.type = account_type::author;
  s.root_role = 2;
  s.number = 11;
  s.updated = after(sample_time, 18);
  s.removed = after(sample_time, 19);
  return s;
}
inline project_record sample_project() { return {"Shell", "shell", "1.2.3", sample_time, after(sample_time, 3)}; }

inline named_operations sample_people_operations() {
  auto user = user_id{sample_id(0x11)};
  return {
      {"create_workspace", create_workspace{"Pearl", "ada@example.org", "wrapped"}},
      {"admit_member", admit_member{"Pearl", "ada@example.org", role::owner, "wrapped"}},
      {"rename_workspace", rename_workspace{"Nacre"}},
      {"delete_workspace", delete_workspace{}},
      {"put_member", put_member{user, role::admin, "bob@example.org"}},
      {"put_member_same_email", put_member{user, role::member, std::nullopt}},
      {"remove_member", remove_member{user}},
      {"create_service_user", create_service_user{user, "deployer", "ci@example.org", account_type::author, 2}},
      {"create_project", create_project{project_id{sample_id(0x13)}, "Shell", "shell", "1"}},
      {"change_service_user", change_service_user{user, "renamed", 1}},
      {"change_service_user_nothing", change_service_user{user, {}, {}}},
      {"delete_service_user", delete_service_user{user}},
  };
}

}  // namespace nacre::model::testing
