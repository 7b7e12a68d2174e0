#pragma once
// A node whose calls are handled in this process, without a socket; nobody's JWT is good.

#include <string>
#include <utility>
#include <vector>

#include "http/pending.hpp"
#include "tests/support/installation.hpp"

namespace nacre::http {

class nobody final : public crypto::authenticator {
 public:
  result<crypto::jwt_claims> verify(std::string_view, timestamp, crypto::jwt_refusal*) const override {
    return fail(errc::unauthenticated, "no");
  }
  crypto::reload_report reload() override { return {}; }
  std::uint64_t generation() const override { return 0; }
};

struct answering : testing::installation {
  nobody tokens;
  gate who{*service, tokens, keys, time, {}};
  std::vector<std::string> logged;
  services with{
      *service,       who, keys,
      time,           {},  {{}, {}, {}, [this](request_id, const error& e) {
                                                  logged.push_back(e.text); }, {}, {}},
      limiter(rate{})};
  call asked(std::optional<std::string> authorization = {}) {
    request r;
    r.id = testing::request_no(77);
    if (authorization) r.headers.push_back({"Authorization", *authorization});
    return call(with, std::move(r), responder{});
  }
  call_ptr asked_by(user_id user, testing::inbox<response>& to) {
    request r;
    r.deadline = testing::in_a_while();
    auto c = std::make_unique<call>(with, std::move(r), make_responder([&to](response a) { to.put(std::move(a)); }));
    c->ctx = as(user);
    return c;
  }
};

}  // namespace nacre::http
