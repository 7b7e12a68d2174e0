// Any bytes as the body of each request that takes one, through the whole API above the wire: never a
// 5xx, always JSON, and what is accepted keeps every limit of the model. The first byte chooses the
// request. The service below applies commands to a state that is thrown away: no threads, no disk.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "http/api.hpp"
#include "http/family.hpp"
#include "http/json.hpp"
#include "http/pending.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/staged_state.hpp"
#include "model/text.hpp"
#include "model/webhook_url.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/support/map_state.hpp"
#include "tests/support/people.hpp"

namespace {

using namespace nacre;
using namespace nacre::testing;

const workspace_id home = workspace_no(1);
const user_id owner = user_no(1);

struct still_clock final : nacre::clock {
  timestamp now() const override { return noon; }
};

// Everybody is the owner.
struct believing final : crypto::authenticator {
  result<crypto::jwt_claims> verify(std::string_view, timestamp, crypto::jwt_refusal*) const override {
    crypto::jwt_claims c;
    c.issuer = "https://issuer.example";
    c.subject = to_string(owner);
    c.subject_is_user_id = true;
    c.expires_s = noon.value() / 1000 + 60;
    return c;
  }
  crypto::reload_report reload() override { return {}; }
  std::uint64_t generation() const override { return 0; }
};

void check_name_within(std::string_view text, std::size_t chars_max) {
  auto m = model::measure(text);
  NACRE_FUZZ_CHECK(m.valid && !m.controls && !m.blank && m.chars >= 1 && m.chars <= chars_max);
}

struct limits_hold {
  void operator()(const model::create_workspace& op) const { check_name_within(op.name, limits::name_chars_max); }
  void operator()(const model::rename_workspace& op) const { check_name_within(op.name, limits::name_chars_max); }
  void operator()(const model::put_member& op) const {
    NACRE_FUZZ_CHECK(op.role >= model::role::member && op.role <= model::role::owner);
    NACRE_FUZZ_CHECK(!op.email || (op.email->size() <= limits::email_bytes_max && model::check_email(*op.email)));
  }
  void operator()(const model::create_service_user& op) const {
    check_name_within(op.name, limits::name_chars_max);
    if (op.root_role == 0) {
      NACRE_FUZZ_CHECK(op.email.empty() || model::check_email(op.email));
    } else {  // Unleash's user name
      NACRE_FUZZ_CHECK(op.root_role <= 3 && op.email.size() <= limits::email_bytes_max);
      check_name_within(op.email, limits::email_bytes_max);
    }
  }
  void operator()(const model::create_project& op) const {
    check_name_within(op.name, limits::name_chars_max);
    check_name_within(op.version, limits::version_chars_max);
    NACRE_FUZZ_CHECK(model::check_project_key(op.key).has_value());
  }
  void operator()(const model::create_pat& op) const {
    NACRE_FUZZ_CHECK(!op.expires || (*op.expires > noon && *op.expires <= time_max));
    if (op.family == model::token_family::service) {
      auto m = model::measure(op.name);
      NACRE_FUZZ_CHECK(m.valid && !m.controls && m.chars >= 1 && m.chars <= limits::name_chars_max);
      NACRE_FUZZ_CHECK(op.permissions.size() <= model::permission_count);
      NACRE_FUZZ_CHECK(op.projects.size() <= (op.all_projects ? 0 : limits::projects_per_token_max));
      return;
    }
    if (op.family == model::token_family::unleash) {
      NACRE_FUZZ_CHECK(!op.name.empty() && op.name.size() <= limits::token_name_bytes_max);
      NACRE_FUZZ_CHECK(model::measure(op.name).valid && op.expires && op.scopes != 0);
      return;
    }
    check_name_within(op.name, limits::name_chars_max);
    NACRE_FUZZ_CHECK(op.scopes != 0 && (op.scopes & ~model::every_scope) == 0);
  }
  void operator()(const model::rotate_pat& op) const {
    NACRE_FUZZ_CHECK(op.overlap_ms >= 0 && op.overlap_ms <= limits::rotation_overlap_s_max * 1000);
    NACRE_FUZZ_CHECK(op.set_expires || !op.expires);
    NACRE_FUZZ_CHECK(!op.expires || (*op.expires > noon && *op.expires <= time_max));
  }
  void operator()(const model::import_pat& op) const {
    check_name_within(op.name, limits::name_chars_max);
    check_name_within(op.prefix, limits::token_prefix_chars_max);
    NACRE_FUZZ_CHECK(op.scopes != 0 && (op.scopes & ~model::every_scope) == 0);
    NACRE_FUZZ_CHECK(op.created >= time_min && op.created <= time_max);
    NACRE_FUZZ_CHECK(!op.id.value().is_nil() && !op.owner.value().is_nil());
  }
  void operator()(const model::change_pat& op) const {
    if (op.name) check_name_within(*op.name, limits::name_chars_max);
    NACRE_FUZZ_CHECK(op.set_expires || !op.expires);
    NACRE_FUZZ_CHECK(!op.expires || (*op.expires > noon && *op.expires <= time_max));
  }
  void operator()(const model::create_webhook& op) const {
    NACRE_FUZZ_CHECK(model::parse_webhook_url(op.url) && (op.events & ~model::every_event) == 0);
  }
  void operator()(const model::change_webhook& op) const {
    NACRE_FUZZ_CHECK(!op.url || model::parse_webhook_url(*op.url));
    NACRE_FUZZ_CHECK(!op.events || (*op.events & ~model::every_event) == 0);
  }
  template <class Other>
  void operator()(const Other&) const {}
};

// One of another family than Alephant's, which nothing is sealed of.
model::create_pat token_no(std::uint64_t n, model::token_family family) {
  auto op = sealed_pat_no(n);
  op.family = family;
  op.sealed.clear();
  op.data_key_version = 0;
  return op;
}

model::create_webhook hook_no_1() { return {nth<webhook_id>(0x60, 1), "https://hooks.example.com", 0, 1, "sealed"}; }

class throwaway_service final : public actors::service {
 public:
  throwaway_service() {
    model::command founding{context_of(home, owner, 1), model::create_workspace{"Pearl", "", "wrapped"}};
    NACRE_FUZZ_CHECK(!model::apply(state_, founding).refused);
    model::command making{context_of(home, owner, 3), sealed_pat_no(1)};
    NACRE_FUZZ_CHECK(!model::apply(state_, making).refused);
    model::command serving{context_of(home, owner, 9), token_no(3, model::token_family::service)};
    NACRE_FUZZ_CHECK(!model::apply(state_, serving).refused);
    auto first = token_no(5, model::token_family::unleash);  // the third of the workspace
    first.expires = after(noon, 1000);
    model::command flagging{context_of(home, owner, 11), first};
    NACRE_FUZZ_CHECK(!model::apply(state_, flagging).refused);
    model::command telling{context_of(home, owner, 7), hook_no_1()};
    NACRE_FUZZ_CHECK(!model::apply(state_, telling).refused);
  }
  void submit(actors::order o) override {
    model::staged_state mine(state_);
    model::command c{o.ctx, operation_of(o.what)};
    std::visit(limits_hold{}, c.what);
    // What was taken fits the log, and comes back from it as it was.
    auto bytes = model::encode(c);
    NACRE_FUZZ_CHECK(bytes.size() <= limits::command_bytes_max);
    auto again = model::decode_command(bytes);
    NACRE_FUZZ_CHECK(again && *again == c);
    actors::answer a;
    a.outcome = model::apply(mine, c);
    NACRE_FUZZ_CHECK(mine.trustworthy());
    if (std::holds_alternative<model::revealed>(a.outcome.what)) a.token = crypto::secure_bytes(std::string_view("t"));
    o.reply(std::move(a));
  }
  void query(workspace_id, cluster::deadline,
             unique_function<void(result<std::shared_ptr<const model::view>>)> done) override {
    done(std::shared_ptr<const model::view>(std::shared_ptr<void>(), &state_));
  }
  void when_current(cluster::deadline, unique_function<void(result<void>)> done) override { done({}); }
  std::shared_ptr<const model::view> local_view() const override { return {std::shared_ptr<void>(), &state_}; }
  std::chrono::milliseconds local_age() const override { return {}; }
  const cluster::changes& changes() const override { return changes_; }
  void note_use(workspace_id, pat_id, timestamp) override {}
  void note_reuse(workspace_id, pat_id) override {}
  void note_act(workspace_id, std::string_view, std::string_view) override {}
  void note_auth_failure(std::string_view) override {}
  actors::service_stats stats() const override { return {}; }
  void stop() override {}
  void await_idle() override {}

