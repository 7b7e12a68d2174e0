#include "model/secrets.hpp"

#include <algorithm>

#include "model/audit.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/load.hpp"
#include "model/outcomes.hpp"
#include "model/policy.hpp"
#include "model/webhooks.hpp"

namespace nacre::model {

namespace {

outcome unknown_secret() { return refuse(errc::not_found, "Unknown secret"); }

partition_record load_partition(const view& v, workspace_id ws) {
  return load<partition_record>(v, space::state, keys::partition(ws)).value_or(partition_record{});
}

// Of guests only the last entries are kept (put_on_record).
void forget_entry_before(state& st, const context& ctx, std::uint64_t seq) {
  if (is_guest_partition(ctx.workspace) && seq > limits::guest_audit_entries_max)
    st.erase(space::audit, keys::audit(ctx.workspace, seq - limits::guest_audit_entries_max));
}

timestamp before_expiry(timestamp expires, std::int64_t days) {
  return std::max(time_min, after(expires, -days * 86'400'000));
}

std::optional<held_secret> load_secret(const view& v, workspace_id ws, secret_id id) {
  return load<held_secret>(v, space::sealed, keys::secret(ws, id));
}

// Two names for the same bytes: so the receipt is found in the secret's row, and needs none to find it. Those made
// before format 4 have names of their own, and rows.
secret_id namesake(receipt_id id) { return secret_id{id.value()}; }
bool share_name(const conceal_secret& op) { return namesake(op.receipt) == op.id; }

struct found_receipt {
  receipt_record record;
  std::optional<held_secret> held;  // its secret, while its row is there
};

std::optional<found_receipt> look_up_receipt(const view& v, workspace_id ws, receipt_id id) {
  auto held = load_secret(v, ws, namesake(id));
  if (held && held->receipt) {
    auto record = receipt_of(namesake(id), held->record, *held->receipt);
    return found_receipt{std::move(record), std::move(held)};
  }
  auto record = load<receipt_record>(v, space::state, keys::receipt(ws, id));
  if (!record) return std::nullopt;
  held = record->secret == namesake(id) ? std::nullopt : load_secret(v, ws, record->secret);
  return found_receipt{std::move(*record), std::move(held)};
}

std::optional<receipt_record> load_receipt(const view& v, workspace_id ws, receipt_id id) {
  auto found = look_up_receipt(v, ws, id);
  if (!found) return std::nullopt;
  return std::move(found->record);
}

void mark_updated(state& st, workspace_id ws, receipt_id id, receipt_record& r, timestamp updated) {
  if (!r.owner.value().is_nil()) {
    st.erase(space::state, keys::owned_receipt(ws, r.owner, r.updated, id));
    st.put(space::state, keys::owned_receipt(ws, r.owner, updated, id), "");
  }
  r.updated = updated;
}

// `held` is its secret's row, if that is there: an open receipt lies in it.
void save_receipt(state& st, workspace_id ws, receipt_id id, found_receipt& r, timestamp updated) {
  mark_updated(st, ws, id, r.record, updated);
  if (r.record.end != receipt_end::open || !r.held || !r.held->receipt)
    return st.put(space::state, keys::receipt(ws, id), encode(r.record));
  r.held->receipt = kept_of(r.record);
  st.put(space::sealed, keys::secret(ws, r.record.secret), encode(*r.held));
}

struct ending {
  std::string_view action;
  event_type told;
};
ending ending_of(receipt_end how) {
  switch (how) {
    case receipt_end::revealed:
      return {"secret.reveal", event_type::secret_revealed};
    case receipt_end::burned:
      return {"secret.burn", event_type::secret_burned};
    case receipt_end::expired:
      return {"secret.expire", event_type::secret_expired};
    case receipt_end::open:
      break;
  }
  std::abort();  // that is no end
}

// The secret's row goes, with what was sealed for its receipt to tell; the receipt says how it ended, and has a row of
// its own from now on. On record, and told to the workspace's webhooks; guests have none.
void end_secret(state& st, const context& ctx, secret_id id, const held_secret& held, receipt_end how, timestamp when,
                std::string_view reason = {}, std::optional<request_id> revealed_by = {}) {
  auto ws = ctx.workspace;
  const auto& secret = held.record;
  st.erase(space::sealed, keys::secret(ws, id));
  if (secret.has_passphrase) st.erase(space::state, keys::attempts(ws, id));  // others have no attempts
  if (secret.kind == secret_kind::generate) st.erase(space::sealed, keys::sealed_generated(ws, secret.receipt));
  const auto [action, told] = ending_of(how);
  if (is_guest_partition(ws)) {
    auto part = load_partition(st, ws);
    part.secrets -= std::min<std::uint64_t>(part.secrets, 1);
    part.sealed_bytes -= std::min(part.sealed_bytes, secret.sealed_bytes);
    put_on_record(st, ctx, action, id.value(), reason, std::move(part));
  } else {
    put_on_record(st, ctx, action, id.value(), reason);
    emit(st, ctx, {told, shortid(id.value())});
  }
  auto receipt = held.receipt ? std::optional(receipt_of(id, secret, *held.receipt))
                              : load<receipt_record>(st, space::state, keys::receipt(ws, secret.receipt));
  if (!receipt) return;
  receipt->end = how;
  receipt->ended = when;
  receipt->revealed_by = revealed_by;
  mark_updated(st, ws, secret.receipt, *receipt, std::max(receipt->updated, when));
  st.put(space::state, keys::receipt(ws, secret.receipt), encode(*receipt));
}

// Nobody can fetch it any more.
void close_claim(state& st, workspace_id ws, secret_id id, claim_record& claim) {
  claim.confirmed = true;
  st.put(space::state, keys::claim(ws, id), encode(claim));
  st.erase(space::sealed, keys::sealed_claim(ws, id));
  if (claim.secret.has_passphrase) st.erase(space::state, keys::attempts(ws, id));
}

// ---- passphrase attempts ---------------------------------------------------------------------------

using counter = attempts_record::counter;

// A lock that ends later than any clock of today could have set it, give or take a window, was set before the
// clock was set back: it is none, or nobody could read the secret until the clock caught up.
bool is_locked(const counter& c, timestamp now) {
  constexpr auto longest = limits::attempts_lock_ms + limits::attempts_window_ms;
  return c.locked_until && *c.locked_until > now && *c.locked_until <= after(now, longest);
}

// A window that has passed, or a lock, starts from nothing. So does one dated after the clock was set back.
void refresh(counter& c, timestamp now) {
  bool lock_over = c.locked_until && !is_locked(c, now);
  bool window_over = !c.locked_until && (now >= after(c.first, limits::attempts_window_ms) ||
                                         c.first > after(now, limits::attempts_window_ms));
  if (lock_over || window_over) c = counter{};
}

void count(counter& c, timestamp now, std::uint32_t most) {
  if (c.attempts == 0) c.first = now;
  if (++c.attempts >= most) c.locked_until = kept_after(now, limits::attempts_lock_ms);
}

counter* find_client(attempts_record& a, std::string_view prefix) {
  for (auto& c : a.clients)
    if (c.prefix == prefix) return &c.count;
  return nullptr;
}

// What was counted; how many there have ever been stays.
void forget_attempts(state& st, workspace_id ws, secret_id id) {
  auto key = keys::attempts(ws, id);
  auto tried = load<attempts_record>(st, space::state, key);
  if (!tried) return;
  attempts_record cleared;
  cleared.lifetime = tried->lifetime - std::min(tried->lifetime, 1u);  // the right one was no guess
  st.put(space::state, key, encode(cleared));
}

std::optional<outcome> lock_refusal(const counter& c, timestamp now) {
  if (!is_locked(c, now)) return std::nullopt;
  auto o = refuse(errc::rate_limited, "Too many incorrect passphrase attempts. Please try again later.");
  o.budget = budget_state{"passphrase", limits::attempts_per_client_max, 0, c.locked_until->value() - now.value(),
                          limits::attempts_window_ms};
  return o;
}

// The longer of the two locks.
std::optional<outcome> lock_refusal(attempts_record& a, const context& ctx) {
  auto whole = lock_refusal(a.secret, ctx.now);
  auto* mine = find_client(a, ctx.client_prefix);
  auto own = mine ? lock_refusal(*mine, ctx.now) : std::nullopt;
  if (whole && own) return whole->budget->reset_ms > own->budget->reset_ms ? whole : own;
  return whole ? whole : own;
}

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

// ---- sweeping --------------------------------------------------------------------------------------

class sweeping {
 public:
  sweeping(state& st, const context& ctx) : st_(st), ctx_(ctx), ws_(ctx.workspace) {}

