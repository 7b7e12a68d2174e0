// audit tail|export, and verify (of tokens).

#include <csignal>
#include <iostream>

#include "cli/input.hpp"
#include "cli/server.hpp"
#include "cli/terminal.hpp"
#include "cli/words.hpp"

namespace nacre::cli {

namespace {

volatile std::sig_atomic_t interrupted = 0;
extern "C" void interrupt(int) { interrupted = 1; }

struct audit_page {
  std::int64_t total = 0, last = 0;  // last: seq of the last entry, 0 if there is none
  std::size_t count = 0;
};

// `each` gets every entry after `after`, oldest first, at most `limit`.
template <class Each>
outcome<audit_page> read_page(server& at, std::int64_t after, int limit, Each each) {
  auto page =
      at.ask("GET", "/api/v1/audit?after=" + std::to_string(after) + "&limit=" + std::to_string(limit), {}, {}, true);
  if (!page) return refuse(page.error());
  audit_page out;
  out.total = std::strtoll(text_at(page->root(), "/pagination/total").c_str(), nullptr, 10);
  simdjson::dom::array items;
  if (auto data = value_at(page->root(), "/data"); !data || data->get(items) != simdjson::SUCCESS)
    return refuse(exit_unavailable, "the server's answer holds no audit log");
  for (auto entry : items) {
    out.last = std::strtoll(text_at(entry, "/seq").c_str(), nullptr, 10);
    ++out.count;
    each(entry);
  }
  return out;
}

std::string padded(std::string text, std::size_t to) {
  if (text.size() < to) text.append(to - text.size(), ' ');
  return text + "  ";
}

// Entries come one by one for ever: columns of fixed width.
std::string line_of(json_value e) {
  auto who = text_at(e, "/actor/id");
  if (who.empty()) who = text_at(e, "/actor/kind");
  auto out = padded(text_at(e, "/seq"), 6) + padded(text_at(e, "/time"), 24) + padded(text_at(e, "/action"), 22) +
             padded(text_at(e, "/outcome"), 8) + padded(who, 36) + text_at(e, "/object");
  if (auto reason = text_at(e, "/reason"); !reason.empty()) out += "  (" + reason + ")";
  return printable(out) + "\n";
}

}  // namespace

outcome<int> run_audit_tail(const arguments& with) {
  auto lines = with.number("lines", 10, 0, 1'000);
  if (!lines) return refuse(lines.error());
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  const bool json = with.has("json");
  bool writable = true;
  auto show = [&](json_value entry) {
    writable = writable && print_out(json ? simdjson::minify(entry) + "\n" : line_of(entry)).has_value();
  };
  auto head = read_page(*at, 0, 1, [](json_value) {});
  if (!head) return refuse(head.error());
  std::int64_t after = std::max<std::int64_t>(0, head->total - *lines);
  if (!with.has("no-follow")) {
    struct sigaction on {};
    on.sa_handler = interrupt;  // without SA_RESTART: a pause ends
    ::sigaction(SIGINT, &on, nullptr);
    ::sigaction(SIGTERM, &on, nullptr);
  }
  for (int failures = 0; !interrupted;) {
    auto page = read_page(*at, after, 1'000, show);
    if (!writable) return refuse(exit_io, "standard output takes no more");
    if (!page) {
      // A node that restarts ends no tail; what will not change by waiting does.
      if (interrupted) break;
      if (page.error().exit != exit_unavailable || with.has("no-follow") || ++failures > 60)
        return refuse(page.error());
    } else {
      failures = 0;
      if (page->last > after) after = page->last;
      if (with.has("no-follow") && page->count < 1'000) break;
      if (page->count == 1'000) continue;
    }
    if (!interrupted) pause_ms(1'000);
  }
  return exit_ok;
}

outcome<int> run_audit_export(const arguments& with) {
  auto after = with.number("after", 0, 0, INT64_MAX);
  if (!after) return refuse(after.error());
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  std::optional<new_file> file;
  if (with.has("output")) {
    auto made = new_file::make(with.get("output"));
    if (!made) return refuse(made.error());
    file.emplace(std::move(*made));
  }
  progress shown("audit entries:");
  std::uint64_t count = 0;
  for (;;) {
    std::string lines;
    auto page = read_page(*at, *after, 1'000, [&](json_value entry) { lines += simdjson::minify(entry) + "\n"; });
    if (!page) return refuse(page.error());
    if (auto written = file ? file->write(lines) : print_out(lines); !written) return refuse(written.error());
    count += page->count;
    shown.at(count);
    if (page->count == 0 || page->last >= page->total) break;
    *after = page->last;
  }
  if (file) {
    file->keep();
    std::cerr << count << " entries\n";
  }
  return exit_ok;
}

outcome<int> run_verify(const arguments& with) {
  auto at = server::choose(with, sign_in::never);
  if (!at) return refuse(at.error());
  constexpr std::size_t bytes_max = 16 * 1024;
  auto text = in_is_terminal() ? ask_hidden("Token: ", bytes_max) : read_file("-", bytes_max);
  if (!text) return refuse(text.error());
  const auto token = trimmed(text->view());
  if (!could_be_token(token)) return refuse(exit_data, "what was given cannot be a token");
  std::string query;
  for (auto name : {"scope", "permission", "project", "workspace"}) {
    std::string list;  // each parameter once, its words apart by commas
    for (const auto& value : with.all(name)) list += (list.empty() ? "" : ",") + percent_encoded(value);
    if (with.has(name)) query += std::string(query.empty() ? "?" : "&") + name + "=" + list;
  }
  auto answer = at->raw("GET", "/api/v1/verify" + query, {{"Authorization", "Bearer " + std::string(token)}});
  if (!answer) {
    auto r = refusal_of(answer.error());
    r.advice = "is the server running, and the URL right?";
    return refuse(std::move(r));
  }
  const bool quiet = with.has("quiet");
  if (answer->status / 100 == 2) {
    if (with.has("json"))
      std::cout << "{\"valid\":true}\n";
    else if (!quiet)
      std::cout << "good\n";
    return exit_ok;
  }
  if (answer->status == 401 || answer->status == 403) {
    const bool known = answer->status == 403;
    if (with.has("json"))
      std::cout << "{\"valid\":false,\"status\":" << answer->status << "}\n";
    else if (!quiet)
      std::cout << (known ? "good, but not for this" : "not good") << "\n";
    return exit_not_allowed;
  }
  auto r = refusal_of(*answer);
  if (answer->status == 404) r.advice = "does this server have /api/v1/verify?";
  return refuse(std::move(r));
}

}  // namespace nacre::cli
