#pragma once
// The bodies and queries of the service-user family as typed values: contracts/gorules-service-tokens.md sections 4
// and 6. What is wrong is told all at once, one text for each complaint, in fixed words. Unknown fields are ignored.

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "http/server.hpp"
#include "model/people.hpp"
#include "model/tokens.hpp"

namespace nacre::http::service_tokens {

using complaints = std::vector<std::string>;
template <class T>
using checked = tl::expected<T, complaints>;

// {"note", "permissions", "allProjects", "expiry", "projects"?} and the restrictions of token_fields.hpp. What stands
// twice in a list is taken once. Whether the projects are there is for who has a view.
struct new_token {
  std::string note;
  std::vector<model::permission> permissions;
  bool all_projects = false;
  std::vector<project_id> projects;  // none if all_projects
  std::optional<timestamp> expires;
  model::restrictions only;
};
checked<new_token> new_token_of(const request& r, timestamp now);

// {"expiry"}: when the new token ends.
checked<std::optional<timestamp>> regeneration_of(const request& r, timestamp now);

struct new_service_user {
  std::string email;
  model::account_type type = model::account_type::member;
};
checked<new_service_user> new_service_user_of(const request& r);

struct people_question {
  model::people_filter filter;
  std::uint32_t page = 1, per_page = limits::people_page_default;
};
checked<people_question> people_question_of(const request& r);

}  // namespace nacre::http::service_tokens
