#include "app/options.hpp"

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "app/joining.hpp"
#include "crypto/certificates.hpp"

namespace nacre::app {
namespace {

constexpr std::string_view usage =
    "nacred: keeps personal access tokens and reveals them under strict rules\n"
    "\n"
    "  nacred --dev [--data-dir DIR] [--http 127.0.0.1:PORT]\n"
    "  nacred --config FILE [--set KEY=VALUE]...\n"
    "  nacred --check-config FILE\n"
    "  nacred --config FILE --join TOKEN\n"
    "\n"
    "  --config FILE        TOML; every key: nacred --help-config\n"
    "  --check-config FILE  say whether FILE (with environment and --set) and its key sets are valid, and end\n"
    "  --join TOKEN         become a node of a cluster: keep what the token of `nacre cluster invite` holds in\n"
    "                       data.dir, print the configuration's section [cluster], and end\n"
    "  --dev                a development node on loopback: makes a root key and a development issuer\n"
    "                       in the data directory (default data/dev)\n"
    "  --data-dir DIR       data.dir\n"
    "  --http ADDR:PORT     http.address and http.port, also [::1]:PORT; port 0 takes a free one\n"
    "  --ephemeral          data.ephemeral: keep everything in memory\n"
    "  --set KEY=VALUE      override any key; repeatable\n"
    "  --help, --help-config, --version\n"
    "\n"
    "Each overrides the one before: defaults, FILE, environment (NACRE_HTTP__PORT=8443), --set, flags.\n"
    "Exit codes: 0 ended as asked, 64 usage, 69 unavailable, 74 I/O, 78 configuration.\n";

finished usage_error(const std::string& what) {
  return {exit_usage, {}, "nacred: " + what + "\nnacred --help tells more\n"};
}

finished config_error(const std::string& what) { return {exit_config, {}, "nacred: " + what + "\n"}; }

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return std::nullopt;
  return text;
}

}  // namespace

std::string_view program_version() { return NACRE_VERSION; }

std::variant<config, finished> read_command_line(const std::vector<std::string>& arguments,
                                                 std::map<std::string, std::string> environment) {
  config_sources sources;
  sources.environment = std::move(environment);
  std::optional<std::string> config_file, check_file, join_token;

  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    std::optional<std::string> attached;  // --name=value
    if (auto equals = name.find('='); name.starts_with("--") && equals != std::string::npos) {
      attached = name.substr(equals + 1);
      name.resize(equals);
    }
    auto is_switch = [&](std::string_view what) { return name == what && !attached; };
    if (is_switch("--help") || is_switch("-h")) return finished{0, std::string(usage), {}};
    if (is_switch("--help-config")) return finished{0, example_config(), {}};
    if (is_switch("--version")) return finished{0, "nacred " + std::string(program_version()) + "\n", {}};
    if (is_switch("--dev")) {
      sources.flags.dev = true;
      continue;
    }
    if (is_switch("--ephemeral")) {
      sources.flags.ephemeral = true;
      continue;
    }

    bool repeatable = name == "--set";
    std::optional<std::string>* once = name == "--config"         ? &config_file
                                       : name == "--check-config" ? &check_file
                                       : name == "--join"         ? &join_token
                                       : name == "--data-dir"     ? &sources.flags.data_dir
                                       : name == "--http"         ? &sources.flags.http
                                                                  : nullptr;
    // An argument that is not ours is not repeated: it may be a secret that slipped in.
    if (!once && !repeatable) return usage_error("argument " + std::to_string(i + 1) + " is unknown");
    std::string value;
    if (attached) {
      value = std::move(*attached);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      return usage_error(name + " wants a value");
    }
    if (repeatable) {
      sources.sets.push_back(std::move(value));
    } else if (*once) {
      return usage_error(name + " is given twice");
    } else {
      *once = std::move(value);
    }
  }
  if (join_token && check_file) return usage_error("--join and --check-config exclude each other");
  if (config_file && check_file) return usage_error("--config and --check-config exclude each other");

  if (const auto& file = check_file ? check_file : config_file) {
    sources.file_name = *file;
    sources.file_text = read_file(*file);
    if (!sources.file_text) return config_error(*file + ": cannot be read");
  }
  auto loaded = load_config(sources);
  if (!loaded) return config_error(loaded.error().text);
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  if (join_token && !check_file) return join_cluster(*loaded, *join_token, now.count());
  if (!check_file) return std::move(*loaded);
  // The start would fail over these files as well; the development issuer's are made there.
  if (auto made = crypto::make_authenticator(loaded->auth.issuers); !made)
    return config_error(*check_file + ": " + made.error().text);
  if (const auto& k = loaded->cluster; k.node != 0) {
    auto identity = crypto::node_identity::read_files({k.ca, k.certificate, k.key}, now.count());
    if (!identity) return config_error(*check_file + ": " + identity.error().text);
    if (identity->name().node != k.node)
      return config_error(*check_file + ": cluster.certificate is node " + std::to_string(identity->name().node) +
                          "'s");
  }
  return finished{0, *check_file + ": valid\n", {}};
}

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> out;
  for (char** each = environ; each && *each; ++each) {
    std::string_view pair = *each;
    // The rest of the environment is none of our business and may hold other programs' secrets.
    if (!pair.starts_with("NACRE_")) continue;
    auto equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    // What is no key is a root key, a token or a mistake: its name will do.
    auto name = pair.substr(0, equals);
    out.emplace(name, sets_a_key(name) ? pair.substr(equals + 1) : std::string_view());
  }
  return out;
}

}  // namespace nacre::app
