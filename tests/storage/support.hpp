#pragma once
// What the storage tests share: short ways to write batches, and a directory that cleans up.

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "storage/faulty_store.hpp"
#include "storage/memory_store.hpp"
#include "storage/rocks_store.hpp"

namespace nacre::storage::testing {

namespace fs = std::filesystem;

class scratch {
 public:
  scratch() {
    std::string name = (fs::temp_directory_path() / "nacre-storage-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no scratch directory");
    path_ = name;
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

inline write put(std::string key, std::string value, space in = space::state) {
  return {write::kind::put, in, std::move(key), std::move(value)};
}
inline write erase(std::string key, space in = space::state) { return {write::kind::erase, in, std::move(key), {}}; }
inline write erase_range(std::string from, std::string stays, space in = space::state) {
  return {write::kind::erase_range, in, std::move(from), std::move(stays)};
}

using contents = std::map<std::string, std::string>;

inline contents all(const model::view& view, space in = space::state) {
  contents found;
  view.scan(in, {}, std::string(64, '\xff'), [&](auto key, auto value) {
    // The store's own format row is not the test's business.
    if (in != space::meta || !key.starts_with("storage/")) found.emplace(key, value);
    return true;
  });
  return found;
}

inline std::array<contents, model::space_count> everything(const model::view& view) {
  std::array<contents, model::space_count> found;
  for (std::size_t i = 0; i < found.size(); ++i) found[i] = all(view, static_cast<space>(i));
  return found;
}

// A batch over three spaces, known by its number.
inline batch numbered(int n, std::size_t bytes) {
  const auto name = std::to_string(n);
  return {put("s" + name, std::string(bytes, 's')), put("c" + name, std::string(bytes, 'c'), space::sealed),
          put("a" + name, std::string(bytes, 'a'), space::audit)};
}
// How many of its rows are there: 0 or 3, if batches are whole.
inline int rows_of(const model::view& view, int n) {
  const auto name = std::to_string(n);
  return view.get(space::state, "s" + name).has_value() + view.get(space::sealed, "c" + name).has_value() +
         view.get(space::audit, "a" + name).has_value();
}

// Small buffers, so that tests reach flushes and levels with little data.
inline rocks_options small() {
  return {.block_cache_bytes = 1u << 20, .row_cache_bytes = 1u << 19, .write_buffer_bytes = 1u << 20};
}

template <class T>
T must(result<T> done) {
  if (!done) throw std::runtime_error(done.error().text);
  if constexpr (!std::is_void_v<T>) return std::move(*done);
}

inline std::unique_ptr<store> rocks(const fs::path& at) { return must(open_rocks_store(at, small())); }

// How each implementation opens, and what "again" means for it.
struct memory_kind {
  static constexpr bool files = false;
  static std::unique_ptr<store> open(const fs::path&) { return make_memory_store(); }
  static void reopen(std::unique_ptr<store>&, const fs::path&) {}  // the object is all there is
};
struct rocks_kind {
  static constexpr bool files = true;
  static std::unique_ptr<store> open(const fs::path& at) { return rocks(at); }
  static void reopen(std::unique_ptr<store>& held, const fs::path& at) {
    held.reset();
    held = rocks(at);
  }
};
struct faulty_kind {
  static constexpr bool files = true;
  static std::unique_ptr<store> open(const fs::path& at) { return make_faulty_store(rocks(at), {}); }
  static void reopen(std::unique_ptr<store>& held, const fs::path& at) {
    held.reset();
    held = open(at);
  }
};

}  // namespace nacre::storage::testing
