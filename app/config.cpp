#include "app/config.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "app/config_keys.hpp"
#include "cluster/wire/endpoint.hpp"
#include "model/limits.hpp"

namespace nacre::app {
namespace {

// Levenshtein distance; names are short.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string nearest(std::string_view name, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(3, name.size() / 3);
  for (auto each : known) {
    // "port" and "listen.port" are meant for "http.port".
    auto leaf = each.substr(each.rfind('.') + 1);
    std::size_t d = name.substr(name.rfind('.') + 1) == leaf ? 1 : distance(name, each);
    if (d < best_distance) {
      best = each;
      best_distance = d;
    }
  }
  return best.empty() ? std::string() : "; did you mean " + std::string(best) + "?";
}

// A key as given by a person may be anything: what is not a plain name is not repeated.
std::string printable(std::string_view name) {
  auto plain = [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '_' || c == '-' || c == '[' || c == ']';
  };
  if (name.empty() || name.size() > 80 || !std::all_of(name.begin(), name.end(), plain)) return "(unprintable)";
  return std::string(name);
}

auto unknown_key(std::string_view name) {
  return fail(errc::invalid, "unknown key " + printable(name) + nearest(name, config_keys()));
}

auto bad(std::string_view key, std::string_view what) {
  return fail(errc::invalid, std::string(key) + ": " + std::string(what));
}

// A refused value, quoted short and plain.
std::string in_quotes(std::string_view value) {
  std::string out = "\"";
  for (unsigned char c : value.substr(0, 60)) out += c < 0x20 || c == 0x7f ? '?' : static_cast<char>(c);
  return out + (value.size() > 60 ? "...\"" : "\"");
}

result<void> set_integer(config& c, const entry& e, const entry::integer& kind, std::int64_t value) {
  if (value < kind.low || value > kind.high) {
    return bad(e.name, std::to_string(value) + " is out of range " + std::to_string(kind.low) + ".." +
                           std::to_string(kind.high));
  }
  kind.set(c, value);
  return {};
}

result<void> set_text(config& c, const entry& e, const entry::text& kind, std::string value) {
  if (auto wrong = kind.check(value)) {
    return bad(e.name, (kind.secret || value.empty() ? std::string() : in_quotes(value) + " ") + *wrong);
  }
  kind.at(c) = std::move(value);
  return {};
}

result<void> set_choice(config& c, const entry& e, const entry::choice& kind, std::string_view value) {
  for (std::size_t i = 0; i < kind.names.size(); ++i) {
    if (kind.names[i] == value) {
      kind.set(c, i);
      return {};
    }
  }
  std::string all;
  for (auto name : kind.names) all += (all.empty() ? "" : ", ") + std::string(name);
  // Not quoted: in the environment or on the command line it may be another word, gone astray.
  return bad(e.name, "wants one of " + all);
}

result<void> set_list(config& c, const entry& e, const entry::list& kind, text_list values) {
  for (const auto& each : values) {
    if (auto wrong = kind.check(each)) return bad(e.name, in_quotes(each) + " " + *wrong);
  }
  kind.at(c) = std::move(values);
  return {};
}

result<text_list> texts_of(std::string_view key, const toml::node& node) {
  const auto* array = node.as_array();
  if (!array) return bad(key, "wants a list of texts");
  text_list out;
  for (const auto& each : *array) {
    const auto* text = each.as_string();
    if (!text) return bad(key, "wants a list of texts");
    out.push_back(text->get());
  }
  return out;
}

result<std::string> text_of(std::string_view key, const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  return bad(key, "wants a text in quotes");
}

result<bool> bool_of(std::string_view key, const toml::node& node) {
  if (const auto* value = node.as_boolean()) return value->get();
  return bad(key, "wants true or false");
}

result<crypto::issuer_config> issuer_of(const std::string& at, const toml::node& node) {
  const auto* fields = node.as_table();
  if (!fields) return bad(at, "wants a table");
  crypto::issuer_config out;
  static const std::vector<std::string_view> known = {"issuer",      "audience",     "jwks_file", "algorithms",
                                                      "trust_roles", "trust_scopes", "client_ids"};
  for (const auto& [key, value] : *fields) {
    std::string name = at + "." + std::string(key.str());
    std::string_view field = key.str();
    if (field == "issuer" || field == "audience" || field == "jwks_file") {
      auto text = text_of(name, value);
      if (!text) return tl::make_unexpected(text.error());
      if (text->empty()) return bad(name, "must not be empty");
      if (text->size() > limits::issuer_bytes_max && field != "jwks_file") {
        return bad(name, "is longer than " + std::to_string(limits::issuer_bytes_max) + " bytes");
      }
      if (field == "issuer") out.issuer = *text;
      if (field == "audience") out.audience = *text;
      if (field == "jwks_file") out.jwks_file = *text;
    } else if (field == "trust_roles" || field == "trust_scopes") {
      auto value_of = bool_of(name, value);
      if (!value_of) return tl::make_unexpected(value_of.error());
      (field == "trust_roles" ? out.trust_roles : out.trust_scopes) = *value_of;
    } else if (field == "client_ids") {
      auto ids = texts_of(name, value);
      if (!ids) return tl::make_unexpected(ids.error());
      out.client_ids = std::move(*ids);
    } else if (field == "algorithms") {
      auto names = texts_of(name, value);
      if (!names) return tl::make_unexpected(names.error());
      if (names->empty()) return bad(name, "must name at least one algorithm, or be left out");
      for (const auto& each : *names) {
        using crypto::jwt_algorithm;
        if (each == "RS256") {
          out.algorithms.push_back(jwt_algorithm::rs256);
        } else if (each == "ES256") {
          out.algorithms.push_back(jwt_algorithm::es256);
        } else if (each == "EdDSA") {
          out.algorithms.push_back(jwt_algorithm::eddsa);
        } else if (each == "HS256") {
          out.algorithms.push_back(jwt_algorithm::hs256);
        } else {
          return bad(name, in_quotes(each) + " is none of RS256, ES256, EdDSA, HS256");
        }
      }
    } else {
      return fail(errc::invalid, "unknown key " + printable(name) + nearest(field, known));
    }
  }
  for (std::string_view needed : {"issuer", "audience", "jwks_file"}) {
    if (!fields->contains(needed)) return bad(at, "has no " + std::string(needed));
  }
  if (out.issuer == crypto::dev_issuer_name) {
    return bad(at + ".issuer", "is the development issuer's name; use auth.dev_issuer");
  }
  return out;
}

result<void> set_issuers(config& c, const entry& e, const toml::node& node) {
  const auto* array = node.as_array();
  if (!array) return bad(e.name, "wants an array of tables: [[auth.issuers]]");
  std::vector<crypto::issuer_config> issuers;
  for (std::size_t i = 0; i < array->size(); ++i) {
    auto issuer = issuer_of(std::string(e.name) + "[" + std::to_string(i) + "]", *array->get(i));
    if (!issuer) return tl::make_unexpected(issuer.error());
    for (const auto& other : issuers) {
      if (other.issuer == issuer->issuer) return bad(e.name, in_quotes(issuer->issuer) + " is named twice");
    }
    issuers.push_back(std::move(*issuer));
  }
  c.auth.issuers = std::move(issuers);
  return {};
}

result<void> assign(config& c, const entry& e, const toml::node& node) {
  return std::visit(
      [&](const auto& kind) -> result<void> {
        using k = std::remove_cvref_t<decltype(kind)>;
        if constexpr (std::is_same_v<k, entry::integer>) {
          if (const auto* value = node.as_integer()) return set_integer(c, e, kind, value->get());
          return bad(e.name, "wants a whole number");
        } else if constexpr (std::is_same_v<k, entry::boolean>) {
          auto value = bool_of(e.name, node);
          if (!value) return tl::make_unexpected(value.error());
          kind.at(c) = *value;
          return {};
        } else if constexpr (std::is_same_v<k, entry::text> || std::is_same_v<k, entry::choice>) {
          auto value = text_of(e.name, node);
          if (!value) return tl::make_unexpected(value.error());
          if constexpr (std::is_same_v<k, entry::text>) {
            return set_text(c, e, kind, std::move(*value));
          } else {
            return set_choice(c, e, kind, *value);
          }
        } else if constexpr (std::is_same_v<k, entry::list>) {
          auto values = texts_of(e.name, node);
          if (!values) return tl::make_unexpected(values.error());
          return set_list(c, e, kind, std::move(*values));
        } else {
          return set_issuers(c, e, node);
        }
      },
      e.kind);
}

// toml++'s own description may quote the line; the place is enough to find it.
std::string place(const toml::parse_error& error) {
  return "line " + std::to_string(error.source().begin.line) + ", column " +
         std::to_string(error.source().begin.column);
}

// From the environment or the command line: a bare word, or a list as "a,b" or in TOML's own form.
result<void> assign_text(config& c, const entry& e, const std::string& text) {
  if (const auto* kind = std::get_if<entry::integer>(&e.kind)) {
    std::int64_t value = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed == std::errc::result_out_of_range) return bad(e.name, "is out of range");
    if (failed != std::errc() || end != text.data() + text.size()) return bad(e.name, "wants a whole number");
    return set_integer(c, e, *kind, value);
  }
  if (const auto* kind = std::get_if<entry::boolean>(&e.kind)) {
    if (text != "true" && text != "false") return bad(e.name, "wants true or false");
    kind->at(c) = text == "true";
    return {};
  }
  if (const auto* kind = std::get_if<entry::text>(&e.kind)) return set_text(c, e, *kind, text);
  if (const auto* kind = std::get_if<entry::choice>(&e.kind)) return set_choice(c, e, *kind, text);
  if (const auto* kind = std::get_if<entry::list>(&e.kind); kind && !text.starts_with('[')) {
    text_list values;
    for (std::size_t at = 0; at < text.size();) {
      auto comma = std::min(text.find(',', at), text.size());
      values.push_back(text.substr(at, comma - at));
      at = comma + 1;
    }
    return set_list(c, e, *kind, std::move(values));
  }
  auto parsed = toml::parse("value = " + text);
  if (!parsed || parsed.table().size() != 1)
    return bad(e.name, "wants a TOML value such as [\"a\", \"b\"] or [{a = \"b\"}]");
  return assign(c, e, *parsed.table().get("value"));
}

