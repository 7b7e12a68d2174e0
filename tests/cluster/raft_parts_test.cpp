// The parts of the raft engine one by one: frames and entries, what has acted, where the log lies.

#include <catch2/catch.hpp>

#include "cluster/raft/frames.hpp"
#include "cluster/raft/log_store.hpp"
#include "cluster/raft/log_terms.hpp"
#include "cluster/raft/seen.hpp"
#include "crypto/random.hpp"
#include "storage/memory_store.hpp"
#include "tests/support/random_source.hpp"

using namespace nacre;
using namespace nacre::cluster;
using namespace nacre::cluster::raft;
using namespace nacre::testing;

namespace {

std::vector<frame> sample_frames() {
  const instance of{3, 7};
  const tag from{2, 5, 9, 8};
  return {
      {of, append{4, 10, 3, 9, false, {{3, entry_kind::commands, "batch"}, {4, entry_kind::barrier, "12345678"}}}},
      {of, append{4, 10, 4, 10, true, {}}},
      {of, append_reply{4, 0, 12}},
      {of, vote{5, 12, 4, true}},
      {of, vote_reply{5, true, false}},
      {of, snapshot_offer{4, {10, 3}, 77}},
      {of, forward{{{from, "command"}, {{2, 5, 10, 8}, "another"}}}},
      {of, forward_refused{refusal::busy, {9, 10}}},
      {of, probe{1, 4}},
      {of, probe_reply{1, 4}},
      {of, ask_index{6}},
      {of, index_reply{6, true, 12}},
      {of, fetch{77, 2}},
      {of, chunk{77, 2, true, false, 0x1234, "rows"}},
      {of, epoch_notice{{10, 3}, 2, {{1, "a:1"}, {2, "b:2"}}}},
      {of, reconfigure{{{1, "a:1"}}}},
  };
}

bool refuses(const frame& f) { return !decode_frame(encode(f)); }

}  // namespace

TEST_CASE("every frame is read as it was written, and only whole", "[cluster][raft]") {
  std::set<std::size_t> kinds;
  for (const auto& f : sample_frames()) {
    const auto bytes = encode(f);
    INFO("kind " << f.what.index() + 1);
    kinds.insert(f.what.index());
    REQUIRE(decode_frame(bytes));
    CHECK(*decode_frame(bytes) == f);
    CHECK(*peek_instance(bytes) == f.of);
    for (std::size_t n = 0; n < bytes.size(); ++n) CHECK_FALSE(decode_frame(bytes.substr(0, n)));
    CHECK_FALSE(decode_frame(bytes + '\0'));
    auto newer = bytes;
    newer[0] = static_cast<char>(frame_version + 1);
    CHECK_FALSE(decode_frame(newer));
    CHECK_FALSE(peek_instance(newer));
  }
  CHECK(kinds.size() == std::variant_size_v<message>);
}

TEST_CASE("a frame that no honest node would send is refused", "[cluster][raft]") {
  const instance of{0, 1};
  CHECK(refuses({{0, 0}, probe{1, 1}}));                                               // no such epoch
  CHECK(refuses({of, append{4, 10, 3, 9, false, {{5, entry_kind::commands, "x"}}}}));  // beyond its leader's term
  CHECK(refuses({of, append{4, 10, 3, 9, false, {{2, entry_kind::commands, "x"}}}}));  // terms fall
  CHECK(refuses({of, append{4, 10, 3, 9, false, {{4, entry_kind::commands, ""}}}}));
  CHECK(refuses({of, append{4, 10, 3, 9, false, {{4, static_cast<entry_kind>(3), "x"}}}}));  // a configuration
  CHECK(refuses({of, append{4, 10, 5, 9, false, {}}}));
  CHECK(refuses({of, append{4, ~std::uint64_t{0}, 4, 9, false, {}}}));
  CHECK(refuses({of, append{4, 10, 4, 10, true, {{4, entry_kind::commands, "x"}}}}));
  CHECK(refuses({of, snapshot_offer{4, {0, 1}, 1}}));
  CHECK(refuses({of, snapshot_offer{4, {5, 5}, 1}}));
  CHECK(refuses({of, forward{}}));
  CHECK(refuses({of, forward{{{{1, 1, 1, 2}, "floor above"}}}}));
  CHECK(refuses({of, forward{{{{0, 1, 1, 1}, "nobody's"}}}}));
  CHECK(refuses({of, forward_refused{refusal::busy, {}}}));
  CHECK(refuses({of, reconfigure{}}));
  CHECK(refuses({of, reconfigure{{{1, ""}, {1, ""}}}}));
  CHECK(refuses({of, epoch_notice{{0, 1}, 1, {{1, ""}}}}));
}

