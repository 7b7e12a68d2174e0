#include "model/apply.hpp"

#include <algorithm>
#include <cstdlib>

#include "model/audit.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/load.hpp"
#include "model/policy.hpp"
#include "model/request_memory.hpp"
#include "model/secrets.hpp"
#include "model/staged_state.hpp"
#include "model/webhooks.hpp"
#include "model/wire.hpp"

namespace nacre::model {

namespace {

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t clocks_differ_ms = 300'000;  // how far ahead an import may be dated

outcome refuse(error e) {
  outcome o;
  o.refused = std::move(e);
  return o;
}

outcome refuse(errc code, std::string text) { return refuse(error{code, std::move(text)}); }

outcome answer(reply what) {
  outcome o;
  o.what = std::move(what);
  return o;
}

// ---- budgets -------------------------------------------------------------------------------------

// The reveals of one user that still count. The window has a clock of its own: the caller's, but never
// behind a stamp it holds, so that nodes whose clocks differ cannot spend twice. A stamp from
// more than one window ahead means that the clock was set back: it no longer counts, or nobody
// could reveal until the clock caught up.
class reveal_window {
 public:
  reveal_window(budget_record held, timestamp now) : held_(std::move(held)), now_(now), at_(now) {
    auto& reveals = held_.reveals;
    std::erase_if(reveals, [&](const auto& s) { return s.at > after(now, limits::reveal_window_ms); });
    if (!reveals.empty()) at_ = std::max(now, reveals.back().at);
    std::erase_if(reveals, [&](const auto& s) { return s.at <= after(at_, -limits::reveal_window_ms); });
  }

  // The tighter of the two budgets.
  budget_state standing(const reveal_pat& op) const {
    auto per_pat = measure("reveal", op.per_pat, [&](const auto& s) { return s.pat == op.id; });
    auto per_user = measure("reveal-user", op.per_user, [](const auto&) { return true; });
    if (per_user.remaining != per_pat.remaining) return per_user.remaining < per_pat.remaining ? per_user : per_pat;
    return per_user.remaining == 0 && per_user.reset_ms > per_pat.reset_ms ? per_user : per_pat;
  }

  std::optional<outcome> refusal(const reveal_pat& op) const {
    auto now_stands = standing(op);
    if (now_stands.remaining > 0) return std::nullopt;
    auto o = refuse(errc::rate_limited, "Too many reveals. Try again later");
    o.budget = now_stands;
    return o;
  }

  void spend(pat_id pat) { held_.reveals.push_back({at_, pat}); }
  const budget_record& held() const { return held_; }

 private:
  template <class Counts>
  budget_state measure(std::string_view name, std::uint32_t limit, Counts counts) const {
    std::vector<timestamp> spent;  // oldest first
    for (const auto& s : held_.reveals)
      if (counts(s)) spent.push_back(s.at);
    budget_state stands{name, limit, limit, 0};
    stands.remaining = spent.size() < limit ? limit - static_cast<std::uint32_t>(spent.size()) : 0;
    if (limit == 0) stands.reset_ms = limits::reveal_window_ms;
    if (limit == 0 || spent.empty()) return stands;
    // The one whose leaving makes room: not the oldest if the limit has been lowered since.
    auto leaves = spent.size() > limit ? spent[spent.size() - limit] : spent.front();
    stands.reset_ms = leaves.value() + limits::reveal_window_ms - now_.value();
    return stands;
  }

  budget_record held_;
  timestamp now_, at_;
};

// ---- one call per operation ------------------------------------------------------------------------

class applying {
 public:
  applying(state& st, const context& ctx) : st_(st), ctx_(ctx) {}

  outcome operator()(const create_workspace& op) {
    if (auto may = may_begin(); !may) return refuse(may.error());
    if (load<workspace_record>(st_, space::state, keys::workspace(ctx_.workspace)))
      return refuse(errc::conflict, "This workspace exists already");
    auto ws = begin_workspace(op.name, op.wrapped_data_key);
    join(ws, ctx_.who.user, role::owner, op.email);
    save(ws);
    record({"workspace.create", to_string(ctx_.workspace)});
    return answer(workspace_entry{ctx_.workspace, ws, role::owner});
  }

