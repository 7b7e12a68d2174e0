// What RocksDB adds to the contract: processes that die, files that are damaged, formats, bytes
// that must be gone.

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <thread>
#include <vector>

#include "storage/rocks_upgrade.hpp"
#include "tests/storage/support.hpp"

using namespace nacre;
using namespace nacre::storage;
using namespace nacre::storage::testing;

namespace {

// storage_child, which is built next to this test. A process of its own and not a fork: RocksDB's
// threads do not survive one.
class child {
 public:
  explicit child(std::vector<std::string> words) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    out_ = ends[0];
    const auto program = (fs::read_symlink("/proc/self/exe").parent_path() / "storage_child").string();
    words.insert(words.begin(), program);
    std::vector<char*> pointers;
    for (auto& each : words) pointers.push_back(each.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    const int spawned = ::posix_spawn(&id_, program.c_str(), &actions, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    REQUIRE(spawned == 0);
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  ~child() {
    if (id_ > 0) kill_now();
    ::close(out_);
  }
  // Reads on until the child has said at least this much, or is gone.
  void hear_lines(std::ptrdiff_t lines) {
    while (std::count(heard_.begin(), heard_.end(), '\n') < lines && hear_more()) continue;
  }
  void kill_now() {
    ::kill(id_, SIGKILL);
    wait();
  }
  int wait() {
    while (hear_more()) continue;
    int status = 0;
    ::waitpid(id_, &status, 0);
    id_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  const std::string& heard() const { return heard_; }

 private:
  bool hear_more() {
    char bytes[4096];
    const auto got = ::read(out_, bytes, sizeof bytes);
    if (got > 0) heard_.append(bytes, static_cast<std::size_t>(got));
    return got > 0;
  }
  pid_t id_ = -1;
  int out_ = -1;
  std::string heard_;
};

std::vector<fs::path> files_of(const fs::path& dir, std::string_view ending) {
  std::vector<fs::path> found;
  for (const auto& each : fs::directory_iterator(dir)) {
    if (each.path().string().ends_with(ending)) found.push_back(each.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t files_holding(const fs::path& dir, std::string_view marker) {
  std::size_t found = 0;
  for (const auto& each : fs::recursive_directory_iterator(dir)) {
    if (each.is_regular_file()) found += bytes_of(each.path()).find(marker) != std::string::npos;
  }
  return found;
}

void flip_byte(const fs::path& file, std::uintmax_t at) {
  std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
  bytes.seekg(static_cast<std::streamoff>(at));
  const char old = static_cast<char>(bytes.get());
  bytes.seekp(static_cast<std::streamoff>(at));
  bytes.put(static_cast<char>(old ^ 0x40));
}

// A store of ten batches whose table of `state` is damaged where it holds them. The name of its file.
std::string damage_state(const fs::path& at) {
  {
    auto store = rocks(at);
    for (int n = 1; n <= 10; ++n) must(store->apply(numbered(n, 100), durability::synced));
    must(store->compact(space::state, {}, {}));
  }
  for (const auto& file : files_of(at, ".sst")) {
    const auto row = bytes_of(file).find(std::string(100, 's'));
    if (row == std::string::npos) continue;
    flip_byte(file, row + 5);
    return file.filename().string();
  }
  FAIL("no table holds the rows");
  return {};
}

fs::path last_wal(const fs::path& dir) { return files_of(dir, ".log").back(); }

error refusal(const fs::path& dir, const rocks_options& options = small()) {
  auto opened = open_rocks_store(dir, options);
  REQUIRE_FALSE(opened);
  return opened.error();
}

rocks_options reader() {
  auto options = small();
  options.read_only = true;
  return options;
}

}  // namespace

TEST_CASE("every batch acknowledged before kill -9 is there whole", "[storage][rocks][kill]") {
  scratch dir;
  std::mt19937 random(Catch::rngSeed());
  INFO("seed " << Catch::rngSeed());
  int next = 1;
  for (int round = 0; round < 20; ++round) {
    child writer({"write", (dir / "db").string(), std::to_string(next)});
    writer.hear_lines(static_cast<std::ptrdiff_t>(1 + random() % 200));
    writer.kill_now();
    int last = next - 1;
    std::istringstream lines(writer.heard());
    for (int n = 0; lines >> n;) {
      REQUIRE(n == last + 1);
      last = n;
    }
    REQUIRE(last >= next);
    auto store = rocks(dir / "db");
    auto view = store->snapshot();
    for (int n = 1; n <= last; ++n) REQUIRE(rows_of(*view, n) == 3);
    // One more may have landed without its acknowledgement heard; never two, never half of it.
    const int unheard = rows_of(*view, last + 1);
    REQUIRE((unheard == 0 || unheard == 3));
    REQUIRE(rows_of(*view, last + 2) == 0);
    next = last + 1;
  }
}

TEST_CASE("a WAL cut short at any byte opens and holds whole batches only", "[storage][rocks][damage]") {
  scratch dir;
  auto live = rocks(dir / "db");
  for (int n = 1; n <= 30; ++n) must(live->apply(numbered(n, 700), durability::synced));
  const auto whole = fs::file_size(last_wal(dir / "db"));
  REQUIRE(whole > 30 * 3 * 700);
  std::mt19937 random(Catch::rngSeed());
  std::vector<std::uintmax_t> cuts = {0, 1, 6, 7, 8, whole / 2, 32767, 32768, 32769, 32775, whole - 1};
  for (int i = 0; i < 20; ++i) cuts.push_back(random() % whole);
  for (auto cut : cuts) {
    INFO("cut at " << cut << " of " << whole);
    const auto copy = dir / "copy";
    fs::remove_all(copy);
    fs::copy(dir / "db", copy);
    fs::resize_file(last_wal(copy), cut);
    // Nothing but the WAL holds the format row yet: a cut before it is a first start cut short.
    auto store = rocks(copy);
    auto view = store->snapshot();
    int n = 1;
    while (rows_of(*view, n) == 3) ++n;
    CHECK(static_cast<std::uintmax_t>(n - 1) >= cut / (3 * 700 + 200));
    for (; n <= 30; ++n) CHECK(rows_of(*view, n) == 0);
    must(store->apply(numbered(99, 10), durability::synced));
  }
}

TEST_CASE("a WAL damaged before acknowledged batches is refused, not shortened", "[storage][rocks][damage]") {
  scratch dir;
  auto live = rocks(dir / "db");
  for (int n = 1; n <= 30; ++n) must(live->apply(numbered(n, 700), durability::synced));
  fs::copy(dir / "db", dir / "copy");
  const auto wal = last_wal(dir / "copy");
  flip_byte(wal, fs::file_size(wal) / 2);
  const auto why = refusal(dir / "copy");
  CHECK(why.code == errc::corrupt);
  CHECK_THAT(why.text, Catch::Contains("damaged"));
}

TEST_CASE("a store that was closed is whole without its WAL, and refused without any of its tables",
          "[storage][rocks][damage]") {
  scratch dir;
  {
    auto store = rocks(dir / "db");
    must(store->apply(numbered(1, 700), durability::synced));
    must(store->apply({erase("c1", space::sealed)}, durability::synced));
    must(store->apply(numbered(2, 700), durability::buffered));
  }
  for (const auto& wal : files_of(dir / "db", ".log")) fs::remove(wal);
  {
    auto view = rocks(dir / "db")->snapshot();
    CHECK(view->get(space::state, "s1").has_value());
    CHECK_FALSE(view->get(space::sealed, "c1").has_value());
    CHECK(rows_of(*view, 2) == 3);
  }
  const auto tables = files_of(dir / "db", ".sst");
  REQUIRE(tables.size() >= 3);
  for (const auto& each : tables) {
    fs::remove_all(dir / "copy");
    fs::copy(dir / "db", dir / "copy");
    fs::remove((dir / "copy") / each.filename());
    CHECK(refusal(dir / "copy").code == errc::corrupt);
  }
}

TEST_CASE("a full disk closes the store for writes, and loses nothing acknowledged", "[storage][rocks][full]") {
  scratch dir;
  for (const char* how : {"full-limit", "full-tmpfs"}) {
    child process({how, (dir / how).string()});
    const int code = process.wait();
    INFO(how << ": " << process.heard());
    if (code == 77) {
      WARN(how << " is not permitted here");
      continue;
    }
    CHECK(code == 0);
    CHECK_THAT(process.heard(), Catch::Contains("closed at batch"));
  }
}

TEST_CASE("a damaged block fails the view that reads it, by get and by scan", "[storage][rocks][damage]") {
  scratch dir;
  damage_state(dir / "db");
  auto store = rocks(dir / "db");
  auto got = store->snapshot();
  CHECK_FALSE(got->get(space::state, "s5").has_value());
  CHECK(got->failed());
  CHECK(got->get(space::sealed, "c5").has_value());
  CHECK(got->failed());  // remembered
  // Asked for ahead it fails with the get(), and takes nothing else along.
  auto ahead = store->snapshot();
  ahead->prefetch(space::state, std::array<std::string_view, 2>{"s5", "absent"});
  CHECK_FALSE(ahead->get(space::state, "s5").has_value());
  CHECK(ahead->failed());
  auto spared = store->snapshot();
  spared->prefetch(space::state, std::array<std::string_view, 2>{"s5", "s6"});
  spared->prefetch(space::sealed, std::array<std::string_view, 2>{"c5", "c6"});
  CHECK(spared->get(space::sealed, "c5").has_value());
  CHECK_FALSE(spared->failed());
  CHECK_FALSE(spared->get(space::state, "s5").has_value());
  CHECK(spared->failed());
  auto scanned = store->snapshot();
  CHECK(all(*scanned, space::state).empty());
  CHECK(scanned->failed());
  auto elsewhere = store->snapshot();
  CHECK(all(*elsewhere, space::audit).size() == 10);
  CHECK_FALSE(elsewhere->failed());
}

TEST_CASE("whoever meets a damaged block closes the store, which names the file and no key",
          "[storage][rocks][damage]") {
  scratch dir;
  const auto damaged = damage_state(dir / "db");
  auto store = rocks(dir / "db");
  auto view = store->snapshot();
  CHECK_FALSE(view->get(space::state, "absent"));
  CHECK(view->get(space::sealed, "c5"));
  CHECK(store->closed_reason().empty());
  SECTION("a get") { view->get(space::state, "s5"); }
  SECTION("a get of what was asked for ahead") {
    view->prefetch(space::state, std::array<std::string_view, 2>{"s5", "s6"});
    view->get(space::state, "s6");
  }
  SECTION("a scan") { CHECK(all(*view, space::state).empty()); }
  SECTION("a compaction") { CHECK_FALSE(store->compact(space::state, {}, {})); }
  CHECK(store->closed_reason() == "stored bytes are damaged (" + damaged + ")");
  CHECK_FALSE(store->apply(numbered(11, 10), durability::synced));
  const auto compacted = store->compact(space::sealed, {}, {});
  REQUIRE_FALSE(compacted);
  CHECK(compacted.error().code == errc::storage_failed);
  CHECK(compacted.error().text == store->closed_reason());
  CHECK(view->get(space::sealed, "c6"));  // reads go on

  auto beside = must(open_rocks_store(dir / "db", reader()));
  const auto reads_only = beside->closed_reason();
  auto seen = beside->snapshot();
  CHECK_FALSE(seen->get(space::state, "s5"));
  CHECK(seen->failed());
  CHECK(beside->closed_reason() == reads_only);
}

TEST_CASE("a newer format is refused by its number, and left alone", "[storage][rocks][format]") {
  scratch dir;
  must(must(open_rocks_store_as(dir / "db", small(), 7, {}))->apply(numbered(1, 10), durability::synced));
  for (const auto& options : {small(), reader()}) {
    const auto why = refusal(dir / "db", options);
    CHECK(why.code == errc::unsupported);
    CHECK_THAT(why.text, Catch::Contains("format 7") && Catch::Contains("up to " + std::to_string(format_version)));
  }
  auto store = must(open_rocks_store_as(dir / "db", small(), 7, {}));
  CHECK(rows_of(*store->snapshot(), 1) == 3);
}

TEST_CASE("an older format is upgraded step by step, each whole", "[storage][rocks][format]") {
  scratch dir;
  must(must(open_rocks_store_as(dir / "db", small(), 1, {}))->apply({put("k", "v1")}, durability::synced));

  int calls = 0;
  auto renames = [&](std::uint32_t from) {
    return upgrade_step{from, [&calls, from](const model::view& view, const std::string&) -> result<upgrade_part> {
                          ++calls;
                          auto value = view.get(space::state, "k").value_or("lost");
                          return upgrade_part{{put("k", value + " v" + std::to_string(from + 1))}, ""};
                        }};
  };
  upgrade_step refuses{
      2, [](const model::view&, const std::string&) -> result<upgrade_part> { return fail(errc::corrupt, "cannot"); }};

  SECTION("without a step it is refused") {
    auto opened = open_rocks_store_as(dir / "db", small(), 3, {renames(2)});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == errc::unsupported);
    CHECK_THAT(opened.error().text, Catch::Contains("format 1"));
  }
  SECTION("a reader does not upgrade") {
    auto opened = open_rocks_store_as(dir / "db", reader(), 2, {renames(1)});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == errc::unsupported);
    CHECK(calls == 0);
  }
  SECTION("a step that fails leaves the last whole version, and opening again goes on from it") {
    auto opened = open_rocks_store_as(dir / "db", small(), 3, {renames(1), refuses});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == errc::corrupt);
    auto store = must(open_rocks_store_as(dir / "db", small(), 3, {renames(1), renames(2)}));
    CHECK(store->snapshot()->get(space::state, "k") == "v1 v2 v3");
    CHECK(calls == 2);
    store.reset();
    store = must(open_rocks_store_as(dir / "db", small(), 3, {renames(1), renames(2)}));
    CHECK(calls == 2);
  }
}

TEST_CASE("a step of many parts that was cut short begins anew, and until it ends older programs refuse the directory",
          "[storage][rocks][format]") {
  scratch dir;
  must(must(open_rocks_store_as(dir / "db", small(), 1, {}))->apply(numbered(1, 10), durability::synced));
  std::vector<std::string> parts;
  int fail_at = 3;
  const upgrade_step numbers{1, [&](const model::view&, const std::string& next) -> result<upgrade_part> {
                               parts.push_back(next);
                               if (static_cast<int>(parts.size()) == fail_at) return fail(errc::corrupt, "cut short");
                               auto n = next.empty() ? 1 : std::stoi(next) + 1;
                               return upgrade_part{{put("part", std::to_string(n))}, n < 4 ? std::to_string(n) : ""};
                             }};
  REQUIRE_FALSE(open_rocks_store_as(dir / "db", small(), 2, {numbers}));
  CHECK(parts == std::vector<std::string>{"", "1", "2"});
  for (const auto& options : {small(), reader()}) {
    auto older = open_rocks_store_as(dir / "db", options, 1, {});
    REQUIRE_FALSE(older);
    CHECK(older.error().code == errc::unsupported);
  }
  auto unfinished = open_rocks_store_as(dir / "db", reader(), 2, {numbers});
  REQUIRE_FALSE(unfinished);
  CHECK_THAT(unfinished.error().text, Catch::Contains("older format 1"));

  parts.clear();
  fail_at = 0;
  auto store = must(open_rocks_store_as(dir / "db", small(), 2, {numbers}));
  CHECK(parts == std::vector<std::string>{"", "1", "2", "3"});
  CHECK(store->snapshot()->get(space::state, "part") == "4");
  store.reset();
  store = must(open_rocks_store_as(dir / "db", small(), 2, {numbers}));
  CHECK(parts.size() == 4);
}

TEST_CASE("a database that does not say its format is refused", "[storage][rocks][format]") {
  scratch dir;
  for (const char* damage : {"", "\x01", "longer than four"}) {
    {
      auto store = must(open_rocks_store_as(dir / "db", small(), 1, {}));
      const bool remove = *damage == '\0';
      must(store->apply(
          {put("k", "v"), remove ? erase("storage/format", space::meta) : put("storage/format", damage, space::meta)},
          durability::synced));
    }
    CHECK(refusal(dir / "db").code == errc::corrupt);
    fs::remove_all(dir / "db");
  }
}

TEST_CASE("a directory that is not ours is refused in clear words", "[storage][rocks][open]") {
  scratch dir;
  fs::create_directories(dir / "photos");
  std::ofstream(dir / "photos/cat.jpg") << "meow";
  CHECK_THAT(refusal(dir / "photos").text, Catch::Contains("holds no database"));
  CHECK(files_of(dir / "photos", "").size() == 1);  // nothing was added

  std::ofstream(dir / "file") << "x";
  CHECK_THAT(refusal(dir / "file").text, Catch::Contains("not a directory"));
  CHECK_THAT(refusal(dir / "absent", reader()).text, Catch::Contains("does not exist"));
  fs::create_directories(dir / "hollow");
  CHECK_THAT(refusal(dir / "hollow", reader()).text, Catch::Contains("holds no database"));
  CHECK_FALSE(fs::exists(dir / "absent"));
  must(open_rocks_store(dir / "hollow", small()));  // an empty directory is fine
}

TEST_CASE("a second open is refused, in this process and in another", "[storage][rocks][open]") {
  scratch dir;
  auto store = rocks(dir / "db");
  const auto why = refusal(dir / "db");
  CHECK(why.code == errc::storage_failed);
  CHECK_THAT(why.text, Catch::Contains("in use"));
  child other({"open", (dir / "db").string()});
  CHECK(other.wait() == 1);
  CHECK_THAT(other.heard(), Catch::Contains("in use"));
  must(store->apply(numbered(1, 10), durability::synced));
  store.reset();
  child after({"open", (dir / "db").string()});
  CHECK(after.wait() == 0);
}

TEST_CASE("a reader beside a live store sees its files and its WAL, and writes nothing", "[storage][rocks][open]") {
  scratch dir;
  auto store = rocks(dir / "db");
  must(store->apply(numbered(1, 10), durability::synced));
  must(store->compact(space::state, {}, {}));
  must(store->apply(numbered(2, 10), durability::synced));

  auto beside = must(open_rocks_store(dir / "db", reader()));
  CHECK(rows_of(*beside->snapshot(), 1) == 3);
  CHECK(rows_of(*beside->snapshot(), 2) == 3);
  CHECK_FALSE(beside->closed_reason().empty());
  auto refused = beside->apply(numbered(3, 10), durability::synced);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::storage_failed);
  CHECK_FALSE(beside->compact(space::state, {}, {}));

  // The writer goes on, and takes away files the reader holds; the reader's moment stays readable.
  for (int n = 3; n < 200; ++n) must(store->apply(numbered(n, 10'000), durability::synced));
  must(store->compact(space::state, {}, {}));
  auto view = beside->snapshot();
  CHECK(rows_of(*view, 1) == 3);
  CHECK(rows_of(*view, 3) == 0);
  CHECK_FALSE(view->failed());
}

TEST_CASE("a shredded value is gone from every file once its range is compacted", "[storage][rocks][shred]") {
  scratch dir;
  auto store = rocks(dir / "db");
  const std::string kept = "marker-that-stays-0123456789";
  const std::string first = "marker-in-the-first-0123456789";
  const std::string second = "marker-in-the-second-0123456789";
  auto fill = [&](const std::string& prefix) {  // enough for several files and levels
    for (int n = 0; n < 400; ++n) {
      auto name = std::to_string(n);
      must(store->apply({put(prefix + name, std::string(3'000, 'f'), space::sealed), put(prefix + name, "x")},
                        durability::buffered));
    }
  };
  fill("w1");
  must(store->apply(
      {put("w1a", first, space::sealed), put("w1b", second, space::sealed), put("w1k", kept, space::sealed)},
      durability::synced));
  SECTION("settled in the last level before") {
    fill("w2");
    must(store->compact(space::sealed, {}, {}));
    CHECK(files_holding(dir / "db", first) == 1);
  }
  SECTION("still in the WAL") { CHECK(files_holding(dir / "db", first) >= 1); }

  const auto erasure = GENERATE(0, 1);
  if (erasure == 0) must(store->apply({erase("w1a", space::sealed), erase("w1b", space::sealed)}, durability::synced));
  if (erasure == 1) must(store->apply({erase_range("w1a", "w1c", space::sealed)}, durability::synced));
  CHECK(files_holding(dir / "db", first) >= 1);  // an erase alone only hides

  const bool whole = GENERATE(true, false);
  must(whole ? store->compact(space::sealed, {}, {}) : store->compact(space::sealed, "w1", "w2"));
  CHECK(files_holding(dir / "db", first) == 0);
  CHECK(files_holding(dir / "db", second) == 0);
  CHECK(files_holding(dir / "db", kept) == 1);
  CHECK(store->snapshot()->get(space::sealed, "w1k") == kept);
}

TEST_CASE("compaction says when a held snapshot kept erased bytes", "[storage][rocks][shred]") {
  scratch dir;
  auto store = rocks(dir / "db");
  const std::string marker = "marker-under-a-snapshot-0123456789";
  must(store->apply({put("k", marker, space::sealed)}, durability::synced));
  auto held = store->snapshot();
  must(store->apply({erase("k", space::sealed)}, durability::synced));
  auto done = store->compact(space::sealed, {}, {});
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::busy);
  CHECK(held->get(space::sealed, "k") == marker);
  CHECK(store->closed_reason().empty());
  held.reset();
  must(store->compact(space::sealed, {}, {}));
  CHECK(files_holding(dir / "db", marker) == 0);
}

TEST_CASE("a compaction that is told to stop ends and damages nothing, and the store goes on",
          "[storage][rocks][shred]") {
  scratch dir;
  auto store = rocks(dir / "db");
  for (int n = 0; n < 5'000; ++n) must(store->apply(numbered(n, 1'000), durability::buffered));
  must(store->compact(space::sealed, {}, {}));
  const auto settled = files_of(dir / "db", ".sst");
  result<void> last;
  std::thread shredder([&] {
    for (int round = 0; last && round < 10; ++round) last = store->compact(space::sealed, {}, {});
  });
  while (files_of(dir / "db", ".sst") == settled) continue;  // until one is under way
  store->stop_compacting();
  shredder.join();
  REQUIRE_FALSE(last);
  CHECK(last.error().code == errc::busy);
  CHECK(store->closed_reason().empty());
  must(store->apply(numbered(5'000, 10), durability::synced));
  CHECK_FALSE(store->compact(space::sealed, {}, {}));
  store.reset();
  store = rocks(dir / "db");
  CHECK(rows_of(*store->snapshot(), 0) == 3);
  CHECK(rows_of(*store->snapshot(), 5'000) == 3);
  must(store->compact(space::sealed, {}, {}));
}

TEST_CASE("a reader opens beside a writer whose closed WAL is needed still", "[storage][rocks]") {
  scratch dir;
  rocks_options small;
  small.write_buffer_bytes = 3u << 20;  // a third for each space
  auto writer = must(open_rocks_store(dir / "db", small));
  must(writer->apply({put("kept", "in the first WAL alone", space::sealed)}, durability::synced));
  for (int n = 0; files_of(dir / "db", ".log").size() < 2; ++n) {
    REQUIRE(n < 5'000);
    must(writer->apply({put("row " + std::to_string(n), std::string(1'000, 'r'))}, durability::synced));
  }
  auto reader = small;
  reader.read_only = true;
  auto seen = must(open_rocks_store(dir / "db", reader))->snapshot();
  CHECK(seen->get(space::sealed, "kept") == "in the first WAL alone");
}

TEST_CASE("no file but RocksDB's own appears, and no log of it", "[storage][rocks]") {
  scratch dir;
  auto store = rocks(dir / "db");
  for (int n = 0; n < 300; ++n) must(store->apply(numbered(n, 5'000), durability::buffered));
  must(store->compact(space::state, {}, {}));
  for (const auto& each : fs::directory_iterator(dir / "db")) {
    CHECK_FALSE(each.path().filename().string().starts_with("LOG"));
  }
}
