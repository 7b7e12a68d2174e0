// Any text: a time that parses is within bounds, and its own text names it again.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/time.hpp"
#include "tests/fuzz/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacre;
  auto time = parse_rfc3339({reinterpret_cast<const char*>(data), size});
  if (!time) return 0;
  NACRE_FUZZ_CHECK(*time >= time_min && *time <= time_max);
  auto text = format_rfc3339(*time);
  NACRE_FUZZ_CHECK(text.size() == 20 || text.size() == 24);
  NACRE_FUZZ_CHECK(parse_rfc3339(text) == time);
  return 0;
}
