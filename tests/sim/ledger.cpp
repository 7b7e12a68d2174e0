#include "tests/sim/ledger.hpp"

#include <algorithm>

#include "cluster/raft/log_store.hpp"
#include "model/keys.hpp"
#include "model/records.hpp"
#include "tests/sim/clients.hpp"
#include "tests/sim/node.hpp"
#include "tests/sim/world.hpp"

namespace nacre::sim {

namespace {

using model::space;
using kind = storage::write::kind;

// Rows of log_store.hpp: group(4), what, epoch(8), and of an entry index(8).
constexpr std::size_t entry_key_bytes = 21;
constexpr std::size_t what_at = 4;
std::string row_key(std::string_view group, char what, std::uint64_t epoch) {
  return model::writer{}.raw(group).u8(static_cast<std::uint8_t>(what)).u64(epoch).take();
}
std::string entry_key(std::string_view group, std::uint64_t epoch, std::uint64_t index) {
  return row_key(group, 'E', epoch) + model::writer{}.u64(index).take();
}

std::optional<std::uint64_t> term_at(const disk& on, std::string_view group, std::uint64_t epoch, std::uint64_t index) {
  const auto& rows = on.in(space::log);
  if (auto at = rows.find(entry_key(group, epoch, index)); at != rows.end()) {
    model::reader r(at->second);
    r.u8();
    return r.u64();
  }
  if (auto at = rows.find(row_key(group, 'M', epoch)); at != rows.end()) {
    model::reader r(at->second);
    r.u8();
    if (r.u64() == index) return r.u64();
  }
  return std::nullopt;
}

// Of an entry of the audit log, which is canonical JSON.
std::string field(std::string_view entry, std::string_view name) {
  const auto label = "\"" + std::string(name) + "\":\"";
  const auto from = entry.find(label);
  if (from == std::string_view::npos) return {};
  const auto text = entry.substr(from + label.size());
  return std::string(text.substr(0, text.find('"')));
}

}  // namespace

void ledger::fail(const node& n, const std::string& what) { w_.fail("node " + std::to_string(n.id) + " " + what); }

void ledger::saw_batch(const node& n, const storage::batch& rows) {
  const auto fetches = raft::state_installer::unfinished_row(w_.group.of.group).key;  // then the old state goes
  const storage::write* applied = nullptr;
  for (const auto& row : rows) {
    if (row.what == kind::erase && row.in == space::sealed && !n.disk.in(space::log).contains(fetches)) {
      const auto kept = kept_.find(row.key);
      if (kept != kept_.end() && !holds_receipt(n.disk, kept->second))
        fail(n, "loses acknowledged secret " + std::to_string(kept->second));
    }
    if (row.what != kind::put) continue;
    if (row.in == space::log && row.key.size() == entry_key_bytes && row.key[what_at] == 'E')
      saw_log_row(n, row.key, row.value);
    if (row.in == space::audit) saw_act(n, row.key, row.value);
    if (row.in == space::meta && row.key.starts_with("log.applied/")) applied = &row;
  }
  if (applied != nullptr) saw_applied(n, applied->value);
}

void ledger::saw_log_row(const node& n, std::string_view key, std::string_view value) {
  const auto group = key.substr(0, what_at);
  model::reader k(key.substr(what_at + 1)), v(value);
  const auto epoch = k.u64(), index = k.u64();
  v.u8();
  const auto term = v.u64();
  const auto before = term_at(n.disk, group, epoch, index - 1);
  if (!before) return fail(n, "writes entry " + std::to_string(index) + " behind a hole");
  if (*before > term) return fail(n, "writes entry " + std::to_string(index) + " behind one of a later term");
  const entry written{std::string(value), *before};
  auto [at, fresh] = entries_.try_emplace(place{epoch, index, term}, written);
  if (!fresh && at->second != written)
    fail(n, "writes another entry, or behind another one, at " + std::to_string(index) + " of term " +
                std::to_string(term) + " than a node before it");
}

void ledger::saw_act(const node& n, const std::string& key, const std::string& value) {
  const auto seq = model::reader(std::string_view(key).substr(sizeof(uuid))).u64();
  if (seq > 1 && !n.disk.in(space::audit).contains(model::keys::audit(home, seq - 1)))
    return fail(n, "leaves a gap in the audit log before " + std::to_string(seq));
  auto [at, fresh] = acts_.try_emplace(key, value);
  if (at->second != value) return fail(n, "tells of another act at " + std::to_string(seq) + " than a node before it");
  if (!fresh) return;
  const auto row = model::decode<model::audit_row>(value);
  if (!row) return fail(n, "writes an act that does not decode");
  const auto request = field(row->entry, "request");
  requests_.insert(request);
  if (refused_.contains(request)) return fail(n, "tells of the act of a request that was refused");
  const auto action = field(row->entry, "action");
  if (field(row->entry, "outcome") != "granted") return;
  const auto most = action == "secret.reveal" ? 1 : action == "pat.reveal" ? budget_per_pat : 0;
  if (most != 0 && ++revealed_[field(row->entry, "object")] > most) fail(n, "reveals once too often: " + action);
}

void ledger::saw_applied(const node& n, std::string_view value) {
  model::reader r(value);
  r.u8();
  const auto end = w_.promises.end_of(r.u64());
  const auto index = r.u64();
  if (end != 0 && index > end) return fail(n, "applies what lies behind the end of an epoch, " + std::to_string(end));
  auto [at, fresh] = states_.try_emplace(index, n.disk.state_sum());
  if (!fresh && at->second != n.disk.state_sum())
    fail(n, "holds another state at " + std::to_string(index) + " than a node before it");
}

void ledger::saw_first_commit(const node& by, raft::instance of, const raft::committed_entry& e) {
  const auto group = model::writer{}.u32(of.group).take();
  const auto& members = by.replica->members();
  const auto holds = [&](const raft::member& m) {
    const auto& n = w_.of(m.node);
    if (n.lost || term_at(n.disk, group, of.epoch, e.index) == e.term) return true;
    // Or what it came to: its log was cut behind it, or its epoch is over.
    const auto& meta = n.disk.in(space::meta);
    const auto applied = meta.find(model::writer{}.raw("log.applied/").raw(group).take());
    if (applied == meta.end()) return false;
    model::reader r(applied->second);
    r.u8();
    r.u64();
    return r.u64() >= e.index;
  };
  if (2 * static_cast<std::size_t>(std::count_if(members.begin(), members.end(), holds)) <= members.size())
    fail(by, "takes for committed what no majority holds: " + std::to_string(e.index));
}

void ledger::must_keep(std::uint64_t secret) { kept_.emplace(model::keys::secret(home, secret_no(secret)), secret); }

void ledger::must_not_act(std::uint64_t request) {
  const std::string id(text_of(testing::request_no(request)));
  refused_.insert(id);
  if (requests_.contains(id)) w_.fail("a request was refused and has acted");
}

}  // namespace nacre::sim
