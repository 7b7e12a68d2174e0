#include "storage/rocks_store.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/memory_allocator.h>
#include <rocksdb/options.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <limits>
#include <mutex>
#include <span>
#include <system_error>
#include <thread>
#include <utility>

#include "model/format_3.hpp"
#include "storage/block_memory.hpp"
#include "storage/rocks_upgrade.hpp"
#include "storage/row_cache.hpp"

namespace nacre::storage {
namespace {

namespace fs = std::filesystem;

// The family RocksDB insists on serves `meta`; the order is that of model::space.
const std::array<std::string, model::space_count> family_names = {
    rocksdb::kDefaultColumnFamilyName, "state", "sealed", "audit", "index", "log"};
constexpr std::string_view format_key = "storage/format";
constexpr std::string_view upgrading_key = "storage/upgrading";
// A sealed row is asked for ahead of being claimed and read again within the same moment, never later.
constexpr std::size_t sealed_rows_bytes = 4u << 20;
// Of one batch of an upgrade: rows looked at, and bytes changed.
constexpr std::size_t upgrade_rows = 20'000, upgrade_bytes = 8u << 20;

std::size_t slot(space in) { return static_cast<std::size_t>(in); }
rocksdb::Slice slice(std::string_view of) { return {of.data(), of.size()}; }
std::string_view text(const rocksdb::Slice& of) { return {of.data(), of.size()}; }

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

// What a person may read. A message about corruption can quote keys, so of those only file names
// pass; one about I/O comes from the file layer, which has never seen a key.
std::string describe(const rocksdb::Status& status) {
  const std::string message = status.ToString();
  if (status.IsNoSpace()) return "no space left on the disk";
  if (status.IsIOError()) return message;
  if (status.IsCorruption()) return "stored bytes are damaged" + files_in(message);
  return "the database refused (code " + std::to_string(static_cast<int>(status.code())) + "." +
         std::to_string(static_cast<int>(status.subcode())) + ")" + files_in(message);
}

// Why no more writes are taken. Set once; read by apply() and by whoever reports readiness.
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

// A flush or compaction that fails in the background closes the store at once, so that readiness
// tells the truth before the next write has to fail.
class background_watch final : public rocksdb::EventListener {
 public:
  explicit background_watch(std::shared_ptr<gate> closes) : closes_(std::move(closes)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    closes_->close(describe(*status));
  }

