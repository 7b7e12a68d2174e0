#include "http/api.hpp"

#include <cstdlib>

#include "http/call.hpp"
#include "http/families/checking.hpp"
#include "http/families/console.hpp"
#include "http/families/description.hpp"
#include "http/families/onetime/flow.hpp"
#include "http/routes.hpp"
#include "http/voice.hpp"

namespace nacre::http {

namespace {

class api {
 public:
  api(actors::service& service, gate& who, const crypto::keyring& keys, const nacre::clock& time, api_settings s,
      probes p)
      : with_{service,
              who,
              keys,
              time,
              s,
              std::move(p),
              limiter(s.limits_enabled ? s.failed_auth : rate{}),
              limiter(s.limits_enabled ? s.guest_create : rate{}),
              limiter(s.limits_enabled ? s.guest_reveal : rate{}),
              kept_lists(s.kept_lists),
              std::make_shared<description>()},
        addresses_(s.limits_enabled ? s.address : rate{}),
        described_(describe()),
        router_(make_router()) {}

  void handle(request r, responder respond) {
    auto c = std::make_unique<call>(with_, std::move(r), std::move(respond));
    c->speaks = family_of(c->req.path);
    // Unleash takes one slash too many (unleash-tokens.md section 1).
    if (c->speaks == family::unleash && c->req.path.ends_with('/')) c->req.path.pop_back();
    c->path_goes_on = checking::cut_original_path(c->req.path);
    c->match = router_.match(c->req.verb, c->req.path);
    if (c->match.what != route_match::verdict::not_found &&
        (!is_served(endpoints()[c->match.index], with_.settings) || console::hides(with_, c->req.path)))
      c->match.what = route_match::verdict::not_found;
    using verdict = route_match::verdict;
    bool found = c->match.what == verdict::found;
    const endpoint* to = found ? &endpoints()[c->match.index] : nullptr;
    if (to) c->pattern = to->pattern;
    if (to && to->is == trait::reveals) c->denial = "pat.reveal.denied";
    if (to && to->is == trait::rotates) c->denial = "pat.rotate.denied";
    if (to && to->needs == access::open) return to->handle(std::move(c));

    auto now = std::chrono::steady_clock::now();
    if (limits_by_address()) c->limit_key = c->req.client.limit_key();
    bool presented = to && to->needs == access::presented;
    auto wait = presented ? std::chrono::milliseconds{} : addresses_.admit(c->limit_key, now);
    if (wait.count() > 0) return refuse_limited(std::move(c), "address", with_.settings.address, wait);
    if (c->match.what == verdict::not_found) return refuse_route(std::move(c));
    if (!found) return refuse_method(std::move(c));
    if (to->needs == access::page || to->needs == access::this_machine) return to->handle(std::move(c));
    c->ctx.request = c->req.id;
    c->ctx.now = with_.time.now();
    c->ctx.node = with_.settings.node;
    if (presented) return to->handle(std::move(c));
    bool named = c->req.find("authorization") != nullptr;
    bool or_none = to->needs == access::basic_or_none || to->needs == access::user_or_none;
    if (to->needs == access::anonymous || (or_none && !named)) {
      c->caller.who.via = c->ctx.who.via = model::caller::kind::guest;
      return to->handle(std::move(c));
    }
    authenticate(std::move(c), *to);
  }

 private:
  std::vector<route> describe() {
    std::vector<route> out;
    for (const auto& e : endpoints()) out.push_back({e.verb, e.pattern, e.name, name_of(e.needs), e.summary});
    return out;
  }

  router make_router() {
    auto made = router::make(described_);
    if (!made) std::abort();  // the table itself is wrong; a test walks it
    return std::move(*made);
  }

  void authenticate(call_ptr c, const endpoint& to) {
    auto now = std::chrono::steady_clock::now();
    if (auto wait = with_.failed_auth.peek(c->limit_key, now); wait.count() > 0)
      return refuse_limited(std::move(c), "failed_auth", with_.settings.failed_auth, wait);
    const auto& req = c->req;  // stays where it is while the call moves on
    auto c_speaks = c->speaks;
    auto done = [this, &to, c = std::move(c)](result<principal> who) mutable {
      if (!who) {
        auto code = who.error().code;
        if (code == errc::unauthenticated || code == errc::token_revoked || code == errc::token_expired)
          with_.failed_auth.admit(c->limit_key, std::chrono::steady_clock::now());
        return refuse(std::move(c), who.error());
      }
      c->caller = std::move(*who);
      c->ctx.who = c->caller.who;
      enter(std::move(c), to);
    };
    bool basic = to.needs == access::basic || to.needs == access::basic_or_none;
    if (basic) return with_.who.authenticate_basic(req, std::move(done));
    with_.who.authenticate(req, token_family_of(c_speaks), std::move(done));
  }

