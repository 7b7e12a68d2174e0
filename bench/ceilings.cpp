#include "bench/ceilings.hpp"

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "http/server.hpp"

namespace nacre::bench {

namespace {

using steady = std::chrono::steady_clock;
constexpr std::size_t value_bytes = 300, pool_bytes = 1u << 20;

double process_cpu_s() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace

struct synced_puts::impl {
  std::unique_ptr<rocksdb::DB> db;
  std::string pool;  // values are pieces of it: random, and no time spent on making them
};

synced_puts::synced_puts(const std::filesystem::path& directory) : impl_(std::make_unique<impl>()) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.recycle_log_file_num = 0;
  options.db_write_buffer_size = 48u << 20;
  rocksdb::DB* opened = nullptr;
  if (auto status = rocksdb::DB::Open(options, directory.string(), &opened); !status.ok())
    throw std::runtime_error("the ceiling's database: " + status.ToString());
  impl_->db.reset(opened);
  std::mt19937_64 random{42};
  impl_->pool.resize(pool_bytes + value_bytes);
  for (auto& c : impl_->pool) c = static_cast<char>(random());
}

synced_puts::~synced_puts() = default;

synced_puts::result synced_puts::run(std::size_t threads, std::chrono::milliseconds for_time) {
  std::vector<result> parts(threads);
  auto cpu = process_cpu_s();
  auto begin = steady::now(), end = begin + for_time;
  {
    std::vector<std::jthread> writers;
    for (std::size_t i = 0; i < threads; ++i)
      writers.emplace_back([&, i] {
        auto& mine = parts[i];
        std::mt19937_64 random{std::random_device{}() + i};
        rocksdb::WriteOptions write;
        write.sync = true;
        for (auto now = steady::now(); now < end;) {
          std::uint64_t key[2] = {random(), random()};
          auto value = impl_->pool.data() + random() % pool_bytes;
          auto status = impl_->db->Put(write, rocksdb::Slice(reinterpret_cast<const char*>(key), sizeof key),
                                       rocksdb::Slice(value, value_bytes));
          auto then = steady::now();
          if (!status.ok()) {
            ++mine.failed;
          } else if (then <= end) {
            ++mine.puts;
            mine.latency_ns.push_back(static_cast<std::uint32_t>(
                std::min<std::int64_t>(UINT32_MAX, std::chrono::nanoseconds(then - now).count())));
          }
          now = then;
        }
      });
  }
  result all;
  for (auto& part : parts) {
    all.puts += part.puts;
    all.failed += part.failed;
    all.latency_ns.insert(all.latency_ns.end(), part.latency_ns.begin(), part.latency_ns.end());
  }
  all.seconds = std::chrono::duration<double>(for_time).count();
  all.cpu_s = process_cpu_s() - cpu;
  return all;
}

int run_bare_listener(std::size_t threads) {
  sigset_t stop;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, SIGTERM);
  ::sigaddset(&stop, SIGINT);
  ::sigprocmask(SIG_BLOCK, &stop, nullptr);
  http::server_config config;
  config.port = 0;
  config.threads = threads;
  auto server =
      http::make_pistache_server(config, [](http::request, http::responder answer) { std::move(answer)({}); }, {});
  if (auto started = server->start(); !started) {
    (void)std::fprintf(stderr, "bare listener: %s\n", started.error().text.c_str());
    return 69;
  }
  std::printf("ready http://127.0.0.1:%u\n", static_cast<unsigned>(server->port()));
  (void)std::fflush(stdout);
  int signal = 0;
  sigwait(&stop, &signal);
  server->drain(std::chrono::seconds(5));
  return 0;
}

}  // namespace nacre::bench
