#include "http/families/unleash/service_accounts.hpp"

#include <algorithm>

#include "crypto/random.hpp"
#include "http/families/unleash/flow.hpp"
#include "model/limits.hpp"
#include "model/people.hpp"
#include "model/text.hpp"
#include "model/token_queries.hpp"

namespace nacre::http::unleash {

namespace {

problem no_account(std::string_view id) { return not_there("service account", id); }

// The service user that the path names.
checked<service_account> account_of(const call& c, const model::view& v) {
  auto text = c.capture(0);
  auto number = id_of(text);
  if (!number) return tl::make_unexpected(number.error());
  auto found = model::find_person(v, c.ctx.workspace, *number);
  auto* record = found ? std::get_if<model::service_user_record>(&found->record) : nullptr;
  if (!record) return tl::make_unexpected(no_account(text));
  return service_account{found->id, std::move(*record), {}};
}

checked<token_holder> account(const call& c, const model::view& v, const model::standing&) {
  auto found = account_of(c, v);
  if (!found) return tl::make_unexpected(found.error());
  return token_holder{found->id, found->record.number};
}

result<tokens> tokens_of(const call& c, const model::view& v, user_id owner) {
  return model::list_tokens(v, c.ctx, owner, model::token_family::unleash);
}

response one(int status, const service_account& account) {
  json_writer w(512);
  write(w, account);
  return utf8_json(status, w.take());
}

std::optional<problem> check_username(const std::string& text) {
  if (text.size() > limits::email_bytes_max)
    return bad_data("username must have at most " + std::to_string(limits::email_bytes_max) + " bytes");
  if (auto good = model::check_name("username", text, limits::email_bytes_max); !good)
    return bad_data(good.error().text);
  return std::nullopt;
}

// 0: not given.
checked<std::uint32_t> role_of(const field& given) {
  if (!given.number) return 0;
  if (const auto* known = find_root_role(*given.number)) return known->id;
  return tl::make_unexpected(bad_data("There is no root role with the id " + std::to_string(*given.number) + "."));
}

}  // namespace

void list_accounts(call_ptr c) {
  as_admin(std::move(c), [](call_ptr mine, const model::view& v, const model::standing&) {
    auto people = model::list_people(v, mine->ctx, {true, {}}, {0, limits::service_users_per_workspace_max});
    if (!people) return http::refuse(std::move(mine), people.error());
    std::vector<service_account> found;
    for (auto& p : people->items)
      if (auto* record = std::get_if<model::service_user_record>(&p.record))
        found.push_back({p.id, std::move(*record), {}});
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.record.number < b.record.number; });
    json_writer w(512 + 512 * found.size());
    w.object().key("serviceAccounts").array();
    for (auto& each : found) {
      auto pats = tokens_of(*mine, v, each.id);
      if (!pats) return http::refuse(std::move(mine), pats.error());
      each.pats = std::move(*pats);
      write(w, each);
      each.pats.clear();
    }
    w.end_array().key("rootRoles");
    write_root_roles(w);
    w.end_object();
    answer_read(std::move(mine), v, utf8_json(200, w.take()));
  });
}

void create_account(call_ptr c) {
  as_admin(std::move(c), [](call_ptr mine, const model::view&, const model::standing&) {
    constexpr wanted fields[] = {{"username"}, {"name"}, {"rootRole", shape::integer}};
    auto body = body_of(mine->req);
    if (!body) return refuse(std::move(mine), body.error());
    auto given = read_fields(*body, fields);
    if (!given) return refuse(std::move(mine), given.error());
    if (auto bad = check_username(*(*given)[0].text)) return refuse(std::move(mine), *bad);
    if (auto good = model::check_name("name", *(*given)[1].text, limits::name_chars_max); !good)
      return http::refuse(std::move(mine), good.error());
    auto role = role_of((*given)[2]);
    if (!role) return refuse(std::move(mine), role.error());
    model::create_service_user op;
    op.id = user_id{crypto::random_uuid()};
    op.email = std::move(*(*given)[0].text);
    op.name = std::move(*(*given)[1].text);
    op.root_role = *role;
    order_or_refuse(std::move(mine), model::operation{std::move(op)}, [](call_ptr asked, actors::answer a) {
      auto& made = std::get<model::service_user_entry>(a.outcome.what);
      answer(std::move(asked), one(201, {made.id, std::move(made.record), {}}));
    });
  });
}

void change_account(call_ptr c) {
  as_admin(std::move(c), [](call_ptr mine, const model::view& v, const model::standing&) {
    constexpr wanted fields[] = {{"name", shape::text, false}, {"rootRole", shape::integer, false}};
    auto body = body_of(mine->req);
    if (!body) return refuse(std::move(mine), body.error());
    auto given = read_fields(*body, fields);
    if (!given) return refuse(std::move(mine), given.error());
    model::change_service_user op;
    if (auto& name = (*given)[0].text) {
      if (auto good = model::check_name("name", *name, limits::name_chars_max); !good)
        return http::refuse(std::move(mine), good.error());
      op.name = std::move(*name);
    }
    auto role = role_of((*given)[1]);
    if (!role) return refuse(std::move(mine), role.error());
    if (*role != 0) op.root_role = *role;
    auto found = account_of(*mine, v);
    if (!found) return refuse(std::move(mine), found.error());
    op.id = found->id;
    auto pats = tokens_of(*mine, v, found->id);
    if (!v.trustworthy())
      return http::refuse(std::move(mine), {errc::storage_failed, "Stored state could not be read"});
    if (!pats) return http::refuse(std::move(mine), pats.error());
    order_or_refuse(std::move(mine), model::operation{std::move(op)},
                    [pats = std::move(*pats)](call_ptr asked, actors::answer a) mutable {
                      auto& made = std::get<model::service_user_entry>(a.outcome.what);
                      answer(std::move(asked), one(200, {made.id, std::move(made.record), std::move(pats)}));
                    });
  });
}

void delete_account(call_ptr c) {
  as_admin(std::move(c), [](call_ptr mine, const model::view& v, const model::standing&) {
    auto found = account_of(*mine, v);
    if (!v.trustworthy())
      return http::refuse(std::move(mine), {errc::storage_failed, "Stored state could not be read"});
    if (!found) return refuse(std::move(mine), found.error());
    order_or_refuse(std::move(mine), model::operation{model::delete_service_user{found->id}},
                    [](call_ptr asked, actors::answer) { answer(std::move(asked), done()); });
  });
}

void list_account_tokens(call_ptr c) {
  as_admin(std::move(c), [](call_ptr mine, const model::view& v, const model::standing& who) {
    list_tokens(std::move(mine), v, who, account);
  });
}

void create_account_token(call_ptr c) {
  as_admin(std::move(c), [](call_ptr mine, const model::view& v, const model::standing& who) {
    create_token(std::move(mine), v, who, account);
  });
}

void delete_account_token(call_ptr c) {
  as_admin(std::move(c), [](call_ptr mine, const model::view& v, const model::standing& who) {
    delete_token(std::move(mine), v, who, account, {1, "tokenId"});
  });
}

void rotate_account_token(call_ptr c) {
  as_admin(std::move(c), [](call_ptr mine, const model::view& v, const model::standing& who) {
    rotate_token(std::move(mine), v, who, account, {1, "tokenId"});
  });
}

}  // namespace nacre::http::unleash
