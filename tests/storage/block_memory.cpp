#include "storage/block_memory.hpp"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <set>
#include <thread>
#include <utility>
#include <vector>

using nacre::storage::block_memory;

namespace {

constexpr auto place = block_memory::place_bytes;

}  // namespace

TEST_CASE("blocks about as large as a place lie in places, others do not", "[storage][block_memory]") {
  block_memory memory(10 * place);
  for (auto [bytes, in_place] : {std::pair{place, true}, std::pair{place / 2 + 1, true}, std::pair{place + 1, false},
                                 std::pair{place / 2, false}, std::pair<std::size_t, bool>{1, false}}) {
    INFO(bytes);
    auto* block = memory.take(bytes);
    std::memset(block, 1, bytes);
    CHECK(memory.is_place(block) == in_place);
    CHECK(memory.usable(block, bytes) == (in_place ? place : bytes));
    memory.give_back(block);
  }
}

TEST_CASE("what finds all places taken is held all the same", "[storage][block_memory]") {
  block_memory memory(3 * place + 1);
  std::set<void*> all;
  for (int i = 0; i < 5; ++i) all.insert(memory.take(place));
  CHECK(all.size() == 5);
  CHECK(std::count_if(all.begin(), all.end(), [&](auto* block) { return memory.is_place(block); }) == 3);
  for (auto* block : all) memory.give_back(block);
  for (int i = 0; i < 3; ++i) CHECK(memory.is_place(memory.take(place)));
}

TEST_CASE("the place left last is taken first", "[storage][block_memory]") {
  block_memory memory(8 * place);
  auto *one = memory.take(place), *two = memory.take(place);
  memory.give_back(one);
  memory.give_back(two);
  CHECK(memory.take(place) == two);
  CHECK(memory.take(place) == one);
}

TEST_CASE("memory for no place at all is the heap", "[storage][block_memory]") {
  block_memory memory(place - 1);
  auto* block = memory.take(place);
  CHECK_FALSE(memory.is_place(block));
  memory.give_back(block);
}

TEST_CASE("no place is given to two at once, by however many threads", "[storage][block_memory]") {
  block_memory memory(64 * place);
  std::vector<std::thread> threads;
  std::atomic<int> broken = 0;
  for (unsigned char mine = 1; mine <= 4; ++mine)
    threads.emplace_back([&, mine] {
      for (int round = 0; round < 2'000; ++round) {
        std::vector<unsigned char*> held;
        for (int i = 0; i < 20; ++i) {  // together more than there are
          held.push_back(static_cast<unsigned char*>(memory.take(place)));
          held.back()[0] = held.back()[place - 1] = mine;
        }
        for (auto* block : held) {
          if (block[0] != mine || block[place - 1] != mine) ++broken;
          memory.give_back(block);
        }
      }
    });
  for (auto& each : threads) each.join();
  CHECK(broken == 0);
}