bool is_section(std::string_view name) {
  return std::any_of(table().begin(), table().end(), [&](const entry& e) {
    return e.name.size() > name.size() && e.name.starts_with(name) && e.name[name.size()] == '.';
  });
}

// Which keys somebody set; --dev fills only the others.
using touched = std::vector<std::string_view>;

result<void> apply_table(config& c, touched& set, const std::string& prefix, const toml::table& from) {
  for (const auto& [key, value] : from) {
    std::string name = prefix + std::string(key.str());
    if (const entry* e = find(name)) {
      if (auto done = assign(c, *e, value); !done) return done;
      set.push_back(e->name);
    } else if (!is_section(name)) {
      return unknown_key(name);
    } else if (const auto* section = value.as_table()) {
      if (auto done = apply_table(c, set, name + ".", *section); !done) return done;
    } else {
      return bad(name, "is a section, not a value");
    }
  }
  return {};
}

result<void> apply_file(config& c, touched& set, const config_sources& from) {
  if (!from.file_text) return {};
  auto where = [&](const error& e) { return tl::make_unexpected(error{e.code, from.file_name + ": " + e.text}); };
  auto parsed = toml::parse(*from.file_text);
  if (!parsed) {
    return where({errc::invalid, "not TOML: " + place(parsed.error())});
  }
  if (auto done = apply_table(c, set, "", parsed.table()); !done) return where(done.error());
  return {};
}

