#include "http/families/service_tokens/input.hpp"

#include <algorithm>

#include "http/call.hpp"
#include "http/families/token_fields.hpp"
#include "http/json.hpp"
#include "model/limits.hpp"
#include "model/text.hpp"

namespace nacre::http::service_tokens {

namespace {

checked<json_document> object_of(const request& r) {
  if (!has_json_or_no_body(r)) return tl::make_unexpected(complaints{"The body must be application/json"});
  auto json = parse_json(r.body, true);
  if (!json) return tl::make_unexpected(complaints{json.error().text});
  return std::move(*json);
}

std::string every_permission_name() {
  std::string out;
  for (std::size_t n = 0; n < model::permission_count; ++n)
    out.append(n == 0 ? "" : ", ").append(model::name_of(static_cast<model::permission>(n)));
  return out;
}

template <class T>
void add_once(std::vector<T>& to, const T& what) {
  if (std::find(to.begin(), to.end(), what) == to.end()) to.push_back(what);
}

// Each reader takes what it can and adds what it cannot to `wrong`.
class fields {
 public:
  fields(const json_value& body, complaints& wrong) : body_(body), wrong_(wrong) {}

  std::string note() {
    auto value = body_.find("note");
    auto text = value ? value->string() : std::nullopt;
    if (!text) return complain("note must be a string"), "";
    auto m = model::measure(*text);
    if (!m.valid || m.controls) complain("note must not contain control characters");
    if (m.chars < 1) complain("note must be longer than or equal to 1 characters");
    if (m.chars > limits::name_chars_max)
      complain("note must be shorter than or equal to " + std::to_string(limits::name_chars_max) + " characters");
    return std::string(*text);
  }

  std::vector<model::permission> permissions() {
    std::vector<model::permission> out;
    auto value = body_.find("permissions");
    if (!value || !value->is_array()) return complain("permissions must be an array"), out;
    for (const auto& item : value->items()) {
      auto name = item.string();
      auto known = name ? model::parse_permission(*name) : std::nullopt;
      if (!known) {
        complain("each value in permissions must be one of the following values: " + every_permission_name());
        break;
      }
      add_once(out, *known);
    }
    return out;
  }

  bool all_projects() {
    auto value = body_.find("allProjects");
    auto yes = value ? value->boolean() : std::nullopt;
    if (!yes) complain("allProjects must be a boolean value");
    return yes.value_or(false);
  }

  std::vector<project_id> projects() {
    std::vector<project_id> out;
    auto value = body_.find("projects");
    if (!value || value->is_null()) return out;
    if (!value->is_array()) return complain("projects must be an array"), out;
    for (const auto& item : value->items()) {
      auto id_of = item.is_object() ? item.find("id") : std::optional(item);
      auto text = id_of ? id_of->string() : std::nullopt;
      auto id = text ? parse_uuid(*text) : std::nullopt;
      if (!id) {
        complain("each value in projects must be a UUID");
        break;
      }
      add_once(out, project_id{*id});
      if (out.size() > limits::projects_per_token_max) {
        complain("projects must contain no more than " + std::to_string(limits::projects_per_token_max) + " elements");
        break;
      }
    }
    return out;
  }

  std::optional<timestamp> expiry(timestamp now) {
    auto value = body_.find("expiry");
    auto word = value ? value->string() : std::nullopt;
    auto life = word ? model::parse_lifetime(*word) : std::nullopt;
    if (life) return model::end_of(*life, now);
    complain("expiry must be one of the following values: week, month, three_months, year, indefinite");
    return std::nullopt;
  }

  model::restrictions only() {
    auto given = restrictions_of(body_);
    if (!given) return complain(given.error().text), model::restrictions{};
    return std::move(*given).value_or(model::restrictions{});
  }

  std::string email() {
    auto value = body_.find("email");
    auto text = value ? value->string() : std::nullopt;
    if (!text || !model::check_email(*text)) return complain("email must be an email"), "";
    return std::string(*text);
  }

  model::account_type type() {
    auto value = body_.find("type");
    auto word = value ? value->string() : std::nullopt;
    auto type = word ? model::parse_account_type(*word) : std::nullopt;
    if (!type) complain("type must be one of the following values: invited, member, author, admin, owner");
    return type.value_or(model::account_type::member);
  }

 private:
  void complain(std::string text) { wrong_.push_back(std::move(text)); }
  const json_value& body_;
  complaints& wrong_;
};

template <class T>
checked<T> unless_wrong(T value, complaints wrong) {
  if (!wrong.empty()) return tl::make_unexpected(std::move(wrong));
  return value;
}

}  // namespace

checked<new_token> new_token_of(const request& r, timestamp now) {
  auto body = object_of(r);
  if (!body) return tl::make_unexpected(body.error());
  complaints wrong;
  auto root = body->root();
  fields in(root, wrong);
  new_token out;
  out.note = in.note();
  out.permissions = in.permissions();
  out.all_projects = in.all_projects();
  out.expires = in.expiry(now);
  if (!out.all_projects) out.projects = in.projects();
  out.only = in.only();
  return unless_wrong(std::move(out), std::move(wrong));
}

checked<std::optional<timestamp>> regeneration_of(const request& r, timestamp now) {
  auto body = object_of(r);
  if (!body) return tl::make_unexpected(body.error());
  complaints wrong;
  auto root = body->root();
  auto expires = fields(root, wrong).expiry(now);
  return unless_wrong(expires, std::move(wrong));
}

checked<new_service_user> new_service_user_of(const request& r) {
  auto body = object_of(r);
  if (!body) return tl::make_unexpected(body.error());
  complaints wrong;
  auto root = body->root();
  fields in(root, wrong);
  new_service_user out;
  out.email = in.email();
  out.type = in.type();
  return unless_wrong(std::move(out), std::move(wrong));
}

checked<people_question> people_question_of(const request& r) {
  auto query = parse_query(r.query);
  if (!query) return tl::make_unexpected(complaints{query.error().text});
  complaints wrong;
  people_question out;
  for (const auto& [name, value] : *query) {
    if (name == "search") out.filter.search = value;
    if (name != "isService") continue;
    if (value != "true" && value != "false")
      wrong.push_back("isService must be one of the following values: true, false");
    out.filter.service = value == "true";
  }
  auto number = [&](std::string_view name, std::uint32_t otherwise, std::uint32_t most) {
    auto n = number_of(*query, name, otherwise, 1, most);
    if (!n) wrong.push_back(n.error().text);
    return static_cast<std::uint32_t>(n.value_or(otherwise));
  };
  out.page = number("page", 1, limits::page_offset_max / limits::people_page_max);
  out.per_page = number("perPage", limits::people_page_default, limits::people_page_max);
  return unless_wrong(std::move(out), std::move(wrong));
}

}  // namespace nacre::http::service_tokens
