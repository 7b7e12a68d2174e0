#pragma once
// Private to app: the table of configuration keys that parsing, help and the example file share.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/config.hpp"

namespace nacre::app {

using text_list = std::vector<std::string>;

// One key: what it is called, how it is checked, and what its reader should know.
struct entry {
  std::string_view name;
  struct integer {
    std::int64_t low, high;
    std::function<std::int64_t(const config&)> get;
    std::function<void(config&, std::int64_t)> set;
  };
  struct boolean {
    std::function<bool&(config&)> at;
  };
  struct text {
    std::function<std::string&(config&)> at;
    // Says what is wrong with a value, or nothing.
    std::function<std::optional<std::string>(const std::string&)> check;
    bool secret = false;  // the value is never quoted
  };
  struct choice {
    std::vector<std::string_view> names;
    std::function<std::size_t(const config&)> get;
    std::function<void(config&, std::size_t)> set;
  };
  struct list {
    std::function<text_list&(config&)> at;
    std::function<std::optional<std::string>(const std::string&)> check;  // of one element
  };
  struct tables {};  // auth.issuers, the only array of tables
  std::variant<integer, boolean, text, choice, list, tables> kind;
  std::string_view unit;
  std::string_view effect;
  std::string_view wrong;  // what goes wrong when it is set badly
};

// In the order of the example file: section by section.
const std::vector<entry>& table();
const entry* find(std::string_view name);  // null: no such key

// "https://id.example.com:8443" of a URL with any path, if its host is a name or an IPv4 address; as browsers write it:
// in lower case, without the scheme's own port. Nothing for anything else: what is answered may stand in a page's
// policy.
std::optional<std::string> web_origin_of(std::string_view url);

}  // namespace nacre::app