  outcome operator()(const admit_member& op) {
    if (auto may = may_begin(); !may) return refuse(may.error());
    auto ws = load<workspace_record>(st_, space::state, keys::workspace(ctx_.workspace));
    if (ws && ws->deleted) return refuse(errc::forbidden, "You are not a member of this workspace");
    if (auto me = load_member(ctx_.who.user)) {
      if (me->removed || !ws) return refuse(errc::forbidden, "You are not a member of this workspace");
      return answer(workspace_entry{ctx_.workspace, *ws, me->role});
    }
    bool fresh = !ws;
    if (fresh) {
      ws = begin_workspace(op.workspace_name, op.wrapped_data_key);
      record({"workspace.create", to_string(ctx_.workspace)});
    }
    if (ws->members >= limits::members_per_workspace_max)
      return refuse(errc::conflict, "This workspace has as many members as it can hold");
    join(*ws, ctx_.who.user, op.role, op.email);
    save(*ws);
    record({"member.admit", to_string(ctx_.who.user)});
    return answer(workspace_entry{ctx_.workspace, *ws, op.role});
  }

  outcome operator()(const rename_workspace& op) {
    auto who = stand(st_, ctx_, scope_admin);
    if (!who) return refuse(who.error());
    if (auto may = require_admin(*who); !may) return refuse(may.error());
    if (who->workspace.name != op.name) {
      who->workspace.name = op.name;
      save(who->workspace);
      record({"workspace.rename", to_string(ctx_.workspace)});
    }
    return answer(workspace_entry{ctx_.workspace, who->workspace, who->me.role});
  }

  // Erasing the data keys makes everything sealed in the workspace unreadable at once. The audit
  // log stays: it tells that the workspace existed and who deleted it.
  outcome operator()(const delete_workspace&) {
    auto who = stand(st_, ctx_, scope_admin);
    if (!who) return refuse(who.error());
    if (auto may = require_owner(*who); !may) return refuse(may.error());
    for (std::uint32_t v = 1; v <= who->workspace.data_key_version; ++v)
      st_.erase(space::sealed, keys::data_key(ctx_.workspace, v));
    auto members = keys::all(ctx_.workspace, 'M');
    std::vector<user_id> users;
    st_.scan(space::state, members, keys::past(members), [&](std::string_view key, std::string_view value) {
      auto id = uuid_from_bytes(key.substr(members.size()));
      auto row = decode<member_record>(value);
      if (!id || !row) return st_.mark_undecodable(), false;
      if (!row->removed) users.emplace_back(*id);
      return users.size() < who->workspace.members;
    });
    for (auto user : users) st_.erase(space::index, keys::user_workspace(user, ctx_.workspace));
    forget_webhooks(st_, ctx_.workspace);
    who->workspace.deleted = ctx_.now;
    save(who->workspace);
    record({"workspace.delete", to_string(ctx_.workspace)});
    return {};
  }

  outcome operator()(const put_member& op) {
    auto who = stand(st_, ctx_, scope_admin);
    if (!who) return refuse(who.error());
    if (auto may = require_admin(*who); !may) return refuse(may.error());
    auto& ws = who->workspace;
    auto target = load_member(op.user);
    bool present = target && !target->removed;
    bool is_owner = present && target->role == role::owner;
    if (present && target->role == op.role && (!op.email || *op.email == target->email))
      return answer(member_entry{op.user, *target});
    if (op.role == role::owner || is_owner)
      if (auto may = require_owner(*who); !may) return refuse(may.error());
    if (is_owner && op.role != role::owner && ws.owners == 1)
      return refuse(errc::conflict, "The last owner of a workspace cannot be demoted");
    if (!present) {
      if (ws.members >= limits::members_per_workspace_max)
        return refuse(errc::conflict, "This workspace has as many members as it can hold");
      target = join(ws, op.user, op.role, op.email.value_or(target ? target->email : ""));
    } else {
      if (is_owner) --ws.owners;
      if (op.role == role::owner) ++ws.owners;
      target->role = op.role;
      if (op.email) target->email = *op.email;
      save(op.user, *target);
    }
    save(ws);
    record({"member.put", to_string(op.user), "granted", name_of(op.role)});
    return answer(member_entry{op.user, *target});
  }

