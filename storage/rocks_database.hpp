#pragma once
// RocksDB as the rocks_*.cpp hand it on: rocks_setup.cpp sets it up and opens it, rocks_store.cpp reads and writes
// through it, rocks_upgrade.cpp says which directories it may be opened on. Nobody else includes this.

#include <rocksdb/cache.h>
#include <rocksdb/db.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/rocks_store.hpp"

namespace nacre::storage {

// Why no more writes are taken. Set once, by whoever writes or reads; read by apply() and by whoever reports readiness.
class gate {
 public:
  void close(std::string why) {
    std::lock_guard lock(mutex_);
    if (reason_.empty()) reason_ = std::move(why);
  }
  std::string reason() const {
    std::lock_guard lock(mutex_);
    return reason_;
  }

 private:
  mutable std::mutex mutex_;
  std::string reason_;
};

// Rows whose insertion into a memtable begins where the last one of their kind went: of guest partitions the row that
// every command writes, and the audit log. There are few of these kinds, and all of RocksDB's hints stay in memory.
// In 7.8 rows and range erases share the hints, and either can be lost (mended by facebook/rocksdb 12558): no range
// that is erased begins in such a row, see add_range(). The next key after one is none.
bool inserted_with_hint(space in, std::string_view key);

// RocksDB with its spaces, as open_database() leaves it.
struct database {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;  // in the order of `space`
  std::shared_ptr<rocksdb::Cache> blocks;

  database() = default;
  database(database&&) = default;
  ~database() {
    for (auto* handle : handles) delete handle;  // RocksDB asks for this before its own end
  }
  rocksdb::ColumnFamilyHandle* at(space in) const { return handles[static_cast<std::size_t>(in)]; }
};

// A flush or compaction that fails later, in the background, closes the gate.
rocksdb::Status open_database(const std::filesystem::path& directory, const rocks_options& options,
                              const std::shared_ptr<gate>& closes, database& into);

// The store over it, whatever format its rows have. Of one that only reads the gate is closed. In rocks_store.cpp.
std::unique_ptr<store> make_rocks_store(database opened, std::shared_ptr<gate> closes, const rocks_options& options);

// What a person may read. A message about corruption can quote keys, so of those only file names
// pass; one about I/O comes from the file layer, which has never seen a key.
std::string describe(const rocksdb::Status& status);

// For RocksDB's own messages; see no_log.
std::shared_ptr<rocksdb::Logger> silent_log();

}  // namespace nacre::storage
