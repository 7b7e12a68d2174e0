#include "model/secrets.hpp"

#include <algorithm>

#include "model/audit.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/load.hpp"
#include "model/policy.hpp"
#include "model/secret_rules.hpp"

namespace nacre::model {

namespace {

bool share_name(const conceal_secret& op) { return namesake(op.receipt) == op.id; }

// ---- receipts --------------------------------------------------------------------------------------

receipt_state state_of(const receipt_record& r, bool secret_there, timestamp now) {
  switch (r.end) {
    case receipt_end::revealed:
      return receipt_state::revealed;
    case receipt_end::burned:
      return receipt_state::burned;
    case receipt_end::expired:
      return receipt_state::expired;
    case receipt_end::open:
      break;
  }
  if (now >= r.secret_expires()) return receipt_state::expired;
  if (!secret_there) return receipt_state::orphaned;
  return r.previewed ? receipt_state::previewed : receipt_state::fresh;
}

receipt_entry entry_of(const view& v, workspace_id ws, receipt_id id, found_receipt r, timestamp now) {
  receipt_entry e{id, ws, std::move(r.record), {}, {}, {}, {}, {}};
  auto& held = r.held;
  if (held && now < held->record.expires()) e.secret = held->record;
  e.state = state_of(e.record, e.secret.has_value(), now);
  if (e.state == receipt_state::expired && e.record.end == receipt_end::open) {  // as the sweep will write it
    e.record.end = receipt_end::expired;
    e.record.ended = e.record.secret_expires();
    e.record.updated = std::max(e.record.updated, *e.record.ended);
  }
  if (e.secret) {
    e.sealed_link = std::move(held->sealed_link);
    if (e.record.kind == secret_kind::generate && now < after(e.record.created, limits::generated_shown_ms))
      e.sealed_generated = v.get(space::sealed, keys::sealed_generated(ws, id)).value_or("");
  }
  if (!e.record.owner.value().is_nil())
    e.sealed_receipt = v.get(space::sealed, keys::sealed_receipt(ws, id)).value_or("");
  return e;
}

// Of a name that is both two rows tell, for what ended left a receipt; an account's is taken in other workspaces too.
// That a secret of before format 4 has it takes two links with one keyed hash: of that only the secret is seen.
bool has_taken_name(const view& v, workspace_id ws, const conceal_secret& op) {
  auto there = [&v](space in, const std::string& key) { return v.get(in, key).has_value(); };
  if (there(space::sealed, keys::secret(ws, op.id)) || there(space::state, keys::receipt(ws, op.receipt))) return true;
  if (share_name(op)) return !is_guest_partition(ws) && there(space::index, keys::one_time(op.id.value()));
  return there(space::index, keys::one_time(op.id.value())) ||
         there(space::index, keys::one_time(op.receipt.value())) ||
         there(space::sealed, keys::secret(ws, namesake(op.receipt))) || there(space::state, keys::claim(ws, op.id));
}

// The answer of the first time, with the receipt as it is now; nothing, if its workspace has been deleted since.
outcome concealed_again(const view& v, const context& ctx, const conceal_secret& op) {
  outcome o;
  o.replayed = true;
  if (auto found = find_receipt(v, ctx.workspace, op.receipt, ctx.now)) {
    found->sealed_link = found->sealed_receipt = found->sealed_generated = "";
    o.what = std::move(*found);
  }
  return o;
}

// What it was told the first time is gone; who asked held it before it proposed.
outcome claimed_again() {
  outcome o;
  o.replayed = true;
  return o;
}

}  // namespace

bool is_deleted(const view& v, workspace_id ws) {
  if (is_guest_partition(ws)) return false;
  auto record = load<workspace_record>(v, space::state, keys::workspace(ws));
  return !record || record->deleted;
}

void put_on_record(state& st, const context& ctx, std::string_view action, const uuid& id, std::string_view reason,
                   std::optional<partition_record> changed) {
  const auto object = shortid(id);
  const fact what{action, object, "granted", reason};
  const auto seq = changed ? append_audit(st, ctx, what, std::move(*changed)) : append_audit(st, ctx, what);
  if (is_guest_partition(ctx.workspace) && seq > limits::guest_audit_entries_max)
    st.erase(space::audit, keys::audit(ctx.workspace, seq - limits::guest_audit_entries_max));
}

bool is_concealed(const view& v, const context& ctx, const conceal_secret& op) {
  auto made = load_receipt(v, ctx.workspace, op.receipt);
  return made && made->secret == op.id && made->created == ctx.now &&
         (is_guest_partition(ctx.workspace) || made->owner == ctx.who.user);
}

bool is_claimed(const view& v, const context& ctx, const claim_secret& op) {
  auto receipt = load<receipt_record>(v, space::state, keys::receipt(ctx.workspace, receipt_id{op.id.value()}));
  return receipt && receipt->revealed_by == ctx.request && receipt->ended == ctx.now;
}

std::string shortid(const uuid& id) { return std::string(std::string_view(text_of(id)).substr(0, 8)); }

// ---- commands --------------------------------------------------------------------------------------

outcome apply_to(state& st, const context& ctx, const open_partition& op) {
  if (ctx.who.via != caller::kind::system || !is_guest_partition(ctx.workspace))
    return refuse(errc::forbidden, "Only nacre itself opens its guest partitions");
  auto key = keys::data_key(ctx.workspace, 1);
  if (!st.get(space::sealed, key)) st.put(space::sealed, key, op.wrapped_data_key);
  return {};
}

outcome apply_to(state& st, const context& ctx, const conceal_secret& op) {
  auto ws = ctx.workspace;
  bool guest = is_guest_partition(ws);
  secret_record secret;
  receipt_record receipt;
  if (guest && guest_partition_of(op.id) != ws)
    return refuse(errc::internal, "A guest's secret in a foreign partition");
  const bool taken = has_taken_name(st, ws, op);
  if (taken && is_concealed(st, ctx, op)) return concealed_again(st, ctx, op);
  std::optional<partition_record> part;
  if (guest) {
    part = load_partition(st, ws);
    // Its receipt counts as the link did that was sealed for it.
    secret.sealed_bytes = op.sealed.size() + op.sealed_generated.size() +
                          (share_name(op) ? limits::guest_secret_bytes : op.sealed_link.size());
    if (op.partition_bytes_max != 0 && part->sealed_bytes + secret.sealed_bytes > op.partition_bytes_max)
      return refuse(errc::full, "No more secrets of guests can be kept at present. Try again later");
    ++part->secrets;
    part->sealed_bytes += secret.sealed_bytes;
  } else {
    auto who = stand(st, ctx, scope_write);
    if (!who) return refuse(who.error());
    secret.owner = receipt.owner = ctx.who.user;
    receipt.custid = who->me.email;
  }
  if (taken) return refuse(errc::conflict, "This secret exists already");

  secret.receipt = op.receipt;
  receipt.secret = op.id;
  secret.created = receipt.created = receipt.updated = ctx.now;
  secret.lifespan_s = receipt.lifespan_s = op.lifespan_s;
  secret.kind = receipt.kind = op.kind;
  secret.has_passphrase = receipt.has_passphrase = op.has_passphrase;
  secret.data_key_version = receipt.data_key_version = op.data_key_version;
  receipt.recipients = op.recipients;

  held_secret held{secret, op.sealed, op.sealed_link, {}};
  if (share_name(op)) held.receipt = kept_of(receipt);
  st.put(space::sealed, keys::secret(ws, op.id), encode(held));
  std::string here(ws.value().view());
  if (!guest) {
    st.put(space::index, keys::one_time(op.id.value()), here);
    st.put(space::state, keys::owned_receipt(ws, receipt.owner, receipt.updated, op.receipt), "");
    if (!op.sealed_receipt.empty()) st.put(space::sealed, keys::sealed_receipt(ws, op.receipt), op.sealed_receipt);
  }
  if (!op.sealed_generated.empty()) {
    st.put(space::sealed, keys::sealed_generated(ws, op.receipt), op.sealed_generated);
    put_due(st, ws, kept_after(ctx.now, limits::generated_shown_ms), due_kind::generated, op.receipt.value());
  }
  if (!share_name(op)) {
    st.put(space::index, keys::one_time(op.receipt.value()), here);
    st.put(space::state, keys::receipt(ws, op.receipt), encode(receipt));
  }
  put_due(st, ws, secret.expires(), due_kind::secret, op.receipt.value());
  put_on_record(st, ctx, "secret.create", op.id.value(), {}, std::move(part));
  return answer(receipt_entry{op.receipt, ws, std::move(receipt), receipt_state::fresh, secret, {}, {}, {}});
}

outcome apply_to(state& st, const context& ctx, const preview_secret& op) {
  auto held = find_held(st, ctx.workspace, op.id, ctx.now);
  if (!held) return unknown_secret();
  auto before = held->record;
  if (!before.previewed) {
    held->record.previewed = ctx.now;
    st.put(space::sealed, keys::secret(ctx.workspace, op.id), encode(*held));
    if (auto receipt = look_up_receipt(st, ctx.workspace, before.receipt)) {
      receipt->record.secret_previewed = ctx.now;
      save_receipt(st, ctx.workspace, before.receipt, *receipt, ctx.now);
    }
  }
  return answer(secret_entry{op.id, ctx.workspace, before});
}

outcome apply_to(state& st, const context& ctx, const claim_secret& op) {
  auto ws = ctx.workspace;
  auto held = find_held(st, ws, op.id, ctx.now);
  if (!held) {
    if (op.by_receipt && is_claimed(st, ctx, op)) return claimed_again();
    auto claimed = op.retry ? find_claim(st, ws, op.id, *op.retry, ctx.now) : std::nullopt;
    if (!claimed || (claimed->has_passphrase && !op.passphrase_right)) return unknown_secret();
    forget_attempts(st, ws, op.id);
    return answer(secret_entry{op.id, ws, *claimed});
  }
  const auto& secret = held->record;
  if (secret.has_passphrase && !op.passphrase_right) return refuse(errc::forbidden, "The passphrase was not right");
  if (op.by_receipt && !held->receipt) return refuse(errc::internal, "A claim by a receipt that has another name");
  bool again = op.retry && op.retry_window_ms > 0;
  end_secret(st, ctx, op.id, *held, receipt_end::revealed, ctx.now, {},
             op.by_receipt ? std::optional(ctx.request) : std::nullopt);
  if (again) {
    claim_record claim;
    claim.key = *op.retry;
    claim.forgotten = kept_after(secret.created, limits::receipt_life_factor * std::int64_t{secret.lifespan_s} * 1000);
    claim.until = std::min(after(ctx.now, op.retry_window_ms), claim.forgotten);
    claim.secret = secret;
    st.put(space::state, keys::claim(ws, op.id), encode(claim));
    st.put(space::sealed, keys::sealed_claim(ws, op.id), held->sealed);
    put_due(st, ws, claim.until, due_kind::claim, op.id.value());
  }
  return answer(secret_entry{op.id, ws, secret});
}

outcome apply_to(state& st, const context& ctx, const confirm_reveal& op) {
  auto claim = load<claim_record>(st, space::state, keys::claim(ctx.workspace, op.id));
  if (!claim || claim->key != op.retry || ctx.now >= claim->forgotten) return unknown_secret();
  if (!claim->confirmed) close_claim(st, ctx.workspace, op.id, *claim);
  return {};
}

outcome apply_to(state& st, const context& ctx, const burn_secret& op) {
  auto ws = ctx.workspace;
  auto receipt = look_up_receipt(st, ws, op.id);
  const auto* held = receipt && receipt->held ? &*receipt->held : nullptr;
  if (!held || ctx.now >= held->record.expires() || is_deleted(st, ws)) return unknown_secret();
  const auto id = receipt->record.secret;
  if (held->record.has_passphrase && !op.passphrase_right)
    return refuse(errc::forbidden, "The passphrase was not right");
  end_secret(st, ctx, id, *held, receipt_end::burned, ctx.now);
  auto burned = look_up_receipt(st, ws, op.id);
  return answer(entry_of(st, ws, op.id, std::move(*burned), ctx.now));
}

outcome apply_to(state& st, const context& ctx, const preview_receipt& op) {
  auto before = find_receipt(st, ctx.workspace, op.id, ctx.now);
  if (!before) return refuse(before.error());
  if (!before->sealed_generated.empty()) st.erase(space::sealed, keys::sealed_generated(ctx.workspace, op.id));
  if (before->state == receipt_state::fresh) {
    auto receipt = look_up_receipt(st, ctx.workspace, op.id);
    receipt->record.previewed = ctx.now;
    save_receipt(st, ctx.workspace, op.id, *receipt, ctx.now);
  }
  return answer(std::move(*before));
}

outcome apply_to(state& st, const context& ctx, const set_memo& op) {
  auto who = stand(st, ctx, scope_write);
  if (!who) return refuse(who.error());
  auto found = find_receipt(st, ctx.workspace, op.id, ctx.now);
  if (!found) return refuse(found.error());
  if (found->record.owner != ctx.who.user) return refuse(errc::forbidden, "Only the receipt's owner may change it");
  auto receipt = look_up_receipt(st, ctx.workspace, op.id);  // `found` may tell an end that is not written yet
  if (receipt && receipt->record.memo != op.memo) {
    receipt->record.memo = op.memo;
    save_receipt(st, ctx.workspace, op.id, *receipt, ctx.now);
    put_on_record(st, ctx, "receipt.memo", op.id.value());
    return answer(entry_of(st, ctx.workspace, op.id, std::move(*receipt), ctx.now));
  }
  return answer(std::move(*found));
}

bool goes_by_link(const operation& op) {
  return std::holds_alternative<open_partition>(op) || std::holds_alternative<preview_secret>(op) ||
         std::holds_alternative<reserve_attempt>(op) || std::holds_alternative<clear_attempts>(op) ||
         std::holds_alternative<note_lockout>(op) || std::holds_alternative<claim_secret>(op) ||
         std::holds_alternative<confirm_reveal>(op) || std::holds_alternative<burn_secret>(op) ||
         std::holds_alternative<preview_receipt>(op) || std::holds_alternative<sweep>(op) ||
         std::holds_alternative<answer_ask>(op) || std::holds_alternative<pick_up_ask>(op) ||
         std::holds_alternative<confirm_ask>(op) || std::holds_alternative<cancel_ask>(op);
}

// ---- questions -------------------------------------------------------------------------------------

workspace_id where_is(const view& v, secret_id id) {
  auto row = v.get(space::index, keys::one_time(id.value()));
  auto ws = row ? uuid_from_bytes(*row) : std::nullopt;
  return ws ? workspace_id{*ws} : guest_partition_of(id);
}

workspace_id where_is(const view& v, receipt_id id) { return where_is(v, namesake(id)); }

std::optional<secret_record> find_secret(const view& v, workspace_id ws, secret_id id, timestamp now) {
  auto held = find_held(v, ws, id, now);
  if (!held) return std::nullopt;
  return held->record;
}

std::optional<held_secret> find_held(const view& v, workspace_id ws, secret_id id, timestamp now) {
  auto held = load_secret(v, ws, id);
  if (!held || now >= held->record.expires() || is_deleted(v, ws)) return std::nullopt;
  return held;
}

std::optional<secret_record> find_claim(const view& v, workspace_id ws, secret_id id, const keyed_hash& key,
                                        timestamp now) {
  auto claim = load<claim_record>(v, space::state, keys::claim(ws, id));
  if (!claim || claim->confirmed || claim->key != key || now >= claim->until || is_deleted(v, ws)) return std::nullopt;
  return claim->secret;
}

result<receipt_entry> find_receipt(const view& v, workspace_id ws, receipt_id id, timestamp now) {
  auto receipt = look_up_receipt(v, ws, id);
  if (!receipt || now >= receipt->record.expires() || is_deleted(v, ws)) return fail(errc::not_found, "Unknown secret");
  return entry_of(v, ws, id, std::move(*receipt), now);
}

result<std::vector<receipt_entry>> recent_receipts(const view& v, const context& ctx) {
  auto who = stand(v, ctx, scope_read);
  if (!who) return fail(who.error());
  auto prefix = keys::owned_receipts(ctx.workspace, ctx.who.user);
  auto last = keys::owned_receipt(ctx.workspace, ctx.who.user, after(ctx.now, -limits::recent_receipts_ms), {});
  std::vector<receipt_id> ids;
  v.scan(space::state, prefix, last, [&](std::string_view key, std::string_view) {
    auto id = key.size() > 16 ? uuid_from_bytes(key.substr(key.size() - 16)) : std::nullopt;
    if (!id) return v.mark_undecodable(), false;
    ids.emplace_back(*id);
    return ids.size() < limits::recent_receipts_max;
  });
  std::vector<receipt_entry> out;
  for (auto id : ids)
    if (auto found = find_receipt(v, ctx.workspace, id, ctx.now)) out.push_back(std::move(*found));
  // What has expired has changed since its row was written.
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.record.updated != b.record.updated ? a.record.updated > b.record.updated : a.id < b.id;
  });
  return out;
}

}  // namespace nacre::model
