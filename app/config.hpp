#pragma once
// Everything configurable, typed and checked: what `nacred` runs with.
//
// Sources, each overriding the one before: defaults, the TOML file, the environment (NACRE_A__B=c),
// `--set a.b=c`, explicit flags. One table in config_keys.cpp drives parsing, ranges, `--help-config` and
// deploy/nacred.example.toml. An unknown key is an error that names it; so is a value out of range.
// `load_config` is pure: it reads no file, no environment and no clock, so tests need no process.
// Errors are `invalid`; their text never quotes a value of `keys.root`.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/loopback.hpp"
#include "cluster/peers.hpp"
#include "crypto/jwt.hpp"
#include "http/api.hpp"
#include "http/server.hpp"
#include "model/error.hpp"
#include "model/limits.hpp"

namespace nacre::app {

enum class log_level : std::uint8_t { debug, info, warn, error };
std::string_view name_of(log_level level);

struct config {
  bool dev = false;  // --dev; never a key of the file

  struct {
    std::string address = "127.0.0.1";
    std::uint16_t port = 8080;
    std::size_t threads = 0;  // 0: see http_threads()
    std::chrono::milliseconds header_timeout{10'000};
    std::chrono::milliseconds body_timeout{10'000};
    std::chrono::milliseconds request_timeout{15'000};
    std::chrono::milliseconds write_timeout{10'000};
    std::chrono::milliseconds idle_timeout{75'000};
    std::size_t connections_max = 4096;
    std::size_t connections_per_address_max = 4096;
    std::size_t large_bodies_mib = limits::large_bodies_bytes_default >> 20;
    std::vector<std::string> trusted_proxies;
    std::string public_url;  // empty: not said
    std::chrono::milliseconds drain_timeout{10'000};
  } http;

  struct {
    std::string dir = "/var/lib/nacre";
    bool ephemeral = false;
  } data;

  struct {
    std::size_t block_cache_mib = 96;
    std::size_t row_cache_mib = 192;
    std::size_t write_buffer_mib = 48;
    std::chrono::milliseconds shred_deadline{900'000};
  } storage;

  struct {
    std::string root;  // "file:PATH" | "credential:NAME" | "env:NAME"
  } keys;

  struct {
    bool dev_issuer = false;
    std::vector<crypto::issuer_config> issuers;
    std::size_t token_cache_entries = 4096;
    std::chrono::milliseconds token_cache{30'000};
    std::chrono::milliseconds jwks_reload{2'000};
  } auth;

  struct {
    bool enabled = true;
    std::uint32_t address_per_second = 20;
    std::uint32_t address_burst = 60;
    std::uint32_t failed_auth_per_minute = 10;
    std::uint32_t guest_create_per_minute = 60;
    std::uint32_t guest_reveal_per_minute = 30;
  } limits;

  struct {
    std::uint32_t per_pat = 10;
    std::uint32_t per_user = 60;
    std::chrono::milliseconds retry_window{60'000};
  } reveal;

  struct {
    std::size_t secret_bytes_max = limits::secret_bytes_default;
    std::uint64_t guest_bytes_max = 1ull << 30;
    bool keep_receipt_links = true;
    bool guest = true;  // false: guests may do nothing; else each of these alone
    bool guest_conceal = true, guest_generate = true, guest_show = true, guest_reveal = true, guest_burn = true,
         guest_receipt = true, guest_request = true;
  } onetime;

  struct {
    bool alephant = true, onetime = true, unleash = true, service_tokens = true;
  } families;

  struct {
    bool enabled = true;
    std::string oidc_issuer;  // empty: nobody signs in there
    std::string oidc_client_id, oidc_scopes = "openid email", oidc_audience;
    std::vector<std::string> oidc_origins;  // besides the issuer's own
  } console;

  struct {
    std::uint32_t tokens_per_user = 10;
  } unleash;

  struct {
    std::uint32_t tokens_per_user = limits::family_tokens_per_owner_max;
  } service_tokens;

  struct {
    bool get_reveals = false;
  } compat;

  struct {
    std::size_t threads = 0;  // 0: see actor_threads()
    std::size_t queue_per_workspace = 256;
    std::size_t queue_total = 8192;
    std::chrono::milliseconds idle{60'000};
  } actors;

  struct {
    std::chrono::microseconds delay{300};
    std::size_t batch_max = 512;
  } commit;

  struct {
    std::chrono::milliseconds last_used_flush{1'000};
  } tokens;

  struct {
    std::chrono::milliseconds bounded{500};
    std::size_t cache_entries = 32'768;
  } verify;

  struct {
    std::size_t cache_entries = 2'048;
  } lists;

  struct {
    bool enabled = true;
    std::vector<std::string> allowed_hosts;
    bool only_allowed_hosts = false;
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds timeout{10'000};
    std::size_t at_once = 64;
    std::size_t per_host = 4;
    std::string ca_file;  // empty: the system's
  } webhooks;

  struct {
    std::string file;  // empty: no sink
    std::size_t rotate_mib = 64;
    std::size_t keep = 5;
  } audit;

  struct {
    std::uint64_t node = 0;  // 0: a single node
    std::string listen;      // "address:port"
    std::string ca, certificate, key;
    std::vector<std::string> peers;  // "ID=host:port"; members_of() takes them apart
    bool join = false;
    std::string service_keys;            // file; empty: the cluster began empty
    std::vector<std::string> operators;  // workspaces
    std::size_t groups = 1;
    std::chrono::milliseconds heartbeat{50};
    std::chrono::milliseconds election{500};
  } cluster;

  struct {
    log_level level = log_level::info;
  } log;
};

struct config_sources {
  std::optional<std::string> file_text;
  std::string file_name;                           // for messages
  std::map<std::string, std::string> environment;  // only NACRE_* is read; values of keys only
  std::vector<std::string> sets;                   // "a.b=c", later ones win
  struct {
    bool dev = false;
    bool ephemeral = false;
    std::optional<std::string> data_dir;
    std::optional<std::string> http;  // "127.0.0.1:8080" or "[::1]:8080"
  } flags;
};

// Whether an environment variable of this name (NACRE_A__B) sets a key.
bool sets_a_key(std::string_view variable);

result<config> load_config(const config_sources& sources);

// A file that sets every key to its default, each with unit, range, effect and what goes wrong:
// the output of `nacred --help-config` and the content of deploy/nacred.example.toml.
std::string example_config();

std::vector<std::string_view> config_keys();
// The value as TOML. `keys.root` is shown by its kind only ("file:...").
std::string show(const config& c, std::string_view key);

// As configured; 0 means half the processor's cores, at least 1, at most 8.
std::size_t http_threads(const config& c);
std::size_t actor_threads(const config& c);
http::server_config server_config_of(const config& c);
// http://ADDRESS:PORT, with the port in use.
std::string listening_url(const config& c, std::uint16_t port);
http::onetime_rules onetime_rules_of(const config& c);
http::console_rules console_rules_of(const config& c);
// The nodes a cluster starts with, this one among them. Empty for a single node.
std::vector<cluster::peers::neighbour> members_of(const config& c);

}  // namespace nacre::app
