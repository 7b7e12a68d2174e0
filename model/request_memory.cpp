#include "model/request_memory.hpp"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/load.hpp"
#include "model/pats.hpp"
#include "model/secrets.hpp"
#include "model/wire.hpp"

namespace nacre::model {

namespace {

constexpr std::uint8_t version_1 = 1;
constexpr std::string_view budget_names[] = {"reveal", "reveal-user"};

struct memory {
  std::uint8_t operation = 0;  // place in the variant
  user_id user;
  uuid object;  // what was made or acted on; nil where the workspace itself was
  std::optional<error> refused;
  std::optional<budget_state> budget;
};

uuid object_of(const operation& op) {
  return std::visit(
      [](const auto& o) -> uuid {
        if constexpr (requires { o.receipt.value(); })
          return o.receipt.value();
        else if constexpr (requires { o.id.value(); })
          return o.id.value();
        else if constexpr (requires { o.user.value(); })
          return o.user.value();
        else
          return {};
      },
      op);
}

// Whoever asked for one of these holds what it is about and acts on "granted": it must not have been granted for
// something else. Others are answered with what the first one made or met.
bool is_about_its_object(const operation& op) {
  return goes_by_link(op) || std::holds_alternative<set_memo>(op) || std::holds_alternative<confirm_pat_reveal>(op);
}

std::string encode(const memory& m) {
  writer w;
  w.u8(version_1).u8(m.operation).id(m.user).id(m.object);
  w.maybe(m.refused, [](writer& out, const error& e) { out.u8(static_cast<std::uint8_t>(e.code)).bytes(e.text); });
  w.maybe(m.budget, [](writer& out, const budget_state& b) {
    out.u8(b.name == budget_names[0] ? 0 : 1).u32(b.limit).u32(b.remaining).u64(static_cast<std::uint64_t>(b.reset_ms));
  });
  return w.take();
}

std::optional<memory> decode_memory(std::string_view bytes) {
  reader r(bytes);
  if (r.u8() != version_1) return std::nullopt;
  memory m;
  m.operation = r.u8();
  m.user = r.id_as<user_id>();
  m.object = r.id();
  m.refused = r.maybe([](reader& in) {
    auto code = in.u8();
    if (code == 0 || code > static_cast<std::uint8_t>(errc::internal)) in.fail();
    return error{static_cast<errc>(code), in.text(limits::record_bytes_max)};
  });
  m.budget = r.maybe([](reader& in) {
    budget_state b;
    auto name = in.u8();
    if (name > 1) in.fail();
    b.name = budget_names[name & 1];
    b.limit = in.u32();
    b.remaining = in.u32();
    b.reset_ms = static_cast<std::int64_t>(in.u64());
    return b;
  });
  if (!r.finished()) return std::nullopt;
  return m;
}

// The objects of an answer, as they are now.
class recalling {
 public:
  recalling(const view& v, const context& ctx, uuid object) : v_(v), ctx_(ctx), object_(object) {}