 private:
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

bool has_lz4() {
  const auto known = rocksdb::GetSupportedCompressions();
  return std::find(known.begin(), known.end(), rocksdb::kLZ4Compression) != known.end();
}

rocksdb::DBOptions database_options(const rocks_options& options, const std::shared_ptr<gate>& closes) {
  rocksdb::DBOptions db;
  db.create_if_missing = !options.read_only;
  db.create_missing_column_families = !options.read_only;
  db.paranoid_checks = true;
  db.info_log = std::make_shared<no_log>();
  db.listeners.push_back(std::make_shared<background_watch>(closes));

  // What an acknowledged synced write needs. A crash may cut the last record short: that batch was
  // never acknowledged, and dropping it is right. Damage before it has acknowledged batches behind
  // it. kPointInTimeRecovery would stop there and silently forget them (also a vote, or a reveal);
  // this mode refuses to open, and someone restores or rejoins. Price: a power cut that wrote the
  // pages of one unfinished batch out of order can look like damage, and also refuses.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // A closed WAL that went missing or lost synced bytes is noticed too. A reader beside a live
  // writer sees files come and go and must not take that for damage.
  db.track_and_verify_wals_in_manifest = !options.read_only;
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
  rocksdb::BlockBasedTableOptions table;
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
  if (in != space::audit && in != space::log) {  // read by key; those two in ranges, where a filter only costs memory
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
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
  // filter over the unflushed rows answers them without walking the skip list.
  family.memtable_whole_key_filtering = true;
  family.memtable_prefix_bloom_size_ratio = 0.1;
  // No memtable_insert_with_hint_prefix_extractor, though it would save a tenth of what a conceal costs: in 7.8 rows
  // and range erases share its hints, and either can be lost (mended by facebook/rocksdb 12558).
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

// The open database; ends when the store and the last view are gone.
struct database {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  std::shared_ptr<rocksdb::Cache> blocks;
  mutable row_cache state_rows, sealed_rows;
  const bool writes;  // false: read_only

  explicit database(const rocks_options& options)
      : blocks(block_cache(options)),
        state_rows(space::state, options.read_only ? 0 : options.row_cache_bytes),
        sealed_rows(space::sealed, options.read_only ? 0 : sealed_rows_bytes),
        writes(!options.read_only) {}
  database(const database&) = delete;
  database& operator=(const database&) = delete;
  ~database() {
    for (auto* handle : handles) delete handle;  // RocksDB asks for this before its own end
  }
  rocksdb::ColumnFamilyHandle* at(space in) const { return handles[slot(in)]; }
  row_cache& rows(space in) const { return in == space::sealed ? sealed_rows : state_rows; }

  // Whether the block of the next single row joins those cached. Always while there is room; then one in seven: where
  // rows are asked for again their blocks soon come in, and where there are far more than fit they come and go at an
  // seventh of the price. A block that stays out is read into the memory that the one before it has just left.
  bool keeps_next_block() const {
    constexpr unsigned looks_every = 256, joins_every = 7;
    thread_local unsigned turn = 0;
    if (++turn % looks_every == 0 && writes)  // a reader holds no index, and must keep what it reads of one
      full_.store(blocks->GetUsage() >= blocks->GetCapacity() / 16 * 15, std::memory_order_relaxed);
    return turn % joins_every == 0 || !full_.load(std::memory_order_relaxed);
  }

 private:
  mutable std::atomic<bool> full_ = false;
};

// RocksDB counts every key comparison of a thread unless told not to; nobody here reads the counts.
void skip_counting() { rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable); }

// The rows of one prefetch(), found or known to be absent. They pin their blocks in the cache, so there
// are few. One whose read failed counts as not read: get() reads it again, and tells.
class rows_ahead {
 public:
  static constexpr std::size_t rows_max = 4;  // what a question about one PAT needs

  void begin(space in) {
    in_ = in;
    known_ = wanted_ = 0;
  }
  void add_known(std::string_view key, std::string value) {
    known_keys_[known_] = key;
    known_values_[known_++] = std::move(value);
  }
  void add_wanted(std::string_view key) {
    values_[wanted_].Reset();
    keys_[wanted_++] = key;
  }

  void read(rocksdb::DB& db, const rocksdb::ReadOptions& how, rocksdb::ColumnFamilyHandle* at) {
    if (wanted_ == 1) {  // nothing to share
      told_[0] = db.Get(how, at, keys_[0], &values_[0]);
      return;
    }
    std::array<rocksdb::Slice, rows_max> wanted;
    for (std::size_t i = 0; i < wanted_; ++i) wanted[i] = keys_[i];
    db.MultiGet(how, at, wanted_, wanted.data(), values_.data(), told_.data());
  }
  // Tells `to` of each row that was read and is there.
  template <class To>
  void each_read(To to) const {
    for (std::size_t i = 0; i < wanted_; ++i)
      if (told_[i].ok()) to(std::string_view(keys_[i]), text(values_[i]));
  }

  // True if the row was read; `into` is then its value, or nothing if there is no such row.
  bool find(space in, std::string_view key, std::optional<std::string>& into) const {
    if (in != in_) return false;
    for (std::size_t i = 0; i < known_; ++i)
      if (known_keys_[i] == key) return into = known_values_[i], true;
    for (std::size_t i = 0; i < wanted_; ++i) {
      if (keys_[i] != key) continue;
      if (told_[i].ok()) into.emplace(values_[i].data(), values_[i].size());
      return told_[i].ok() || told_[i].IsNotFound();
    }
    return false;
  }

 private:
  space in_ = space::meta;
  std::size_t known_ = 0, wanted_ = 0;
  std::array<std::string, rows_max> known_keys_, known_values_, keys_;
  std::array<rocksdb::PinnableSlice, rows_max> values_;
  std::array<rocksdb::Status, rows_max> told_;
};

class rocks_view final : public model::view {
 public:
  explicit rocks_view(std::shared_ptr<const database> of) : of_(std::move(of)), at_(of_->db->GetSnapshot()) {}
  rocks_view(const rocks_view&) = delete;
  rocks_view& operator=(const rocks_view&) = delete;
  ~rocks_view() override { of_->db->ReleaseSnapshot(at_); }

  std::optional<std::string> get(space in, std::string_view key) const override {
    std::optional<std::string> found;
    if (ahead_ && ahead_->find(in, key, found)) return found;
    if (found = of_->rows(in).find(in, key, at_->GetSequenceNumber()); found) return found;
    skip_counting();
    found.emplace();
    auto status = of_->db->Get(reading_one(), of_->at(in), slice(key), &*found);
    if (status.ok()) return found;
    if (!status.IsNotFound()) failed_ = true;
    return std::nullopt;
  }

  // What is asked for ahead is asked for often: it is looked up among the rows at hand, and joins them. The rows of
  // a workspace lie side by side: for those not at hand one search of files, filters and index finds them all, and
  // the block they share is read once.
  void prefetch(space in, std::span<const std::string_view> keys, std::size_t neighbours) const override {
    if (keys.empty() || keys.size() > rows_ahead::rows_max) return;
    skip_counting();
    if (!ahead_) ahead_ = std::make_unique<rows_ahead>();
    const auto now = at_->GetSequenceNumber();
    std::size_t wanted = 0;
    bool last_wanted = false;
    ahead_->begin(in);
    std::array<std::optional<std::string>, rows_ahead::rows_max> known;
    of_->rows(in).find(in, keys, now, known);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      last_wanted = !known[i];
      if (known[i])
        ahead_->add_known(keys[i], std::move(*known[i]));
      else
        ahead_->add_wanted(keys[i]), ++wanted;
    }
    if (wanted == 0) return;
    const bool alone = wanted == 1 && neighbours == 0;  // else the block is read again in a moment
    ahead_->read(*of_->db, alone ? reading_one() : reading(), of_->at(in));
    bool found_last = false;
    ahead_->each_read([&](std::string_view key, std::string_view value) {
      of_->rows(in).learn(in, key, value, now);
      found_last = found_last || key == keys.back();
    });
    if (neighbours > 0 && last_wanted && found_last && of_->rows(in).keeps(in))
      learn_beside(in, keys.back(), neighbours);
  }

  void scan(space in, std::string_view from, std::string_view to, const visitor& visit) const override {
    if (from >= to) return;
    skip_counting();
    auto options = reading();
    const auto end = slice(to);
    options.iterate_upper_bound = &end;
    std::unique_ptr<rocksdb::Iterator> each(of_->db->NewIterator(options, of_->at(in)));
    for (each->Seek(slice(from)); each->Valid(); each->Next()) {
      if (!visit(text(each->key()), text(each->value()))) break;
    }
    if (!each->status().ok()) failed_ = true;
  }

  bool failed() const override { return failed_; }

 private:
  rocksdb::ReadOptions reading() const {
    rocksdb::ReadOptions options;
    options.snapshot = at_;
    return options;
  }

  rocksdb::ReadOptions reading_one() const {
    auto options = reading();
    options.fill_cache = of_->keeps_next_block();
    return options;
  }

  // Rows beside this one in its block are as good as read. A read that fails teaches nothing.
  void learn_beside(space in, std::string_view key, std::size_t at_most) const {
    const auto kind = key.substr(0, kind_bytes);
    std::unique_ptr<rocksdb::Iterator> each(of_->db->NewIterator(reading(), of_->at(in)));
    auto learn_here = [&] {
      if (!each->Valid() || !text(each->key()).starts_with(kind)) return false;
      of_->rows(in).learn(in, text(each->key()), text(each->value()), at_->GetSequenceNumber());
      return true;
    };
    each->Seek(slice(key));
    for (std::size_t n = 0; n < at_most && learn_here(); ++n) each->Next();
    each->Seek(slice(key));
    for (std::size_t n = 0; n < at_most && learn_here(); ++n) each->Prev();
  }

  static constexpr std::size_t kind_bytes = 17;  // of a key: its workspace and what it is (model/keys.hpp)

  std::shared_ptr<const database> of_;
  const rocksdb::Snapshot* at_;
  mutable std::atomic<bool> failed_ = false;
  mutable std::unique_ptr<rows_ahead> ahead_;  // most views never need it; ends before the database does
};

class rocks_store final : public store {
 public:
  rocks_store(std::shared_ptr<database> of, std::shared_ptr<gate> gate_of, bool read_only)
      : of_(std::move(of)), gate_(std::move(gate_of)), read_only_(read_only) {}