 private:
  static model::operation operation_of(const actors::intent& what) {
    if (const auto* pat = std::get_if<actors::issue_pat>(&what)) {
      auto op = sealed_pat_no(2, pat->scopes);
      if (pat->family != model::token_family::alephant) {
        op = token_no(2, pat->family);
        op.scopes = pat->scopes;
        op.permissions = pat->permissions;
        op.all_projects = pat->all_projects;
        op.projects = pat->projects;
        op.only = pat->only;
      }
      op.name = pat->name;
      op.expires = pat->expires;
      return op;
    }
    if (const auto* renew = std::get_if<actors::renew_pat>(&what)) {
      model::rotate_pat op;
      op.id = renew->id;
      op.lookup = sealed_pat_no(4).lookup;
      op.data_key_version = 0;
      op.overlap_ms = renew->overlap_ms;
      op.until_first_use = renew->until_first_use;
      op.set_expires = renew->set_expires;
      op.expires = renew->expires;
      return op;
    }
    if (const auto* ws = std::get_if<actors::found_workspace>(&what))
      return model::create_workspace{ws->name, ws->email, "wrapped"};
    if (const auto* admit = std::get_if<actors::admit_claimed>(&what))
      return model::admit_member{admit->workspace_name, admit->email, admit->role, "wrapped"};
    if (const auto* hook = std::get_if<actors::issue_webhook>(&what))
      return model::create_webhook{nth<webhook_id>(0x60, 2), hook->url, hook->events, 1, "sealed"};
    if (const auto* edit = std::get_if<actors::edit_webhook>(&what)) {
      auto op = edit->what;
      if (edit->new_secret) op.secret = {2, 1, "sealed"};
      return op;
    }
    return std::get<model::operation>(what);
  }
  model::testing::map_state state_;
  cluster::changes changes_;
};

crypto::keyring throwaway_keys() {
  ::setenv("NACRE_FUZZ_ROOT_KEY", std::string(64, 'a').c_str(), 1);
  auto root = crypto::open_key_provider("env:NACRE_FUZZ_ROOT_KEY");
  NACRE_FUZZ_CHECK(root.has_value());
  return {std::move(*root), crypto::make_service_keys()};
}

struct installation {
  still_clock time;
  believing tokens;
  crypto::keyring keys = throwaway_keys();
  throwaway_service service;
  http::gate who{service, tokens, keys, time, {}};
  http::handler api = http::make_api(service, who, keys, time, settings(), {});

