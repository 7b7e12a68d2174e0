#pragma once
// Bytes waiting to be parsed or sent: appended at the end, consumed from the front, never moved per
// message. Tokens and plaintext pass through here, so whatever leaves the buffer (consumed, moved by
// growth, freed) is wiped; at the sizes a connection has this costs less than asking when to.

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace nacre::http {

inline void wipe(char* bytes, std::size_t size) noexcept {
  if (size != 0) ::explicit_bzero(bytes, size);
}

// Wipes what a string holds, also what an earlier longer value left behind its end.
inline void wipe(std::string& text) noexcept {
  wipe(text.data(), text.capacity());
  text.clear();
}

class byte_buffer {
 public:
  byte_buffer() = default;
  byte_buffer(const byte_buffer&) = delete;
  byte_buffer& operator=(const byte_buffer&) = delete;
  ~byte_buffer() { wipe(bytes_.get(), end_); }

  bool empty() const noexcept { return begin_ == end_; }
  std::size_t size() const noexcept { return end_ - begin_; }
  std::string_view view() const noexcept { return {bytes_.get() + begin_, end_ - begin_}; }

  void append(std::string_view more) {
    if (more.empty()) return;
    reserve(more.size());
    std::memcpy(bytes_.get() + end_, more.data(), more.size());
    end_ += more.size();
  }

  // Lets `write(char*)` put up to `most` bytes behind the last one; it answers where it ended.
  template <class Write>
  void append_with(std::size_t most, Write write) {
    reserve(most);
    char* const from = bytes_.get() + end_;
    end_ += static_cast<std::size_t>(write(from) - from);
  }

  // Room for `more` bytes behind the last one.
  void reserve(std::size_t more) {
    if (capacity_ - end_ >= more) return;
    const std::size_t held = size();
    if (begin_ != 0 && capacity_ - held >= more) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, held);
      wipe(bytes_.get() + held, end_ - held);
    } else {
      std::size_t wanted = capacity_ == 0 ? 512 : capacity_ * 2;
      if (wanted < held + more) wanted = held + more;
      std::unique_ptr<char[]> grown{new char[wanted]};
      if (held != 0) std::memcpy(grown.get(), bytes_.get() + begin_, held);
      wipe(bytes_.get(), end_);
      bytes_ = std::move(grown);
      capacity_ = wanted;
    }
    begin_ = 0;
    end_ = held;
  }

  void consume(std::size_t count) noexcept {
    if (count > size()) count = size();
    wipe(bytes_.get() + begin_, count);
    begin_ += count;
    if (begin_ == end_) {
      begin_ = end_ = 0;
      if (capacity_ > kept_bytes_max) release();  // one large answer must not stay with an idle connection
    }
  }

  void clear() noexcept {
    wipe(bytes_.get(), end_);
    begin_ = end_ = 0;
    if (capacity_ > kept_bytes_max) release();
  }

 private:
  static constexpr std::size_t kept_bytes_max = 4096;

  void release() noexcept {
    bytes_.reset();
    capacity_ = 0;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace nacre::http