  outcome operator()(const remove_member& op) {
    auto who = stand(st_, ctx_, scope_admin);
    if (!who) return refuse(who.error());
    auto& ws = who->workspace;
    bool leaves = op.user == ctx_.who.user;
    if (!leaves)
      if (auto may = require_admin(*who); !may) return refuse(may.error());
    auto target = load_member(op.user);
    if (!target || target->removed) return refuse(errc::not_found, "Member not found");
    if (target->role == role::owner) {
      if (auto may = require_owner(*who); !may) return refuse(may.error());
      if (ws.owners == 1) return refuse(errc::conflict, "The last owner of a workspace cannot leave it");
      --ws.owners;
    }
    --ws.members;
    target->removed = ctx_.now;
    save(op.user, *target);
    save(ws);
    st_.erase(space::index, keys::user_workspace(op.user, ctx_.workspace));
    record({"member.remove", to_string(op.user)});
    return {};
  }

  outcome operator()(const create_service_user& op) {
    auto who = stand(st_, ctx_, scope_admin);
    if (!who) return refuse(who.error());
    if (auto may = require_admin(*who); !may) return refuse(may.error());
    if (who->workspace.service_users >= limits::service_users_per_workspace_max)
      return refuse(errc::conflict, "This workspace has as many service users as it can hold");
    if (st_.get(space::state, keys::service_user(ctx_.workspace, op.id)))
      return refuse(errc::conflict, "This service user exists already");
    service_user_record made{op.name, ctx_.now, ctx_.who.user};
    st_.put(space::state, keys::service_user(ctx_.workspace, op.id), encode(made));
    ++who->workspace.service_users;
    save(who->workspace);
    record({"service_user.create", to_string(op.id)});
    return answer(service_user_entry{op.id, made});
  }

  outcome operator()(const create_project& op) {
    auto who = stand(st_, ctx_, scope_admin);
    if (!who) return refuse(who.error());
    if (auto may = require_admin(*who); !may) return refuse(may.error());
    if (who->workspace.projects >= limits::projects_per_workspace_max)
      return refuse(errc::conflict, "This workspace has as many projects as it can hold");
    if (st_.get(space::state, keys::project(ctx_.workspace, op.id)))
      return refuse(errc::conflict, "This project exists already");
    if (st_.get(space::state, keys::project_key(ctx_.workspace, op.key)))
      return refuse(errc::conflict, "A project with this key exists already");
    project_record made{op.name, op.key, op.version, ctx_.now, ctx_.now};
    st_.put(space::state, keys::project(ctx_.workspace, op.id), encode(made));
    st_.put(space::state, keys::project_key(ctx_.workspace, op.key), std::string(op.id.value().view()));
    ++who->workspace.projects;
    save(who->workspace);
    record({"project.create", to_string(op.id)});
    return answer(project_entry{op.id, ctx_.workspace, made});
  }

  outcome operator()(const create_pat& op) {
    auto who = stand(st_, ctx_, scope_write);
    if (!who) return refuse(who.error());
    // A token never makes a stronger one.
    if (implied(op.scopes) & ~who->scopes) {
      auto missing = (op.scopes & scope_admin) ? scope_admin : scope_write;
      return refuse(errc::insufficient_scope,
                    "Insufficient permissions. Required scope: " + std::string(name_of(missing)));
    }
    pat_record made;
    made.owner = ctx_.who.user;
    made.name = op.name;
    made.prefix = op.prefix;
    made.scopes = op.scopes;
    made.created = ctx_.now;
    made.expires = op.expires;
    made.data_key_version = op.data_key_version;
    made.pepper_version = op.pepper_version;
    made.lookup = op.lookup;
    if (auto kept = keep_new_pat(op.id, made, who->workspace, who->me); !kept) return refuse(kept.error());
    st_.put(space::sealed, keys::sealed_pat(ctx_.workspace, op.id), op.sealed);
    record({"pat.create", to_string(op.id)});
    emit(st_, ctx_, {event_type::pat_created, text_of(op.id)});
    return answer(pat_entry{op.id, ctx_.workspace, made, who->workspace.name});
  }

