#include "tests/model/invariants_secrets.hpp"

#include <algorithm>
#include <map>

#include "model/asks.hpp"
#include "model/keys.hpp"
#include "model/load.hpp"
#include "model/secret_records.hpp"

namespace nacre::model::testing {

namespace {

using sorted = std::set<std::string>;

template <class Id, class Record>
using kept = std::map<Id, Record>;

// Everything of one kind in a workspace; false: a row is not what it should be.
template <class Id, class Record>
bool collect(const map_state& st, workspace_id ws, char kind, kept<Id, Record>& out, space in = space::state) {
  auto prefix = keys::all(ws, kind);
  const auto& rows = st.of(in);
  for (auto it = rows.lower_bound(prefix); it != rows.end() && it->first.starts_with(prefix); ++it) {
    auto id = uuid_from_bytes(std::string_view(it->first).substr(prefix.size()));
    auto record = decode<Record>(it->second);
    if (!id || !record) return false;
    out.emplace(Id{*id}, std::move(*record));
  }
  return true;
}

sorted rows_of(const map_state& st, space in, workspace_id ws, char kind) {
  auto prefix = keys::all(ws, kind);
  sorted out;
  const auto& rows = st.of(in);
  for (auto it = rows.lower_bound(prefix); it != rows.end() && it->first.starts_with(prefix); ++it)
    out.insert(it->first);
  return out;
}

bool within(const sorted& part, const sorted& whole) {
  return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

struct secrets_count {
  const map_state& st;
  workspace_id ws;
  sorted& index;
  sorted& dues;
  bool guest = is_guest_partition(ws);
  kept<secret_id, held_secret> secrets = {};
  kept<receipt_id, receipt_record> receipts = {};
  kept<secret_id, claim_record> claims = {};
  kept<secret_id, attempts_record> attempts = {};
  kept<uuid, pat_claim_record> pat_claims = {};
  kept<ask_id, ask_record> asks = {};
  sorted answers = {};
  std::uint64_t answers_held = 0;
  sorted claimed = {}, may_have_generated = {}, may_have_receipt = {}, owned = {};
  std::uint64_t bytes = 0;

  std::size_t size_of(const std::string& key) const { return st.get(space::sealed, key).value_or("").size(); }
  bool due_is_there(timestamp at, due_kind kind, const uuid& id) const {
    return st.get(space::index, keys::due_at(at, ws, kind, id)).has_value();
  }

  std::string one(secret_id id, const held_secret& held) {
    const auto& s = held.record;
    auto it = receipts.find(s.receipt);
    if (it == receipts.end()) return "a secret without a receipt";
    if (held.receipt.has_value() != (s.receipt.value() == id.value()))
      return "a receipt with its secret's name lies elsewhere, or another one with it";
    const auto& r = it->second;
    if (r.secret != id || r.created != s.created || r.lifespan_s != s.lifespan_s || r.kind != s.kind ||
        r.owner != s.owner || r.has_passphrase != s.has_passphrase || r.data_key_version != s.data_key_version)
      return "a secret and its receipt differ in what they have in common";
    if (r.end != receipt_end::open) return "a receipt has ended while its secret is there";
    if (r.secret_previewed != s.previewed) return "a secret and its receipt differ in whether it was previewed";
    if (guest != s.owner.value().is_nil()) return "a guest's secret with an owner, or another without";
    if (claims.contains(id)) return "a secret was claimed and is still there";
    if (size_of(keys::sealed_generated(ws, s.receipt)) > 0) {
      may_have_generated.insert(keys::sealed_generated(ws, s.receipt));
      if (!due_is_there(kept_after(s.created, limits::generated_shown_ms), due_kind::generated, s.receipt.value()))
        return "a generated value that nobody will shred";
    }
    auto takes = held.sealed.size() + held.sealed_link.size() + size_of(keys::sealed_generated(ws, s.receipt));
    if (guest ? s.sealed_bytes < takes : s.sealed_bytes != 0) return "a secret that takes more room than it counts";
    bytes += s.sealed_bytes;
    return {};
  }

  std::string one(receipt_id id, const receipt_record& r) {
    if ((r.end == receipt_end::open) == r.ended.has_value()) return "a receipt with a wrong end";
    auto its = secrets.find(r.secret);
    bool there = its != secrets.end() && its->second.record.receipt == id;
    if ((r.end == receipt_end::open) != there) return "a receipt does not know how its secret ended";
    if (guest != r.owner.value().is_nil()) return "a guest's receipt with an owner, or another without";
    if (!guest || r.secret.value() != id.value()) {
      index.insert(keys::one_time(id.value()));
      if (st.get(space::index, keys::one_time(id.value())) != std::string(ws.value().view()))
        return "a receipt's index row names another workspace";
    }
    // One of the two: the second comes when the first is handled.
    bool first = due_is_there(r.secret_expires(), due_kind::secret, id.value());
    dues.insert(first ? keys::due_at(r.secret_expires(), ws, due_kind::secret, id.value())
                      : keys::due_at(r.expires(), ws, due_kind::receipt, id.value()));
    if (!first && r.end == receipt_end::open) return "a secret that will never expire";
    if (guest) return {};
    index.insert(keys::one_time(r.secret.value()));
    owned.insert(keys::owned_receipt(ws, r.owner, r.updated, id));
    may_have_receipt.insert(keys::sealed_receipt(ws, id));
    return {};
  }

  std::string one(secret_id id, const claim_record& c) {
    auto it = receipts.find(c.secret.receipt);
    if (it == receipts.end() || it->second.secret != id || it->second.end != receipt_end::revealed)
      return "a claim of what was not revealed";
    if (c.forgotten != it->second.expires() || c.until > c.forgotten) return "a claim that outlives its receipt";
    if (c.confirmed) return {};
    claimed.insert(keys::sealed_claim(ws, id));
    dues.insert(keys::due_at(c.until, ws, due_kind::claim, id.value()));
    return {};
  }

  std::string one(secret_id id, const attempts_record& a) {
    auto claim = claims.find(id);
    if (!secrets.contains(id) && (claim == claims.end() || claim->second.confirmed))
      return "attempts at what is not there";
    if (a.secret.attempts > limits::attempts_per_secret_max || a.lifetime > limits::attempts_per_life_max)
      return "more attempts than are allowed";
    if (a.secret.locked_until.has_value() != (a.secret.attempts == limits::attempts_per_secret_max))
      return "a lock without its attempts, or the other way round";
    sorted prefixes;
    for (const auto& c : a.clients) {
      if (!prefixes.insert(c.prefix).second) return "a client that is counted twice";
      if (c.count.attempts == 0 || c.count.attempts > limits::attempts_per_client_max) return "a client miscounted";
      if (c.count.locked_until.has_value() != (c.count.attempts == limits::attempts_per_client_max))
        return "a client's lock without its attempts, or the other way round";
    }
    return {};
  }

  std::string one(const uuid& id, const pat_claim_record& c) {
    dues.insert(keys::due_at(c.until, ws, due_kind::pat_claim, id));
    return std::equal(id.bytes.begin(), id.bytes.end(), c.key.begin()) ? "" : "a PAT claim under a foreign key";
  }

  std::string one(ask_id id, const ask_record& a) {
    if (guest != a.owner.value().is_nil()) return "a guest's request with an owner, or another without";
    bool over = a.state != ask_state::open && a.state != ask_state::answered;
    if (over != a.ended.has_value()) return "a request with a wrong end";
    if (a.state == ask_state::open && (a.answered || a.answer_key)) return "an open request with an answer";
    bool needs_one = a.state == ask_state::answered || a.state == ask_state::picked_up;
    if (needs_one && !a.answered) return "an answer that nobody gave";
    if (guest) bytes += limits::guest_ask_bytes;
    if (a.retry_until && (a.state != ask_state::picked_up || !a.retry)) return "a retry of what was not picked up";
    if (!guest && a.sealed_bytes != 0) return "a workspace's answer counts as a guest's";
    if (a.state == ask_state::answered || a.retry_until) answers.insert(keys::sealed_answer(ws, id));
    if (a.state == ask_state::answered) {
      ++answers_held;
      bytes += a.sealed_bytes;
      if (guest && a.sealed_bytes < size_of(keys::sealed_answer(ws, id))) return "an answer takes more than it counts";
      dues.insert(keys::due_at(*a.pickable_until(), ws, due_kind::ask, id.value()));
    }
    if (a.state == ask_state::open) dues.insert(keys::due_at(a.answerable_until(), ws, due_kind::ask, id.value()));
    if (a.retry_until) dues.insert(keys::due_at(*a.retry_until, ws, due_kind::ask, id.value()));
    dues.insert(keys::due_at(a.forgotten(), ws, due_kind::ask, id.value()));
    if (!guest) index.insert(keys::one_time(id.value()));
    return {};
  }

  template <class Rows>
  std::string all(const Rows& rows) {
    for (const auto& [id, record] : rows)
      if (auto wrong = one(id, record); !wrong.empty()) return wrong;
    return {};
  }

  std::string check() {
    if (!collect(st, ws, 'X', secrets, space::sealed) || !collect(st, ws, 'Y', receipts) ||
        !collect(st, ws, 'C', claims) || !collect(st, ws, 'F', attempts) || !collect(st, ws, 'I', pat_claims) ||
        !collect(st, ws, 'E', asks))
      return "an undecodable row of one-time secrets";
    for (const auto& [id, held] : secrets)
      if (held.receipt && !receipts.emplace(held.record.receipt, receipt_of(id, held.record, *held.receipt)).second)
        return "a receipt that lies in two places";
    for (auto wrong : {all(secrets), all(receipts), all(claims), all(attempts), all(pat_claims), all(asks)})
      if (!wrong.empty()) return wrong;
    if (rows_of(st, space::sealed, ws, 'C') != claimed) return "sealed rows are not those of claims";
    if (rows_of(st, space::sealed, ws, 'E') != answers) return "sealed answers are not those that can be fetched";
    if (!within(rows_of(st, space::sealed, ws, 'G'), may_have_generated)) return "a generated value without its secret";
    if (!within(rows_of(st, space::sealed, ws, 'I'), may_have_receipt)) return "a receipt's link without the receipt";
    if (rows_of(st, space::state, ws, 'Z') != owned)
      return "the rows of receipts by owner are not those of the receipts";
    auto part = load<partition_record>(st, space::state, keys::partition(ws));
    if (!guest) return part ? "a workspace that counts as a guest partition" : "";
    const auto counted = part.value_or(partition_record{});
    if (counted.secrets != secrets.size() + answers_held || counted.sealed_bytes != bytes)
      return "a guest partition's counts are not those of its secrets";
    return {};
  }
};

}  // namespace

std::string secrets_wrong(const map_state& st, workspace_id ws, sorted& index, sorted& dues) {
  return secrets_count{st, ws, index, dues}.check();
}

std::string dues_wrong(const map_state& st, const sorted& expected) {
  sorted there;
  for (const auto& [key, value] : st.of(space::index)) {
    if (key.empty() || key[0] != 'e') continue;
    if (key.size() != 42) return "a due row of a wrong length";
    auto kind = static_cast<due_kind>(key[25]);
    bool may_outlive = kind == due_kind::secret || kind == due_kind::claim || kind == due_kind::generated ||
                       kind == due_kind::pat_expiring || kind == due_kind::ask;
    if (!may_outlive && !expected.contains(key)) return "something is due that is not there";
    there.insert(key);
  }
  return within(expected, there) ? "" : "something is there that will never be due";
}

std::string history_wrong(const map_state::contents& before, const map_state::contents& after) {
  auto rows = [](const map_state::contents& of, space in) -> const auto& { return of[static_cast<std::size_t>(in)]; };
  // Each row of one kind that is another one now.
  auto changed = [&](space in, char kind) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [key, value] : rows(before, in)) {
      auto it = rows(after, in).find(key);
      bool is_one = key.size() == 33 && key[16] == kind;
      if (is_one && it != rows(after, in).end() && it->second != value) out.emplace_back(value, it->second);
    }
    return out;
  };
  for (const auto& [value, then] : changed(space::sealed, 'X')) {
    auto old = decode<held_secret>(value), now = decode<held_secret>(then);
    if (!old || !now) return "an undecodable secret";
    auto& first = old->record.previewed;
    if (first && now->record.previewed != first) return "a secret was previewed first twice";
    first = now->record.previewed;
    if (old->receipt && now->receipt) {
      if (old->receipt->previewed && now->receipt->previewed != old->receipt->previewed)
        return "a receipt was previewed first twice";
      if (old->receipt->custid != now->receipt->custid || old->receipt->recipients != now->receipt->recipients)
        return "a receipt changed";
      old->receipt = now->receipt;
    }
    if (old != now) return "a secret changed";
  }
  for (const auto& [key, value] : rows(before, space::sealed)) {
    if (key.size() != 33 || key[16] != 'X' || rows(after, space::sealed).contains(key)) continue;
    auto old = decode<held_secret>(value);
    if (!old) return "an undecodable secret";
    if (!old->receipt) continue;
    secret_id id{*uuid_from_bytes(std::string_view(key).substr(17))};
    const auto& dues = rows(after, space::index);
    const bool forgotten = std::none_of(dues.begin(), dues.end(), [&](const auto& due) {
      return due.first[0] == 'e' && due.first.ends_with(id.value().view()) &&
             (due.first[25] == static_cast<char>(due_kind::secret) ||
              due.first[25] == static_cast<char>(due_kind::receipt));
    });
    workspace_id ws{*uuid_from_bytes(std::string_view(key).substr(0, 16))};
    const auto& states = rows(after, space::state);
    auto there = states.find(keys::receipt(ws, old->record.receipt));
    if (forgotten && there == states.end()) continue;
    auto left = there == states.end() ? std::nullopt : decode<receipt_record>(there->second);
    auto expected = receipt_of(id, old->record, *old->receipt);
    if (!left || left->end == receipt_end::open || left->updated < expected.updated)
      return "a secret went and left no receipt that says how";
    if (left->revealed_by && left->end != receipt_end::revealed) return "a receipt of a reveal that never was";
    expected.revealed_by = left->revealed_by;
    expected.end = left->end;
    expected.ended = left->ended;
    expected.updated = left->updated;
    if (*left != expected) return "a receipt changed when its secret ended";
  }
  for (const auto& [value, then] : changed(space::state, 'E')) {
    auto old = decode<ask_record>(value), now = decode<ask_record>(then);
    if (!old || !now) return "an undecodable request";
    if (old->ended && (now->state != old->state || now->ended != old->ended)) return "a request ended twice";
    if (old->answered && (now->answered != old->answered || now->answer_key != old->answer_key))
      return "a request was answered twice";
    if (now->pickup != old->pickup || now->owner != old->owner || now->created != old->created)
      return "a request changed";
  }
  for (const auto& [value, then] : changed(space::state, 'Y')) {
    auto old = decode<receipt_record>(value), now = decode<receipt_record>(then);
    if (!old || !now) return "an undecodable receipt";
    if (old->end != receipt_end::open &&
        (now->end != old->end || now->ended != old->ended || now->revealed_by != old->revealed_by))
      return "a receipt ended twice";
  }
  return {};
}

}  // namespace nacre::model::testing
