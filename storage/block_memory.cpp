#include "storage/block_memory.hpp"

#include <sys/mman.h>

#include <new>

namespace nacre::storage {

block_memory::block_memory(std::size_t bytes) : places_(bytes / place_bytes) {
  if (places_ == 0) return;
  left_.reserve(places_);  // giving back asks for no memory
  auto* p = ::mmap(nullptr, places_ * place_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  ::madvise(p, places_ * place_bytes, MADV_HUGEPAGE);
  first_ = static_cast<char*>(p);
}

block_memory::~block_memory() {
  if (first_) ::munmap(first_, places_ * place_bytes);
}

void* block_memory::take(std::size_t bytes) {
  if (bytes <= place_bytes && bytes > place_bytes / 2) {
    std::lock_guard lock(mutex_);
    if (!left_.empty()) {
      auto* place = first_ + left_.back() * place_bytes;
      left_.pop_back();
      return place;
    }
    if (used_once_ < places_) return first_ + used_once_++ * place_bytes;
  }
  return ::operator new(bytes);
}

void block_memory::give_back(void* block) {
  if (!is_place(block)) return ::operator delete(block);
  const auto place = static_cast<std::size_t>(static_cast<char*>(block) - first_) / place_bytes;
  std::lock_guard lock(mutex_);
  left_.push_back(static_cast<std::uint32_t>(place));
}

}  // namespace nacre::storage
