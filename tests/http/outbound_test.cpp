// What goes out: which addresses may be reached, whom TLS believes, and what becomes of strange receivers.

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "http/outbound/poster.hpp"
#include "http/outbound/public_address.hpp"
#include "tests/support/inbox.hpp"
#include "tests/support/node_process.hpp"
#include "tests/support/receiver.hpp"

using namespace nacre;
using namespace nacre::http;
using test::http_status;
using test::received;
using test::receiver;
using fate = post_result::fate;

namespace {

std::unique_ptr<poster> make(std::vector<std::string> hosts, const std::function<void(poster_settings&)>& more = {}) {
  poster_settings s;
  s.hosts = model::webhook_hosts::parse(hosts, false).value();
  s.user_agent = "nacre/test";
  if (more) more(s);
  auto made = make_poster(std::move(s));
  REQUIRE(made);
  return std::move(*made);
}

post_result post(poster& out, const std::string& url, std::string body = "{}") {
  auto to = model::parse_webhook_url(url);
  REQUIRE(to);
  testing::inbox<post_result> got;
  out.post({*to, {{"Content-Type", "application/json"}, {"X-Nacre-Event", "ping"}}, std::move(body)},
           [&got](post_result r) { got.put(r); });
  REQUIRE(got.await(1));
  return got.next();
}

result<void> check(poster& out, const std::string& url) {
  auto to = model::parse_webhook_url(url);
  REQUIRE(to);
  testing::inbox<std::optional<result<void>>> got;
  out.check(*to, [&got](result<void> r) { got.put(std::move(r)); });
  REQUIRE(got.await(1));
  return *got.next();
}

// ---- TLS ---------------------------------------------------------------------------------------------

// A certificate that signs itself, for this name or address ("DNS:a" or "IP:127.0.0.1").
struct self_signed {
  explicit self_signed(const std::string& alternative, long valid_s = 3600) {
    EVP_PKEY* pair = EVP_EC_gen("P-256");
    X509* cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -7200);
    X509_gmtime_adj(X509_getm_notAfter(cert), valid_s);
    X509_set_pubkey(cert, pair);
    auto* name = X509_get_subject_name(cert);
    const auto* common = reinterpret_cast<const unsigned char*>(alternative.c_str());  // each its own
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
    X509_set_issuer_name(cert, name);
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative.c_str());
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(cert, pair, EVP_sha256());
    certificate = pem([&](BIO* to) { PEM_write_bio_X509(to, cert); });
    key = pem([&](BIO* to) { PEM_write_bio_PrivateKey(to, pair, nullptr, nullptr, 0, nullptr, nullptr); });
    X509_free(cert);
    EVP_PKEY_free(pair);
  }
  template <class Write>
  static std::string pem(Write write) {
    BIO* memory = BIO_new(BIO_s_mem());
    write(memory);
    char* data = nullptr;
    auto size = BIO_get_mem_data(memory, &data);
    std::string out(data, static_cast<std::size_t>(size));
    BIO_free(memory);
    return out;
  }
  std::string certificate, key;
};