  void handle(const due& d) {
    if (d.at > ctx_.now) return;
    auto row = keys::due_at(d.at, ws_, d.kind, d.id);
    if (!st_.get(space::index, row)) return handle_of_format_2(d);
    st_.erase(space::index, row);
    switch (d.kind) {
      case due_kind::secret:
        return expire(receipt_id{d.id});
      case due_kind::receipt:
        return forget(receipt_id{d.id});
      case due_kind::claim:
        return end_claim(secret_id{d.id});
      case due_kind::pat_claim:
        return st_.erase(space::state, keys::pat_claim(ws_, d.id));
      case due_kind::generated:
        return st_.erase(space::sealed, keys::sealed_generated(ws_, receipt_id{d.id}));
      case due_kind::pat_expiring:
        return remind(pat_id{d.id}, d.at);
      case due_kind::ask:
        return sweep_ask(st_, ctx_, ask_id{d.id});
    }
  }

 private:
  // A log may still hold sweeps from before format 3 (format_3.hpp), and a node may come to them after its rows were
  // rewritten: then a secret was named by itself, and its receipt was due before that had been handled.
  void handle_of_format_2(const due& d) {
    if (d.kind == due_kind::secret) {
      auto held = load_secret(st_, ws_, secret_id{d.id});
      if (!held || held->record.expires() != d.at) return;
      const auto receipt = held->record.receipt;
      auto row = keys::due_at(d.at, ws_, due_kind::secret, receipt.value());
      if (!st_.get(space::index, row)) return;
      st_.erase(space::index, row);
      expire(receipt);
    } else if (d.kind == due_kind::receipt) {
      auto receipt = load_receipt(st_, ws_, receipt_id{d.id});
      if (!receipt || receipt->expires() != d.at) return;
      auto row = keys::due_at(receipt->secret_expires(), ws_, due_kind::secret, d.id);
      if (!st_.get(space::index, row)) return;
      st_.erase(space::index, row);
      forget(receipt_id{d.id});
    }
  }

