#include "app/config_keys.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <chrono>
#include <type_traits>
#include <utility>

#include "cluster/wire/endpoint.hpp"
#include "model/ids.hpp"
#include "model/limits.hpp"
#include "model/webhook_url.hpp"

namespace nacre::app {
namespace {

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

std::optional<std::string> check_issuer_url(const std::string& text) {
  if (text.empty() || web_origin_of(text)) return std::nullopt;
  return "wants https://HOST or https://HOST/PATH, the issuer's exact name";
}

std::optional<std::string> check_origin(const std::string& text) {
  if (web_origin_of(text) == text) return std::nullopt;
  return "wants https://HOST or https://HOST:PORT, as browsers write it: in lower case, without a path or the port 443";
}

// What goes into a query of the issuer's, in the page: any visible text will do.
std::optional<std::string> check_words(const std::string& text) {
  if (std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; })) return std::nullopt;
  return "wants printable ASCII";
}

std::optional<std::string> check_webhook_host(const std::string& text) {
  auto parsed = model::webhook_hosts::parse({text}, false);
  if (parsed) return std::nullopt;
  return parsed.error().text;
}

std::optional<std::string> check_key_source(const std::string& text) {
  for (std::string_view kind : {"file:", "credential:", "env:"}) {
    if (text.starts_with(kind) && text.size() > kind.size()) return std::nullopt;
  }
  return "wants file:PATH, credential:NAME or env:NAME (a source, never the key itself)";
}

std::optional<std::string> check_listen(const std::string& text) {
  if (text.empty()) return std::nullopt;
  if (const auto at = cluster::wire::parse_endpoint(text); at && !check_address(at->host)) return std::nullopt;
  return "wants ADDRESS:PORT with an IP address, such as 10.0.0.1:7400 or [::1]:7400";
}

std::optional<std::string> check_member(const std::string& text) {
  if (cluster::wire::parse_member(text)) return std::nullopt;
  return "wants ID=HOST:PORT, such as 1=10.0.0.1:7400";
}

std::optional<std::string> check_workspace(const std::string& text) {
  if (const auto id = parse_uuid(text); id && !id->is_nil()) return std::nullopt;
  return "wants the UUID of a workspace";
}

std::optional<std::string> check_not_empty(const std::string& text) {
  if (text.empty()) return "must not be empty";
  return std::nullopt;
}

constexpr std::int64_t day_ms = 24 * 3'600'000;
constexpr std::string_view ms = "milliseconds";

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

