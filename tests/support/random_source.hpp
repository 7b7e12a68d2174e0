#pragma once
// Random values for tests. The seed is printed; NACRE_TEST_SEED=<seed> repeats a run.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "model/ids.hpp"
#include "model/time.hpp"

namespace nacre::testing {

inline std::uint64_t announced_seed(const char* what) {
  const char* given = std::getenv("NACRE_TEST_SEED");
  std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << what << ": NACRE_TEST_SEED=" << seed << std::endl;
  return seed;
}

class random_source {
 public:
  explicit random_source(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t any() { return engine_(); }
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  std::uint32_t u32() { return static_cast<std::uint32_t>(any()); }
  std::string bytes(std::size_t at_most) {
    std::string s(below(at_most + 1), '\0');
    for (auto& c : s) c = static_cast<char>(any());
    return s;
  }
  template <std::size_t N>
  std::array<std::uint8_t, N> array() {
    std::array<std::uint8_t, N> a{};
    for (auto& b : a) b = static_cast<std::uint8_t>(any());
    return a;
  }
  uuid id() { return uuid{array<16>()}; }
  template <class Id>
  Id id_as() {
    return Id{id()};
  }
  // Any storable time, often one of the bounds.
  timestamp time() {
    if (one_in(16)) return one_in(2) ? time_min : time_max;
    auto span = static_cast<std::uint64_t>(time_max.value() - time_min.value()) + 1;
    return after(time_min, static_cast<std::int64_t>(below(span)));
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace nacre::testing
