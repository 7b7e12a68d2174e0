#include "cli/dev_cluster.hpp"

#include <algorithm>

namespace nacre::cli {

namespace {

std::string toml_text(const std::string& value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' || c == '.' ||
         c == '-' || c == '_' || c == '=' || c == ':' || c == ',' || c == '+';
}

}  // namespace

dev_node dev_node_of(const std::filesystem::path& directory, std::uint64_t number, std::uint16_t base_port) {
  const auto name = "node" + std::to_string(number);
  dev_node out;
  out.number = number;
  out.http_port = static_cast<std::uint16_t>(base_port + number - 1);
  out.cluster_port = static_cast<std::uint16_t>(base_port + dev_cluster_ports_above + number);
  out.config = directory / (name + ".toml");
  out.data = directory / name;
  out.log = directory / (name + ".log");
  return out;
}

dev_cluster plan_dev_cluster(const std::filesystem::path& directory, std::int64_t nodes, std::uint16_t base_port) {
  dev_cluster out{directory, {}};
  for (std::int64_t n = 1; n <= nodes; ++n)
    out.nodes.push_back(dev_node_of(directory, static_cast<std::uint64_t>(n), base_port));
  return out;
}

std::string dev_node_config(const dev_cluster& all, const dev_node& one) {
  const auto file = [](const std::filesystem::path& p) { return toml_text(p.string()); };
  const auto in_ca = [&](const std::string& suffix) {
    return file(all.ca() / ("node-" + std::to_string(one.number) + suffix));
  };
  std::string peers;
  for (const auto& each : all.nodes)
    peers += (peers.empty() ? "" : ", ") +
             toml_text(std::to_string(each.number) + "=127.0.0.1:" + std::to_string(each.cluster_port));
  return "# Written by `nacre cluster dev`; the next start writes it anew.\n"
         "[http]\naddress = \"127.0.0.1\"\nport = " +
         std::to_string(one.http_port) + "\n\n[data]\ndir = " + file(one.data) +
         "\n\n[keys]\nroot = " + toml_text("file:" + (all.directory / "root.key").string()) +
         "\n\n[cluster]\nnode = " + std::to_string(one.number) +
         "\nlisten = \"127.0.0.1:" + std::to_string(one.cluster_port) + "\"\nca = " + file(all.ca() / "ca.crt") +
         "\ncertificate = " + in_ca(".crt") + "\nkey = " + in_ca(".key") + "\npeers = [" + peers + "]\n";
}

std::vector<std::string> dev_node_command(const std::filesystem::path& nacred, const dev_node& one) {
  return {nacred.string(), "--dev", "--config", one.config.string()};
}

std::string shell_line(const std::vector<std::string>& command) {
  std::string out;
  for (const auto& word : command) {
    if (!out.empty()) out += ' ';
    if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) {
      out += word;
      continue;
    }
    out += '\'';
    for (const char c : word) {
      if (c == '\'')
        out += "'\\''";
      else
        out += c;
    }
    out += '\'';
  }
  return out;
}

}  // namespace nacre::cli
