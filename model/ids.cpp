#include "model/ids.hpp"

namespace nacre {

namespace {

// Value of a hex digit; `no_digit` for all else, which stays visible when many are or-ed together.
constexpr std::uint8_t no_digit = 0x80;
constexpr auto hex_values = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(no_digit);
  for (std::uint8_t v = 0; v < 10; ++v) table[static_cast<std::size_t>('0' + v)] = v;
  for (std::uint8_t v = 10; v < 16; ++v)
    table[static_cast<std::size_t>('a' + v - 10)] = table[static_cast<std::size_t>('A' + v - 10)] = v;
  return table;
}();

// Where the two digits of each byte begin; hyphens lie at 8, 13, 18 and 23.
constexpr std::array<std::uint8_t, 16> digit_at{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

}  // namespace

std::optional<uuid> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return std::nullopt;
  uuid id;
  std::uint8_t seen = 0;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    auto high = hex_values[static_cast<unsigned char>(text[digit_at[i]])];
    auto low = hex_values[static_cast<unsigned char>(text[digit_at[i] + 1u])];
    seen = static_cast<std::uint8_t>(seen | high | low);
    id.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (seen & no_digit) return std::nullopt;
  return id;
}

uuid_text text_of(const uuid& id) {
  static constexpr char digits[] = "0123456789abcdef";
  uuid_text text;
  text.chars[8] = text.chars[13] = text.chars[18] = text.chars[23] = '-';
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    text.chars[digit_at[i]] = digits[id.bytes[i] >> 4];
    text.chars[digit_at[i] + 1u] = digits[id.bytes[i] & 15];
  }
  return text;
}

std::string to_string(const uuid& id) { return std::string(text_of(id)); }

std::optional<uuid> uuid_from_bytes(std::string_view sixteen) {
  if (sixteen.size() != 16) return std::nullopt;
  uuid id;
  std::memcpy(id.bytes.data(), sixteen.data(), 16);
  return id;
}

uuid make_uuid_v4(std::array<std::uint8_t, 16> random) {
  random[6] = static_cast<std::uint8_t>((random[6] & 0x0f) | 0x40);
  random[8] = static_cast<std::uint8_t>((random[8] & 0x3f) | 0x80);
  return uuid{random};
}

}  // namespace nacre
