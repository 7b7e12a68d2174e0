#pragma once
// JSON in and out.
//
// In: whole, strict documents only. simdjson's DOM parses (its on-demand mode returns fields of
// bodies with a broken tail); on top of it repeated keys are refused at every level, the top must
// be an object, and depth and size are bounded. Messages are fixed words, never parts of the body.
// simdjson itself stays in json.cpp: its header costs seconds per translation unit.
//
// Out: json_writer appends to one string; escapes what JSON demands and nothing else.
//
// Threads: a document belongs to the thread that parsed it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/error.hpp"
#include "model/limits.hpp"

namespace nacre::http {

namespace detail {
struct json_slot;
struct json_slot_return {
  void operator()(json_slot* slot) const noexcept;
};
}  // namespace detail

class json_document;
// `any_top`: not only an object but any value may stand at the top.
result<json_document> parse_json(std::string_view body, bool empty_is_object = false,
                                 std::size_t bytes_max = limits::body_bytes_max, bool any_top = false);

// A value inside a document; lives as long as the document. Typed getters are empty for other types.
class json_value {
 public:
  bool is_null() const;
  bool is_object() const;
  bool is_array() const;
  bool is_string() const;
  std::optional<std::string_view> string() const;
  std::optional<bool> boolean() const;
  // Whole numbers written without fraction or exponent.
  std::optional<std::int64_t> integer() const;
  std::optional<double> number() const;
  // Of an object; empty if absent (a null is present).
  std::optional<json_value> find(std::string_view key) const;
  std::vector<std::pair<std::string_view, json_value>> members() const;
  std::vector<json_value> items() const;

 private:
  friend result<json_document> parse_json(std::string_view body, bool empty_is_object, std::size_t bytes_max,
                                          bool any_top);
  struct access;
  alignas(8) std::array<std::byte, 16> element_{};
};

// Owns the parsed text, decoded strings included; both are wiped when it goes.
class json_document {
 public:
  json_value root() const { return root_; }
  std::optional<json_value> find(std::string_view key) const { return root_.find(key); }

 private:
  friend result<json_document> parse_json(std::string_view body, bool empty_is_object, std::size_t bytes_max,
                                          bool any_top);
  json_document() = default;
  std::unique_ptr<detail::json_slot, detail::json_slot_return> slot_;
  json_value root_;
};

// errc::invalid with the reason, for a 400.
inline result<json_document> parse_json_object(std::string_view body) { return parse_json(body); }

class json_writer {
 public:
  // Reserve enough for a secret: growth leaves copies behind.
  explicit json_writer(std::size_t reserve = 256) { out_.reserve(reserve); }

  json_writer& object() { return open('{'); }
  json_writer& end_object() { return close('}'); }
  json_writer& array() { return open('['); }
  json_writer& end_array() { return close(']'); }
  json_writer& key(std::string_view name);
  json_writer& value(std::string_view text);  // valid UTF-8
  json_writer& value(const char* text) { return value(std::string_view{text}); }
  json_writer& value(bool b);
  json_writer& value(std::int64_t n);
  json_writer& value(std::uint64_t n);
  json_writer& value(int n) { return value(static_cast<std::int64_t>(n)); }
  json_writer& value(unsigned n) { return value(static_cast<std::uint64_t>(n)); }
  json_writer& value(std::nullptr_t);
  template <class T>
  json_writer& value(const std::optional<T>& maybe) {
    return maybe ? value(*maybe) : value(nullptr);
  }
  // Text that is JSON already.
  json_writer& raw(std::string_view json);

  template <class T>
  json_writer& field(std::string_view name, const T& what) {
    return key(name).value(what);
  }

  const std::string& text() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  json_writer& open(char c) {
    separate();
    out_.push_back(c);
    comma_ = false;
    return *this;
  }
  json_writer& close(char c) {
    out_.push_back(c);
    comma_ = true;
    return *this;
  }
  void separate() {
    if (comma_) out_.push_back(',');
    comma_ = true;
  }
  void quoted(std::string_view text);

  std::string out_;
  bool comma_ = false;
};

}  // namespace nacre::http
