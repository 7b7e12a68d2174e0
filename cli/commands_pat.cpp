// pat create|list|show|reveal|rotate|revoke: personal access tokens of a workspace.

#include <string.h>

#include <iostream>

#include "cli/input.hpp"
#include "cli/revealed.hpp"
#include "cli/terminal.hpp"
#include "cli/words.hpp"
#include "crypto/strict_json.hpp"
#include "model/limits.hpp"
#include "model/time.hpp"

namespace nacre::cli {

namespace {

using crypto::json_quoted;

std::string path_of(const std::string& id, std::string_view act = {}) {
  return "/api/v1/pats/" + id + (act.empty() ? "" : "/" + std::string(act));
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const auto& each : texts) out += (out.size() > 1 ? "," : "") + json_quoted(each);
  return out + "]";
}

// "30d", or a moment as RFC 3339 says it; "never" is null.
outcome<std::string> expiry_json(const arguments& with, std::string_view option) {
  const auto text = with.get(option);
  if (text == "never") return std::string("null");
  if (auto at = parse_rfc3339(text)) return json_quoted(format_rfc3339(*at));
  auto in = with.seconds(option, 100LL * 366 * 86'400);
  if (!in) return refuse(exit_usage, "--" + std::string(option) + " must be like 30d, 2027-12-31T00:00:00Z or never");
  const auto now_s = system_clock{}.now().value() / 1000;
  return json_quoted(time_text(now_s + **in));
}

void rows_of(sheet& s, json_value pat) {
  s.row("id", text_at(pat, "/id"));
  s.row("name", text_at(pat, "/name"));
  s.row("scopes", text_at(pat, "/scopes"));
  s.row("prefix", text_at(pat, "/tokenPrefix"));
  s.row("owner", text_at(pat, "/userId"));
  s.row("can be revealed", text_at(pat, "/canReveal") == "true" ? "yes" : "no");
  s.row("created", text_at(pat, "/createdAt"));
  auto expires = text_at(pat, "/expiresAt"), used = text_at(pat, "/lastUsedAt");
  s.row("expires", expires.empty() ? "never" : expires);
  s.row("last used", used.empty() ? "never" : used);
  for (auto [name, pointer] : {std::pair("networks", "/allowedNetworks"), std::pair("not before", "/notBefore"),
                               std::pair("uses at most", "/maxUses")})
    if (auto value = text_at(pat, pointer); !value.empty()) s.row(name, value);
}

// A token that was just made: with all that is known of it, or alone.
outcome<int> show_new(const arguments& with, const json_answer& answer) {
  auto data = value_at(answer.root(), "/data");
  const auto token = data ? lent_at(*data, "/fullToken") : std::string_view();
  if (token.empty())
    return refuse(exit_unavailable, "the server's answer holds no token", "is this URL a nacre server?");
  if (with.has("output")) {
    auto file = new_file::make(with.get("output"));
    if (!file) return refuse(file.error());
    crypto::secure_bytes line(token.size() + 1);
    std::copy(token.begin(), token.end(), line.data());
    line.data()[token.size()] = '\n';
    if (auto written = file->write(line.view()); !written) return refuse(written.error());
    file->keep();
  }
  if (with.has("quiet")) {
    if (with.has("output")) return exit_ok;
    if (auto out = print_out(token); !out) return refuse(out.error());
    if (auto out = print_out("\n"); !out) return refuse(out.error());
    return exit_ok;
  }
  if (with.has("json")) {
    if (auto out = print_out(simdjson::minify(*data) + "\n"); !out) return refuse(out.error());
    return exit_ok;
  }
  sheet s;
  if (!with.has("output")) s.row("token", std::string(token));
  rows_of(s, *data);
  s.print();
  if (auto out = print_out(""); !out) return refuse(out.error());
  return exit_ok;
}

// What would fail after the deed should fail before it.
outcome<bool> output_is_free(const arguments& with) {
  if (!with.has("output")) {
    if (output_is_closed()) return refuse(exit_io, "standard output is closed; nothing was done");
    return true;
  }
  auto file = new_file::make(with.get("output"));
  if (!file) return refuse(file.error());
  return true;
}

}  // namespace

outcome<int> run_pat_create(const arguments& with) {
  std::string body = "{\"name\":" + json_quoted(with.get("name"));
  if (with.has("scope")) body += ",\"scopes\":" + list_of(with.all("scope"));
  for (auto [option, field] : {std::pair("expires", "expiresAt"), std::pair("not-before", "notBefore")})
    if (with.has(option)) {
      auto when = expiry_json(with, option);
      if (!when) return refuse(when.error());
      body += ",\"" + std::string(field) + "\":" + *when;
    }
  if (with.has("network")) body += ",\"allowedNetworks\":" + list_of(with.all("network"));
  if (with.has("max-uses")) {
    auto n = with.number("max-uses", 1, 1, static_cast<std::int64_t>(limits::token_uses_max));
    if (!n) return refuse(n.error());
    body += ",\"maxUses\":" + std::to_string(*n);
  }
  body += "}";
  if (auto free = output_is_free(with); !free) return refuse(free.error());
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  auto made = at->ask("POST", "/api/v1/pats", body, {}, true);
  if (!made) return refuse(made.error());
  return show_new(with, *made);
}

outcome<int> run_pat_list(const arguments& with) {
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  const auto now = system_clock{}.now();
  table t({"ID", "NAME", "SCOPES", "PREFIX", "EXPIRES", "LAST USED"});
  std::string json;
  std::int64_t total = 1;
  for (std::int64_t seen = 0; seen < total;) {
    auto page = at->ask("GET", "/api/v1/pats?limit=100&offset=" + std::to_string(seen), {}, {}, true);
    if (!page) return refuse(page.error());
    total = std::strtoll(text_at(page->root(), "/pagination/total").c_str(), nullptr, 10);
    simdjson::dom::array items;
    if (auto data = value_at(page->root(), "/data");
        !data || data->get(items) != simdjson::SUCCESS || items.size() == 0)
      break;
    for (auto pat : items) {
      ++seen;
      json += (json.empty() ? "" : ",") + simdjson::minify(pat);
      auto expires = text_at(pat, "/expiresAt"), used = text_at(pat, "/lastUsedAt");
      if (auto when = parse_rfc3339(expires); when && *when <= now)
        expires = "expired";
      else if (when && *when <= after(now, 14LL * 86'400'000))
        expires += " (in " + duration_text((when->value() - now.value()) / 1000) + ")";
      t.row({text_at(pat, "/id"), text_at(pat, "/name"), text_at(pat, "/scopes"), text_at(pat, "/tokenPrefix"),
             expires.empty() ? "never" : expires, used.empty() ? "never" : used});
    }
  }
  if (with.has("json"))
    std::cout << "[" << json << "]\n";
  else if (t.empty())
    std::cerr << "no tokens in this workspace: `nacre pat create --name NAME` makes one\n";
  else
    t.print();
  return exit_ok;
}

outcome<int> run_pat_show(const arguments& with) {
  auto id = uuid_operand(with, 0, "ID");
  if (!id) return refuse(id.error());
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  auto pat = at->ask("GET", path_of(*id), {}, {}, true);
  if (!pat) return refuse(pat.error());
  auto data = value_at(pat->root(), "/data");
  if (!data) return refuse(exit_unavailable, "the server's answer holds no token");
  if (with.has("json")) {
    std::cout << simdjson::minify(*data) << "\n";
    return exit_ok;
  }
  sheet s;
  rows_of(s, *data);
  s.print();
  return exit_ok;
}

outcome<revealed_pat> reveal_pat(server& at, const std::string& id) {
  auto ws = at.workspace();
  if (!ws) return refuse(ws.error());
  revealed_pat out{{}, fresh_key()};
  auto bearer = at.bearer();
  bearer.emplace_back("X-Workspace-Id", *ws);
  bearer.emplace_back("Idempotency-Key", out.key);
  auto answer = at.insist("POST", path_of(id, "reveal"), bearer, {}, reveal_retry_s);
  if (!answer) return refuse(answer.error());
  if (answer->status != 200) {
    auto r = refusal_of(*answer);
    if (answer->status == 422) r.advice = "it has expired, or was imported without its text: rotate it";
    return refuse(std::move(r));
  }
  auto told = json_answer::parse(answer->body);
  const auto token = told ? lent_at(told->root(), "/data/fullToken") : std::string_view();
  if (!could_be_token(token))
    return refuse(
        {exit_unavailable, "the server's answer holds no token", "is this URL a nacre server?", answer->request_id});
  out.token = crypto::secure_bytes(token);
  return out;
}

void confirm_reveal(server& at, const std::string& id, const std::string& key) {
  auto ws = at.workspace();
  if (!ws) return;
  auto bearer = at.bearer();
  bearer.emplace_back("X-Workspace-Id", *ws);
  bearer.emplace_back("Idempotency-Key", key);
  static_cast<void>(at.insist("DELETE", path_of(id, "reveal"), bearer, {}, 3));
}

outcome<int> run_pat_reveal(const arguments& with) {
  auto id = uuid_operand(with, 0, "ID");
  if (!id) return refuse(id.error());
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  std::optional<new_file> file;
  if (with.has("output")) {
    auto made = new_file::make(with.get("output"));
    if (!made) return refuse(made.error());
    file.emplace(std::move(*made));
  }
  auto pat = reveal_pat(*at, *id);
  if (!pat) return refuse(pat.error());
  const bool json = with.has("json");
  crypto::secure_bytes line(pat->token.size() + 32);
  std::size_t size = 0;
  for (auto part : {json ? std::string_view("{\"fullToken\":\"") : std::string_view(), pat->token.view(),
                    json ? std::string_view("\"}\n") : std::string_view("\n")}) {
    std::copy(part.begin(), part.end(), line.data() + size);
    size += part.size();
  }
  const auto text = line.view().substr(0, size);
  auto written = file ? file->write(text) : print_out(text);
  if (!written) return refuse(written.error());
  if (file) file->keep();
  confirm_reveal(*at, *id, pat->key);
  return exit_ok;
}

outcome<int> run_pat_rotate(const arguments& with) {
  auto id = uuid_operand(with, 0, "ID");
  if (!id) return refuse(id.error());
  auto overlap = with.seconds("overlap", limits::rotation_overlap_s_max);
  if (!overlap) return refuse(overlap.error());
  std::string body = "{\"untilFirstUse\":" + std::string(with.has("until-first-use") ? "true" : "false");
  if (*overlap) body += ",\"overlap\":" + std::to_string(**overlap);
  if (with.has("expires")) {
    auto when = expiry_json(with, "expires");
    if (!when) return refuse(when.error());
    body += ",\"expiresAt\":" + *when;
  }
  body += "}";
  if (auto free = output_is_free(with); !free) return refuse(free.error());
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  auto ws = at->workspace();
  if (!ws) return refuse(ws.error());
  auto headers = at->bearer();
  headers.emplace_back("X-Workspace-Id", *ws);
  headers.emplace_back("Content-Type", "application/json");
  headers.emplace_back("Idempotency-Key", fresh_key());
  auto answer = at->insist("POST", path_of(*id, "rotate"), headers, body, reveal_retry_s);
  if (!answer) return refuse(answer.error());
  if (answer->status != 200) return refuse(refusal_of(*answer));
  auto told = json_answer::parse(answer->body);
  if (!told) return refuse(exit_unavailable, "the server's answer is not JSON");
  return show_new(with, *told);
}

outcome<int> run_pat_revoke(const arguments& with) {
  auto id = uuid_operand(with, 0, "ID");
  if (!id) return refuse(id.error());
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  if (auto yes = sure(with, "Revoke this token for good?"); !yes) return refuse(yes.error());
  auto pat = at->ask("POST", path_of(*id, "revoke"), {}, {}, true);
  if (!pat) return refuse(pat.error());
  if (with.has("json")) return print_data(*pat);
  std::cout << "revoked " << printable(text_at(pat->root(), "/data/name")) << "\n";
  return exit_ok;
}

}  // namespace nacre::cli
