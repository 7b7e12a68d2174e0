// secret share|open|receipt|burn: one-time secrets (the API of Onetime Secret, v2).

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <iostream>

#include "app/loopback.hpp"
#include "cli/input.hpp"
#include "cli/secret_parts.hpp"
#include "cli/server.hpp"
#include "cli/terminal.hpp"
#include "cli/words.hpp"
#include "crypto/operator_file.hpp"
#include "crypto/random.hpp"
#include "crypto/sealed_text.hpp"
#include "model/limits.hpp"
#include "model/time.hpp"

namespace nacre::cli {

namespace {

using crypto::json_quoted;
using crypto::secure_bytes;

// Letters and digits that nobody mistakes for one another, evenly drawn.
secure_bytes made_up_password(std::size_t length) {
  static constexpr std::string_view alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
  constexpr std::size_t fair = 256 - 256 % alphabet.size();
  secure_bytes out(length);
  for (std::size_t i = 0; i < length;) {
    const auto byte = crypto::random_bytes(1);
    if (byte.data()[0] < fair) out.data()[i++] = static_cast<std::uint8_t>(alphabet[byte.data()[0] % alphabet.size()]);
  }
  return out;
}

outcome<secure_bytes> text_to_share(const arguments& with) {
  const auto file = with.operand(0);
  if (with.has("generate")) {
    if (!file.empty()) return refuse(exit_usage, "--generate makes the secret up: name no file");
    auto length = with.number("length", 24, limits::generated_chars_min, limits::generated_chars_max);
    if (!length) return refuse(length.error());
    return made_up_password(static_cast<std::size_t>(*length));
  }
  if (with.has("length") || with.has("show")) return refuse(exit_usage, "--length and --show go with --generate");
  return text_given(file, with.has("editor"), "share");
}

// A guest's routes answer about every secret; an account's are for servers that let no guests in.
struct route {
  std::string prefix = "/api/v2/guest";
  header_list headers;
};

outcome<std::optional<route>> account_route(server& at) {
  auto basic = at.basic();
  if (!basic) return refuse(basic.error());
  if (!*basic) return std::optional<route>{};
  return std::optional<route>(route{"/api/v2", {{"Authorization", **basic}}});
}

bool guests_are_refused(const http_answer& a) {
  if (a.status != 403) return false;
  auto body = json_answer::parse(a.body);
  return body && text_at(body->root(), "/error_type") == "GuestRoutesDisabled";
}

// Asks as a guest; where that is not allowed, as the account that is signed in.
outcome<http_answer> as_anybody(server& at, route& by, std::string_view verb, const std::string& path,
                                std::string_view body, header_list more = {}) {
  more.insert(more.end(), by.headers.begin(), by.headers.end());
  if (!body.empty()) more.emplace_back("Content-Type", "application/json");
  auto answer = at.insist(verb, by.prefix + path, more, body, 10);
  if (!answer || !guests_are_refused(*answer) || !by.headers.empty()) return answer;
  auto account = account_route(at);
  if (!account) return refuse(account.error());
  if (!*account) return answer;
  by = std::move(**account);
  more.insert(more.end(), by.headers.begin(), by.headers.end());
  return at.insist(verb, by.prefix + path, more, body, 10);
}

refusal gone() {
  return {exit_data,
          "there is nothing to open: it was opened, burned or has expired, or the link is not right",
          "if it was you who should have it, ask for a new link",
          {}};
}

refusal meaning_of(const http_answer& a) {
  if (a.status == 404) {
    auto r = gone();
    r.request_id = a.request_id;
    return r;
  }
  auto r = refusal_of(a);
  if (a.status == 422) r.advice.clear();
  if (a.status == 403) r.advice = "this server lets no guests in: sign in with a personal access token";
  return r;
}

// Seconds, as this API tells them: a number, or its digits in a text. Nothing for what is no time.
std::optional<std::int64_t> seconds_at(json_value of, std::string_view pointer) {
  const auto found = value_at(of, pointer);
  std::int64_t seconds = -1;
  std::string_view digits;
  if (found && found->get(digits) == simdjson::SUCCESS) {
    const auto* end = digits.data() + digits.size();
    if (std::from_chars(digits.data(), end, seconds).ptr != end) return std::nullopt;
  } else if (!found || found->get(seconds) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  if (seconds < 0 || seconds > time_max.value() / 1000) return std::nullopt;
  return seconds;
}

std::string json_of(std::optional<std::int64_t> number) { return number ? std::to_string(*number) : "null"; }

// Where links begin that others can follow.
std::string public_base(server& at, const route& by, const std::string& receipt) {
  auto headers = by.headers;
  headers.emplace_back("Sec-Purpose", "prefetch");  // a look that changes nothing
  auto answer = at.raw("GET", by.prefix + "/receipt/" + receipt, headers);
  if (!answer || answer->status != 200) return at.url();
  auto body = json_answer::parse(answer->body);
  auto url = body ? text_at(body->root(), "/record/receipt_url") : std::string();
  const auto path = url.rfind("/receipt/");
  if (path == std::string::npos) return at.url();
  return base_for_others(at, url.substr(0, path));
}

}  // namespace

outcome<secure_bytes> text_given(const std::string& file, bool editor, std::string_view what) {
  if (editor && !file.empty()) return refuse(exit_usage, "name a file or give --editor, not both");
  auto text = editor || (file.empty() && in_is_terminal())
                  ? write_in_editor(limits::secret_bytes_max)
                  : read_file(file.empty() ? "-" : file, limits::secret_bytes_max);
  if (!text) return text;
  const std::string verb(what);
  if (text->empty()) return refuse(exit_data, "there is nothing to " + verb + ": it is empty");
  if (!simdjson::validate_utf8(reinterpret_cast<const char*>(text->data()), text->size()))
    return refuse(exit_data, "only text can be handled here, and this is not UTF-8",
                  "encode it first: base64 FILE | nacre secret " + verb);
  return text;
}

outcome<std::string> link_given(const arguments& with, std::string_view question) {
  auto text = with.operand(0);
  if (text.empty() && in_is_terminal()) {
    auto typed = ask_hidden(question, 4096);
    if (!typed) return refuse(typed.error());
    return std::string(trimmed(typed->view()));
  }
  if (!text.empty() && text != "-") return text;
  auto read = read_file("-", 4096);
  if (!read) return refuse(read.error());
  return std::string(trimmed(read->view()));
}

std::string base_for_others(const server& at, const std::string& said_base) {
  auto said = parse_origin(said_base), ours = parse_origin(at.url());
  if (!said || !ours) return at.url();
  const auto here = [](const web_origin& o) { return o.host == "localhost" || app::is_loopback(o.host); };
  return here(*said) && !here(*ours) ? at.url() : said->text();
}

outcome<std::string> retry_key(const arguments& with) {
  if (!with.has("retry-key")) return fresh_key();
  const auto name = with.get("retry-key");
  auto kept = crypto::read_operator_file(name, 256, crypto::file_privacy::owner_only);
  if (kept) {
    auto key = trimmed(kept->content.view());
    if (key.size() < 16 || key.size() > 128 || !could_be_token(key))
      return refuse(exit_data, name + " holds no key", "name a file that does not exist yet");
    return std::string(key);
  }
  if (kept.error().code != errc::not_found) return refuse(exit_config, name + ": " + kept.error().text);
  auto key = fresh_key();
  if (!crypto::write_operator_file(name, key + "\n", 0600, false)) return refuse(exit_io, "cannot write " + name);
  return key;
}

outcome<bool> hand_over(secure_bytes value, std::optional<new_file>& file, bool json) {
  if (json) {
    std::string line;
    line.reserve(2 * value.size() + 64);
    line += "{\"value\":" + json_quoted(value.view()) + "}\n";
    value = secure_bytes(line);
    ::explicit_bzero(line.data(), line.size());
  }
  auto written = file ? file->write(value.view()) : json ? print_out(value.view()) : hand_out(value);
  if (written && file) file->keep();
  return written;
}

outcome<int> run_secret_share(const arguments& with) {
  if (output_is_closed()) return refuse(exit_io, "standard output is closed; nothing was shared");
  const bool sealed = !with.has("no-seal");
  if (!sealed && with.has("seal")) return refuse(exit_usage, "--seal or --no-seal, not both");
  auto ttl = with.seconds("ttl", limits::secret_ttl_s_max);
  if (!ttl) return refuse(ttl.error());
  auto at = server::choose(with, with.has("guest") ? sign_in::never : sign_in::if_there_is);
  if (!at) return refuse(at.error());
  route by;
  if (auto account = account_route(*at); !account)
    return refuse(account.error());
  else if (*account)
    by = std::move(**account);
  auto passphrase = given_passphrase(with, true);
  if (!passphrase) return refuse(passphrase.error());
  auto text = text_to_share(with);
  if (!text) return refuse(text.error());

  crypto::sealed_link made{{}, crypto::random_bytes(crypto::sealed_text_key_bytes)};
  std::string body = R"({"secret":{"secret":)";
  body.reserve(2 * text->size() + 4096);
  body += json_quoted(sealed ? crypto::seal_text(made.key.view(), text->view()) : std::string(text->view()));
  if (*ttl) body += ",\"ttl\":" + std::to_string(**ttl);
  if (*passphrase) body += ",\"passphrase\":" + json_quoted((*passphrase)->view());
  body += "}}";
  auto headers = by.headers;
  headers.emplace_back("Content-Type", "application/json");
  auto answer = at->raw("POST", by.prefix + "/secret/conceal", headers, std::move(body));
  if (!answer) {
    auto r = refusal_of(answer.error());
    if (answer.error().code == errc::outcome_unknown)
      r.advice = "share it again: if one was made, nobody has its link, and it expires by itself";
    return refuse(std::move(r));
  }
  if (answer->status != 200) {
    auto r = meaning_of(*answer);
    if (answer->status == 413 || answer->status == 422)
      r.advice = "how much a server takes is its operator's to say; 10 kB is usual, and sealing adds a third";
    return refuse(std::move(r));
  }
  auto told = json_answer::parse(answer->body);
  const auto id = told ? text_at(told->root(), "/record/secret/identifier") : std::string();
  const auto receipt = told ? text_at(told->root(), "/record/receipt/identifier") : std::string();
  if (!crypto::is_link_identifier(id) || !crypto::is_link_identifier(receipt))
    return refuse({exit_unavailable, "the server's answer is not one of nacre", "is this URL a nacre server?",
                   answer->request_id});
  const auto life = seconds_at(told->root(), "/record/receipt/secret_ttl");
  const auto base = public_base(*at, by, receipt);
  made.identifier = id;
  const auto url = sealed ? base + "/s#" + std::string(crypto::fragment_of(made).view()) : base + "/secret/" + id;
  const auto receipt_url = base + "/receipt/" + receipt;

  if (with.has("json")) {
    std::string out = "{\"link\":" + json_quoted(url) + ",\"receipt\":" + json_quoted(receipt_url) +
                      ",\"sealed\":" + (sealed ? "true" : "false") +
                      ",\"passphrase\":" + (*passphrase ? "true" : "false") + ",\"ttl\":" + json_of(life);
    if (with.has("show")) out += ",\"value\":" + json_quoted(text->view());
    out += "}\n";
    if (auto printed = print_out(out); !printed) return refuse(printed.error());
    return exit_ok;
  }
  if (with.has("quiet")) {
    if (auto printed = print_out(url + "\n"); !printed) return refuse(printed.error());
    return exit_ok;
  }
  sheet s;
  if (with.has("show")) s.row("value", std::string(text->view()));
  s.row("link", url);
  s.row("receipt", receipt_url);
  s.print();
  if (error_is_terminal() && life)
    std::cerr << "\nOpens once, within " << duration_text(*life) << ". "
              << (sealed ? "Sealed here: the server cannot read it." : "The server can open it.") << "\n";
  return print_out("") ? outcome<int>(exit_ok) : outcome<int>(refuse(exit_io, "standard output takes no more"));
}

namespace {

// The claim itself, until it is known what became of it; asks for another passphrase where one can be typed.
outcome<http_answer> claim(server& at, route& by, const link& what, const std::string& key,
                           std::optional<secure_bytes> passphrase, bool may_ask) {
  for (int tries = 0;;) {
    std::string body = R"({"continue":"true")";
    if (passphrase) body += ",\"passphrase\":" + json_quoted(passphrase->view());
    body += "}";
    auto headers = by.headers;
    headers.emplace_back("Content-Type", "application/json");
    headers.emplace_back("Idempotency-Key", key);
    auto answer =
        at.insist("POST", by.prefix + "/secret/" + what.identifier + "/reveal", headers, body, reveal_retry_s);
    ::explicit_bzero(body.data(), body.size());
    if (!answer) {
      auto r = answer.error();
      r.advice = "no answer came: the secret may still be there, try again";
      return refuse(std::move(r));
    }
    if (guests_are_refused(*answer) && by.headers.empty()) {  // they may look, and not open
      auto account = account_route(at);
      if (!account) return refuse(account.error());
      if (!*account) return answer;
      by = std::move(**account);
      continue;
    }
    if (answer->status != 422 || !passphrase || !may_ask || ++tries == 4) return answer;
    std::cerr << "That was not it. After five wrong ones nobody here can try for half an hour.\n";
    auto typed = ask_hidden("Passphrase: ", 512);
    if (!typed) return refuse(typed.error());
    passphrase = std::move(*typed);
  }
}

}  // namespace

outcome<int> run_secret_open(const arguments& with) {
  auto given = link_given(with, "Link: ");
  if (!given) return refuse(given.error());
  auto what = parse_link(*given);
  ::explicit_bzero(given->data(), given->size());
  if (!what) return refuse(what.error());
  if (what->what == link::kind::receipt)
    return refuse(exit_data, "this is a receipt's link, not a secret's", "see `nacre secret receipt`");
  if (what->what == link::kind::ask)
    return refuse(exit_data, "this link asks for a secret; it opens nothing", "see `nacre secret answer`");
  if (what->what == link::kind::pickup) return open_pickup(with, *what);
  if (with.has("wait")) return refuse(exit_usage, "--wait goes with your own link of a request");
  auto at = what->origin.empty() ? server::choose(with, sign_in::if_there_is)
                                 : server::of_link(with, what->origin, sign_in::if_there_is);
  if (!at) return refuse(at.error());
  route by;

  // Nothing is consumed by looking; what could fail here should fail before the claim.
  auto look = as_anybody(*at, by, "GET", "/secret/" + what->identifier, {});
  if (!look) return refuse(look.error());
  const bool kept_key = with.has("retry-key");  // the secret may be gone for all but who has the key
  bool protected_by = false;
  if (look->status == 200) {
    auto body = json_answer::parse(look->body);
    protected_by = body && text_at(body->root(), "/record/has_passphrase") == "true";
  } else if (look->status != 404 || !kept_key) {
    return refuse(meaning_of(*look));
  }
  auto passphrase = given_passphrase(with, false);
  if (!passphrase) return refuse(passphrase.error());
  const bool may_ask = !with.has("passphrase-file") && !with.has("passphrase-fd") && error_is_terminal();
  if (protected_by && !*passphrase) {
    auto typed = ask_hidden("Passphrase: ", 512);
    if (!typed)
      return refuse(exit_usage, "it is protected by a passphrase", "give it by --passphrase-file or --passphrase-fd");
    *passphrase = std::move(*typed);
  }
  std::optional<new_file> file;
  if (with.has("output")) {
    auto made = new_file::make(with.get("output"));
    if (!made) return refuse(made.error());
    file.emplace(std::move(*made));
  } else if (output_is_closed()) {
    return refuse(exit_io, "standard output is closed; nothing was opened");
  }
  auto key = retry_key(with);
  if (!key) return refuse(key.error());

  auto answer = claim(*at, by, *what, *key, std::move(*passphrase), may_ask);
  if (!answer) return refuse(answer.error());
  if (answer->status != 200) {
    if (kept_key && answer->status == 404) ::unlink(with.get("retry-key").c_str());  // it opens nothing (any more)
    return refuse(meaning_of(*answer));
  }
  auto told = json_answer::parse(answer->body);
  const auto lent = told ? value_at(told->root(), "/record/secret_value") : std::nullopt;
  std::string_view raw;
  if (!lent || lent->get(raw) != simdjson::SUCCESS)
    return refuse(
        {exit_unavailable, "the server's answer holds no value", "is this URL a nacre server?", answer->request_id});
  secure_bytes value(raw);
  if (what->what == link::kind::sealed) {
    auto opened = crypto::open_sealed_text(what->key.view(), raw);
    if (!opened) return refuse(exit_data, opened.error().text, "ask for a new link");
    value = std::move(*opened);
  } else if (crypto::is_sealed_text(raw)) {
    std::cerr << "nacre: this was sealed before it was shared; only a link with its key (/s#...) opens it\n";
  }
  auto written = hand_over(std::move(value), file, with.has("json"));
  if (!written) {
    auto r = written.error();
    r.advice = kept_key ? "it is still there for a minute: run this again with the same --retry-key"
                        : "it was opened and could not be written; ask for a new link";
    return refuse(std::move(r));
  }
  // Written: from here on not even our key opens it. If this gets lost, its window ends by itself.
  auto headers = by.headers;
  headers.emplace_back("Idempotency-Key", *key);
  static_cast<void>(at->insist("DELETE", by.prefix + "/secret/" + what->identifier + "/reveal", headers, {}, 3));
  if (kept_key) ::unlink(with.get("retry-key").c_str());
  return exit_ok;
}

namespace {

struct receipt_link {
  server at;
  link what;
};

outcome<link> parsed_link(const arguments& with) {
  auto given = link_given(with, "Receipt link: ");
  if (!given) return refuse(given.error());
  auto what = parse_link(*given);
  ::explicit_bzero(given->data(), given->size());
  return what;
}

outcome<receipt_link> receipt_at(const arguments& with, link what) {
  if (what.what != link::kind::receipt && what.what != link::kind::bare)
    return refuse(exit_data, "this is a secret's link, not a receipt's",
                  "take the second link that `nacre secret share` printed");
  auto at = what.origin.empty() ? server::choose(with, sign_in::if_there_is)
                                : server::of_link(with, what.origin, sign_in::if_there_is);
  if (!at) return refuse(at.error());
  return receipt_link{std::move(*at), std::move(what)};
}

std::string state_in_words(const std::string& state) {
  if (state == "new" || state == "previewed") return "waits to be opened";
  if (state == "revealed") return "was opened";
  if (state == "burned") return "was burned, unread";
  if (state == "expired") return "expired, unread";
  return state;
}

// What became of a secret; empty if its receipt cannot be read.
std::string state_told(server& at, route& by, const std::string& receipt) {
  auto answer = as_anybody(at, by, "GET", "/receipt/" + receipt, {}, {{"Sec-Purpose", "prefetch"}});
  if (!answer || answer->status != 200) return {};
  auto body = json_answer::parse(answer->body);
  return body ? text_at(body->root(), "/record/state") : std::string();
}

}  // namespace

outcome<int> run_secret_receipt(const arguments& with) {
  auto what = parsed_link(with);
  if (!what) return refuse(what.error());
  if (what->what == link::kind::pickup) return show_request(with, *what);
  auto r = receipt_at(with, std::move(*what));
  if (!r) return refuse(r.error());
  route by;
  auto answer = as_anybody(r->at, by, "GET", "/receipt/" + r->what.identifier, {});
  if (!answer) return refuse(answer.error());
  if (answer->status == 404)
    return refuse({exit_data, "there is no such receipt (any more)", "a receipt lives twice as long as its secret",
                   answer->request_id});
  if (answer->status != 200) return refuse(meaning_of(*answer));
  auto told = json_answer::parse(answer->body);
  if (!told) return refuse(exit_unavailable, "the server's answer is not JSON");
  auto record = value_at(told->root(), "/record");
  if (!record) return refuse(exit_unavailable, "the server's answer holds no receipt");
  const auto state = text_at(*record, "/state");
  // Links and identifiers are left out: who may see the receipt may not see the secret.
  if (with.has("json")) {
    auto number = [&](std::string_view name) { return json_of(seconds_at(*record, name)); };
    const auto flag = value_at(*record, "/has_passphrase");
    std::cout << "{\"state\":" << json_quoted(state) << ",\"created\":" << number("/created")
              << ",\"expires\":" << number("/expiration") << ",\"previewed\":" << number("/previewed")
              << ",\"revealed\":" << number("/revealed") << ",\"burned\":" << number("/burned")
              << ",\"passphrase\":" << (flag && flag->is_bool() ? simdjson::minify(*flag) : "null") << "}\n";
    return exit_ok;
  }
  auto when = [&](std::string_view name) {
    const auto at = seconds_at(*record, name);
    return at ? time_text(*at) : std::string();
  };
  sheet s;
  s.row("state", state_in_words(state));
  s.row("shared", when("/created"));
  if (auto opened = when("/revealed"); !opened.empty()) s.row("opened", opened);
  if (auto burned = when("/burned"); !burned.empty()) s.row("burned", burned);
  if (state == "new" || state == "previewed") s.row("expires", when("/expiration"));
  s.row("passphrase", text_at(*record, "/has_passphrase") == "true" ? "yes" : "no");
  s.print();
  return exit_ok;
}

outcome<int> run_secret_burn(const arguments& with) {
  auto what = parsed_link(with);
  if (!what) return refuse(what.error());
  if (what->what == link::kind::pickup) return cancel_request(with, *what);
  auto r = receipt_at(with, std::move(*what));
  if (!r) return refuse(r.error());
  auto passphrase = given_passphrase(with, false);
  if (!passphrase) return refuse(passphrase.error());
  if (auto yes = sure(with, "Burn it, so that nobody can open it?"); !yes) return refuse(yes.error());
  std::string body = R"({"continue":"true")";
  if (*passphrase) body += ",\"passphrase\":" + json_quoted((*passphrase)->view());
  body += "}";
  route by;
  auto answer = as_anybody(r->at, by, "POST", "/receipt/" + r->what.identifier + "/burn", body);
  ::explicit_bzero(body.data(), body.size());
  if (!answer) return refuse(answer.error());
  if (answer->status == 404) {
    // Perhaps it was us: a try whose answer got lost. Its receipt says what became of it.
    const auto state = state_told(r->at, by, r->what.identifier);
    const bool known = state == "revealed" || state == "expired";
    if (state != "burned")
      return refuse({exit_data,
                     "there is nothing to burn: it " +
                         (known ? state_in_words(state) : std::string("was opened, burned or has expired")),
                     "", answer->request_id});
  } else if (answer->status != 200) {
    auto told = meaning_of(*answer);
    if (answer->status == 422 && !*passphrase)
      told.advice = "it is protected: give --passphrase, --passphrase-file or --passphrase-fd";
    return refuse(std::move(told));
  }
  std::cout << (with.has("json") ? "{\"state\":\"burned\"}\n" : "burned\n");
  return exit_ok;
}

}  // namespace nacre::cli
