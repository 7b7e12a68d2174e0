#include "app/installation.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "crypto/digest.hpp"
#include "crypto/operator_file.hpp"
#include "storage/memory_store.hpp"

namespace nacre::app {

namespace {

namespace fs = std::filesystem;

// Keys of space::meta that belong to an installation; storage/README.md lists them with storage's own.
constexpr std::string_view check_value_key = "keys.root_check";
constexpr std::string_view service_keys_key = "keys.service";
constexpr std::size_t service_keys_file_bytes_max = 4096;

result<void> ensure_directory(const fs::path& directory) {
  std::error_code ec;
  fs::create_directories(directory, ec);
  if (ec)
    return fail(ec == std::errc::no_space_on_device ? errc::storage_failed : errc::invalid,
                "data directory " + directory.string() + ": " + ec.message());
  // Only its owner needs to see ciphertext, and nobody else should see a development key.
  if (::chmod(directory.c_str(), 0700) != 0)
    return fail(errc::invalid, "data directory " + directory.string() +
                                   ": its mode cannot be made 0700: " + std::generic_category().message(errno));
  return {};
}

bool holds_state(const model::view& v) {
  bool any = false;
  v.scan(model::space::state, {}, std::string(64, '\xff'), [&](std::string_view, std::string_view) {
    any = true;
    return false;
  });
  return any;
}

// Whether that root key may go on from there; also if there is nothing yet.
result<void> check_root_key(const model::view& v, const crypto::key_provider& root, const fs::path& directory) {
  const auto made_with = v.get(model::space::meta, check_value_key);
  // New keys would not open what is there, and would hide what happened.
  const bool lost = !made_with && holds_state(v);
  if (!v.trustworthy()) return fail(errc::storage_failed, "the data directory could not be read");
  if (lost)
    return fail(errc::corrupt, directory.string() + " holds data but not the check value of its root key: it is " +
                                   "damaged; restore a backup");
  if (!made_with || *made_with == root.check_value()) return {};
  return fail(errc::invalid, "the root key is not the one this data directory was made with (check value " +
                                 crypto::to_hex(root.check_value()) + ", the directory expects " +
                                 crypto::to_hex(*made_with) + ")");
}

result<std::unique_ptr<storage::store>> open_store(const fs::path& directory, const installation_options& options,
                                                   const crypto::key_provider& root) {
  if (options.ephemeral) return storage::make_memory_store();
  std::error_code ec;
  if (!options.create && !fs::exists(directory / "db", ec))
    return fail(errc::invalid, directory.string() + (ec ? ": " + ec.message() : " holds no nacre data"));
  if (options.create && !options.storage.read_only)
    if (auto made = ensure_directory(directory); !made) return fail(made.error());
  return storage::open_rocks_store(directory / "db", options.storage,
                                   [&](const model::view& v) { return check_root_key(v, root, directory); });
}

// The record that a file of export_service_keys() holds.
result<std::string> exported_record(const std::string& file) {
  auto read = crypto::read_operator_file(file, service_keys_file_bytes_max, crypto::file_privacy::owner_only);
  if (!read) return fail(errc::invalid, read.error().text);
  auto text = read->content.view();
  if (text.ends_with('\n')) text.remove_suffix(1);
  auto record = crypto::from_hex(text);
  if (!record) return fail(errc::invalid, file + " holds no service keys: it is not hex");
  return std::move(*record);
}

result<crypto::service_keys> imported_keys(const std::string& file, const crypto::key_provider& root) {
  auto record = exported_record(file);
  if (!record) return fail(record.error());
  auto keys = crypto::unwrap_service_keys(root, *record);
  if (!keys) return fail(errc::invalid, file + " holds no service keys that this root key opens");
  return keys;
}

result<crypto::service_keys> new_keys(const installation_options& options, const crypto::key_provider& root) {
  if (!options.service_keys.empty()) return imported_keys(options.service_keys, root);
  if (!options.cluster_id.empty()) return crypto::derive_service_keys(root, options.cluster_id);
  return crypto::make_service_keys();
}

result<crypto::service_keys> first_keys(storage::store& store, const installation_options& options,
                                        const crypto::key_provider& root) {
  auto made = new_keys(options, root);
  if (!made) return made;
  using kind = storage::write::kind;
  storage::batch writes{
      {kind::put, model::space::meta, std::string(check_value_key), root.check_value()},
      {kind::put, model::space::meta, std::string(service_keys_key), crypto::wrap_service_keys(root, *made)},
  };
  if (auto done = store.apply(writes, storage::durability::synced); !done) return fail(done.error());
  return made;
}

result<crypto::service_keys> stored_keys(const model::view& v, const crypto::key_provider& root) {
  auto record = v.get(model::space::meta, service_keys_key);
  if (!record) return fail(errc::corrupt, "the data directory has lost its service keys");
  return crypto::unwrap_service_keys(root, *record);
}

}  // namespace

result<installation> open_installation(const fs::path& directory, const installation_options& options) {
  auto root = crypto::open_key_provider(options.root_key);
  if (!root) return fail(root.error());
  auto store = open_store(directory, options, **root);
  if (!store) return fail(store.error());
  auto view = (*store)->snapshot();
  const bool made = view->get(model::space::meta, check_value_key).has_value();
  if (!view->trustworthy()) return fail(errc::storage_failed, "the data directory could not be read");
  if (!made && options.storage.read_only) return fail(errc::invalid, directory.string() + " holds no nacre data");
  auto keys = made ? stored_keys(*view, **root) : first_keys(**store, options, **root);
  if (!keys) return fail(keys.error());
  installation out;
  out.store = std::move(*store);
  out.keys = std::make_unique<crypto::keyring>(std::move(*root), std::move(*keys));
  return out;
}

result<void> export_service_keys(const installation& from, const fs::path& to) {
  auto record = from.store->snapshot()->get(model::space::meta, service_keys_key);
  if (!record) return fail(errc::corrupt, "the data directory has lost its service keys");
  auto done = crypto::write_operator_file(to, crypto::to_hex(*record) + "\n", 0600, false);
  if (done || done.error().code != errc::conflict) return done;
  // Every directory has wrapped them for itself, so the same keys are other bytes.
  const auto there = exported_record(to.string());
  if (!there) return fail(errc::conflict, there.error().text);
  if (from.keys->made_of_these(*there)) return {};
  return fail(errc::conflict, to.string() + " is there already and holds another cluster's service keys");
}

std::string dev_root_key_source(const fs::path& directory) { return "file:" + (directory / "root.key").string(); }

result<void> ensure_dev_root_key(const fs::path& directory) {
  std::error_code ignored;  // what cannot be looked at cannot be made either, and that is told
  const auto file = directory / "root.key";
  if (fs::exists(file, ignored)) return {};
  if (fs::exists(directory / "db" / "CURRENT", ignored))
    return fail(errc::invalid, file.string() + " is missing: what " + directory.string() + " holds was made with it");
  if (auto made = ensure_directory(directory); !made) return fail(made.error());
  return crypto::create_root_key_file(file);
}

}  // namespace nacre::app
