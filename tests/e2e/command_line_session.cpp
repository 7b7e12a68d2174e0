// `nacre login|logout|whoami|profile`: who is signed in, where it is kept, and over what it travels.

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pty.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "tests/e2e/command_line_kit.hpp"

using namespace nacre::e2e;
using nacre::test::receiver;
namespace fs = std::filesystem;

namespace {

// A terminal with `nacre` in it: what is shown, and what is typed.
class terminal {
 public:
  terminal(const words& arguments, const shell& by) {
    std::vector<std::string> all{nacre::test::program("nacre").string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& each : all) argv.push_back(each.data());
    argv.push_back(nullptr);
    pid_ = ::forkpty(&fd_, nullptr, nullptr, nullptr);
    if (pid_ == 0) {
      ::unsetenv("NACRE_TOKEN");
      for (const auto& [name, value] : by.environment) ::setenv(name.c_str(), value.c_str(), 1);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
  }
  ~terminal() {
    ::close(fd_);
    int status = 0;
    if (pid_ > 0 && !done_) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, &status, 0);
    }
  }
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  bool shows(std::string_view text) {
    while (!has(seen, text))
      if (!more()) return false;
    return true;
  }
  void type(std::string_view text) {
    REQUIRE(::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  int wait() {
    while (more()) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    done_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string seen;

 private:
  bool more() {
    pollfd p{fd_, POLLIN, 0};
    char bytes[1024];
    if (::poll(&p, 1, 60'000) <= 0) return false;
    const auto n = ::read(fd_, bytes, sizeof bytes);
    if (n <= 0) return false;
    seen.append(bytes, static_cast<std::size_t>(n));
    return true;
  }
  int fd_ = -1;
  pid_t pid_ = -1;
  bool done_ = false;
};

std::string pem(auto write) {
  BIO* memory = BIO_new(BIO_s_mem());
  write(memory);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(memory, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(memory);
  return out;
}

// A server behind a certificate that signs itself, for "DNS:..." or "IP:..."; says who it was asked by.
class tls_server {
 public:
  explicit tls_server(const std::string& name) : acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}) {
    EVP_PKEY* pair = EVP_EC_gen("P-256");
    X509* cert = X509_new();
    X509_set_version(cert, 2);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, pair);
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str());
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(cert, pair, EVP_sha256());
    certificate = pem([&](BIO* to) { PEM_write_bio_X509(to, cert); });
    const auto key = pem([&](BIO* to) { PEM_write_bio_PrivateKey(to, pair, nullptr, nullptr, 0, nullptr, nullptr); });
    X509_free(cert);
    EVP_PKEY_free(pair);
    context_.use_certificate(boost::asio::buffer(certificate), boost::asio::ssl::context::pem);
    context_.use_private_key(boost::asio::buffer(key), boost::asio::ssl::context::pem);
    thread_ = std::thread([this] { serve(); });
  }
  ~tls_server() {
    stopping_ = true;
    boost::system::error_code ignored;
    boost::asio::ip::tcp::socket last(io_);
    last.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  std::string url(const std::string& host) const {
    return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port());
  }
  std::string certificate;
  std::atomic<int> asked{0};

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
      if (failed) continue;
      ++asked;
      boost::asio::write(talk,
                         boost::asio::buffer(nacre::test::http_status(
                             200, "Connection: close\r\n",
                             R"({"data":{"id":"11111111-1111-4111-8111-111111111111","email":null,"credential":"pat",)"
                             R"("workspaceId":"22222222-2222-4222-8222-222222222222","scopes":["read"]}})")),
                         failed);
    }
  }
  boost::asio::io_context io_;
  boost::asio::ssl::context context_{boost::asio::ssl::context::tls_server};
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace

TEST_CASE("signing in keeps a checked token where nobody else may read it", "[cli][login]") {
  shell me;
  auto owner = quick().join(new_uuid(), "owner", "Pearl");
  const auto pat = owner.new_pat(R"("name":"cli","scopes":["admin"])")["token"].text();
  const auto profiles = me.home / "config" / "nacre" / "profiles";
  CHECK(me.run({"login"}, pat).code == 64);  // where?
  auto bad = me.run({"login", "--url", url()}, "pat_wsabcdef_" + std::string(64, '1'));
  CHECK(bad.code == 77);
  CHECK_FALSE(has(bad.errors, "pat_ws"));
  CHECK(me.run({"login", "--url", url()}, "two words which are long enough").code == 65);
  CHECK(me.run({"login", "--url", url()}).code == 65);
  CHECK(me.run({"login", "--url", "http://127.0.0.1:1"}, pat).code == 69);
  CHECK(me.run({"login", "--url", url(), "--profile", "../x"}, pat).code == 64);
  CHECK_FALSE(fs::exists(profiles));  // nothing of that was kept

  auto in = me.run({"login", "--url", url()}, pat + "\n");
  INFO(in.errors);
  CHECK(in.code == 0);
  CHECK_FALSE(has(in.output + in.errors, pat));
  CHECK(mode_of(profiles) == "0700");
  CHECK(mode_of(profiles.parent_path()) == "0700");
  CHECK(mode_of(profiles / "127.0.0.1.json") == "0600");
  CHECK(me.json({"whoami"})["workspaceId"].text() == owner.workspace());
  CHECK(has(me.get({"whoami"}), owner.user()));
  CHECK(me.json({"pat", "list"}).size() == 1);

  auto jwt = me.json({"login", "--url", url(), "--profile", "ci"}, owner.credential());
  CHECK(jwt["workspace"].text() == owner.workspace());  // the only one
  CHECK(me.json({"whoami"})["credential"].text() == "jwt");
  auto list = me.json({"profile", "list"});
  REQUIRE(list.size() == 2);
  CHECK(list[1]["profile"].text() == "ci");
  CHECK(list[1]["current"].flag());
  CHECK_FALSE(has(me.get({"profile", "list"}), pat));
  CHECK(me.run({"profile", "use", "127.0.0.1"}).code == 0);
  CHECK(me.json({"whoami"})["credential"].text() == "pat");
  CHECK(me.json({"whoami", "--profile", "ci"})["credential"].text() == "jwt");
  CHECK(me.run({"profile", "use", "absent"}).code == 78);
  CHECK(me.run({"whoami", "--profile", "absent"}).code == 78);
  CHECK(me.run({"logout", "--profile", "ci"}).code == 0);
  CHECK(me.run({"logout"}).code == 0);
  CHECK(me.run({"logout"}).code == 78);
  CHECK(me.run({"whoami"}).code == 78);
  CHECK(fs::is_empty(profiles));
}

TEST_CASE("profiles that others may get at are refused", "[cli][login]") {
  shell me;
  auto owner = quick().join(new_uuid(), "owner");
  REQUIRE(me.run({"login", "--url", url()}, owner.credential()).code == 0);
  const auto home = me.home / "config" / "nacre";
  const auto file = home / "profiles" / "127.0.0.1.json";
  using fs::perms;
  const auto refused = [&](const char* what) {
    INFO(what);
    auto no = me.run({"whoami"});
    CHECK(no.code == 78);
    CHECK(has(no.errors, "chmod"));
    CHECK_FALSE(has(no.errors, owner.credential()));
  };
  fs::permissions(file, perms::group_read, fs::perm_options::add);
  refused("a file the group reads");
  fs::permissions(file, perms::owner_read | perms::owner_write);
  for (const auto& directory : {home, home / "profiles"}) {
    fs::permissions(directory, perms::others_exec, fs::perm_options::add);
    refused("a directory others enter");
    fs::permissions(directory, perms::owner_all);
  }
  CHECK(me.run({"whoami"}).code == 0);
  fs::rename(file, me.home / "elsewhere");
  fs::create_symlink(me.home / "elsewhere", file);
  refused("a symbolic link");
  fs::remove(file);
  write_whole(file, "{");
  fs::permissions(file, perms::owner_read | perms::owner_write);
  CHECK(me.run({"whoami"}).code == 78);
}

TEST_CASE("a profile's token goes to the profile's server only", "[cli][login]") {
  shell me;
  auto owner = quick().join(new_uuid(), "owner");
  REQUIRE(me.run({"login", "--url", url()}, owner.credential()).code == 0);
  receiver stranger;
  CHECK(me.run({"whoami", "--url", stranger.url("")}).code == 78);
  CHECK(stranger.count() == 0);
  me.environment["NACRE_URL"] = stranger.url("");
  CHECK(me.run({"secret", "share"}, "a text").code == 69);  // as a guest; no server of ours
  REQUIRE(stranger.count() > 0);
  for (const auto& r : stranger.all()) CHECK(r.field("Authorization").empty());
}

TEST_CASE("a token typed at a terminal is not shown", "[cli][login]") {
  shell me;
  auto owner = quick().join(new_uuid(), "owner");
  const auto pat = owner.new_pat()["token"].text();
  terminal at({"login", "--url", url()}, me);
  REQUIRE(at.shows("Paste a token"));
  at.type(pat + "\n");
  CHECK(at.shows("signed in at"));
  CHECK(at.wait() == 0);
  CHECK_FALSE(has(at.seen, pat));
  CHECK(me.run({"whoami"}).code == 0);

  terminal given_up({"login", "--url", url(), "--profile", "other"}, me);
  REQUIRE(given_up.shows("Paste a token"));
  given_up.type("\x03");
  CHECK(given_up.wait() == 128 + SIGINT);
}

TEST_CASE("a passphrase is asked for at the terminal, and asked for again when it is wrong", "[cli][secret]") {
  shell me(url());
  write_whole(me.home / "text", "the door code is 4711\x1b[2J");
  std::string link;
  {
    terminal at({"secret", "share", "--passphrase", "--quiet", me.path("text")}, me);
    REQUIRE(at.shows("Passphrase: "));
    at.type("open sesame\n");
    REQUIRE(at.shows("Once more: "));
    at.type("open sesame\n");
    CHECK(at.wait() == 0);
    CHECK_FALSE(has(at.seen, "sesame"));
    link = at.seen.substr(at.seen.find("http://"));
    link = link.substr(0, link.find_first_of("\r\n"));
  }
  terminal at({"secret", "open"}, me);
  REQUIRE(at.shows("Link: "));
  at.type(link + "\n");
  REQUIRE(at.shows("Passphrase: "));
  at.type("close sesame\n");
  REQUIRE(at.shows("half an hour.\r\nPassphrase: "));
  at.type("open sesame\n");
  CHECK(at.shows("the door code is 4711?[2J"));  // what steers a terminal does not reach one
  CHECK(at.wait() == 0);
  CHECK_FALSE(has(at.seen, "\x1b[2J"));
  CHECK_FALSE(has(at.seen, "sesame"));
}

TEST_CASE("over https the server's certificate must be right before anything is sent", "[cli][tls]") {
  shell me;
  me.environment["NACRE_TOKEN"] = "a-token-of-enough-characters";
  tls_server good("IP:127.0.0.1"), other("DNS:nacre.example");
  write_whole(me.home / "good.pem", good.certificate);
  write_whole(me.home / "both.pem", good.certificate + other.certificate);
  auto unknown = me.run({"whoami", "--url", good.url("127.0.0.1")});
  CHECK(unknown.code == 69);
  CHECK(has(unknown.errors, "--ca-file"));
  CHECK(me.run({"whoami", "--url", other.url("127.0.0.1"), "--ca-file", me.path("both.pem")}).code == 69);
  CHECK(me.run({"whoami", "--url", good.url("localhost"), "--ca-file", me.path("good.pem")}).code == 69);
  CHECK(good.asked + other.asked == 0);
  CHECK(me.run({"whoami", "--url", good.url("127.0.0.1"), "--ca-file", me.path("good.pem")}).code == 0);
  CHECK(good.asked == 1);
  CHECK(me.run({"whoami", "--url", good.url("127.0.0.1"), "--ca-file", me.path("absent")}).code == 64);
  // Kept with the profile.
  CHECK(me.run({"login", "--url", good.url("127.0.0.1"), "--ca-file", me.path("good.pem")},
               "a-token-of-enough-characters")
            .code == 0);
  me.environment.erase("NACRE_TOKEN");
  CHECK(me.run({"whoami"}).code == 0);
}
