// cluster status, add, remove, replace: who belongs to a cluster, asked and changed at any of its nodes.
//
// A change names all members to be and the epoch that was looked at, so it can be sent again when an answer is lost:
// what is so already is left alone, and what somebody else changed meanwhile is refused.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iostream>
#include <map>
#include <set>
#include <utility>

#include "cli/server.hpp"
#include "cli/terminal.hpp"
#include "cli/words.hpp"
#include "model/limits.hpp"
#include "model/time.hpp"

namespace nacre::cli {

namespace {

using steady = std::chrono::steady_clock;

constexpr int look_every_ms = 300;
constexpr std::int64_t patience_s_max = 86'400, patience_s = 600;

struct member {
  std::uint64_t node = 0;
  std::string address, role, trouble, version, certificate_end;
  bool self = false, votes = false, connected = false, fetching = false;
  std::string contact_ms, applied, behind;  // empty: not known
  std::uint64_t fetched = 0;
  std::int64_t clock_ahead_ms = 0;
};
struct standing {
  bool single = true;
  std::uint64_t epoch = 0, node = 0, can_lose = 0;
  std::string id, text;  // `text`: all of it as it came
  std::vector<std::string> reasons;
  std::vector<member> members;
  struct group {
    std::string number, role, leader, epoch, term, commit, applied;
  };
  std::vector<group> groups;
};

template <class Number = std::uint64_t>
Number number_at(json_value of, std::string_view pointer) {
  const auto text = text_at(of, pointer);
  Number n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

template <class Each>
void each_of(json_value of, std::string_view pointer, Each each) {
  auto found = value_at(of, pointer);
  simdjson::dom::array list;
  if (!found || found->get(list) != simdjson::SUCCESS) return;
  for (auto one : list) each(one);
}

standing read(json_value root) {
  standing s;
  const auto flag = [](json_value of, std::string_view pointer) { return text_at(of, pointer) == "true"; };
  auto data = value_at(root, "/data");
  if (!data) return s;
  s.text = simdjson::minify(*data);
  s.single = text_at(*data, "/mode") != "cluster";
  s.epoch = number_at(*data, "/epoch");
  s.node = number_at(*data, "/node");
  s.can_lose = number_at(*data, "/canLose");
  s.id = text_at(*data, "/clusterId");
  each_of(*data, "/reasons", [&](json_value r) { s.reasons.push_back(text_at(r, "")); });
  each_of(*data, "/members", [&](json_value m) {
    member one;
    one.node = number_at(m, "/node");
    one.address = text_at(m, "/address");
    one.role = text_at(m, "/role");
    one.trouble = text_at(m, "/trouble");
    one.version = text_at(m, "/version");
    one.certificate_end = text_at(m, "/certificateEndsAt");
    one.self = flag(m, "/self");
    one.votes = flag(m, "/votes");
    one.connected = flag(m, "/connected");
    one.fetching = flag(m, "/fetching");
    one.contact_ms = text_at(m, "/lastContactMs");
    one.applied = text_at(m, "/appliedIndex");
    one.behind = text_at(m, "/behind");
    one.fetched = number_at(m, "/fetchedBytes");
    one.clock_ahead_ms = number_at<std::int64_t>(m, "/clockAheadMs");
    s.members.push_back(std::move(one));
  });
  each_of(*data, "/groups", [&](json_value g) {
    s.groups.push_back({text_at(g, "/group"), text_at(g, "/role"), text_at(g, "/leader"), text_at(g, "/epoch"),
                        text_at(g, "/term"), text_at(g, "/commitIndex"), text_at(g, "/appliedIndex")});
  });
  return s;
}

outcome<standing> look(server& at) {
  auto answer = at.ask("GET", "/api/v1/cluster");
  if (!answer) {
    auto r = answer.error();
    if (r.exit == exit_not_allowed)
      r.advice =
          "it takes an operator: a JWT with the scope nacre.cluster, or a token of an owner or admin of a "
          "workspace that cluster.operators names";
    return refuse(std::move(r));
  }
  return read(answer->root());
}

// While a change is awaited the node that is asked may go: that is said once, for others know as much.
outcome<standing> look_again(server& at, bool& told) {
  auto now = look(at);
  if (!now && now.error().exit == exit_unavailable && !std::exchange(told, true))
    std::cerr << "nacre: " << printable(now.error().text) << "; asking again (another node may be asked with --url)\n";
  return now;
}

std::string state_of(const member& m) {
  if (m.fetching && !m.votes)
    return m.fetched > 0 ? "fetches the state, " + std::to_string(m.fetched >> 10) + " KiB" : "has no state yet";
  if (m.votes) return "votes";
  if (m.role == "stopped") return "its storage failed";
  if (!m.connected) return m.trouble.empty() ? "away" : "away: " + m.trouble;
  if (!m.trouble.empty()) return m.trouble;
  return m.role == "unknown" ? "has not said yet" : "comes";
}

// Where clocks differ by more than what a word on its way takes.
std::string clock_of(const member& m) {
  constexpr std::int64_t tell_ms = 2'000;
  const auto ahead = m.clock_ahead_ms;
  if (ahead > -tell_ms && ahead < tell_ms) return {};
  const auto seconds = std::to_string(ahead / 1'000);
  return ahead > 0 ? "; its clock is " + seconds + " s ahead" : "; its clock is " + seconds.substr(1) + " s behind";
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

void show(const standing& s) {
  sheet facts;
  if (s.single) {
    facts.row("mode", "a single node; `nacre cluster init` makes it the first of a cluster");
    facts.print();
    return;
  }
  std::string reasons;
  for (const auto& r : s.reasons) reasons += (reasons.empty() ? "" : "; ") + printable(r);
  facts.row("cluster", s.id);
  facts.row("asked", "node " + std::to_string(s.node) + (reasons.empty() ? ", ready" : ", not ready: " + reasons));
  facts.row("epoch", std::to_string(s.epoch));
  facts.row("may be lost", std::to_string(s.can_lose) + (s.can_lose == 1 ? " more node" : " more nodes"));
  facts.print();
  table nodes({"NODE", "ADDRESS", "ROLE", "CONTACT", "APPLIED", "BEHIND", "STATE", "CERTIFICATE UNTIL"});
  for (const auto& m : s.members)
    nodes.row({std::to_string(m.node), printable(m.address), printable(m.role),
               m.self                 ? "asked"
               : m.contact_ms.empty() ? "never"
                                      : m.contact_ms + " ms",
               or_dash(m.applied), or_dash(m.behind), printable(state_of(m)) + clock_of(m),
               or_dash(m.certificate_end.substr(0, 10))});
  nodes.print();
  table groups({"GROUP", "LEADER", "EPOCH", "TERM", "COMMITTED", "APPLIED HERE"});
  for (const auto& g : s.groups)
    groups.row({g.number, g.leader.empty() ? "none" : "node " + g.leader, g.epoch, g.term, g.commit, g.applied});
  groups.print();
}

bool is_whole(const standing& s) {
  return s.single ||
         (s.reasons.empty() && std::all_of(s.members.begin(), s.members.end(), [](const auto& m) { return m.votes; }));
}

outcome<int> tell(const arguments& with, const standing& s, int code) {
  if (!with.has("json")) {
    show(s);
    return code;
  }
  if (auto out = print_out(s.text + "\n"); !out) return refuse(out.error());
  return code;
}

// ---- changes -----------------------------------------------------------------------------------------

using nodes = std::map<std::uint64_t, std::string>;  // number and address

// NODE=HOST:PORT into `to`.
outcome<bool> newcomer(const std::string& text, nodes& to) {
  const auto equals = text.find('=');
  const auto node = equals == std::string::npos
                        ? std::nullopt
                        : whole_number(std::string_view(text).substr(0, equals), limits::cluster_node_max);
  const auto address = equals == std::string::npos ? std::string() : text.substr(equals + 1);
  if (!node || address.find(':') == std::string::npos)
    return refuse(exit_usage, "a node that comes must be NODE=HOST:PORT, such as 4=10.0.0.4:7400");
  if (!to.emplace(*node, address).second) return refuse(exit_usage, "a node is named twice");
  return true;
}

nodes nodes_of(const standing& s) {
  nodes out;
  for (const auto& m : s.members) out.emplace(m.node, m.address);
  return out;
}

std::string body_of(const nodes& wanted, std::uint64_t epoch) {
  std::string members;
  for (const auto& [node, address] : wanted)
    members +=
        (members.empty() ? "" : ",") + ("{\"node\":" + std::to_string(node)) + ",\"address\":\"" + address + "\"}";
  return "{\"epoch\":" + std::to_string(epoch) + ",\"members\":[" + members + "]}";
}

bool is_plain(const std::string& address) {
  return std::all_of(address.begin(), address.end(),
                     [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

// Every group has gone over to the same members.
bool is_settled(const standing& now) {
  return std::all_of(now.groups.begin(), now.groups.end(),
                     [&](const auto& g) { return g.epoch == std::to_string(now.epoch); });
}

// Asks until it is so, or refused, or the time is up.
outcome<standing> bring_about(server& at, const standing& seen, const nodes& wanted, steady::time_point until,
                              bool& told) {
  for (const auto& [node, address] : wanted)
    if (!is_plain(address)) return refuse(exit_usage, "the address of node " + std::to_string(node) + " is none");
  bool asked = false, accepted = false;
  for (;;) {
    auto now = look_again(at, told);
    if (now && nodes_of(*now) == wanted && is_settled(*now)) return now;
    if (!now && now.error().exit != exit_unavailable) return now;
    if (now && now->epoch != seen.epoch && nodes_of(*now) != nodes_of(seen) && nodes_of(*now) != wanted)
      return refuse(exit_data, "the members were changed by somebody else meanwhile", "see `nacre cluster status`");
    if (steady::now() > until)
      return refuse(exit_unavailable,
                    now ? "the change was not decided in time; it may still come"
                        : "whether the members are changed is not known: " + now.error().text,
                    "see `nacre cluster status`, perhaps at another node with --url, and give the same command again");
    if (now) {
      auto answer = at.call("PUT", "/api/v1/cluster/members", body_of(wanted, now->epoch));
      if (answer) {
        if (std::exchange(accepted, true)) pause_ms(look_every_ms);
        continue;
      }
      auto r = answer.error();
      if (r.exit == exit_data) {  // 409, or 400
        // What was asked for once before, and was on its way, may have come just now.
        if (auto then = look(at); then && then->epoch != now->epoch) continue;
        if (is_settled(*now)) r.advice = "nothing was changed; `nacre cluster status` says who is there and how far";
      }
      if (r.exit != exit_unavailable) return refuse(std::move(r));
      if (!asked) std::cerr << "nacre: not decided yet: " << printable(r.text) << "; asking again\n";
      asked = true;
    }
    pause_ms(look_every_ms);
  }
}

// Until those that came have the state and vote, and the members have a leader; who was taken out knows of none.
outcome<standing> await_votes(server& at, const nodes& wanted, const nodes& came, steady::time_point until,
                              bool& told) {
  std::optional<progress> shown;
  for (;;) {
    auto now = look_again(at, told);
    if (now) {
      if (nodes_of(*now) != wanted) return refuse(exit_data, "the members were changed again meanwhile");
      std::uint64_t fetched = 0;
      bool all = !wanted.contains(now->node) ||
                 std::none_of(now->groups.begin(), now->groups.end(), [](const auto& g) { return g.leader.empty(); });
      // Also of those that stay a majority must have gone over: whoever goes may hold what they still need.
      const auto voting =
          std::count_if(now->members.begin(), now->members.end(), [](const auto& m) { return m.votes; });
      all = all && static_cast<std::size_t>(voting) > wanted.size() / 2;
      for (const auto& m : now->members) {
        if (!came.contains(m.node)) continue;
        fetched += m.fetched;
        all = all && m.votes;
      }
      if (all) return now;
      if (fetched > 0 && !shown) shown.emplace("KiB of the state fetched:");
      if (shown) shown->at(fetched >> 10);
    } else if (now.error().exit != exit_unavailable) {
      return now;
    }
    if (steady::now() > until) {
      if (!now)
        return refuse(exit_unavailable, "the members are changed; how far they are is not known: " + now.error().text,
                      "it goes on by itself; see `nacre cluster status` at another node, with --url");
      std::string who;
      for (const auto& m : now->members)
        if (came.contains(m.node) && !m.votes)
          who += (who.empty() ? "" : ", ") + ("node " + std::to_string(m.node)) + " " + state_of(m);
      return refuse(exit_unavailable,
                    "the members are changed, but " +
                        (who.empty() ? "they have no leader yet" : "who came does not vote yet: " + printable(who)),
                    "it goes on by itself; see `nacre cluster status`");
    }
    pause_ms(look_every_ms);
  }
}

// `make(now, wanted, came)`: what the members are to be, and who of them is new.
template <class Make>
outcome<int> change(const arguments& with, Make make) {
  auto seconds = with.seconds("timeout", patience_s_max);
  if (!seconds) return refuse(seconds.error());
  const auto until = steady::now() + std::chrono::seconds(seconds->value_or(patience_s));
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  auto seen = look(*at);
  if (!seen) return refuse(seen.error());
  if (seen->single)
    return refuse(exit_data, at->url() + " is a single node", "`nacre cluster init` makes it the first of a cluster");
  auto wanted = nodes_of(*seen);
  if (!wanted.contains(seen->node))  // it hears of nothing any more, or not yet
    return refuse(exit_data, "node " + std::to_string(seen->node) + ", which was asked, is no member",
                  "ask another node with --url");
  nodes came;
  if (outcome<bool> fits = make(wanted, came); !fits) return refuse(fits.error());
  if (wanted.empty()) return refuse(exit_data, "no member would be left");
  bool told = false;
  auto done = bring_about(*at, *seen, wanted, until, told);
  if (!done) return refuse(done.error());
  done = await_votes(*at, wanted, came, until, told);
  if (!done) return refuse(done.error());
  if (!wanted.contains(done->node))
    std::cerr << "node " << done->node << ", which was asked, is no member any more: ask another from now on\n";
  return tell(with, *done, exit_ok);
}

outcome<bool> let_in(const nodes& came, nodes& wanted) {
  for (const auto& [node, address] : came) {
    for (const auto& [there, where] : wanted)
      if (there != node && where == address)
        return refuse(exit_data, address + " is where node " + std::to_string(there) + " is");
    const auto at = wanted.find(node);
    if (at != wanted.end() && at->second != address)
      return refuse(exit_data, "node " + std::to_string(node) + " is a member, at " + at->second,
                    "a number is never given to a second node");
    wanted[node] = address;  // what is so already is waited for
  }
  return true;
}

// Not refused: the same command, cut short, may have taken it out.
void tell_absent(std::uint64_t node) { std::cerr << "nacre: node " << node << " is no member\n"; }

}  // namespace

outcome<int> run_cluster_status(const arguments& with) {
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  auto now = look(*at);
  if (!now) return refuse(now.error());
  return tell(with, *now, is_whole(*now) ? exit_ok : exit_unavailable);
}

outcome<int> run_cluster_add(const arguments& with) {
  nodes named;
  for (const auto& each : with.operands())
    if (auto good = newcomer(each, named); !good) return refuse(good.error());
  return change(with, [&](nodes& wanted, nodes& came) {
    came = named;
    return let_in(came, wanted);
  });
}

outcome<int> run_cluster_remove(const arguments& with) {
  if (auto yes = sure(with, "Take these nodes out of the cluster? Their numbers never come back"); !yes)
    return refuse(yes.error());
  return change(with, [&](nodes& wanted, nodes&) -> outcome<bool> {
    std::set<std::uint64_t> named;  // twice: once
    for (const auto& each : with.operands()) {
      auto node = node_number(each);
      if (!node) return refuse(node.error());
      named.insert(*node);
    }
    for (const auto node : named)
      if (wanted.erase(node) == 0) tell_absent(node);
    return true;
  });
}

outcome<int> run_cluster_replace(const arguments& with) {
  nodes named;
  if (auto good = newcomer(with.operand(1), named); !good) return refuse(good.error());
  return change(with, [&](nodes& wanted, nodes& came) -> outcome<bool> {
    auto old = node_number(with.operand(0));
    if (!old) return refuse(old.error());
    came = named;
    const auto node = named.begin()->first;
    const bool gone = !wanted.contains(*old), there = wanted.contains(node);  // both: it was decided before
    if (gone && !there)
      return refuse(exit_data, "node " + std::to_string(*old) + " is no member", "see `nacre cluster status`");
    if (there && !gone) return refuse(exit_data, "node " + std::to_string(node) + " is a member already");
    if (wanted.erase(*old) == 0) tell_absent(*old);
    return let_in(came, wanted);
  });
}

}  // namespace nacre::cli
