// token mint, import pats, restored, scan: what works on a data directory itself (import also on a running node).

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>

#include "app/maintenance.hpp"
#include "cli/input.hpp"
#include "cli/server.hpp"
#include "cli/terminal.hpp"
#include "cli/words.hpp"
#include "crypto/jwt.hpp"
#include "model/ids.hpp"
#include "model/time.hpp"

namespace nacre::cli {

namespace {

constexpr std::chrono::minutes row_patience{5};  // with a server that asks for it

app::directory_access access_of(const arguments& with) {
  return {with.get("data-dir"), with.has("root-key") ? std::optional(with.get("root-key")) : std::nullopt};
}

int report(const app::import_report& r) {
  for (const auto& refused : r.refused) std::cerr << "line " << refused.line << ": " << printable(refused.why) << "\n";
  if (r.stopped)
    std::cerr << "line " << r.stopped->line << " and all after it: unknown, run again (" << printable(r.stopped->why)
              << ")\n";
  std::cout << r.imported << " imported, " << r.refused.size() << " refused"
            << (r.stopped ? ", the rest unknown\n" : "\n");
  return r.stopped ? exit_io : r.refused.empty() ? exit_ok : exit_data;
}

std::string told(const http_answer& a) { return "the server answered " + std::to_string(a.status) + ": " + a.body; }

bool asks_for_patience(const http_answer& a) { return a.status == 429 || a.status == 503; }

// Sent again when the server says, as long as it does not want too much patience.
result<http_answer> send_row(http_client& client, const header_list& headers, const std::string& row) {
  using namespace std::chrono;
  const auto until = steady_clock::now() + row_patience;
  for (;;) {
    auto answer = client.send("POST", "/api/v1/pats/import", headers, row);
    if (!answer || !asks_for_patience(*answer)) return answer;
    const seconds wait(std::max<std::int64_t>(1, answer->retry_after_s.value_or(1)));
    if (steady_clock::now() + wait > until) return answer;
    pause_ms(static_cast<int>(milliseconds(wait).count()));
  }
}

outcome<int> import_over_http(const arguments& with, std::istream& rows) {
  using clear_text = http_client::clear_text;
  auto client = http_client::make(
      with.get("url"), with.has("insecure") ? clear_text::anywhere : clear_text::loopback_only, with.get("ca-file"));
  if (!client) {
    const bool overheard = client.error().text.find("clear text") != std::string::npos;
    return refuse(exit_usage, client.error().text,
                  overheard ? "use https://, run this on the node's machine, or give --insecure" : "");
  }
  // Of an owner or admin; never an argument, which every process of the machine can read.
  auto token = given_credential(with);
  if (!token) return refuse(token.error());
  if (token->empty())
    return refuse(exit_usage, "an owner's or admin's token is missing", "give it by --token-file FILE or NACRE_TOKEN");
  app::import_report result;
  std::optional<progress> shown;
  shown.emplace("rows:");
  std::string line;
  for (std::uint64_t number = 1; std::getline(rows, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    shown->at(number);
    auto workspace = app::check_import_row(line);
    if (!workspace) {
      result.refused.push_back({number, workspace.error().text});
      continue;
    }
    auto answer = send_row(*client,
                           {{"Authorization", "Bearer " + std::string(token->view())},
                            {"X-Workspace-Id", to_string(*workspace)},
                            {"Content-Type", "application/json"}},
                           line);
    if (!answer && answer.error().code != errc::outcome_unknown) {
      shown.reset();
      report(result);
      return refuse(refusal_of(answer.error()));
    }
    if (!answer || asks_for_patience(*answer)) {
      // Not sent again at once where the answer was lost: a row that was taken would be refused as known already.
      result.stopped = {number, answer ? told(*answer) : answer.error().text};
      break;
    }
    if (answer->status == 201)
      ++result.imported;
    else
      result.refused.push_back({number, told(*answer)});
  }
  shown.reset();
  return report(result);
}

// Counts the lines that are read through it.
class counted_lines : public std::streambuf {
 public:
  explicit counted_lines(std::streambuf& from) : from_(from), shown_("rows:") {}

 private:
  int_type underflow() override {
    const auto n = from_.sgetn(buffer_, sizeof buffer_);
    if (n <= 0) return traits_type::eof();
    for (std::streamsize i = 0; i < n; ++i) lines_ += buffer_[i] == '\n';
    shown_.at(lines_);
    setg(buffer_, buffer_, buffer_ + n);
    return traits_type::to_int_type(*gptr());
  }
  std::streambuf& from_;
  progress shown_;
  std::uint64_t lines_ = 0;
  char buffer_[4096];
};

outcome<int> import_into_directory(const arguments& with, std::istream& rows) {
  std::optional<app::import_report> done;
  {
    counted_lines counted(*rows.rdbuf());
    std::istream in(&counted);
    auto imported = app::import_pats(access_of(with), in);
    if (!imported) return refuse(refusal_of(imported.error()));
    done = std::move(*imported);
    rows.setstate(in.rdstate());
  }
  return report(*done);
}

}  // namespace

outcome<int> run_token_mint(const arguments& with) {
  crypto::mint_request request;
  request.subject = with.get("sub");
  auto given = [&](std::string_view name) { return with.has(name) ? std::optional(with.get(name)) : std::nullopt; };
  request.workspace = given("ws");
  request.role = given("role");
  request.workspace_name = given("ws-name");
  request.email = given("email");
  request.scope = given("scope");
  auto seconds = with.seconds("ttl", 86'400);
  if (!seconds) return refuse(seconds.error());
  // The node would answer 401 to such a token, which tells nobody why.
  if (!parse_uuid(request.subject) || (request.workspace && !parse_uuid(*request.workspace)))
    return refuse(exit_usage, "--sub and --ws want UUIDs");
  request.seconds = seconds->value_or(3'600);
  auto token = crypto::mint_dev_token(with.get("data-dir"), request, system_clock{}.now());
  if (!token) {
    auto r = refusal_of(token.error());
    if (token.error().code == errc::invalid) r.exit = exit_usage;
    return refuse(std::move(r));
  }
  if (auto out = print_out(*token + "\n"); !out) return refuse(out.error());
  return exit_ok;
}

outcome<int> run_import_pats(const arguments& with) {
  if (with.has("data-dir") == with.has("url")) return refuse(exit_usage, "--data-dir or --url is needed, and not both");
  if (with.has("insecure") && !with.has("url")) return refuse(exit_usage, "--insecure goes with --url");
  const auto name = with.get("file");
  std::ifstream file;
  if (name != "-") {
    file.open(name);
    if (!file) return refuse(exit_io, "cannot read " + name);
  }
  std::istream& rows = name == "-" ? std::cin : file;
  auto done = with.has("url") ? import_over_http(with, rows) : import_into_directory(with, rows);
  if (auto whole = was_read(name, rows); done && !whole) return refuse(whole.error());
  return done;
}

outcome<int> run_restored(const arguments& with) {
  if (auto yes = sure(with, "Burn all one-time secrets of this directory?"); !yes) return refuse(yes.error());
  auto burned = app::burn_restored(access_of(with), with.has("leave-cluster"));
  if (!burned) return refuse(refusal_of(burned.error()));
  std::cout << *burned << " burned\n";
  return exit_ok;
}

outcome<int> run_scan(const arguments& with) {
  auto scanner = app::open_scanner(access_of(with));
  if (!scanner) return refuse(refusal_of(scanner.error()));
  bool any = false, unreadable = false;
  for (const auto& name : with.operands()) {
    std::ifstream file;
    if (name != "-") file.open(name);
    if (name != "-" && !file) file.setstate(std::ios::badbit);
    std::istream& text = name == "-" ? std::cin : file;
    for (const auto& found : (*scanner)->scan(text)) {
      std::cout << name << ":" << found.line << ":" << found.column << ": " << found.prefix
                << "... is a token of this installation\n";
      any = true;
    }
    if (auto whole = was_read(name, text); !whole) {
      tell(whole.error());
      unreadable = true;
    }
  }
  return unreadable ? exit_io : any ? exit_data : exit_ok;
}

}  // namespace nacre::cli
