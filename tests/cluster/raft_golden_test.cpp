// What nodes of different versions say to each other, and what lies in a log, must stay readable. tests/golden/cluster
// holds a line per sample, its name and its bytes in hex. NACRE_REWRITE_GOLDEN=1 writes them anew; a changed line is a
// change of format and needs a new version byte.

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <map>

#include "cluster/raft/frames.hpp"
#include "cluster/raft/log_store.hpp"

using namespace nacre;
using namespace nacre::cluster;
using namespace nacre::cluster::raft;

namespace {

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (char c : bytes) {
    out += digits[static_cast<std::uint8_t>(c) >> 4];
    out += digits[c & 15];
  }
  return out;
}

std::map<std::string, std::string> samples() {
  std::map<std::string, std::string> all;
  const instance of{3, 7};
  const tag from{2, 5, 9, 8};
  auto framed = [&](const char* name, message m) {
    all[std::string("frame_") + name] = hex(encode(frame{of, std::move(m)}));
  };
  framed("append",
         append{4, 10, 3, 9, false, {{3, entry_kind::commands, "batch"}, {4, entry_kind::barrier, "12345678"}}});
  framed("append_quiet", append{4, 10, 4, 10, true, {}});
  framed("append_reply", append_reply{4, 0, 12});
  framed("vote", vote{5, 12, 4, true});
  framed("vote_reply", vote_reply{5, true, false});
  framed("snapshot_offer", snapshot_offer{4, {10, 3}, 77});
  framed("forward", forward{{{from, "command"}}});
  framed("forward_refused", forward_refused{refusal::busy, {9, 10}});
  framed("probe", probe{1, 4});
  framed("probe_reply", probe_reply{1, 4});
  framed("ask_index", ask_index{6});
  framed("index_reply", index_reply{6, true, 12});
  framed("fetch", fetch{77, 2});
  framed("chunk", chunk{77, 2, true, false, 0x1234, "rows"});
  framed("epoch_notice", epoch_notice{{10, 3}, 2, {{1, "a:1"}, {2, "b:2"}}});
  framed("reconfigure", reconfigure{{{1, "a:1"}}});
  all["batch"] = hex(encode_batch({encode_item(from, "command"), encode_item({1, 1, 1, 1}, "x")}));
  all["seal"] = hex(encode_seal({8, {{1, "a:1"}}}));
  storage::batch rows = found(of, {{1, "a:1"}, {2, "b:2"}}, {10, 4});
  log_write w;
  w.first = 11;
  w.append = {{5, entry_kind::barrier, "12345678"}, {5, entry_kind::commands, "batch"}};
  add(rows, of, w);
  rows.push_back(applied_row(3, {7, {10, 4}}));
  for (std::size_t i = 0; i < rows.size(); ++i)
    all["row_" + std::to_string(i)] = hex(rows[i].key) + " " + hex(rows[i].value);
  return all;
}

}  // namespace

TEST_CASE("frames, entries and rows are the bytes they were", "[cluster][raft][golden]") {
  const std::string path = std::string(NACRE_GOLDEN_DIR) + "/raft.txt";
  const auto now = samples();
  if (std::getenv("NACRE_REWRITE_GOLDEN") != nullptr) {
    std::ofstream out(path);
    for (const auto& [name, bytes] : now) out << name << ' ' << bytes << '\n';
  }
  std::ifstream in(path);
  std::map<std::string, std::string> stored;
  for (std::string line; std::getline(in, line);) {
    const auto space = line.find(' ');
    REQUIRE(space != std::string::npos);
    stored[line.substr(0, space)] = line.substr(space + 1);
  }
  CHECK(stored == now);
}
