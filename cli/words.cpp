#include "cli/words.hpp"

#include <iostream>

#include "cli/terminal.hpp"
#include "crypto/digest.hpp"
#include "crypto/random.hpp"
#include "model/ids.hpp"
#include "model/time.hpp"

namespace nacre::cli {

std::string duration_text(std::int64_t seconds) {
  const auto in = [&](std::int64_t unit, const char* word) {
    const auto n = seconds / unit;
    return std::to_string(n) + " " + word + (n == 1 ? "" : "s");
  };
  if (seconds >= 2 * 86'400 || seconds == 86'400) return in(86'400, "day");
  if (seconds >= 2 * 3'600 || seconds == 3'600) return in(3'600, "hour");
  if (seconds >= 120 || seconds == 60) return in(60, "minute");
  return in(1, "second");
}

std::string time_text(std::int64_t seconds_of_epoch) { return format_rfc3339(timestamp{seconds_of_epoch * 1000}); }

std::string percent_encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
        c == '.') {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    }
  }
  return out;
}

std::string fresh_key() { return crypto::to_hex(crypto::random_bytes(24).view()); }

outcome<bool> sure(const arguments& with, std::string_view question) {
  if (with.has("yes")) return true;
  if (!in_is_terminal() || !error_is_terminal())
    return refuse(exit_usage, "this cannot be undone, and there is no terminal to ask at", "give --yes");
  if (!ask_yes(question)) return refuse(exit_usage, "nothing was done");
  return true;
}

outcome<std::string> uuid_operand(const arguments& with, std::size_t n, std::string_view name) {
  auto id = parse_uuid(with.operand(n));
  if (!id) return refuse(exit_usage, std::string(name) + " must be a UUID");
  return to_string(*id);
}

outcome<bool> hand_out(const crypto::secure_bytes& value) {
  if (!out_is_terminal()) return print_out(value.view());
  bool changed = false;
  auto shown = printable_lines(value.view(), changed);
  auto out = print_out(shown.view());
  if (out && !shown.view().ends_with('\n')) out = print_out("\n");
  if (changed)
    std::cerr << "nacre: characters that could steer your terminal are shown as ?; use --output or a pipe for all\n";
  return out;
}

}  // namespace nacre::cli
