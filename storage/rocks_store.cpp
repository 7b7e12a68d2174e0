#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "storage/rocks_database.hpp"
#include "storage/row_cache.hpp"

namespace nacre::storage {
namespace {

namespace fs = std::filesystem;

// A sealed row is asked for ahead of being claimed and read again within the same moment, never later.
constexpr std::size_t sealed_rows_bytes = 4u << 20;

rocksdb::Slice slice(std::string_view of) { return {of.data(), of.size()}; }
std::string_view text(const rocksdb::Slice& of) { return {of.data(), of.size()}; }

// RocksDB and what is kept in memory of its rows; ends when the store and the last view are gone.
struct cached_database final : database {
  mutable row_cache state_rows, sealed_rows;
  const bool writes;  // false: read_only

  cached_database(database of, const rocks_options& options)
      : database(std::move(of)),
        state_rows(space::state, options.read_only ? 0 : options.row_cache_bytes),
        sealed_rows(space::sealed, options.read_only ? 0 : sealed_rows_bytes),
        writes(!options.read_only) {}
  row_cache& rows(space in) const { return in == space::sealed ? sealed_rows : state_rows; }

  // Whether the block of the next single row joins those cached. Always while there is room; then one in seven: where
  // rows are asked for again their blocks soon come in, and where there are far more than fit they come and go at a
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
  rocks_view(std::shared_ptr<const cached_database> of, std::shared_ptr<gate> closes)
      : of_(std::move(of)), gate_(std::move(closes)), at_(of_->db->GetSnapshot()) {}
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
    if (!status.IsNotFound()) fail_by(status);
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
    if (!each->status().ok()) fail_by(each->status());
  }

  bool failed() const override { return failed_; }

 private:
  // What RocksDB only puts off says nothing about the disk.
  void fail_by(const rocksdb::Status& status) const {
    failed_ = true;
    const bool put_off = status.IsIncomplete() || status.IsTryAgain() || status.IsBusy() || status.IsTimedOut() ||
                         status.IsAborted() || status.IsShutdownInProgress();
    if (!put_off) gate_->close(describe(status));
  }

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

  std::shared_ptr<const cached_database> of_;
  std::shared_ptr<gate> gate_;
  const rocksdb::Snapshot* at_;
  mutable std::atomic<bool> failed_ = false;
  mutable std::unique_ptr<rows_ahead> ahead_;  // most views never need it; ends before the database does
};

class rocks_store final : public store {
 public:
  rocks_store(std::shared_ptr<cached_database> of, std::shared_ptr<gate> gate_of)
      : of_(std::move(of)), gate_(std::move(gate_of)) {}
  rocks_store(const rocks_store&) = delete;
  rocks_store& operator=(const rocks_store&) = delete;
  // A table that is missing is noticed at the next start, of the newest WAL nothing would be. If this fails that still
  // holds it all.
  ~rocks_store() override {
    if (gate_->reason().empty()) flush();
  }

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
          status = add_range(all, each);
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

  std::shared_ptr<const model::view> snapshot() const override { return std::make_shared<rocks_view>(of_, gate_); }

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
    if (auto reason = gate_->reason(); !reason.empty()) return fail(errc::storage_failed, std::move(reason));
    const bool alone = wait_for_older_snapshots();
    auto status = flush();
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
    if (status.IsManualCompactionPaused()) return fail(errc::busy, "compaction was told to stop");
    if (!status.ok()) return fail(errc::storage_failed, "compaction failed: " + describe(status));
    if (!alone) return fail(errc::busy, "an older snapshot is still held, so erased bytes may remain; compact again");
    return {};
  }

  void stop_compacting() override { of_->db->DisableManualCompaction(); }

  store_stats stats() const override {
    return {.batches = batches_.load(std::memory_order_relaxed),
            .syncs = syncs_.load(std::memory_order_relaxed),
            .bytes = bytes_.load(std::memory_order_relaxed)};
  }

  std::string closed_reason() const override { return gate_->reason(); }

 private:
  // Every space, because one WAL holds them all and goes only when none of them needs it.
  rocksdb::Status flush() {
    rocksdb::FlushOptions options;
    options.allow_write_stall = true;
    return of_->db->Flush(options, of_->handles);
  }

  // RocksDB does not define a range that ends before it begins; ours is empty.
  rocksdb::Status add_range(rocksdb::WriteBatch& to, const write& range) const {
    const auto at = of_->at(range.in);
    if (range.key >= range.value) return {};
    if (!inserted_with_hint(range.in, range.key)) return to.DeleteRange(at, range.key, range.value);
    const auto next = range.key + '\0';
    auto status = to.Delete(at, range.key);
    return status.ok() && next < range.value ? to.DeleteRange(at, next, range.value) : status;
  }

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

  std::shared_ptr<cached_database> of_;
  std::shared_ptr<gate> gate_;
  std::atomic<std::uint64_t> batches_ = 0;
  std::atomic<std::uint64_t> syncs_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
};

}  // namespace

std::unique_ptr<store> make_rocks_store(database opened, std::shared_ptr<gate> closes, const rocks_options& options) {
  auto shared = std::make_shared<cached_database>(std::move(opened), options);
  return std::make_unique<rocks_store>(std::move(shared), std::move(closes));
}

}  // namespace nacre::storage
