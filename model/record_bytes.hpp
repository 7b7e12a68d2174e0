#pragma once
// What the encodings of all records and commands have in common: they begin with their version, hashes go
// as they are, and bytes left over are no record.

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "model/wire.hpp"

namespace nacre::model::bytes {

inline constexpr std::uint8_t version_1 = 1, version_2 = 2;

template <std::size_t Size>
std::string_view view(const std::array<std::uint8_t, Size>& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

inline std::array<std::uint8_t, 32> read_hash(reader& r) {
  std::array<std::uint8_t, 32> hash{};
  auto raw = r.raw(hash.size());
  if (raw.size() == hash.size()) std::memcpy(hash.data(), raw.data(), hash.size());
  return hash;
}

inline reader open(std::string_view record) {
  reader r(record);
  if (r.u8() != version_1) r.fail();
  return r;
}

struct opened {
  reader rest;
  std::uint8_t version;
};
inline opened open_up_to(std::uint8_t newest, std::string_view record) {
  reader r(record);
  auto version = r.u8();
  if (version < version_1 || version > newest) r.fail();
  return {r, version};
}

template <class Record>
std::optional<Record> checked(const reader& r, Record record) {
  if (!r.finished()) return std::nullopt;
  return record;
}

}  // namespace nacre::model::bytes
