#pragma once
// What the targets that open sealed bytes share: keys nobody else has, and one change to what was sealed.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "crypto/keyring.hpp"
#include "tests/fuzz/check.hpp"

namespace nacre::fuzz {

// Not the root key of tests/golden: the samples among the seeds must not open either.
inline std::shared_ptr<const crypto::key_provider> make_root() {
  ::setenv("NACRE_FUZZ_ROOT_KEY", "f0f1f2f3f4f5f6f7f8f90a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 1);
  auto opened = crypto::open_key_provider("env:NACRE_FUZZ_ROOT_KEY");
  NACRE_FUZZ_CHECK(opened);
  return std::move(*opened);
}

inline crypto::data_key make_key(const crypto::keyring& keys) {
  auto key = keys.open_data_key({}, 1, keys.make_data_key({}, 1));
  NACRE_FUZZ_CHECK(key);
  return std::move(*key);
}

// Flips, cuts, extends or shortens; seldom the same again.
inline std::string changed(std::string sealed, std::uint32_t where, std::uint32_t how) {
  const auto at = where % sealed.size();
  switch (how % 4) {
    case 0:
      sealed[at] = static_cast<char>(sealed[at] ^ (1 << (how >> 8) % 8));
      break;
    case 1:
      sealed.resize(at);
      break;
    case 2:
      sealed.insert(at, 1, static_cast<char>(how >> 8));
      break;
    default:
      sealed.erase(at, 1);
  }
  return sealed;
}

}  // namespace nacre::fuzz
