#pragma once
// etcd's ordinary door, as fast as it goes: Put calls of gRPC over HTTP/2 without TLS.
//
// One thread; on each connection some streams, each with one Put outstanding: a closed loop, as load.hpp's. What a
// client library would do besides is left out, for it runs on the machine that is measured. A Put counts when a
// PutResponse with a revision came and the stream ended: an error of gRPC has no message.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/load.hpp"

namespace nacre::bench {

struct put_plan {
  std::vector<std::uint16_t> ports;  // connections go to them in turn
  std::size_t connections = 64, streams = 1;
  std::chrono::milliseconds for_time{3'000};
  std::size_t value_bytes = 256;
};

// `key` numbers the keys, 8 bytes each, and goes on where the last run ended.
load_result run_puts(const put_plan& plan, std::uint64_t& key);

}  // namespace nacre::bench
