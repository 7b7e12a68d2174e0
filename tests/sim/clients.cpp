#include "tests/sim/clients.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "tests/sim/node.hpp"
#include "tests/sim/world.hpp"

namespace nacre::sim {

namespace {

using namespace nacre::testing;

const user_id owner = user_no(1);

model::conceal_secret hidden(std::uint64_t n) {
  model::conceal_secret op;
  op.id = secret_no(n);
  op.receipt = receipt_id{op.id.value()};
  op.lifespan_s = 3600;
  op.sealed = "sealed " + std::to_string(n);
  op.sealed_receipt = "receipt " + std::to_string(n);
  return op;
}

}  // namespace

struct clients::request {
  model::command what;
  std::uint64_t number = 0;
  std::uint64_t reader = 0;  // who brings the same key again is the same; else the request itself
  bool had = false;          // the reader has had its answer already
  bool known = false;
  bool may_act = false;  // nobody could say what came of an attempt
  int attempts = 0;
};

void clients::begin(model::operation op, bool guest, std::uint64_t reader, bool had) {
  auto r = std::make_shared<request>();
  r->number = ++requests_;
  r->reader = reader != 0 ? reader : r->number;
  r->had = had;
  // Stamps stay within one window of the budgets, back and forth.
  r->what.ctx = context_of(home, owner, r->number, after(noon, static_cast<std::int64_t>(w_.below(20'000))));
  if (guest) r->what.ctx.who = {model::caller::kind::guest, {}, {}, 0, "", ""};
  r->what.what = std::move(op);
  attempt(r);
}

// Through any node, and again with the same request until it is known what came of it. Who is refused and was never
// left in doubt may leave it at that.
void clients::attempt(const std::shared_ptr<request>& r) {
  if (r->known || ++r->attempts > 12) return;
  if (w_.plan.harder && w_.now > 1'000 + w_.plan.chaos_ms + 6'000) return;  // or small bounds keep them coming for long
  auto& n = *w_.nodes[w_.below(w_.nodes.size())];
  const auto l = n.life;
  auto again = [this, r](std::uint64_t low, std::uint64_t high) {
    w_.at(w_.between(low, high), [this, r] { attempt(r); });
  };
  if (!n.up || (w_.plan.harder && n.paused())) return again(20, 200);
  const auto patience = w_.between(200, 1'500);
  auto answered = std::make_shared<bool>(false);
  n.propose(r->what, patience, [this, r, again, answered, &n](cluster::settled s) {
    if (*answered) return w_.fail("a proposal was answered twice");
    *answered = true;
    if (s.how == cluster::settled::fate::committed) {
      if (!r->known) decided(*r, n, s.outcome);
      r->known = true;
      return;
    }
    if (s.how == cluster::settled::fate::unknown) {
      ++w_.told.unknown;
      r->may_act = true;
    } else if (w_.plan.harder && !r->may_act && w_.more.one_in(4)) {
      ++w_.told.refused;
      r->known = true;
      return w_.ledger.must_not_act(r->number);
    }
    again(1, 100);
  });
  w_.at(patience + 500, [this, r, again, answered, &n, l, calm = !w_.chaos] {  // its node died
    if (*answered || r->known) return;
    if (n.up && n.life == l && calm) w_.fail("a proposal was not answered within its deadline");
    r->may_act = true;
    again(1, 50);
  });
}

void clients::decided(const request& r, const node& by, const model::outcome& o) {
  ++w_.told.acknowledged;
  if (const auto* op = std::get_if<model::conceal_secret>(&r.what.what)) {
    if (o.refused) return w_.fail("a secret was refused: " + o.refused->text);
    for (std::uint64_t n = made_; n > 0; --n)
      if (op->id == secret_no(n)) {
        w_.promises.saw_created(by, n);
        break;
      }
  } else if (const auto* claim = std::get_if<model::claim_secret>(&r.what.what)) {
    if (o.refused) {
      if (r.had) w_.fail("a reader that came with its key again did not get its secret again");
      return;
    }
    for (std::uint64_t n = made_; n > 0; --n) {
      if (!(claim->id == secret_no(n))) continue;
      ++w_.told.reveals;
      w_.promises.saw_shown(n, r.reader);
      break;
    }
  } else if (const auto* reveal = std::get_if<model::reveal_pat>(&r.what.what)) {
    if (o.refused) return;
    for (auto n : pats_)
      if (reveal->id == pat_no(n)) w_.promises.saw_pat_shown(n, r.number);
  } else if (std::holds_alternative<model::create_workspace>(r.what.what)) {
    founded_ = true;
  } else if (const auto* pat = std::get_if<model::create_pat>(&r.what.what)) {
    if (o.refused) return w_.fail("a PAT was refused: " + o.refused->text);
    for (std::uint64_t n = made_; n > 0; --n)
      if (pat->id == pat_no(n)) pats_.push_back(n);
  }
}

void clients::read_current(node& n) {
  if (!n.up) return;
  n.read(800, [this, &n, before = w_.promises.latest(), l = n.life](bool current) {
    if (!current || !n.up || n.life != l) return;
    ++w_.told.reads;
    w_.promises.saw_current_read(n, before);
  });
}

// By one reader in two requests. Its window is longer than all stamps are apart.
void clients::claim_with_key(std::uint64_t secret) {
  const auto reader = requests_ + 1;
  model::claim_secret op{secret_no(secret), true, model::keyed_hash{}, 60'000, true};
  for (std::size_t i = 0; i < 8; ++i) (*op.retry)[i] = static_cast<std::uint8_t>(reader >> (8 * i));
  begin(op, true, reader);
  w_.at(w_.more.below(2'000),
        [this, op, reader, secret] { begin(op, true, reader, w_.promises.was_shown_to(secret, reader)); });
}

void clients::create() {
  if (founded_) begin(hidden(++made_), false);
}

void clients::step() {
  if (w_.now > 1'000 + w_.plan.chaos_ms + 1'500) return;
  if (!founded_) {
    if (requests_ == 0 || w_.chance(0.02)) begin(model::create_workspace{"Pearl", "", "wrapped"}, false);
  } else {
    const auto what = w_.below(100);
    if (what < 40 || made_ < 3) {
      begin(hidden(++made_), false);
    } else if (what < 75) {
      const auto n = made_ - w_.below(std::min<std::uint64_t>(made_, 12));
      for (auto readers = w_.between(1, 3); readers > 0; --readers)
        if (w_.plan.harder && w_.more.one_in(3))
          claim_with_key(n);
        else
          begin(model::claim_secret{secret_no(n), true, std::nullopt, 0, true}, true);
    } else if (what < 80 && pats_.size() < 6) {
      begin(sealed_pat_no(++made_), false);
    } else if (what < 90 && !pats_.empty()) {
      model::reveal_pat op{pats_[w_.below(pats_.size())] ? pat_no(pats_[w_.below(pats_.size())]) : pat_no(1), true,
                           budget_per_pat, 600};
      begin(op, false);
    } else {
      read_current(*w_.nodes[w_.below(w_.nodes.size())]);
    }
  }
  w_.at(w_.between(5, 60), [this] { step(); });
}

}  // namespace nacre::sim
