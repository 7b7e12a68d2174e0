#pragma once
// A gate with everything behind it: issuers and tokens that are real, time that the test turns.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "crypto/token.hpp"
#include "http/gate.hpp"
#include "model/limits.hpp"
#include "tests/support/installation.hpp"

namespace nacre::testing {

using namespace nacre::http;

inline const user_id owner = user_no(1);
inline const workspace_id home = workspace_no(1);
using outcome = std::optional<result<principal>>;
using family_of = model::token_family;

// The real one, counted; `turn` stands for a change of keys.
class counted final : public crypto::authenticator {
 public:
  explicit counted(std::unique_ptr<crypto::authenticator> real) : real_(std::move(real)) {}
  result<crypto::jwt_claims> verify(std::string_view compact, timestamp now, crypto::jwt_refusal* why) const override {
    ++verified;
    auto claims = real_->verify(compact, now, why);
    if (during) during();
    return claims;
  }
  crypto::reload_report reload() override { return real_->reload(); }
  std::uint64_t generation() const override { return real_->generation() + turn; }
  mutable std::atomic<std::size_t> verified{0};
  std::atomic<std::uint64_t> turn{0};
  std::function<void()> during;

 private:
  std::unique_ptr<crypto::authenticator> real_;
};

struct door : installation {
  explicit door(actors::settings s = {}, storage::store* outer = nullptr, std::size_t recalled = 64)
      : installation(std::move(s), outer) {
    REQUIRE(crypto::ensure_dev_issuer(directory.path()));
    crypto::issuer_config dev;
    dev.issuer = crypto::dev_issuer_name;
    dev.audience = crypto::dev_audience;
    dev.jwks_file = directory / "dev-issuer.jwks.json";
    dev.trust_roles = true;
    dev.trust_scopes = true;
    dev.subject_is_user_id = true;
    tokens = std::make_unique<counted>(crypto::test::value(crypto::make_authenticator({dev})));
    gate_settings g;
    g.node = "n1";
    g.checked_entries = recalled;
    g.failed = [this](std::string_view why) { failures.put(std::string(why)); };
    entry = std::make_unique<gate>(*service, *tokens, keys, time, std::move(g));
  }

  std::string mint(user_id who, std::int64_t seconds = 3600) {
    return minted({.subject = to_string(who), .seconds = seconds});
  }
  std::string mint_claims(user_id who, workspace_id ws, std::string role) {
    return minted(
        {.subject = to_string(who), .workspace = to_string(ws), .role = std::move(role), .email = "a@example.org"});
  }
  std::string minted(const crypto::mint_request& what) {
    return crypto::test::value(crypto::mint_dev_token(directory.path(), what, time.now()));
  }
  request with(std::optional<std::string> authorization) {
    request r;
    r.id = request_no(requests += 2);
    if (authorization) r.headers.push_back({"Authorization", *authorization});
    r.client.text = "192.0.2.7";
    r.deadline = in_a_while();
    return r;
  }
  result<principal> come(std::optional<std::string> authorization, family_of of = family_of::alephant,
                         std::string from = "192.0.2.7") {
    auto box = std::make_shared<inbox<outcome>>();
    auto r = with(std::move(authorization));
    r.client.text = std::move(from);
    entry->authenticate(r, of, [box](result<principal> p) { box->put(std::move(p)); });
    if (!box->await(1)) FAIL("no answer");
    return std::move(*box->next());
  }
  std::string refused(std::optional<std::string> authorization, family_of of = family_of::alephant,
                      std::string from = "192.0.2.7") {
    failures.take();
    auto p = come(std::move(authorization), of, std::move(from));
    if (p) return "admitted";
    auto why = failures.take();
    return std::string(name_of(p.error().code)) + " " + (why.empty() ? "-" : why.at(0));
  }
  std::string pat(model::scope_set scopes = model::scope_read, std::optional<timestamp> expires = {}) {
    auto a = ask(as(owner), actors::issue_pat{"ci", scopes, expires});
    REQUIRE_FALSE(a.outcome.refused);
    latest = pat_of(a).id;
    return text_of(a);
  }
  std::string issued(actors::issue_pat what) {
    what.name = "ci " + std::to_string(requests);
    auto a = ask(as(owner), std::move(what));
    INFO((a.outcome.refused ? a.outcome.refused->text : ""));
    REQUIRE_FALSE(a.outcome.refused);
    latest = pat_of(a).id;
    return text_of(a);
  }
  std::string of_family(family_of f, model::restrictions only = {}) {
    actors::issue_pat what;
    what.family = f;
    what.only = std::move(only);
    return issued(std::move(what));
  }
  std::string rotated(pat_id id, std::int64_t overlap_ms = 0, bool until_first_use = false) {
    actors::renew_pat what;
    what.id = id;
    what.overlap_ms = overlap_ms;
    what.until_first_use = until_first_use;
    auto a = ask(as(owner), std::move(what));
    REQUIRE_FALSE(a.outcome.refused);
    return text_of(a);
  }
  model::pat_record record(pat_id id) {
    return model::load<model::pat_record>(*view(), model::space::state, model::keys::pat(home, id)).value();
  }
  std::size_t audited(const std::string& action, workspace_id ws = home) {
    std::size_t times = 0;
    view()->scan(model::space::audit, model::keys::audit(ws, 0), model::keys::audit(ws, UINT64_MAX),
                 [&](std::string_view, std::string_view row) {
                   times += row.find("\"action\":\"" + action + "\"") != std::string_view::npos;
                   return true;
                 });
    return times;
  }
  std::optional<model::member_record> membership(user_id who, workspace_id ws = home) {
    return model::load<model::member_record>(*view(), model::space::state, model::keys::member(ws, who));
  }

  crypto::test::temporary_directory directory;
  std::unique_ptr<counted> tokens;
  inbox<std::string> failures;
  std::unique_ptr<gate> entry;
  pat_id latest;
  actors::answer presented;
};

}  // namespace nacre::testing