  reply operator()(const create_workspace&) const { return workspace(); }
  reply operator()(const admit_member&) const { return workspace(); }
  reply operator()(const rename_workspace&) const { return workspace(); }
  reply operator()(const put_member&) const {
    user_id id{object_};
    return found<member_record>(keys::member(ctx_.workspace, id), [&](auto r) { return member_entry{id, r}; });
  }
  reply operator()(const create_service_user&) const {
    user_id id{object_};
    return found<service_user_record>(keys::service_user(ctx_.workspace, id), [&](auto r) {
      return service_user_entry{id, r};
    });
  }
  reply operator()(const create_project&) const {
    project_id id{object_};
    return found<project_record>(keys::project(ctx_.workspace, id), [&](auto r) {
      return project_entry{id, ctx_.workspace, r};
    });
  }
  reply operator()(const create_pat&) const { return pat(true); }
  reply operator()(const import_pat&) const { return pat(true); }
  reply operator()(const change_pat&) const { return pat(false); }
  reply operator()(const revoke_pat&) const { return pat(false); }
  reply operator()(const reveal_pat&) const {
    pat_id id{object_};
    return found<pat_record>(keys::pat(ctx_.workspace, id), [&](auto r) -> reply {
      auto sealed = v_.get(space::sealed, keys::sealed_pat(ctx_.workspace, id));
      if (!sealed) return v_.mark_undecodable(), reply{};
      return revealed{{id, ctx_.workspace, std::move(r), {}}, std::move(*sealed)};
    });
  }
  reply operator()(const rotate_pat& op) const {
    pat_id id{object_};
    return found<pat_record>(keys::pat(ctx_.workspace, id), [&](auto r) {
      return rotated{{id, ctx_.workspace, std::move(r), {}}, rotation_salt(v_, ctx_, op).value_or(op.salt)};
    });
  }
  reply operator()(const change_service_user&) const {
    user_id id{object_};
    return found<service_user_record>(keys::service_user(ctx_.workspace, id), [&](auto r) {
      return service_user_entry{id, r};
    });
  }
  reply operator()(const delete_workspace&) const { return {}; }
  reply operator()(const remove_member&) const { return {}; }
  reply operator()(const note_activity&) const { return {}; }
  reply operator()(const create_webhook&) const { return webhook(); }
  reply operator()(const change_webhook&) const { return webhook(); }
  reply operator()(const delete_webhook&) const { return {}; }
  reply operator()(const ping_webhook&) const { return webhook(); }
  reply operator()(const settle_deliveries&) const { return {}; }
  reply operator()(const burn_secret&) const { return receipt(); }
  reply operator()(const preview_receipt&) const { return receipt(); }
  reply operator()(const set_memo&) const { return receipt(); }
  reply operator()(const open_ask&) const { return ask(); }
  reply operator()(const answer_ask&) const { return ask(); }
  reply operator()(const pick_up_ask&) const { return ask(); }
  reply operator()(const confirm_ask&) const { return ask(); }
  reply operator()(const cancel_ask&) const { return ask(); }
  reply operator()(const reserve_attempt&) const {
    secret_id id{object_};
    if (!v_.get(space::state, keys::attempts(ctx_.workspace, id))) return {};  // it was the one that burned it
    return attempt_granted{locked_out(v_, ctx_, id).has_value()};
  }
  // What a one-time secret was is gone; who asked held it before it proposed.
  template <class Op>
  reply operator()(const Op&) const {
    return {};
  }

 private:
  template <class Record, class Make>
  reply found(const std::string& key, Make make) const {
    auto record = load<Record>(v_, space::state, key);
    if (!record) return v_.mark_undecodable(), reply{};  // rows of acted-on objects are never erased
    return make(std::move(*record));
  }
  reply workspace() const {
    auto me = load<member_record>(v_, space::state, keys::member(ctx_.workspace, ctx_.who.user));
    return found<workspace_record>(keys::workspace(ctx_.workspace), [&](auto r) {
      return workspace_entry{ctx_.workspace, std::move(r), me ? me->role : role::member};
    });
  }
  // Nothing, if its workspace has been deleted since.
  reply receipt() const {
    auto entry = find_receipt(v_, ctx_.workspace, receipt_id{object_}, ctx_.now);
    if (!entry) return {};
    return std::move(*entry);
  }
  reply ask() const {
    ask_id id{object_};
    auto found = find_ask(v_, ctx_.workspace, id, ctx_.now);
    if (!found) return {};
    return ask_entry{id, ctx_.workspace, std::move(*found)};
  }
  reply webhook() const {
    webhook_id id{object_};
    return found<webhook_record>(keys::webhook(ctx_.workspace, id), [&](auto r) {
      auto progress = load<webhook_progress>(v_, space::state, keys::webhook_progress(ctx_.workspace, id));
      return webhook_entry{id, std::move(r), progress.value_or(webhook_progress{})};
    });
  }
  reply pat(bool with_workspace_name) const {
    auto ws = load<workspace_record>(v_, space::state, keys::workspace(ctx_.workspace));
    return found<pat_record>(keys::pat(ctx_.workspace, pat_id{object_}), [&](auto r) {
      return pat_entry{pat_id{object_}, ctx_.workspace, std::move(r), with_workspace_name && ws ? ws->name : ""};
    });
  }