  result<void> apply(const batch& writes, durability how) override {
    if (auto reason = gate_->reason(); !reason.empty()) return fail(errc::storage_failed, std::move(reason));
    skip_counting();
    constexpr std::size_t head_bytes = 12, row_head_bytes = 10;  // of RocksDB's own, at most or nearly
    std::uint64_t bytes = 0;
    for (const auto& each : writes) bytes += each.key.size() + each.value.size();
    rocksdb::WriteBatch all(head_bytes + bytes + writes.size() * row_head_bytes);
    rocksdb::Status status;
    for (const auto& each : writes) {
      switch (each.what) {
        case write::kind::put:
          status = all.Put(of_->at(each.in), each.key, each.value);
          break;
        case write::kind::erase:
          status = all.Delete(of_->at(each.in), each.key);
          break;
        case write::kind::erase_range:
          // RocksDB does not define a range that ends before it begins; ours is empty.
          if (each.key < each.value) status = all.DeleteRange(of_->at(each.in), each.key, each.value);
          break;
      }
      if (!status.ok()) break;
    }
    if (status.ok()) {
      rocksdb::WriteOptions options;
      options.sync = how == durability::synced;
      of_->state_rows.before_write(writes);
      of_->sealed_rows.before_write(writes);
      status = of_->db->Write(options, &all);
    }
    if (!status.ok()) {
      gate_->close(describe(status));
      return fail(errc::storage_failed, gate_->reason());
    }
    const auto now = of_->db->GetLatestSequenceNumber();
    of_->state_rows.after_write(writes, now);
    of_->sealed_rows.after_write(writes, now);
    batches_.fetch_add(1, std::memory_order_relaxed);
    if (how == durability::synced) syncs_.fetch_add(1, std::memory_order_relaxed);
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
    return {};
  }

