// secret request|answer, and pickup links elsewhere: asking somebody for a secret (docs/adr/0026).

#include <string.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>

#include "cli/input.hpp"
#include "cli/secret_parts.hpp"
#include "cli/server.hpp"
#include "cli/terminal.hpp"
#include "cli/words.hpp"
#include "crypto/sealed_answer.hpp"
#include "crypto/sealed_text.hpp"
#include "model/limits.hpp"
#include "model/time.hpp"

namespace nacre::cli {

namespace {

using crypto::json_quoted;
using crypto::secure_bytes;

using steady = std::chrono::steady_clock;

constexpr int look_every_ms = 2'000;  // while nobody has answered
constexpr int look_for_s = 10;        // until a server answers that has not answered before
constexpr int pause_ms_min = 500, pause_ms_max = 10'000;

volatile std::sig_atomic_t interrupted = 0;
void interrupt(int) { interrupted = 1; }

// Who waits holds what nobody else has: the first signal ends the waiting and then the program, the second one ends it
// at once. What whoever started this has told it to ignore, stays ignored.
void be_told_of_interrupts() {
  struct sigaction on {
  }, before{};
  on.sa_handler = interrupt;  // without SA_RESTART: a pause ends
  on.sa_flags = static_cast<int>(SA_RESETHAND);
  for (int each : {SIGINT, SIGTERM, SIGHUP})
    if (::sigaction(each, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) ::sigaction(each, &on, nullptr);
}

// How long what may pass is waited for: as long as the server last said that there is something to wait for, by our own
// clock and counted from when it said so. Whoever waits errs on the long side: once it answers, the server says that
// it is over.
class patience {
 public:
  // Of an answer of the server that tells how the request stands.
  void learn(json_value told) {
    const bool answered = text_at(told, "/data/state") == "answered";
    const auto from = parse_rfc3339(text_at(told, answered ? "/data/answeredAt" : "/data/createdAt"));
    const auto until = parse_rfc3339(text_at(told, answered ? "/data/pickupUntil" : "/data/answerUntil"));
    const auto most_ms = limits::secret_ttl_s_max * 1'000;
    const auto ms = from && until ? std::clamp<std::int64_t>(until->value() - from->value(), 0, most_ms) : most_ms;
    until_ = steady::now() + std::chrono::milliseconds(ms);
    pause_ms_ = pause_ms_min;
  }
  bool any() const { return !interrupted && steady::now() < until_; }
  // False, at once, when there is none left.
  bool pause() {
    if (!any()) return false;
    pause_ms(pause_ms_);
    pause_ms_ = std::min(2 * pause_ms_, pause_ms_max);
    return !interrupted;
  }

 private:
  steady::time_point until_{};  // none before anything was learnt
  int pause_ms_ = pause_ms_min;
};

bool is_passing(int status) { return status == 408 || status == 429 || status >= 500; }

std::string path_of(const link& what) { return "/api/v1/requests/" + what.identifier; }

header_list pickup_headers(const link& what) { return {{"Pickup-Key", std::string(what.pickup.pickup_key.view())}}; }

outcome<server> server_of(const arguments& with, const link& what) {
  return what.origin.empty() ? server::choose(with, sign_in::never)
                             : server::of_link(with, what.origin, sign_in::never);
}

refusal not_nacre(const http_answer& a) {
  return {exit_unavailable, "the server's answer is not one of nacre", "is this URL a nacre server?", a.request_id};
}

refusal meaning_of(const http_answer& a) {
  if (a.status == 404)
    return {exit_data, "there is no such request (any more), or the link is not right",
            "a request is remembered for twice its time", a.request_id};
  return refusal_of(a);
}

std::string state_in_words(const std::string& state) {
  if (state == "open") return "waits for an answer";
  if (state == "answered") return "has been answered";
  if (state == "picked_up") return "the answer was opened";
  if (state == "cancelled") return "was withdrawn";
  return state;
}

outcome<json_answer> look(server& at, const link& what, patience& left) {
  for (;;) {
    auto answer = at.insist("GET", path_of(what), pickup_headers(what), {}, left.any() ? 0 : look_for_s);
    auto told = answer && answer->status == 200 ? json_answer::parse(answer->body) : std::nullopt;
    if (told && !text_at(told->root(), "/data/state").empty()) return std::move(*told);
    // A 200 that is none of nacre's is some proxy's, and passes like its other errors.
    if ((!answer || answer->status == 200 || is_passing(answer->status)) && left.pause()) continue;
    if (!answer) return refuse(answer.error());
    return refuse(answer->status == 200 ? not_nacre(*answer) : meaning_of(*answer));
  }
}

using maybe_file = std::optional<new_file>;

// Where the answer is to go, made sure of while nothing depends on it.
outcome<maybe_file> output_of(const arguments& with, std::string_view nothing_done) {
  maybe_file file;
  if (with.has("output")) {
    auto made = new_file::make(with.get("output"));
    if (!made) return refuse(made.error());
    file.emplace(std::move(*made));
  } else if (output_is_closed()) {
    return refuse(exit_io, "standard output is closed; nothing was " + std::string(nothing_done));
  }
  return outcome<maybe_file>(std::move(file));
}

// What taking an answer needs, and whether the link is still worth something if that fails.
struct taking {
  maybe_file file;
  patience left;
  bool may_keep_key;  // the command has the option --retry-key
  bool over = false;  // whoever comes with this link finds nothing
};

// Takes the answer and hands it over; nothing is taken that could not be written.
outcome<int> pick_up(const arguments& with, server& at, const link& what, taking& by) {
  if (!by.file && output_is_closed()) return refuse(exit_io, "standard output is closed; nothing was opened");
  const bool kept_key = by.may_keep_key && with.has("retry-key");
  auto key = kept_key ? retry_key(with) : outcome<std::string>(fresh_key());
  if (!key) return refuse(key.error());
  auto headers = pickup_headers(what);
  headers.emplace_back("Idempotency-Key", *key);
  for (;;) {
    auto answer = at.insist("POST", path_of(what) + "/pickup", headers, {}, by.left.any() ? 0 : reveal_retry_s);
    if (!answer) {
      if (by.left.pause()) continue;
      auto r = answer.error();
      r.advice = "no answer came: it may still be there, try again";
      return refuse(std::move(r));
    }
    if ((is_passing(answer->status) || answer->status == 409) && by.left.pause()) continue;
    if (answer->status == 409)
      return refuse({exit_data, "nobody has answered yet",
                     "try again later, or `nacre secret request --wait` next time", answer->request_id});
    if (answer->status == 404) {
      by.over = true;
      if (kept_key) ::unlink(with.get("retry-key").c_str());
      return refuse({exit_data, "there is nothing to open: it was opened, withdrawn or has expired",
                     "if it was not you who opened it, whoever sent it should change the secret", answer->request_id});
    }
    if (answer->status != 200) return refuse(meaning_of(*answer));
    auto told = json_answer::parse(answer->body);
    const auto sealed = told ? lent_at(told->root(), "/data/sealed") : std::string_view();
    if (sealed.empty()) {
      if (by.left.pause()) continue;
      return refuse(not_nacre(*answer));
    }
    auto text = crypto::open_answer(what.pickup.key, what.identifier, sealed);
    if (!text) {
      by.over = true;
      return refuse(exit_data, text.error().text, "it was not sealed for you: ask again");
    }
    if (auto written = hand_over(std::move(*text), by.file, with.has("json")); !written) {
      by.over = true;
      auto r = written.error();
      r.advice = kept_key ? "it is still there for a minute: run this again with the same --retry-key"
                          : "it was opened and could not be written; ask again";
      return refuse(std::move(r));
    }
    // Written: from here on not even our key fetches it. If this gets lost, its window ends by itself.
    static_cast<void>(at.insist("DELETE", path_of(what) + "/pickup", headers, {}, 3));
    if (kept_key) ::unlink(with.get("retry-key").c_str());
    return exit_ok;
  }
}

// A key that an earlier start kept may have taken the answer already, and then takes it again.
bool has_kept_key(const arguments& with, const taking& by) {
  std::error_code ignored;
  return by.may_keep_key && with.has("retry-key") && std::filesystem::exists(with.get("retry-key"), ignored);
}

outcome<int> wait_and_pick_up(const arguments& with, server& at, const link& what, taking& by) {
  be_told_of_interrupts();
  while (!interrupted) {
    auto told = look(at, what, by.left);
    if (!told && interrupted) break;
    if (!told) return refuse(told.error());
    by.left.learn(told->root());
    const auto state = text_at(told->root(), "/data/state");
    if (state == "answered" || (state == "picked_up" && has_kept_key(with, by))) {
      if (state == "picked_up") by.left = {};  // it comes again within its window or not at all
      return pick_up(with, at, what, by);
    }
    if (state != "open") {
      by.over = true;
      return refuse(exit_data, "nothing to wait for: " + std::string(state == "picked_up" ? "" : "it ") +
                                   (state == "expired" ? "expired" : state_in_words(state)));
    }
    if (!interrupted) pause_ms(look_every_ms);
  }
  return refuse(exit_unavailable, "interrupted; nothing was opened", "`nacre secret open --wait` goes on waiting");
}

}  // namespace

outcome<int> run_secret_request(const arguments& with) {
  const bool wait = with.has("wait");
  if (with.has("output") && !wait) return refuse(exit_usage, "--output goes with --wait");
  if (with.has("quiet") && wait) return refuse(exit_usage, "--quiet does not go with --wait");
  auto ttl = with.seconds("ttl", limits::secret_ttl_s_max);
  if (!ttl) return refuse(ttl.error());
  taking by{{}, {}, false};
  auto file = output_of(with, "asked for");
  if (!file) return refuse(file.error());
  if (*file) by.file.emplace(std::move(**file));
  auto at = server::choose(with, with.has("guest") ? sign_in::never : sign_in::if_there_is);
  if (!at) return refuse(at.error());
  link what;
  what.what = link::kind::pickup;
  what.pickup.key = crypto::make_asking_key();
  auto answer = at->call("POST", "/api/v1/requests",
                         *ttl ? "{\"lifetimeSeconds\":" + std::to_string(**ttl) + "}" : std::string("{}"), {},
                         at->signed_in() && !at->is_pat());
  if (!answer) return refuse(answer.error());
  auto told = json_answer::parse(answer->body);
  what.identifier = told ? text_at(told->root(), "/data/id") : std::string();
  what.pickup.pickup_key = told ? secure_bytes(lent_at(told->root(), "/data/pickupKey")) : secure_bytes();
  if (!crypto::is_link_identifier(what.identifier) || !crypto::is_link_identifier(what.pickup.pickup_key.view()))
    return refuse(not_nacre(*answer));
  what.pickup.identifier = what.identifier;
  auto page = text_at(told->root(), "/data/answerPage");
  if (page.ends_with("/r")) page.resize(page.size() - 2);
  const auto base = base_for_others(*at, page);
  const auto ask = base + "/r#" + crypto::fragment_of(crypto::ask_link{what.identifier, what.pickup.key.public_key});
  auto own = base + "/ask#" + std::string(crypto::fragment_of(what.pickup).view());
  const auto until = text_at(told->root(), "/data/answerUntil");

  if (wait) {
    std::cerr << "Send this link; it takes one answer, until " << printable(until) << ":\n" << ask << "\n";
    // Elsewhere than at a terminal it would be kept where nobody needs it, unless this ends without the answer.
    const bool shown = error_is_terminal();
    if (shown) std::cerr << "Yours, should this end before: " << own << "\nWaiting...\n";
    by.left.learn(told->root());
    auto done = wait_and_pick_up(with, *at, what, by);
    if (!done && !shown && !by.over)
      std::cerr << "Yours, `nacre secret open` opens the answer with it: " << own << "\n";
    ::explicit_bzero(own.data(), own.size());
    return done;
  }
  outcome<bool> printed = true;
  if (with.has("json")) {
    printed = print_out("{\"link\":" + json_quoted(ask) + ",\"pickup\":" + json_quoted(own) +
                        ",\"answerUntil\":" + json_quoted(until) + "}\n");
  } else if (with.has("quiet")) {
    printed = print_out(ask + "\n" + own + "\n");
  } else {
    sheet s;
    s.row("link", ask);
    s.row("pickup", own);
    s.print();
    printed = print_out("");
    if (error_is_terminal())
      std::cerr << "\nSend the first; it takes one answer, until " << printable(until)
                << ". Keep the second: `nacre secret open` opens the answer with it, once.\n";
  }
  ::explicit_bzero(own.data(), own.size());
  if (!printed) return refuse(printed.error());
  return exit_ok;
}

outcome<int> run_secret_answer(const arguments& with) {
  auto given = link_given(with, "Link: ");
  if (!given) return refuse(given.error());
  auto what = parse_link(*given);
  if (!what) return refuse(what.error());
  if (what->what == link::kind::pickup)
    return refuse(exit_data, "this link opens the answer, it does not give one", "it should have been sent to nobody");
  if (what->what != link::kind::ask) return refuse(exit_data, "this link asks for nothing", "see `nacre secret open`");
  auto at = server_of(with, *what);
  if (!at) return refuse(at.error());
  // Who finds out here has not written for nothing.
  auto open = at->insist("GET", path_of(*what), {}, {}, 10);
  if (!open) return refuse(open.error());
  if (open->status != 200) return refuse(meaning_of(*open));
  const refusal too_late{exit_data, "it has been answered already; yours was not sent",
                         "if that was not you, tell whoever asked", open->request_id};
  auto told = json_answer::parse(open->body);
  if (told && text_at(told->root(), "/data/state") == "answered") return refuse(too_late);

  auto text = text_given(with.operand(1), with.has("editor"), "answer");
  if (!text) return refuse(text.error());
  const auto body =
      "{\"sealed\":" + json_quoted(crypto::seal_answer(what->public_key, what->identifier, text->view())) + "}";
  const header_list headers{{"Content-Type", "application/json"}, {"Idempotency-Key", fresh_key()}};
  auto answer = at->insist("POST", path_of(*what) + "/answer", headers, body, reveal_retry_s);
  if (!answer) {
    auto r = answer.error();
    r.advice = "no answer came: it may have been sent; if it says so when you try again, it was";
    return refuse(std::move(r));
  }
  if (answer->status == 409) return refuse(too_late);
  if (answer->status != 201) {
    auto r = meaning_of(*answer);
    if (answer->status == 400 || answer->status == 413)
      r.advice = "how much a server takes is its operator's to say; 10 kB is usual, and sealing adds a third";
    return refuse(std::move(r));
  }
  std::cout << (with.has("json") ? "{\"state\":\"answered\"}\n" : "sent\n");
  return exit_ok;
}

outcome<int> open_pickup(const arguments& with, const link& what) {
  if (with.has("passphrase") || with.has("passphrase-file") || with.has("passphrase-fd"))
    return refuse(exit_usage, "an answer has no passphrase");
  auto at = server_of(with, what);
  if (!at) return refuse(at.error());
  auto file = output_of(with, "opened");
  if (!file) return refuse(file.error());
  taking by{{}, {}, true};
  if (*file) by.file.emplace(std::move(**file));
  return with.has("wait") ? wait_and_pick_up(with, *at, what, by) : pick_up(with, *at, what, by);
}

outcome<int> show_request(const arguments& with, const link& what) {
  auto at = server_of(with, what);
  if (!at) return refuse(at.error());
  patience none;
  auto told = look(*at, what, none);
  if (!told) return refuse(told.error());
  auto text = [&](std::string_view name) { return text_at(told->root(), "/data/" + std::string(name)); };
  if (with.has("json")) {
    auto quoted = [&](std::string_view name) { return text(name).empty() ? "null" : json_quoted(text(name)); };
    std::cout << "{\"state\":" << json_quoted(text("state")) << ",\"created\":" << quoted("createdAt")
              << ",\"answerUntil\":" << quoted("answerUntil") << ",\"answered\":" << quoted("answeredAt")
              << ",\"pickupUntil\":" << quoted("pickupUntil") << ",\"ended\":" << quoted("endedAt") << "}\n";
    return exit_ok;
  }
  const auto state = text("state");
  sheet s;
  s.row("state", state_in_words(state));
  s.row("asked", text("createdAt"));
  if (state == "open") s.row("answer until", text("answerUntil"));
  if (!text("answeredAt").empty()) s.row("answered", text("answeredAt"));
  if (state == "answered") s.row("open until", text("pickupUntil"));
  if (!text("endedAt").empty()) s.row("ended", text("endedAt"));
  s.print();
  return exit_ok;
}

outcome<int> cancel_request(const arguments& with, const link& what) {
  auto at = server_of(with, what);
  if (!at) return refuse(at.error());
  if (auto yes = sure(with, "Withdraw the request, with its answer?"); !yes) return refuse(yes.error());
  auto answer = at->insist("DELETE", path_of(what), pickup_headers(what), {}, 10);
  if (!answer) return refuse(answer.error());
  if (answer->status == 409)
    return refuse({exit_data, "there is nothing to withdraw: it was opened or has expired", "", answer->request_id});
  if (answer->status != 204) return refuse(meaning_of(*answer));
  std::cout << (with.has("json") ? "{\"state\":\"cancelled\"}\n" : "withdrawn\n");
  return exit_ok;
}

}  // namespace nacre::cli
