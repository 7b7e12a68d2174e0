#pragma once
// Base62 of a fixed width: bytes as one big-endian number in the digits 0-9 A-Z a-z (ASCII order, so texts
// of one width sort like their values), left-padded with '0'. A number has exactly one text; any other is
// refused. Writes into memory the caller owns, like hex.hpp, because identifiers and tokens pass here.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nacre::crypto {

inline constexpr std::string_view base62_digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// The narrowest width that holds every value of so many bytes (up to 64): 8 / log2(62) characters a byte, rounded up.
constexpr std::size_t base62_chars(std::size_t bytes) { return (bytes * 8'000'000 + 5'954'195) / 5'954'196; }
static_assert(base62_chars(16) == 22 && base62_chars(32) == 43);

// Writes base62_chars(bytes.size()) characters.
void write_base62(std::string_view bytes, char* out);
// Writes `size` bytes; false, and nothing useful in `out`, if the text has another width than base62_chars(size),
// a character that is no digit, or a value beyond `size` bytes.
bool read_base62(std::string_view text, std::uint8_t* out, std::size_t size);

}  // namespace nacre::crypto
