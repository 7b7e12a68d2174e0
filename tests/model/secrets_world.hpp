#pragma once
// One-time secrets in a state: of an account in the world's workspace, or of guests in a partition.

#include <algorithm>
#include <vector>

#include "model/pats.hpp"
#include "model/secrets.hpp"
#include "tests/model/world.hpp"

namespace nacre::model::testing {

inline keyed_hash key_no(std::uint8_t n) {
  keyed_hash h{};
  h.fill(n);
  return h;
}

// Whether this caller's reveal can be fetched again: then a spent budget does not matter.
inline bool has_pat_claim(const view& v, const context& ctx, reveal_pat op) {
  op.per_user = 0;
  return !refused_by_budget(v, ctx, op);
}

inline std::vector<due_in> dues(const view& v, timestamp since, timestamp now, std::size_t at_most) {
  std::vector<due_in> all;
  each_due(v, since, now, [&](const due_in& d) {
    all.push_back(d);
    return all.size() < at_most;
  });
  return all;
}

struct secrets_world : world {
  bool guests;
  workspace_id home;
  bool older = false;      // conceals as before format 4
  bool by_memory = false;  // claims as before format 5

  explicit secrets_world(bool of_guests = false) : guests(of_guests), home(of_guests ? guest_partition(5) : ws) {
    if (!guests) return;
    ws = home;
    made(as_system(), open_partition{"wrapped"});
  }

  secret_id secret(std::uint64_t n) const { return nth<secret_id>(guests ? 5 : 0x60, n); }
  receipt_id receipt(std::uint64_t n) const { return older ? nth<receipt_id>(0x70, n) : receipt_id{secret(n).value()}; }

  // Whoever has a link, from anywhere.
  context reader(const std::string& client_prefix = "192.0.2.0/24") {
    auto ctx = as(user_id{});
    ctx.who = {caller::kind::guest, {}, {}, 0, "", ""};
    ctx.client_prefix = client_prefix;
    return ctx;
  }
  context maker() { return guests ? reader() : as(member); }

  conceal_secret hidden(std::uint64_t n, std::uint32_t lifespan_s = 3600, bool has_passphrase = false) const {
    auto tail = " " + std::to_string(n);
    conceal_secret op;
    op.id = secret(n);
    op.receipt = receipt(n);
    op.lifespan_s = lifespan_s;
    op.has_passphrase = has_passphrase;
    op.sealed = "sealed" + tail;
    if (older) op.sealed_link = "link" + tail;
    if (!guests) op.sealed_receipt = "receipt" + tail;
    return op;
  }
  conceal_secret generated(std::uint64_t n, std::uint32_t lifespan_s = 3600) const {
    auto op = hidden(n, lifespan_s);
    op.kind = secret_kind::generate;
    op.sealed_generated = "generated " + std::to_string(n);
    return op;
  }
  void conceal(std::uint64_t n, std::uint32_t lifespan_s = 3600, bool has_passphrase = false) {
    made(maker(), hidden(n, lifespan_s, has_passphrase));
  }

  claim_secret claiming(std::uint64_t n, std::optional<keyed_hash> key = {}, std::int64_t window_ms = 60'000,
                        bool right = true) const {
    const auto held = held_row(n);
    return {secret(n), right, key, window_ms, !by_memory && (held ? held->receipt.has_value() : !older)};
  }
  // The winner's answer tells what the secret was.
  bool claims(std::uint64_t n, std::optional<keyed_hash> key = {}, std::int64_t window_ms = 60'000, bool right = true) {
    auto o = run(reader(), claiming(n, key, window_ms, right));
    if (o.refused) return false;
    return std::get<secret_entry>(o.what).id == secret(n);
  }
  outcome attempt(std::uint64_t n, const std::string& client_prefix = "192.0.2.0/24") {
    return run(reader(client_prefix), reserve_attempt{secret(n)});
  }

  std::optional<secret_record> viewable(std::uint64_t n) const { return find_secret(st, home, secret(n), now); }
  std::optional<receipt_entry> entry(std::uint64_t n) const {
    auto found = find_receipt(st, home, receipt(n), now);
    if (!found) return std::nullopt;
    return std::move(*found);
  }
  receipt_state state_of(std::uint64_t n) const { return entry(n).value().state; }
  // With its secret while that is there, then in a row of its own.
  std::optional<receipt_record> kept_receipt(std::uint64_t n) const {
    if (auto held = held_row(n); held && held->receipt) return receipt_of(secret(n), held->record, *held->receipt);
    return row<receipt_record>(keys::receipt(home, receipt(n)));
  }
  receipt_record kept(std::uint64_t n) const { return kept_receipt(n).value(); }
  std::optional<held_secret> held_row(std::uint64_t n) const {
    auto found = st.get(space::sealed, keys::secret(home, secret(n)));
    return found ? decode<held_secret>(*found) : std::nullopt;
  }
  // As a backup would leave it, which carries no one-time secrets.
  void lose(std::uint64_t n) {
    auto receipt_row = encode(kept(n));
    st.erase(space::sealed, keys::secret(home, secret(n)));
    st.put(space::state, keys::receipt(home, receipt(n)), receipt_row);
  }
  std::optional<attempts_record> attempts(std::uint64_t n) const {
    return row<attempts_record>(keys::attempts(home, secret(n)));
  }
  std::optional<std::string> sealed(std::uint64_t n) const {
    if (auto held = held_row(n)) return held->sealed;
    return st.get(space::sealed, keys::sealed_claim(home, secret(n)));
  }
  // What the guest partition holds: secrets, and bytes.
  std::pair<std::uint64_t, std::uint64_t> counts() const {
    const auto part = row<partition_record>(keys::partition(home)).value();
    return {part.secrets, part.sealed_bytes};
  }
  std::size_t sealed_rows() const {
    std::size_t n = 0;
    for (const auto& [key, value] : st.of(space::sealed))
      if (key.starts_with(home.value().view()) && key[16] != 'D' && key[16] != 'P') ++n;
    return n;
  }

  std::vector<due> due_now() const {
    std::vector<due> out;
    for (const auto& d : dues(st, time_min, now, 1'000))
      if (d.workspace == home) out.push_back(d.what);
    return out;
  }
  void sweep_now() { made(as_system(), sweep{due_now()}); }
};

}  // namespace nacre::model::testing