TEST_CASE("a batch is read as it was written, and only whole", "[cluster][raft]") {
  const std::vector<tagged_command> commands = {{{1, 2, 3, 3}, "first"}, {{2, 1, 9, 4}, "second"}};
  std::vector<std::string> items;
  for (const auto& c : commands) items.push_back(encode_item(c.from, c.command));
  const auto bytes = encode_batch(items);
  const auto read = decode_batch(bytes);
  REQUIRE(read);
  REQUIRE(read->size() == commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i)
    CHECK(tagged_command{(*read)[i].from, std::string((*read)[i].command)} == commands[i]);
  for (const auto& c : *read)
    CHECK((bytes.data() < c.command.data() && c.command.data() < bytes.data() + bytes.size()));
  for (std::size_t n = 0; n < bytes.size(); ++n) CHECK_FALSE(decode_batch(bytes.substr(0, n)));
  CHECK_FALSE(decode_batch(bytes + '\0'));
  CHECK_FALSE(decode_batch(encode_batch({})));
}

TEST_CASE("the end of an epoch is read as it was written, and is no batch", "[cluster][raft]") {
  const member_list members = {{1, "a:1"}, {4, "d:4", crypto::random_uuid()}};
  const auto bytes = encode_seal({7, members});
  CHECK(is_seal(bytes));
  CHECK_FALSE(decode_batch(bytes));
  const auto s = decode_seal(bytes);
  REQUIRE(s);
  CHECK(s->next_epoch == 7);
  CHECK(s->members == members);
  for (std::size_t n = 0; n < bytes.size(); ++n) CHECK_FALSE(decode_seal(bytes.substr(0, n)));
  CHECK_FALSE(decode_seal(encode_seal({7, {}})));
  CHECK_FALSE(decode_seal(encode_seal({1, {{1, ""}}})));
  CHECK_FALSE(is_seal(encode_batch({encode_item({1, 1, 1, 1}, "x")})));
  // As it was before format 6, without data directories.
  const auto old = model::writer{}.u8(2).u64(7).u8(1).u64(4).bytes("d:4").take();
  CHECK(is_seal(old));
  REQUIRE(decode_seal(old));
  CHECK(decode_seal(old)->members == member_list{{4, "d:4"}});
}

TEST_CASE("a proposal acts once, whatever the order its copies come in", "[cluster][raft][property]") {
  random_source random(announced_seed("seen tags"));
  auto store = storage::make_memory_store();
  seen_tags seen(4);
  std::set<std::uint64_t> acted;
  std::uint64_t floor = 1, boot = 1;
  bool heard = false;  // of this boot; until then what the one before said is no older than anything known
  for (int i = 0; i < 5'000; ++i) {
    if (random.one_in(400)) {
      ++boot;
      heard = false;
      floor = 1;
      acted.clear();
    }
    const auto seq = floor + random.below(40);
    if (random.one_in(10)) floor += random.below(5);
    const bool again = random.one_in(20) && heard && boot > 1;
    const tag t{7, again ? boot - 1 : boot, std::max(seq, floor), floor};
    heard = true;
    const bool first = seen.first_time(t);
    CHECK(first == (t.boot == boot && acted.insert(t.seq).second));
    CHECK(seen.decided(7, boot, t.seq) == (acted.contains(t.seq) || t.seq < floor));
    CHECK_FALSE(seen.first_time(t));
    if (random.one_in(50)) {  // what it knows lies in the store
      storage::batch rows;
      seen.add_changed(rows);
      REQUIRE(store->apply(rows, storage::durability::buffered));
      seen = seen_tags(4);
      REQUIRE(seen.load(*store->snapshot()));
    }
  }
  CHECK(seen.first_time({8, 1, 1, 1}));  // another node's are its own
}

TEST_CASE("a proposal its node has given up does not act", "[cluster][raft]") {
  seen_tags seen(0);
  CHECK(seen.first_time({1, 1, 10, 8}));
  CHECK_FALSE(seen.first_time({1, 1, 7, 3}));  // below the floor the other one brought
  CHECK(seen.first_time({1, 1, 8, 8}));
  CHECK(seen.first_time({1, 2, 1, 1}));
  CHECK_FALSE(seen.first_time({1, 1, 11, 8}));  // of before its start
}

