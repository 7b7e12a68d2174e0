#pragma once
// What people see: aligned tables, prompts without echo, a line of progress. Colours and progress only where a
// terminal is, NO_COLOR is not set and TERM is not "dumb".

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/refusal.hpp"
#include "crypto/secure_bytes.hpp"

namespace nacre::cli {

bool out_is_terminal();
bool error_is_terminal();
bool in_is_terminal();

// Without what could steer a terminal or mislead its reader: controls, bytes that are no UTF-8, marks that turn
// the direction of text. Each becomes '?'.
std::string printable(std::string_view text);
// The same for a text of several lines: line feeds and tabs stay.
crypto::secure_bytes printable_lines(std::string_view text, bool& changed);

// Columns as wide as their widest cell. Prints nothing at all for no rows.
class table {
 public:
  explicit table(std::vector<std::string> head) : head_(std::move(head)) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  void print() const;

 private:
  std::vector<std::string> head_;
  std::vector<std::vector<std::string>> rows_;
};

// Names and values, one a line.
class sheet {
 public:
  void row(std::string name, std::string value) { rows_.emplace_back(std::move(name), std::move(value)); }
  void print() const;

 private:
  std::vector<std::pair<std::string, std::string>> rows_;
};

// One line on standard error that counts up; nothing where no terminal is.
class progress {
 public:
  explicit progress(std::string_view what);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  void at(std::uint64_t count);

 private:
  std::string what_;
  bool shown_;
  std::int64_t next_ms_ = 0;
};

// A line typed at the terminal without echo, at most `bytes_max`. 64 if there is no terminal to ask at.
outcome<crypto::secure_bytes> ask_hidden(std::string_view question, std::size_t bytes_max);
// "y" or "yes"; anything else, and no terminal, is no.
bool ask_yes(std::string_view question);

// All of it to a descriptor; false if it did not take everything.
bool write_all(int fd, std::string_view bytes);
// Whether what is written to standard output would be lost at once.
bool output_is_closed();
// Standard output, flushed; 74 if it is closed or full.
outcome<bool> print_out(std::string_view bytes);

void pause_ms(int ms);  // ends early for a signal

}  // namespace nacre::cli
