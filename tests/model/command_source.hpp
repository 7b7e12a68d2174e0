#pragma once
// Random sequences of commands of every kind, from the founding of a workspace on.

#include <algorithm>
#include <vector>

#include "model/policy.hpp"
#include "tests/model/world.hpp"
#include "tests/support/random_source.hpp"

namespace nacre::model::testing {

inline constexpr std::uint32_t per_pat = 3, per_user = 6;

// Commands over few workspaces, people and tokens, so that they meet often.
class command_source {
 public:
  command_source(std::uint64_t seed, bool clock_jumps) : random_(seed), clock_jumps_(clock_jumps) {}

  command next() {
    if (auto first = founding(); first) return *first;
    if (!past_.empty() && random_.one_in(12)) {  // a retry: it comes within its deadline
      const auto& again = past_[past_.size() - 1 - random_.below(std::min<std::size_t>(past_.size(), 20))];
      if (clock_jumps_ || again.ctx.now > after(now_, -limits::reveal_window_ms)) return again;
    }
    tick();
    command c;
    if (random_.one_in(4)) home_ = homes[random_.below(std::size(homes))];
    if (random_.one_in(3)) nth_secret_ = 1 + random_.below(8);
    if (random_.one_in(3)) nth_key_ = static_cast<std::uint8_t>(random_.below(3));
    c.ctx = ctx();
    bool people = random_.one_in(is_guest_partition(home_) ? 10 : 2);
    c.what = people ? about_people() : about_secrets(home_);
    bool ours = std::holds_alternative<note_activity>(c.what) || std::holds_alternative<sweep>(c.what) ||
                std::holds_alternative<open_partition>(c.what) || std::holds_alternative<settle_deliveries>(c.what) ||
                std::holds_alternative<retire_previous>(c.what) || std::holds_alternative<count_use>(c.what);
    if (random_.one_in(ours ? 2 : 20)) c.ctx = as_system(c.ctx);
    remember_deliveries(c);
    past_.push_back(c);
    return c;
  }

