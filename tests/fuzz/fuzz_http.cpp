// Bytes through one connection's state machine and the router: whatever they are, the answers and
// the requests seen must not depend on how the bytes were split, and nothing refused is followed.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/router.hpp"
#include "model/limits.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/support/http_script.hpp"

namespace {

using namespace nacre::http;

constexpr route table[] = {
    {method::get, "/", "root", "", ""},
    {method::get, "/a/{id}", "a", "", ""},
    {method::post, "/a/b", "b", "", ""},
};

struct seen {
  std::string sent, requests;
  bool over = false;
  friend bool operator==(const seen&, const seen&) = default;
};

template <class Pieces>
seen converse(std::string_view bytes, Pieces next_piece) {
  static const router routes = *router::make(table);
  nacre::test::http_script s;
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, next_piece());
    s.feed(piece);
    bytes.remove_prefix(piece.size());
  }
  seen out;
  // Whatever was asked for was legal: one spelling of a path, no secret framing.
  for (const request& r : s.requests) {
    NACRE_FUZZ_CHECK(!r.path.empty() && r.path.front() == '/');
    NACRE_FUZZ_CHECK(r.body.size() <= nacre::limits::body_bytes_max);
    NACRE_FUZZ_CHECK(r.headers.size() <= nacre::limits::header_count_max);
    NACRE_FUZZ_CHECK(!(r.find("Content-Length") && r.find("Transfer-Encoding")));
    const auto match = routes.match(r.verb, r.path);
    out.requests += r.verb_text + ' ' + r.path + '?' + r.query + '\n' + r.body + '\n';
    for (const header& h : r.headers) {
      NACRE_FUZZ_CHECK(h.value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos);
      out.requests += h.name + ':' + h.value + '\n';
    }
    out.requests += std::to_string(static_cast<int>(match.what)) + '\n';
  }
  // An interim answer depends on whether the body was there already, so it is not compared.
  constexpr std::string_view interim = "HTTP/1.1 100 Continue\r\n\r\n";
  out.sent = s.sent;
  for (std::size_t at = 0; (at = out.sent.find(interim, at)) != std::string::npos;) out.sent.erase(at, interim.size());
  out.over = s.over();
  return out;
}

// The same with answers that come after all input: what waits behind a request is parsed later, from a buffer.
template <class Pieces>
void converse_late(std::string_view bytes, Pieces next_piece) {
  nacre::test::http_script s;
  s.answer_at_once = false;
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, next_piece());
    s.feed(piece);
    bytes.remove_prefix(piece.size());
  }
  for (std::size_t answered = 0; answered < s.requests.size() && !s.over(); ++answered) s.answer(response{});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4 || size > 80'000) return 0;
  // The first bytes choose the splits; libFuzzer learns to move them.
  std::uint64_t state = data[0] | static_cast<std::uint64_t>(data[1]) << 8 | 1ULL << 40;
  const std::size_t longest = 1 + data[2];
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 3, size - 3};
  const seen whole = converse(bytes, [&] { return bytes.size(); });
  const seen split = converse(bytes, [&] {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return 1 + static_cast<std::size_t>(state >> 33) % longest;
  });
  NACRE_FUZZ_CHECK(whole == split);
  converse_late(bytes, [&] {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return 1 + static_cast<std::size_t>(state >> 33) % longest;
  });
  if (size < 600) NACRE_FUZZ_CHECK(whole == converse(bytes, [] { return std::size_t{1}; }));
  return 0;
}
