// Random sequences of commands: the order alone decides, invariants hold after every step, and no
// workspace touches another's rows.

#include <algorithm>
#include <map>
#include <vector>

#include "model/policy.hpp"
#include "model/staged_state.hpp"
#include "tests/model/command_source.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

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

// The rows that lists of tokens are made of and that decide who sees them and what tokens are worth. `standing`:
// without what only lists show of a token, its uses.
std::map<std::string, std::string> rows_of_tokens(const map_state::contents& all, bool standing) {
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : all[static_cast<std::size_t>(space::state)]) {
    if (key.size() > 16 && std::string_view("MSJKPLOUV").find(key[16]) == std::string_view::npos) continue;
    auto pat = standing && key.size() > 16 && key[16] == 'P' ? decode<pat_record>(value) : std::nullopt;
    if (pat) pat->last_used.reset(), pat->use_audited_hour = 0, pat->uses = 0;
    out.emplace(key, pat ? encode(*pat) : value);
  }
  for (const auto& [key, value] : all[static_cast<std::size_t>(space::index)])
    if (key[0] == 't' || key[0] == 'x') out.emplace(key, value);
  return out;
}

std::uint32_t owners_of(const map_state& st, workspace_id ws) {
  return load<workspace_record>(st, space::state, keys::workspace(ws)).value_or(workspace_record{}).owners;
}

struct tally {
  std::map<std::string, int> granted, refused;
  void count(const command& c, const outcome& o) { ++(o.refused ? refused : granted)[std::string(action_of(c.what))]; }
  bool complete() const {
    constexpr auto all = std::variant_size_v<operation>;
    return granted.size() == all && refused.size() == all - 2;  // clear_attempts and note_lockout are never refused
  }
};

}  // namespace

TEST_CASE("every step keeps the invariants, refusals change nothing, budgets are exact, workspaces stay apart",
          "[model][properties]") {
  auto first = nacre::testing::announced_seed("properties");
  tally total;
  // Some operations are rarely granted: on with it until each has been.
  for (std::uint64_t seed = first; seed < first + 40 || (!total.complete() && seed < first + 600); ++seed) {
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
      REQUIRE(history_wrong(before, st.all()) == "");
      if (owners > 0) REQUIRE(owners_of(st, acting) > 0);  // the last owner stays
      // What is kept in memory hangs on these two words.
      if (!changes_lists(c.what)) REQUIRE(rows_of_tokens(before, false) == rows_of_tokens(st.all(), false));
      if (!changes_standing(c.what)) REQUIRE(rows_of_tokens(before, true) == rows_of_tokens(st.all(), true));
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
  std::string counts;
  for (const auto& [action, times] : total.granted) counts += action + ": " + std::to_string(times) + " granted\n";
  INFO(counts);
  CHECK(total.granted.size() == std::variant_size_v<operation>);
  CHECK(total.complete());
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

TEST_CASE("workspaces and guest partitions in one state end as each would have alone", "[model][properties]") {
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
    for (auto ws : {ws_no(1), ws_no(2), guest_partition(3), guest_partition(4)}) {
      map_state alone;
      for (const auto& c : commands)
        if (c.ctx.workspace == ws) apply(alone, c);
      for (auto in : {space::state, space::sealed, space::audit}) {
        std::map<std::string, std::string, std::less<>> share;
        for (const auto& row : together.of(in))
          if (row.first.starts_with(ws.value().view())) share.insert(row);
        REQUIRE(share == alone.of(in));
      }
    }
  }
}
