#include "tests/layers/includes.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

namespace nacre::layers {
namespace {

struct rule {
  std::string_view folder;
  std::set<std::string_view> may_include;  // besides itself; a path names one file
};

// The arrows of ARCHITECTURE.md.
const std::vector<rule>& rules() {
  static const std::vector<rule> all = {
      {"model", {}},
      {"crypto", {"model"}},
      {"storage", {"model"}},
      {"cluster", {"storage", "crypto", "model"}},
      {"actors", {"cluster", "storage", "crypto", "model"}},
      {"http", {"actors", "crypto", "model"}},
      {"app", {"http", "actors", "cluster", "storage", "crypto", "model"}},
      {"cli", {"app/maintenance.hpp", "app/loopback.hpp", "crypto", "model"}},
      {"bench", {"app", "cli", "http", "actors", "cluster", "storage", "crypto", "model"}},
  };
  return all;
}

const rule* rule_of(std::string_view folder) {
  for (const auto& each : rules()) {
    if (each.folder == folder) return &each;
  }
  return nullptr;
}

std::string_view folder_of(std::string_view path) {
  auto slash = path.find('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

bool is_source(std::string_view path) { return path.ends_with(".cpp") || path.ends_with(".hpp"); }

struct include {
  std::string path;
  bool quoted = false;
};

// `# include "a/b.hpp"` and <...> alike; nothing for other lines.
std::optional<include> include_of(std::string_view line) {
  auto skip = [&] {
    auto n = line.find_first_not_of(" \t");
    line.remove_prefix(n == std::string_view::npos ? line.size() : n);
  };
  auto take = [&](std::string_view word) {
    skip();
    if (!line.starts_with(word)) return false;
    line.remove_prefix(word.size());
    return true;
  };
  if (!take("#") || !take("include")) return std::nullopt;
  skip();
  if (line.empty() || (line[0] != '"' && line[0] != '<')) return std::nullopt;
  bool quoted = line[0] == '"';
  auto end = line.find(quoted ? '"' : '>', 1);
  if (end == std::string_view::npos) return std::nullopt;
  return include{std::string(line.substr(1, end - 1)), quoted};
}

// What is wrong with `from` including `what`, or nothing.
std::optional<std::string> complaint(const rule& from, const include& what) {
  std::string folder(from.folder);
  auto target = folder_of(what.path);
  bool ours = rule_of(target) != nullptr || target == "tests" || target == "web";
  if (!ours) {
    if (what.quoted) return "\"" + what.path + "\" must name its folder, or be in <> if it is not ours";
    return std::nullopt;
  }
  if (!what.quoted) return "<" + what.path + "> is ours: use quotes";
  if (what.path.find("..") != std::string::npos) return what.path + " leaves its folder by ..";
  if (target == from.folder || from.may_include.contains(target) || from.may_include.contains(what.path)) {
    return std::nullopt;
  }
  return folder + " may not include " + what.path;
}

}  // namespace

tree read_tree(const std::filesystem::path& root) {
  tree out;
  for (const auto& each : rules()) {
    auto folder = root / each.folder;
    if (!std::filesystem::is_directory(folder)) continue;
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
      auto path = std::filesystem::relative(file.path(), root).generic_string();
      if (!file.is_regular_file() || (!is_source(path) && !path.ends_with("README.md"))) continue;
      std::ifstream in(file.path(), std::ios::binary);
      out[path] = std::string(std::istreambuf_iterator<char>(in), {});
    }
  }
  return out;
}

std::vector<std::string> violations(const tree& sources) {
  std::vector<std::string> out;
  for (const auto& [path, text] : sources) {
    const rule* from = rule_of(folder_of(path));
    if (!from || !is_source(path)) continue;
    std::istringstream lines(text);
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      auto what = include_of(line);
      if (!what) continue;
      if (auto wrong = complaint(*from, *what)) out.push_back(path + ":" + std::to_string(number) + ": " + *wrong);
    }
  }
  return out;
}

std::vector<std::string> folders_without_readme(const tree& sources) {
  std::set<std::string> folders;
  for (const auto& [path, text] : sources) {
    if (rule_of(folder_of(path)) && is_source(path)) folders.emplace(folder_of(path));
  }
  std::vector<std::string> out;
  for (const auto& folder : folders) {
    auto readme = sources.find(folder + "/README.md");
    // A heading alone says nothing.
    if (readme == sources.end() || std::count(readme->second.begin(), readme->second.end(), '\n') < 3) {
      out.push_back(folder);
    }
  }
  return out;
}

}  // namespace nacre::layers
