// The server on a real socket: what only shows with a kernel in between.

#include "http/server.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "tests/support/raw_http.hpp"

using namespace nacre::http;
using nacre::test::raw_http;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

namespace {

const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

// Answers from other threads, like actors do.
class workers {
 public:
  explicit workers(int count) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { run(); });
  }
  ~workers() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (auto& t : threads_) t.join();
  }
  void post(responder to, response r) {
    {
      std::lock_guard lock(mutex_);
      queue_.emplace_back(std::move(to), std::move(r));
    }
    changed_.notify_one();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stop_ || !queue_.empty(); });
      if (queue_.empty()) return;
      auto [to, r] = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      std::move(to)(std::move(r));
      lock.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<responder, response>> queue_;
  std::vector<std::thread> threads_;
  bool stop_ = false;
};

// Responders that tests answer when they like.
struct parked {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<responder> waiting;

  void park(responder r) {
    {
      std::lock_guard lock(mutex);
      waiting.push_back(std::move(r));
    }
    changed.notify_all();
  }
  std::vector<responder> take(std::size_t count) {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, 20s, [&] { return waiting.size() >= count; }));
    return std::exchange(waiting, {});
  }
};

response text(std::string body) {
  response r;
  r.body = std::move(body);
  return r;
}

struct fixture {
  workers pool{2};
  parked park;
  server_config config;
  std::unique_ptr<server> serving;

  fixture() { config.port = 0; }
  // Before the members a handler uses.
  ~fixture() { serving.reset(); }

  std::uint16_t start() {
    serving = make_pistache_server(config,
                                   [this](request r, responder to) {
                                     if (r.path == "/park") return park.park(std::move(to));
                                     if (r.path == "/drop") return;
                                     if (r.path == "/throw") throw std::runtime_error("a defect");
                                     if (r.path == "/big") return std::move(to)(text(std::string(20'000'000, 'x')));
                                     if (r.path == "/100k") return std::move(to)(text(std::string(100'000, 'x')));
                                     response echo = text(r.query + r.body + (r.path == "/who" ? r.client.text : ""));
                                     if (r.path == "/async") return pool.post(std::move(to), std::move(echo));
                                     std::move(to)(std::move(echo));
                                   },
                                   {});
    const auto started = serving->start();
    if (!started) FAIL(started.error().text);
    return serving->port();
  }
};

template <class Condition>
bool eventually(Condition met, std::chrono::milliseconds within = 20s) {
  const auto until = steady::now() + within;
  std::mutex m;
  std::condition_variable never;
  std::unique_lock lock(m);
  while (!met()) {
    if (steady::now() > until) return false;
    never.wait_for(lock, 2ms);  // a bounded poll of a counter another thread moves
  }
  return true;
}

std::chrono::milliseconds since(steady::time_point t) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - t);
}

}  // namespace

