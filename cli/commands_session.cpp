// login, logout, whoami, profile list|use: who is signed in, and where.

#include <cstdlib>
#include <iostream>

#include "cli/input.hpp"
#include "cli/server.hpp"
#include "cli/terminal.hpp"
#include "crypto/strict_json.hpp"
#include "model/ids.hpp"

namespace nacre::cli {

namespace {

using crypto::json_quoted;

std::string or_null(const std::string& text) { return text.empty() ? "null" : json_quoted(text); }

// "https://nacre.example:8443" names its profile "nacre.example".
std::string name_for(const web_origin& at) {
  std::string out;
  for (const char c : at.host) out.push_back(is_profile_name(std::string("a") + c) ? c : '-');
  return is_profile_name(out) ? out : "default";
}

outcome<crypto::secure_bytes> token_to_keep(const arguments& with) {
  constexpr std::size_t bytes_max = 16 * 1024;
  crypto::secure_bytes text;
  if (with.has("token-file") || (std::getenv("NACRE_TOKEN") && in_is_terminal())) {
    auto given = given_credential(with);
    if (!given) return refuse(given.error());
    text = std::move(*given);
  } else if (in_is_terminal()) {
    auto typed = ask_hidden("Paste a token (personal access token or JWT): ", bytes_max);
    if (!typed) return refuse(typed.error());
    text = std::move(*typed);
  } else {
    auto piped = read_file("-", bytes_max);
    if (!piped) return refuse(piped.error());
    text = std::move(*piped);
  }
  auto token = trimmed(text.view());
  if (!could_be_token(token))
    return refuse(exit_data, "what was given cannot be a token", "a token is one word of letters, digits and signs");
  return crypto::secure_bytes(token);
}

}  // namespace

outcome<int> run_login(const arguments& with) {
  auto store = profile_store::open();
  if (!store) return refuse(store.error());
  auto url = with.get("url", std::getenv("NACRE_URL") ? std::getenv("NACRE_URL") : "");
  auto name = with.get("profile");
  if (!name.empty() && !is_profile_name(name))
    return refuse(exit_usage, "--profile must be 1 to 32 letters, digits, '-', '_' or '.'");
  profile p;
  if (url.empty()) {
    auto before = store->load(name.empty() ? store->current() : name);
    if (!before) return refuse(before.error());
    if (!*before || (*before)->url.empty())
      return refuse(exit_usage, "--url is missing: which server?", "nacre login --url https://HOST");
    p = std::move(**before);
    p.token = {};
    url = p.url;
  }
  auto origin = parse_origin(url);
  if (!origin) return refuse(exit_usage, origin.error().text);
  p.url = origin->text();
  p.name = !name.empty() ? name : !p.name.empty() ? p.name : name_for(*origin);
  if (with.has("ca-file")) {
    char* whole = ::realpath(with.get("ca-file").c_str(), nullptr);
    if (!whole) return refuse(exit_io, "the CA file cannot be read");
    p.ca_file = whole;
    std::free(whole);
  }
  p.insecure_http = p.insecure_http || with.has("insecure-http");
  auto workspace = with.get("workspace", std::getenv("NACRE_WORKSPACE") ? std::getenv("NACRE_WORKSPACE") : "");
  if (!workspace.empty() && !parse_uuid(workspace)) return refuse(exit_usage, "the workspace must be a UUID");

  using clear_text = http_client::clear_text;
  auto client = http_client::make(p.url, p.insecure_http ? clear_text::anywhere : clear_text::loopback_only, p.ca_file);
  if (!client)
    return refuse(exit_usage, client.error().text,
                  origin->tls ? "" : "use https://, or give --insecure-http where the network is yours alone");
  auto token = token_to_keep(with);
  if (!token) return refuse(token.error());
  const header_list bearer{{"Authorization", "Bearer " + std::string(token->view())}};
  auto answer = client->send("GET", "/api/v1/me", bearer);
  if (!answer) {
    auto r = refusal_of(answer.error());
    r.advice = "is the server running, and the URL right? nothing was kept";
    return refuse(std::move(r));
  }
  if (answer->status != 200) {
    auto r = refusal_of(*answer);
    if (answer->status == 401) r.advice = "the server knows no such token (any more); nothing was kept";
    return refuse(std::move(r));
  }
  auto me = json_answer::parse(answer->body);
  p.user = me ? text_at(me->root(), "/data/id") : std::string();
  if (!parse_uuid(p.user))
    return refuse({exit_unavailable, "the server's answer is not one of nacre", "is this URL a nacre server?",
                   answer->request_id});
  p.email = text_at(me->root(), "/data/email");
  p.credential = text_at(me->root(), "/data/credential");
  p.workspace = text_at(me->root(), "/data/workspaceId");  // a PAT is good in one only
  if (p.workspace.empty()) p.workspace = workspace;
  if (p.workspace.empty()) {
    auto list = client->send("GET", "/api/v1/workspaces?limit=2", bearer);
    auto body = list && list->status == 200 ? json_answer::parse(list->body) : std::nullopt;
    if (body && text_at(body->root(), "/pagination/total") == "1") p.workspace = text_at(body->root(), "/data/0/id");
  }
  p.token = std::move(*token);
  if (auto saved = store->save(p); !saved) return refuse(saved.error());
  if (auto used = store->use(p.name); !used) return refuse(used.error());
  if (with.has("json")) {
    std::cout << "{\"profile\":" << json_quoted(p.name) << ",\"url\":" << json_quoted(p.url)
              << ",\"user\":" << json_quoted(p.user) << ",\"workspace\":" << or_null(p.workspace) << "}\n";
    return exit_ok;
  }
  std::cout << "signed in at " << printable(p.url) << " as " << printable(p.email.empty() ? p.user : p.email)
            << " (profile " << p.name << ")\n";
  if (p.workspace.empty())
    std::cerr << "nacre: you are in several workspaces or none: choose one by --workspace ID, or sign in with it\n";
  return exit_ok;
}

outcome<int> run_logout(const arguments& with) {
  auto store = profile_store::open();
  if (!store) return refuse(store.error());
  auto name = with.get("profile", store->current());
  if (name.empty()) return refuse(exit_config, "nobody is signed in");
  if (!is_profile_name(name)) return refuse(exit_usage, "--profile is no name of a profile");
  auto removed = store->remove(name);
  if (!removed) return refuse(removed.error());
  if (!*removed) return refuse(exit_config, "there is no profile of that name", "see `nacre profile list`");
  if (with.has("json"))
    std::cout << "{\"profile\":" << json_quoted(name) << ",\"removed\":true}\n";
  else
    std::cout << "signed out (profile " << name << "); the token itself stays good until it is revoked or expires\n";
  return exit_ok;
}

outcome<int> run_whoami(const arguments& with) {
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  auto me = at->ask("GET", "/api/v1/me");
  if (!me) return refuse(me.error());
  if (with.has("json")) return print_data(*me);
  sheet s;
  s.row("server", at->url());
  if (!at->used().name.empty()) s.row("profile", at->used().name);
  s.row("user", text_at(me->root(), "/data/id"));
  if (auto email = text_at(me->root(), "/data/email"); !email.empty()) s.row("email", email);
  const bool pat = text_at(me->root(), "/data/credential") == "pat";
  s.row("credential", pat ? "personal access token" : "JWT");
  if (pat) {
    s.row("token id", text_at(me->root(), "/data/tokenId"));
    s.row("scopes", text_at(me->root(), "/data/scopes"));
    s.row("workspace", text_at(me->root(), "/data/workspaceId"));
  } else {
    s.row("workspace", at->used().workspace);
  }
  s.print();
  return exit_ok;
}

outcome<int> run_profile_list(const arguments& with) {
  auto store = profile_store::open();
  if (!store) return refuse(store.error());
  auto names = store->names();
  if (!names) return refuse(names.error());
  const auto current = store->current();
  table t({"PROFILE", "IN USE", "SERVER", "USER", "WORKSPACE"});
  std::string json;
  for (const auto& name : *names) {
    auto p = store->load(name);
    if (!p) return refuse(p.error());
    if (!*p) continue;
    const auto& one = **p;
    t.row({name, name == current ? "yes" : "", one.url, one.email.empty() ? one.user : one.email, one.workspace});
    json += std::string(json.empty() ? "" : ",") + "{\"profile\":" + json_quoted(name) +
            ",\"current\":" + (name == current ? "true" : "false") + ",\"url\":" + json_quoted(one.url) +
            ",\"user\":" + json_quoted(one.user) + ",\"email\":" + or_null(one.email) +
            ",\"workspace\":" + or_null(one.workspace) + "}";
  }
  if (with.has("json"))
    std::cout << "[" << json << "]\n";
  else if (t.empty())
    std::cerr << "no profiles: sign in with `nacre login --url URL`\n";
  else
    t.print();
  return exit_ok;
}

outcome<int> run_profile_use(const arguments& with) {
  auto store = profile_store::open();
  if (!store) return refuse(store.error());
  const auto name = with.operand(0);
  if (!is_profile_name(name)) return refuse(exit_usage, "NAME is no name of a profile");
  auto p = store->load(name);
  if (!p) return refuse(p.error());
  if (!*p) return refuse(exit_config, "there is no profile of that name", "see `nacre profile list`");
  if (with.has("workspace")) {
    if (!parse_uuid(with.get("workspace"))) return refuse(exit_usage, "the workspace must be a UUID");
    (*p)->workspace = with.get("workspace");
    if (auto saved = store->save(**p); !saved) return refuse(saved.error());
  }
  if (auto used = store->use(name); !used) return refuse(used.error());
  std::cout << "using " << name << " (" << printable((*p)->url) << ")\n";
  return exit_ok;
}

}  // namespace nacre::cli