  // The time of its secret is over, whatever became of it: the receipt is next.
  void expire(receipt_id id) {
    auto receipt = load_receipt(st_, ws_, id);
    if (!receipt) return;
    if (receipt->expires() <= ctx_.now) return forget(id);  // nobody looked for so long that it is due as well
    if (receipt->end == receipt_end::open) end_expired(id, *receipt);
    put_due(st_, ws_, receipt->expires(), due_kind::receipt, id.value());
  }

  void end_expired(receipt_id id, const receipt_record& receipt) {
    auto held = load_secret(st_, ws_, receipt.secret);
    // Orphaned, or the id was taken a second time.
    if (!held || held->record.receipt != id || held->record.expires() > ctx_.now) return;
    end_secret(st_, ctx_, receipt.secret, *held, receipt_end::expired, held->record.expires());
  }

  // Unless its expiry has been changed since, it has been revoked, or it is too late to say so.
  void remind(pat_id id, timestamp due) {
    auto pat = load<pat_record>(st_, space::state, keys::pat(ws_, id));
    if (!pat || pat->revoked || !pat->expires || *pat->expires <= ctx_.now) return;
    for (auto days : limits::expiry_reminder_days)
      if (before_expiry(*pat->expires, days) == due)
        emit(st_, ctx_, {event_type::pat_expiring, text_of(id), static_cast<std::uint32_t>(days)});
    put_expiry_reminder(st_, ws_, id, *pat, due);
  }