constexpr std::string_view environment_prefix = "NACRE_";

// NACRE_HTTP__PORT -> http.port; nothing for other variables.
std::optional<std::string> key_of_variable(std::string_view name) {
  if (!name.starts_with(environment_prefix)) return std::nullopt;
  std::string key;
  name.remove_prefix(environment_prefix.size());
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.substr(i).starts_with("__")) {
      key += '.';
      ++i;
    } else {
      key += static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
    }
  }
  return key;
}

result<void> apply_environment(config& c, touched& set, const config_sources& from) {
  for (const auto& [variable, value] : from.environment) {
    auto key = key_of_variable(variable);
    const entry* e = key ? find(*key) : nullptr;
    if (!e) continue;  // checked once keys.root is known, see check_environment
    if (auto done = assign_text(c, *e, value); !done) {
      return fail(errc::invalid, "environment " + variable + ": " + done.error().text);
    }
    set.push_back(e->name);
  }
  return {};
}

// The command line's own variables: both programs may run in one shell, and one starts the other.
constexpr std::string_view cli_variables[] = {"NACRE_TOKEN", "NACRE_URL", "NACRE_WORKSPACE", "NACRE_CA_FILE"};

// Of the NACRE_ variables only those and the root key itself, when keys.root names it, are no keys.
result<void> check_environment(const config& c, const config_sources& from) {
  for (const auto& [variable, value] : from.environment) {
    auto key = key_of_variable(variable);
    const bool is_cli =
        std::find(std::begin(cli_variables), std::end(cli_variables), variable) != std::end(cli_variables);
    if (!key || find(*key) || is_cli || c.keys.root == "env:" + variable) continue;
    return fail(errc::invalid, "environment " + printable(variable) + ": " + unknown_key(*key).value().text);
  }
  return {};
}

