#pragma once
// What every part of the bench stands on: its options, its scratch directory, nodes under measurement, one round.

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/ceilings.hpp"
#include "bench/child.hpp"
#include "bench/load.hpp"
#include "bench/report.hpp"
#include "model/ids.hpp"

namespace nacre::bench {

struct options {
  bool quick = false, keep = false;
  std::size_t rounds = 3, connections = 64, threads = 0, workspaces = 0, pats_each = 10, secrets = 0;
  double seconds = 0;
  std::string log = "file", etcd = "/usr/bin/etcd";
  std::string directory, match, node;
  std::vector<std::string> only, sets;

  bool wants(std::string_view part) const;
  std::chrono::milliseconds round_time() const { return std::chrono::milliseconds(static_cast<int>(seconds * 1000)); }
};

// This program's file.
std::filesystem::path own_path();

// Removed with everything in it at the end.
class scratch {
 public:
  explicit scratch(const options& o);
  ~scratch();
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  bool keep_;
  std::filesystem::path path_;
};

// `sets`: as of --set, which comes after them and wins.
std::unique_ptr<child> start_node(const options& o, const std::filesystem::path& data,
                                  const std::vector<std::string>& sets = {});

// A token of the development issuer of that data directory, for an hour; of its owner if a workspace is named.
std::string mint(const std::filesystem::path& data, user_id user, std::optional<workspace_id> owns = {});

load_plan plan_for(const options& o, const child& target);

// One round of load on a process, with what it cost that process.
sample measure(const child& target, const load_plan& plan, bool counts_syncs = false);
// The same of several that do the work together. `syncs`: how many there have been; empty: none are shown.
sample measure(const std::vector<const child*>& targets, const std::function<double()>& syncs,
               const std::function<load_result()>& load);
double syncs_of(const child& node);
sample measure_puts(synced_puts& puts, const options& o);

// The text between `before` and the next quote.
std::string_view quoted_after(std::string_view body, std::string_view before);

void print_level(const char* what, double value, const char* unit, std::optional<double> below);

}  // namespace nacre::bench
