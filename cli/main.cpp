// nacre: the command line.
//
// Exit codes: 0; 64 usage; 65 bad data (refused rows, tokens found by a scan); 69 unavailable; 74 I/O;
// 78 configuration (data directory, keys).

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>

#include "app/maintenance.hpp"
#include "cli/http_client.hpp"
#include "crypto/jwt.hpp"
#include "crypto/process.hpp"
#include "model/ids.hpp"
#include "model/time.hpp"

namespace {

using namespace nacre;

enum exit_code : int {
  exit_ok = 0,
  exit_usage = 64,
  exit_data = 65,
  exit_unavailable = 69,
  exit_io = 74,
  exit_config = 78
};

int complain(const error& e) {
  std::cerr << "nacre: " << e.text << "\n";
  switch (e.code) {
    case errc::invalid:
      return exit_config;
    case errc::full:
      return exit_unavailable;
    case errc::wrong_passphrase:
      return exit_data;
    case errc::unsupported:
      return exit_config;
    case errc::not_found:
      return exit_config;  // no development issuer, no data
    case errc::busy:
      return exit_unavailable;
    case errc::corrupt:
      return exit_io;
    case errc::storage_failed:
      return exit_io;
    case errc::unauthenticated:
    case errc::token_revoked:
    case errc::token_expired:
    case errc::insufficient_scope:
    case errc::forbidden:
    case errc::conflict:
    case errc::reveal_not_available:
    case errc::rate_limited:
    case errc::deadline_exceeded:
    case errc::outcome_unknown:
    case errc::internal:
      return exit_unavailable;
  }
  std::abort();
}

// ---- token mint ------------------------------------------------------------------------------------

struct mint_options {
  std::string data_dir;
  crypto::mint_request what;
  std::string ttl = "1h";
};

// "90s", "15m", "24h", or plain seconds.
std::optional<std::int64_t> seconds_of(const std::string& text) {
  char* end = nullptr;
  errno = 0;
  long long n = std::strtoll(text.c_str(), &end, 10);
  if (end == text.c_str() || errno != 0 || n <= 0 || n > 1'000'000) return std::nullopt;
  std::string_view unit(end);
  if (unit.empty() || unit == "s") return n;
  if (unit == "m") return n * 60;
  if (unit == "h") return n * 3600;
  return std::nullopt;
}

int mint(const mint_options& o) {
  auto request = o.what;
  auto seconds = seconds_of(o.ttl);
  if (!seconds) {
    std::cerr << "nacre: --ttl must be like 90s, 15m or 24h\n";
    return exit_usage;
  }
  // The node would answer 401 to such a token, which tells nobody why.
  if (!parse_uuid(request.subject) || (request.workspace && !parse_uuid(*request.workspace))) {
    std::cerr << "nacre: --sub and --ws want UUIDs\n";
    return exit_usage;
  }
  request.seconds = *seconds;
  auto token = crypto::mint_dev_token(o.data_dir, request, system_clock{}.now());
  if (!token) {
    int code = complain(token.error());
    return token.error().code == errc::invalid ? exit_usage : code;
  }
  std::cout << *token << "\n";
  return exit_ok;
}

// ---- import pats -------------------------------------------------------------------------------------

struct import_options {
  std::string data_dir, root_key, file, url, token_file;
  bool insecure = false;
};

app::directory_access access_of(const std::string& data_dir, const std::string& root_key) {
  return {data_dir, root_key.empty() ? std::nullopt : std::optional(root_key)};
}

int report(const app::import_report& r) {
  for (const auto& refused : r.refused) std::cerr << "line " << refused.line << ": " << refused.why << "\n";
  std::cout << r.imported << " imported, " << r.refused.size() << " refused\n";
  return r.refused.empty() ? exit_ok : exit_data;
}

// The credential of an owner or admin: from a file, or NACRE_TOKEN; never an argument, which every
// process of the machine can read.
std::optional<std::string> credential(const std::string& token_file) {
  std::string token;
  if (!token_file.empty()) {
    std::ifstream in(token_file);
    if (!std::getline(in, token)) return std::nullopt;
  } else if (const char* env = std::getenv("NACRE_TOKEN")) {
    token = env;
  }
  if (token.empty()) return std::nullopt;
  return token;
}

int import_over_http(const import_options& o, std::istream& rows) {
  using clear_text = cli::http_client::clear_text;
  auto client = cli::http_client::make(o.url, o.insecure ? clear_text::anywhere : clear_text::loopback_only);
  if (!client) {
    std::cerr << "nacre: " << client.error().text << "\n";
    return exit_usage;
  }
  auto token = credential(o.token_file);
  if (!token) {
    std::cerr << "nacre: give an owner's or admin's token by --token-file FILE or NACRE_TOKEN\n";
    return exit_usage;
  }
  app::import_report result;
  std::string line;
  for (std::uint64_t number = 1; std::getline(rows, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto workspace = app::check_import_row(line);
    if (!workspace) {
      result.refused.push_back({number, workspace.error().text});
      continue;
    }
    auto answer = client->post("/api/v1/pats/import",
                               {{"Authorization", "Bearer " + *token},
                                {"X-Workspace-Id", to_string(*workspace)},
                                {"Content-Type", "application/json"}},
                               line);
    if (!answer && answer.error().code == errc::outcome_unknown) {
      // Sent again at once, a row that was taken would be refused as known already.
      result.refused.push_back({number, "unknown, run again (" + answer.error().text + ")"});
      continue;
    }
    if (!answer) {
      report(result);
      return complain(answer.error());
    }
    if (answer->status == 201)
      ++result.imported;
    else
      result.refused.push_back({number, "the server answered " + std::to_string(answer->status) + ": " + answer->body});
  }
  return report(result);
}

int import(const import_options& o) {
  std::ifstream file;
  if (o.file != "-") {
    file.open(o.file);
    if (!file) {
      std::cerr << "nacre: cannot read " << o.file << "\n";
      return exit_io;
    }
  }
  std::istream& rows = o.file == "-" ? std::cin : file;
  if (!o.url.empty()) return import_over_http(o, rows);
  auto done = app::import_pats(access_of(o.data_dir, o.root_key), rows);
  if (!done) return complain(done.error());
  return report(*done);
}

// ---- scan --------------------------------------------------------------------------------------------

struct scan_options {
  std::string data_dir, root_key;
  std::vector<std::string> files;
};

int scan(const scan_options& o) {
  auto scanner = app::open_scanner(access_of(o.data_dir, o.root_key));
  if (!scanner) return complain(scanner.error());
  bool any = false, unreadable = false;
  for (const auto& name : o.files) {
    std::ifstream file;
    if (name != "-") file.open(name);
    if (name != "-" && !file) {
      std::cerr << "nacre: cannot read " << name << "\n";
      unreadable = true;
      continue;
    }
    for (const auto& found : (*scanner)->scan(name == "-" ? std::cin : file)) {
      std::cout << name << ":" << found.line << ":" << found.column << ": " << found.prefix
                << "... is a token of this installation\n";
      any = true;
    }
  }
  return unreadable ? exit_io : any ? exit_data : exit_ok;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli{"nacre: personal access tokens and one-time secrets, from the command line"};
  cli.set_version_flag("--version", "nacre " + std::string(app::program_version()));
  cli.require_subcommand(1);
  std::function<int()> run;

  auto* token = cli.add_subcommand("token", "Tokens of the development issuer");
  token->require_subcommand(1);
  mint_options mint_with;
  auto* minting = token->add_subcommand("mint", "Print a JWT of the development issuer");
  minting->add_option("--data-dir", mint_with.data_dir, "Data directory of the development node")->required();
  minting->add_option("--sub", mint_with.what.subject, "User id, a UUID")->required();
  minting->add_option("--ws", mint_with.what.workspace, "Workspace id, a UUID; made at first use");
  minting->add_option("--role", mint_with.what.role, "owner, admin or member; given at first use")
      ->check(CLI::IsMember({"owner", "admin", "member"}));
  minting->add_option("--ws-name", mint_with.what.workspace_name, "Name of the workspace, if it is made");
  minting->add_option("--email", mint_with.what.email, "The user's e-mail address");
  minting->add_option("--ttl", mint_with.ttl, "How long it is good: 90s, 15m, 24h (at most 24h)")
      ->capture_default_str();
  minting->callback([&] { run = [&] { return mint(mint_with); }; });

  auto* importing = cli.add_subcommand("import", "Take over tokens issued elsewhere");
  importing->require_subcommand(1);
  import_options import_with;
  auto* pats = importing->add_subcommand("pats", "Hash-only personal access tokens, one JSON object a line");
  pats->add_option("--file", import_with.file, "The rows; - for standard input")->required();
  auto* dir = pats->add_option("--data-dir", import_with.data_dir, "Into the directory of a stopped node");
  auto* url = pats->add_option("--url", import_with.url, "Into a running node, http://host:port");
  dir->excludes(url);
  pats->add_flag("--insecure", import_with.insecure, "With --url: send the token in clear text to another machine")
      ->needs(url);
  pats->add_option("--root-key", import_with.root_key,
                   "Where the root key is (file:, credential:, env:); default DIR/root.key");
  pats->add_option("--token-file", import_with.token_file,
                   "With --url: file with an owner's or admin's token (else NACRE_TOKEN)");
  pats->callback([&] {
    if (import_with.data_dir.empty() && import_with.url.empty()) throw CLI::RequiredError("--data-dir or --url");
    run = [&] { return import(import_with); };
  });

  scan_options scan_with;
  auto* scanning = cli.add_subcommand("scan", "Tell, offline, whether files hold tokens of this installation");
  scanning->add_option("FILE", scan_with.files, "Files to read; - for standard input")->required();
  scanning->add_option("--data-dir", scan_with.data_dir, "Data directory; the node may run")->required();
  scanning->add_option("--root-key", scan_with.root_key,
                       "Where the root key is (file:, credential:, env:); default DIR/root.key");
  scanning->callback([&] { run = [&] { return scan(scan_with); }; });

  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return cli.exit(e) == 0 ? exit_ok : exit_usage;
  }
  // Every command handles keys or tokens.
  if (auto hard = crypto::harden_process(); !hard)
    std::cerr << "nacre: process hardening incomplete: " << hard.error().text << "\n";
  return run();
}