  static http::api_settings settings() {
    http::api_settings s;
    s.limits_enabled = false;
    return s;
  }
};

struct target {
  http::method verb;
  std::string path;
};

const target& chosen(std::uint8_t byte) {
  using enum http::method;
  static const std::string ws = "/api/v1/workspaces/" + to_string(home);
  static const std::string pat = "/api/v1/pats/" + to_string(pat_no(1));
  static const std::string own = "/api/personal-access-tokens", token = own + "/" + to_string(pat_no(3));
  static const target targets[] = {
      {post, "/api/v1/pats"},
      {patch, pat},
      {post, "/api/v1/pats/import"},
      {post, pat + "/reveal"},
      {post, "/api/v1/workspaces"},
      {patch, ws},
      {put, ws + "/members/" + to_string(user_no(2))},
      {post, ws + "/projects"},
      {post, ws + "/service-users"},
      {post, ws + "/webhooks"},
      {patch, ws + "/webhooks/" + to_string(hook_no_1().id)},
      {post, own},
      {post, token + "/regenerate"},
      {post, token + "/rotate"},
      {post, "/api/users/service"},
      {post, "/api/admin/user/tokens"},
      {post, "/api/admin/user/tokens/3/rotate"},
      {post, "/api/admin/service-account"},
  };
  return targets[byte % std::size(targets)];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static installation node;
  if (size == 0) return 0;
  const auto& to = chosen(data[0]);
  http::request r;
  r.id = request_no(5);
  r.verb = to.verb;
  r.path = to.path;
  r.headers = {{"Authorization", "Bearer eyJ.e30.AA"},
               {"X-Workspace-Id", to_string(home)},
               {"Content-Type", "application/json"}};
  r.body.assign(reinterpret_cast<const char*>(data + 1), size - 1);
  r.client.text = "192.0.2.7";
  r.deadline = std::chrono::steady_clock::now() + std::chrono::hours{1};
  std::optional<http::response> got;
  node.api(std::move(r), http::make_responder([&](http::response answer) { got = std::move(answer); }));
  NACRE_FUZZ_CHECK(got.has_value());
  switch (got->status) {
    case 200:
    case 201:
    case 400:
    case 403:
    case 409:
      break;
    default:
      NACRE_FUZZ_CHECK(got->status < 400);  // a good credential on an existing object meets nothing else
      std::abort();
  }
  auto body = http::parse_json_object(got->body);
  NACRE_FUZZ_CHECK(body.has_value());
  bool native = http::family_of(to.path) == http::family::native;
  bool unleash = http::family_of(to.path) == http::family::unleash;
  const char* wanted = got->status >= 400 ? (unleash ? "details" : "error") : native ? "data" : "id";
  NACRE_FUZZ_CHECK(body->find(wanted).has_value());
  return 0;
}