// Serves connections one by one until it is destroyed; answers 200 to whoever shakes hands.
class tls_receiver {
 public:
  explicit tls_receiver(const self_signed& as) : acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}) {
    context_.use_certificate(boost::asio::buffer(as.certificate), boost::asio::ssl::context::pem);
    context_.use_private_key(boost::asio::buffer(as.key), boost::asio::ssl::context::pem);
    thread_ = std::thread([this] { serve(); });
  }
  ~tls_receiver() {
    stopping_ = true;
    boost::system::error_code ignored;
    boost::asio::ip::tcp::socket last(io_);
    last.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  void serve() {
    while (!stopping_) {
      boost::system::error_code failed;
      boost::asio::ssl::stream<boost::asio::ip::tcp::socket> talk(io_, context_);
      acceptor_.accept(talk.next_layer(), failed);
      if (failed || stopping_) continue;
      talk.handshake(boost::asio::ssl::stream_base::server, failed);
      if (failed) continue;
      boost::asio::streambuf in;
      boost::asio::read_until(talk, in, "\r\n\r\n", failed);
      boost::asio::write(talk, boost::asio::buffer(http_status(200)), failed);
    }
  }
  boost::asio::io_context io_;
  boost::asio::ssl::context context_{boost::asio::ssl::context::tls_server};
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace

TEST_CASE("addresses that are not of the public internet are known", "[http][outbound][T-ssrf]") {
  for (const char* inside : {"0.0.0.0",
                             "0.1.2.3",
                             "10.0.0.1",
                             "10.255.255.255",
                             "100.64.0.1",
                             "100.127.255.255",
                             "127.0.0.1",
                             "127.255.255.254",
                             "169.254.169.254",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.0.0.8",
                             "192.0.2.1",
                             "192.88.99.1",
                             "192.168.0.1",
                             "192.168.255.255",
                             "198.18.0.1",
                             "198.19.255.255",
                             "198.51.100.7",
                             "203.0.113.9",
                             "224.0.0.1",
                             "239.255.255.255",
                             "240.0.0.1",
                             "255.255.255.255",
                             "::",
                             "::1",
                             "::ffff:127.0.0.1",
                             "::ffff:10.1.2.3",
                             "::ffff:192.168.1.1",
                             "::127.0.0.1",
                             "::10.0.0.1",
                             "64:ff9b::10.0.0.1",
                             "64:ff9b:1::1",
                             "100::1",
                             "2001::1",
                             "2001:0:1::1",
                             "2001:10::1",
                             "2001:20::1",
                             "2001:db8::1",
                             "2002:7f00:1::",
                             "2002:a00:1::1",
                             "3fff::1",
                             "fc00::1",
                             "fd12:3456::1",
                             "fe80::1",
                             "febf::1",
                             "fec0::1",
                             "ff02::1",
                             "ff0e::1",
                             "5f00::1",
                             "4000::1"}) {
    INFO(inside);
    auto address = parse_ip(inside);
    REQUIRE(address);
    CHECK_FALSE(is_public(*address));
  }
  for (const char* outside : {"1.1.1.1",         "8.8.8.8",         "9.255.255.255",
                              "11.0.0.0",        "100.63.255.255",  "100.128.0.0",
                              "126.255.255.255", "128.0.0.1",       "169.253.255.255",
                              "169.255.0.0",     "172.15.255.255",  "172.32.0.0",
                              "192.0.1.1",       "192.167.255.255", "192.169.0.0",
                              "198.17.255.255",  "198.20.0.0",      "223.255.255.255",
                              "::ffff:8.8.8.8",  "2001:200::1",     "2001:4860:4860::8888",
                              "2606:4700::1111", "2a00::1",         "2003::1"}) {
    INFO(outside);
    auto address = parse_ip(outside);
    REQUIRE(address);
    CHECK(is_public(*address));
  }
}

TEST_CASE("a post arrives whole, and its status is told", "[http][outbound]") {
  receiver at([](const received&, std::size_t n) { return http_status(n == 0 ? 204 : 503); });
  auto out = make({"127.0.0.1"});
  auto first = post(*out, at.url("/a?b=c"), std::string(10'000, 'x'));
  CHECK(first.how == fate::answered);
  CHECK(first.status == 204);
  CHECK(post(*out, at.url()).status == 503);
  auto got = at.all();
  CHECK(got[0].line() == "POST /a?b=c HTTP/1.1");
  CHECK(got[0].body == std::string(10'000, 'x'));
  CHECK(got[0].field("Host") == "127.0.0.1:" + std::to_string(at.port()));
  CHECK(got[0].field("Content-Type") == "application/json");
  CHECK(got[0].field("User-Agent") == "nacre/test");
  CHECK(got[0].field("Connection") == "close");
}

TEST_CASE("nothing connects to an address that is not allowed", "[http][outbound][T-ssrf]") {
  receiver at;
  auto port = ":" + std::to_string(at.port());
  auto out = make({"elsewhere.example"});
  for (const auto& host :
       {"https://127.0.0.1", "https://localhost", "https://[::1]", "https://[::ffff:127.0.0.1]", "https://0.0.0.0",
        "https://10.0.0.1", "https://169.254.169.254", "http://127.0.0.1", "http://localhost"}) {
    INFO(host);
    CHECK(post(*out, host + port + "/").how == fate::refused);
    CHECK(check(*out, host + port + "/").error().code == errc::invalid);
  }
  // A listed name is not its address, and a listed address is not its name.
  auto named = make({"localhost"});
  CHECK(post(*named, "http://127.0.0.1" + port).how == fate::refused);
  CHECK(at.count() == 0);
  CHECK(post(*named, "http://localhost" + port).status == 200);
  CHECK(check(*named, "http://localhost" + port));
  auto other_port = make({"127.0.0.1:1"});
  CHECK(post(*other_port, at.url()).how == fate::refused);
  CHECK(at.count() == 1);
}

TEST_CASE("a name without an address may be kept and cannot be posted to", "[http][outbound]") {
  auto out = make({});
  CHECK(post(*out, "https://no-such-host.invalid/").how == fate::unresolved);
  CHECK(check(*out, "https://no-such-host.invalid/"));
}

TEST_CASE("a name is looked up once for all who ask, and a slow one keeps nobody else waiting",
          "[http][outbound][names]") {
  using namespace std::chrono_literals;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, int> asked;
  bool slow = true;
  auto asked_for = [&](const std::string& host) {
    std::lock_guard lock(mutex);
    return asked[host];
  };
  receiver at;
  auto out = make({"slow.example", "other.example", "quick.example"}, [&](poster_settings& s) {
    s.connect_timeout = s.timeout = 60s;
    s.look_up = [&](const std::string& host) {
      std::unique_lock lock(mutex);
      ++asked[host];
      changed.notify_all();
      changed.wait(lock, [&] { return host == "quick.example" || !slow; });
      return std::vector{*parse_ip("127.0.0.1")};
    };
  });
  const auto port = ":" + std::to_string(at.port()) + "/";
  testing::inbox<post_result> got;
  auto begin = [&](const std::string& host) {
    out->post({*model::parse_webhook_url("http://" + host + port), {}, "{}"}, [&got](post_result r) { got.put(r); });
  };
  for (int i = 0; i < 16; ++i) begin(i % 2 ? "slow.example" : "other.example");
  CHECK(post(*out, "http://quick.example" + port).status == 200);
  CHECK(asked_for("slow.example") <= 1);
  CHECK(asked_for("other.example") <= 1);
  {
    std::lock_guard lock(mutex);
    slow = false;
  }
  changed.notify_all();
  REQUIRE(got.await(16));
  for (const auto& r : got.take()) CHECK(r.status == 200);
  // Shared while it is under way, not kept: addresses change.
  CHECK(post(*out, "http://quick.example" + port).status == 200);
  CHECK(asked_for("quick.example") == 2);
}

TEST_CASE("redirects are not followed", "[http][outbound][T-ssrf]") {
  receiver target;
  receiver at([&](const received&, std::size_t) { return http_status(302, "Location: " + target.url() + "\r\n"); });
  auto out = make({"127.0.0.1"});
  CHECK(post(*out, at.url()).status == 302);
  CHECK(target.count() == 0);
}

TEST_CASE("strange receivers cost an attempt, not the poster", "[http][outbound]") {
  using namespace std::chrono_literals;
  auto out = make({"127.0.0.1"}, [](poster_settings& s) { s.timeout = 500ms; });
  auto answered_with = [&](std::string bytes) {
    receiver at([bytes = std::move(bytes)](const received&, std::size_t) { return bytes; });
    return post(*out, at.url());
  };
  CHECK(answered_with("").how == fate::unreachable);
  CHECK(answered_with("garbage\r\n\r\n").how == fate::unreachable);
  CHECK(answered_with("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n").how == fate::unreachable);
  CHECK(answered_with("HTTP/1.1 200 OK\r\n").how == fate::unreachable);
  CHECK(answered_with(http_status(200, {}, std::string(4 << 20, 'x'))).status == 200);  // not read to its end
  CHECK(answered_with("HTTP/1.1 200 OK\r\n\r\nuntil it closes").status == 200);
  CHECK(answered_with("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut").status == 200);
  CHECK(answered_with("HTTP/1.1 204 No Content\r\n\r\n").status == 204);

  // What comes before the answer is not the answer.
  const std::string on = "HTTP/1.1 100 Continue\r\n\r\n", hints = "HTTP/1.1 103 x\r\nLink: </a>\r\n\r\n";
  auto first = answered_with(on + hints + http_status(204));
  CHECK(first.how == fate::answered);
  CHECK(first.status == 204);
  CHECK(answered_with(on + http_status(503)).status == 503);
  for (const auto& never : {on, on + hints, on + "garbage\r\n\r\n"}) {
    auto none = answered_with(never);
    CHECK(none.how == fate::unreachable);
    CHECK(none.status == 0);
  }
  std::string endless;
  for (int i = 0; i < 1'000; ++i) endless += on;
  CHECK(answered_with(endless + http_status(200)).how == fate::unreachable);
  CHECK(answered_with("HTTP/1.1 101 x\r\nUpgrade: a\r\n\r\n").status ==
        101);  // another protocol is no answer to wait for

  std::uint16_t closed = 0;
  { closed = receiver().port(); }
  CHECK(post(*out, "http://127.0.0.1:" + std::to_string(closed)).how == fate::unreachable);
}

TEST_CASE("a receiver that does not answer is given up after its time", "[http][outbound]") {
  using namespace std::chrono_literals;
  std::mutex held;
  std::unique_lock hold(held);
  receiver at([&](const received&, std::size_t) {
    std::lock_guard wait(held);
    return http_status(200);
  });
  auto out = make({"127.0.0.1"}, [](poster_settings& s) { s.timeout = 300ms; });
  auto begun = std::chrono::steady_clock::now();
  CHECK(post(*out, at.url()).how == fate::timed_out);
  CHECK(std::chrono::steady_clock::now() - begun >= 300ms);
  hold.unlock();
}

TEST_CASE("TLS believes the authorities it was given, and the name", "[http][outbound][T-tls]") {
  test::temporary_directory here;
  self_signed good("IP:127.0.0.1,DNS:localhost"), named("DNS:localhost"), other("DNS:other.example"),
      expired("IP:127.0.0.1", -3600);
  test::write_whole(here / "ca.pem", good.certificate + named.certificate + other.certificate + expired.certificate);
  auto with_ca = [&](poster_settings& s) {
    s.ca_file = here / "ca.pem";
    s.connect_timeout = std::chrono::milliseconds(1'000);
  };
  auto out = make({"127.0.0.1", "localhost"}, with_ca);
  auto to = [](const char* host, const tls_receiver& at) {
    return std::string("https://") + host + ":" + std::to_string(at.port()) + "/";
  };
  tls_receiver trusted(good), by_name(named), by_other(other), too_late(expired);
  CHECK(post(*out, to("127.0.0.1", trusted)).status == 200);
  CHECK(post(*out, to("localhost", trusted)).status == 200);
  CHECK(post(*out, to("localhost", by_name)).status == 200);
  CHECK(post(*out, to("127.0.0.1", by_name)).how == fate::untrusted);
  CHECK(post(*out, to("localhost", by_other)).how == fate::untrusted);
  CHECK(post(*out, to("127.0.0.1", too_late)).how == fate::untrusted);
  auto system = make({"127.0.0.1"});
  CHECK(post(*system, to("127.0.0.1", trusted)).how == fate::untrusted);
  receiver plain;
  CHECK(post(*out, "https://127.0.0.1:" + std::to_string(plain.port())).how == fate::timed_out);  // it waits, too

  poster_settings missing;
  missing.ca_file = here / "none.pem";
  CHECK(make_poster(missing).error().code == errc::invalid);
  test::write_whole(here / "empty.pem", "");
  missing.ca_file = here / "empty.pem";
  CHECK(make_poster(missing).error().code == errc::invalid);
}

TEST_CASE("stopping answers everybody, those who come late too", "[http][outbound]") {
  std::mutex held;
  std::unique_lock hold(held);
  receiver at([&](const received&, std::size_t) {
    std::lock_guard wait(held);
    return http_status(200);
  });
  auto out = make({"127.0.0.1"});
  testing::inbox<post_result> got;
  auto to = *model::parse_webhook_url(at.url());
  for (int i = 0; i < 8; ++i) out->post({to, {}, ""}, [&got](post_result r) { got.put(r); });
  out->stop();
  out->post({to, {}, ""}, [&got](post_result r) { got.put(r); });
  CHECK(got.size() == 9);
  for (const auto& r : got.take()) CHECK(r.how == fate::cancelled);
  auto named = *model::parse_webhook_url("https://a.example");
  testing::inbox<bool> told;
  out->check(named, [&told](result<void> r) { told.put(r.has_value()); });
  CHECK_FALSE(told.next());
  hold.unlock();
}
