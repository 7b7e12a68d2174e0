#pragma once
// Requests as Unleash's schemas read them (contracts/unleash-tokens.md section 4): what is required is asked for
// first, then types in order; a value of another simple type becomes the one that is wanted (5 -> "5", null -> "");
// keys nobody knows are passed over. Only the first thing wrong is told, with what was sent.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "http/call.hpp"
#include "http/families/unleash/errors.hpp"
#include "http/json.hpp"

namespace nacre::http::unleash {

template <class T>
using checked = tl::expected<T, problem>;

// The body as an object; one that is empty is {}. 415 if it is not said to be JSON.
checked<json_document> body_of(const request& r);

enum class shape : std::uint8_t { text, date_time, integer };
struct wanted {
  std::string_view name;
  shape as = shape::text;
  bool required = true;
};
// By the shape wanted one of these; all empty: not given.
struct field {
  std::optional<std::string> text;
  std::optional<timestamp> when;
  std::optional<std::int64_t> number;
};
// In the order of `of`.
checked<std::vector<field>> read_fields(const json_document& body, std::span<const wanted> of);

// An id of the path, whole numbers of any length and sign; 0 if none that long or negative is ever given out.
checked<std::uint64_t> id_of(std::string_view text, std::string_view name = "id");

}  // namespace nacre::http::unleash
