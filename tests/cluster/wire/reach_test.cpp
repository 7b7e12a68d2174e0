#include "cluster/wire/reach.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace nacre::cluster::wire;
using std::chrono::milliseconds;

TEST_CASE("an address is a host and a port", "[wire]") {
  CHECK(parse_endpoint("node-1.example:7000") == endpoint{"node-1.example", 7000});
  CHECK(parse_endpoint("10.0.0.1:65535") == endpoint{"10.0.0.1", 65'535});
  CHECK(parse_endpoint("[::1]:7000") == endpoint{"::1", 7000});
  for (const auto* bad :
       {"", ":", "host", "host:", ":7000", "host:0", "host:65536", "host:7x", "::1:7000", "a b:1", "[]:1"})
    CHECK_FALSE(parse_endpoint(bad));
}

TEST_CASE("what listens is reached, and what does not is told", "[wire]") {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  socklen_t size = sizeof at;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
  const endpoint where{"localhost", ntohs(at.sin_port)};
  const auto closed = reach(where, milliseconds(1'000));
  REQUIRE_FALSE(closed);
  CHECK(closed.error().text == "nothing answers at its address: Connection refused");
  REQUIRE(::listen(fd, 1) == 0);
  const auto found = reach(where, milliseconds(1'000));
  REQUIRE(found);
  CHECK(*found == endpoint{"127.0.0.1", where.port});
  ::close(fd);
}
