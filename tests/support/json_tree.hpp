#pragma once
// A JSON text as a tree that owns itself and keeps the order of members: tests assert exact key sets,
// types and order. Reading a member that is not there ends the test with its name.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nacre::test {

class json_tree {
 public:
  enum class kind : std::uint8_t { null, boolean, integer, real, string, array, object };

  kind what() const { return kind_; }
  bool is_null() const { return kind_ == kind::null; }

  // Each throws std::runtime_error, which Catch reports, if the value is of another kind.
  const std::string& text() const;
  std::int64_t number() const;
  bool flag() const;
  const std::vector<json_tree>& items() const;
  const std::vector<std::pair<std::string, json_tree>>& members() const;
  std::vector<std::string> keys() const;
  const json_tree& operator[](std::string_view name) const;
  const json_tree& operator[](std::size_t index) const { return items().at(index); }
  const json_tree* find(std::string_view name) const;
  std::size_t size() const;

  bool operator==(const json_tree&) const = default;

 private:
  friend struct json_tree_builder;
  kind kind_ = kind::null;
  bool flag_ = false;
  std::int64_t number_ = 0;
  double real_ = 0;
  std::string text_;
  std::vector<json_tree> items_;
  std::vector<std::pair<std::string, json_tree>> members_;
};

// Nothing if the text is not one JSON value.
std::optional<json_tree> parse_json_tree(std::string_view text);
// `text` in quotes, escaped.
std::string json_quoted(std::string_view text);

}  // namespace nacre::test