TEST_CASE("a log is found again as it was written", "[cluster][raft]") {
  auto store = storage::make_memory_store();
  const instance of{1, 2};
  auto write = [&](const log_write& w) {
    storage::batch all;
    add(all, of, w);
    REQUIRE(store->apply(all, storage::durability::synced));
  };
  auto loaded = [&] {
    auto log = load_log(*store->snapshot(), of);
    REQUIRE(log);
    return *log;
  };
  CHECK_FALSE(load_log(*store->snapshot(), of));
  CHECK_FALSE(*load_epoch(*store->snapshot(), 1));
  REQUIRE(store->apply(found(of, {{1, "a:1"}, {2, ""}, {3, ""}}, {10, 4}), storage::durability::synced));
  const auto epoch = load_epoch(*store->snapshot(), 1)->value();
  CHECK(epoch.epoch == 2);
  REQUIRE(epoch.members.size() == 3);
  CHECK(epoch.members[0].address == "a:1");
  CHECK(loaded().mark == log_mark{10, 4});
  CHECK(loaded().vote == vote_record{4, 0});
  CHECK(loaded().first == 11);

  log_write w;
  w.vote = vote_record{5, 3};
  w.first = 11;
  w.append = {{5, entry_kind::barrier, "12345678"}, {5, entry_kind::commands, "a"}, {5, entry_kind::commands, "b"}};
  write(w);
  CHECK(loaded().vote == vote_record{5, 3});
  CHECK(loaded().entries == w.append);

  log_write over;  // from 12 on by another
  over.truncate_from = over.first = 12;
  over.append = {{6, entry_kind::commands, "c"}};
  write(over);
  CHECK(loaded().entries == std::vector<log_entry>{w.append[0], over.append[0]});

  log_write cut;
  cut.mark = log_mark{12, 6};
  cut.drop_below = 12;
  write(cut);
  CHECK(loaded().mark == log_mark{12, 6});
  CHECK(loaded().first == 12);
  CHECK(loaded().entries == over.append);
  CHECK_FALSE(load_log(*store->snapshot(), {1, 3}));  // of another epoch there is nothing
  CHECK_FALSE(load_log(*store->snapshot(), {2, 2}));
}

TEST_CASE("a damaged log is refused", "[cluster][raft]") {
  auto store = storage::make_memory_store();
  const instance of{0, 1};
  REQUIRE(store->apply(found(of, {{1, ""}}, {1, 1}), storage::durability::synced));
  storage::batch all;
  log_write w;
  w.first = 2;
  for (int i = 0; i < 4; ++i) w.append.push_back({1, entry_kind::commands, "entry"});
  add(all, of, w);
  REQUIRE(store->apply(all, storage::durability::synced));
  REQUIRE(load_log(*store->snapshot(), of));
  std::vector<std::pair<std::string, std::string>> rows;
  store->snapshot()->scan(model::space::log, {}, std::string(64, '\xff'), [&](std::string_view k, std::string_view v) {
    rows.emplace_back(k, v);
    return true;
  });
  using kind = storage::write::kind;
  std::size_t refused = 0;
  for (const auto& [key, value] : rows) {
    for (const auto& bad : {std::string{}, std::string("\x09") + value.substr(1), value.substr(0, 9)}) {
      REQUIRE(store->apply({{kind::put, model::space::log, key, bad}}, storage::durability::synced));
      auto v = store->snapshot();
      refused += !load_log(*v, of) || !load_epoch(*v, 0);
    }
    REQUIRE(store->apply({{kind::put, model::space::log, key, value}}, storage::durability::synced));
  }
  CHECK(refused == rows.size() * 3);
  const auto& hole = rows[rows.size() / 2].first;  // an entry between others: keys are C, E..., M, V
  REQUIRE(store->apply({{kind::erase, model::space::log, rows[2].first, ""}}, storage::durability::synced));
  CHECK_FALSE(load_log(*store->snapshot(), of));
  CHECK_FALSE(hole.empty());
}

TEST_CASE("the terms of a log are known as runs", "[cluster][raft][property]") {
  random_source random(announced_seed("log terms"));
  log_terms terms;
  terms.reset({5, 2});
  std::map<std::uint64_t, std::uint64_t> oracle{{5, 2}};
  std::uint64_t next = 6, term = 2, low = 5;
  for (int i = 0; i < 3'000; ++i) {
    switch (random.below(6)) {
      case 0:
        ++term;
        break;
      case 1:
        if (next - low > 2) {
          const auto from = low + 1 + random.below(next - low - 1);
          terms.truncate(from);
          oracle.erase(oracle.lower_bound(from), oracle.end());
          next = from;
        }
        break;
      case 2:
        if (next - low > 2 && random.one_in(4)) {
          low += random.below(next - low - 1);
          terms.drop_below(low);
          oracle.erase(oracle.begin(), oracle.lower_bound(low));
        }
        break;
      default:
        terms.append(term);
        oracle[next++] = term;
    }
    CHECK(terms.next() == next);
    const auto at = low > 3 ? low - 3 + random.below(next - low + 6) : random.below(next + 3);
    if (at >= low) CHECK(terms.term_of(at) == (oracle.contains(at) ? oracle[at] : 0));
  }
}
