#pragma once
// nacre's own management API (DESIGN section 7): workspaces, members, service users, projects, the
// caller, the audit log. `{"data": ...}` answers, errors as in the Alephant family; unknown fields in
// a body are refused, because nobody but us defines these bodies.

#include "http/call.hpp"

namespace nacre::http::management {

void create_workspace(call_ptr c);
void list_workspaces(call_ptr c);
void get_workspace(call_ptr c);
void change_workspace(call_ptr c);
void delete_workspace(call_ptr c);
void list_members(call_ptr c);
void put_member(call_ptr c);
void remove_member(call_ptr c);
void create_service_user(call_ptr c);
void list_service_users(call_ptr c);
void create_project(call_ptr c);
void list_projects(call_ptr c);
void who_am_i(call_ptr c);
void list_audit(call_ptr c);
void get_audit_head(call_ptr c);

}  // namespace nacre::http::management
