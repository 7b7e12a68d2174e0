#pragma once
// JSON that reached us from outside: one object, valid UTF-8, nothing after it, at most 16 levels,
// and no member named twice at any depth (simdjson keeps the first silently, others the last).
//
// A reader owns its buffers; what it returns lives until its next read(). Not thread-safe.
// Both buffers are wiped on destruction, because key files pass through here.

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>

#include "crypto/secure_bytes.hpp"

namespace nacre::crypto {

class json_reader {
 public:
  explicit json_reader(std::size_t bytes_max);
  ~json_reader();
  json_reader(const json_reader&) = delete;
  json_reader& operator=(const json_reader&) = delete;

  std::optional<simdjson::dom::object> read(std::string_view text);

 private:
  std::size_t bytes_max_;
  secure_bytes padded_;
  simdjson::dom::parser parser_;
};

inline bool has(const simdjson::dom::object& object, std::string_view name) {
  return object.at_key(name).error() == simdjson::SUCCESS;
}
// Nothing if the member is absent or no string; has() tells which.
std::optional<std::string_view> string_member(const simdjson::dom::object& object, std::string_view name);

// `text` with quotes around it. The text must be valid UTF-8.
std::string json_quoted(std::string_view text);

// 1..bytes_max bytes of valid UTF-8 without control characters (C0, DEL, C1).
bool is_plain_text(std::string_view text, std::size_t bytes_max);

}  // namespace nacre::crypto
