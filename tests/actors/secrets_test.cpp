// What a one-time secret promises through its workspace's actor: one reader, no lost answers, nothing on
// disk that opens it, passphrases that cannot be guessed in parallel.

#include "model/secrets.hpp"

#include <atomic>
#include <thread>

#include "actors/one_time.hpp"
#include "actors/sealing.hpp"
#include "crypto/one_time.hpp"
#include "model/keys.hpp"
#include "tests/support/installation.hpp"

using namespace nacre;
using namespace nacre::testing;

namespace {

const user_id owner = user_no(1);
const workspace_id home = workspace_no(1);

crypto::secure_bytes secret_text(std::string_view text) { return crypto::secure_bytes(text); }
std::optional<crypto::secure_bytes> maybe(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return crypto::secure_bytes(text);
}

struct world : installation {
  using installation::installation;

  struct links {
    std::string secret, receipt;
    workspace_id where;
  };

  model::context guest(workspace_id ws, std::string client = "192.0.2.0/24") {
    auto ctx = as({}, ws);
    ctx.who.via = model::caller::kind::guest;
    ctx.client_prefix = std::move(client);
    return ctx;
  }

  links hide(std::string_view value, std::string_view passphrase = {}, bool by_owner = false) {
    actors::conceal what;
    what.value = secret_text(value);
    what.passphrase = maybe(passphrase);
    what.lifespan_s = 3600;
    what.receipt_link = crypto::make_identifier();
    what.link = actors::link_of(keys, what.receipt_link.view());
    auto ws = by_owner ? home : guest_partition_of(actors::secret_id_of(keys, what.link.view()));
    auto a = ask(by_owner ? as(owner) : guest(ws), std::move(what));
    REQUIRE_FALSE(a.outcome.refused);
    REQUIRE(a.receipts.size() == 1);
    return {std::string(a.receipts[0].secret_link.view()), std::string(a.receipts[0].receipt_link.view()), ws};
  }

  // The owner's, as a node made it before format 4.
  links hide_as_before(std::string_view value, std::string_view passphrase) {
    const auto ctx = as(owner);
    const auto link = crypto::make_identifier(), receipt_link = crypto::make_identifier();
    const auto key =
        keys.open_data_key(home, 1, view()->get(model::space::sealed, model::keys::data_key(home, 1)).value()).value();
    const auto salt = crypto::make_salt();
    const auto stretched = crypto::stretch(passphrase, salt, {}).value();
    model::conceal_secret op;
    op.id = actors::secret_id_of(keys, link.view());
    op.receipt = actors::older_receipt_id_of(keys, receipt_link.view());
    op.lifespan_s = 3600;
    op.has_passphrase = true;
    model::secret_record bound;
    bound.receipt = op.receipt;
    bound.owner = owner;
    bound.created = ctx.now;
    bound.lifespan_s = op.lifespan_s;
    bound.kind = op.kind;
    bound.has_passphrase = true;
    op.sealed = crypto::seal_under_link(keys, key, actors::secret_sealing(home, op.id, actors::secret_policy(bound)),
                                        link.view(), &stretched, salt, {}, value);
    op.sealed_link = crypto::seal_under_link(keys, key, actors::receipt_sealing(home, op.receipt, "link"),
                                             receipt_link.view(), nullptr, crypto::make_salt(), {}, link.view());
    op.sealed_receipt = keys.seal(key, actors::receipt_sealing(home, op.receipt, "receipt"), receipt_link.view());
    REQUIRE_FALSE(ask(ctx, model::operation{op}).outcome.refused);
    return {std::string(link.view()), std::string(receipt_link.view()), home};
  }

