#include "http/families/web.hpp"

#include <algorithm>

#include "http/text.hpp"
#include "http/voice.hpp"
#include "http/web_files.hpp"

namespace nacre::http::web {

namespace {

// Svelte is built to need no policy of Trusted Types, so none may be made. `hosts`: whom the page may ask besides us.
std::string page_policy(const std::vector<std::string>& hosts) {
  std::string out = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'";
  for (const auto& each : hosts) out += " " + each;
  out +=
      "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
      "trusted-types 'none'";
  return out;
}

const web_file* find(std::string_view path) {
  auto files = web_files();
  auto at = std::find_if(files.begin(), files.end(), [path](const web_file& f) { return f.path == path; });
  return at == files.end() ? nullptr : &*at;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// "gzip;q=0", in any number of zeros, is a refusal.
bool is_zero(std::string_view weight) { return !weight.empty() && weight.find_first_not_of("0.") == weight.npos; }

bool takes_gzip(const request& r) {
  const auto* accepted = r.find("accept-encoding");
  if (!accepted) return false;
  for (std::string_view rest = *accepted; !rest.empty();) {
    auto each = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), each.size() + 1));
    auto semicolon = each.find(';');
    if (!same_word(trimmed(each.substr(0, semicolon)), "gzip")) continue;
    auto q = semicolon == each.npos ? std::string_view{} : each.substr(semicolon + 1);
    auto equals = q.find('=');
    return equals == q.npos || !is_zero(trimmed(q.substr(equals + 1)));
  }
  return false;
}

// `policy` is a page's; null: a file.
void send(call_ptr c, std::string_view path, std::string_view caching, const std::string* policy) {
  const auto* file = find(path);
  if (!file) {
    auto r = voice_of(c->speaks).no_route(*c);
    return answer(std::move(c), std::move(r));
  }
  bool packed = !file->gzip.empty() && takes_gzip(c->req);
  response r;
  r.headers.reserve(16);
  auto add = [&r](std::string_view name, std::string_view value) {
    r.headers.push_back({std::string(name), std::string(value)});
  };
  auto tag = "\"" + std::string(file->tag) + (packed ? "-gzip\"" : "\"");
  add("Cache-Control", caching);
  add("Vary", "Accept-Encoding");
  add("X-Content-Type-Options", "nosniff");
  add("Referrer-Policy", "no-referrer");  // addresses of pages hold identifiers
  add("Cross-Origin-Resource-Policy", "same-origin");
  if (policy) {
    add("Content-Security-Policy", *policy);
    add("Cross-Origin-Opener-Policy", "same-origin");
    add("Cross-Origin-Embedder-Policy", "require-corp");
    add("Permissions-Policy",
        "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), "
        "magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=(), clipboard-read=(), "
        "clipboard-write=(self)");
    add("X-Frame-Options", "DENY");
    add("X-Robots-Tag", "noindex, nofollow, noarchive, nosnippet");
    // The one header of its own document that a page can read: how long it should wait for answers (src/wire.ts).
    add("Server-Timing", "gives-up;dur=" + std::to_string(c->with.settings.request_timeout.count()));
  } else {
    add("Content-Security-Policy", "default-src 'none'; sandbox");  // an SVG opened by itself is a page, too
    add("ETag", tag);
    const auto* known = c->req.find("if-none-match");
    if (known && known->find(tag) != std::string::npos) {
      r.status = 304;
      return answer(std::move(c), std::move(r));
    }
  }
  add("Content-Type", file->type);
  if (packed) add("Content-Encoding", "gzip");
  r.body = std::string(packed ? file->gzip : file->bytes);
  answer(std::move(c), std::move(r));
}

void send_page(call_ptr c, std::string_view path) {
  static const std::string policy = page_policy({});
  send(std::move(c), path, "no-store", &policy);
}

constexpr std::string_view for_ever = "public, max-age=31536000, immutable";
constexpr std::string_view for_a_day = "public, max-age=86400";

}  // namespace

void share(call_ptr c) { send_page(std::move(c), "/share.html"); }
void open(call_ptr c) { send_page(std::move(c), "/open.html"); }
void receipt(call_ptr c) { send_page(std::move(c), "/receipt.html"); }
void ask(call_ptr c) { send_page(std::move(c), "/ask.html"); }
void answer_request(call_ptr c) { send_page(std::move(c), "/answer.html"); }

void console(call_ptr c) {
  auto policy = page_policy(c->with.settings.console.sign_in.origins);
  send(std::move(c), "/console.html", "no-store", &policy);
}

void docs(call_ptr c) { send_page(std::move(c), "/docs.html"); }

void asset(call_ptr c) {
  auto path = "/assets/" + std::string(c->capture(0));
  send(std::move(c), path, for_ever, nullptr);
}

void icon(call_ptr c) { send(std::move(c), "/favicon.svg", for_a_day, nullptr); }
void robots(call_ptr c) { send(std::move(c), "/robots.txt", for_a_day, nullptr); }

}  // namespace nacre::http::web
