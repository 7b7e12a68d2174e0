// Random sequences of commands: the order alone decides, invariants hold after every step, and no
// workspace touches another's rows.

#include <algorithm>
#include <map>
#include <vector>

#include "model/staged_state.hpp"
#include "tests/model/world.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

constexpr std::uint32_t per_pat = 3, per_user = 6;

// Commands over few workspaces, people and tokens, so that they meet often.
class command_source {
 public:
  command_source(std::uint64_t seed, bool clock_jumps) : random_(seed), clock_jumps_(clock_jumps) {}

  command next() {
    if (!past_.empty() && random_.one_in(12)) {  // a retry: it comes within its deadline
      const auto& again = past_[past_.size() - 1 - random_.below(std::min<std::size_t>(past_.size(), 20))];
      if (clock_jumps_ || again.ctx.now > after(now_, -limits::reveal_window_ms)) return again;
    }
    tick();
    command c{ctx(), any_operation()};
    bool of_nacre =
        std::holds_alternative<note_activity>(c.what) || std::holds_alternative<settle_deliveries>(c.what);
    if (random_.one_in(of_nacre ? 2 : 20)) c.ctx = as_system(c.ctx);
    remember_deliveries(c);
    past_.push_back(c);
    return c;
  }

 private:
  void tick() {
    now_ = after(now_, static_cast<std::int64_t>(random_.below(4) == 0 ? random_.below(30'000) : random_.below(50)));
    if (!clock_jumps_) return;
    if (random_.one_in(20)) now_ = after(now_, -static_cast<std::int64_t>(random_.below(100'000)));
    if (random_.one_in(200)) now_ = after(now_, static_cast<std::int64_t>(random_.below(10'000'000)));
  }
  webhook_id hook() { return webhook_no(1 + random_.below(3)); }
  user_id user() { return user_no(1 + random_.below(5)); }
  pat_id pat() { return pat_no(1 + random_.below(12)); }
  scope_set scopes() { return static_cast<scope_set>(1 + random_.below(7)); }
  role any_role() { return static_cast<role>(1 + random_.below(3)); }
  std::string name() { return "N" + std::to_string(random_.below(3)); }

  context ctx() {
    context ctx;
    ctx.request = random_.id_as<request_id>();
    ctx.workspace = ws_no(1 + random_.below(2));
    ctx.now = now_;
    ctx.who.user = user();
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

  operation any_operation() {
    switch (random_.below(31)) {
      case 0:
        return create_workspace{name(), "", "key"};
      case 1:
        return admit_member{name(), "", any_role(), "key"};
      case 2:
        return rename_workspace{name()};
      case 3:
        if (random_.one_in(8)) return delete_workspace{};
        return rename_workspace{name()};
      case 4:
      case 5:
        return put_member{user(), any_role(), random_.one_in(2) ? std::optional(name()) : std::nullopt};
      case 6:
        return remove_member{user()};
      case 7:
        return create_service_user{user_no(50 + random_.below(4)), name()};
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
        auto op = foreign_pat(1 + random_.below(12), user(), scopes());
        op.created = timestamp{static_cast<std::int64_t>(random_.below(5)) - 2};
        op.expires = expiry();
        return op;
      }
      case 14:
      case 15:
        return change_pat{pat(), random_.one_in(2) ? std::optional(name()) : std::nullopt, random_.one_in(2), expiry()};
      case 16:
      case 17:
        return revoke_pat{pat()};
      case 18: {
        note_activity op;
        for (auto n = random_.below(4); n-- > 0;) op.uses.push_back({pat(), now_});
        if (random_.one_in(2)) op.acts.push_back({"auth.failed", "x", "unknown", random_.u32()});
        return op;
      }
      case 24:
        return create_webhook{hook(), "https://hooks.example.com", random_.one_in(2) ? 0 : any_events(), 1, "secret"};
      case 25: {
        change_webhook op{hook(), {}, {}, {}, {}};
        if (random_.one_in(2)) op.url = "https://" + name() + ".example.com";
        if (random_.one_in(2)) op.events = any_events();
        if (random_.one_in(2)) op.enabled = random_.below(4) != 0;
        if (random_.one_in(2))
          op.secret = {static_cast<std::uint32_t>(1 + random_.below(4)), 1, "secret " + name()};
        return op;
      }
      case 26:
        if (random_.one_in(3)) return delete_webhook{hook()};
        return ping_webhook{hook()};
      case 27:
      case 28:
      case 29: {
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
      default:
        return reveal_pat{pat(), true, per_pat, per_user};
    }
  }

  event_set any_events() { return static_cast<event_set>(random_.below(every_event + 1)); }
  settle_deliveries::fate any_fate() { return static_cast<settle_deliveries::fate>(1 + random_.below(4)); }
  // When deliveries may be due: an event's are at the time of its command.
  void remember_deliveries(const command& c) {
    if (std::holds_alternative<ping_webhook>(c.what) || std::holds_alternative<create_pat>(c.what))
      maybe_waiting_.push_back(c.ctx.now);
  }

  nacre::testing::random_source random_;
  bool clock_jumps_;
  std::vector<timestamp> maybe_waiting_;
  timestamp now_{1'800'000'000'000};
  std::vector<command> past_;
};

std::vector<command> sequence(std::uint64_t seed, std::size_t length, bool clock_jumps) {
  command_source source(seed, clock_jumps);
  std::vector<command> out;
  for (std::size_t i = 0; i < length; ++i) out.push_back(source.next());
  return out;
}

// Counts what was spent, by the clock of the commands; a late one counts as of the newest before it.
class budget_oracle {
 public:
  // Empty, or what is wrong with this outcome.
  std::string judge(const command& c, const outcome& o) {
    const auto* op = std::get_if<reveal_pat>(&c.what);
    if (!op || o.replayed || !o.budget) return {};
    auto& spent = spent_[{c.ctx.workspace, c.ctx.who.user}];
    auto at = spent.empty() ? c.ctx.now : std::max(c.ctx.now, spent.back().at);
    std::erase_if(spent, [&](const auto& s) { return s.at <= after(at, -limits::reveal_window_ms); });
    auto of_pat = static_cast<std::uint32_t>(
        std::count_if(spent.begin(), spent.end(), [&](const auto& s) { return s.pat == op->id; }));
    bool full = of_pat >= per_pat || spent.size() >= per_user;
    bool limited = o.refused && o.refused->code == errc::rate_limited;
    if (full != limited) return full ? "a reveal beyond its budget" : "a reveal refused within its budget";
    if (limited) return {};
    spent.push_back({at, op->id});
    auto left = std::min(per_pat - of_pat - 1, per_user - static_cast<std::uint32_t>(spent.size()));
    return o.budget->remaining == left ? "" : "a wrong number of reveals left";
  }

 private:
  std::map<std::pair<workspace_id, user_id>, std::vector<budget_record::spent>> spent_;
};

// Empty, or the key that a command of `ws` had no business with.
std::string outside(workspace_id ws, space in, std::string_view key, map_state::touch how) {
  auto begins = [&](std::string_view k) { return k.starts_with(ws.value().view()); };
  bool fine = false;
  if (in == space::state || in == space::sealed || in == space::audit)
    fine = begins(key) && (key.size() > 16 || in == space::state);
  else if (in == space::index && !key.empty())
    fine = key[0] == 'u' ? key.ends_with(ws.value().view())
                         : how == map_state::touch::read || how == map_state::touch::write;
  return fine ? "" : "space " + std::to_string(static_cast<int>(in)) + ", " + std::to_string(key.size()) + " bytes";
}

std::uint32_t owners_of(const map_state& st, workspace_id ws) {
  return load<workspace_record>(st, space::state, keys::workspace(ws)).value_or(workspace_record{}).owners;
}

struct tally {
  std::map<std::string, int> granted, refused;
  void count(const command& c, const outcome& o) { ++(o.refused ? refused : granted)[std::string(action_of(c.what))]; }
};

}  // namespace

TEST_CASE("every step keeps the invariants, refusals change nothing, budgets are exact, workspaces stay apart",
          "[model][properties]") {
  auto first = nacre::testing::announced_seed("properties");
  tally total;
  for (std::uint64_t seed = first; seed < first + 8; ++seed) {
    CAPTURE(seed);
    map_state st;
    workspace_id acting;
    std::string strayed;
    st.on_touch = [&](space in, std::string_view key, map_state::touch how) {
      if (auto wrong = outside(acting, in, key, how); !wrong.empty()) strayed = wrong;
    };
    budget_oracle budgets;
    auto commands = sequence(seed, 500, false);
    for (std::size_t i = 0; i < commands.size(); ++i) {
      const auto& c = commands[i];
      INFO("step " << i << ", " << action_of(c.what));
      auto before = st.all();
      acting = c.ctx.workspace;
      auto owners = owners_of(st, acting);
      auto early = refused_early(st, c);
      auto o = apply(st, c);
      REQUIRE(strayed == "");
      auto watch = std::exchange(st.on_touch, nullptr);
      REQUIRE(st.trustworthy());
      REQUIRE(broken(st) == "");
      if (owners > 0) REQUIRE(owners_of(st, acting) > 0);  // the last owner stays
      st.on_touch = watch;
      REQUIRE(budgets.judge(c, o) == "");
      bool on_record = o.refused && std::holds_alternative<reveal_pat>(c.what) && o.budget && !o.replayed &&
                       o.refused->code != errc::rate_limited;
      if ((o.refused && !on_record) || o.replayed) REQUIRE(st.all() == before);
      if (on_record) REQUIRE(st.all() != before);
      if (early) {  // asked on the same state, the early answer is the answer
        REQUIRE(o.refused);
        REQUIRE(early->refused->code == o.refused->code);
        REQUIRE(early->budget.has_value() == o.budget.has_value());
      }
      total.count(c, o);
    }
  }
  // A generator that never gets anywhere would make all this worthless.
  for (const auto& [action, times] : total.granted) INFO(action << ": " << times);
  CHECK(total.granted.size() == std::variant_size_v<operation>);
  CHECK(total.refused.size() >= std::variant_size_v<operation> - 1);
}

TEST_CASE("one by one, in any batches or through their bytes: equal outcomes and equal state", "[model][properties]") {
  auto first = nacre::testing::announced_seed("determinism");
  for (std::uint64_t seed = first; seed < first + 20; ++seed) {
    CAPTURE(seed);
    auto commands = sequence(seed, 400, seed % 2 == 0);
    std::vector<std::string> alone, batched, decoded;
    map_state a, b, c;
    for (const auto& cmd : commands) alone.push_back(said(apply(a, cmd)));
    nacre::testing::random_source cuts(seed);
    for (std::size_t at = 0; at < commands.size();) {
      auto end = std::min(commands.size(), at + 1 + cuts.below(40));
      staged_state batch(b);
      for (; at < end; ++at) batched.push_back(said(apply(batch, commands[at])));
      std::move(batch).lay_into(b);
    }
    for (const auto& cmd : commands) {
      auto arrived = decode_command(encode(cmd));
      REQUIRE(arrived == cmd);
      decoded.push_back(said(apply(c, *arrived)));
    }
    REQUIRE(alone == batched);
    REQUIRE(alone == decoded);
    REQUIRE(a.all() == b.all());
    REQUIRE(a.all() == c.all());
    REQUIRE(broken(a) == "");
  }
}

TEST_CASE("whatever the clocks do, budgets stay bounded, in order and never overdrawn", "[model][properties]") {
  auto first = nacre::testing::announced_seed("clocks");
  for (std::uint64_t seed = first; seed < first + 20; ++seed) {
    CAPTURE(seed);
    map_state st;
    for (const auto& c : sequence(seed, 500, true)) {
      apply(st, c);
      auto budget = load<budget_record>(st, space::state, keys::budget(c.ctx.workspace, c.ctx.who.user));
      if (!budget) continue;
      const auto& spent = budget->reveals;
      REQUIRE(spent.size() <= per_user);
      REQUIRE(std::is_sorted(spent.begin(), spent.end(), [](auto& x, auto& y) { return x.at < y.at; }));
      for (const auto& s : spent)
        REQUIRE(std::count_if(spent.begin(), spent.end(), [&](auto& x) { return x.pat == s.pat; }) <= per_pat);
      if (!spent.empty()) REQUIRE(spent.back().at.value() - spent.front().at.value() < limits::reveal_window_ms);
    }
    REQUIRE(broken(st) == "");
  }
}

TEST_CASE("two workspaces in one state end as each would have alone", "[model][properties]") {
  auto first = nacre::testing::announced_seed("isolation");
  for (std::uint64_t seed = first; seed < first + 10; ++seed) {
    CAPTURE(seed);
    auto commands = sequence(seed, 400, false);
    // Tokens are unique across workspaces on purpose; give each workspace its own to compare.
    for (auto& c : commands)
      std::visit(
          [&](auto& op) {
            if constexpr (requires { op.lookup; }) op.lookup[2] = c.ctx.workspace.value().bytes[15];
          },
          c.what);
    map_state together;
    for (const auto& c : commands) apply(together, c);
    for (std::uint64_t n : {1u, 2u}) {
      map_state alone;
      for (const auto& c : commands)
        if (c.ctx.workspace == ws_no(n)) apply(alone, c);
      for (auto in : {space::state, space::sealed, space::audit}) {
        std::map<std::string, std::string, std::less<>> share;
        for (const auto& row : together.of(in))
          if (row.first.starts_with(ws_no(n).value().view())) share.insert(row);
        REQUIRE(share == alone.of(in));
      }
    }
  }
}
