#pragma once
// Rows of one space as they are now, each found by one hash: a row that lies anywhere in a large store costs as
// little as one of a few. Between what rules ask for and a store that keeps many versions in sorted files.
//
// A view sees one moment, this the newest one. A `moment` is a number that grows with every write: what is held is
// told only to views no older than the last write of that row (or of one that shares its stamp), and learnt only from
// such views. So the writer must call before_write() before anybody can see what it writes, and after_write() when
// every new view sees it; between the two, and after a write that failed, those rows are neither told nor learnt.
//
// Memory: at most `bytes_max` for rows and an eighth more to find them, taken as it fills. When there is no room the
// row learnt first goes. Threads: any; one writer.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/store.hpp"

namespace nacre::storage {

class row_cache {
 public:
  using moment = std::uint64_t;

  row_cache(space of, std::size_t bytes_max);
  row_cache(const row_cache&) = delete;
  row_cache& operator=(const row_cache&) = delete;

  // What the row is at that moment; nothing if that is not known here.
  std::optional<std::string> find(space in, std::string_view key, moment seen_by) const;
  // The same of several rows at once (`found` has a place for each key): memory is waited for once if they are of one
  // workspace, not once a row.
  void find(space in, std::span<const std::string_view> keys, moment seen_by,
            std::span<std::optional<std::string>> found) const;
  // A row that is there, as a view of that moment read it.
  void learn(space in, std::string_view key, std::string_view value, moment seen_by);
  bool keeps(space in) const { return !shards_.empty() && in == of_; }

  void before_write(const batch& writes);
  void after_write(const batch& writes, moment now);

 private:
  static constexpr moment never = UINT64_MAX;

  // Pages that read as zero and are taken as they are touched.
  class pages {
   public:
    explicit pages(std::size_t bytes);
    pages(const pages&) = delete;
    pages& operator=(const pages&) = delete;
    ~pages();
    char* data() const { return data_; }

   private:
    char* data_;
    std::size_t bytes_;
  };

  // Rows lie one behind the other in a ring; a table of places finds them. All under the lock but hint().
  class shard {
   public:
    explicit shard(std::size_t bytes_max);
    std::optional<std::string_view> find(std::uint64_t hash, std::string_view key) const;
    // Have the place, or the row, of this hash brought near. hint_place() may be called without the lock.
    void hint_place(std::uint64_t hash) const;
    void hint_row(std::uint64_t hash) const;
    void add(std::uint64_t hash, std::string_view key, std::string_view value);
    void drop(std::uint64_t hash, std::string_view key);
    void clear();
    // When the rows of this hash were last written; `never` while they are.
    moment& stamp(std::uint64_t hash) { return stamps_[hash % stamps_.size()]; }
    const moment& stamp(std::uint64_t hash) const { return stamps_[hash % stamps_.size()]; }
    void stamp_all(moment with) { stamps_.fill(with); }
    mutable std::mutex mutex;

   private:
    struct head;
    std::uint64_t* slots() const { return reinterpret_cast<std::uint64_t*>(slots_.data()); }
    std::optional<std::size_t> slot_of(std::uint64_t hash, std::string_view key) const;
    void vacate(std::size_t slot);
    void drop_oldest();
    head head_at(std::size_t at) const;

    std::size_t room_;  // bytes of the ring
    std::size_t mask_;  // slots less one
    pages ring_;
    // Of each row: where it begins in its lower half (in units, plus one; zero: free), bits of its hash in the upper.
    pages slots_;
    std::size_t first_ = 0, next_ = 0, used_ = 0;  // of the ring, in bytes
    std::size_t rows_ = 0;
    std::array<moment, 1'024> stamps_{};
  };

  shard& shard_of(std::string_view key) const;

  const space of_;
  std::vector<std::unique_ptr<shard>> shards_;  // none: nothing is kept
};

}  // namespace nacre::storage