const std::vector<entry>& table() {
  static_assert(limits::http_spare_files_min == 512, "as http.connections_max tells");
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
          "From the head to the whole body (at most 32 KiB, or as onetime.secret_bytes_max says); then 408 and close.",
          "As http.header_timeout_ms."),
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
          "connections", "More are closed on accept. The open-files limit must be at least 512 above it.",
          "Above RLIMIT_NOFILE: the limit is raised to the hard one, then the start fails if that is not enough."),
      number(
          "http.connections_per_address_max", 1, 1'000'000,
          [](config & c) -> auto& { return c.http.connections_per_address_max; }, "connections",
          "Of http.connections_max, how many one peer address may hold.",
          "Behind a proxy all connections share the proxy's address: keep it as high as http.connections_max."),
      number(
          "http.large_bodies_mib", limits::large_bodies_bytes_min >> 20, 65'536,
          [](config & c) -> auto& { return c.http.large_bodies_mib; }, "MiB",
          "What bodies above 32 KiB may hold in memory, those of all connections together; the next is 503. Each takes "
          "up to as much again while it is read and sealed.",
          "Small with a large onetime.secret_bytes_max: a few slow uploads keep others out. Above the memory there is: "
          "strangers can use it up."),
      {"http.trusted_proxies",
       entry::list{[](config& c) -> text_list& { return c.http.trusted_proxies; }, check_address}, "IP addresses",
       "Peers whose X-Forwarded-For is believed; limits and audit then see the right-most other address.",
       "Left empty behind a proxy: all clients share one limit. Too wide: clients choose their own address."},
      {"http.public_url", entry::text{[](config& c) -> std::string& { return c.http.public_url; }, check_url}, "URL",
       "How clients reach this server: the links of one-time secrets begin with it. Empty: http://, the address and "
       "the "
       "port that are listened on. With --dev or auth.dev_issuer it must be of this machine.",
       "Left empty behind a proxy: links lead nowhere, and nothing tells a development issuer that others reach it."},
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
          "storage.row_cache_mib", 0, 65'536, [](config & c) -> auto& { return c.storage.row_cache_mib; }, "MiB",
          "Memory for single rows that are asked for often (workspaces, members, tokens), taken as it fills.",
          "Too small: a request about one of very many tokens takes longer than about one of few. 0: none."),
      number(
          "storage.write_buffer_mib", 1, 1'024, [](config & c) -> auto& { return c.storage.write_buffer_mib; }, "MiB",
          "Memory for writes not yet flushed, over all kinds of data.",
          "Too small: many small files and constant compaction. Large: memory, and a longer replay at start."),
      number(
          "storage.shred_deadline_ms", 1'000, day_ms, [](config & c) -> auto& { return c.storage.shred_deadline; }, ms,
          "What was revealed, burned, revoked or has expired is gone from the files after so long.",
          "Short: all sealed bytes are rewritten as often as twice in this time. Long: they can be found longer."),

      {"keys.root", entry::text{[](config& c) -> std::string& { return c.keys.root; }, check_key_source, true},
       "source",
       "Where the root key comes from: credential:NAME (systemd, for production), file:PATH (mode 0400 or 0600), "
       "env:NAME (refused without --dev; unset after reading). 32 raw bytes or 64 hex digits. Required; --dev makes "
       "one.",
       "Lost: everything sealed under it is lost. Another key than the data's: the start is refused and says so."},

      {"auth.dev_issuer", entry::boolean{[](config& c) -> bool& { return c.auth.dev_issuer; }}, "",
       "Trust JWTs of the development issuer whose private key lies in data.dir. Loopback only: refused on another "
       "address, with an http.public_url of another machine and, without --dev, with http.trusted_proxies, because "
       "through a proxy others reach a loopback address.",
       "True: whoever reads data.dir is any user in any workspace; with --dev, any program on this machine can be the "
       "console's developer."},
      {"auth.issuers", entry::tables{}, "tables",
       "The OIDC issuers whose JWTs are accepted. Per table: issuer (exact iss), audience (must be in aud), jwks_file "
       "(path), and if wished algorithms (of RS256, ES256, EdDSA, HS256; default all), trust_roles (take role claims "
       "on "
       "first use; default false), trust_scopes (a token whose scope says nacre.cluster may see and change the "
       "cluster; "
       "default false), client_ids (an aud naming one is an ID token and refused).",
       "None: only PATs authenticate. trust_roles for an issuer that lets users edit claims: anyone becomes owner. "
       "trust_scopes for one that gives every scope that is asked for: anyone becomes operator."},
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
          "requests per second",
          "Per client address (IPv4 /32, IPv6 /64), over all routes but those of operations and /api/v1/verify; then "
          "429. 2000 under --dev.",
          "Low: offices behind one address are refused. High: guessing gets cheaper."),
      number(
          "limits.address_burst", 1, 1'000'000, [](config & c) -> auto& { return c.limits.address_burst; }, "requests",
          "How many may come at once before limits.address_per_second counts. 4000 under --dev.",
          "As limits.address_per_second."),
      number(
          "limits.failed_auth_per_minute", 1, 1'000'000,
          [](config & c) -> auto& { return c.limits.failed_auth_per_minute; }, "failures per minute",
          "Failed authentications per client address; then 429 for every request with a credential from it. 4000 under "
          "--dev.",
          "High: tokens may be tried faster. Low: one broken client locks its whole network out."),
      number(
          "limits.guest_create_per_minute", 1, 1'000'000,
          [](config & c) -> auto& { return c.limits.guest_create_per_minute; }, "secrets per minute",
          "One-time secrets made without an account per client address; then 429. 120000 under --dev.",
          "High: one stranger fills onetime.guest_bytes_max quickly. Low: an office behind one address is refused."),
      number(
          "limits.guest_reveal_per_minute", 1, 1'000'000,
          [](config & c) -> auto& { return c.limits.guest_reveal_per_minute; }, "reveals per minute",
          "Reveals without an account per client address, of unknown links too; then 429. 120000 under --dev.",
          "High: guessing gets cheaper. Low: readers behind one address are refused."),

      number(
          "reveal.per_pat", 1, limits::reveal_budget_max, [](config & c) -> auto& { return c.reveal.per_pat; },
          "reveals per 60 s", "Budget per user and PAT; the next is 429. Kept across restarts.",
          "High: a stolen session drains tokens quietly."),
      number(
          "reveal.per_user", 1, limits::reveal_budget_max, [](config & c) -> auto& { return c.reveal.per_user; },
          "reveals per 60 s", "Budget per user over all PATs. Kept across restarts.",
          "Below reveal.per_pat it is the only budget that counts."),
      number(
          "reveal.retry_window_ms", 0, limits::retry_window_ms_max,
          [](config & c) -> auto& { return c.reveal.retry_window; }, ms,
          "How long a reveal that was made with an Idempotency-Key can be fetched again with the same key. 0: never.",
          "Long: a revealed secret stays sealed on disk that much longer. 0: a lost answer is a lost secret."),

      number(
          "onetime.secret_bytes_max", 1, limits::secret_bytes_max,
          [](config & c) -> auto& { return c.onetime.secret_bytes_max; }, "bytes",
          "The longest one-time secret. Only the calls that create one take bodies of more than 32 KiB, up to six "
          "times "
          "this and 16 KiB, for JSON escapes.",
          "High: fewer fit into http.large_bodies_mib at once; the proxy's own body limit must be as high."),
      number(
          "onetime.guest_bytes_max", 0, std::int64_t{1} << 50,
          [](config & c) -> auto& { return c.onetime.guest_bytes_max; }, "bytes",
          "What all live secrets of guests and their requests may take, each of 64 partitions an equal share; the next "
          "is 507. 0: no bound.",
          "0 or above the disk: strangers can fill it. Small: guests are refused while old secrets wait."),
      {"onetime.keep_receipt_links", entry::boolean{[](config& c) -> bool& { return c.onetime.keep_receipt_links; }},
       "",
       "Whether an account's list of recent receipts names them; for that they lie sealed under the workspace's key.",
       "True: disk and root key together open an account's unread secret that has no passphrase. Guests' never."},
      {"onetime.guest", entry::boolean{[](config& c) -> bool& { return c.onetime.guest; }}, "",
       "Whether callers without an account may use one-time secrets at all. False: 403 GUEST_ROUTES_DISABLED.",
       "False: readers of a link need an account too."},
      {"onetime.guest_conceal", entry::boolean{[](config& c) -> bool& { return c.onetime.guest_conceal; }}, "",
       "Whether guests may share a text. False: 403 GUEST_CONCEAL_DISABLED.",
       "True on a public address: strangers store on your disk; see onetime.guest_bytes_max."},
      {"onetime.guest_generate", entry::boolean{[](config& c) -> bool& { return c.onetime.guest_generate; }}, "",
       "Whether guests may have a password made up. False: 403 GUEST_GENERATE_DISABLED.", "As onetime.guest_conceal."},
      {"onetime.guest_show", entry::boolean{[](config& c) -> bool& { return c.onetime.guest_show; }}, "",
       "Whether guests may see that a secret is there, and its status. False: 403 GUEST_SHOW_DISABLED.",
       "False: web pages cannot ask for a passphrase before they reveal."},
      {"onetime.guest_reveal", entry::boolean{[](config& c) -> bool& { return c.onetime.guest_reveal; }}, "",
       "Whether guests may reveal. False: 403 GUEST_REVEAL_DISABLED.", "False: readers of a link need an account."},
      {"onetime.guest_burn", entry::boolean{[](config& c) -> bool& { return c.onetime.guest_burn; }}, "",
       "Whether guests may burn with a receipt. False: 403 GUEST_BURN_DISABLED.",
       "False: who shared as a guest by mistake cannot take it back."},
      {"onetime.guest_receipt", entry::boolean{[](config& c) -> bool& { return c.onetime.guest_receipt; }}, "",
       "Whether guests may read receipts. False: 403 GUEST_RECEIPT_DISABLED.",
       "False: who shared as a guest does not learn what became of it."},
      {"onetime.guest_request", entry::boolean{[](config& c) -> bool& { return c.onetime.guest_request; }}, "",
       "Whether guests may ask somebody for a secret. Whoever is asked may answer without an account in any case.",
       "As onetime.guest_conceal. False: 403, only accounts ask."},

      {"families.alephant", entry::boolean{[](config& c) -> bool& { return c.families.alephant; }}, "",
       "Whether /api/v1/pats is served: tokens that can be revealed. False: 404 there; tokens issued before stay good.",
       "False: nobody can list or revoke them either."},
      {"families.onetime", entry::boolean{[](config& c) -> bool& { return c.families.onetime; }}, "",
       "Whether one-time secrets are served (Onetime Secret v1 and v2). False: 404 there.",
       "False: links handed out before open nothing until it is true again, and may expire meanwhile."},
      {"families.unleash", entry::boolean{[](config& c) -> bool& { return c.families.unleash; }}, "",
       "Whether /api/admin is served: Unleash user tokens and service accounts. False: 404 there.",
       "As families.alephant."},
      {"families.service_tokens", entry::boolean{[](config& c) -> bool& { return c.families.service_tokens; }}, "",
       "Whether /api/users and /api/personal-access-tokens are served: tokens of service users. False: 404 there.",
       "As families.alephant."},
      number(
          "unleash.tokens_per_user", 1, limits::family_tokens_per_owner_max,
          [](config & c) -> auto& { return c.unleash.tokens_per_user; }, "tokens",
          "How many Unleash tokens one user may have, expired ones too; the next is 403.",
          "High: forgotten tokens pile up. Below what users have: they must delete before they can create."),
      number(
          "service_tokens.tokens_per_user", 1, limits::family_tokens_per_owner_max,
          [](config & c) -> auto& { return c.service_tokens.tokens_per_user; }, "tokens",
          "How many tokens one service user, or one user of their own, may have; the next is 403.",
          "As unleash.tokens_per_user."),

      {"console.enabled", entry::boolean{[](config& c) -> bool& { return c.console.enabled; }}, "",
       "Whether the page /console is served: workspaces, tokens, webhooks and the audit log in a browser. It may do "
       "what its user's own token may.",
       "False: 404 there; who has no issuer's JWT at hand needs the command line. A development node then has no "
       "sign-in by one click either."},
      {"console.oidc_issuer",
       entry::text{[](config& c) -> std::string& { return c.console.oidc_issuer; }, check_issuer_url}, "URL",
       "Where people sign in to the console, by authorization code and PKCE: one of auth.issuers, letter for letter. "
       "Its metadata is read at /.well-known/openid-configuration behind this URL. http:// on loopback only. Register "
       "http.public_url with /console behind it as a redirect URI of a public client, and its origin for CORS. Empty: "
       "people paste a token.",
       "An issuer that answers browsers no CORS headers: the page says that it cannot reach it. One whose access "
       "tokens are no JWTs for auth.issuers' audience: signed in there, refused here."},
      {"console.oidc_client_id",
       entry::text{[](config& c) -> std::string& { return c.console.oidc_client_id; }, check_words}, "",
       "The public client registered for the console; it has no secret. Required with console.oidc_issuer.",
       "Another application's: the issuer refuses the redirect URI. Confidential: it refuses the code."},
      {"console.oidc_scopes", entry::text{[](config& c) -> std::string& { return c.console.oidc_scopes; }, check_words},
       "",
       "Scopes asked for, with a space between them. With openid the answer holds an ID token, whose nonce is checked.",
       "Without the scope that stands for nacre at your issuer: access tokens for another audience."},
      {"console.oidc_audience",
       entry::text{[](config& c) -> std::string& { return c.console.oidc_audience; }, check_words}, "",
       "Sent as audience when people sign in, for issuers that must be told for whom the token is. Empty: not sent.",
       "Not the audience of auth.issuers: signed in there, refused here."},
      {"console.oidc_origins",
       entry::list{[](config& c) -> text_list& { return c.console.oidc_origins; }, check_origin}, "origins",
       "Where else the issuer's token endpoint may lie: the console may ask these hosts and the issuer's own, no "
       "others.",
       "Missing: the page names the origin it may not ask. Too many: a flaw of the page could send a token there."},

      {"compat.get_reveals", entry::boolean{[](config& c) -> bool& { return c.compat.get_reveals; }}, "",
       "Whether GET /api/v2/secret/{identifier}?continue=true reveals, as clients of old expect.",
       "True: whatever follows links, a mail scanner say, may consume a secret before its reader does."},

      number(
          "actors.threads", 0, 64, [](config & c) -> auto& { return c.actors.threads; }, "threads",
          "Threads that run workspaces. 0: half the cores, 1 to 8.",
          "One: a busy workspace delays others by its longest step. Each more than there is work for only adds "
          "switching."),
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

      number(
          "verify.bounded_ms", 0, 60'000, [](config & c) -> auto& { return c.verify.bounded; }, ms,
          "How old what a node knows may be where /api/v1/verify is asked with consistency=bounded; what is older is "
          "brought up to date first. A single node is never behind.",
          "Long: a revoked token passes bounded checks for so long on a node that is cut off. 0: bounded is current."),
      number(
          "verify.cache_entries", 0, 10'000'000, [](config & c) -> auto& { return c.verify.cache_entries; }, "tokens",
          "Tokens that were checked lately and are remembered, about 1 KiB each; used only while nothing in their "
          "workspace has changed. 0: every check, and every request that brings a PAT, reads.",
          "Fewer than are in use: more reads per check. Many: memory."),

      number(
          "lists.cache_entries", 0, 1'000'000, [](config & c) -> auto& { return c.lists.cache_entries; }, "answers",
          "Answers that list tokens and are given again while nothing they show has changed, 16 KiB each at most; "
          "longer ones are not kept. 0: every list is made anew.",
          "Fewer than callers who list again and again: more reads. Many: memory."),

      {"webhooks.enabled", entry::boolean{[](config& c) -> bool& { return c.webhooks.enabled; }}, "",
       "Deliver to the URLs that owners and admins of workspaces name.",
       "False: nothing is sent from this node; what happens meanwhile waits, the last 900 to 1000 for each webhook."},
      {"webhooks.allowed_hosts",
       entry::list{[](config& c) -> text_list& { return c.webhooks.allowed_hosts; }, check_webhook_host},
       "hosts, or host:port",
       "Hosts that may be reached although they are not on the public internet, and by plain http://. Written as in "
       "the URL: a name is not resolved to compare it with an address.",
       "Whoever administers a workspace can make this node send requests to them: list receivers, never networks' "
       "gateways, metadata services or this node."},
      {"webhooks.only_allowed_hosts", entry::boolean{[](config& c) -> bool& { return c.webhooks.only_allowed_hosts; }},
       "", "Deliver to webhooks.allowed_hosts and to nobody else.",
       "True with an empty list: no webhook can be made, and those there are fail."},
      number(
          "webhooks.connect_timeout_ms", 100, 60'000, [](config & c) -> auto& { return c.webhooks.connect_timeout; },
          ms, "For looking up the host, connecting and TLS together; then the attempt has failed.",
          "Short: receivers far away are never reached."),
      number(
          "webhooks.timeout_ms", 100, 120'000, [](config & c) -> auto& { return c.webhooks.timeout; }, ms,
          "For a whole attempt, the receiver's answer included; then it has failed and comes again later.",
          "Short: slow receivers get everything several times. Long: they hold places of webhooks.at_once."),
      number(
          "webhooks.at_once", 1, 4'096, [](config & c) -> auto& { return c.webhooks.at_once; }, "deliveries",
          "Attempts under way at a time, over all receivers; at most 16 of one workspace.",
          "Small: one slow receiver delays the others. Large: sockets and files."),
      number(
          "webhooks.per_host", 1, 64, [](config & c) -> auto& { return c.webhooks.per_host; }, "deliveries",
          "Of webhooks.at_once, how many may go to one host and port.",
          "Large: a receiver that comes back is met by all that waited at once."),
      {"webhooks.ca_file", entry::text{[](config& c) -> std::string& { return c.webhooks.ca_file; }, any_text}, "path",
       "PEM file of the certificate authorities receivers are verified against. Empty: the system's.",
       "Set: receivers with certificates of public authorities are refused unless the file names those too."},

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

      number(
          "cluster.node", 0, limits::cluster_node_max, [](config & c) -> auto& { return c.cluster.node; }, "id",
          "This node's number in its cluster, as its certificate says. 0: a single node. A number is never given to a "
          "second node, nor to one that has lost its directory.",
          "Another than the certificate's: the start is refused. In use by a live process: the others refuse the "
          "second one and say so."),
      {"cluster.listen", entry::text{[](config& c) -> std::string& { return c.cluster.listen; }, check_listen},
       "address:port",
       "Where the other nodes reach this one: an IP address of a private network, and a port of its own.",
       "Empty in a cluster: the start is refused. Open to the world: TLS keeps strangers out, but not their load."},
      {"cluster.ca", entry::text{[](config& c) -> std::string& { return c.cluster.ca; }, any_text}, "path",
       "Certificate of the cluster's own CA, from `nacre ca init`. Whoever has a certificate of it is a node: never a "
       "company's or a public CA.",
       "Missing, or another than the certificate's: the start is refused."},
      {"cluster.certificate", entry::text{[](config& c) -> std::string& { return c.cluster.certificate; }, any_text},
       "path", "This node's certificate, from `nacre ca issue NODE`. A renewed one counts after a restart.",
       "Expired, or of another node: the start is refused. Expired while running: a lost connection does not return."},
      {"cluster.key", entry::text{[](config& c) -> std::string& { return c.cluster.key; }, any_text}, "path",
       "Key of cluster.certificate, mode 0400 or 0600.",
       "Readable by others: the start is refused. Stolen: the thief can be this node; make a new CA."},
      {"cluster.peers", entry::list{[](config& c) -> text_list& { return c.cluster.peers; }, check_member},
       "ID=host:port",
       "The nodes the cluster starts with, this one among them, and where they listen; the same list on each, 3 or 5. "
       "Afterwards the cluster itself keeps who belongs to it (`nacre cluster status`), and a node that finds no "
       "leader "
       "for a while asks these as well where it is.",
       "Lists that differ at the first start: two clusters may form. Two nodes: either one's end stops both."},
      {"cluster.join", entry::boolean{[](config& c) -> bool& { return c.cluster.join; }}, "",
       "With an empty directory: wait until the cluster takes this node in (`nacre cluster add`), and fetch the state "
       "from it then, rather than found one. cluster.peers are those that are there, and this node. A directory that "
       "has joined goes on whatever this says.",
       "False for a node that comes later: it would found a cluster of its own, which the others do not speak to."},
      {"cluster.service_keys", entry::text{[](config& c) -> std::string& { return c.cluster.service_keys; }, any_text},
       "path",
       "For a cluster that grew out of a single node, or has another CA than it began with: the service keys that "
       "`nacre cluster init` or `nacre cluster keys` wrote, sealed under the root key. Read at the first start of a "
       "directory only.",
       "Missing there: links and tokens from before are not known to this node; its first start with others' keys "
       "cannot be mended but by beginning again: another number, a new invitation, an empty directory."},
      {"cluster.operators", entry::list{[](config& c) -> text_list& { return c.cluster.operators; }, check_workspace},
       "workspace UUIDs",
       "Workspaces whose owners and admins may see the cluster and change its members, with a token of scope read or "
       "admin of that workspace. Besides them whoever has a JWT with the scope nacre.cluster from an issuer with "
       "trust_scopes.",
       "A workspace whose owner takes in others freely: they can take nodes out of the cluster."},
      number(
          "cluster.groups", 1, limits::cluster_groups_max, [](config & c) -> auto& { return c.cluster.groups; },
          "groups",
          "Into how many groups with a leader each the workspaces are divided. Fixed when the cluster is made.",
          "More than one leader's worth of load needs: smaller batches, slower changes. Changed: the start is "
          "refused."),
      number(
          "cluster.heartbeat_ms", 10, 5'000, [](config & c) -> auto& { return c.cluster.heartbeat; }, ms,
          "How often a leader tells the others that it lives.",
          "Short: an idle cluster works. Long: needs a long cluster.election_ms."),
      number(
          "cluster.election_ms", 100, 60'000, [](config & c) -> auto& { return c.cluster.election; }, ms,
          "Without a sign of life for so long, up to twice as long by chance, the others choose a new leader. At least "
          "five times cluster.heartbeat_ms.",
          "Short: a pause of a disk or a network costs a leader. Long: so long nothing can be changed after one dies."),

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

