#pragma once
// Where the store's cached blocks lie: places of one size, side by side, for blocks all but fill them.
//
// Blocks come and go with every read of a row that nobody has asked for lately. From the heap each would be a search
// for some four thousand bytes that also tidies up the thread's small pieces, and would lie among them, where every
// page of the many must be looked up anew. Here it is the place that was left last, in huge pages where there are any.
//
// What is much smaller or larger, and what comes when all places are taken, is from the heap. Memory: as many bytes as
// it is made for, taken as places are first used. Threads: any.

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace nacre::storage {

class block_memory {
 public:
  static constexpr std::size_t place_bytes = 4'160;  // a block of 4 KiB with its trailer, in whole cache lines

  explicit block_memory(std::size_t bytes);
  block_memory(const block_memory&) = delete;
  block_memory& operator=(const block_memory&) = delete;
  ~block_memory();

  // Throws std::bad_alloc.
  void* take(std::size_t bytes);
  void give_back(void* block);
  // Of what take(bytes) gave.
  std::size_t usable(const void* block, std::size_t bytes) const { return is_place(block) ? place_bytes : bytes; }
  bool is_place(const void* block) const {
    const auto* at = static_cast<const char*>(block);
    return at >= first_ && at < first_ + places_ * place_bytes;
  }

 private:
  const std::size_t places_;
  char* first_ = nullptr;
  std::mutex mutex_;
  std::size_t used_once_ = 0;        // places beyond have never been taken
  std::vector<std::uint32_t> left_;  // by the last block that lay there; the latest at the end
};

}  // namespace nacre::storage