  void forget(receipt_id id) {
    auto receipt = load_receipt(st_, ws_, id);
    if (receipt && receipt->end == receipt_end::open) {
      end_expired(id, *receipt);
      receipt = load_receipt(st_, ws_, id);
    }
    if (!receipt) return;
    if (auto claim = load<claim_record>(st_, space::state, keys::claim(ws_, receipt->secret));
        claim && claim->secret.receipt == id) {
      close_claim(st_, ws_, receipt->secret, *claim);
      st_.erase(space::state, keys::claim(ws_, receipt->secret));
    }
    if (!receipt->owner.value().is_nil()) {
      st_.erase(space::state, keys::owned_receipt(ws_, receipt->owner, receipt->updated, id));
      st_.erase(space::index, keys::one_time(receipt->secret.value()));
      st_.erase(space::sealed, keys::sealed_receipt(ws_, id));
    }
    st_.erase(space::state, keys::receipt(ws_, id));
    if (receipt->secret != namesake(id)) st_.erase(space::index, keys::one_time(id.value()));
  }

  // Nor by a node whose clock is late: what was sealed is gone.
  void end_claim(secret_id id) {
    auto claim = load<claim_record>(st_, space::state, keys::claim(ws_, id));
    if (claim && !claim->confirmed && claim->until <= ctx_.now) close_claim(st_, ws_, id, *claim);
  }

