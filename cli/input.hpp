#pragma once
// Where texts come from and go to: files, pipes, an editor, descriptors. What is read is kept in memory that is wiped.

#include <cstddef>
#include <istream>
#include <optional>
#include <string>
#include <string_view>

#include "cli/arguments.hpp"
#include "crypto/secure_bytes.hpp"

namespace nacre::cli {

// "-" is standard input. 74 if it cannot be read, 65 beyond `bytes_max`.
outcome<crypto::secure_bytes> read_file(const std::string& name, std::size_t bytes_max);
outcome<crypto::secure_bytes> read_descriptor(int fd, std::size_t bytes_max);
// 74 where a stream's end was none: a directory, a broken disk. "-" is std::cin, which does not say so itself.
outcome<bool> was_read(const std::string& name, const std::istream& in);

// Typed in $VISUAL or $EDITOR, in a file that only its owner may read, kept in memory where the system has a place
// for that, overwritten and removed afterwards, also where SIGHUP or SIGTERM ends us: the editor is told, and waited
// for. Without the line feed editors put at the end.
outcome<crypto::secure_bytes> write_in_editor(std::size_t bytes_max);

// --passphrase-file or --passphrase-fd (first line), --passphrase (asked for at the terminal); nothing if none was
// given. `twice`: a passphrase that is set is asked for twice.
outcome<std::optional<crypto::secure_bytes>> given_passphrase(const arguments& with, bool twice);

// Made for its owner only (0600) and new: an existing file is never replaced. Taken back if `keep` was not called.
class new_file {
 public:
  static outcome<new_file> make(const std::string& name);
  new_file(new_file&& other) noexcept;
  new_file& operator=(new_file&&) = delete;
  ~new_file();
  // Written and synced; 74 if not.
  outcome<bool> write(std::string_view bytes);
  void keep() { kept_ = true; }

 private:
  new_file(std::string name, int fd) : name_(std::move(name)), fd_(fd) {}
  std::string name_;
  int fd_;
  bool kept_ = false;
};

}  // namespace nacre::cli
