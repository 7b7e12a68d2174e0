// Any text as a webhook's URL and as a host an operator lists: what is taken has one meaning, which its parts
// spell again.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/limits.hpp"
#include "model/webhook_url.hpp"
#include "tests/fuzz/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacre;
  using namespace nacre::model;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto hosts = webhook_hosts::parse({std::string(text)}, false);
  auto url = parse_webhook_url(text);
  if (hosts) {  // a host that can be listed can be pointed to
    auto named = parse_webhook_url("http://" + std::string(text));
    NACRE_FUZZ_CHECK(named && hosts->lists(*named) && hosts->check(*named));
  }
  if (!url) return 0;
  NACRE_FUZZ_CHECK(!url->host.empty() && url->port != 0 && url->path.starts_with('/'));
  auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  };
  if (url->kind != webhook_url::host_kind::v6) NACRE_FUZZ_CHECK(std::all_of(url->host.begin(), url->host.end(), plain));
  NACRE_FUZZ_CHECK(std::all_of(url->path.begin(), url->path.end(), [](char c) { return c > 0x20 && c < 0x7f; }));
  auto spelled = (url->tls ? "https://" : "http://") + url->authority() + url->path;
  if (spelled.size() > limits::webhook_url_bytes_max) return 0;
  auto again = parse_webhook_url(spelled);
  NACRE_FUZZ_CHECK(again && again->host == url->host && again->port == url->port && again->path == url->path &&
                   again->tls == url->tls && again->kind == url->kind);
  NACRE_FUZZ_CHECK(webhook_hosts::parse({url->authority()}, true)->lists(*url));
  return 0;
}
