#include <algorithm>

#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/load.hpp"
#include "model/secret_rules.hpp"
#include "model/webhooks.hpp"

namespace nacre::model {

namespace {

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

std::optional<outcome> lock_refusal(const counter& c, std::uint32_t most, timestamp now) {
  if (!is_locked(c, now)) return std::nullopt;
  auto o = refuse(errc::rate_limited, "Too many incorrect passphrase attempts. Please try again later.");
  o.budget = budget_state{"passphrase", most, 0, c.locked_until->value() - now.value(), limits::attempts_window_ms};
  return o;
}

// The longer of the two locks.
std::optional<outcome> lock_refusal(attempts_record& a, const context& ctx) {
  auto whole = lock_refusal(a.secret, limits::attempts_per_secret_max, ctx.now);
  auto* mine = find_client(a, ctx.client_prefix);
  auto own = mine ? lock_refusal(*mine, limits::attempts_per_client_max, ctx.now) : std::nullopt;
  if (whole && own) return whole->budget->reset_ms > own->budget->reset_ms ? whole : own;
  return whole ? whole : own;
}

}  // namespace

void forget_attempts(state& st, workspace_id ws, secret_id id) {
  auto key = keys::attempts(ws, id);
  auto tried = load<attempts_record>(st, space::state, key);
  if (!tried) return;
  attempts_record cleared;
  cleared.lifetime = tried->lifetime - std::min(tried->lifetime, 1u);  // the right one was no guess
  st.put(space::state, key, encode(cleared));
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

std::optional<outcome> locked_out(const view& v, const context& ctx, secret_id id) {
  auto tried = load<attempts_record>(v, space::state, keys::attempts(ctx.workspace, id));
  if (!tried) return std::nullopt;
  return lock_refusal(*tried, ctx);
}

}  // namespace nacre::model
