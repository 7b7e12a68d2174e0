// The other process of tests/storage/rocks_store.cpp. Exit code 0: all promises held; 77: this
// machine does not permit the set-up; anything else: what went wrong is on standard error.
//
//   storage_child write DIR FIRST        synced batches from FIRST on; prints each number once acknowledged
//   storage_child open DIR               0 if it opens, 1 with the text if not
//   storage_child full-tmpfs DIR         fills a small file system of its own, mounted at DIR
//   storage_child full-limit DIR         fills up to a file size limit instead

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>

#include "tests/storage/support.hpp"

using namespace nacre;
using namespace nacre::storage;
using namespace nacre::storage::testing;

namespace {

constexpr int not_permitted = 77;

int wrong(const std::string& what) {
  std::cerr << what << '\n';
  return 1;
}

int write_for_ever(const fs::path& at, int first) {
  auto store = rocks(at);
  for (int n = first;; ++n) {
    must(store->apply(numbered(n, 300), durability::synced));
    const auto line = std::to_string(n) + "\n";
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) return wrong("the pipe is gone");
  }
}

int full_disk(const fs::path& at, const std::function<void()>& make_room) {
  int failed_at = 0;
  {
    auto store = rocks(at);
    for (int n = 1; n < 10'000 && failed_at == 0; ++n) {
      auto done = store->apply(numbered(n, 20'000), durability::synced);
      if (done) continue;
      if (done.error().code != errc::storage_failed) return wrong("another error: " + done.error().text);
      failed_at = n;
    }
    if (failed_at < 10) return wrong("the disk was full at batch " + std::to_string(failed_at));
    if (store->closed_reason().empty()) return wrong("still open for writes");
    std::cerr << "closed at batch " << failed_at << ": " << store->closed_reason() << '\n';
    make_room();
    auto refused = store->apply(numbered(20'000, 10), durability::synced);
    if (refused || refused.error().text != store->closed_reason()) return wrong("took a write after it had closed");
    auto view = store->snapshot();
    for (int n = 1; n < failed_at; ++n) {
      if (rows_of(*view, n) != 3) return wrong("reads stopped: batch " + std::to_string(n));
    }
    if (view->failed()) return wrong("the view failed");
  }
  auto store = rocks(at);
  auto view = store->snapshot();
  for (int n = 1; n < failed_at; ++n) {
    if (rows_of(*view, n) != 3) return wrong("lost batch " + std::to_string(n));
  }
  const int left = rows_of(*view, failed_at);
  if (left != 0 && left != 3) return wrong("half a batch after reopening");
  if (rows_of(*view, 20'000) != 0) return wrong("a refused batch is there");
  must(store->apply(numbered(20'001, 10), durability::synced));
  return 0;
}

int full_tmpfs(const fs::path& at) {
  fs::create_directories(at);
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=16m") != 0) {
    return not_permitted;
  }
  // Room to start again with, as an operator would make it.
  std::ofstream(at / "ballast") << std::string(6u << 20, 'b');
  return full_disk(at / "db", [&] { fs::remove(at / "ballast"); });
}

int full_limit(const fs::path& at) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit low = before;
  low.rlim_cur = 600u << 10;
  if (::setrlimit(RLIMIT_FSIZE, &low) != 0) return not_permitted;
  return full_disk(at, [&] { ::setrlimit(RLIMIT_FSIZE, &before); });
}

}  // namespace

int main(int count, char** words) try {
  if (count < 3) return wrong("usage: storage_child write|open|full-tmpfs|full-limit DIR [FIRST]");
  const std::string what = words[1];
  const fs::path at = words[2];
  if (what == "write" && count == 4) return write_for_ever(at, std::stoi(words[3]));
  if (what == "full-tmpfs") return full_tmpfs(at);
  if (what == "full-limit") return full_limit(at);
  if (what == "open") {
    auto opened = open_rocks_store(at, small());
    return opened ? 0 : wrong(opened.error().text);
  }
  return wrong("unknown: " + what);
} catch (const std::exception& error) {
  return wrong(error.what());
}
