#pragma once
// What the crypto tests share: hex, a seeded generator that tells its seed, a directory that goes away.

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

#include "crypto/digest.hpp"
#include "crypto/keyring.hpp"

namespace nacre::crypto::test {

// Only for test data: the bytes are not wiped.
inline std::string bytes(std::string_view hex) {
  auto out = from_hex(hex);
  if (!out) throw std::invalid_argument("not hex");
  return *out;
}

inline std::string bytes_of(const secure_bytes& b) { return std::string{b.view()}; }

// What must have worked. Not inlined: g++ 12 at -O2 otherwise warns of a wrong free where a
// temporary result dies (-Wfree-nonheap-object).
template <class T>
[[gnu::noinline]] T value(result<T>&& r) {
  REQUIRE(r);
  return std::move(*r);
}

// Replay a failure with --rng-seed and the number printed here.
class random_source {
 public:
  explicit random_source(const char* test) : engine_(Catch::rngSeed()) {
    std::cout << test << ": --rng-seed " << Catch::rngSeed() << '\n';
  }
  std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>{0, end - 1}(engine_); }
  std::string bytes(std::size_t size) {
    std::string out(size, '\0');
    for (auto& c : out) c = static_cast<char>(below(256));
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

class temporary_directory {
 public:
  temporary_directory() {
    auto name = (std::filesystem::temp_directory_path() / "nacre-crypto-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline const std::string root_hex_a = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
inline const std::string root_hex_b = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

inline std::shared_ptr<const key_provider> provider(const std::string& root_hex) {
  ::setenv("NACRE_TEST_ROOT_KEY", root_hex.c_str(), 1);
  auto opened = open_key_provider("env:NACRE_TEST_ROOT_KEY");
  REQUIRE(opened);
  return std::move(*opened);
}

inline keyring fresh_keyring() { return keyring{provider(root_hex_a), make_service_keys()}; }

inline workspace_id workspace(std::uint8_t n) {
  uuid id;
  id.bytes.fill(n);
  return workspace_id{id};
}

inline uuid record(std::uint8_t n) { return workspace(n).value(); }

}  // namespace nacre::crypto::test
