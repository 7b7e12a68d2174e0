#include "http/json.hpp"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "http/buffer.hpp"
#include "http/text.hpp"
#include "model/limits.hpp"

namespace nacre::http {

namespace dom = simdjson::dom;

namespace detail {

// A parser and the padded copy it reads. Kept per thread unless made for a larger body: making one costs
// more than most bodies.
struct json_slot {
  explicit json_slot(std::size_t bytes_max)
      : bytes(bytes_max), parser(bytes_max), text(new char[bytes_max + simdjson::SIMDJSON_PADDING]) {}
  std::size_t bytes;
  dom::parser parser;
  std::unique_ptr<char[]> text;
  std::size_t used = 0;
};

namespace {

constexpr std::size_t kept_slots_max = 4;
thread_local std::vector<std::unique_ptr<json_slot>> kept_slots;

}  // namespace

void json_slot_return::operator()(json_slot* slot) const noexcept {
  std::unique_ptr<json_slot> owned{slot};
  wipe(owned->text.get(), owned->used);
  // Decoded strings: each takes its bytes, a length and an end; never more than 5/3 of the text.
  if (auto* strings = owned->parser.doc.string_buf.get())
    wipe(reinterpret_cast<char*>(strings), 5 * owned->used / 3 + simdjson::SIMDJSON_PADDING);
  try {
    if (owned->bytes == limits::body_bytes_max && kept_slots.size() < kept_slots_max)
      kept_slots.push_back(std::move(owned));
  } catch (...) {
  }
}

}  // namespace detail

struct json_value::access {
  static_assert(sizeof(dom::element) <= 16 && std::is_trivially_copyable_v<dom::element>);
  static dom::element element(const json_value& v) {
    dom::element e;
    std::memcpy(static_cast<void*>(&e), v.element_.data(), sizeof e);
    return e;
  }
  static json_value value(const dom::element& e) {
    json_value v;
    std::memcpy(v.element_.data(), static_cast<const void*>(&e), sizeof e);
    return v;
  }
  static const char* check(const dom::element& e, std::size_t depth);
  static const char* check_keys(const dom::object& o, std::size_t depth);
};

namespace {

constexpr const char* not_json = "The body is not valid JSON.";
constexpr const char* not_object = "The body must be a JSON object.";
constexpr const char* too_deep = "The body is nested too deeply.";
constexpr const char* repeated = "A key of the body is repeated.";
constexpr const char* too_large = "The body is too large.";

}  // namespace

// Null if the value keeps the rules.
const char* json_value::access::check(const dom::element& e, std::size_t depth) {
  if (e.is_object()) {
    if (depth >= limits::json_depth_max) return too_deep;
    return check_keys(dom::object{e}, depth + 1);
  }
  if (e.is_array()) {
    if (depth >= limits::json_depth_max) return too_deep;
    for (const dom::element item : dom::array{e})
      if (const char* why = check(item, depth + 1)) return why;
  }
  return nullptr;
}

const char* json_value::access::check_keys(const dom::object& o, std::size_t depth) {
  constexpr std::size_t few = 16;
  std::array<std::string_view, few> seen;
  std::vector<std::string_view> many;  // thousands of keys are sorted, not compared each with each
  std::size_t count = 0;
  for (const auto field : o) {
    if (count < few) {
      for (std::size_t i = 0; i < count; ++i)
        if (seen[i] == field.key) return repeated;
      seen[count] = field.key;
    } else {
      if (count == few) many.assign(seen.begin(), seen.end());
      many.push_back(field.key);
    }
    ++count;
    if (const char* why = check(field.value, depth)) return why;
  }
  std::sort(many.begin(), many.end());
  return std::adjacent_find(many.begin(), many.end()) == many.end() ? nullptr : repeated;
}

namespace {

constexpr auto npos = std::string_view::npos;

bool is_number_character(char c) { return is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'; }

// "-"? ("0" | digits without a leading 0) ("." digits)? (("e" | "E") sign? digits)?, RFC 8259 section 6.
bool is_number(std::string_view text) {
  auto take_digits = [&text] {
    const auto n = text.find_first_not_of("0123456789");
    const auto count = n == npos ? text.size() : n;
    text.remove_prefix(count);
    return count;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool zero = text.starts_with('0');
  const auto whole = take_digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (take_digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (take_digits() == 0) return false;
  }
  return text.empty();
}

// The same number, or the nearest double, in no more characters; empty: the parser takes it as it is.
std::string shorter(const char* from, const char* to) {
  const std::string_view text(from, static_cast<std::size_t>(to - from));
  if (!is_number(text)) return {};
  const bool negative = text.front() == '-', whole = text.find_first_of(".eE") == npos;
  std::uint64_t natural = 0;
  std::int64_t integer = 0;
  if (whole && (negative ? std::from_chars(from, to, integer) : std::from_chars(from, to, natural)).ec == std::errc{})
    return {};
  const auto n = std::strtod(from, nullptr);  // the document goes on after it, with what is no part of a number
  if (std::isinf(n)) return negative ? "-1e308" : "1e308";
  if (!whole) return {};
  // At most 17 digits and an exponent of as many places less as it says: never longer than 20 digits or more.
  char written[32];
  const auto end = std::to_chars(written, written + sizeof written, n, std::chars_format::scientific).ptr;
  std::string digits(written, std::find(written, end, 'e'));
  int exponent = 0;
  std::from_chars(written + digits.size() + 2, end, exponent);  // behind "e+"
  if (const auto point = digits.find('.'); point != npos) {
    exponent -= static_cast<int>(digits.size() - point - 1);
    digits.erase(point, 1);
  }
  return digits + 'e' + std::to_string(exponent);
}

// A number of more than 64 bits, or beyond every double, is JSON, and may stand where it is clamped or ignored, but
// simdjson refuses the whole document for it. Such numbers become shorter ones and blanks, in place.
void shorten_numbers(char* text, std::size_t size) {
  bool quoted = false;
  for (std::size_t i = 0; i < size; ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (!is_digit(c) && c != '-') continue;
    const char* end = std::find_if_not(text + i, text + size, is_number_character);
    const auto length = static_cast<std::size_t>(end - (text + i));
    if (const auto less = shorter(text + i, end); !less.empty() && less.size() <= length) {
      std::memcpy(text + i, less.data(), less.size());
      std::memset(text + i + less.size(), ' ', length - less.size());
    }
    i += length - 1;
  }
}

}  // namespace

result<json_document> parse_json(std::string_view body, bool empty_is_object, std::size_t bytes_max, bool any_top) {
  if (body.empty() && empty_is_object) body = "{}";
  if (body.size() > bytes_max) return fail(errc::invalid, too_large);
  json_document document;
  if (body.size() > limits::body_bytes_max) {
    document.slot_.reset(new detail::json_slot(body.size()));
  } else if (detail::kept_slots.empty()) {
    document.slot_.reset(new detail::json_slot(limits::body_bytes_max));
  } else {
    document.slot_.reset(detail::kept_slots.back().release());
    detail::kept_slots.pop_back();
  }
  detail::json_slot& slot = *document.slot_;
  std::memcpy(slot.text.get(), body.data(), body.size());
  std::memset(slot.text.get() + body.size(), 0, simdjson::SIMDJSON_PADDING);
  slot.used = body.size();
  dom::element root;
  auto code = slot.parser.parse(slot.text.get(), body.size(), false).get(root);
  if (code == simdjson::NUMBER_ERROR) {
    shorten_numbers(slot.text.get(), body.size());
    code = slot.parser.parse(slot.text.get(), body.size(), false).get(root);
  }
  if (code == simdjson::DEPTH_ERROR) return fail(errc::invalid, too_deep);
  if (code == simdjson::CAPACITY) return fail(errc::invalid, too_large);
  if (code != simdjson::SUCCESS) return fail(errc::invalid, not_json);
  if (!any_top && !root.is_object()) return fail(errc::invalid, not_object);
  if (const char* why = json_value::access::check(root, 0)) return fail(errc::invalid, why);
  document.root_ = json_value::access::value(root);
  return document;
}

bool json_value::is_null() const { return access::element(*this).is_null(); }
bool json_value::is_object() const { return access::element(*this).is_object(); }
bool json_value::is_array() const { return access::element(*this).is_array(); }
bool json_value::is_string() const { return access::element(*this).is_string(); }

std::optional<std::string_view> json_value::string() const {
  std::string_view text;
  if (access::element(*this).get_string().get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

std::optional<bool> json_value::boolean() const {
  bool b = false;
  if (access::element(*this).get_bool().get(b) != simdjson::SUCCESS) return std::nullopt;
  return b;
}

std::optional<std::int64_t> json_value::integer() const {
  std::int64_t n = 0;
  if (access::element(*this).get_int64().get(n) != simdjson::SUCCESS) return std::nullopt;
  return n;
}

std::optional<double> json_value::number() const {
  double n = 0;
  if (access::element(*this).get_double().get(n) != simdjson::SUCCESS) return std::nullopt;
  return n;
}

std::optional<json_value> json_value::find(std::string_view key) const {
  dom::object o;
  if (access::element(*this).get_object().get(o) != simdjson::SUCCESS) return std::nullopt;
  dom::element e;
  if (o.at_key(key).get(e) != simdjson::SUCCESS) return std::nullopt;
  return access::value(e);
}

std::vector<std::pair<std::string_view, json_value>> json_value::members() const {
  std::vector<std::pair<std::string_view, json_value>> out;
  dom::object o;
  if (access::element(*this).get_object().get(o) == simdjson::SUCCESS)
    for (const auto field : o) out.emplace_back(field.key, access::value(field.value));
  return out;
}

std::vector<json_value> json_value::items() const {
  std::vector<json_value> out;
  dom::array a;
  if (access::element(*this).get_array().get(a) == simdjson::SUCCESS)
    for (const dom::element e : a) out.push_back(access::value(e));
  return out;
}

namespace {

// 0: as it is; 'u': \u00XX; else the letter behind the backslash.
constexpr auto escapes = [] {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}();

// How many of the first bytes need no escape, eight at a time: most texts are names, ids and times.
std::size_t plain_run(std::string_view text) {
  constexpr std::uint64_t each = 0x0101010101010101, high = each * 0x80;
  const auto zeroes = [](std::uint64_t v) { return (v - each) & ~v; };
  std::size_t n = 0;
  for (; text.size() - n >= 8; n += 8) {
    std::uint64_t v;
    std::memcpy(&v, text.data() + n, sizeof v);
    const std::uint64_t controls = (v - each * 0x20) & ~v;  // false alarms above a true one only
    if (((controls | zeroes(v ^ each * '"') | zeroes(v ^ each * '\\')) & high) != 0) break;
  }
  while (n < text.size() && escapes[static_cast<unsigned char>(text[n])] == 0) ++n;
  return n;
}

template <class Number>
void append_number(std::string& out, Number n) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
}

}  // namespace

void json_writer::quoted(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out_.push_back('"');
  for (;;) {
    const std::size_t plain = plain_run(text);
    out_.append(text.substr(0, plain));
    if (plain == text.size()) break;
    const auto c = static_cast<unsigned char>(text[plain]);
    const char escape = escapes[c];
    text.remove_prefix(plain + 1);
    out_.push_back('\\');
    out_.push_back(escape);
    if (escape == 'u') {
      out_.append("00");
      out_.push_back(hex[c >> 4]);
      out_.push_back(hex[c & 15]);
    }
  }
  out_.push_back('"');
}

json_writer& json_writer::key(std::string_view name) {
  separate();
  quoted(name);
  out_.push_back(':');
  comma_ = false;
  return *this;
}

json_writer& json_writer::value(std::string_view text) {
  separate();
  quoted(text);
  return *this;
}

json_writer& json_writer::value(bool b) {
  separate();
  out_.append(b ? "true" : "false");
  return *this;
}

json_writer& json_writer::value(std::int64_t n) {
  separate();
  append_number(out_, n);
  return *this;
}

json_writer& json_writer::value(std::uint64_t n) {
  separate();
  append_number(out_, n);
  return *this;
}

json_writer& json_writer::value(std::nullptr_t) {
  separate();
  out_.append("null");
  return *this;
}

json_writer& json_writer::raw(std::string_view json) {
  separate();
  out_.append(json);
  return *this;
}

}  // namespace nacre::http