  std::shared_ptr<const model::view> snapshot() const override { return std::make_shared<rocks_view>(of_); }

  result<void> checkpoint(const fs::path& to) const override {
    std::error_code ignored;
    if (fs::exists(to, ignored)) return fail(errc::conflict, "the checkpoint directory exists already");
    rocksdb::Checkpoint* made = nullptr;
    auto status = rocksdb::Checkpoint::Create(of_->db.get(), &made);
    std::unique_ptr<rocksdb::Checkpoint> maker(made);
    if (status.ok()) status = maker->CreateCheckpoint(to.string());
    if (!status.ok()) return fail(errc::storage_failed, "the checkpoint failed: " + describe(status));
    return {};
  }

  result<void> compact(space in, std::string_view from, std::string_view to) override {
    if (read_only_) return fail(errc::storage_failed, gate_->reason());
    const bool alone = wait_for_older_snapshots();
    // Every space, because one WAL holds them all and goes only when none of them needs it.
    rocksdb::FlushOptions flush;
    flush.allow_write_stall = true;
    auto status = of_->db->Flush(flush, of_->handles);
    if (status.ok()) {
      rocksdb::CompactRangeOptions options;
      options.exclusive_manual_compaction = false;
      // Without "force" the last level is not rewritten, and the bytes lie there.
      options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
      const auto begin = slice(from);
      const auto end = slice(to);
      status =
          of_->db->CompactRange(options, of_->at(in), from.empty() ? nullptr : &begin, to.empty() ? nullptr : &end);
    }
    if (status.ok()) status = delete_obsolete_files();
    if (!status.ok()) return fail(errc::storage_failed, "compaction failed: " + describe(status));
    if (!alone) return fail(errc::busy, "an older snapshot is still held, so erased bytes may remain; compact again");
    return {};
  }

  store_stats stats() const override {
    return {.batches = batches_.load(std::memory_order_relaxed),
            .syncs = syncs_.load(std::memory_order_relaxed),
            .bytes = bytes_.load(std::memory_order_relaxed)};
  }

  std::string closed_reason() const override { return gate_->reason(); }

