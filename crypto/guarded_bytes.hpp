#pragma once
// Keys that live as long as the process: memory of their own between guard pages, read-only once
// written, locked out of swap and core files as far as RLIMIT_MEMLOCK allows, wiped when freed.
// Each takes whole pages: for a handful of keys. Everything shorter-lived is `secure_bytes`.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace nacre::crypto {

class guarded_bytes {
 public:
  guarded_bytes() = default;
  // Aborts if there is no memory: a node without its keys cannot go on.
  explicit guarded_bytes(std::string_view copy_of);
  guarded_bytes(guarded_bytes&& other) noexcept
      : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  guarded_bytes& operator=(guarded_bytes&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  std::size_t size() const noexcept { return size_; }
  std::string_view view() const noexcept { return {reinterpret_cast<const char*>(bytes_.get()), size_}; }

 private:
  struct release {
    void operator()(std::uint8_t* bytes) const noexcept;
  };
  std::unique_ptr<std::uint8_t[], release> bytes_;
  std::size_t size_ = 0;
};

}  // namespace nacre::crypto