  state& st_;
  const context& ctx_;
  workspace_id ws_;
};

}  // namespace

bool is_deleted(const view& v, workspace_id ws) {
  if (is_guest_partition(ws)) return false;
  auto record = load<workspace_record>(v, space::state, keys::workspace(ws));
  return !record || record->deleted;
}

void put_on_record(state& st, const context& ctx, std::string_view action, const uuid& id, std::string_view reason) {
  forget_entry_before(st, ctx, append_audit(st, ctx, {action, shortid(id), "granted", reason}));
}

void put_on_record(state& st, const context& ctx, std::string_view action, const uuid& id, std::string_view reason,
                   partition_record row) {
  forget_entry_before(st, ctx, append_audit(st, ctx, {action, shortid(id), "granted", reason}, std::move(row)));
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

void put_due(state& st, workspace_id ws, timestamp at, due_kind kind, const uuid& id) {
  st.put(space::index, keys::due_at(at, ws, kind, id), "");
}

void put_expiry_reminder(state& st, workspace_id ws, pat_id id, const pat_record& pat, timestamp later_than) {
  if (!pat.expires) return;
  for (auto days : limits::expiry_reminder_days) {
    auto at = before_expiry(*pat.expires, days);
    if (at > later_than) return put_due(st, ws, at, due_kind::pat_expiring, id.value());
  }
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
  partition_record part;
  if (guest) {
    part = load_partition(st, ws);
    // Its receipt counts as the link did that was sealed for it.
    secret.sealed_bytes = op.sealed.size() + op.sealed_generated.size() +
                          (share_name(op) ? limits::guest_secret_bytes : op.sealed_link.size());
    if (op.partition_bytes_max != 0 && part.sealed_bytes + secret.sealed_bytes > op.partition_bytes_max)
      return refuse(errc::full, "No more secrets of guests can be kept at present. Try again later");
    ++part.secrets;
    part.sealed_bytes += secret.sealed_bytes;
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
  if (guest)
    put_on_record(st, ctx, "secret.create", op.id.value(), {}, std::move(part));
  else
    put_on_record(st, ctx, "secret.create", op.id.value());
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

// What is reserved counts whether or not the attempt is ever made: parallel guesses cannot outrun it.
outcome apply_to(state& st, const context& ctx, const reserve_attempt& op) {
  auto ws = ctx.workspace;
  auto held = find_held(st, ws, op.id, ctx.now);
  auto claim = held ? std::nullopt : load<claim_record>(st, space::state, keys::claim(ws, op.id));
  bool can_be_fetched = claim && !claim->confirmed && ctx.now < claim->until && !is_deleted(st, ws);
  if (!held && !can_be_fetched) return unknown_secret();
  if (!(held ? held->record : claim->secret).has_passphrase)
    return refuse(errc::invalid, "There is no passphrase to be tried");
  auto key = keys::attempts(ws, op.id);
  auto tried = load<attempts_record>(st, space::state, key).value_or(attempts_record{});
  if (auto locked = lock_refusal(tried, ctx)) return std::move(*locked);
  if (tried.lifetime >= limits::attempts_per_life_max) {
    if (!held) return unknown_secret();
    end_secret(st, ctx, op.id, *held, receipt_end::burned, ctx.now, "attempts");
    return {};  // nothing granted: it is gone now
  }
  refresh(tried.secret, ctx.now);
  for (auto& c : tried.clients) refresh(c.count, ctx.now);
  std::erase_if(tried.clients, [](const auto& c) { return c.count.attempts == 0; });
  auto* mine = find_client(tried, ctx.client_prefix);
  if (!mine) mine = &tried.clients.emplace_back(attempts_record::client{ctx.client_prefix, {}}).count;
  count(*mine, ctx.now, limits::attempts_per_client_max);
  count(tried.secret, ctx.now, limits::attempts_per_secret_max);
  ++tried.lifetime;
  st.put(space::state, key, encode(tried));
  return answer(attempt_granted{mine->locked_until || tried.secret.locked_until});
}

outcome apply_to(state& st, const context& ctx, const clear_attempts& op) {
  forget_attempts(st, ctx.workspace, op.id);
  return {};
}

outcome apply_to(state& st, const context& ctx, const note_lockout& op) {
  if (!load<attempts_record>(st, space::state, keys::attempts(ctx.workspace, op.id))) return {};
  put_on_record(st, ctx, "secret.lockout", op.id.value());
  if (!is_guest_partition(ctx.workspace)) emit(st, ctx, {event_type::secret_locked, shortid(op.id.value())});
  return {};
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

outcome apply_to(state& st, const context& ctx, const sweep& op) {
  if (ctx.who.via != caller::kind::system) return refuse(errc::forbidden, "Only nacre itself sweeps");
  sweeping all(st, ctx);
  for (const auto& d : op.dues) all.handle(d);
  return {};
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

std::optional<outcome> locked_out(const view& v, const context& ctx, secret_id id) {
  auto tried = load<attempts_record>(v, space::state, keys::attempts(ctx.workspace, id));
  if (!tried) return std::nullopt;
  return lock_refusal(*tried, ctx);
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

std::vector<due_in> dues(const view& v, timestamp since, timestamp now, std::size_t at_most) {
  std::vector<due_in> out;
  v.scan(space::index, keys::dues_from(since), keys::dues_from(after(now, 1)),
         [&](std::string_view key, std::string_view) {
           constexpr std::uint64_t sign = std::uint64_t{1} << 63;
           reader r(key);
           r.u8();
           due_in d;
           d.what.at = timestamp{static_cast<std::int64_t>(r.u64() ^ sign)};
           d.workspace = r.id_as<workspace_id>();
           auto kind = r.u8();
           d.what.id = r.id();
           if (!r.finished() || kind < 1 || kind > due_kinds) return v.mark_undecodable(), false;
           d.what.kind = static_cast<due_kind>(kind);
           out.push_back(d);
           return out.size() < at_most;
         });
  return out;
}

}  // namespace nacre::model