result<void> apply_sets(config& c, touched& set, const config_sources& from) {
  for (const auto& each : from.sets) {
    auto equals = each.find('=');
    if (equals == std::string::npos || equals == 0) return fail(errc::invalid, "--set wants KEY=VALUE");
    std::string name = each.substr(0, equals);
    const entry* e = find(name);
    if (!e && is_section(name)) return fail(errc::invalid, "--set " + name + ": is a section, not a value");
    auto done = e ? assign_text(c, *e, each.substr(equals + 1)) : result<void>(unknown_key(name));
    if (!done) return fail(errc::invalid, "--set " + done.error().text);
    set.push_back(e->name);
  }
  return {};
}

result<void> apply_http_flag(config& c, const std::string& text) {
  const std::string form = "--http wants ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080";
  auto colon = text.rfind(':');
  if (colon == std::string::npos) return fail(errc::invalid, form);
  std::string address = text.substr(0, colon);
  if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
    address = address.substr(1, address.size() - 2);
  } else if (address.find(':') != std::string::npos) {
    return fail(errc::invalid, form);
  }
  for (auto [key, value] : {std::pair{"http.address", address}, std::pair{"http.port", text.substr(colon + 1)}}) {
    if (auto done = assign_text(c, *find(key), value); !done) return fail(errc::invalid, "--http " + done.error().text);
  }
  return {};
}

constexpr std::string_view dev_data_dir = "data/dev";

result<void> apply_flags(config& c, touched& set, const config_sources& from) {
  const auto& flags = from.flags;
  if (flags.data_dir) {
    if (auto done = assign_text(c, *find("data.dir"), *flags.data_dir); !done) {
      return fail(errc::invalid, "--data-dir " + done.error().text);
    }
    set.push_back("data.dir");
  }
  if (flags.http) {
    if (auto done = apply_http_flag(c, *flags.http); !done) return done;
  }
  if (flags.ephemeral) c.data.ephemeral = true;
  if (!flags.dev) return {};

  // --dev fills what nobody set.
  auto was_set = [&](std::string_view key) { return std::find(set.begin(), set.end(), key) != set.end(); };
  c.dev = true;
  if (!was_set("data.dir")) c.data.dir = dev_data_dir;
  if (!was_set("keys.root")) c.keys.root = "file:" + c.data.dir + "/root.key";
  if (!was_set("auth.dev_issuer")) c.auth.dev_issuer = true;
  // All developers and all their tests come from one loopback address.
  if (!was_set("limits.address_per_second")) c.limits.address_per_second = 2'000;
  if (!was_set("limits.address_burst")) c.limits.address_burst = 4'000;
  if (!was_set("limits.failed_auth_per_minute")) c.limits.failed_auth_per_minute = 4'000;
  if (!was_set("limits.guest_create_per_minute")) c.limits.guest_create_per_minute = 120'000;
  if (!was_set("limits.guest_reveal_per_minute")) c.limits.guest_reveal_per_minute = 120'000;
  return {};
}