  outcome operator()(const import_pat& op) {
    std::optional<workspace_record> ws;
    if (ctx_.who.via == caller::kind::system) {
      if (ctx_.workspace == system_workspace || is_guest_partition(ctx_.workspace)) return refuse(no_workspace());
      ws = load<workspace_record>(st_, space::state, keys::workspace(ctx_.workspace));
      if (ws && ws->deleted) return refuse(errc::not_found, "The workspace has been deleted");
    } else {
      auto who = stand(st_, ctx_, scope_admin);
      if (!who) return refuse(who.error());
      if (auto may = require_admin(*who); !may) return refuse(may.error());
      // Who knows a token acts as its owner, and spends their budgets: an admin brings in only their own.
      if (op.owner != ctx_.who.user && !who->is_owner())
        return refuse(errc::forbidden, "Only a workspace owner may import a token of somebody else");
      ws = std::move(who->workspace);
    }
    // Lists are in order of creation: a date to come would stay on top of them.
    if (op.created > after(ctx_.now, clocks_differ_ms))
      return refuse(errc::invalid, "createdAt must not lie in the future");
    if (token_known(op.lookup)) return refuse(errc::conflict, "This token is known already");
    // Who owned tokens elsewhere is a member here; the first one in a new workspace owns it.
    bool fresh = !ws;
    if (fresh) {
      ws = begin_workspace("Imported", op.wrapped_data_key);
      record({"workspace.create", to_string(ctx_.workspace)});
    }
    auto owner = load_member(op.owner);
    if (owner && owner->removed) return refuse(errc::conflict, "The token's owner has left the workspace");
    if (!owner) {
      if (ws->members >= limits::members_per_workspace_max)
        return refuse(errc::conflict, "This workspace has as many members as it can hold");
      owner = join(*ws, op.owner, fresh ? role::owner : role::member, "");
      record({"member.admit", to_string(op.owner)});
    }
    pat_record made;
    made.owner = op.owner;
    made.name = op.name;
    made.prefix = op.prefix;
    made.scopes = op.scopes;
    made.created = op.created;
    made.expires = op.expires;
    made.imported = true;
    made.pepper_version = op.pepper_version;
    made.lookup = op.lookup;
    if (auto kept = keep_new_pat(op.id, made, *ws, *owner); !kept) return refuse(kept.error());
    record({"pat.import", to_string(op.id)});
    return answer(pat_entry{op.id, ctx_.workspace, made, ws->name});
  }

  outcome operator()(const change_pat& op) {
    auto who = stand(st_, ctx_, scope_write);
    if (!who) return refuse(who.error());
    auto pat = find_live_pat(st_, ctx_.workspace, op.id);
    if (!pat) return refuse(pat.error());
    if (auto may = may_handle(*who, ctx_, *pat); !may) return refuse(may.error());
    auto before = *pat;
    if (op.name) pat->name = *op.name;
    if (op.set_expires) pat->expires = op.expires;
    if (!(before == *pat)) {
      save(op.id, *pat);
      if (pat->expires != before.expires) put_expiry_reminder(st_, ctx_.workspace, op.id, *pat, ctx_.now);
      record({"pat.update", to_string(op.id)});
    }
    return answer(pat_entry{op.id, ctx_.workspace, *pat, {}});
  }

  // The row and its lookup stay, so that the token is answered "revoked" rather than "unknown".
  outcome operator()(const revoke_pat& op) {
    auto who = stand(st_, ctx_, scope_write);
    if (!who) return refuse(who.error());
    auto pat = find_live_pat(st_, ctx_.workspace, op.id);
    if (!pat) return refuse(pat.error());
    if (auto may = may_handle(*who, ctx_, *pat); !may) return refuse(may.error());
    pat->revoked = ctx_.now;
    pat->data_key_version = 0;
    save(op.id, *pat);
    st_.erase(space::sealed, keys::sealed_pat(ctx_.workspace, op.id));
    st_.erase(space::state, keys::live_pat(ctx_.workspace, pat->created, pat->seq));
    st_.erase(space::state, keys::owned_pat(ctx_.workspace, pat->owner, pat->created, pat->seq));
    --who->workspace.live_pats;
    save(who->workspace);
    if (auto owner = load_member(pat->owner)) {
      if (owner->live_pats > 0) --owner->live_pats;
      save(pat->owner, *owner);
    }
    record({"pat.revoke", to_string(op.id)});
    emit(st_, ctx_, {event_type::pat_revoked, text_of(op.id)});
    return answer(pat_entry{op.id, ctx_.workspace, *pat, {}});
  }