  // A list of tokens as it was last made for this caller, if nothing it shows has changed since.
  static void serve(call_ptr c, const endpoint& to) {
    const auto& with = c->with;
    auto name = to.is == trait::lists_tokens && with.lists.keeps() ? name_of_list(c->ctx, c->req.path, c->req.query)
                                                                   : std::nullopt;
    if (!name) return to.handle(std::move(c));
    auto look = [&to, name = *name](call_ptr mine) {
      const auto& since = mine->with.service.changes();
      mine->to_keep = {name, since.stamp()};
      auto known = mine->with.lists.find(name, since);
      if (!known) return to.handle(std::move(mine));
      mine->to_keep.reset();
      mine->act = known->act;
      answer(std::move(mine), ready(known));
    };
    if (with.service.local_age().count() == 0) return look(std::move(c));
    auto& raw = *c;
    raw.with.service.when_current(raw.req.deadline, [c = std::move(c), look](result<void> current) mutable {
      if (!current) return refuse(std::move(c), current.error());
      look(std::move(c));
    });
  }

  static void enter(call_ptr c, const endpoint& to) {
    if (to.needs == access::header_workspace || to.needs == access::path_workspace) {
      auto ws = to.needs == access::header_workspace ? workspace_of_header(*c) : workspace_of_path(*c);
      if (!ws) return refuse(std::move(c), ws.error());
      // Every malformed path is told before anything about membership.
      if (auto bad = malformed_ids(*c, to)) return refuse(std::move(c), *bad);
      if (auto in = enter_workspace(*c, *ws); !in) return refuse(std::move(c), in.error());
    }
    if (to.needs == access::own_workspace || to.needs == access::user_or_none)
      return enter_own_workspace(std::move(c), [&to](call_ptr in) { serve(std::move(in), to); });
    serve(std::move(c), to);
  }

  // A family's routes are opened by its tokens and no other's.
  static model::token_family token_family_of(family f) {
    switch (f) {
      case family::unleash:
        return model::token_family::unleash;
      case family::service_tokens:
        return model::token_family::service;
      case family::native:
      case family::onetime_v1:
      case family::onetime_v2:
        return model::token_family::alephant;
    }
    std::abort();
  }

  static result<workspace_id> workspace_of_path(const call& c) {
    auto id = parse_uuid(c.capture(0));
    if (!id || id->is_nil()) return fail(errc::invalid, "The workspace id must be a UUID");
    return workspace_id{*id};
  }

  static std::optional<error> malformed_ids(const call& c, const endpoint& to) {
    for (std::size_t i = to.needs == access::path_workspace ? 1 : 0; i < c.match.capture_count; ++i)
      if (!parse_uuid(c.capture(i))) return error{errc::invalid, "The id in the path must be a UUID"};
    return std::nullopt;
  }

  void refuse_limited(call_ptr c, std::string_view name, const rate& limit, std::chrono::milliseconds wait) {
    auto r =
        limited_response(*c, {errc::rate_limited, "Too many requests. Try again later"}, spent_rate(name, limit, wait));
    answer(std::move(c), std::move(r));
  }

  static void refuse_route(call_ptr c) {
    auto r = voice_of(c->speaks).no_route(*c);
    answer(std::move(c), std::move(r));
  }

  static void refuse_method(call_ptr c) {
    auto r = voice_of(c->speaks).no_method(*c);
    // Onetime Secret v1 tells it as 404; families that know no 405 do not tell which methods there are.
    if (r.status == 405 || c->speaks == family::onetime_v1) r.headers.push_back({"Allow", c->match.allow});
    answer(std::move(c), std::move(r));
  }

  bool limits_by_address() const {
    return addresses_.limits() || with_.failed_auth.limits() || with_.guest_creates.limits() ||
           with_.guest_reveals.limits();
  }

  services with_;
  limiter addresses_;
  const std::vector<route> described_;
  const router router_;
};

}  // namespace

rules_of_path path_rules_of(const api_settings& s) {
  return [large = onetime::create_body_bytes_max(s.onetime)](method verb, std::string_view path) {
    path_rules here;
    auto speaks = family_of(path);
    here.refusal = voice_of(speaks).edge;
    // "A malformed guest identifier is 404"
    // So is a page's, which says so to people.
    bool page = path.starts_with("/secret/") || path.starts_with("/receipt/");
    here.path_is_free = speaks == family::onetime_v1 || speaks == family::onetime_v2 || page;
    if (takes_secret(verb, path)) here.body_bytes_max = large;
    return here;
  };
}

handler make_api(actors::service& service, gate& who, const crypto::keyring& keys, const nacre::clock& time,
                 api_settings s, probes p) {
  auto shared = std::make_shared<api>(service, who, keys, time, std::move(s), std::move(p));
  return [shared](request r, responder respond) { shared->handle(std::move(r), std::move(respond)); };
}

}  // namespace nacre::http
