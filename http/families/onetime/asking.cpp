#include "http/families/onetime/asking.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>

#include "http/text.hpp"
#include "model/limits.hpp"
#include "model/text.hpp"

namespace nacre::http::onetime {

namespace {

constexpr auto npos = std::string_view::npos;

// Programs that open links to show or index them, by a part of their User-Agent, in lower case.
constexpr std::string_view link_openers[] = {
    // chats
    "slackbot", "slack-imgproxy", "whatsapp", "telegrambot", "discordbot", "skypeuripreview", "microsoftpreview",
    "google-pagerenderer", "mattermost-bot", "matrix-media-repo", "synapse (bot", "line-poker", "kakaotalk-scrap",
    "snap url preview", "bitrix link preview",
    // social networks
    "facebookexternalhit", "facebookcatalog", "facebot", "meta-externalagent", "meta-externalfetcher", "twitterbot",
    "linkedinbot", "pinterestbot", "redditbot", "mastodon", "pleroma", "summalybot", "misskey", "bluesky cardyb",
    "tumblr/", "vkshare", "quora link preview", "flipboardproxy",
    // services that make previews for others
    "iframely", "embedly", "bitlybot", "notionbot",
    // search engines, archives, gatherers of text
    "googlebot", "google-inspectiontool", "googleother", "adsbot-google", "mediapartners-google", "bingbot",
    "bingpreview", "msnbot", "applebot", "duckduckbot", "duckassistbot", "yandexbot", "baiduspider", "yahoo! slurp",
    "petalbot", "seznambot", "qwantify", "ia_archiver", "archive.org_bot", "ccbot", "gptbot", "oai-searchbot",
    "claudebot", "perplexitybot", "bytespider", "amazonbot", "ahrefsbot", "semrushbot", "mj12bot", "dotbot"};
constexpr std::size_t user_agent_bytes_read = 1024;

// What browsers and mail gateways send with a request nobody has asked for yet.
constexpr std::string_view purpose_fields[] = {"sec-purpose", "purpose", "x-purpose", "x-moz"};
constexpr std::string_view purposes[] = {"prefetch", "prerender", "preview"};

// The needle in lower case.
bool mentions(std::string_view text, std::string_view needle) {
  return std::search(text.begin(), text.end(), needle.begin(), needle.end(),
                     [](char a, char b) { return lower(a) == b; }) != text.end();
}

constexpr int sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// Canonical base64 with its padding, or nothing.
std::optional<crypto::secure_bytes> from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  text.remove_suffix(padding);
  crypto::secure_bytes out(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned held = 0;
  std::size_t at = 0;
  for (const char c : text) {
    const int six = sextet(c);
    if (six < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(six);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.data()[at++] = static_cast<std::uint8_t>(bits >> held);
    bits &= (1U << held) - 1;
  }
  if (bits != 0) return std::nullopt;  // one credential has one spelling
  return out;
}

}  // namespace

bool mere_look(const request& r) {
  if (r.verb == method::head) return true;
  if (r.verb != method::get) return false;
  for (const auto& h : r.headers) {
    if (same_word(h.name, "user-agent")) {
      for (auto name : link_openers)
        if (mentions(std::string_view(h.value).substr(0, user_agent_bytes_read), name)) return true;
    } else if (std::any_of(std::begin(purpose_fields), std::end(purpose_fields),
                           [&](auto name) { return same_word(h.name, name); })) {
      for (auto purpose : purposes)
        if (mentions(h.value, purpose)) return true;
    }
  }
  return false;
}

result<basic_credential> parse_basic(std::string_view header) {
  constexpr std::string_view scheme = "basic";
  const auto space = std::min(header.find(' '), header.size());
  if (!same_word(header.substr(0, space), scheme))
    return fail(errc::unauthenticated, "Authentication failed: AUTH_TYPE_INVALID");
  auto invalid = [] { return fail(errc::unauthenticated, "Authentication failed: CREDENTIALS_INVALID"); };
  auto coded = header.substr(std::min(header.size(), space + 1));
  if (coded.size() > limits::basic_bytes_max) return invalid();
  auto plain = from_base64(coded);
  if (!plain) return invalid();
  auto text = plain->view();
  const auto measured = model::measure(text);
  const auto colon = text.find(':');
  if (!measured.valid || measured.controls || colon == npos) return invalid();
  return basic_credential{crypto::secure_bytes(text.substr(0, colon)), crypto::secure_bytes(text.substr(colon + 1))};
}

}  // namespace nacre::http::onetime