  // Order of checks: contract section 4.4. The budget counts before the lookup, so that probing for
  // ids costs as much as revealing.
  outcome operator()(const reveal_pat& op) {
    auto who = stand(st_, ctx_, scope_admin);
    if (!who) return refuse(who.error());
    std::optional<budget_state> budget;
    bool again = has_pat_claim(st_, ctx_, op);  // the answer got lost: it costs nothing and is on record already
    if (op.limited && !again) {
      auto key = keys::budget(ctx_.workspace, ctx_.who.user);
      reveal_window window(load<budget_record>(st_, space::state, key).value_or(budget_record{}), ctx_.now);
      if (auto refused = window.refusal(op)) return std::move(*refused);
      window.spend(op.id);
      st_.put(space::state, key, encode(window.held()));
      budget = window.standing(op);
    }
    auto denied = [&](error e) {
      if (again) return refuse(std::move(e));
      record({"pat.reveal", to_string(op.id), "denied", nacre::name_of(e.code)});
      auto o = refuse(std::move(e));
      o.budget = budget;
      return o;
    };
    auto pat = find_live_pat(st_, ctx_.workspace, op.id);
    if (!pat) return denied(pat.error());
    if (auto may = may_handle(*who, ctx_, *pat); !may) return denied(may.error());
    if (!pat->has_ciphertext())
      return denied({errc::reveal_not_available,
                     "This token was stored without its ciphertext and cannot be revealed. Create a new one"});
    if (pat->expires && *pat->expires <= ctx_.now)
      return denied({errc::reveal_not_available, "This token has expired and cannot be revealed"});
    auto sealed = st_.get(space::sealed, keys::sealed_pat(ctx_.workspace, op.id));
    if (!sealed) {
      st_.mark_undecodable();  // the record says it is there: this disk has lost something
      return refuse(errc::corrupt, "The sealed token is missing");
    }
    if (!again) {
      record({"pat.reveal", to_string(op.id)});
      emit(st_, ctx_, {event_type::pat_revealed, text_of(op.id)});
      keep_pat_claim(st_, ctx_, op);
    }
    auto o = answer(revealed{{op.id, ctx_.workspace, *pat, {}}, std::move(*sealed)});
    o.budget = budget;
    return o;
  }

  outcome operator()(const confirm_pat_reveal& op) {
    auto who = stand(st_, ctx_, scope_admin);
    if (!who) return refuse(who.error());
    forget_pat_claim(st_, ctx_, op);
    return {};
  }

  // One-time secrets have rules of their own.
  template <class Op>
  requires requires(state& st, const context& ctx, const Op& op) { apply_to(st, ctx, op); }
  outcome operator()(const Op& op) { return apply_to(st_, ctx_, op); }

  outcome operator()(const note_activity& op) {
    if (ctx_.who.via != caller::kind::system) return refuse(errc::forbidden, "Only nacre itself notes activity");
    for (const auto& use : op.uses) {
      auto pat = load<pat_record>(st_, space::state, keys::pat(ctx_.workspace, use.pat));
      if (!pat || pat->revoked || (pat->last_used && *pat->last_used >= use.at)) continue;
      pat->last_used = use.at;
      bool first_this_hour = use.at.value() / hour_ms != pat->use_audited_hour;
      pat->use_audited_hour = use.at.value() / hour_ms;
      save(use.pat, *pat);
      if (first_this_hour) record({"pat.use", to_string(use.pat)});
    }
    for (const auto& act : op.acts)
      record({act.action, act.object, act.reason.empty() ? "granted" : "denied", act.reason, act.count});
    return {};
  }

  outcome operator()(const create_webhook& op) { return apply_webhook(st_, ctx_, op); }
  outcome operator()(const change_webhook& op) { return apply_webhook(st_, ctx_, op); }
  outcome operator()(const delete_webhook& op) { return apply_webhook(st_, ctx_, op); }
  outcome operator()(const ping_webhook& op) { return apply_webhook(st_, ctx_, op); }
  outcome operator()(const settle_deliveries& op) { return apply_webhook(st_, ctx_, op); }

 private:
  static std::string_view view_of(const std::array<std::uint8_t, 32>& lookup) {
    return {reinterpret_cast<const char*>(lookup.data()), lookup.size()};
  }
  bool token_known(const std::array<std::uint8_t, 32>& lookup) const {
    return st_.get(space::index, keys::token(view_of(lookup))) ||
           st_.get(space::index, keys::imported_token(view_of(lookup)));
  }

  std::optional<member_record> load_member(user_id user) const {
    return load<member_record>(st_, space::state, keys::member(ctx_.workspace, user));
  }
  void save(const workspace_record& ws) { st_.put(space::state, keys::workspace(ctx_.workspace), encode(ws)); }
  void save(user_id user, const member_record& m) {
    st_.put(space::state, keys::member(ctx_.workspace, user), encode(m));
  }
  void save(pat_id id, const pat_record& p) { st_.put(space::state, keys::pat(ctx_.workspace, id), encode(p)); }

  static error no_workspace() { return {errc::invalid, "This workspace id is reserved"}; }

