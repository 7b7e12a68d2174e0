#pragma once
// The load generator: one thread, keep-alive connections, one request outstanding on each.
//
// Lean on purpose (it shares the machine with what it measures): requests are ready-made bytes, of an
// answer only status and Content-Length are read, the rest is left to `check`. A closed loop: the next
// request of a connection leaves when its answer is here, so latency is `connections / throughput`
// when the node is busy, and a stall shows in the tail of as many requests as there are connections.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nacre::bench {

struct load_plan {
  std::uint16_t port = 0;
  std::vector<std::uint16_t> ports;  // instead: connections go to them in turn
  std::size_t connections = 64;
  std::chrono::milliseconds for_time{3'000};
  std::uint64_t requests_max = UINT64_MAX;  // ends earlier when so many have been sent
  std::chrono::milliseconds pause{0};       // of a connection between an answer and its next request
  const std::atomic<bool>* stop = nullptr;  // ends earlier once this is true
  int expected_status = 200;
  // The bytes of the next request on a connection; they must stay until the next call for it.
  std::function<std::string_view(std::size_t connection)> next;
  // Whether the body of an expected answer is right; may be empty.
  std::function<bool(std::size_t connection, std::string_view body)> check;
};

struct load_result {
  std::uint64_t answered = 0;               // as expected, within the time
  std::uint64_t failed = 0;                 // another status, a wrong body, a broken connection
  std::map<int, std::uint64_t> unexpected;  // by status; 0: connection broken or no HTTP; -1: wrong body
  double seconds = 0;
  double generator_cpu_s = 0;  // near `seconds`: the generator, not the node, set the pace
  std::vector<std::uint32_t> latency_ns;

  double per_second() const { return seconds > 0 ? static_cast<double>(answered) / seconds : 0; }
  double percentile_ms(double p);  // sorts
};

load_result run_load(const load_plan& plan);

// One request and its answer, for setting the stage. Status 0: no answer.
struct one_answer {
  int status = 0;
  std::string body;
};
one_answer ask(std::uint16_t port, std::string_view request);

std::string make_request(std::string_view method, std::string_view target, std::string_view token = {},
                         std::string_view workspace = {}, std::string_view body = {});

}  // namespace nacre::bench
