#pragma once
// A data directory, opened: its store and its keys, checked against each other.
//
//   DIR/db                      the store
//   DIR/root.key                the root key, only under --dev (production keeps it elsewhere)
//   DIR/dev-issuer.jwk(s.json)  the development issuer, only under --dev
//
// The first opening makes the service keys and stores them wrapped, with the root key's check value
// beside them. A later one with another root key is refused in words (`invalid`), before anything
// is decrypted or upgraded: with a wrong key nothing could be read, and everything written would be lost.
//
// Nodes of one cluster need the same service keys before they have heard of each other. In a cluster that begins empty
// each derives them; one that grows out of a single node takes them from what export_service_keys() wrote there.

#include <filesystem>
#include <memory>
#include <string>

#include "crypto/keyring.hpp"
#include "model/error.hpp"
#include "storage/rocks_store.hpp"
#include "storage/store.hpp"

namespace nacre::app {

struct installation {
  std::unique_ptr<storage::store> store;
  std::unique_ptr<crypto::keyring> keys;
};

struct installation_options {
  std::string root_key;    // source, as crypto::open_key_provider takes it
  bool ephemeral = false;  // memory_store: nothing is kept
  bool create = true;      // false: a directory without an installation is an error
  storage::rocks_options storage;
  std::string cluster_id;    // 16 bytes; empty: a single node. Counts at the first opening only
  std::string service_keys;  // file of export_service_keys(); empty: made or derived
};

result<installation> open_installation(const std::filesystem::path& directory, const installation_options& options);

// Writes the wrapped service keys to a file (mode 0600), hex and a line feed: useless without the root key. One that
// holds them already stays; `conflict`: it holds something else, and stays too.
result<void> export_service_keys(const installation& from, const std::filesystem::path& to);

// Where a development node keeps its root key: "file:DIR/root.key".
std::string dev_root_key_source(const std::filesystem::path& directory);
// Makes one where nothing is kept yet; `invalid` where it is missing beside data.
result<void> ensure_dev_root_key(const std::filesystem::path& directory);

}  // namespace nacre::app
