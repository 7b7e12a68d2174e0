// Random histories of one-time secrets against the oracle, which knows the promises and not the rows.

#include <map>
#include <set>

#include "model/staged_state.hpp"
#include "tests/model/secrets_oracle.hpp"
#include "tests/model/secrets_world.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

constexpr std::uint64_t secrets = 12;

// Commands of readers and makers whose clocks differ a little, and now and then a lot. The seed also says whose secrets
// they are and whether of before format 4, and in every fourth history the passphrases of long-lived ones are guessed
// at.
class history {
 public:
  history(std::uint64_t seed, bool clocks_go_back)
      : world_(seed % 2 == 0), random_(seed), back_(clocks_go_back), guesses_(seed % 8 < 2) {
    world_.older = seed % 3 == 0;
  }

  secrets_world& world() { return world_; }

  command next() {
    tick();
    if (random_.one_in(guesses_ ? 100 : 3)) nth_ = made_ < 3 ? 1 + random_.below(3) : made_ - random_.below(3);
    auto prefix = "192.0." + std::to_string(random_.below(6)) + ".0/24";
    auto op = any();
    auto ctx = world_.reader(prefix);
    if (std::holds_alternative<conceal_secret>(op)) ctx = world_.maker();
    if (std::holds_alternative<set_memo>(op)) ctx = world_.as(world_.member);
    if (std::holds_alternative<sweep>(op)) ctx = world_.as_system();
    return {ctx, std::move(op)};
  }

