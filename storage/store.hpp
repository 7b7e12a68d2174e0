#pragma once
// A store keeps batches of writes, each landing whole or not at all.
//
// Threads: snapshot(), checkpoint() and stats() may be called anywhere; apply() by one thread at a
// time (the log's writer). A snapshot outlives later writes and must not outlive its store.
// Durability: when apply() with `synced` returns a value, the batch survives power loss; with
// `buffered` it survives the end of the process only, and a later synced batch carries it along.
// Errors: `storage_failed` (full disk, failed write or sync, bytes that cannot be read or are damaged). After the
// first failed apply(), or the first view that met such bytes, the store is closed for writes: every later apply() and
// compact() fails the same way, reads go on. The failed batch may or may not be there after reopening (a sync that
// fails leaves that open), whole either way.
// Formats: a directory carries its format version; an older one is upgraded on opening, a newer
// one refused by name (`unsupported`). One process at a time: a second open is `storage_failed`.
//
// Every implementation passes tests/storage/store_contract.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/error.hpp"
#include "model/view.hpp"

namespace nacre::storage {

using model::space;

// Bumped when the meaning of stored bytes changes; see README.md for what each version holds.
inline constexpr std::uint32_t format_version = 6;

enum class durability : std::uint8_t { synced, buffered };

// Writes in the order they were added; the last one on a key wins.
struct write {
  enum class kind : std::uint8_t { put, erase, erase_range };
  kind what = kind::put;
  space in = space::state;
  std::string key;
  std::string value;  // put: the value; erase_range: the first key that stays; erase: unused
};
using batch = std::vector<write>;

struct store_stats {
  std::uint64_t batches = 0;  // applied since opening
  std::uint64_t syncs = 0;    // how many of them waited for the disk
  std::uint64_t bytes = 0;    // keys and values in them
};

class store {
 public:
  virtual ~store() = default;
  virtual result<void> apply(const batch& writes, durability how) = 0;
  virtual std::shared_ptr<const model::view> snapshot() const = 0;
  // A consistent copy in a directory that must not exist yet.
  virtual result<void> checkpoint(const std::filesystem::path& to) const = 0;
  // Rewrites a range so that erased bytes leave the files, not only the view. Blocks; not for actors.
  // Any thread. An empty `from` is the start of the space, an empty `to` its end. `busy`: done, but a
  // snapshot older than the call was still held and what it sees stayed; compact again later.
  virtual result<void> compact(space in, std::string_view from, std::string_view to) = 0;
  // For the end of a process: compact() ends soon, the one under way and every later one, and is `busy`; erased bytes
  // may remain until a store on the same files is asked. All else goes on. Returns when none is under way. Any thread.
  virtual void stop_compacting() = 0;
  virtual store_stats stats() const = 0;
  // Empty while writes are taken; else why not, in words without secrets.
  virtual std::string closed_reason() const = 0;
};

}  // namespace nacre::storage