// The host of a URL that passed its key's check is this machine, by name or address.
bool is_local_url(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  url = url.substr(0, url.find('/'));
  if (url.find('@') != std::string_view::npos) return false;  // the host comes after it
  const bool v6 = url.starts_with('[');
  auto host = std::string(v6 ? url.substr(1, url.find(']') - 1) : url.substr(0, url.find(':')));
  return host == "localhost" || is_loopback(host);
}

result<void> check_single(const config& c) {
  // A node that was meant for a cluster must not begin a history of its own.
  const auto& k = c.cluster;
  for (const auto& [key, is_set] : {std::pair{"cluster.peers", !k.peers.empty()},
                                    {"cluster.listen", !k.listen.empty()},
                                    {"cluster.ca", !k.ca.empty()},
                                    {"cluster.certificate", !k.certificate.empty()},
                                    {"cluster.key", !k.key.empty()},
                                    {"cluster.join", k.join},
                                    {"cluster.service_keys", !k.service_keys.empty()}}) {
    if (is_set) return bad("cluster.node", "is 0, a single node, but " + std::string(key) + " is set");
  }
  return {};
}

result<void> check_cluster(const config& c) {
  const auto& k = c.cluster;
  if (k.node == 0) return check_single(c);
  for (const auto& [key, value] : {std::pair{"cluster.listen", &k.listen},
                                   {"cluster.ca", &k.ca},
                                   {"cluster.certificate", &k.certificate},
                                   {"cluster.key", &k.key}}) {
    if (value->empty()) return bad(key, "is required, for cluster.node is set");
  }
  if (c.data.ephemeral) return bad("data.ephemeral", "a node of a cluster must keep what it has promised the others");
  const auto members = members_of(c);
  if (members.size() > limits::cluster_members_max)
    return bad("cluster.peers", "more than " + std::to_string(limits::cluster_members_max) + " nodes");
  bool self = false;
  for (std::size_t i = 0; i < members.size(); ++i) {
    self = self || members[i].node == k.node;
    for (std::size_t j = 0; j < i; ++j) {
      if (members[i].node == members[j].node)
        return bad("cluster.peers", "names node " + std::to_string(members[i].node) + " twice");
      if (members[i].address == members[j].address)
        return bad("cluster.peers", "gives " + members[i].address + " to two nodes");
    }
  }
  if (!self) return bad("cluster.peers", "does not name this node, " + std::to_string(k.node));
  if (k.election < 5 * k.heartbeat) return bad("cluster.election_ms", "is less than five times cluster.heartbeat_ms");
  return {};
}

result<void> check_rules(const config& c) {
  bool loopback = is_loopback(c.http.address);
  if (c.dev && !loopback) return bad("http.address", "--dev listens on loopback only; " + c.http.address + " is not");
  if (c.auth.dev_issuer && !loopback) {
    return bad("auth.dev_issuer", "refused while listening on " + c.http.address +
                                      ": whoever holds the development key is any user; loopback only");
  }
  // Behind a proxy a loopback address is no longer loopback: the whole network comes in through it.
  if ((c.auth.dev_issuer || c.dev) && !c.http.public_url.empty() && !is_local_url(c.http.public_url)) {
    return bad(c.auth.dev_issuer ? "auth.dev_issuer" : "http.public_url",
               "a development node is refused while http.public_url says that others reach it");
  }
  if (c.auth.dev_issuer && !c.dev && !c.http.trusted_proxies.empty()) {
    return bad("auth.dev_issuer", "refused behind http.trusted_proxies: others reach the node through them");
  }
  if (const auto& issuer = c.console.oidc_issuer; !issuer.empty()) {
    if (c.console.oidc_client_id.empty()) return bad("console.oidc_client_id", "is required with console.oidc_issuer");
    const auto& known = c.auth.issuers;
    if (std::none_of(known.begin(), known.end(), [&](const auto& each) { return each.issuer == issuer; }))
      return bad("console.oidc_issuer", "is none of auth.issuers: its tokens would be refused");
  }
  if (!c.limits.enabled && !(c.dev && loopback)) {
    return bad("limits.enabled", "false is refused outside --dev on loopback");
  }
  if (c.keys.root.empty()) {
    return bad("keys.root", "is required: file:PATH or credential:NAME (or start with --dev)");
  }
  // Other processes of the user, crash reports and service managers show environments around.
  if (!c.dev && c.keys.root.starts_with("env:")) {
    return bad("keys.root", "env: is for --dev only; use file:PATH or credential:NAME");
  }
  return check_cluster(c);
}

