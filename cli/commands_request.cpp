// secret request|answer, and pickup links elsewhere: asking somebody for a secret (docs/adr/0026).

#include <string.h>

#include <iostream>
#include <thread>

#include "cli/input.hpp"
#include "cli/secret_parts.hpp"
#include "cli/server.hpp"
#include "cli/terminal.hpp"
#include "cli/words.hpp"
#include "crypto/sealed_answer.hpp"
#include "crypto/sealed_text.hpp"
#include "model/limits.hpp"

namespace nacre::cli {

namespace {

using crypto::json_quoted;
using crypto::secure_bytes;

constexpr auto look_again = std::chrono::seconds(2);  // while nobody has answered

std::string path_of(const link& what) { return "/api/v1/requests/" + what.identifier; }

header_list pickup_headers(const link& what) { return {{"Pickup-Key", std::string(what.pickup.pickup_key.view())}}; }

outcome<server> server_of(const arguments& with, const link& what) {
  return what.origin.empty() ? server::choose(with, sign_in::never)
                             : server::of_link(with, what.origin, sign_in::never);
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

outcome<json_answer> look(server& at, const link& what) {
  auto answer = at.insist("GET", path_of(what), pickup_headers(what), {}, 10);
  if (!answer) return refuse(answer.error());
  if (answer->status != 200) return refuse(meaning_of(*answer));
  auto told = json_answer::parse(answer->body);
  if (!told || text_at(told->root(), "/data/state").empty())
    return refuse({exit_unavailable, "the server's answer is not one of nacre", "is this URL a nacre server?",
                   answer->request_id});
  return std::move(*told);
}

// Takes the answer and hands it over; nothing is taken that could not be written. `may_keep_key`: the command has the
// option --retry-key.
outcome<int> pick_up(const arguments& with, server& at, const link& what, bool may_keep_key) {
  std::optional<new_file> file;
  if (with.has("output")) {
    auto made = new_file::make(with.get("output"));
    if (!made) return refuse(made.error());
    file.emplace(std::move(*made));
  } else if (output_is_closed()) {
    return refuse(exit_io, "standard output is closed; nothing was opened");
  }
  const bool kept_key = may_keep_key && with.has("retry-key");
  auto key = kept_key ? retry_key(with) : outcome<std::string>(fresh_key());
  if (!key) return refuse(key.error());
  auto headers = pickup_headers(what);
  headers.emplace_back("Idempotency-Key", *key);
  auto answer = at.insist("POST", path_of(what) + "/pickup", headers, {}, reveal_retry_s);
  if (!answer) {
    auto r = answer.error();
    r.advice = "no answer came: it may still be there, try again";
    return refuse(std::move(r));
  }
  if (answer->status == 409)
    return refuse({exit_data, "nobody has answered yet", "try again later, or `nacre secret request --wait` next time",
                   answer->request_id});
  if (answer->status != 200) {
    if (kept_key && answer->status == 404) ::unlink(with.get("retry-key").c_str());
    if (answer->status == 404)
      return refuse({exit_data, "there is nothing to open: it was opened, withdrawn or has expired",
                     "if it was not you who opened it, whoever sent it should change the secret", answer->request_id});
    return refuse(meaning_of(*answer));
  }
  auto told = json_answer::parse(answer->body);
  const auto sealed = told ? lent_at(told->root(), "/data/sealed") : std::string_view();
  auto text = crypto::open_answer(what.pickup.key, what.identifier, sealed);
  if (!text) return refuse(exit_data, text.error().text, "it was not sealed for you: ask again");
  if (auto written = hand_over(std::move(*text), file, with.has("json")); !written) {
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

outcome<int> wait_and_pick_up(const arguments& with, server& at, const link& what, bool may_keep_key) {
  for (;;) {
    auto told = look(at, what);
    if (!told) return refuse(told.error());
    const auto state = text_at(told->root(), "/data/state");
    if (state == "answered") return pick_up(with, at, what, may_keep_key);
    if (state != "open")
      return refuse(exit_data, "nothing to wait for: it " + (state == "expired" ? "expired" : state_in_words(state)));
    std::this_thread::sleep_for(look_again);
  }
}

}  // namespace

outcome<int> run_secret_request(const arguments& with) {
  const bool wait = with.has("wait");
  if (with.has("output") && !wait) return refuse(exit_usage, "--output goes with --wait");
  if (with.has("quiet") && wait) return refuse(exit_usage, "--quiet does not go with --wait");
  auto ttl = with.seconds("ttl", limits::secret_ttl_s_max);
  if (!ttl) return refuse(ttl.error());
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
    return refuse({exit_unavailable, "the server's answer is not one of nacre", "is this URL a nacre server?",
                   answer->request_id});
  what.pickup.identifier = what.identifier;
  auto page = text_at(told->root(), "/data/answerPage");
  if (page.ends_with("/r")) page.resize(page.size() - 2);
  const auto base = base_for_others(*at, page);
  const auto ask = base + "/r#" + crypto::fragment_of(crypto::ask_link{what.identifier, what.pickup.key.public_key});
  auto own = base + "/ask#" + std::string(crypto::fragment_of(what.pickup).view());
  const auto until = text_at(told->root(), "/data/answerUntil");

  if (wait) {
    std::cerr << "Send this link; it takes one answer, until " << printable(until) << ":\n" << ask << "\n";
    if (error_is_terminal()) std::cerr << "Yours, should this end before: " << own << "\nWaiting...\n";
    ::explicit_bzero(own.data(), own.size());
    return wait_and_pick_up(with, *at, what, false);
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
  if (with.has("wait")) return wait_and_pick_up(with, *at, what, true);
  return pick_up(with, *at, what, true);
}

outcome<int> show_request(const arguments& with, const link& what) {
  auto at = server_of(with, what);
  if (!at) return refuse(at.error());
  auto told = look(*at, what);
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
