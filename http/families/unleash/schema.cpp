#include "http/families/unleash/schema.hpp"

#include <charconv>
#include <cmath>

#include "http/text.hpp"

namespace nacre::http::unleash {

namespace {

constexpr std::size_t told_bytes_max = 200;  // of a value that was sent, in the complaint about it

// As JavaScript writes a number: plain from 1e-6 to below 1e21, with an exponent beyond.
std::string number_text(double n) {
  if (n == 0) return "0";
  char digits[400];
  bool plain = std::abs(n) >= 1e-6 && std::abs(n) < 1e21;
  auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  std::string out(digits, std::to_chars(digits, digits + sizeof digits, n, format).ptr);
  auto exponent = out.find('e');
  if (exponent != std::string::npos && out[exponent + 2] == '0') out.erase(exponent + 2, 1);  // e-07 -> e-7
  return out;
}

std::string number_text(const json_value& v) {
  if (auto whole = v.integer()) return std::to_string(*whole);
  return number_text(v.number().value_or(0));
}

void write(json_writer& w, const json_value& v) {
  if (auto text = v.string()) {
    w.value(*text);
  } else if (auto yes = v.boolean()) {
    w.value(*yes);
  } else if (v.is_null()) {
    w.value(nullptr);
  } else if (v.is_array()) {
    w.array();
    for (const auto& item : v.items()) write(w, item);
    w.end_array();
  } else if (v.is_object()) {
    w.object();
    for (const auto& [key, value] : v.members()) write(w.key(key), value);
    w.end_object();
  } else {
    w.raw(number_text(v));
  }
}

std::string shortened(std::string json) {
  if (json.size() <= told_bytes_max) return json;
  auto end = told_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(json[end]) & 0xc0) == 0x80) --end;
  json.resize(end);
  return json + "...";
}

std::string json_of(const json_value& v) {
  json_writer w;
  write(w, v);
  return shortened(w.take());
}

std::string json_of(std::string_view text) {
  json_writer w;
  w.value(text);
  return shortened(w.take());
}

problem wrong(const std::string& path, std::string_view must, const std::string& sent) {
  return bad_shape(path, "The `" + path + "` property must " + std::string(must) + ". You sent " + sent + ".");
}

// A simple value as text; nothing for objects and arrays.
std::optional<std::string> as_text(const json_value& v) {
  if (auto text = v.string()) return std::string(*text);
  if (auto yes = v.boolean()) return *yes ? "true" : "false";
  if (v.is_null()) return std::string();
  if (v.number() || v.integer()) return number_text(v);
  return std::nullopt;
}

bool is_integer(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  for (char c : text)
    if (!is_digit(c)) return false;
  return !text.empty();
}

std::optional<std::int64_t> as_integer(const json_value& v) {
  constexpr double exact = 9e15;  // beyond, a double does not hold every whole number
  if (auto whole = v.integer()) return *whole;
  if (auto n = v.number(); n && std::trunc(*n) == *n && std::abs(*n) <= exact) return static_cast<std::int64_t>(*n);
  if (auto yes = v.boolean()) return *yes ? 1 : 0;
  if (v.is_null()) return 0;
  auto text = v.string();
  if (!text || !is_integer(*text)) return std::nullopt;
  if (text->starts_with('+')) text->remove_prefix(1);
  std::int64_t n = 0;
  auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), n);
  if (problem != std::errc{}) return std::nullopt;
  return n;
}

checked<field> read(const json_value& v, const wanted& w, const std::string& path) {
  field out;
  if (w.as == shape::integer) {
    out.number = as_integer(v);
    if (!out.number) return tl::make_unexpected(wrong(path, "be integer", json_of(v)));
    return out;
  }
  auto text = as_text(v);
  if (!text) return tl::make_unexpected(wrong(path, "be string", json_of(v)));
  if (w.as == shape::text) {
    out.text = std::move(text);
    return out;
  }
  out.when = parse_rfc3339(*text);
  if (!out.when) return tl::make_unexpected(wrong(path, "match format \"date-time\"", json_of(*text)));
  return out;
}

}  // namespace

checked<json_document> body_of(const request& r) {
  if (!r.body.empty() && !has_json_body(r)) return tl::make_unexpected(wrong_content_type());
  auto json = parse_json(r.body, true, limits::body_bytes_max, true);
  if (!json) return tl::make_unexpected(bad_data(json.error().text));
  if (json->root().is_array()) return tl::make_unexpected(wrong("/body", "be object", json_of(json->root())));
  if (!json->root().is_object()) return tl::make_unexpected(bad_data("The body must be a JSON object."));
  return std::move(*json);
}

checked<std::vector<field>> read_fields(const json_document& body, std::span<const wanted> of) {
  auto path_of = [](const wanted& w) { return "/body/" + std::string(w.name); };
  for (const auto& w : of)
    if (w.required && !body.find(w.name))
      return tl::make_unexpected(bad_shape(path_of(w), "The `" + path_of(w) +
                                                           "` property is required. It was not present on the data "
                                                           "you sent."));
  std::vector<field> out;
  for (const auto& w : of) {
    auto given = body.find(w.name);
    auto read_one = given ? read(*given, w, path_of(w)) : checked<field>();
    if (!read_one) return tl::make_unexpected(read_one.error());
    out.push_back(std::move(*read_one));
  }
  return out;
}

checked<std::uint64_t> id_of(std::string_view text, std::string_view name) {
  if (!is_integer(text)) {
    auto path = "/params/" + std::string(name);
    return tl::make_unexpected(wrong(path, "be integer", json_of(text)));
  }
  if (text.starts_with('+')) text.remove_prefix(1);
  std::uint64_t n = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), n);
  return problem == std::errc{} ? n : 0;
}

}  // namespace nacre::http::unleash
