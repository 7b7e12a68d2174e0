#include "tests/sim/chaos.hpp"

#include "tests/sim/membership.hpp"
#include "tests/sim/node.hpp"
#include "tests/sim/world.hpp"

namespace nacre::sim {

namespace {

node* leader(world& w) {
  for (auto& n : w.nodes)
    if (n->up && n->replica->group().role() == raft::role::leader) return n.get();
  return nullptr;
}

// On one side of a cut, too few to go on.
void with_one_other(world& w, const node& one) {
  const auto other = 1 + w.more.below(w.founders.size());
  for (const auto& n : w.nodes)
    for (auto id : {one.id, other})
      if (n->id != one.id && n->id != other) {
        w.network.cut(id, n->id);
        w.network.cut(n->id, id);
      }
}

}  // namespace

void step_chaos(world& w) {
  if (!w.chaos) return;
  auto any = [&]() -> node& { return *w.nodes[w.below(w.nodes.size())]; };
  const auto what = w.below(100);
  if (what < 22) {
    any().crash();
  } else if (what < 32) {
    if (auto* l = leader(w)) l->crash();
  } else if (what < 45) {  // one is alone
    w.network.isolate(any().id);
  } else if (what < 55) {  // one way
    const auto from = any().id, to = any().id;
    w.network.cut(from, to);
  } else if (what < 60) {
    any().disk.failing = true;
  } else if (what < 66) {
    any().pause_until(w.now + w.between(50, 900));
  } else if (what < 70) {
    any().clock_ahead += static_cast<std::int64_t>(w.between(100, 3'000));  // a suspended machine wakes
  } else if (what < 84 && (w.victim == 0 || w.plan.harder) && w.nodes.size() > w.founders.size()) {
    change_members(w, static_cast<unsigned>(w.below(3)));
    if (w.chance(0.4)) {  // something happens to whoever makes the change, or to a bystander
      // Drawn one after the other: a seed is to mean the same to every compiler.
      auto* const who = w.chance(0.5) ? leader(w) : &any();
      const auto how = w.below(3);
      const auto when = w.between(0, 80);
      w.at(when, [&w, who, how] {
        if (!w.chaos || who == nullptr || !who->up) return;
        if (how == 0) return who->crash();
        if (how == 1) return who->pause_until(w.now + w.between(50, 900));
        w.network.isolate(who->id);
      });
    }
  } else {
    w.network.heal();
  }
  w.at(w.between(10, 350), [&w] { step_chaos(w); });
}

void step_more_chaos(world& w) {
  if (!w.chaos) return;
  auto any = [&]() -> node& { return *w.nodes[w.more.below(w.nodes.size())]; };
  auto* const leads = leader(w);
  const auto what = w.more.below(100);
  if (what < 15) {
    any().disk.misread_after(w.more.below(60));
  } else if (what < 30) {
    any().stop();
  } else if (what < 60 && leads != nullptr) {  // it stands still and is asked, while the others may elect another
    const auto for_ms = 400 + w.more.below(800);
    leads->pause_until(w.now + for_ms);
    if (w.founders.size() > 3) with_one_other(w, *leads);
    for (std::uint64_t after = 0; after < for_ms; after += 1 + w.more.below(60))
      w.at(after, [&w, leads] {
        w.clients.create();
        w.clients.read_current(*leads);
      });
  } else if (what < 80 && leads != nullptr && w.nodes.size() > w.founders.size()) {
    change_members(w, 0);
    // Its last entry may be anywhere then: on no disk, on one, or on most of them and nobody knows it.
    w.at(w.more.below(40), [leads] { leads->crash(); });
  }
  w.at(50 + w.more.below(500), [&w] { step_more_chaos(w); });
}

}  // namespace nacre::sim
