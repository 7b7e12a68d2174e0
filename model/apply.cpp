#include "model/apply.hpp"

#include <algorithm>
#include <cstdlib>

#include "model/audit.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/load.hpp"
#include "model/outcomes.hpp"
#include "model/pats.hpp"
#include "model/people.hpp"
#include "model/policy.hpp"
#include "model/request_memory.hpp"
#include "model/secrets.hpp"
#include "model/staged_state.hpp"
#include "model/webhooks.hpp"
#include "model/wire.hpp"

namespace nacre::model {

namespace {

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
    if (is_service_user(st_, ctx_.workspace, ctx_.who.user))
      return refuse(errc::forbidden, "You are not a member of this workspace");
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
      if (is_service_user(st_, ctx_.workspace, op.user)) return refuse(errc::conflict, "This id is a service user's");
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

  // Tokens, service users and one-time secrets have rules of their own.
  template <class Op>
  requires requires(state& st, const context& ctx, const Op& op) { apply_to(st, ctx, op); }
  outcome operator()(const Op& op) { return apply_to(st_, ctx_, op); }

  outcome operator()(const create_webhook& op) { return apply_webhook(st_, ctx_, op); }
  outcome operator()(const change_webhook& op) { return apply_webhook(st_, ctx_, op); }
  outcome operator()(const delete_webhook& op) { return apply_webhook(st_, ctx_, op); }
  outcome operator()(const ping_webhook& op) { return apply_webhook(st_, ctx_, op); }
  outcome operator()(const settle_deliveries& op) { return apply_webhook(st_, ctx_, op); }

 private:
  std::optional<member_record> load_member(user_id user) const {
    return load<member_record>(st_, space::state, keys::member(ctx_.workspace, user));
  }
  void save(const workspace_record& ws) { st_.put(space::state, keys::workspace(ctx_.workspace), encode(ws)); }
  void save(user_id user, const member_record& m) {
    st_.put(space::state, keys::member(ctx_.workspace, user), encode(m));
  }
  static error no_workspace() { return {errc::invalid, "This workspace id is reserved"}; }

  // Whether the caller may bring a workspace into being or walk into one.
  result<void> may_begin() const {
    if (ctx_.workspace == system_workspace || is_guest_partition(ctx_.workspace)) return fail(no_workspace());
    if (ctx_.who.via == caller::kind::jwt) return {};
    return fail(errc::forbidden, "A personal access token is bound to its workspace");
  }

  workspace_record begin_workspace(const std::string& name, const std::string& wrapped_data_key) {
    return model::begin_workspace(st_, ctx_, name, wrapped_data_key);
  }
  member_record join(workspace_record& ws, user_id user, role as, const std::string& email) {
    return model::join(st_, ctx_, ws, user, as, email);
  }

  void record(const fact& what) { append_audit(st_, ctx_, what); }

  state& st_;
  const context& ctx_;
};

}  // namespace

outcome apply(state& st, const command& c) {
  const bool by_itself = finds_itself(c.what);
  if (!by_itself)
    if (auto before = recall(st, c)) return std::move(*before);
  staged_state mine(st);
  auto o = std::visit(applying{mine, c.ctx}, c.what);
  if (!mine.trustworthy()) {
    st.mark_undecodable();
    return o;
  }
  const bool needs_memory = !by_itself || !has_found_itself(mine, c);
  if (by_itself && needs_memory)
    if (auto before = recall(st, c)) return std::move(*before);
  // A refusal leaves no trace, except of a reveal: what was spent and recorded before it was denied stays.
  if (o.refused && !std::holds_alternative<reveal_pat>(c.what)) return o;
  if (mine.changed()) {
    std::move(mine).lay_into(st);
    if (needs_memory) remember(st, c, o);
    forget_some(st, c.ctx);
  }
  return o;
}

std::optional<outcome> refused_early(const view& v, const command& c) {
  if (c.ctx.who.via == caller::kind::system || std::holds_alternative<create_workspace>(c.what) ||
      std::holds_alternative<admit_member>(c.what) || std::holds_alternative<note_activity>(c.what) ||
      std::holds_alternative<settle_deliveries>(c.what) || std::holds_alternative<retire_previous>(c.what) ||
      std::holds_alternative<count_use>(c.what) || goes_by_link(c.what))
    return std::nullopt;
  // Whoever comes may leave a secret with the guests, or ask for one.
  bool open_to_all = std::holds_alternative<conceal_secret>(c.what) || std::holds_alternative<open_ask>(c.what);
  if (open_to_all && is_guest_partition(c.ctx.workspace)) return std::nullopt;
  if (is_remembered(v, c)) return std::nullopt;  // it has acted: apply() tells what it answered
  auto who = stand(v, c.ctx, needed_scope(c.what));
  if (!who) return refuse(who.error());
  if (const auto* op = std::get_if<reveal_pat>(&c.what)) return refused_by_budget(v, c.ctx, *op);
  return std::nullopt;
}

}  // namespace nacre::model
