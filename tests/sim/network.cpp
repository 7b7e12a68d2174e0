#include "tests/sim/network.hpp"

#include <algorithm>

#include "cluster/raft/frames.hpp"
#include "tests/sim/node.hpp"
#include "tests/sim/trace.hpp"
#include "tests/sim/world.hpp"

namespace nacre::sim {

void network::cut(node_id from, node_id to) { cut_[from - 1][to - 1] = true; }

void network::isolate(node_id id) {
  for (const auto& n : w_.nodes) {
    cut(id, n->id);
    cut(n->id, id);
  }
}

void network::heal() { cut_.assign(w_.nodes.size(), std::vector<bool>(w_.nodes.size())); }

bool network::send(node& from, node_id to, std::string frame) {
  if (w_.chance(0.005)) return false;
  const auto kind = static_cast<unsigned char>(frame[1]);
  if (w_.plan.lie == lie::links_answer_probes)
    if (auto f = raft::decode_frame(frame); f && std::holds_alternative<raft::probe>(f->what)) {
      const auto asked = std::get<raft::probe>(f->what);
      w_.at(0, [&from, to, of = f->of, asked, l = from.life] {
        if (from.up && from.life == l)
          from.receive(to, raft::encode(raft::frame{of, raft::probe_reply{asked.round, asked.term}}));
      });
      return true;
    }
  // The transport hands a frame over once. Raft would live with more, so its own frames are doubled here.
  const bool may_double = kind <= 5;
  for (int copies = may_double && w_.chance(doubled) ? 2 : 1; copies > 0; --copies) {
    if (w_.chance(loss)) continue;
    const auto delay = w_.chance(late) ? w_.between(1, 300) : w_.between(1, 8);
    if (w_.plan.harder && w_.chaos && w_.more.one_in(100)) {
      w_.at(300 + w_.more.below(2'700), [this, &from, to, frame, l = std::pair(from.life, w_.of(to).life)] {
        if (l == std::pair(from.life, w_.of(to).life)) arrive(from, to, frame);
      });
      continue;
    }
    w_.at(delay, [this, &from, to, frame] { arrive(from, to, frame); });
  }
  return true;
}

void network::arrive(node& from, node_id to, const std::string& frame) {
  auto& target = w_.of(to);
  if (target.up && !cut_[from.id - 1][to - 1] && connected(from, target)) target.receive(from.id, frame);
}

bool network::connected(node& a, node& b) {
  if (!w_.plan.doors) return true;
  const std::pair lives(a.id < b.id ? a.life : b.life, a.id < b.id ? b.life : a.life);
  auto& since = connections_[std::minmax(a.id, b.id)];
  if (since == lives) return true;
  // A hello goes both ways; a node that is down says none, whatever of it is still on its way.
  if (!a.up || !b.up || cut_[a.id - 1][b.id - 1] || cut_[b.id - 1][a.id - 1]) return false;
  // Nobody remembers who does not let it in itself.
  bool both = true;
  for (auto [at, who] : {std::pair(&a, &b), std::pair(&b, &a)})
    both = both && at->door->judge(who->id, who->door->ours(), who->door->known()) == cluster::admission::welcome;
  if (!both) return false;
  for (auto [at, who] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    bool welcome = false;
    at->door->admit(who->id, who->door->ours(), who->door->known(),
                    [&](cluster::admission how) { welcome = how == cluster::admission::welcome; });
    both = both && welcome;
    if (!welcome) trace(w_.now, at->id, "does not let in ", who->id);
  }
  if (both) since = lives;
  return both;
}

bool network::known_to_all(const node& n) const {
  if (!w_.plan.doors) return true;
  for (const auto& other : w_.nodes) {
    if (other->id == n.id || other->id > w_.founders.size()) continue;
    if (!other->up) return false;
    const auto known = other->door->known();
    if (std::none_of(known.begin(), known.end(), [&](const auto& each) {
          return each.node == n.id &&
                 (n.older_start() ? each.last == n.door->ours() : each.last.directory == n.door->ours().directory);
        }))
      return false;
  }
  return true;
}

}  // namespace nacre::sim