 private:
  void tick() {
    now_ = after(now_, static_cast<std::int64_t>(random_.one_in(8) ? random_.below(30'000) : random_.below(50)));
    if (!clock_jumps_) return;
    if (random_.one_in(20)) now_ = after(now_, -static_cast<std::int64_t>(random_.below(100'000)));
    if (random_.one_in(200)) now_ = after(now_, static_cast<std::int64_t>(random_.below(10'000'000)));
  }
  webhook_id hook() { return webhook_no(1 + random_.below(3)); }
  // In two of three sequences people are there from the beginning.
  std::optional<command> founding() {
    if (founded_ == 0 && random_.one_in(3)) founded_ = 8;
    if (founded_ == 8) return std::nullopt;
    home_ = ws_no(1 + founded_ % 2);
    command c;
    c.ctx = ctx();
    c.ctx.who = {caller::kind::jwt, user_no(1), {}, 0, "", ""};
    auto nth = founded_++ / 2;
    c.what = nth == 0 ? operation(create_workspace{"N", "", "key"})
                      : operation(put_member{user_no(1 + nth), static_cast<role>(nth), std::nullopt});
    return c;
  }
  user_id user() { return user_no(1 + random_.below(5)); }
  user_id service_user() { return user_no(50 + random_.below(4)); }
  user_id anyone() { return random_.one_in(6) ? service_user() : user(); }
  pat_id pat() { return pat_no(1 + random_.below(12)); }
  scope_set scopes() { return static_cast<scope_set>(1 + random_.below(random_.one_in(4) ? 15 : 7)); }
  std::uint32_t root_role() { return static_cast<std::uint32_t>(random_.below(3)); }
  token_family other_family() { return random_.one_in(2) ? token_family::unleash : token_family::service; }
  restrictions only() {
    restrictions r;
    if (random_.one_in(2)) r.uses_max = 1 + random_.below(3);
    if (random_.one_in(8)) r.not_before = now_;
    if (random_.one_in(8)) r.networks.emplace_back();
    return r;
  }
  // Of another family, now and then for a service user.
  operation token() {
    auto op = new_pat(1 + random_.below(12), scope_read, expiry());
    op.family = other_family();
    op.lookup[1] = static_cast<std::uint8_t>(random_.below(4));
    op.name = name();
    op.data_key_version = 0;
    op.sealed.clear();
    op.per_owner_max = 3;
    if (random_.one_in(2)) op.owner = service_user();
    if (op.family == token_family::service) {
      for (auto n = random_.below(3); n-- > 0;) op.permissions.push_back(static_cast<permission>(n * 4 + root_role()));
      op.all_projects = random_.one_in(2);
      if (!op.all_projects) op.projects = {project_no(random_.below(6))};
    }
    if (random_.one_in(3)) op.only = only();
    return op;
  }
  // The token as it was made at first, or as some rotation made it.
  std::array<std::uint8_t, 32> lookup_of(pat_id pat, std::uint64_t which) {
    auto lookup = new_pat(pat.value().bytes[15]).lookup;
    if (which != 0) lookup[0] = 3;
    lookup[1] = static_cast<std::uint8_t>(which == 0 ? random_.below(4) : which);
    return lookup;
  }
  operation rotation() {
    rotate_pat op;
    op.id = pat();
    op.prefix = "pat_wsffffff";
    op.lookup = lookup_of(op.id, 1 + random_.below(200));
    op.data_key_version = random_.one_in(2) ? 1 : 0;
    if (op.data_key_version != 0) op.sealed = "rotated";
    op.overlap_ms = static_cast<std::int64_t>(random_.below(3) * 20'000);
    op.until_first_use = random_.one_in(2);
    op.set_expires = random_.one_in(3);
    if (op.set_expires) op.expires = expiry();
    if (random_.one_in(2)) op.retry = key();
    if (random_.one_in(2)) op.retry_window_ms = window();
    if (op.retry) noted_.push_back({after(now_, op.retry_window_ms), due_kind::pat_claim, half_of(*op.retry)});
    last_rotated_ = {op.id, op.lookup};
    return op;
  }
  role any_role() { return static_cast<role>(1 + random_.below(3)); }
  std::string name() { return "N" + std::to_string(random_.below(3)); }

  context ctx() {
    context ctx;
    ctx.request = random_.id_as<request_id>();
    ctx.workspace = home_;
    ctx.now = now_;
    ctx.client_prefix = random_.one_in(2) ? "192.0.2.0/24" : "2001:db8::/56";
    if (random_.one_in(is_guest_partition(ctx.workspace) ? 2 : 8)) {
      ctx.who.via = caller::kind::guest;
      ctx.node = "n1";
      return ctx;
    }
    ctx.who.user = anyone();
    if (random_.one_in(4)) {
      ctx.who.via = caller::kind::pat;
      ctx.who.pat = pat();
      ctx.who.scopes = implied(scopes());
    }
    ctx.node = "n" + std::to_string(random_.below(3));
    return ctx;
  }
  static context as_system(context ctx) {
    ctx.who = {caller::kind::system, {}, {}, 0, "", ""};
    return ctx;
  }
  std::optional<timestamp> expiry() {
    if (random_.one_in(2)) return std::nullopt;
    return after(now_, static_cast<std::int64_t>(random_.below(60'000)));
  }

  operation about_people() {
    switch (random_.below(46)) {
      case 33:
      case 34:
      case 35:
      case 36:
        return token();
      case 37:
      case 38:
      case 39:
        return rotation();
      case 40: {
        retire_previous op{last_rotated_.first, last_rotated_.second};
        if (random_.one_in(2)) op = {pat(), {}}, op.lookup = lookup_of(op.id, random_.below(3));
        return op;
      }
      case 41:
      case 42:
        return count_use{pat()};
      case 43: {
        change_service_user op{service_user(), {}, {}};
        if (random_.one_in(2)) op.name = name();
        if (random_.one_in(2)) op.root_role = root_role();
        return op;
      }
      case 44:
        return delete_service_user{service_user()};
      case 45: {
        change_pat op{pat(), {}, false, {}, only()};
        if (random_.one_in(2)) op.only->uses_max.reset();
        return op;
      }
      case 0:
        return create_workspace{name(), "", "key"};
      case 1:
        return admit_member{name(), "", any_role(), "key"};
      case 2:
        return rename_workspace{name()};
      case 3:
        if (random_.one_in(16)) return delete_workspace{};
        return rename_workspace{name()};
      case 4:
      case 5:
        return put_member{anyone(), any_role(), random_.one_in(2) ? std::optional(name()) : std::nullopt};
      case 6:
        return remove_member{user()};
      case 7:
        return create_service_user{service_user(), name(), name(), account_type::member, root_role()};
      case 8:
        return create_project{project_no(random_.below(6)), name(), "k" + std::to_string(random_.below(4)), "1"};
      case 9:
      case 10:
      case 11:
      case 12: {
        auto op = new_pat(1 + random_.below(12), scopes(), expiry());
        op.lookup[1] = static_cast<std::uint8_t>(random_.below(2));
        return op;
      }
      case 13: {
        auto op = foreign_pat(1 + random_.below(12), anyone(), scopes());
        op.created = timestamp{static_cast<std::int64_t>(random_.below(5)) - 2};
        op.expires = expiry();
        return op;
      }
      case 14:
      case 15:
        return change_pat{
            pat(), random_.one_in(2) ? std::optional(name()) : std::nullopt, random_.one_in(2), expiry(), {}};
      case 16:
      case 17:
        return revoke_pat{pat()};
      case 18: {
        note_activity op;
        for (auto n = random_.below(4); n-- > 0;) op.uses.push_back({pat(), now_});
        if (random_.one_in(2)) op.acts.push_back({"auth.failed", "x", "unknown", random_.u32()});
        if (random_.one_in(2)) op.reused.push_back(pat());
        return op;
      }
      case 21:
        return create_webhook{hook(), "https://hooks.example.com", random_.one_in(2) ? 0 : any_events(), 1, "secret"};
      case 22: {
        change_webhook op{hook(), {}, {}, {}, {}};
        if (random_.one_in(2)) op.url = "https://" + name() + ".example.com";
        if (random_.one_in(2)) op.events = any_events();
        if (random_.one_in(2)) op.enabled = random_.below(4) != 0;
        if (random_.one_in(2)) op.secret = {static_cast<std::uint32_t>(1 + random_.below(4)), 1, "secret " + name()};
        return op;
      }
      case 23:
        if (random_.one_in(3)) return delete_webhook{hook()};
        return ping_webhook{hook()};
      case 24:
      case 25:
      case 26: {
        settle_deliveries op;
        for (auto n = random_.below(6); n-- > 0;) {
          settle_deliveries::item i{hook(), now_, 1 + random_.below(8), any_fate(), now_, 500};
          if (!maybe_waiting_.empty()) i.due = maybe_waiting_[random_.below(maybe_waiting_.size())];
          i.next = after(now_, static_cast<std::int64_t>(random_.below(10'000)));
          if (i.fate == settle_deliveries::fate::retry) maybe_waiting_.push_back(i.next);
          op.items.push_back(i);
        }
        if (maybe_waiting_.size() > 40) maybe_waiting_.erase(maybe_waiting_.begin(), maybe_waiting_.begin() + 20);
        return op;
      }
      case 19:
      case 20:
        return confirm_pat_reveal{pat(), key()};
      default: {
        reveal_pat op{pat(), true, per_pat, per_user};
        if (random_.one_in(2)) op.retry = key();
        if (random_.one_in(2)) op.retry_window_ms = window();
        if (op.retry) noted_.push_back({after(now_, op.retry_window_ms), due_kind::pat_claim, half_of(*op.retry)});
        return op;
      }
    }
  }

  event_set any_events() { return static_cast<event_set>(random_.below(every_event + 1)); }
  settle_deliveries::fate any_fate() { return static_cast<settle_deliveries::fate>(1 + random_.below(4)); }
  // When deliveries may be due: an event's are at the time of its command.
  void remember_deliveries(const command& c) {
    if (std::holds_alternative<ping_webhook>(c.what) || std::holds_alternative<create_pat>(c.what))
      maybe_waiting_.push_back(c.ctx.now);
  }

  // Few secrets, so that they meet often; ids say where they are, so that no two places share one.
  static secret_id secret(workspace_id in, std::uint64_t n) {
    auto id = nth<secret_id>(0x60, n).value();
    id.bytes[0] = in.value().bytes[15];  // of a partition: its number
    return secret_id{id};
  }
  // Every other one was concealed before format 4.
  static bool is_older(secret_id secret) { return secret.value().bytes[15] % 2 == 0; }
  static receipt_id receipt_of(secret_id secret) {
    auto id = secret.value();
    if (is_older(secret)) id.bytes[1] = 0x70;
    return receipt_id{id};
  }
  keyed_hash key() const {
    keyed_hash h{};
    h.fill(nth_key_);
    return h;
  }
  static uuid half_of(const keyed_hash& h) { return *uuid_from_bytes({reinterpret_cast<const char*>(h.data()), 16}); }
  std::int64_t window() { return static_cast<std::int64_t>(random_.below(3) * 30'000); }

  operation about_asks(workspace_id in) {
    auto id = secret(in, 1 + nth_secret_ % 4).value();  // few, so that they get far
    id.bytes[1] = 0x61;
    ask_id ask{id};
    keyed_hash pickup{};
    pickup.fill(random_.one_in(10) ? 1 : 0);
    switch (random_.below(9)) {
      case 0: {
        open_ask op{ask, {}, 60 + static_cast<std::uint32_t>(random_.below(3) * 300), random_.below(3) * 60};
        noted_.push_back({after(now_, op.lifespan_s * 1000), due_kind::ask, id});
        noted_.push_back({after(now_, op.lifespan_s * 2000), due_kind::ask, id});
        return op;
      }
      case 1:
      case 2:
      case 3: {
        answer_ask op{ask, {}, 1, "sealed", random_.below(3) * 60};
        if (random_.one_in(2)) op.key = key();
        return op;
      }
      case 4:
      case 5: {
        pick_up_ask op{ask, pickup, {}, window()};
        if (random_.one_in(2)) op.retry = key();
        noted_.push_back({after(now_, op.retry_window_ms), due_kind::ask, id});
        return op;
      }
      case 6:
      case 7:
        return confirm_ask{ask, pickup, key()};
      default:
        if (random_.one_in(4)) return cancel_ask{ask, pickup};
        return pick_up_ask{ask, pickup, key(), 60'000};
    }
  }

  operation about_secrets(workspace_id in) {
    if (random_.one_in(4)) return about_asks(in);
    auto id = secret(in, nth_secret_);
    bool right = !random_.one_in(3);
    switch (random_.below(20)) {
      case 0:
        return open_partition{"key"};
      case 1:
      case 2:
      case 3:
      case 4:
      case 5: {
        conceal_secret op;
        op.id = id;
        op.receipt = receipt_of(is_older(id) && random_.one_in(20) ? secret(in, 1 + random_.below(8)) : id);
        op.lifespan_s = 60 + static_cast<std::uint32_t>(random_.below(3) * 60);
        op.has_passphrase = random_.one_in(2);
        op.sealed = "sealed";
        if (is_older(id)) op.sealed_link = "link";
        if (random_.one_in(2)) op.sealed_receipt = "receipt";
        op.kind = random_.one_in(2) ? secret_kind::generate : secret_kind::conceal;
        if (op.kind == secret_kind::generate) op.sealed_generated = "generated";
        op.partition_bytes_max = random_.below(3) * 600;
        noted_.push_back({after(now_, 60'000), due_kind::generated, op.receipt.value()});
        noted_.push_back({after(now_, op.lifespan_s * 1000), due_kind::secret, op.receipt.value()});
        noted_.push_back({after(now_, op.lifespan_s * 2000), due_kind::receipt, op.receipt.value()});
        return op;
      }
      case 6:
        return preview_secret{id};
      case 7:
      case 8:
        return reserve_attempt{id};
      case 9:
        return clear_attempts{id};
      case 10:
        return note_lockout{id};
      case 11:
      case 12: {
        claim_secret op{id, right, {}, window(), random_.one_in(2)};
        if (random_.one_in(2)) op.retry = key();
        noted_.push_back({after(now_, op.retry_window_ms), due_kind::claim, id.value()});
        return op;
      }
      case 13:
        return confirm_reveal{id, key()};
      case 14:
        return burn_secret{receipt_of(id), right};
      case 15:
        return preview_receipt{receipt_of(id)};
      case 16:
        return set_memo{receipt_of(id), name()};
      default: {
        sweep op;  // what may be due here, or not yet, or elsewhere
        for (auto n = random_.below(20); n-- > 0 && !noted_.empty();)
          op.dues.push_back(noted_[noted_.size() - 1 - random_.below(std::min<std::size_t>(noted_.size(), 200))]);
        return op;
      }
    }
  }

  static constexpr workspace_id homes[] = {ws_no(1), ws_no(2),           ws_no(1),
                                           ws_no(2), guest_partition(3), guest_partition(4)};

  nacre::testing::random_source random_;
  bool clock_jumps_;
  // What commands are about changes now and then only, so that they meet.
  workspace_id home_ = ws_no(1);
  std::uint64_t nth_secret_ = 1;
  std::uint8_t nth_key_ = 0;
  std::uint64_t founded_ = 0;
  std::vector<due> noted_;
  std::vector<timestamp> maybe_waiting_;
  std::pair<pat_id, std::array<std::uint8_t, 32>> last_rotated_;
  timestamp now_{1'800'000'000'000};
  std::vector<command> past_;
};

inline std::vector<command> sequence(std::uint64_t seed, std::size_t length, bool clock_jumps) {
  command_source source(seed, clock_jumps);
  std::vector<command> out;
  for (std::size_t i = 0; i < length; ++i) out.push_back(source.next());
  return out;
}

}  // namespace nacre::model::testing
