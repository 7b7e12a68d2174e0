// A node that runs this program and one that runs the program before it apply the same log, side by side in a rolling
// upgrade; and a log of long ago is applied anew after a crash. So a log that was written once does to the rows for
// ever what it did then. NACRE_REWRITE_GOLDEN=1 writes a log that is not there yet (give it the next format's number);
// one that is there is never written anew.

#include <cryptopp/sha.h>

#include <catch2/catch.hpp>
#include <map>
#include <memory>

#include "model/staged_state.hpp"
#include "tests/model/command_source.hpp"
#include "tests/model/golden_file.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

constexpr std::size_t command_bytes_max = 1u << 16, digest_bytes = CryptoPP::SHA256::DIGESTSIZE;
constexpr std::size_t enough = 3;  // of each kind, in a log and in each of its sequences

using kinds = std::map<std::size_t, std::size_t>;  // how often, by the operation's place in the variant

// Of a sequence what does something: a few of each kind, and one of those there are many of by now.
std::vector<command> acting(std::uint64_t seed, const kinds& so_far, kinds& acted) {
  constexpr std::size_t looked_at = 900;
  std::vector<command> kept;
  map_state st;
  for (auto& c : sequence(seed, looked_at, true)) {
    const auto kind = c.what.index();
    const auto found = so_far.find(kind);
    if (acted[kind] == (found != so_far.end() && found->second > 4 * enough ? 1 : enough)) continue;
    staged_state tried(st);
    apply(tried, c);
    if (!tried.changed()) continue;
    std::move(tried).lay_into(st);
    ++acted[kind];
    kept.push_back(std::move(c));
  }
  return kept;
}

// Sequences one behind the other, each from an empty state on, until every kind of command that random ones come to
// has acted a few times.
std::string new_log() {
  constexpr std::uint64_t seeds = 1'000;
  writer log;
  kinds so_far;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    kinds acted;
    const auto commands = acting(seed, so_far, acted);
    const bool adds = std::any_of(acted.begin(), acted.end(), [&so_far](const auto& kind) {
      return kind.second > 0 && so_far[kind.first] < enough;
    });
    if (!adds) continue;
    for (const auto& [kind, times] : acted) so_far[kind] += times;
    log.bytes("");
    for (const auto& c : commands) log.bytes(encode(c));
  }
  return log.take();
}

// Of the rows after every command, each with what was so far.
class trail {
 public:
  void add(const map_state& st) {
    CryptoPP::SHA256 h;
    auto add = [&h](std::string_view part) {
      const auto framed = writer{part.size() + 4}.bytes(part).take();
      h.Update(reinterpret_cast<const CryptoPP::byte*>(framed.data()), framed.size());
    };
    add(so_far_);
    for (const auto& rows : st.all()) {
      add(std::to_string(rows.size()));
      for (const auto& [key, value] : rows) add(key), add(value);
    }
    so_far_.resize(digest_bytes);
    h.Final(reinterpret_cast<CryptoPP::byte*>(so_far_.data()));
  }
  const std::string& so_far() const { return so_far_; }

 private:
  std::string so_far_;
};

// The trail of the rows.
std::string apply_log(std::string_view log) {
  auto st = std::make_unique<map_state>();
  trail rows;
  for (reader r(log); !r.finished();) {
    const auto bytes = r.bytes(command_bytes_max);
    REQUIRE(r.ok());
    if (bytes.empty()) {
      st = std::make_unique<map_state>();
      continue;
    }
    const auto c = decode_command(bytes);
    REQUIRE(c);
    apply(*st, *c);
    REQUIRE(st->trustworthy());
    rows.add(*st);
  }
  return rows.so_far();
}

}  // namespace

TEST_CASE("a log of every format so far does to the rows what it did when it was written", "[model][golden]") {
  for (const std::string format : {"5"}) {
    CAPTURE(format);
    const auto log_name = "log_" + format, rows_name = log_name + "_rows";
    if (rewrites_golden() && !read_golden(log_name)) {
      write_golden(log_name, new_log());
      write_golden(rows_name, apply_log(read_golden(log_name).value()));
    }
    const auto log = read_golden(log_name), rows = read_golden(rows_name);
    REQUIRE(log);
    REQUIRE(rows);
    CHECK(golden_text(rows_name, apply_log(*log)) == golden_text(rows_name, *rows));
  }
}