TEST_CASE("an answer carries length, date and request id, and the connection stays", "[server]") {
  fixture f;
  raw_http c{f.start()};
  std::string last;
  for (int i = 0; i < 3; ++i) {
    const auto a = c.exchange("GET /a?x HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(a);
    CHECK(a->status == 200);
    CHECK(a->body == "x");
    CHECK(a->find("Connection") == nullptr);
    REQUIRE(a->find("Date") != nullptr);
    CHECK(a->find("Date")->size() == 29);
    REQUIRE(a->find("X-Request-Id") != nullptr);
    CHECK(a->find("X-Request-Id")->size() == 36);
    CHECK(*a->find("X-Request-Id") != last);
    last = *a->find("X-Request-Id");
  }
  CHECK(f.serving->stats().connections_total == 1);
  CHECK(f.serving->stats().requests_total == 3);
}

TEST_CASE("300 pipelined requests, some answered by other threads, are answered in order", "[server]") {
  fixture f;
  f.config.threads = GENERATE(1U, 2U);
  raw_http c{f.start()};
  std::string all;
  for (int i = 0; i < 300; ++i)
    all += "GET " + std::string(i % 3 == 1 ? "/async" : "/sync") + "?" + std::to_string(i) +
           " HTTP/1.1\r\nHost: h\r\n\r\n";
  REQUIRE(c.send(all));
  for (int i = 0; i < 300; ++i) {
    const auto a = c.receive();
    REQUIRE(a);
    REQUIRE(a->body == std::to_string(i));
  }
}

TEST_CASE("Connection: close and HTTP/1.0 really close", "[server]") {
  fixture f;
  const auto port = f.start();
  for (const char* r : {"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET /a HTTP/1.0\r\n\r\n",
                        "GET /async HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"}) {
    raw_http c{port};
    const auto a = c.exchange(r);
    REQUIRE(a);
    CHECK(*a->find("Connection") == "close");
    CHECK(c.ends());
  }
}

TEST_CASE("HEAD sends no body and leaves the connection in step", "[server]") {
  fixture f;
  raw_http c{f.start()};
  REQUIRE(c.send("HEAD /a?four HTTP/1.1\r\nHost: h\r\n\r\n" + get));
  const auto head = c.receive(true);
  REQUIRE(head);
  CHECK(*head->find("Content-Length") == "4");
  const auto next = c.receive();
  REQUIRE(next);
  CHECK(next->status == 200);
}

TEST_CASE("a client that expects 100-continue is told to go on", "[server]") {
  fixture f;
  raw_http c{f.start()};
  REQUIRE(c.send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
  const auto go = c.receive();
  REQUIRE(go);
  REQUIRE(go->status == 100);
  const auto a = c.exchange("abc");
  REQUIRE(a);
  CHECK(a->body == "abc");
}

TEST_CASE("a half-closed client still gets its answer, then the end", "[server]") {
  fixture f;
  const auto port = f.start();
  for (const char* path : {"/sync", "/async"}) {
    raw_http c{port};
    REQUIRE(c.send("GET " + std::string(path) + "?q HTTP/1.1\r\nHost: h\r\n\r\n"));
    c.half_close();
    const auto a = c.receive();
    REQUIRE(a);
    CHECK(a->body == "q");
    CHECK(c.ends());
  }
}

TEST_CASE("an error is answered before the connection ends, also while the client still sends", "[server]") {
  fixture f;
  const auto port = f.start();
  for (int i = 0; i < 50; ++i) {
    raw_http c{port};
    REQUIRE(c.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 999999\r\n\r\n"));
    c.send(std::string(200'000, 'x'));
    const auto a = c.receive();
    REQUIRE(a);
    CHECK(a->status == 413);
    CHECK(c.ends());
  }
  CHECK(f.serving->stats().parse_errors == 50);
}

TEST_CASE("a responder dropped, or a handler that throws, is a 500 and not a hang", "[server]") {
  fixture f;
  raw_http c{f.start()};
  for (const char* path : {"/drop", "/throw"}) {
    const auto a = c.exchange("GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(a);
    CHECK(a->status == 500);
    CHECK(a->body.find("defect") == std::string::npos);
  }
  REQUIRE(c.send("GET /park HTTP/1.1\r\nHost: h\r\n\r\n"));
  f.park.take(1).clear();  // destroyed on another thread
  const auto a = c.receive();
  REQUIRE(a);
  CHECK(a->status == 500);
}

TEST_CASE("a late answer is dropped: the client got 503 and its next answer is its own", "[server]") {
  fixture f;
  f.config.request_timeout = 200ms;
  raw_http c{f.start()};
  const auto begin = steady::now();
  const auto a = c.exchange("GET /park HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(a);
  CHECK(a->status == 503);
  CHECK(a->find("Retry-After") != nullptr);
  CHECK(since(begin) >= 200ms);
  CHECK(f.serving->stats().timeouts == 1);
  auto late = f.park.take(1);
  REQUIRE(c.send("GET /park HTTP/1.1\r\nHost: h\r\n\r\n"));
  auto current = f.park.take(1);
  std::move(late[0])(text("late"));
  std::move(current[0])(text("own"));
  const auto own = c.receive();
  REQUIRE(own);
  CHECK(own->body == "own");
  CHECK(f.serving->stats().inflight == 0);
}

TEST_CASE("slow headers, slow bodies and drip feeds end at their deadlines", "[server]") {
  fixture f;
  f.config.header_timeout = 300ms;
  f.config.body_timeout = 300ms;
  const auto port = f.start();
  const auto drip = [&](const std::string& opening) {
    raw_http c{port};
    const auto begin = steady::now();
    REQUIRE(c.send(opening));
    std::optional<nacre::test::raw_answer> a;
    while (since(begin) < 10s && !c.readable(20ms)) c.send("x");
    a = c.receive();
    REQUIRE(a);
    CHECK(a->status == 408);
    CHECK(since(begin) >= 250ms);
    CHECK(since(begin) < 5s);
  };
  drip("GET /");
  drip("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 30000\r\n\r\n");
}

TEST_CASE("an idle connection is closed, silently", "[server]") {
  fixture f;
  f.config.idle_timeout = 300ms;
  f.config.header_timeout = 300ms;
  const auto port = f.start();
  raw_http fresh{port};
  CHECK(fresh.ends());
  raw_http used{port};
  REQUIRE(used.exchange(get));
  CHECK(used.ends());
  CHECK(eventually([&] { return f.serving->stats().connections_open == 0; }));
}

TEST_CASE("a client that does not read stalls only itself, and not for ever", "[server]") {
  fixture f;
  f.config.write_timeout = 1s;
  const auto port = f.start();
  raw_http big{port, 4096};
  REQUIRE(big.send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n"));
  raw_http many{port, 4096};
  std::string all;
  for (int i = 0; i < 300; ++i) all += "GET /100k HTTP/1.1\r\nHost: h\r\n\r\n";
  REQUIRE(many.send(all));
  raw_http neighbour{port};
  for (int i = 0; i < 200; ++i) {
    const auto begin = steady::now();
    REQUIRE(neighbour.exchange(get));
    CHECK(since(begin) < 1s);
  }
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  CHECK(eventually([&] { return f.serving->stats().timeouts == 2; }));
  ::getrusage(RUSAGE_SELF, &after);
  // Waiting for a reader costs no processor time.
  const auto used =
      (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1'000'000 + after.ru_utime.tv_usec - before.ru_utime.tv_usec;
  CHECK(used < 800'000);
}

TEST_CASE("a slow reader gets all of a large answer", "[server]") {
  fixture f;
  raw_http c{f.start(), 4096};
  for (int i = 0; i < 2; ++i) {
    const auto a = c.exchange("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(a);
    CHECK(a->body.size() == 20'000'000);
  }
}

TEST_CASE("2,000 idle connections do not keep others from being served", "[server]") {
  fixture f;
  const auto port = f.start();
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  REQUIRE(limit.rlim_cur >= 4'200);  // start() raised it
  std::vector<raw_http> idle;
  for (int i = 0; i < 2'000; ++i) {
    idle.emplace_back(port);
    REQUIRE(idle.back());
  }
  REQUIRE(eventually([&] { return f.serving->stats().connections_open == 2'000; }));
  raw_http c{port};
  for (int i = 0; i < 50; ++i) REQUIRE(c.exchange(get));
  for (auto& i : idle) REQUIRE(i.exchange(get));
  CHECK(f.serving->stats().requests_total == 2'050);
  idle.clear();
  CHECK(eventually([&] { return f.serving->stats().connections_open == 1; }));
}

TEST_CASE("beyond a cap a connection is told 503, and a place given back is usable", "[server]") {
  fixture f;
  const bool per_address = GENERATE(false, true);
  (per_address ? f.config.connections_per_address_max : f.config.connections_max) = 3;
  const auto port = f.start();
  std::vector<raw_http> held;
  for (int i = 0; i < 3; ++i) {
    held.emplace_back(port);
    REQUIRE(held.back().exchange(get));
  }
  raw_http refused{port};
  const auto a = refused.receive();
  REQUIRE(a);
  CHECK(a->status == 503);
  CHECK(a->find("X-Request-Id") != nullptr);
  CHECK(refused.ends());
  CHECK(f.serving->stats().connections_refused == 1);
  held.pop_back();
  REQUIRE(eventually([&] { return f.serving->stats().connections_open == 2; }));
  raw_http again{port};
  CHECK(again.exchange(get));
}

TEST_CASE("out of files the server waits, and serves when there are some again", "[server]") {
  fixture f;
  const auto port = f.start();
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  std::vector<raw_http> held;
  held.emplace_back(port);
  REQUIRE(held.back().exchange(get));
  // Clients get their descriptors first; the server then has a handful left to accept with.
  for (int i = 0; i < 40; ++i) held.emplace_back(port);
  REQUIRE(eventually([&] { return f.serving->stats().connections_open == 41; }));
  raw_http late{port};
  REQUIRE(late.exchange(get));
  late.close();
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(held.back().fd()) + 4;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  std::vector<raw_http> more;
  for (int i = 0; i < 60; ++i) {
    raw_http c{port};
    if (c) more.push_back(std::move(c));
  }
  CHECK(held[0].exchange(get));  // served while nobody can be accepted
  more.clear();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  raw_http after{port};
  REQUIRE(after);
  CHECK(after.exchange(get));
}

TEST_CASE("X-Forwarded-For is believed from trusted proxies only", "[server]") {
  const std::string who = "GET /who HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n";
  {
    fixture f;
    raw_http c{f.start()};
    CHECK(c.exchange(who)->body == "127.0.0.1");
  }
  fixture f;
  f.config.trusted_proxies = {"127.0.0.0/8"};
  raw_http c{f.start()};
  CHECK(c.exchange(who)->body == "203.0.113.9");
}

TEST_CASE("drain answers what is in flight, ends what is idle and takes nothing new", "[server]") {
  fixture f;
  const auto port = f.start();
  raw_http busy{port}, idle{port};
  REQUIRE(idle.exchange(get));
  REQUIRE(busy.send("GET /park HTTP/1.1\r\nHost: h\r\n\r\n"));
  auto waiting = f.park.take(1);
  std::atomic<bool> drained{false};
  std::thread draining([&] { drained = f.serving->drain(10s); });
  CHECK(idle.ends());
  {
    raw_http late{port};
    const auto a = late.receive();
    CHECK((!a || a->status == 503));
    CHECK(late.ends());
  }
  std::move(waiting[0])(text("finished"));
  const auto a = busy.receive();
  busy.close();
  draining.join();
  REQUIRE(a);
  CHECK(a->body == "finished");
  CHECK(*a->find("Connection") == "close");
  CHECK(drained);
  CHECK(f.serving->drain(1s));
  CHECK(f.serving->stats().connections_open == 0);
}

TEST_CASE("drain gives up in time on what nobody answers", "[server]") {
  fixture f;
  raw_http c{f.start()};
  REQUIRE(c.send("GET /park HTTP/1.1\r\nHost: h\r\n\r\n"));
  auto waiting = f.park.take(1);
  const auto begin = steady::now();
  CHECK(!f.serving->drain(300ms));
  CHECK(since(begin) < 5s);
  f.serving.reset();
  std::move(waiting[0])(text("to nobody"));  // the server is gone; the responder is still safe to use
}

TEST_CASE("a start that cannot work says so", "[server]") {
  fixture f;
  const auto port = f.start();
  const auto start = [](server_config config) {
    return make_pistache_server(std::move(config), [](request, responder) {}, {})->start();
  };
  server_config config;
  config.port = port;
  const auto taken = start(config);
  REQUIRE(!taken);
  CHECK(taken.error().code == nacre::errc::busy);
  config.port = 0;
  config.address = "localhost";
  CHECK(start(config).error().code == nacre::errc::invalid);
  config.address = "127.0.0.1";
  config.trusted_proxies = {"nonsense"};
  CHECK(start(config).error().code == nacre::errc::invalid);
  config.trusted_proxies.clear();
  config.connections_max = 1'000'000'000;
  CHECK(start(config).error().code == nacre::errc::invalid);
}

TEST_CASE("the observer sees every exchange", "[server]") {
  std::atomic<int> seen{0}, bad{0};
  server_config config;
  config.port = 0;
  auto serving = make_pistache_server(
      config, [](request, responder to) { std::move(to)(text("x")); },
      [&](const exchange& e) { ++(e.status == 200 ? seen : bad); });
  REQUIRE(serving->start());
  raw_http c{serving->port()};
  for (int i = 0; i < 10; ++i) REQUIRE(c.exchange(get));
  REQUIRE(c.exchange("bad\r\n\r\n")->status == 400);
  CHECK(seen == 10);
  CHECK(bad == 1);
}