  const view& v_;
  const context& ctx_;
  uuid object_;
};

// A webhook leaves no row when it is deleted.
bool shows_webhook(const operation& op) {
  return std::holds_alternative<create_webhook>(op) || std::holds_alternative<change_webhook>(op) ||
         std::holds_alternative<ping_webhook>(op);
}
std::optional<error> webhook_gone_since(const view& v, const context& ctx, const memory& m) {
  if (v.get(space::state, keys::webhook(ctx.workspace, webhook_id{m.object}))) return std::nullopt;
  return error{errc::not_found, "Webhook not found"};
}

// What was revealed a moment ago may be gone by now, and then nobody gets it any more.
std::optional<error> gone_since(const view& v, const context& ctx, const memory& m) {
  auto ws = load<workspace_record>(v, space::state, keys::workspace(ctx.workspace));
  if (!ws || ws->deleted) return error{errc::forbidden, "You are not a member of this workspace"};
  auto pat = load<pat_record>(v, space::state, keys::pat(ctx.workspace, pat_id{m.object}));
  if (pat && pat->revoked) return error{errc::not_found, "Personal access token not found"};
  return std::nullopt;
}

std::string key_of(const context& ctx) { return keys::request(ctx.workspace, ctx.now, ctx.request); }

void forget_old(state& st, const context& ctx) {
  auto from = keys::all(ctx.workspace, 'R');
  auto to = keys::requests_from(ctx.workspace, after(ctx.now, -limits::request_memory_ms));
  std::vector<std::string> old;
  st.scan(space::state, from, to, [&](std::string_view key, std::string_view) {
    old.emplace_back(key);
    return old.size() < limits::request_prune_batch;
  });
  for (const auto& key : old) st.erase(space::state, key);
}

}  // namespace

bool finds_itself(const operation& op) {
  const auto* claim = std::get_if<claim_secret>(&op);
  return std::holds_alternative<conceal_secret>(op) || (claim && claim->by_receipt);
}

bool has_found_itself(const view& v, const command& c) {
  const auto* claim = std::get_if<claim_secret>(&c.what);
  return claim == nullptr || is_claimed(v, c.ctx, *claim);
}

bool is_remembered(const view& v, const command& c) {
  if (const auto* op = std::get_if<conceal_secret>(&c.what)) return is_concealed(v, c.ctx, *op);
  if (finds_itself(c.what) && has_found_itself(v, c)) return true;
  return v.get(space::state, key_of(c.ctx)).has_value();
}

std::optional<outcome> recall(const view& v, const command& c) {
  auto bytes = v.get(space::state, key_of(c.ctx));
  if (!bytes) return std::nullopt;
  auto m = decode_memory(*bytes);
  outcome o;
  if (!m) {
    v.mark_undecodable();
    o.refused = error{errc::corrupt, "The memory of this request cannot be read"};
  } else if (m->operation != c.what.index() || m->user != c.ctx.who.user ||
             (is_about_its_object(c.what) && m->object != object_of(c.what))) {
    o.refused = error{errc::conflict, "This request id was used for something else"};
  } else {
    o.replayed = true;
    o.budget = m->budget;
    o.refused = m->refused;
    if (!o.refused && std::holds_alternative<reveal_pat>(c.what)) o.refused = gone_since(v, c.ctx, *m);
    if (!o.refused && shows_webhook(c.what)) o.refused = webhook_gone_since(v, c.ctx, *m);
    if (!o.refused) o.what = std::visit(recalling{v, c.ctx, m->object}, c.what);
  }
  return o;
}

void remember(state& st, const command& c, const outcome& o) {
  memory m{static_cast<std::uint8_t>(c.what.index()), c.ctx.who.user, object_of(c.what), o.refused, o.budget};
  st.put(space::state, key_of(c.ctx), encode(m));
}

// Amortised: one effect in 32 pays for forgetting up to 64. Which one is decided by the request,
// not by chance.
void forget_some(state& st, const context& ctx) {
  if ((ctx.request.value().bytes[15] & 31) == 0) forget_old(st, ctx);
}

}  // namespace nacre::model
