#include "app/config.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <functional>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "model/limits.hpp"

namespace nacre::app {
namespace {

using text_list = std::vector<std::string>;

// One key: what it is called, how it is checked, and what its reader should know.
struct entry {
  std::string_view name;
  struct integer {
    std::int64_t low, high;
    std::function<std::int64_t(const config&)> get;
    std::function<void(config&, std::int64_t)> set;
  };
  struct boolean {
    std::function<bool&(config&)> at;
  };
  struct text {
    std::function<std::string&(config&)> at;
    // Says what is wrong with a value, or nothing.
    std::function<std::optional<std::string>(const std::string&)> check;
    bool secret = false;  // the value is never quoted
  };
  struct choice {
    std::vector<std::string_view> names;
    std::function<std::size_t(const config&)> get;
    std::function<void(config&, std::size_t)> set;
  };
  struct list {
    std::function<text_list&(config&)> at;
    std::function<std::optional<std::string>(const std::string&)> check;  // of one element
  };
  struct tables {};  // auth.issuers, the only array of tables
  std::variant<integer, boolean, text, choice, list, tables> kind;
  std::string_view unit;
  std::string_view effect;
  std::string_view wrong;  // what goes wrong when it is set badly
};

template <class T>
struct is_duration : std::false_type {};
template <class R, class P>
struct is_duration<std::chrono::duration<R, P>> : std::true_type {};

// `at` answers a reference to an integer or a duration; the unit is the duration's own.
template <class At>
entry number(std::string_view name, std::int64_t low, std::int64_t high, At at, std::string_view unit,
             std::string_view effect, std::string_view wrong) {
  using value = std::remove_cvref_t<decltype(at(std::declval<config&>()))>;
  entry::integer kind{low, high, {}, {}};
  kind.get = [at](const config& c) -> std::int64_t {
    const auto& v = at(const_cast<config&>(c));
    if constexpr (is_duration<value>::value) {
      return v.count();
    } else {
      return static_cast<std::int64_t>(v);
    }
  };
  kind.set = [at](config& c, std::int64_t v) {
    if constexpr (is_duration<value>::value) {
      at(c) = value{v};
    } else {
      at(c) = static_cast<value>(v);
    }
  };
  return {name, std::move(kind), unit, effect, wrong};
}

std::optional<std::string> any_text(const std::string&) { return std::nullopt; }

bool parse_address(const std::string& text, in_addr* v4, in6_addr* v6, bool* is_v6) {
  *is_v6 = false;
  if (inet_pton(AF_INET, text.c_str(), v4) == 1) return true;
  *is_v6 = inet_pton(AF_INET6, text.c_str(), v6) == 1;
  return *is_v6;
}

std::optional<std::string> check_address(const std::string& text) {
  in_addr v4;
  in6_addr v6;
  bool is_v6;
  if (text.find('\0') == std::string::npos && parse_address(text, &v4, &v6, &is_v6)) return std::nullopt;
  return "wants an IP address such as 127.0.0.1 or ::1 (names are not resolved)";
}

std::optional<std::string> check_url(const std::string& text) {
  if (text.empty()) return std::nullopt;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return "wants http://HOST or https://HOST";
  }
  auto plain = [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '?' && c != '#' && c != '\\'; };
  if (rest.empty() || rest.back() == '/' || !std::all_of(rest.begin(), rest.end(), plain)) {
    return "wants a URL without query, fragment and trailing slash";
  }
  return std::nullopt;
}

std::optional<std::string> check_key_source(const std::string& text) {
  for (std::string_view kind : {"file:", "credential:", "env:"}) {
    if (text.starts_with(kind) && text.size() > kind.size()) return std::nullopt;
  }
  return "wants file:PATH, credential:NAME or env:NAME (a source, never the key itself)";
}

std::optional<std::string> check_not_empty(const std::string& text) {
  if (text.empty()) return "must not be empty";
  return std::nullopt;
}

constexpr std::int64_t day_ms = 24 * 3'600'000;
constexpr std::string_view ms = "milliseconds";

const std::vector<entry>& table() {
  static const std::vector<entry> entries = {
      {"http.address", entry::text{[](config& c) -> std::string& { return c.http.address; }, check_address},
       "IP address", "Where the server listens. Put a TLS proxy in front of anything but loopback.",
       "A public address without a proxy sends tokens in the clear; with auth.dev_issuer the start is refused."},
      number(
          "http.port", 0, 65'535, [](config & c) -> auto& { return c.http.port; }, "TCP port",
          "0 takes any free port, printed on the ready line.",
          "A port in use or below 1024 without the capability: exit 69."),
      number(
          "http.threads", 0, 64, [](config & c) -> auto& { return c.http.threads; }, "threads",
          "Reactor threads that parse and send. 0: half the cores, 1 to 8.",
          "More threads than cores only adds switching; one stalls nobody, handlers never wait."),
      number(
          "http.header_timeout_ms", 100, 600'000, [](config & c) -> auto& { return c.http.header_timeout; }, ms,
          "From accept, or the first byte of a next request, to the whole head; then the connection closes.",
          "Long: slow clients hold connections. Short: clients behind bad links are cut off."),
      number(
          "http.body_timeout_ms", 100, 600'000, [](config & c) -> auto& { return c.http.body_timeout; }, ms,
          "From the head to the whole body (at most 32 KiB); then 408 and close.", "As http.header_timeout_ms."),
      number(
          "http.request_timeout_ms", 100, 600'000, [](config & c) -> auto& { return c.http.request_timeout; }, ms,
          "What a request may take inside; then 503, and a late answer is dropped.",
          "Shorter than a slow disk's sync: writes are answered 503 although they commit."),
      number(
          "http.write_timeout_ms", 100, 600'000, [](config & c) -> auto& { return c.http.write_timeout; }, ms,
          "Without progress on an unsent answer for so long, the connection closes.",
          "Long: clients that do not read hold up to 1 MiB each."),
      number(
          "http.idle_timeout_ms", 100, 3'600'000, [](config & c) -> auto& { return c.http.idle_timeout; }, ms,
          "How long a connection is kept between requests.",
          "Shorter than the proxy's own keep-alive: now and then the proxy answers 502."),
      number(
          "http.connections_max", 1, 1'000'000, [](config & c) -> auto& { return c.http.connections_max; },
          "connections", "More are closed on accept. The open-files limit must be at least 64 above it.",
          "Above RLIMIT_NOFILE: the limit is raised to the hard one, then the start fails if that is not enough."),
      number(
          "http.connections_per_address_max", 1, 1'000'000,
          [](config & c) -> auto& { return c.http.connections_per_address_max; }, "connections",
          "Of http.connections_max, how many one peer address may hold.",
          "Behind a proxy all connections share the proxy's address: keep it as high as http.connections_max."),
      {"http.trusted_proxies",
       entry::list{[](config& c) -> text_list& { return c.http.trusted_proxies; }, check_address}, "IP addresses",
       "Peers whose X-Forwarded-For is believed; limits and audit then see the right-most other address.",
       "Left empty behind a proxy: all clients share one limit. Too wide: clients choose their own address."},
      {"http.public_url", entry::text{[](config& c) -> std::string& { return c.http.public_url; }, check_url}, "URL",
       "How clients reach this server, used wherever nacre writes a link. Empty: the address listened on.",
       "Wrong: links in answers and in the API description lead nowhere."},
      number(
          "http.drain_timeout_ms", 0, 600'000, [](config & c) -> auto& { return c.http.drain_timeout; }, ms,
          "After SIGTERM, how long requests in flight may take before connections are cut.",
          "Above the service manager's stop timeout the process is killed while it drains."),

      {"data.dir", entry::text{[](config& c) -> std::string& { return c.data.dir; }, check_not_empty}, "path",
       "The node's directory, made with mode 0700. One process at a time.",
       "On a network file system a sync may not be one: acknowledged writes can be lost."},
      {"data.ephemeral", entry::boolean{[](config& c) -> bool& { return c.data.ephemeral; }}, "",
       "Keep everything in memory, for tests.", "True: everything is gone when the process ends."},

      number(
          "storage.block_cache_mib", 1, 65'536, [](config & c) -> auto& { return c.storage.block_cache_mib; }, "MiB",
          "Memory for recently read blocks.",
          "Too large: the process is killed for memory; too small: reads go to disk."),
      number(
          "storage.write_buffer_mib", 1, 1'024, [](config & c) -> auto& { return c.storage.write_buffer_mib; }, "MiB",
          "Memory for writes not yet flushed, over all kinds of data.",
          "Too small: many small files and constant compaction. Large: memory, and a longer replay at start."),

      {"keys.root", entry::text{[](config& c) -> std::string& { return c.keys.root; }, check_key_source, true},
       "source",
       "Where the root key comes from: credential:NAME (systemd, for production), file:PATH (mode 0400 or 0600), "
       "env:NAME (development; unset after reading). 32 raw bytes or 64 hex digits. Required; --dev makes one.",
       "Lost: everything sealed under it is lost. Another key than the data's: the start is refused and says so."},

      {"auth.dev_issuer", entry::boolean{[](config& c) -> bool& { return c.auth.dev_issuer; }}, "",
       "Trust JWTs of the development issuer whose private key lies in data.dir. Loopback only.",
       "True: whoever reads data.dir is any user in any workspace."},
      {"auth.issuers", entry::tables{}, "tables",
       "The OIDC issuers whose JWTs are accepted. Per table: issuer (exact iss), audience (must be in aud), jwks_file "
       "(path), and if wished algorithms (of RS256, ES256, EdDSA, HS256; default all), trust_roles (take role claims "
       "on "
       "first use; default false), client_ids (an aud naming one is an ID token and refused).",
       "None: only PATs authenticate. trust_roles for an issuer that lets users edit claims: anyone becomes owner."},
      number(
          "auth.token_cache_entries", 0, 1'000'000, [](config & c) -> auto& { return c.auth.token_cache_entries; },
          "tokens", "Verified JWTs remembered by hash. 0 verifies every time.",
          "Too small for the number of users: 20 to 90 us more per request."),
      number(
          "auth.token_cache_ms", 0, 30'000, [](config & c) -> auto& { return c.auth.token_cache; }, ms,
          "How long a verified JWT is remembered, never beyond its exp.",
          "Long: a key taken out of a JWKS works that much longer, unless the file change is seen first."),
      number(
          "auth.jwks_reload_ms", 100, 3'600'000, [](config & c) -> auto& { return c.auth.jwks_reload; }, ms,
          "How often JWKS files are looked at for changes.", "Long: a rotated or withdrawn key takes effect late."),

      {"limits.enabled", entry::boolean{[](config& c) -> bool& { return c.limits.enabled; }}, "",
       "Request rate limits and reveal budgets. False only with --dev on loopback, for load tests.",
       "False: whoever steals a session reveals everything it can reach at once."},
      number(
          "limits.address_per_second", 1, 1'000'000, [](config & c) -> auto& { return c.limits.address_per_second; },
          "requests per second", "Per client address (IPv4 /32, IPv6 /64), over all routes; then 429.",
          "Low: offices behind one address are refused. High: guessing gets cheaper."),
      number(
          "limits.address_burst", 1, 1'000'000, [](config & c) -> auto& { return c.limits.address_burst; }, "requests",
          "How many may come at once before limits.address_per_second counts.", "As limits.address_per_second."),
      number(
          "limits.failed_auth_per_minute", 1, 1'000'000,
          [](config & c) -> auto& { return c.limits.failed_auth_per_minute; }, "failures per minute",
          "Failed authentications per client address; then 429 for every request from it.",
          "High: tokens may be tried faster. Low: one broken client locks its whole network out."),

      number(
          "reveal.per_pat", 1, limits::reveal_budget_max, [](config & c) -> auto& { return c.reveal.per_pat; },
          "reveals per 60 s", "Budget per user and PAT; the next is 429. Kept across restarts.",
          "High: a stolen session drains tokens quietly."),
      number(
          "reveal.per_user", 1, limits::reveal_budget_max, [](config & c) -> auto& { return c.reveal.per_user; },
          "reveals per 60 s", "Budget per user over all PATs. Kept across restarts.",
          "Below reveal.per_pat it is the only budget that counts."),

      number(
          "actors.threads", 1, 64, [](config & c) -> auto& { return c.actors.threads; }, "threads",
          "Threads that run workspaces.", "One: a busy workspace delays others by its longest step."),
      number(
          "actors.queue_per_workspace", 1, 65'536, [](config & c) -> auto& { return c.actors.queue_per_workspace; },
          "requests", "Waiting requests of one workspace; the next is 503 with Retry-After.",
          "High: under overload every answer is late instead of some being refused."),
      number(
          "actors.queue_total", 1, 1'000'000, [](config & c) -> auto& { return c.actors.queue_total; }, "requests",
          "Waiting requests of all workspaces together.",
          "High: memory. Below actors.queue_per_workspace it counts first."),
      number(
          "actors.idle_ms", 100, day_ms, [](config & c) -> auto& { return c.actors.idle; }, ms,
          "After so long without a request a workspace is put to sleep and its data key wiped.",
          "Long: memory and keys stay. Short: each request wakes its workspace and unwraps its key again."),

      number(
          "commit.delay_us", 0, 100'000, [](config & c) -> auto& { return c.commit.delay; }, "microseconds",
          "How long the log waits for company before it syncs a batch; a lone writer never waits.",
          "0: more syncs. Long: writes of several callers are that much slower."),
      number(
          "commit.batch_max", 1, 65'536, [](config & c) -> auto& { return c.commit.batch_max; }, "commands",
          "At most so many commands share one sync.", "1: one sync per write."),

      number(
          "tokens.last_used_flush_ms", 10, 600'000, [](config & c) -> auto& { return c.tokens.last_used_flush; }, ms,
          "How often the times PATs were last used are written, many in one command.",
          "Long: lastUsedAt lags and a crash forgets that much of it."),

      {"audit.file", entry::text{[](config& c) -> std::string& { return c.audit.file; }, any_text}, "path",
       "A copy of the audit log as JSON lines (mode 0600), for a log shipper. Empty: none.",
       "Unwritable or on a full disk: lines of the copy are lost and counted; the audit log itself never is."},
      number(
          "audit.rotate_mib", 1, 65'536, [](config & c) -> auto& { return c.audit.rotate_mib; }, "MiB",
          "The copy is renamed to FILE.1 before it grows beyond this.",
          "Small, with few kept: the shipper misses lines."),
      number(
          "audit.keep", 1, 1'000, [](config & c) -> auto& { return c.audit.keep; }, "files",
          "Rotated files kept, FILE.1 the newest.", "Disk use is rotate_mib times one more than this."),

      {"log.level",
       entry::choice{{"debug", "info", "warn", "error"},
                     [](const config& c) { return static_cast<std::size_t>(c.log.level); },
                     [](config& c, std::size_t i) { c.log.level = static_cast<log_level>(i); }},
       "", "The least severe lines written to standard error. info has one line per request.",
       "warn and error: requests leave no trace in the log (the audit log is untouched)."},
  };
  return entries;
}

const entry* find(std::string_view name) {
  for (const auto& e : table()) {
    if (e.name == name) return &e;
  }
  return nullptr;
}

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
  return bad(e.name, in_quotes(value) + " is none of " + all);
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
  static const std::vector<std::string_view> known = {"issuer",     "audience",    "jwks_file",
                                                      "algorithms", "trust_roles", "client_ids"};
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
    } else if (field == "trust_roles") {
      auto value_of = bool_of(name, value);
      if (!value_of) return tl::make_unexpected(value_of.error());
      out.trust_roles = *value_of;
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

// The one NACRE_ variable that is not a key is the root key itself, when keys.root names it.
result<void> check_environment(const config& c, const config_sources& from) {
  for (const auto& [variable, value] : from.environment) {
    auto key = key_of_variable(variable);
    if (!key || find(*key) || c.keys.root == "env:" + variable) continue;
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
  return {};
}

result<void> check_rules(const config& c) {
  bool loopback = is_loopback(c.http.address);
  if (c.dev && !loopback) return bad("http.address", "--dev listens on loopback only; " + c.http.address + " is not");
  if (c.auth.dev_issuer && !loopback) {
    return bad("auth.dev_issuer", "refused while listening on " + c.http.address +
                                      ": whoever holds the development key is any user; loopback only");
  }
  if (!c.limits.enabled && !(c.dev && loopback)) {
    return bad("limits.enabled", "false is refused outside --dev on loopback");
  }
  if (c.keys.root.empty()) {
    return bad("keys.root", "is required: file:PATH, credential:NAME or env:NAME (or start with --dev)");
  }
  return {};
}

std::string toml_text(std::string_view value) {
  std::string out = "\"";
  for (char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string show(config& c, const entry& e) {
  return std::visit(
      [&](const auto& kind) -> std::string {
        using k = std::remove_cvref_t<decltype(kind)>;
        if constexpr (std::is_same_v<k, entry::integer>) {
          return std::to_string(kind.get(c));
        } else if constexpr (std::is_same_v<k, entry::boolean>) {
          return kind.at(c) ? "true" : "false";
        } else if constexpr (std::is_same_v<k, entry::text>) {
          const std::string& value = kind.at(c);
          if (!kind.secret) return toml_text(value);
          return toml_text(value.empty() ? "" : value.substr(0, value.find(':') + 1) + "...");
        } else if constexpr (std::is_same_v<k, entry::choice>) {
          return toml_text(kind.names[kind.get(c)]);
        } else if constexpr (std::is_same_v<k, entry::list>) {
          std::string out = "[";
          for (const auto& each : kind.at(c)) out += (out.size() > 1 ? ", " : "") + toml_text(each);
          return out + "]";
        } else {
          std::string out = "[";
          for (const auto& each : c.auth.issuers) {
            out += (out.size() > 1 ? ", " : "") + ("{issuer = " + toml_text(each.issuer) + "}");
          }
          return out + "]";
        }
      },
      e.kind);
}

void append_wrapped(std::string& out, std::string_view text) {
  constexpr std::size_t width = 100;
  while (!text.empty()) {
    std::size_t cut = text.size();
    if (cut > width) {
      cut = text.rfind(' ', width);
      if (cut == std::string_view::npos) cut = text.size();
    }
    out += "# ";
    out += text.substr(0, cut);
    out += '\n';
    text.remove_prefix(std::min(cut + 1, text.size()));
  }
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

std::vector<std::string_view> config_keys() {
  std::vector<std::string_view> out;
  for (const auto& e : table()) out.push_back(e.name);
  return out;
}

std::string show(const config& c, std::string_view key) {
  const entry* e = find(key);
  if (!e) return {};
  config copy = c;
  return show(copy, *e);
}

std::string example_config() {
  config defaults;
  std::string out =
      "# nacred configuration. Every key is here with its default; leave out what you do not change.\n"
      "# Any key can be overridden in the environment (http.port: NACRE_HTTP__PORT=8443) and on the command\n"
      "# line (--set http.port=8443); lists are written a,b there. Unknown keys are start errors.\n"
      "# Printed by `nacred --help-config`; check a file with `nacred --check-config FILE`.\n";
  std::string_view section;
  for (const auto& e : table()) {
    auto dot = e.name.find('.');
    if (section != e.name.substr(0, dot)) {
      section = e.name.substr(0, dot);
      out += "\n[" + std::string(section) + "]\n";
    } else {
      out += '\n';
    }
    append_wrapped(out, e.effect);
    append_wrapped(out, "Goes wrong: " + std::string(e.wrong));
    std::string facts;
    if (!e.unit.empty()) facts = "Unit: " + std::string(e.unit) + ". ";
    if (const auto* kind = std::get_if<entry::integer>(&e.kind)) {
      facts += "Range: " + std::to_string(kind->low) + ".." + std::to_string(kind->high) + ". ";
    }
    if (const auto* kind = std::get_if<entry::choice>(&e.kind)) {
      facts += "One of: ";
      for (auto name : kind->names) facts += std::string(name) + (name == kind->names.back() ? ". " : ", ");
    }
    std::string leaf(e.name.substr(dot + 1));
    if (e.name == "keys.root") {
      append_wrapped(out, facts + "No default.");
      out += "root = \"credential:nacre-root\"\n";
    } else if (std::holds_alternative<entry::tables>(e.kind)) {
      append_wrapped(out, facts + "Default: none. For example:");
      out +=
          "# issuers = [{issuer = \"https://id.example.com\", audience = \"nacre\",\n"
          "#             jwks_file = \"/etc/nacre/id.jwks.json\", algorithms = [\"RS256\"], trust_roles = false,\n"
          "#             client_ids = []}]\n"
          "issuers = []\n";
    } else {
      append_wrapped(out, facts + "Default: " + show(defaults, e) + ".");
      out += leaf + " = " + show(defaults, e) + "\n";
    }
  }
  return out;
}

bool is_loopback(const std::string& address) {
  in_addr v4;
  in6_addr v6;
  bool is_v6;
  if (!parse_address(address, &v4, &v6, &is_v6)) return false;
  if (!is_v6) return (ntohl(v4.s_addr) >> 24) == 127;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return v6.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&v6);
}

std::size_t http_threads(const config& c) {
  if (c.http.threads != 0) return c.http.threads;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, 8);
}

http::server_config server_config_of(const config& c) {
  http::server_config out;
  out.address = c.http.address;
  out.port = c.http.port;
  out.threads = http_threads(c);
  out.connections_max = c.http.connections_max;
  out.connections_per_address_max = c.http.connections_per_address_max;
  out.header_timeout = c.http.header_timeout;
  out.body_timeout = c.http.body_timeout;
  out.request_timeout = c.http.request_timeout;
  out.write_timeout = c.http.write_timeout;
  out.idle_timeout = c.http.idle_timeout;
  out.trusted_proxies = c.http.trusted_proxies;
  return out;
}

std::string base_url(const config& c, std::uint16_t port) {
  if (!c.http.public_url.empty()) return c.http.public_url;
  bool v6 = c.http.address.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + c.http.address + "]" : c.http.address) + ":" + std::to_string(port);
}

}  // namespace nacre::app