 private:
  // Compaction keeps what any snapshot can see. Snapshots of requests pass within milliseconds; one
  // that stays longer is reported to the caller instead of waited for.
  bool wait_for_older_snapshots() const {
    using clock = std::chrono::steady_clock;
    const auto now = of_->db->GetLatestSequenceNumber();
    const auto deadline = clock::now() + std::chrono::seconds(2);
    for (;;) {
      std::uint64_t oldest = 0;  // none
      of_->db->GetIntProperty(rocksdb::DB::Properties::kOldestSnapshotSequence, &oldest);
      if (oldest == 0 || oldest >= now) return true;
      if (clock::now() >= deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  // A flush or compaction leaves the unlinking of its inputs to a background thread. Switching
  // deletions on purges in this thread; asking for the WALs while they are off waits for purges
  // that others have begun.
  rocksdb::Status delete_obsolete_files() {
    auto& db = *of_->db;
    auto status = db.DisableFileDeletions();
    if (!status.ok()) return status;
    status = db.EnableFileDeletions(/*force=*/false);
    if (status.ok()) status = db.DisableFileDeletions();
    if (!status.ok()) return status;
    rocksdb::VectorLogPtr wals;
    status = db.GetSortedWalFiles(wals);
    auto enabled = db.EnableFileDeletions(/*force=*/false);
    return status.ok() ? enabled : status;
  }

  std::shared_ptr<database> of_;
  std::shared_ptr<gate> gate_;
  bool read_only_;
  std::atomic<std::uint64_t> batches_ = 0;
  std::atomic<std::uint64_t> syncs_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
};

std::string encoded(std::uint32_t version) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(version >> shift & 0xffu));
  return bytes;
}

std::optional<std::uint32_t> decoded(std::string_view bytes) {
  if (bytes.size() != 4) return std::nullopt;
  std::uint32_t version = 0;
  for (char each : bytes) version = version << 8 | static_cast<unsigned char>(each);
  return version;
}

write format_is(std::uint32_t version) {
  return {.what = write::kind::put, .in = space::meta, .key = std::string(format_key), .value = encoded(version)};
}

bool empty(const model::view& view) {
  bool found = false;
  const std::string beyond(1024, '\xff');  // no key of ours is that long
  for (std::size_t i = 0; i < model::space_count && !found; ++i) {
    view.scan(static_cast<space>(i), {}, beyond, [&](auto, auto) {
      found = true;
      return false;
    });
  }
  return !found;
}

std::string in_words(const fs::path& directory) { return "the data directory " + directory.string(); }

auto too_new(const fs::path& directory, std::uint32_t found, std::uint32_t version) {
  return fail(errc::unsupported, in_words(directory) + " has format " + std::to_string(found) +
                                     "; this program knows formats up to " + std::to_string(version));
}

auto too_old_to_read(const fs::path& directory, std::uint32_t found) {
  return fail(errc::unsupported, in_words(directory) + " has the older format " + std::to_string(found) +
                                     "; start the node once to upgrade it");
}

// Runs one step, from its beginning. Until the last part is written the directory says that it is under way.
result<void> run_step(store& opened, const fs::path& directory, const upgrade_step& step) {
  std::string next;
  do {
    auto view = opened.snapshot();
    auto part = step.rewrite(*view, next);
    if (!part) return tl::make_unexpected(part.error());
    if (!view->trustworthy()) return fail(errc::corrupt, in_words(directory) + " could not be read while upgrading");
    next = std::move(part->next);
    part->writes.push_back(format_is(step.from + 1));
    part->writes.push_back({next.empty() ? write::kind::erase : write::kind::put, space::meta,
                            std::string(upgrading_key), next.empty() ? "" : encoded(step.from)});
    if (auto done = opened.apply(part->writes, durability::synced); !done) return done;
  } while (!next.empty());
  return {};
}

// Checks the version, and upgrades step by step until it is ours.
result<void> settle_format(store& opened, const fs::path& directory, bool read_only, std::uint32_t version,
                           const std::vector<upgrade_step>& steps) {
  for (;;) {
    auto view = opened.snapshot();
    auto stored = view->get(space::meta, format_key);
    auto upgrading = view->get(space::meta, upgrading_key);
    if (view->failed()) return fail(errc::corrupt, in_words(directory) + " cannot be read: its format is damaged");
    if (!stored) {
      // A first start that was cut short leaves a database without a version, and nothing in it.
      if (!empty(*view) || view->failed()) return fail(errc::corrupt, in_words(directory) + " does not say its format");
      if (read_only) return {};
      return opened.apply({format_is(version)}, durability::synced);
    }
    auto found = decoded(*stored);
    auto from = upgrading ? decoded(*upgrading) : found;
    if (!found || !from) return fail(errc::corrupt, in_words(directory) + " has a damaged format number");
    if (*found > version) return too_new(directory, *found, version);
    if (*from == version) return {};
    if (read_only) return too_old_to_read(directory, *from);
    auto step = std::find_if(steps.begin(), steps.end(), [&](const auto& each) { return each.from == *from; });
    if (step == steps.end()) {
      return fail(errc::unsupported, in_words(directory) + " has format " + std::to_string(*from) +
                                         ", from which this program cannot upgrade");
    }
    if (auto done = run_step(opened, directory, *step); !done) return done;
  }
}

// A newer program may have spaces we cannot open; its version says more than RocksDB's refusal.
std::optional<std::uint32_t> format_beside_unknown_spaces(const fs::path& directory) {
  rocksdb::Options options;
  options.info_log = std::make_shared<no_log>();
  options.max_open_files = -1;
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::OpenForReadOnly(options, directory.string(), &opened).ok()) return std::nullopt;
  std::unique_ptr<rocksdb::DB> db(opened);
  std::string stored;
  if (!db->Get({}, slice(format_key), &stored).ok()) return std::nullopt;
  return decoded(stored);
}

// Never takes over a directory that holds someone else's files.
result<void> check_directory(const fs::path& directory, bool read_only) {
  std::error_code error;
  const auto kind = fs::status(directory, error).type();
  if (kind == fs::file_type::not_found) {
    if (read_only) return fail(errc::storage_failed, in_words(directory) + " does not exist");
    if (!fs::create_directories(directory, error) || error) {
      return fail(errc::storage_failed, in_words(directory) + " cannot be created: " + error.message());
    }
    fs::permissions(directory, fs::perms::owner_all, error);  // a courtesy; the files hold no plaintext
    return {};
  }
  if (kind != fs::file_type::directory) return fail(errc::storage_failed, in_words(directory) + " is not a directory");
  if (fs::exists(directory / "CURRENT", error)) return {};
  if (read_only) return fail(errc::storage_failed, in_words(directory) + " holds no database");
  // Without CURRENT there may be what a first start leaves that was cut short, nothing else.
  for (fs::directory_iterator each(directory, error), end; !error && each != end; each.increment(error)) {
    const auto name = each->path().filename().string();
    const bool ours = name == "LOCK" || name == "IDENTITY" || name.starts_with("MANIFEST-") || name.ends_with(".dbtmp");
    if (!ours) return fail(errc::storage_failed, in_words(directory) + " holds no database, but other files");
  }
  if (error) return fail(errc::storage_failed, in_words(directory) + " cannot be read: " + error.message());
  return {};
}

rocksdb::Status open_database(const fs::path& directory, const rocks_options& options,
                              const std::shared_ptr<gate>& closes, database& into) {
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

}  // namespace

result<std::unique_ptr<store>> open_rocks_store_as(const fs::path& directory, const rocks_options& options,
                                                   std::uint32_t version, const std::vector<upgrade_step>& steps) {
  if (auto usable = check_directory(directory, options.read_only); !usable) return tl::make_unexpected(usable.error());
  auto closes = std::make_shared<gate>();
  auto opened = std::make_shared<database>(options);
  if (auto status = open_database(directory, options, closes, *opened); !status.ok()) {
    const std::string message = status.ToString();
    if (status.IsIOError() && message.find("/LOCK") != std::string::npos) {
      return fail(errc::storage_failed, in_words(directory) + " is in use by another process, or may not be written");
    }
    if (status.IsInvalidArgument()) {
      auto found = format_beside_unknown_spaces(directory);
      if (found && *found > version) return too_new(directory, *found, version);
      if (found && *found < version && options.read_only) return too_old_to_read(directory, *found);
    }
    return fail(status.IsCorruption() ? errc::corrupt : errc::storage_failed,
                in_words(directory) + " cannot be opened: " + describe(status));
  }
  if (options.read_only) closes->close("opened for reading only");
  auto made = std::make_unique<rocks_store>(std::move(opened), std::move(closes), options.read_only);
  if (auto settled = settle_format(*made, directory, options.read_only, version, steps); !settled) {
    return tl::make_unexpected(settled.error());
  }
  return made;
}

result<std::unique_ptr<store>> open_rocks_store(const fs::path& directory, const rocks_options& options) {
  auto secrets_in_one_row = [](const model::view& view, const std::string& next) -> result<upgrade_part> {
    auto part = model::to_format_3(view, next, upgrade_rows, upgrade_bytes);
    upgrade_part out{{}, std::move(part.next)};
    for (auto& each : part.changes)
      out.writes.push_back({each.value ? write::kind::put : write::kind::erase, each.in, std::move(each.key),
                            std::move(each.value).value_or("")});
    return out;
  };
  auto nothing = [](const model::view&, const std::string&) -> result<upgrade_part> { return upgrade_part{}; };
  // One entry per format since the first.
  static const std::vector<upgrade_step> steps = {
      {1, nothing},  // + `log`
      {2, secrets_in_one_row},
      {3, nothing},  // + held_secret with its receipt
  };
  return open_rocks_store_as(directory, options, format_version, steps);
}

}  // namespace nacre::storage