  // Whether the caller may bring a workspace into being or walk into one.
  result<void> may_begin() const {
    if (ctx_.workspace == system_workspace || is_guest_partition(ctx_.workspace)) return fail(no_workspace());
    if (ctx_.who.via == caller::kind::jwt) return {};
    return fail(errc::forbidden, "A personal access token is bound to its workspace");
  }

  workspace_record begin_workspace(const std::string& name, const std::string& wrapped_data_key) {
    workspace_record ws;
    ws.name = name;
    ws.created = ctx_.now;
    st_.put(space::sealed, keys::data_key(ctx_.workspace, ws.data_key_version), wrapped_data_key);
    return ws;
  }

  // Counts the member in `ws`, which the caller saves.
  member_record join(workspace_record& ws, user_id user, role as, const std::string& email) {
    auto before = load_member(user);
    member_record m;
    m.role = as;
    m.joined = ctx_.now;
    m.email = email;
    m.live_pats = before ? before->live_pats : 0;
    m.dead_pats = before ? ws.pat_seq : 0;
    ++ws.members;
    if (as == role::owner) ++ws.owners;
    save(user, m);
    st_.put(space::index, keys::user_workspace(user, ctx_.workspace), "");
    return m;
  }

  result<void> keep_new_pat(pat_id id, pat_record& made, workspace_record& ws, member_record& owner) {
    if (owner.live_pats >= limits::pats_per_user_max)
      return fail(errc::conflict, "You have as many personal access tokens as one user can hold");
    if (st_.get(space::state, keys::pat(ctx_.workspace, id)) || token_known(made.lookup))
      return fail(errc::conflict, "This personal access token exists already");
    made.seq = ++ws.pat_seq;
    ++ws.live_pats;
    ++owner.live_pats;
    std::string id_bytes(id.value().view());
    save(id, made);
    st_.put(space::state, keys::live_pat(ctx_.workspace, made.created, made.seq), id_bytes);
    st_.put(space::state, keys::owned_pat(ctx_.workspace, made.owner, made.created, made.seq), id_bytes);
    auto lookup = made.imported ? keys::imported_token(view_of(made.lookup)) : keys::token(view_of(made.lookup));
    st_.put(space::index, lookup, writer{}.id(ctx_.workspace).id(id).take());
    put_expiry_reminder(st_, ctx_.workspace, id, made, ctx_.now);
    save(ws);
    save(made.owner, owner);
    return {};
  }

  void record(const fact& what) { append_audit(st_, ctx_, what); }

  state& st_;
  const context& ctx_;
};

}  // namespace

outcome apply(state& st, const command& c) {
  if (auto before = recall(st, c)) return std::move(*before);
  staged_state mine(st);
  auto o = std::visit(applying{mine, c.ctx}, c.what);
  if (!mine.trustworthy()) {
    st.mark_undecodable();
    return o;
  }
  // A refusal leaves no trace, except of a reveal: what was spent and recorded before it was denied stays.
  if (o.refused && !std::holds_alternative<reveal_pat>(c.what)) return o;
  if (mine.changed()) {
    std::move(mine).lay_into(st);
    remember(st, c, o);
  }
  return o;
}

std::optional<outcome> refused_early(const view& v, const command& c) {
  if (c.ctx.who.via == caller::kind::system || std::holds_alternative<create_workspace>(c.what) ||
      std::holds_alternative<admit_member>(c.what) || std::holds_alternative<note_activity>(c.what) ||
      std::holds_alternative<settle_deliveries>(c.what) || goes_by_link(c.what))
    return std::nullopt;
  // Whoever comes may leave a secret with the guests.
  if (std::holds_alternative<conceal_secret>(c.what) && is_guest_partition(c.ctx.workspace)) return std::nullopt;
  if (is_remembered(v, c.ctx)) return std::nullopt;  // it has acted: apply() tells what it answered
  auto who = stand(v, c.ctx, needed_scope(c.what));
  if (!who) return refuse(who.error());
  if (const auto* op = std::get_if<reveal_pat>(&c.what); op && op->limited && !has_pat_claim(v, c.ctx, *op)) {
    auto spent = load<budget_record>(v, space::state, keys::budget(c.ctx.workspace, c.ctx.who.user));
    return reveal_window(std::move(spent).value_or(budget_record{}), c.ctx.now).refusal(*op);
  }
  return std::nullopt;
}

}  // namespace nacre::model
