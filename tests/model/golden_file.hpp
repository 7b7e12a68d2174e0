#pragma once
// Bytes of today and of before, in tests/golden/model: a file holds its name and its bytes in hex. NACRE_GOLDEN_DIR is
// the directory; with NACRE_REWRITE_GOLDEN set in the environment tests write what they would read.

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

namespace nacre::model::testing {

inline bool rewrites_golden() { return std::getenv("NACRE_REWRITE_GOLDEN") != nullptr; }

inline std::string golden_path(const std::string& name) { return std::string(NACRE_GOLDEN_DIR) + "/" + name + ".hex"; }

inline std::string golden_text(const std::string& name, std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "# " + name;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % 32 == 0) out += '\n';
    out += digits[static_cast<std::uint8_t>(bytes[i]) >> 4];
    out += digits[bytes[i] & 15];
  }
  return out + '\n';
}

inline void write_golden(const std::string& name, std::string_view bytes) {
  std::ofstream(golden_path(name)) << golden_text(name, bytes);
}

inline std::optional<std::string> read_golden(const std::string& name) {
  std::ifstream in(golden_path(name));
  std::string line, hex, bytes;
  while (std::getline(in, line))
    if (line.empty() || line[0] != '#') hex += line;
  if (hex.empty()) return std::nullopt;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

}  // namespace nacre::model::testing
