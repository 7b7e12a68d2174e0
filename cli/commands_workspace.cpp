// workspace list|create|show|rename|delete and member list|put|remove.

#include <iostream>

#include "cli/server.hpp"
#include "cli/terminal.hpp"
#include "cli/words.hpp"
#include "crypto/strict_json.hpp"

namespace nacre::cli {

namespace {

using crypto::json_quoted;

// All items of a list that is told in pages; false from `each` ends it.
template <class Each>
outcome<bool> for_all(server& at, const std::string& path, Each each) {
  std::int64_t total = 1;
  for (std::int64_t seen = 0; seen < total;) {
    auto page = at.ask("GET", path + "?limit=100&offset=" + std::to_string(seen));
    if (!page) return refuse(page.error());
    total = std::strtoll(text_at(page->root(), "/pagination/total").c_str(), nullptr, 10);
    simdjson::dom::array items;
    auto data = value_at(page->root(), "/data");
    if (!data || data->get(items) != simdjson::SUCCESS || items.size() == 0) break;
    for (auto item : items) {
      ++seen;
      each(item);
    }
  }
  return true;
}

int show_workspace(const arguments& with, const json_answer& answer) {
  auto w = value_at(answer.root(), "/data");
  if (with.has("json")) {
    std::cout << (w ? simdjson::minify(*w) : "null") << "\n";
    return exit_ok;
  }
  sheet s;
  for (auto [name, pointer] :
       {std::pair("id", "/id"), std::pair("name", "/name"), std::pair("your role", "/role"),
        std::pair("members", "/memberCount"), std::pair("tokens", "/patCount"), std::pair("created", "/createdAt")})
    s.row(name, w ? text_at(*w, pointer) : "");
  s.print();
  return exit_ok;
}

// The workspace named as operand, else the chosen one.
outcome<std::string> which_workspace(const arguments& with, server& at) {
  if (!with.operand(0).empty()) return uuid_operand(with, 0, "ID");
  return at.workspace();
}

outcome<std::string> members_path(server& at) {
  auto ws = at.workspace();
  if (!ws) return refuse(ws.error());
  return "/api/v1/workspaces/" + *ws + "/members";
}

}  // namespace

outcome<int> run_workspace_list(const arguments& with) {
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  table t({"ID", "NAME", "YOUR ROLE", "MEMBERS", "TOKENS"});
  std::string json;
  auto all = for_all(*at, "/api/v1/workspaces", [&](json_value w) {
    json += (json.empty() ? "" : ",") + simdjson::minify(w);
    t.row({text_at(w, "/id"), text_at(w, "/name"), text_at(w, "/role"), text_at(w, "/memberCount"),
           text_at(w, "/patCount")});
  });
  if (!all) return refuse(all.error());
  if (with.has("json"))
    std::cout << "[" << json << "]\n";
  else if (t.empty())
    std::cerr << "you are in no workspace: `nacre workspace create NAME` makes one\n";
  else
    t.print();
  return exit_ok;
}

outcome<int> run_workspace_create(const arguments& with) {
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  auto made = at->ask("POST", "/api/v1/workspaces", "{\"name\":" + json_quoted(with.operand(0)) + "}");
  if (!made) return refuse(made.error());
  return show_workspace(with, *made);
}

outcome<int> run_workspace_show(const arguments& with) {
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  auto id = which_workspace(with, *at);
  if (!id) return refuse(id.error());
  auto one = at->ask("GET", "/api/v1/workspaces/" + *id);
  if (!one) return refuse(one.error());
  return show_workspace(with, *one);
}

outcome<int> run_workspace_rename(const arguments& with) {
  auto id = uuid_operand(with, 0, "ID");
  if (!id) return refuse(id.error());
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  auto one = at->ask("PATCH", "/api/v1/workspaces/" + *id, "{\"name\":" + json_quoted(with.operand(1)) + "}");
  if (!one) return refuse(one.error());
  return show_workspace(with, *one);
}

outcome<int> run_workspace_delete(const arguments& with) {
  auto id = uuid_operand(with, 0, "ID");
  if (!id) return refuse(id.error());
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  if (auto yes = sure(with, "Delete this workspace, with every token and secret in it, for good?"); !yes)
    return refuse(yes.error());
  auto done = at->call("DELETE", "/api/v1/workspaces/" + *id);
  if (!done) return refuse(done.error());
  std::cout << (with.has("json") ? "{\"deleted\":true}" : "deleted") << "\n";
  return exit_ok;
}

outcome<int> run_member_list(const arguments& with) {
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  auto path = members_path(*at);
  if (!path) return refuse(path.error());
  table t({"USER", "ROLE", "E-MAIL", "JOINED"});
  std::string json;
  auto all = for_all(*at, *path, [&](json_value m) {
    json += (json.empty() ? "" : ",") + simdjson::minify(m);
    t.row({text_at(m, "/userId"), text_at(m, "/role"), text_at(m, "/email"), text_at(m, "/joinedAt")});
  });
  if (!all) return refuse(all.error());
  if (with.has("json"))
    std::cout << "[" << json << "]\n";
  else
    t.print();
  return exit_ok;
}

outcome<int> run_member_put(const arguments& with) {
  auto user = uuid_operand(with, 0, "USER");
  if (!user) return refuse(user.error());
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  auto path = members_path(*at);
  if (!path) return refuse(path.error());
  auto body = "{\"role\":" + json_quoted(with.get("role"));
  if (with.has("email")) body += ",\"email\":" + json_quoted(with.get("email"));
  auto member = at->ask("PUT", *path + "/" + *user, body + "}");
  if (!member) return refuse(member.error());
  if (with.has("json")) return print_data(*member);
  std::cout << printable(text_at(member->root(), "/data/userId")) << " is "
            << printable(text_at(member->root(), "/data/role")) << "\n";
  return exit_ok;
}

outcome<int> run_member_remove(const arguments& with) {
  auto user = uuid_operand(with, 0, "USER");
  if (!user) return refuse(user.error());
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  auto path = members_path(*at);
  if (!path) return refuse(path.error());
  if (auto yes = sure(with, "Remove this member? Their tokens here stop working for good."); !yes)
    return refuse(yes.error());
  auto done = at->call("DELETE", *path + "/" + *user);
  if (!done) return refuse(done.error());
  std::cout << (with.has("json") ? "{\"removed\":true}" : "removed") << "\n";
  return exit_ok;
}

}  // namespace nacre::cli
