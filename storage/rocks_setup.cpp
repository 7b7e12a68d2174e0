#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/memory_allocator.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/ids.hpp"
#include "storage/block_memory.hpp"
#include "storage/rocks_database.hpp"

namespace nacre::storage {
namespace {

// The family RocksDB insists on serves `meta`; the order is that of model::space.
const std::array<std::string, model::space_count> family_names = {
    rocksdb::kDefaultColumnFamilyName, "state", "sealed", "audit", "index", "log"};

constexpr std::size_t workspace_bytes = 16;  // a key begins with its workspace (model/keys.hpp)

// Names of RocksDB's own files in a message, such as 000012.sst or MANIFEST-000004.
std::string files_in(std::string_view message) {
  constexpr std::string_view name_characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.logst";
  std::string found;
  for (std::size_t at = 0; at < message.size();) {
    auto start = message.find('/', at);
    if (start == std::string_view::npos) break;
    auto end = std::min(message.find_first_not_of(name_characters, ++start), message.size());
    auto name = message.substr(start, end - start);
    if (name.ends_with(".sst") || name.ends_with(".log") || name.starts_with("MANIFEST-")) {
      found.append(found.empty() ? " (" : ", ").append(name);
    }
    at = start;
  }
  return found.empty() ? found : found + ")";
}

// A flush or compaction that fails in the background closes the store at once, so that readiness
// tells the truth before the next write has to fail. One that runs gives way to whoever answers requests: at this
// priority it gets a third of what any of those gets, enough not to fall behind and make writes stall.
class background_watch final : public rocksdb::EventListener {
 public:
  explicit background_watch(std::shared_ptr<gate> closes) : closes_(std::move(closes)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    closes_->close(describe(*status));
  }
  void OnFlushBegin(rocksdb::DB*, const rocksdb::FlushJobInfo&) override { give_way(); }
  void OnCompactionBegin(rocksdb::DB*, const rocksdb::CompactionJobInfo&) override { give_way(); }

 private:
  // Called by the threads that do it; to Linux process 0 is the calling thread.
  static void give_way() {
    constexpr int nicer = 5;  // than what the node was started with
    thread_local const int done = ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + nicer);
    (void)done;
  }

  std::shared_ptr<gate> closes_;
};

// RocksDB's own log quotes keys when it complains about them, and grows. What matters of it
// reaches the operator through closed_reason().
class no_log final : public rocksdb::Logger {
 public:
  no_log() : rocksdb::Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

class cached_blocks final : public rocksdb::MemoryAllocator {
 public:
  explicit cached_blocks(std::size_t bytes) : memory_(bytes) {}
  const char* Name() const override { return "nacre.cached_blocks"; }
  void* Allocate(std::size_t bytes) override { return memory_.take(bytes); }
  void Deallocate(void* block) override { memory_.give_back(block); }
  std::size_t UsableSize(void* block, std::size_t bytes) const override { return memory_.usable(block, bytes); }

 private:
  block_memory memory_;
};

class hinted_rows final : public rocksdb::SliceTransform {
 public:
  explicit hinted_rows(space in) : in_(in) {}
  const char* Name() const override { return "nacre.hinted_rows"; }
  bool InDomain(const rocksdb::Slice& key) const override { return inserted_with_hint(in_, {key.data(), key.size()}); }
  // A log goes on at its end and, once it is long enough, is cut at its beginning: those are two places.
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return {key.data(), in_ == space::audit ? key.size() - 1 : key.size()};
  }

