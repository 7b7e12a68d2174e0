#include "tests/support/json_tree.hpp"

#include <simdjson.h>

#include <stdexcept>

namespace nacre::test {

namespace dom = simdjson::dom;

struct json_tree_builder {
  static json_tree build(const dom::element& e) {
    json_tree out;
    using t = dom::element_type;
    switch (e.type()) {
      case t::NULL_VALUE:
        break;
      case t::BOOL:
        out.kind_ = json_tree::kind::boolean;
        out.flag_ = bool(e);
        break;
      case t::INT64:
      case t::UINT64:
        out.kind_ = json_tree::kind::integer;
        out.number_ = std::int64_t(e);
        break;
      case t::DOUBLE:
        out.kind_ = json_tree::kind::real;
        out.real_ = double(e);
        break;
      case t::STRING:
        out.kind_ = json_tree::kind::string;
        out.text_ = std::string(std::string_view(e));
        break;
      case t::ARRAY:
        out.kind_ = json_tree::kind::array;
        for (const dom::element item : dom::array(e)) out.items_.push_back(build(item));
        break;
      case t::OBJECT:
        out.kind_ = json_tree::kind::object;
        for (const auto member : dom::object(e))
          out.members_.emplace_back(std::string(member.key), build(member.value));
        break;
    }
    return out;
  }
};

namespace {

[[noreturn]] void wrong(std::string_view wanted) { throw std::runtime_error("JSON: no " + std::string(wanted)); }

}  // namespace

const std::string& json_tree::text() const {
  if (kind_ != kind::string) wrong("string here");
  return text_;
}

std::int64_t json_tree::number() const {
  if (kind_ != kind::integer) wrong("whole number here");
  return number_;
}

bool json_tree::flag() const {
  if (kind_ != kind::boolean) wrong("boolean here");
  return flag_;
}

const std::vector<json_tree>& json_tree::items() const {
  if (kind_ != kind::array) wrong("array here");
  return items_;
}

const std::vector<std::pair<std::string, json_tree>>& json_tree::members() const {
  if (kind_ != kind::object) wrong("object here");
  return members_;
}

std::vector<std::string> json_tree::keys() const {
  std::vector<std::string> out;
  for (const auto& [name, value] : members()) out.push_back(name);
  return out;
}

const json_tree* json_tree::find(std::string_view name) const {
  for (const auto& [key, value] : members())
    if (key == name) return &value;
  return nullptr;
}

const json_tree& json_tree::operator[](std::string_view name) const {
  if (const auto* value = find(name)) return *value;
  wrong("member " + std::string(name));
}

std::size_t json_tree::size() const { return kind_ == kind::object ? members_.size() : items().size(); }

std::optional<json_tree> parse_json_tree(std::string_view text) {
  dom::parser parser;
  dom::element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) return std::nullopt;
  return json_tree_builder::build(root);
}

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr char digits[] = "0123456789abcdef";
      out += "\\u00";
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[c & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace nacre::test