std::optional<std::string> web_origin_of(std::string_view url) {
  auto scheme = url.substr(0, url.find("://"));
  if (scheme.size() == url.size() || (scheme != "https" && scheme != "http")) return std::nullopt;
  auto rest = url.substr(scheme.size() + 3);
  auto place = rest.substr(0, rest.find('/'));
  auto path = rest.substr(place.size());
  auto colon = place.find(':');
  auto host = place.substr(0, colon);
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  auto in_host = [&](char c) { return letter(c) || c == '-' || c == '.'; };
  if (host.empty() || !letter(host.front()) || !std::all_of(host.begin(), host.end(), in_host)) return std::nullopt;
  std::string origin = std::string(scheme) + "://";
  for (char c : host) origin += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (colon != place.npos) {
    auto digits = place.substr(colon + 1);
    bool all_digits = std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (digits.empty() || digits.size() > 5 || !all_digits) return std::nullopt;
    const int port = std::stoi(std::string(digits));
    if (port > 65'535) return std::nullopt;
    if (port != (scheme == "https" ? 443 : 80)) origin += ":" + std::to_string(port);
  }
  auto in_path = [&](char c) { return letter(c) || std::string_view("-._~/%:@+").find(c) != std::string_view::npos; };
  if (!std::all_of(path.begin(), path.end(), in_path)) return std::nullopt;
  if (scheme == "http" && host != "localhost" && !is_loopback(std::string(host))) return std::nullopt;
  return origin;
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

}  // namespace nacre::app
