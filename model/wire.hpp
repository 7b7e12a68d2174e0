#pragma once
// Bytes of records and commands: big-endian integers, byte strings behind a u32 length.
//
// A reader never throws and never reads past its end: after the first misfit `ok()` is false and
// everything reads as zero. `finished()` also demands that nothing is left, so that no two byte
// strings decode to the same value.

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/ids.hpp"
#include "model/time.hpp"

namespace nacre::model {

class writer {
 public:
  writer() = default;
  explicit writer(std::size_t expected_bytes) { out_.reserve(expected_bytes); }

  writer& u8(std::uint8_t v) {
    out_.push_back(static_cast<char>(v));
    return *this;
  }
  writer& u32(std::uint32_t v) { return big_endian(v); }
  writer& u64(std::uint64_t v) { return big_endian(v); }
  writer& flag(bool v) { return u8(v ? 1 : 0); }
  writer& time(timestamp t) { return u64(static_cast<std::uint64_t>(t.value())); }
  // For keys: earlier times are smaller bytes, also before 1970.
  writer& ordered(timestamp t) { return u64(in_order(t)); }
  writer& newest_first(timestamp t) { return u64(~in_order(t)); }
  writer& id(const uuid& v) { return raw(v.view()); }
  template <class Tag>
  writer& id(const strong<uuid, Tag>& v) {
    return id(v.value());
  }
  writer& bytes(std::string_view v) {
    u32(static_cast<std::uint32_t>(v.size()));
    return raw(v);
  }
  writer& raw(std::string_view v) {
    out_.append(v);
    return *this;
  }
  template <class T, class Put>
  writer& maybe(const std::optional<T>& v, Put put) {
    flag(v.has_value());
    if (v) put(*this, *v);
    return *this;
  }
  writer& maybe(const std::optional<timestamp>& v) {
    return maybe(v, [](writer& w, timestamp t) { w.time(t); });
  }

  std::string take() { return std::move(out_); }
  std::string_view view() const { return out_; }

 private:
  static std::uint64_t in_order(timestamp t) {
    return static_cast<std::uint64_t>(t.value()) ^ (std::uint64_t{1} << 63);
  }
  template <std::unsigned_integral T>
  writer& big_endian(T v) {
    char b[sizeof(T)];
    for (std::size_t i = 0; i < sizeof(T); ++i) b[i] = static_cast<char>(v >> (8 * (sizeof(T) - 1 - i)));
    return raw({b, sizeof(T)});
  }
  std::string out_;
};

class reader {
 public:
  explicit reader(std::string_view in) : in_(in) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian<std::uint8_t>()); }
  std::uint32_t u32() { return big_endian<std::uint32_t>(); }
  std::uint64_t u64() { return big_endian<std::uint64_t>(); }
  bool flag() {
    auto v = u8();
    if (v > 1) fail();
    return v == 1;
  }
  timestamp time() {
    timestamp t{static_cast<std::int64_t>(u64())};
    if (t < time_min || t > time_max) return fail(), timestamp{};
    return t;
  }
  // What writer::ordered() wrote.
  timestamp ordered() {
    timestamp t{static_cast<std::int64_t>(u64() ^ (std::uint64_t{1} << 63))};
    if (t < time_min || t > time_max) return fail(), timestamp{};
    return t;
  }
  uuid id() { return uuid_from_bytes(raw(16)).value_or(uuid{}); }
  template <class Id>
  Id id_as() {
    return Id{id()};
  }
  std::string_view bytes(std::size_t at_most) {
    auto size = u32();
    if (size > at_most) return fail(), std::string_view{};
    return raw(size);
  }
  std::string text(std::size_t at_most) { return std::string(bytes(at_most)); }
  std::string_view raw(std::size_t size) {
    if (!ok_ || size > in_.size()) return fail(), std::string_view{};
    auto v = in_.substr(0, size);
    in_.remove_prefix(size);
    return v;
  }
  template <class Get>
  auto maybe(Get get) -> std::optional<decltype(get(*this))> {
    if (!flag()) return std::nullopt;
    return get(*this);
  }
  std::optional<timestamp> maybe_time() {
    return maybe([](reader& r) { return r.time(); });
  }

  void fail() { ok_ = false; }
  bool ok() const { return ok_; }
  bool finished() const { return ok_ && in_.empty(); }

 private:
  template <std::unsigned_integral T>
  T big_endian() {
    auto b = raw(sizeof(T));
    if (b.empty()) return 0;
    T v = 0;
    for (char c : b) v = static_cast<T>((v << (sizeof(T) > 1 ? 8 : 0)) | static_cast<std::uint8_t>(c));
    return v;
  }
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace nacre::model
