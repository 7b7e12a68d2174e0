#pragma once
// What guests send who share texts and who read them, and which secrets nobody has read yet.

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/fill_secrets.hpp"
#include "bench/load.hpp"
#include "bench/stand.hpp"

namespace nacre::bench {

// `text` must need no escapes.
inline std::string conceal_request(std::string_view text) {
  return make_request("POST", "/api/v2/guest/secret/conceal", {}, {},
                      R"({"secret":{"secret":")" + std::string(text) + R"("}})");
}

// The request of a reveal, with a place for the link.
class reveal_request {
 public:
  explicit reveal_request(std::string_view body) {
    const std::string path = "/api/v2/guest/secret/", none(crypto::identifier_chars, '-');
    bytes_ = make_request("POST", path + none + "/reveal", {}, {}, body);
    at_ = bytes_.find(none);
  }
  std::string_view of(const link& which) {
    std::copy(which.begin(), which.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at_));
    return bytes_;
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

// Links of secrets nobody has revealed yet.
class unread {
 public:
  explicit unread(std::vector<link> all) : all_(std::move(all)) {}
  std::size_t count() const { return all_.size(); }
  // The link in the answer to a conceal; false: there is none.
  bool take_in(std::string_view answer) {
    auto said = quoted_after(answer, R"("secret_identifier":")");
    link l{};
    if (said.size() != l.size()) return false;
    std::copy(said.begin(), said.end(), l.begin());
    all_.push_back(l);
    return true;
  }
  link draw() {
    std::swap(all_[random_() % all_.size()], all_.back());
    auto l = all_.back();
    all_.pop_back();
    return l;
  }

 private:
  std::vector<link> all_;
  std::mt19937_64 random_{7};
};

}  // namespace nacre::bench