 private:
  void tick() {
    auto& now = world_.now;
    if (random_.one_in(2)) return;
    auto step = [&](std::uint64_t most) { return static_cast<std::int64_t>(random_.below(most)); };
    now = after(now, step(random_.one_in(6) ? 120'000 : 3'000));
    if (random_.one_in(guesses_ ? 20 : 60)) now = after(now, step(2'000'000));
    if (!back_) return;
    if (random_.one_in(10)) now = after(now, -step(5'000));
    if (random_.one_in(150)) now = after(now, -step(3'000'000));
  }
  std::optional<keyed_hash> key() {
    if (random_.one_in(4)) return std::nullopt;
    return key_no(static_cast<std::uint8_t>(1 + random_.below(2)));
  }

  operation any() {
    auto& w = world_;
    w.by_memory = random_.one_in(4);
    bool right = !random_.one_in(3);
    if (guesses_ && made_ > 0 && !random_.one_in(12)) {
      if (random_.one_in(14)) return clear_attempts{w.secret(nth_)};
      if (random_.one_in(60)) return w.claiming(nth_, key_no(1), 600'000);
      return reserve_attempt{w.secret(nth_)};
    }
    switch (random_.below(18)) {
      case 0:
      case 1:
      case 2: {
        if (concealed_ && concealed_at_ == w.now && random_.one_in(2)) return *concealed_;
        // A link is made once, so an id comes once but for retries; a second life of it is another test's.
        if (made_ >= secrets) return preview_secret{w.secret(nth_)};
        nth_ = ++made_;
        auto op = random_.one_in(2) ? w.generated(nth_) : w.hidden(nth_);
        op.lifespan_s =
            60 + static_cast<std::uint32_t>(random_.below(4) == 0 ? random_.below(20'000) : random_.below(600));
        if (guesses_) op.lifespan_s = 2'592'000;
        op.has_passphrase = random_.one_in(2);
        concealed_ = op;
        concealed_at_ = w.now;
        return op;
      }
      case 3:
        return preview_secret{w.secret(nth_)};
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
        return reserve_attempt{w.secret(nth_)};
      case 9:
        if (random_.one_in(3)) return clear_attempts{w.secret(nth_)};
        return reserve_attempt{w.secret(nth_)};
      case 10:
      case 11:
        return w.claiming(nth_, key(), static_cast<std::int64_t>(random_.below(4) * 60'000), right);
      case 12:
        if (random_.one_in(2)) return confirm_reveal{w.secret(nth_), key().value_or(keyed_hash{})};
        return w.claiming(nth_, key(), 60'000, right);
      case 13:
        if (random_.one_in(2)) return preview_receipt{w.receipt(nth_)};
        return burn_secret{w.receipt(nth_), right};
      case 14:
        return preview_receipt{w.receipt(nth_)};
      case 15:
        if (w.guests) return preview_receipt{w.receipt(nth_)};
        return set_memo{w.receipt(nth_), "memo " + std::to_string(random_.below(3))};
      case 16:
        return note_lockout{w.secret(nth_)};
      default: {
        sweep op;
        for (const auto& d : w.due_now())
          if (!random_.one_in(4)) op.dues.push_back(d);
        if (op.dues.size() > 1 && random_.one_in(2)) std::reverse(op.dues.begin(), op.dues.end());
        return op;
      }
    }
  }

  secrets_world world_;
  nacre::testing::random_source random_;
  bool back_, guesses_;
  std::uint64_t nth_ = 1, made_ = 0;
  std::optional<conceal_secret> concealed_;  // the last one, and when
  timestamp concealed_at_;
};

void copy(const map_state& from, map_state& to) {
  for (std::size_t in = 0; in < space_count; ++in)
    for (const auto& [key, value] : from.all()[in]) to.put(static_cast<space>(in), key, value);
}

bool is_sweep(const command& c) { return std::holds_alternative<sweep>(c.what); }

}  // namespace

TEST_CASE("whatever happens in whatever order, the rules answer as the oracle, and no secret has two first readers",
          "[model][properties]") {
  auto first = nacre::testing::announced_seed("secrets");
  std::map<std::string, int> said_so;
  int revealed = 0;
  for (std::uint64_t seed = first; seed < first + 120; ++seed) {
    CAPTURE(seed);
    history h(seed, seed % 3 != 0);
    auto& w = h.world();
    secrets_oracle oracle;
    for (int i = 0; i < 400; ++i) {
      auto c = h.next();
      INFO("step " << i << ", " << action_of(c.what));
      auto before = w.st.all();
      auto o = apply(w.st, c);
      auto expected = oracle.answer(c);
      REQUIRE(told(o) == expected);
      REQUIRE(w.st.trustworthy());
      REQUIRE(broken(w.st) == "");
      REQUIRE(history_wrong(before, w.st.all()) == "");
      ++said_so[std::string(action_of(c.what)) + ": " + expected.substr(0, 12)];
      for (std::uint64_t n = 1; n <= secrets; ++n) {
        auto e = w.entry(n);
        REQUIRE((e ? told(*e) : "not_found") == oracle.receipt(w.receipt(n), w.now.value()));
      }
    }
    for (const auto& [id, readers] : oracle.first_readers()) {
      REQUIRE(readers == 1);
      ++revealed;
    }
  }
  std::string counts;
  for (const auto& [answer, times] : said_so) counts += answer + ": " + std::to_string(times) + "\n";
  INFO(counts);
  CHECK(revealed > 100);
  CHECK(said_so.size() > 30);  // the histories get everywhere
}

TEST_CASE("over a whole history the bytes of a secret go to one request, or to those with its key",
          "[model][properties]") {
  auto first = nacre::testing::announced_seed("one reader");
  for (std::uint64_t seed = first; seed < first + 60; ++seed) {
    CAPTURE(seed);
    history h(seed, true);
    auto& w = h.world();
    std::map<secret_id, std::set<std::optional<keyed_hash>>> readers;
    std::map<secret_id, int> without_key;
    for (int i = 0; i < 400; ++i) {
      auto c = h.next();
      auto o = apply(w.st, c);
      const auto* op = std::get_if<claim_secret>(&c.what);
      if (!op || o.refused) continue;
      readers[op->id].insert(op->retry_window_ms > 0 || readers.contains(op->id) ? op->retry : std::nullopt);
      if (!op->retry) ++without_key[op->id];
      REQUIRE(readers[op->id].size() == 1);
      REQUIRE(without_key[op->id] <= 1);
      REQUIRE(without_key[op->id] + (readers[op->id].begin()->has_value() ? 1 : 0) <= 1);
    }
  }
}

TEST_CASE("while clocks go forward nobody can tell whether a sweep has been", "[model][properties]") {
  auto first = nacre::testing::announced_seed("sweeps");
  for (std::uint64_t seed = first; seed < first + 60; ++seed) {
    CAPTURE(seed);
    history h(seed, false);
    auto& w = h.world();
    map_state unswept;
    copy(w.st, unswept);
    for (int i = 0; i < 400; ++i) {
      auto c = h.next();
      auto o = apply(w.st, c);
      if (is_sweep(c)) continue;
      INFO("step " << i << ", " << action_of(c.what));
      REQUIRE(said(apply(unswept, c)) == said(o));
      auto texts = [&](const map_state& st) {
        std::string out;
        if (w.guests) return out;
        auto found = recent_receipts(st, w.as(w.member)).value();
        for (const auto& e : found) out += said({{}, reply(e), {}, false}) + '\n';
        return out;
      };
      REQUIRE(texts(w.st) == texts(unswept));
    }
  }
}

TEST_CASE("a history applied one by one or in batches ends in the same bytes", "[model][properties]") {
  auto first = nacre::testing::announced_seed("secret batches");
  for (std::uint64_t seed = first; seed < first + 30; ++seed) {
    CAPTURE(seed);
    history h(seed, true);
    map_state batched;
    copy(h.world().st, batched);
    nacre::testing::random_source cuts(seed);
    std::vector<command> commands;
    std::vector<std::string> alone, together;
    for (int i = 0; i < 300; ++i) {
      commands.push_back(h.next());
      alone.push_back(said(apply(h.world().st, commands.back())));
    }
    for (std::size_t at = 0; at < commands.size();) {
      auto end = std::min(commands.size(), at + 1 + cuts.below(40));
      staged_state batch(batched);
      for (; at < end; ++at) {
        auto arrived = decode_command(encode(commands[at]));
        REQUIRE(arrived == commands[at]);
        together.push_back(said(apply(batch, *arrived)));
      }
      std::move(batch).lay_into(batched);
    }
    REQUIRE(alone == together);
    REQUIRE(h.world().st.all() == batched.all());
  }
}
