// What crosses from other threads to a reactor, when the reactor has gone.

#include <catch2/catch.hpp>
#include <memory>

#include "http/transport/reactor.hpp"

using namespace nacre;
using nacre::http::transport::inbox;

namespace {

// Work that holds what has work of its own for the inbox when it goes, as a request's responder does.
struct leaving {
  std::shared_ptr<inbox> box;
  int* left;
  ~leaving() {
    if (!box) return;
    ++*left;
    box->post([] {});
  }
  leaving(std::shared_ptr<inbox> to, int* count) : box(std::move(to)), left(count) {}
  leaving(leaving&& o) noexcept : box(std::move(o.box)), left(o.left) {}
};

}  // namespace

TEST_CASE("work for a reactor that has gone is dropped, with all it holds, and nobody waits", "[server][inbox]") {
  Pistache::Polling::Epoll poller;
  auto box = std::make_shared<inbox>();
  box->bind(poller);
  int left = 0, done = 0;
  for (int i = 0; i < 3; ++i) box->post([held = leaving(box, &left), &done] { ++done; });
  CHECK(left == 0);
  box->close();
  CHECK(left == 3);
  box->post([held = leaving(box, &left), &done] { ++done; });
  CHECK(left == 4);
  CHECK(done == 0);
  CHECK(box.use_count() == 1);
}

TEST_CASE("answers and work are taken together, in the order they came", "[server][inbox]") {
  Pistache::Polling::Epoll poller;
  auto box = std::make_shared<inbox>();
  box->bind(poller);
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) box->post([&order, i] { order.push_back(i); });
  std::vector<std::shared_ptr<http::transport::ticket>> answered;
  std::vector<unique_function<void()>> work;
  box->take(answered, work);
  for (auto& each : work) each();
  CHECK(order == std::vector<int>{0, 1, 2});
  work.clear();
  box->take(answered, work);
  CHECK(work.empty());
  CHECK(answered.empty());
}