 private:
  space in_;
};

bool has_lz4() {
  const auto known = rocksdb::GetSupportedCompressions();
  return std::find(known.begin(), known.end(), rocksdb::kLZ4Compression) != known.end();
}

rocksdb::DBOptions database_options(const rocks_options& options, const std::shared_ptr<gate>& closes) {
  rocksdb::DBOptions db;
  db.create_if_missing = !options.read_only;
  db.create_missing_column_families = !options.read_only;
  db.paranoid_checks = true;
  db.info_log = silent_log();
  db.listeners.push_back(std::make_shared<background_watch>(closes));

  // What an acknowledged synced write needs. A crash may cut the last record short: that batch was
  // never acknowledged, and dropping it is right. Damage before it has acknowledged batches behind
  // it. kPointInTimeRecovery would stop there and silently forget them (also a vote, or a reveal);
  // this mode refuses to open, and someone restores or rejoins. Price: a power cut that wrote the
  // pages of one unfinished batch out of order can look like damage, and also refuses.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // A closed WAL that went missing or lost synced bytes is noticed too. Also by a reader, which opens again when files
  // went under it: where this is off RocksDB wants to forget the WALs it knows of, which no reader may, and aborts.
  db.track_and_verify_wals_in_manifest = true;
  // Shredding: a WAL goes when its last write is flushed; no archive, no reuse of old bytes.
  db.WAL_ttl_seconds = 0;
  db.WAL_size_limit_MB = 0;
  db.recycle_log_file_num = 0;
  db.manual_wal_flush = false;
  // Bounds replay at start (well under a second) and how long a quiet space can keep a WAL alive.
  db.max_total_wal_size = 64u << 20;
  // After an error the store stays closed; trying again behind our back would only blur what landed.
  db.max_bgerror_resume_count = 0;

  db.db_write_buffer_size = options.write_buffer_bytes;
  db.max_background_jobs = 2;
  // Indexes and filters live in the block cache, so an open file costs a descriptor and little more.
  // A reader without the lock opens everything at once: the writer may delete files under it.
  db.max_open_files = options.read_only ? -1 : 512;
  db.skip_stats_update_on_db_open = true;  // start time
  db.bytes_per_sync = 1u << 20;            // a flush trickles to disk instead of delaying a WAL sync
  db.max_manifest_file_size = 8u << 20;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  return db;
}

rocksdb::ColumnFamilyOptions family_options(space in, const rocks_options& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  using table_options = rocksdb::BlockBasedTableOptions;
  table_options table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // Every read asks for them, so a store of millions of rows would look them up anew among its blocks each time, and
  // read them anew after a while of nothing but cold rows. Held, they are some two hundredths of the data, of at most
  // `max_open_files` files; what they take is not there for blocks.
  if (!options.read_only) table.metadata_cache_options.unpartitioned_pinning = rocksdb::PinningTier::kAll;
  table.block_size = 4096;
  table.format_version = 5;
  // Most one-time secrets are read once, and soon: out of the memory they were flushed from, not out of the file.
  if (in == space::sealed) table.prepopulate_block_cache = table_options::PrepopulateBlockCache::kFlushOnly;
  if (in != space::audit && in != space::log) {  // read by key; those two in ranges, where a filter only costs memory
    // One look in a thousand for what a file does not hold reads a block for nothing; at the usual 10 bits it is one in
    // a hundred, of every file. The price are 16 bits of the block cache for every row, 2 MiB a million.
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(16));
    table.whole_key_filtering = true;
    table.optimize_filters_for_memory = true;
    table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  }

  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // One space may take a third of the shared budget; the budget itself bounds their sum.
  family.write_buffer_size = std::max<std::size_t>(options.write_buffer_bytes / 3, 64u << 10);
  family.max_write_buffer_number = 3;
  // Most reads of a write ask for what is not there yet (a new id, a new token, a fresh request): a
  // filter over the unflushed rows answers them without walking the skip list. It is made whole with each buffer and
  // asked at random places: no larger than ten bits for every row of the smallest, which take some 85 bytes there.
  family.memtable_whole_key_filtering = true;
  family.memtable_prefix_bloom_size_ratio = 0.015;
  if (in == space::state || in == space::audit)
    family.memtable_insert_with_hint_prefix_extractor = std::make_shared<hinted_rows>(in);
  family.compaction_style = rocksdb::kCompactionStyleLevel;
  family.level_compaction_dynamic_level_bytes = true;
  // Each compaction of fresh files rewrites the level below them: half as often, with twice as many to merge. Filters
  // keep most reads out of those that wait.
  family.level0_file_num_compaction_trigger = 8;
  family.target_file_size_base = 32u << 20;
  family.max_bytes_for_level_base = 128u << 20;
  // Ciphertext and keyed hashes do not shrink; audit entries repeat their words.
  static const bool lz4 = has_lz4();
  family.compression = in == space::audit && lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  return family;
}

std::shared_ptr<rocksdb::Cache> block_cache(const rocks_options& options) {
  rocksdb::LRUCacheOptions kept(options.block_cache_bytes, /*num_shard_bits=*/-1, /*strict_capacity_limit=*/false,
                                /*high_pri_pool_ratio=*/0.5);
  kept.memory_allocator = std::make_shared<cached_blocks>(options.block_cache_bytes);
  return rocksdb::NewLRUCache(kept);
}

std::vector<rocksdb::ColumnFamilyDescriptor> families(const rocks_options& options,
                                                      const std::shared_ptr<rocksdb::Cache>& cache) {
  std::vector<rocksdb::ColumnFamilyDescriptor> all;
  for (std::size_t i = 0; i < model::space_count; ++i) {
    all.emplace_back(family_names[i], family_options(static_cast<space>(i), options, cache));
  }
  return all;
}

}  // namespace

bool inserted_with_hint(space in, std::string_view key) {
  if (in != space::state && in != space::audit) return false;
  const auto row = key.substr(std::min(key.size(), workspace_bytes));
  if (in == space::state ? row != "G" : row.size() != sizeof(std::uint64_t)) return false;
  const auto ws = uuid_from_bytes(key.substr(0, workspace_bytes));
  return ws && is_guest_partition(workspace_id{*ws});
}

std::string describe(const rocksdb::Status& status) {
  const std::string message = status.ToString();
  if (status.IsNoSpace()) return "no space left on the disk";
  if (status.IsIOError()) return message;
  if (status.IsCorruption()) return "stored bytes are damaged" + files_in(message);
  return "the database refused (code " + std::to_string(static_cast<int>(status.code())) + "." +
         std::to_string(static_cast<int>(status.subcode())) + ")" + files_in(message);
}

std::shared_ptr<rocksdb::Logger> silent_log() { return std::make_shared<no_log>(); }

rocksdb::Status open_database(const std::filesystem::path& directory, const rocks_options& options,
                              const std::shared_ptr<gate>& closes, database& into) {
  into.blocks = block_cache(options);
  const auto db_options = database_options(options, closes);
  const auto spaces = families(options, into.blocks);
  rocksdb::DB* opened = nullptr;
  rocksdb::Status status;
  if (options.read_only) {
    // The writer may replace files between our listing and our opening them; then list again.
    for (int attempt = 0; attempt < 5; ++attempt) {
      status = rocksdb::DB::OpenForReadOnly(db_options, directory.string(), spaces, &into.handles, &opened);
      if (status.ok()) break;
    }
  } else {
    status = rocksdb::DB::Open(db_options, directory.string(), spaces, &into.handles, &opened);
  }
  into.db.reset(opened);
  return status;
}

}  // namespace nacre::storage
