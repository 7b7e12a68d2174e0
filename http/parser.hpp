#pragma once
// Strict HTTP/1.1 requests from bytes that arrive in any pieces.
//
// Boost.Beast parses; this layer refuses what Beast lets pass (obs-fold, repeated fields, lists of
// lengths, foreign target forms, extensions and trailers of chunked bodies). Two parsers must never
// disagree about where a message ends, so whatever is unusual is refused, not interpreted. The
// verdict on a message does not depend on how its bytes were split; only whether there is room for a large
// body (503) depends on what else is there.

#include <cstddef>
#include <memory>
#include <string_view>

#include "http/server.hpp"

namespace nacre::http {

// Fixed words and a status; never any of the bytes that were refused.
struct refusal {
  int status = 400;
  std::string_view text;
};

class request_parser {
 public:
  enum class stage : std::uint8_t { head, body, complete, refused };

  // `rules` and `bodies`, if any, must outlive the parser. Without `bodies` large ones are not counted.
  explicit request_parser(const rules_of_path* rules = nullptr, const body_budget* bodies = nullptr);
  ~request_parser();
  request_parser(const request_parser&) = delete;
  request_parser& operator=(const request_parser&) = delete;

  // Takes the bytes of one message and returns how many; stops behind its last byte. After
  // `complete` or `refused` call reset() before feeding more.
  std::size_t feed(std::string_view bytes);
  stage where() const noexcept;
  // True once a byte of the current message was seen.
  bool started() const noexcept;
  const refusal& why() const noexcept;
  // Of the path, once it is known; the defaults before.
  const path_rules& rules() const noexcept;

  // From `body` on. `take` moves the request out, once, at `complete`.
  bool keep_alive() const noexcept;
  bool wants_continue() const noexcept;  // Expect: 100-continue and no byte of the body came yet
  std::size_t size() const noexcept;     // bytes of the message so far
  request take();
  void reset();

 private:
  struct impl;
  const rules_of_path* rules_;
  const body_budget* bodies_;
  std::unique_ptr<impl> impl_;  // made at the first byte: an idle connection costs no parser
};

}  // namespace nacre::http
