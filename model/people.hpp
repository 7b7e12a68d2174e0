#pragma once
// Members and service users of a workspace as people to list and to find, by uuid or by the integer id that
// the Unleash API knows them by. Service users are made, changed and deleted by owners and admins. One with a
// root role (Unleash's service accounts) is not made under a name or address that a live one goes by: conflict.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "model/apply.hpp"
#include "model/queries.hpp"

namespace nacre::model {

outcome apply_to(state& st, const context& ctx, const create_service_user& op);
outcome apply_to(state& st, const context& ctx, const change_service_user& op);
// Its tokens end with it.
outcome apply_to(state& st, const context& ctx, const delete_service_user& op);

// A workspace with nobody in it yet.
workspace_record begin_workspace(state& st, const context& ctx, const std::string& name,
                                 const std::string& wrapped_data_key);
// Makes the user a member. Counted in `ws`, which the caller saves.
member_record join(state& st, const context& ctx, workspace_record& ws, user_id user, role as,
                   const std::string& email);

// Whether the id is, or was, a service user's: such a one never becomes a member, which its deletion would not end.
bool is_service_user(const view& v, workspace_id ws, user_id user);

// The next integer id of the workspace, counted in `ws`, which the caller saves.
std::uint64_t number_user(state& st, workspace_id id, workspace_record& ws, user_id user);

// Whoever is in `ws` since before there were integer ids gets one now.
void number_if_none(state& st, workspace_id id, workspace_record& ws, user_id user);

struct person {
  user_id id;
  std::variant<member_record, service_user_record> record;
};
// Nothing for one who left or was deleted.
std::optional<person> find_person(const view& v, workspace_id ws, user_id id);
std::optional<person> find_person(const view& v, workspace_id ws, std::uint64_t number);

struct people_filter {
  std::optional<bool> service;
  std::string search;  // in email or name, ASCII letters in any case; empty: all
};
// Members first, each kind in order of id. `total` counts all that match.
result<listed<person>> list_people(const view& v, const context& ctx, const people_filter& of, page at);

}  // namespace nacre::model
