#include "storage/rocks_upgrade.hpp"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "model/format_3.hpp"
#include "model/format_5.hpp"
#include "storage/rocks_database.hpp"

namespace nacre::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view format_key = "storage/format";
constexpr std::string_view upgrading_key = "storage/upgrading";
// Of one batch of an upgrade: rows looked at, and bytes changed.
constexpr std::size_t upgrade_rows = 20'000, upgrade_bytes = 8u << 20;

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

batch writes_of(std::vector<model::row_change> changes) {
  batch out;
  out.reserve(changes.size() + 2);  // and what run_step() adds
  for (auto& each : changes)
    out.push_back({each.value ? write::kind::put : write::kind::erase, each.in, std::move(each.key),
                   std::move(each.value).value_or("")});
  return out;
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
                           const std::vector<upgrade_step>& steps, const rocks_check& check) {
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
    if (check)
      if (auto ours = check(*view); !ours) return ours;
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
  options.info_log = silent_log();
  options.max_open_files = -1;
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::OpenForReadOnly(options, directory.string(), &opened).ok()) return std::nullopt;
  std::unique_ptr<rocksdb::DB> db(opened);
  std::string stored;
  if (!db->Get({}, format_key, &stored).ok()) return std::nullopt;
  return decoded(stored);
}

// RocksDB syncs its directory's entries; that of the directory itself, and of the data directory which may be as new,
// it leaves to us. Above that somebody else may have forbidden us to look.
result<void> sync_above(const fs::path& directory) {
  const auto sync = [](const fs::path& at) {
    std::unique_ptr<rocksdb::FSDirectory> opened;
    auto& files = *rocksdb::FileSystem::Default();
    const auto status = files.NewDirectory(at.string(), {}, &opened, nullptr);
    return status.ok() ? opened->Fsync({}, nullptr) : status;
  };
  const auto parent = fs::absolute(directory).parent_path();
  sync(parent.parent_path()).PermitUncheckedError();
  if (const auto status = sync(parent); !status.ok())
    return fail(errc::storage_failed, in_words(directory) + " cannot be synced: " + describe(status));
  return {};
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
    return sync_above(directory);
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
  return sync_above(directory);
}

}  // namespace

result<std::unique_ptr<store>> open_rocks_store_as(const fs::path& directory, const rocks_options& options,
                                                   std::uint32_t version, const std::vector<upgrade_step>& steps,
                                                   const rocks_check& check) {
  if (auto usable = check_directory(directory, options.read_only); !usable) return tl::make_unexpected(usable.error());
  auto closes = std::make_shared<gate>();
  database opened;
  if (auto status = open_database(directory, options, closes, opened); !status.ok()) {
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
  auto made = make_rocks_store(std::move(opened), std::move(closes), options);
  if (auto settled = settle_format(*made, directory, options.read_only, version, steps, check); !settled) {
    return tl::make_unexpected(settled.error());
  }
  return made;
}

result<std::unique_ptr<store>> open_rocks_store(const fs::path& directory, const rocks_options& options,
                                                const rocks_check& check) {
  auto secrets_in_one_row = [](const model::view& view, const std::string& next) -> result<upgrade_part> {
    auto part = model::to_format_3(view, next, upgrade_rows, upgrade_bytes);
    return upgrade_part{writes_of(std::move(part.changes)), std::move(part.next)};
  };
  auto partitions_in_one_row = [](const model::view& view, const std::string&) -> result<upgrade_part> {
    return upgrade_part{writes_of(model::to_format_5(view)), {}};
  };
  auto nothing = [](const model::view&, const std::string&) -> result<upgrade_part> { return upgrade_part{}; };
  // One entry per format since the first.
  static const std::vector<upgrade_step> steps = {
      {1, nothing},  // + `log`
      {2, secrets_in_one_row},
      {3, nothing},  // + held_secret with its receipt
      {4, partitions_in_one_row},
      {5, nothing},  // + data directories of members
  };
  return open_rocks_store_as(directory, options, format_version, steps, check);
}

}  // namespace nacre::storage
