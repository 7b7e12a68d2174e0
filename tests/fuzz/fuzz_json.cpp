// Any bytes as a JSON body: refused with fixed words, or an object whose every part can be read,
// written again and read to the same.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "http/json.hpp"
#include "model/limits.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace nacre::http;

void copy(const json_value& v, json_writer& to, std::size_t depth) {
  NACRE_FUZZ_CHECK(depth <= nacre::limits::json_depth_max);
  if (v.is_object()) {
    to.object();
    std::set<std::string_view> keys;
    for (const auto& [key, value] : v.members()) {
      NACRE_FUZZ_CHECK(keys.insert(key).second);
      NACRE_FUZZ_CHECK(v.find(key).has_value());
      to.key(key);
      copy(value, to, depth + 1);
    }
    to.end_object();
  } else if (v.is_array()) {
    to.array();
    for (const json_value& item : v.items()) copy(item, to, depth + 1);
    to.end_array();
  } else if (const auto text = v.string()) {
    to.value(*text);
  } else if (const auto b = v.boolean()) {
    to.value(*b);
  } else if (const auto n = v.integer()) {
    to.value(*n);
  } else if (v.is_null()) {
    to.value(nullptr);
  } else {
    NACRE_FUZZ_CHECK(v.number().has_value());
    to.value(0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body{reinterpret_cast<const char*>(data), size};
  const auto first = parse_json_object(body);
  if (!first) {
    NACRE_FUZZ_CHECK(first.error().code == nacre::errc::invalid);
    return 0;
  }
  json_writer once;
  copy(first->root(), once, 0);
  const auto second = parse_json_object(once.text());
  // Escaping can make a body longer than one may be.
  if (once.text().size() > nacre::limits::body_bytes_max) return 0;
  NACRE_FUZZ_CHECK(second.has_value());
  json_writer twice;
  copy(second->root(), twice, 0);
  NACRE_FUZZ_CHECK(once.text() == twice.text());
  return 0;
}
