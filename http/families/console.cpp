#include "http/families/console.hpp"

#include "http/address.hpp"
#include "http/json.hpp"
#include "http/text.hpp"

namespace nacre::http::console {

namespace {

constexpr std::string_view dev_path = "/console/dev-token";

bool is_loopback(std::string_view text) {
  auto address = parse_ip(text);
  if (!address) return false;
  if (address->is_v4()) return address->bytes[12] == 127;
  return address->text() == "::1";
}

// Of a Host header: "localhost:8080", "127.0.0.1", "[::1]:8080".
bool names_this_machine(std::string_view host) {
  if (host.starts_with('[')) return host == "[::1]" || host.starts_with("[::1]:");
  auto name = host.substr(0, host.find(':'));
  return same_word(name, "localhost") || is_loopback(name);
}

}  // namespace

bool from_this_machine(const request& r) {
  if (!is_loopback(r.client.text)) return false;
  for (auto name : {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"})
    if (r.find(name)) return false;
  const auto *host = r.find("host"), *origin = r.find("origin"), *site = r.find("sec-fetch-site");
  const auto* wish = r.find("x-nacre-console");
  if (!host || !names_this_machine(*host) || !wish || *wish != "sign-in") return false;
  if (!origin || *origin != "http://" + *host) return false;
  return !site || *site == "same-origin";
}

bool hides(const services& with, std::string_view path) {
  if (!path.starts_with("/console")) return false;
  return !with.settings.console.served || (path == dev_path && !with.ask.dev_token);
}

void config(call_ptr c) {
  const auto& s = c->with.settings;
  const auto& at = s.console.sign_in;
  json_writer w(1024);
  w.object().field("version", std::string_view(s.version)).field("dev", bool(c->with.ask.dev_token)).key("oidc");
  if (at.issuer.empty()) {
    w.value(nullptr);
  } else {
    w.object().field("issuer", std::string_view(at.issuer)).field("clientId", std::string_view(at.client_id));
    w.field("scopes", std::string_view(at.scopes)).field("audience", std::string_view(at.audience));
    w.key("origins").array();
    for (const auto& each : at.origins) w.value(std::string_view(each));
    w.end_array().end_object();
  }
  w.key("families").object().field("alephant", s.families.alephant).field("onetime", s.families.onetime);
  w.field("unleash", s.families.unleash).field("serviceTokens", s.families.service_tokens).end_object();
  w.key("reveals");
  if (s.limits_enabled)
    w.object().field("perToken", s.reveals_per_pat).field("perUser", s.reveals_per_user).end_object();
  else
    w.value(nullptr);
  w.end_object();
  auto r = json_response(200, w.take());
  r.headers.push_back({"Cross-Origin-Resource-Policy", "same-origin"});
  answer(std::move(c), std::move(r));
}

void dev_token(call_ptr c) {
  if (!from_this_machine(c->req))
    return refuse(std::move(c), {errc::forbidden, "This sign-in is for a browser on the node's own machine"});
  auto token = c->with.ask.dev_token();
  if (!token) return refuse(std::move(c), token.error());
  c->with.service.note_act(system_workspace, "dev.sign_in", "");
  json_writer w(2048);
  w.object().key("data").object().field("token", std::string_view(*token)).end_object().end_object();
  auto r = json_response(200, w.take());
  r.wipe = true;
  answer(std::move(c), std::move(r));
}

}  // namespace nacre::http::console
