// deploy/nginx-protect.conf as it is, in Debian's nginx, between a client, a node and a service: the promise of
// docs/protect-a-service.md.

#include <arpa/inet.h>
#include <sys/socket.h>

#include <filesystem>

#include "tests/e2e/kit.hpp"

using namespace nacre::e2e;
using nacre::test::child_process;
using nacre::test::read_whole;
using nacre::test::temporary_directory;
using nacre::test::write_whole;

namespace {

constexpr const char* program = "/usr/sbin/nginx";

// Free a moment ago; who takes it has to be ready to find that it is no more.
std::uint16_t free_port() {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 &&
               ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0;
  ::close(fd);
  REQUIRE(bound);
  return ntohs(at.sin_port);
}

bool listens(std::uint16_t port) { return http_client(port).send("GET", "/open").status != 0; }

// nginx in front of a service that says which headers it got. The service is another server of the same nginx.
class protected_service {
 public:
  explicit protected_service(std::uint16_t nacre) {
    INFO("nginx comes with scripts/bootstrap test");
    REQUIRE(std::filesystem::exists(program));
    for (int tries = 0; tries < 5; ++tries) {
      port_ = free_port();
      write_whole(home_ / "nginx.conf", configuration(nacre, free_port()));
      child_ = std::make_unique<child_process>(
          std::vector<std::string>{program, "-e", (home_ / "errors").string(), "-p", home_.path().string(), "-c",
                                   (home_ / "nginx.conf").string()},
          home_ / "stderr");
      // A port that was taken meanwhile ends it.
      if (eventually([&] { return listens(port_) || !child_->running(); }, std::chrono::seconds(10)) && listens(port_))
        return;
    }
    FAIL("nginx did not start: " + read_whole(home_ / "errors") + read_whole(home_ / "stderr"));
  }

  http_answer get(std::string_view target, std::string_view token, header_list more = {}) {
    if (!token.empty()) more.emplace_back("Authorization", "Bearer " + std::string(token));
    return http_client(port_).send("GET", target, more);
  }
  std::uint16_t port() const { return port_; }

 private:
  std::string configuration(std::uint16_t nacre, std::uint16_t service) const {
    const auto at = [](std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); };
    const auto here = home_.path().string();
    std::string out = "daemon off;\nmaster_process off;\npid " + here + "/pid;\nerror_log " + here + "/errors;\n";
    out += "events {}\nhttp {\naccess_log off;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
      out += std::string(kind) + "_temp_path " + here + "/" + kind + ";\n";
    out += "upstream nacre { server " + at(nacre) + "; keepalive 64; }\n";
    out += "upstream orders { server " + at(service) + "; }\n";
    out += "server {\nlisten " + at(port_) + ";\ninclude " NACRE_SOURCE_DIR "/deploy/nginx-protect.conf;\n";
    out += "location /open { return 200; }\n";
    out += "location / { auth_request /nacre/verify/; proxy_pass http://orders; }\n";
    out += "location /write/ { auth_request /nacre/verify/scope=write; proxy_pass http://orders; }\n";
    out += "location /web/ { auth_request /nacre/verify/scope=read&project=web; proxy_pass http://orders; }\n";
    out += "location /typo/ { auth_request /nacre/verify/scope=wirte; proxy_pass http://orders; }\n}\n";
    out += "server {\nlisten " + at(service) +
           ";\nlocation / { return 200 \"$http_x_nacre_subject "
           "$http_x_nacre_workspace $http_x_nacre_token_id '$http_x_nacre_scopes' "
           "'$http_x_nacre_token_expires_at' '$http_authorization'\"; }\n}\n}\n";
    return out;
  }

  temporary_directory home_;
  std::uint16_t port_ = 0;
  std::unique_ptr<child_process> child_;
};

}  // namespace

TEST_CASE("nginx lets a PAT through, tells the service whose it is, and refuses it one request after its revocation",
          "[nginx]") {
  team t(shared());
  protected_service service(shared().port());
  auto pat = t.member.new_pat(R"("name":"a","scopes":["write"])");
  const auto token = pat["token"].text();
  const auto expected = t.member.user() + " " + t.workspace + " " + pat["id"].text() + " 'read write' '' ''";
  for (int i = 0; i < 50; ++i) {
    auto passed = service.get("/orders/7?a=b", token);
    REQUIRE(passed.status == 200);
    REQUIRE(passed.body == expected);
  }
  REQUIRE(t.member.del(pat_path(pat["id"].text())).status == 204);
  auto refused = service.get("/orders/7?a=b", token);
  CHECK(refused.status == 401);
  CHECK(refused.header("WWW-Authenticate").starts_with("Bearer error=\"invalid_token\""));
}

TEST_CASE("through nginx a requirement is a requirement, and no client speaks for nacre", "[nginx]") {
  team t(shared());
  protected_service service(shared().port());
  auto read = t.owner.new_pat(R"("name":"r","expiresAt":"2090-01-01T00:00:00Z")");
  const auto token = read["token"].text();
  CHECK(service.get("/open", "").status == 200);
  CHECK(service.get("/orders", "").status == 401);
  CHECK(service.get("/orders", "").header("WWW-Authenticate") == "Bearer");
  CHECK(service.get("/orders", "garbage").status == 401);
  CHECK(service.get("/write/", token).status == 403);
  CHECK(service.get("/write/?scope=read", token).status == 403);
  CHECK(service.get("/web/", token).status == 403);
  REQUIRE(t.owner.post("/api/v1/workspaces/" + t.workspace + "/projects", R"({"name":"P","key":"web","version":"1"})")
              .status == 201);
  CHECK(service.get("/web/", token).status == 200);
  CHECK(service.get("/typo/", token).status == 500);  // never let through
  CHECK(service.get("/nacre/verify/", token).status == 404);
  auto lied = service.get("/orders", token,
                          {{"X-Nacre-Subject", "somebody"}, {"X-Nacre-Scopes", "admin"}, {"X-Nacre-Require", "x"}});
  CHECK(lied.status == 200);
  CHECK(lied.body ==
        t.owner.user() + " " + t.workspace + " " + read["id"].text() + " 'read' '2090-01-01T00:00:00Z' ''");
  http_client c(service.port());
  CHECK(c.send("POST", "/orders", {{"Authorization", "Bearer " + token}}, std::string(20'000, 'x')).status == 200);
  CHECK(c.send("DELETE", "/orders", {{"Authorization", "Bearer " + token}}).status == 200);
}