  static actors::intent reveal_of(const links& l, std::string_view passphrase = {}, bool go_on = true,
                                  std::optional<std::string> retry = std::nullopt) {
    actors::reveal_secret what;
    what.link = secret_text(l.secret);
    what.passphrase = maybe(passphrase);
    what.go_on = go_on;
    what.retry_key = std::move(retry);
    return what;
  }
  actors::answer reveal(const links& l, std::string_view passphrase = {}, bool go_on = true,
                        std::optional<std::string> retry = std::nullopt, std::string client = "192.0.2.0/24") {
    return ask(guest(l.where, std::move(client)), reveal_of(l, passphrase, go_on, std::move(retry)));
  }
  actors::answer receipt(const links& l, bool mere_look = false) {
    actors::show_receipt what;
    what.receipt_link = secret_text(l.receipt);
    what.mere_look = mere_look;
    return ask(guest(l.where), std::move(what));
  }
  actors::answer burn(const links& l, std::string_view passphrase = {}) {
    actors::burn_by_receipt what;
    what.receipt_link = secret_text(l.receipt);
    what.passphrase = maybe(passphrase);
    return ask(guest(l.where), std::move(what));
  }
};

std::optional<errc> code_of(const actors::answer& a) {
  if (!a.outcome.refused) return std::nullopt;
  return a.outcome.refused->code;
}

}  // namespace

TEST_CASE("a secret is shown once, and nothing stored tells or opens it", "[actors][secrets]") {
  world node;
  node.found();
  for (bool by_owner : {false, true}) {
    auto l = node.hide("the value itself", "", by_owner);
    for (const auto& bytes : {std::string("the value itself"), l.secret, l.receipt})
      CHECK_FALSE(holds_bytes(*node.view(), bytes));
    auto looked = node.reveal(l, "", false);
    CHECK_FALSE(looked.revealed);
    CHECK(looked.token.empty());
    auto shown = node.reveal(l);
    REQUIRE_FALSE(shown.outcome.refused);
    CHECK(shown.revealed);
    CHECK(text_of(shown) == "the value itself");
    CHECK(code_of(node.reveal(l)) == errc::not_found);
    auto told = node.receipt(l);
    REQUIRE(told.receipts.size() == 1);
    CHECK(told.receipts[0].entry.state == model::receipt_state::revealed);
    CHECK(told.receipts[0].secret_link.empty());
  }
}

TEST_CASE("a secret of before format 4 is told, listed, burned and read as one of today", "[actors][secrets]") {
  world node;
  node.found();
  auto hidden = [&](bool older) {
    return older ? node.hide_as_before("the value itself", "sesame") : node.hide("the value itself", "sesame", true);
  };
  for (bool older : {true, false}) {
    INFO(older);
    auto burned = hidden(older), read = hidden(older);
    CHECK(node.receipt(burned, true).receipts.at(0).secret_link.view() == burned.secret);
    auto recent = node.ask(node.as(owner), actors::list_recent{});
    std::vector<std::pair<std::string, std::string>> listed;
    for (const auto& each : recent.receipts) listed.emplace_back(each.receipt_link.view(), each.secret_link.view());
    for (const auto& l : {burned, read})
      CHECK(std::count(listed.begin(), listed.end(), std::pair(l.receipt, l.secret)) == 1);
    CHECK_FALSE(node.ask(node.as(owner), actors::memo_receipt{secret_text(read.receipt), "for Bob"}).outcome.refused);

    CHECK(code_of(node.burn(burned, "not it")) == errc::wrong_passphrase);
    CHECK_FALSE(node.burn(burned, "sesame").outcome.refused);
    CHECK(code_of(node.reveal(burned, "sesame")) == errc::not_found);
    CHECK(text_of(node.reveal(read, "sesame")) == "the value itself");
    for (const auto& [l, end] :
         {std::pair(burned, model::receipt_state::burned), {read, model::receipt_state::revealed}}) {
      auto told = node.receipt(l);
      CHECK(told.receipts.at(0).entry.state == end);
      CHECK(told.receipts.at(0).secret_link.empty());
    }
    CHECK(node.receipt(read).receipts.at(0).entry.record.memo == "for Bob");
  }
}

