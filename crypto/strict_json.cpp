#include "crypto/strict_json.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "model/limits.hpp"

namespace nacre::crypto {
namespace {

namespace dom = simdjson::dom;

bool names_are_unique(const dom::object& object) {
  std::array<std::string_view, 12> few;  // headers and claims; larger objects are sorted
  std::size_t count = 0;
  for (const auto field : object) {
    if (count == few.size()) {
      std::vector<std::string_view> names;
      for (const auto each : object) names.push_back(each.key);
      std::sort(names.begin(), names.end());
      return std::adjacent_find(names.begin(), names.end()) == names.end();
    }
    const auto end = few.begin() + static_cast<std::ptrdiff_t>(count);
    if (std::find(few.begin(), end, field.key) != end) return false;
    few[count++] = field.key;
  }
  return true;
}

// The parser has bounded the depth.
bool members_are_unique(const dom::element& element) {
  if (dom::array array; element.get(array) == simdjson::SUCCESS)
    return std::all_of(array.begin(), array.end(), [](const dom::element& e) { return members_are_unique(e); });
  if (dom::object object; element.get(object) == simdjson::SUCCESS) {
    if (!names_are_unique(object)) return false;
    for (const auto field : object)
      if (!members_are_unique(field.value)) return false;
  }
  return true;
}

}  // namespace

json_reader::json_reader(std::size_t bytes_max)
    : bytes_max_(bytes_max), padded_(bytes_max + simdjson::SIMDJSON_PADDING) {
  std::memset(padded_.data(), 0, padded_.size());
}

json_reader::~json_reader() {
  // simdjson 3.0 gives its string buffer at least 5/3 of the text's length, which is what strings may take.
  const auto& document = parser_.doc;
  if (document.string_buf) OPENSSL_cleanse(document.string_buf.get(), 5 * document.capacity() / 3);
}

std::optional<dom::object> json_reader::read(std::string_view text) {
  if (text.empty() || text.size() > bytes_max_) return std::nullopt;
  if (parser_.capacity() == 0 && parser_.allocate(bytes_max_, limits::json_depth_max) != simdjson::SUCCESS)
    return std::nullopt;
  std::memcpy(padded_.data(), text.data(), text.size());
  dom::element root;
  const bool copy = false;
  if (parser_.parse(padded_.data(), text.size(), copy).get(root) != simdjson::SUCCESS) return std::nullopt;
  dom::object object;
  if (root.get(object) != simdjson::SUCCESS || !members_are_unique(root)) return std::nullopt;
  return object;
}

std::optional<std::string_view> string_member(const dom::object& object, std::string_view name) {
  std::string_view text;
  if (object.at_key(name).get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

std::string json_quoted(std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20) {
      out.append("\\u00");
      out.push_back(hex[byte >> 4]);
      out.push_back(hex[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

bool is_plain_text(std::string_view text, std::size_t bytes_max) {
  if (text.empty() || text.size() > bytes_max) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return false;
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return false;  // C1
  }
  return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace nacre::crypto
