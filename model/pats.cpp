#include "model/pats.hpp"

#include <algorithm>

#include "model/audit.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/load.hpp"
#include "model/outcomes.hpp"
#include "model/people.hpp"
#include "model/record_bytes.hpp"
#include "model/reveal_window.hpp"
#include "model/secrets.hpp"
#include "model/token_queries.hpp"
#include "model/webhooks.hpp"

namespace nacre::model {

namespace {

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t clocks_differ_ms = 300'000;  // how far ahead an import may be dated

// ---- answers that can be fetched again ---------------------------------------------------------------

uuid first_half(const keyed_hash& h) {
  uuid id;
  std::copy_n(h.begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

std::optional<pat_claim_record> find_claim(const view& v, const context& ctx, pat_id id,
                                           const std::optional<keyed_hash>& retry) {
  if (!retry) return std::nullopt;
  auto row = load<pat_claim_record>(v, space::state, keys::pat_claim(ctx.workspace, first_half(*retry)));
  if (!row || row->key != *retry || row->pat != id || row->user != ctx.who.user || ctx.now >= row->until)
    return std::nullopt;
  return row;
}

bool has_claim(const view& v, const context& ctx, const reveal_pat& op) {
  auto row = find_claim(v, ctx, op.id, op.retry);
  return row && !row->rotation;
}

// ---- one call per operation ------------------------------------------------------------------------

class pat_rules {
 public:
  pat_rules(state& st, const context& ctx) : st_(st), ctx_(ctx) {}

  outcome operator()(const create_pat& op) {
    auto who = stand(st_, ctx_, op.family == token_family::alephant ? scope_write : scope_admin);
    if (!who) return refuse(who.error());
    pat_record made;
    made.owner = op.owner.value_or(ctx_.who.user);
    made.family = op.family;
    made.name = op.name;
    made.prefix = op.prefix;
    made.scopes = op.scopes;
    made.permissions = op.permissions;
    made.all_projects = op.all_projects;
    made.projects = op.projects;
    made.created = ctx_.now;
    made.expires = op.expires;
    made.only = op.only;
    made.data_key_version = op.data_key_version;
    made.pepper_version = op.pepper_version;
    made.lookup = op.lookup;
    if (made.family == token_family::service) made.updated = ctx_.now;
    if (auto may = may_create(*who, made); !may) return refuse(may.error());
    bool alephant = made.family == token_family::alephant;
    if (!alephant) {
      if (auto room = room_for(made, op.per_owner_max); !room) return refuse(room.error());
      number_if_none(st_, ctx_.workspace, who->workspace, made.owner);
    }
    if (auto kept = keep(op.id, made, who->workspace, alephant ? &who->me : nullptr); !kept)
      return refuse(kept.error());
    if (made.has_ciphertext()) st_.put(space::sealed, keys::sealed_pat(ctx_.workspace, op.id), op.sealed);
    record({"pat.create", to_string(op.id)});
    emit(st_, ctx_, {event_type::pat_created, text_of(op.id)});
    return answer(pat_entry{op.id, ctx_.workspace, made, who->workspace.name});
  }

  outcome operator()(const import_pat& op) {
    std::optional<workspace_record> ws;
    if (ctx_.who.via == caller::kind::system) {
      if (ctx_.workspace == system_workspace || is_guest_partition(ctx_.workspace))
        return refuse(errc::invalid, "This workspace id is reserved");
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
      ws = begin_workspace(st_, ctx_, "Imported", op.wrapped_data_key);
      record({"workspace.create", to_string(ctx_.workspace)});
    }
    auto owner = load_member(op.owner);
    if (owner && owner->removed) return refuse(errc::conflict, "The token's owner has left the workspace");
    if (!owner) {
      if (is_service_user(st_, ctx_.workspace, op.owner))
        return refuse(errc::conflict, "The token's owner is a service user");
      if (ws->members >= limits::members_per_workspace_max)
        return refuse(errc::conflict, "This workspace has as many members as it can hold");
      owner = join(st_, ctx_, *ws, op.owner, fresh ? role::owner : role::member, "");
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
    if (auto kept = keep(op.id, made, *ws, &*owner); !kept) return refuse(kept.error());
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
    if (op.only) {
      if (auto free = not_narrowed(); !free) return refuse(free.error());
      pat->only = *op.only;
      if (!pat->only.uses_max) pat->uses = 0;
    }
    if (!(before == *pat)) {
      if (pat->name != before.name)
        if (auto free = description_free(*pat, siblings(*pat, limits::family_tokens_per_owner_max)); !free)
          return refuse(free.error());
      if (pat->family != token_family::alephant) pat->updated = ctx_.now;
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
    pat->previous.reset();
    save(op.id, *pat);
    st_.erase(space::sealed, keys::sealed_pat(ctx_.workspace, op.id));
    if (pat->family != token_family::alephant) {
      st_.erase(space::state, keys::family_pat(ctx_.workspace, pat->owner, pat->family, pat->seq));
    } else {
      st_.erase(space::state, keys::live_pat(ctx_.workspace, pat->created, pat->seq));
      st_.erase(space::state, keys::owned_pat(ctx_.workspace, pat->owner, pat->created, pat->seq));
      --who->workspace.live_pats;
      save(who->workspace);
      if (auto owner = load_member(pat->owner)) {
        if (owner->live_pats > 0) --owner->live_pats;
        save(pat->owner, *owner);
      }
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
    bool again = has_claim(st_, ctx_, op);  // the answer got lost: it costs nothing and is on record already
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
      keep_claim({op.id, ctx_.who.user, op.retry.value_or(keyed_hash{}), {}, {}}, op.retry, op.retry_window_ms);
    }
    auto o = answer(revealed{{op.id, ctx_.workspace, *pat, {}}, std::move(*sealed)});
    o.budget = budget;
    return o;
  }

  outcome operator()(const confirm_pat_reveal& op) {
    auto who = stand(st_, ctx_, scope_admin);
    if (!who) return refuse(who.error());
    auto id = first_half(op.retry);
    auto key = keys::pat_claim(ctx_.workspace, id);
    auto row = load<pat_claim_record>(st_, space::state, key);
    if (!row || row->rotation || row->key != op.retry || row->pat != op.id || row->user != ctx_.who.user) return {};
    st_.erase(space::state, key);
    st_.erase(space::index, keys::due_at(row->until, ctx_.workspace, due_kind::pat_claim, id));
    return {};
  }

  outcome operator()(const rotate_pat& op) {
    auto who = stand(st_, ctx_, every_scope);
    if (!who) return refuse(who.error());
    auto pat = find_live_pat(st_, ctx_.workspace, op.id);
    if (!pat) return refuse(pat.error());
    if (auto may = may_rotate(*who, op, *pat); !may) return refuse(may.error());
    if (auto before = find_claim(st_, ctx_, op.id, op.retry)) {
      if (!before->rotation || before->rotation->lookup != pat->lookup)
        return refuse(errc::conflict, "The token has been rotated again since");
      return answer(rotated{{op.id, ctx_.workspace, std::move(*pat), {}}, before->rotation->salt});
    }
    bool alephant = pat->family == token_family::alephant;
    if (alephant == (op.data_key_version == 0)) return refuse(errc::internal, "A token sealed as another family's");
    if (token_known(op.lookup)) return refuse(errc::conflict, "This token is known already");
    auto ended = pat->expires;
    if (op.set_expires) pat->expires = op.expires;
    if (pat->expires && *pat->expires <= ctx_.now)
      return refuse(errc::invalid, "The token has expired: a new one needs a new expiry");
    if (pat->only.uses_max && pat->uses >= *pat->only.uses_max)
      return refuse(errc::invalid, "The token has been used as often as it may be, and so would be a new one");
    bool alive = !ended || *ended > ctx_.now;  // a longer life of the new one is none of the old one's
    auto until = kept_after(ctx_.now, op.overlap_ms);
    if (ended) until = std::min(until, *ended);
    pat->previous.reset();
    if (alive && op.overlap_ms > 0) pat->previous = {{pat->lookup, until, op.until_first_use}};
    pat->lookup = op.lookup;
    pat->prefix = op.prefix;
    pat->pepper_version = op.pepper_version;
    pat->data_key_version = op.data_key_version;
    pat->imported = false;
    // Later than before also within one millisecond: who compares the two sees that it moved.
    pat->updated = std::max(ctx_.now, kept_after(pat->updated.value_or(time_min), 1));
    ++pat->rotations;
    save(op.id, *pat);
    // The rows of tokens gone by stay, so that whoever still comes with one is noticed.
    put_lookup(op.id, *pat);
    if (alephant) st_.put(space::sealed, keys::sealed_pat(ctx_.workspace, op.id), op.sealed);
    if (pat->expires != ended) put_expiry_reminder(st_, ctx_.workspace, op.id, *pat, ctx_.now);
    record({"pat.rotate", to_string(op.id)});
    emit(st_, ctx_, {event_type::pat_rotated, text_of(op.id)});
    pat_claim_record claim{op.id, ctx_.who.user, op.retry.value_or(keyed_hash{}), {}, {}};
    claim.rotation = {op.salt, op.lookup};
    keep_claim(std::move(claim), op.retry, op.retry_window_ms);
    return answer(rotated{{op.id, ctx_.workspace, std::move(*pat), {}}, op.salt});
  }

  outcome operator()(const retire_previous& op) {
    if (ctx_.who.via != caller::kind::system) return refuse(errc::forbidden, "Only nacre itself retires a token");
    auto pat = load<pat_record>(st_, space::state, keys::pat(ctx_.workspace, op.id));
    if (!pat || !pat->previous || pat->previous->lookup != op.lookup || !pat->previous->until_first_use) return {};
    pat->previous.reset();
    save(op.id, *pat);
    return {};
  }

  outcome operator()(const count_use& op) {
    if (ctx_.who.via != caller::kind::system) return refuse(errc::forbidden, "Only nacre itself counts uses");
    auto pat = load<pat_record>(st_, space::state, keys::pat(ctx_.workspace, op.id));
    if (!pat || pat->revoked) return refuse(errc::token_revoked, "Token has been revoked");
    if (!pat->only.uses_max) return {};
    if (pat->uses >= *pat->only.uses_max) return refuse(used_up());
    ++pat->uses;
    save(op.id, *pat);
    return {};
  }

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
    for (const auto& id : op.reused) {
      if (!load<pat_record>(st_, space::state, keys::pat(ctx_.workspace, id))) continue;
      record({"pat.reuse", to_string(id), "denied", "rotated"});
      emit(st_, ctx_, {event_type::pat_reused, text_of(id)});
    }
    return {};
  }

 private:
  // A token that is good only from somewhere, or so often, would be neither if it could make or loosen another.
  result<void> not_narrowed() const {
    if (ctx_.who.via != caller::kind::pat) return {};
    auto mine = load<pat_record>(st_, space::state, keys::pat(ctx_.workspace, ctx_.who.pat));
    if (!mine || mine->only.none()) return {};
    return fail(errc::forbidden, "A token with restrictions makes no other and changes no restrictions");
  }

  // Whose token the caller may make, and how strong.
  result<void> may_create(const standing& who, const pat_record& made) const {
    if (auto free = not_narrowed(); !free) return free;
    if (made.family == token_family::alephant) {
      if (who.by == token_family::service) return fail(no_other_kind());
      if (who.service || made.owner != ctx_.who.user)
        return fail(errc::forbidden, "A service user holds no tokens of this kind");
      if (auto missing = implied(made.scopes) & ~who.scopes) return fail(lacks(static_cast<scope_set>(missing)));
      return {};
    }
    // What a permission means is said in one family only.
    if (who.by == token_family::service && made.family != token_family::service) return fail(no_other_kind());
    if (made.owner != ctx_.who.user) {
      if (!who.may_administer()) return fail(errc::forbidden, "Only a workspace owner or admin may do this");
      auto service = load<service_user_record>(st_, space::state, keys::service_user(ctx_.workspace, made.owner));
      if (!service || service->removed) return fail(errc::not_found, "Service user not found");
      // Its token acts with its role.
      if (service->role() > std::max(who.me.role, role::member))
        return fail(errc::forbidden, "Only a workspace owner may make a token of an owner");
    }
    if (made.family != token_family::service) return {};
    for (const auto& project : made.projects)
      if (!st_.get(space::state, keys::project(ctx_.workspace, project)))
        return fail(errc::invalid, "A project is not there");
    if (!covers(who, set_of(made.permissions), made.all_projects, made.projects))
      return fail(errc::forbidden, "A token cannot be given what its maker does not have");
    return {};
  }

  // The live tokens of its kind its owner has, but for those of an earlier membership, which nobody sees. At most
  // so many.
  std::vector<std::string> siblings(const pat_record& pat, std::size_t at_most) const {
    auto owner = load_member(pat.owner);
    auto from = keys::family_pat(ctx_.workspace, pat.owner, pat.family, owner ? owner->dead_pats + 1 : 0);
    std::vector<std::string> ids;
    if (at_most == 0) return ids;
    st_.scan(space::state, from, keys::past(keys::family_pats(ctx_.workspace, pat.owner, pat.family)),
             [&](std::string_view, std::string_view id) {
               ids.emplace_back(id);
               return ids.size() < at_most;
             });
    return ids;
  }

  // Unleash tells one user's tokens apart by their descriptions.
  result<void> description_free(const pat_record& pat, const std::vector<std::string>& among) const {
    if (pat.family != token_family::unleash) return {};
    for (const auto& bytes : among) {
      auto id = uuid_from_bytes(bytes);
      auto other = id ? load<pat_record>(st_, space::state, keys::pat(ctx_.workspace, pat_id{*id})) : std::nullopt;
      if (!other) return st_.mark_undecodable(), fail(errc::corrupt, "A listed token is missing");
      if (other->name == pat.name && other->seq != pat.seq)
        return fail(errc::conflict, "PAT description already exists.");
    }
    return {};
  }

  // The limit is told before the duplicate (unleash-tokens.md section 4); expired tokens count.
  result<void> room_for(const pat_record& made, std::uint32_t per_owner_max) const {
    auto there = siblings(made, per_owner_max);
    if (there.size() >= per_owner_max)
      return fail(errc::full, "Too many PATs (" + std::to_string(per_owner_max) + ") already exist for this user.");
    return description_free(made, there);
  }

  result<void> may_rotate(const standing& who, const rotate_pat& op, const pat_record& pat) const {
    // As with a change of it.
    if (op.set_expires && !(who.scopes & scope_write)) return fail(lacks(scope_write));
    if (ctx_.who.via == caller::kind::pat && ctx_.who.pat == op.id) return {};  // no more than it has already
    if (auto free = not_narrowed(); !free) return free;
    if (auto may = may_handle(who, ctx_, pat); !may) return may;
    // Whoever rotates gets the token, as with a reveal, and acts as its owner: it must be none that may more.
    if (!(who.scopes & scope_admin)) return fail(lacks(scope_admin));
    if (who.by == token_family::service && pat.family != token_family::service) return fail(no_other_kind());
    if (pat.family == token_family::alephant)
      if (auto missing = implied(pat.scopes) & ~who.scopes) return fail(lacks(static_cast<scope_set>(missing)));
    bool own = pat.owner == ctx_.who.user;
    if (pat.has_ciphertext() || (own && !who.by)) return {};  // a reveal would show it just as well
    if (pat.family == token_family::service && !covers(who, set_of(pat.permissions), pat.all_projects, pat.projects))
      return fail(errc::forbidden, "A token cannot be given what its maker does not have");
    if (own) return {};
    auto service = load<service_user_record>(st_, space::state, keys::service_user(ctx_.workspace, pat.owner));
    if (service && service->removed) return fail(no_token());
    auto member = service ? std::nullopt : load_member(pat.owner);
    auto of_owner = service ? service->role() : member ? member->role : role::member;
    if (of_owner > who.me.role) return fail(errc::forbidden, "Only a workspace owner may make a token of an owner");
    return {};
  }

  static error no_other_kind() { return {errc::forbidden, "A token of this kind makes no token of another kind"}; }

  bool token_known(const std::array<std::uint8_t, 32>& lookup) const {
    return st_.get(space::index, keys::token(bytes::view(lookup))) ||
           st_.get(space::index, keys::imported_token(bytes::view(lookup)));
  }

  std::optional<member_record> load_member(user_id user) const {
    return load<member_record>(st_, space::state, keys::member(ctx_.workspace, user));
  }
  void save(const workspace_record& ws) { st_.put(space::state, keys::workspace(ctx_.workspace), encode(ws)); }
  void save(user_id user, const member_record& m) {
    st_.put(space::state, keys::member(ctx_.workspace, user), encode(m));
  }
  void save(pat_id id, const pat_record& p) { st_.put(space::state, keys::pat(ctx_.workspace, id), encode(p)); }
  void put_lookup(pat_id id, const pat_record& p) {
    auto lookup = bytes::view(p.lookup);
    st_.put(space::index, p.imported ? keys::imported_token(lookup) : keys::token(lookup),
            writer{}.id(ctx_.workspace).id(id).take());
  }

  // `member`: of an Alephant PAT its owner, whose tokens are counted.
  result<void> keep(pat_id id, pat_record& made, workspace_record& ws, member_record* member) {
    if (member && member->live_pats >= limits::pats_per_user_max)
      return fail(errc::conflict, "You have as many personal access tokens as one user can hold");
    if (st_.get(space::state, keys::pat(ctx_.workspace, id)) || token_known(made.lookup))
      return fail(errc::conflict, "This personal access token exists already");
    made.seq = ++ws.pat_seq;
    std::string id_bytes(id.value().view());
    save(id, made);
    if (member) {
      ++ws.live_pats;
      ++member->live_pats;
      st_.put(space::state, keys::live_pat(ctx_.workspace, made.created, made.seq), id_bytes);
      st_.put(space::state, keys::owned_pat(ctx_.workspace, made.owner, made.created, made.seq), id_bytes);
      save(made.owner, *member);
    } else {
      st_.put(space::state, keys::family_pat(ctx_.workspace, made.owner, made.family, made.seq), id_bytes);
    }
    put_lookup(id, made);
    put_expiry_reminder(st_, ctx_.workspace, id, made, ctx_.now);
    save(ws);
    return {};
  }

  void keep_claim(pat_claim_record claim, const std::optional<keyed_hash>& retry, std::int64_t window_ms) {
    if (!retry || window_ms == 0) return;
    auto id = first_half(*retry);
    auto key = keys::pat_claim(ctx_.workspace, id);
    claim.until = kept_after(ctx_.now, window_ms);
    if (auto before = load<pat_claim_record>(st_, space::state, key))
      st_.erase(space::index, keys::due_at(before->until, ctx_.workspace, due_kind::pat_claim, id));
    st_.put(space::state, key, encode(claim));
    put_due(st_, ctx_.workspace, claim.until, due_kind::pat_claim, id);
  }

  void record(const fact& what) { append_audit(st_, ctx_, what); }

  state& st_;
  const context& ctx_;
};

}  // namespace

outcome apply_to(state& st, const context& ctx, const create_pat& op) { return pat_rules{st, ctx}(op); }
outcome apply_to(state& st, const context& ctx, const import_pat& op) { return pat_rules{st, ctx}(op); }
outcome apply_to(state& st, const context& ctx, const change_pat& op) { return pat_rules{st, ctx}(op); }
outcome apply_to(state& st, const context& ctx, const revoke_pat& op) { return pat_rules{st, ctx}(op); }
outcome apply_to(state& st, const context& ctx, const reveal_pat& op) { return pat_rules{st, ctx}(op); }
outcome apply_to(state& st, const context& ctx, const confirm_pat_reveal& op) { return pat_rules{st, ctx}(op); }
outcome apply_to(state& st, const context& ctx, const rotate_pat& op) { return pat_rules{st, ctx}(op); }
outcome apply_to(state& st, const context& ctx, const retire_previous& op) { return pat_rules{st, ctx}(op); }
outcome apply_to(state& st, const context& ctx, const count_use& op) { return pat_rules{st, ctx}(op); }
outcome apply_to(state& st, const context& ctx, const note_activity& op) { return pat_rules{st, ctx}(op); }

std::optional<outcome> refused_by_budget(const view& v, const context& ctx, const reveal_pat& op) {
  if (!op.limited || has_claim(v, ctx, op)) return std::nullopt;
  auto spent = load<budget_record>(v, space::state, keys::budget(ctx.workspace, ctx.who.user));
  return reveal_window(std::move(spent).value_or(budget_record{}), ctx.now).refusal(op);
}

std::optional<std::array<std::uint8_t, 16>> rotation_salt(const view& v, const context& ctx, const rotate_pat& op) {
  auto row = find_claim(v, ctx, op.id, op.retry);
  if (!row || !row->rotation) return std::nullopt;
  return row->rotation->salt;
}

}  // namespace nacre::model