TEST_CASE("of many readers at once exactly one gets the value", "[actors][secrets][race]") {
  world node;
  constexpr int secrets = 20, readers = 24;
  std::vector<world::links> all;
  for (int i = 0; i < secrets; ++i) all.push_back(node.hide("value " + std::to_string(i)));
  std::vector<inbox<actors::answer>> boxes(secrets);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int r = 0; r < readers / 4; ++r)
        for (int i = 0; i < secrets; ++i)
          node.submit(boxes[static_cast<std::size_t>(i)], node.guest(all[static_cast<std::size_t>(i)].where),
                      world::reveal_of(all[static_cast<std::size_t>(i)]));
    });
  for (auto& t : threads) t.join();
  for (int i = 0; i < secrets; ++i) {
    auto& box = boxes[static_cast<std::size_t>(i)];
    REQUIRE(box.await(readers));
    int winners = 0;
    for (const auto& a : box.take()) {
      if (a.revealed) {
        ++winners;
        CHECK(text_of(a) == "value " + std::to_string(i));
      } else {
        CHECK(code_of(a) == errc::not_found);
      }
    }
    CHECK(winners == 1);
  }
}

TEST_CASE("the reader with the key gets a lost answer again, until it confirms or the window ends",
          "[actors][secrets][retry]") {
  world node;
  const std::string key = "0123456789abcdef", other = "fedcba9876543210";
  auto l = node.hide("again");
  CHECK(text_of(node.reveal(l, "", true, key)) == "again");
  CHECK(text_of(node.reveal(l, "", true, key)) == "again");
  CHECK(code_of(node.reveal(l, "", true, other)) == errc::not_found);
  CHECK(code_of(node.reveal(l)) == errc::not_found);
  auto confirm = [&](const std::string& with) {
    return node.ask(node.guest(l.where), actors::confirm_secret{secret_text(l.secret), with});
  };
  CHECK(code_of(confirm(other)) == errc::not_found);
  CHECK_FALSE(confirm(key).outcome.refused);
  CHECK_FALSE(confirm(key).outcome.refused);
  CHECK(code_of(node.reveal(l, "", true, key)) == errc::not_found);

  auto late = node.hide("late", "pass");
  CHECK(code_of(node.reveal(late, "", true, key)) == errc::wrong_passphrase);
  CHECK(text_of(node.reveal(late, "pass", true, key)) == "late");
  CHECK(code_of(node.reveal(late, "wrong", true, key)) == errc::wrong_passphrase);
  CHECK(text_of(node.reveal(late, "pass", true, key)) == "late");
  node.time.advance(60'000);
  CHECK(code_of(node.reveal(late, "pass", true, key)) == errc::not_found);
}

TEST_CASE("a wrong passphrase costs an attempt, the right one opens, and five wrong ones lock a client out",
          "[actors][secrets][passphrase]") {
  world node;
  auto l = node.hide("guarded", "open sesame");
  CHECK(node.reveal(l, "open sesame", false).passphrase_right == true);
  for (int i = 0; i < 5; ++i) CHECK(code_of(node.reveal(l, "guess")) == errc::wrong_passphrase);
  auto locked = node.reveal(l, "open sesame");
  CHECK(code_of(locked) == errc::rate_limited);
  REQUIRE(locked.outcome.budget);
  CHECK(locked.outcome.budget->reset_ms == 1'800'000);
  auto elsewhere = node.reveal(l, "open sesame", true, std::nullopt, "198.51.100.0/24");
  CHECK(text_of(elsewhere) == "guarded");
}

TEST_CASE("guesses in parallel do not outrun the counter", "[actors][secrets][passphrase]") {
  world node;
  auto l = node.hide("guarded", "open sesame");
  inbox<actors::answer> box;
  constexpr int guesses = 40;
  for (int i = 0; i < guesses; ++i) node.submit(box, node.guest(l.where), world::reveal_of(l, "guess"));
  REQUIRE(box.await(guesses));
  int tried = 0;
  for (const auto& a : box.take()) {
    bool known = code_of(a) == errc::wrong_passphrase || code_of(a) == errc::busy || code_of(a) == errc::rate_limited;
    CHECK(known);
    if (code_of(a) == errc::wrong_passphrase) ++tried;
  }
  CHECK(tried <= 5);
  CHECK(tried >= 1);
}

TEST_CASE("a burned secret is gone, its receipt says so, and a protected one asks for the passphrase",
          "[actors][secrets][burn]") {
  world node;
  node.found();
  auto l = node.hide("ashes", "match");
  CHECK(code_of(node.burn(l)) == errc::wrong_passphrase);
  CHECK(code_of(node.burn(l, "mismatch")) == errc::wrong_passphrase);
  auto burned = node.burn(l, "match");
  REQUIRE_FALSE(burned.outcome.refused);
  CHECK(burned.receipts.at(0).entry.state == model::receipt_state::burned);
  CHECK(code_of(node.burn(l, "match")) == errc::not_found);
  CHECK(code_of(node.reveal(l, "match")) == errc::not_found);
}

TEST_CASE("a receipt tells the link while it can be opened, and that it was looked at", "[actors][secrets][receipt]") {
  world node;
  node.found();
  auto l = node.hide("told", "", true);
  auto bot = node.receipt(l, true);
  CHECK(bot.receipts.at(0).entry.state == model::receipt_state::fresh);
  auto first = node.receipt(l);
  CHECK(first.receipts.at(0).entry.state == model::receipt_state::fresh);
  CHECK(std::string(first.receipts[0].secret_link.view()) == l.secret);
  CHECK(node.receipt(l).receipts.at(0).entry.state == model::receipt_state::previewed);

  auto recent = node.ask(node.as(owner), actors::list_recent{});
  REQUIRE(recent.receipts.size() == 1);
  CHECK(std::string(recent.receipts[0].receipt_link.view()) == l.receipt);

  actors::show_secret look;
  look.link = secret_text(l.secret);
  auto seen = node.ask(node.guest(l.where), std::move(look));
  REQUIRE_FALSE(seen.outcome.refused);
  CHECK_FALSE(std::get<model::secret_entry>(seen.outcome.what).record.previewed);
  actors::show_secret again;
  again.link = secret_text(l.secret);
  CHECK(std::get<model::secret_entry>(node.ask(node.guest(l.where), std::move(again)).outcome.what).record.previewed);
}

TEST_CASE("what expired is swept away by itself, sealed bytes and all", "[actors][secrets][expiry]") {
  actors::settings quick;
  quick.note_flush = std::chrono::milliseconds(5);
  world node(quick);
  auto l = node.hide("brief");
  auto id = actors::secret_id_of(node.keys, l.secret);
  auto sealed = model::keys::secret(l.where, id);
  CHECK(node.view()->get(model::space::sealed, sealed));
  node.time.advance(3'600'000);
  CHECK(code_of(node.reveal(l)) == errc::not_found);  // at once, whoever sweeps when
  auto swept = [&] { return !node.view()->get(model::space::sealed, sealed); };
  auto until = std::chrono::steady_clock::now() + patience;
  while (!swept() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  CHECK(swept());
  CHECK(node.receipt(l).receipts.at(0).entry.state == model::receipt_state::expired);
  node.time.advance(3'600'000);
  CHECK(code_of(node.receipt(l)) == errc::not_found);
}

TEST_CASE("strangers cannot fill more than the bound", "[actors][secrets][limits]") {
  actors::settings tight;
  tight.guest_bytes_max = 64 * 2'000;
  world node(tight);
  std::size_t kept = 0, full = 0;
  for (int i = 0; i < 400; ++i) {
    actors::conceal what;
    what.value = secret_text(std::string(300, 'x'));
    what.lifespan_s = 3600;
    what.receipt_link = crypto::make_identifier();
    what.link = actors::link_of(node.keys, what.receipt_link.view());
    auto ws = guest_partition_of(actors::secret_id_of(node.keys, what.link.view()));
    auto a = node.ask(node.guest(ws), std::move(what));
    if (!a.outcome.refused) {
      ++kept;
    } else {
      CHECK(code_of(a) == errc::full);
      ++full;
    }
  }
  CHECK(kept > 0);
  CHECK(full > 0);
}
