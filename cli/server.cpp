#include "cli/server.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "cli/input.hpp"
#include "cli/terminal.hpp"
#include "crypto/jwt.hpp"
#include "model/ids.hpp"

namespace nacre::cli {

namespace {

using std::string_view;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

struct choice {
  std::string url;
  std::optional<profile> mine;
  bool same_server = false;
};

// Which server and profile were meant, before anything is sent.
outcome<choice> choose_server(const arguments& with, bool profile_needed) {
  choice out;
  out.url = with.get("url", environment("NACRE_URL"));
  auto store = profile_store::open();
  if (!store) {
    // Whoever says everything themselves needs no profiles.
    if (!out.url.empty() && !with.has("profile") && !profile_needed) return out;
    return refuse(store.error());
  }
  auto name = with.get("profile");
  if (!name.empty() && !is_profile_name(name)) return refuse(exit_usage, "--profile is no name of a profile");
  if (name.empty()) name = store->current();
  if (!name.empty()) {
    auto loaded = store->load(name);
    if (!loaded) return refuse(loaded.error());
    if (!*loaded && with.has("profile"))
      return refuse(exit_config, "there is no profile of that name", "see `nacre profile list`");
    out.mine = std::move(*loaded);
  }
  if (out.url.empty() && out.mine) out.url = out.mine->url;
  if (out.url.empty())
    return refuse(exit_config, "no server is chosen",
                  "sign in with `nacre login --url URL`, or give --url or NACRE_URL");
  if (out.mine) {
    auto a = parse_origin(out.url), b = parse_origin(out.mine->url);
    out.same_server = a && b && *a == *b;
  }
  return out;
}

}  // namespace

std::optional<json_answer> json_answer::parse(string_view text) {
  json_answer out;
  out.reader_ = std::make_unique<crypto::json_reader>(std::max<std::size_t>(text.size(), 64));
  auto root = out.reader_->read(text);
  if (!root) return std::nullopt;
  out.root_ = *root;
  return out;
}

std::optional<json_value> value_at(json_value of, string_view pointer) {
  json_value found;
  if (of.at_pointer(pointer).get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

string_view lent_at(json_value of, string_view pointer) {
  auto found = value_at(of, pointer);
  string_view text;
  if (!found || found->get(text) != simdjson::SUCCESS) return {};
  return text;
}

std::string text_at(json_value of, string_view pointer) {
  auto found = value_at(of, pointer);
  if (!found || found->is_null()) return {};
  string_view text;
  if (found->get(text) == simdjson::SUCCESS) return std::string(text);
  if (simdjson::dom::array list; found->get(list) == simdjson::SUCCESS) {
    std::string out;
    for (auto each : list) out += (out.empty() ? "" : " ") + text_at(each, "");
    return out;
  }
  return simdjson::minify(*found);
}

outcome<int> print_data(const json_answer& answer) {
  auto data = value_at(answer.root(), "/data");
  if (!data) return refuse(exit_unavailable, "the server's answer holds no data", "is this URL a nacre server?");
  if (auto out = print_out(simdjson::minify(*data) + "\n"); !out) return refuse(out.error());
  return exit_ok;
}

std::string base64(string_view bytes) {
  auto text = crypto::base64url_encode(bytes);
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text.push_back('=');
  return text;
}

string_view trimmed(string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

bool fits_header(string_view text) {
  return text.size() <= 8 * 1024 && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool could_be_token(string_view text) { return text.size() >= 16 && fits_header(text); }

outcome<crypto::secure_bytes> given_credential(const arguments& with) {
  constexpr std::size_t bytes_max = 16 * 1024;
  crypto::secure_bytes text;
  if (with.has("token-file")) {
    auto file = read_file(with.get("token-file"), bytes_max);
    if (!file) return refuse(exit_io, "the token file cannot be read");
    text = std::move(*file);
    if (trimmed(text.view()).empty()) return refuse(exit_config, "the token file is empty");
  } else if (const char* value = std::getenv("NACRE_TOKEN")) {
    text = crypto::secure_bytes(string_view(value));
  }
  auto token = trimmed(text.view());
  if (!fits_header(token))  // what it is worth, the server says
    return refuse(exit_config, "what was given as a token cannot be one", "see --token-file and NACRE_TOKEN");
  return crypto::secure_bytes(token);
}

refusal refusal_of(const http_answer& a) {
  refusal r;
  r.request_id = a.request_id;
  std::string message, code;
  if (auto body = json_answer::parse(a.body)) {
    message = text_at(body->root(), "/message");
    code = text_at(body->root(), "/code");
    if (message.empty()) message = text_at(body->root(), "/error");
  }
  r.text = "the server answered " + std::to_string(a.status);
  if (!code.empty()) r.text += " " + code.substr(0, 64);
  if (!message.empty()) r.text += ": " + message.substr(0, 500);
  const auto wait = a.retry_after_s ? " in " + std::to_string(*a.retry_after_s) + " s" : std::string();
  r.exit = exit_data;
  if (a.status == 401) {
    r.exit = exit_not_allowed;
    r.advice = "sign in with `nacre login`, or give a token that is good by NACRE_TOKEN or --token-file";
  } else if (a.status == 403) {
    r.exit = exit_not_allowed;
    r.advice = "your role or your token's scopes do not allow this; `nacre whoami` says who you are";
  } else if (a.status == 404) {
    r.advice = "check the id and the workspace (--workspace)";
  } else if (a.status == 413) {
    r.advice = "it is longer than this server takes";
  } else if (a.status == 429) {
    r.exit = exit_unavailable;
    r.advice = "try again" + wait;
  } else if (a.status == 507) {
    r.exit = exit_unavailable;
    r.advice = "the server keeps no more; try later, or tell its operator";
  } else if (a.status >= 500 || a.status < 400) {
    r.exit = exit_unavailable;
    r.advice = a.status >= 500 ? "try again" + wait + "; if it stays so, give the request id to the operator"
                               : "is this URL a nacre server?";
  }
  return r;
}

outcome<server> server::connect(const arguments& with, std::string url, std::optional<profile> mine, sign_in how,
                                bool same_server, bool from_link) {
  using clear_text = http_client::clear_text;
  const bool clear = with.has("insecure-http") || (same_server && mine->insecure_http);
  auto ca_file = with.get("ca-file", environment("NACRE_CA_FILE"));
  if (ca_file.empty() && same_server) ca_file = mine->ca_file;
  auto client = http_client::make(url, clear ? clear_text::anywhere : clear_text::loopback_only, ca_file);
  if (!client) {
    const bool overheard = client.error().text.find("clear text") != std::string::npos;
    return refuse(exit_usage, client.error().text,
                  overheard ? "use https://, or give --insecure-http where the network is yours alone" : "");
  }
  server out(parse_origin(url)->text(), std::move(*client));
  // A credential said beside a link of another server was not meant for that one.
  if (how != sign_in::never && (!from_link || same_server)) {
    auto given = given_credential(with);
    if (!given) return refuse(given.error());
    out.token_ = std::move(*given);
    if (out.token_.empty() && same_server) out.token_ = std::move(mine->token);
  }
  if (how == sign_in::needed && out.token_.empty())
    return refuse(exit_config, "nobody is signed in at " + out.url_,
                  "sign in with `nacre login`, or give a token by NACRE_TOKEN or --token-file");
  out.workspace_ = with.get("workspace", environment("NACRE_WORKSPACE"));
  if (!out.workspace_.empty() && !parse_uuid(out.workspace_))
    return refuse(exit_usage, "the workspace must be a UUID", "see `nacre workspace list`");
  if (same_server) {
    if (out.workspace_.empty()) out.workspace_ = mine->workspace;
    mine->token = {};
    out.profile_ = std::move(*mine);
  }
  return out;
}

outcome<server> server::choose(const arguments& with, sign_in how) {
  auto chosen = choose_server(with, false);
  if (!chosen) return refuse(chosen.error());
  return connect(with, std::move(chosen->url), std::move(chosen->mine), how, chosen->same_server, false);
}

outcome<server> server::of_link(const arguments& with, const std::string& origin, sign_in how) {
  auto chosen = choose_server(with, false);
  std::optional<profile> mine;
  bool same = false;
  if (chosen) {
    auto a = parse_origin(chosen->url), b = parse_origin(origin);
    same = a && b && *a == *b;
    if (same && chosen->same_server) mine = std::move(chosen->mine);
  }
  if (same && !mine) mine.emplace();  // the server was named by --url or NACRE_URL
  return connect(with, origin, std::move(mine), how, same, true);
}

result<http_answer> server::raw(string_view verb, string_view target, const header_list& headers, std::string body) {
  return client_.send(verb, target, headers, std::move(body));
}

header_list server::bearer() const {
  if (!signed_in()) return {};
  return {{"Authorization", "Bearer " + std::string(token_.view())}};
}

outcome<http_answer> server::call(string_view verb, string_view target, std::string body, const header_list& more,
                                  bool in_workspace) {
  header_list headers = more;
  if (in_workspace) {
    auto ws = workspace();
    if (!ws) return refuse(ws.error());
    headers.emplace_back("X-Workspace-Id", *ws);
  }
  for (auto& each : bearer()) headers.push_back(std::move(each));
  if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
  auto answer = client_.send(verb, target, headers, std::move(body));
  if (!answer) {
    auto r = refusal_of(answer.error());
    r.advice = answer.error().code == errc::outcome_unknown
                   ? "whether it was done is not known: look before you repeat it"
                   : "is the server running, and the URL right?";
    return refuse(std::move(r));
  }
  if (answer->status / 100 != 2) return refuse(refusal_of(*answer));
  return std::move(*answer);
}

outcome<json_answer> server::ask(string_view verb, string_view target, std::string body, const header_list& more,
                                 bool in_workspace) {
  auto answer = call(verb, target, std::move(body), more, in_workspace);
  if (!answer) return refuse(answer.error());
  auto json = json_answer::parse(answer->body);
  if (!json)
    return refuse(
        {exit_unavailable, "the server's answer is not JSON", "is this URL a nacre server?", answer->request_id});
  return std::move(*json);
}

outcome<http_answer> server::insist(string_view verb, string_view target, const header_list& headers, string_view body,
                                    int seconds) {
  using namespace std::chrono;
  const auto until = steady_clock::now() + std::chrono::seconds(seconds);
  bool may_be_done = false;
  for (milliseconds pause(250);; pause = std::min(2 * pause, milliseconds(2'000))) {
    auto answer = client_.send(verb, target, headers, std::string(body));
    const bool not_now = answer && (answer->status == 408 || (answer->status >= 500 && answer->status != 507));
    const bool too_often = answer && answer->status == 429;
    if (answer && !not_now && !(too_often && may_be_done)) return std::move(*answer);
    may_be_done = may_be_done || not_now || (!answer && answer.error().code == errc::outcome_unknown);
    const auto told = std::chrono::seconds(too_often ? answer->retry_after_s.value_or(0) : 0);
    const auto wait = std::max<milliseconds>(pause, told);
    if (steady_clock::now() + wait >= until) {
      if (answer) return std::move(*answer);
      return refuse(refusal_of(answer.error()));
    }
    pause_ms(static_cast<int>(wait.count()));
  }
}

outcome<std::string> server::workspace() {
  if (!workspace_.empty()) return workspace_;
  auto me = ask("GET", "/api/v1/me");
  if (!me) return refuse(me.error());
  workspace_ = text_at(me->root(), "/data/workspaceId");
  if (!workspace_.empty()) return workspace_;
  auto list = ask("GET", "/api/v1/workspaces?limit=2");
  if (!list) return refuse(list.error());
  if (text_at(list->root(), "/pagination/total") != "1")
    return refuse(exit_config, "no workspace is chosen",
                  "give --workspace ID or NACRE_WORKSPACE; `nacre workspace list` shows yours");
  return workspace_ = text_at(list->root(), "/data/0/id");
}

outcome<std::optional<std::string>> server::basic() {
  if (!is_pat()) return std::optional<std::string>{};
  auto user = profile_.credential == "pat" ? profile_.user : std::string();
  // The profile's user is the owner of the profile's token, not of one given beside it.
  if (user.empty() || std::getenv("NACRE_TOKEN")) {
    auto me = ask("GET", "/api/v1/me");
    if (!me) return refuse(me.error());
    user = text_at(me->root(), "/data/id");
  }
  return std::optional<std::string>("Basic " + base64(user + ":" + std::string(token_.view())));
}

}  // namespace nacre::cli