std::size_t or_half_the_cores(std::size_t threads) {
  return threads != 0 ? threads : std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, 8);
}

}  // namespace

std::string_view name_of(log_level level) {
  switch (level) {  // No default, on purpose.
    case log_level::debug:
      return "debug";
    case log_level::info:
      return "info";
    case log_level::warn:
      return "warn";
    case log_level::error:
      return "error";
  }
  std::abort();
}

result<config> load_config(const config_sources& sources) {
  config c;
  touched set;
  for (auto step : {apply_file, apply_environment, apply_sets, apply_flags}) {
    if (auto done = step(c, set, sources); !done) return tl::make_unexpected(done.error());
  }
  if (auto done = check_environment(c, sources); !done) return tl::make_unexpected(done.error());
  if (auto done = check_rules(c); !done) return tl::make_unexpected(done.error());
  return c;
}

bool sets_a_key(std::string_view variable) {
  auto key = key_of_variable(variable);
  return key && find(*key) != nullptr;
}

std::size_t http_threads(const config& c) { return or_half_the_cores(c.http.threads); }
std::size_t actor_threads(const config& c) { return or_half_the_cores(c.actors.threads); }

http::server_config server_config_of(const config& c) {
  http::server_config out;
  out.address = c.http.address;
  out.port = c.http.port;
  out.threads = http_threads(c);
  out.connections_max = c.http.connections_max;
  out.connections_per_address_max = c.http.connections_per_address_max;
  out.large_bodies_bytes_max = c.http.large_bodies_mib << 20;
  out.header_timeout = c.http.header_timeout;
  out.body_timeout = c.http.body_timeout;
  out.request_timeout = c.http.request_timeout;
  out.write_timeout = c.http.write_timeout;
  out.idle_timeout = c.http.idle_timeout;
  out.trusted_proxies = c.http.trusted_proxies;
  return out;
}

http::onetime_rules onetime_rules_of(const config& c) {
  http::onetime_rules out;
  const auto& from = c.onetime;
  out.secret_bytes_max = from.secret_bytes_max;
  out.get_reveals = c.compat.get_reveals;
  out.guest = {from.guest,        from.guest_conceal, from.guest_generate, from.guest_show,
               from.guest_reveal, from.guest_burn,    from.guest_receipt,  from.guest_request};
  return out;
}

http::console_rules console_rules_of(const config& c) {
  http::console_rules out;
  const auto& from = c.console;
  out.served = from.enabled;
  if (from.oidc_issuer.empty()) return out;
  out.sign_in = {from.oidc_issuer, from.oidc_client_id, from.oidc_scopes, from.oidc_audience, {}};
  auto& origins = out.sign_in.origins;
  origins.push_back(web_origin_of(from.oidc_issuer).value());
  for (const auto& each : from.oidc_origins)
    if (std::find(origins.begin(), origins.end(), each) == origins.end()) origins.push_back(each);
  return out;
}

std::vector<cluster::peers::neighbour> members_of(const config& c) {
  std::vector<cluster::peers::neighbour> out;
  for (const auto& each : c.cluster.peers) {
    if (auto member = cluster::wire::parse_member(each)) out.push_back(std::move(*member));
  }
  return out;
}

std::string listening_url(const config& c, std::uint16_t port) {
  bool v6 = c.http.address.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + c.http.address + "]" : c.http.address) + ":" + std::to_string(port);
}

}  // namespace nacre::app
