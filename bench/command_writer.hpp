#pragma once
// Commands applied to a data directory by the model's own rules, without a node and without its syncs.
//
// Throws std::runtime_error for a directory that does not open and for a command that is refused. One thread;
// what keys() gives may be used by many.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "app/installation.hpp"
#include "model/commands.hpp"

namespace nacre::bench {

// Opens a development node's directory, or makes one.
app::installation open_directory(const std::filesystem::path& directory);

class command_writer {
 public:
  explicit command_writer(const std::filesystem::path& directory);

  const crypto::keyring& keys() const { return *opened_.keys; }
  timestamp now() const { return now_; }  // of every command

  // Applied with many others at once. What is missing of the context is filled in.
  void order(workspace_id ws, model::caller who, model::operation what);
  // Applies what waits; its end comes without it.
  void flush();

 private:
  app::installation opened_;
  const timestamp now_;
  std::uint64_t index_ = 0;
  std::vector<model::command> waiting_;
};

}  // namespace nacre::bench
