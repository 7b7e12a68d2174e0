#pragma once
// What a fragment may refer to by name, so that the program and its description cannot differ: limits of
// model/limits.hpp, settings in force, and the words that fields are made of.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "http/api.hpp"

namespace nacre::http::describe {

// `{"$limit": "NAME"}` and `${NAME}`; nothing if there is no such name.
std::optional<std::int64_t> number_of(std::string_view name, const api_settings& s);
std::vector<std::string_view> number_names();

// `{"$words": "NAME"}`: "scopes", "permissions", "events", ...; empty if there is no such name.
std::vector<std::string_view> words_of(std::string_view name);

}  // namespace nacre::http::describe
