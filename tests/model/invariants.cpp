#include "tests/model/invariants.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/records.hpp"
#include "model/webhook_records.hpp"
#include "model/wire.hpp"
#include "tests/model/invariants_secrets.hpp"

namespace nacre::model::testing {

namespace {

hash naive_root_of(const std::vector<hash>& leaves, std::size_t from, std::size_t count) {
  if (count == 1) return leaves[from];
  std::size_t k = 1;
  while (k * 2 < count) k *= 2;
  return node_hash(naive_root_of(leaves, from, k), naive_root_of(leaves, from + k, count - k));
}

using table = std::map<std::string, std::string, std::less<>>;
using sorted = std::set<std::string>;

std::string_view view_of(const hash& h) { return {reinterpret_cast<const char*>(h.data()), h.size()}; }

struct recount {
  const map_state& st;
  workspace_id ws;
  std::uint32_t owners = 0, members = 0, projects = 0, service_users = 0;
  std::uint64_t live_pats = 0;
  std::map<user_id, std::uint32_t> live_of;
  std::set<user_id> holders;  // of tokens of other families
  sorted lists, index, sealed, project_keys, secrets, numbers;

  std::string rest_of(std::string_view key) const { return std::string(key.substr(17)); }

  template <class Record, class Each>
  std::string each(char kind, Each each_row) const {
    auto prefix = keys::all(ws, kind);
    const table& rows = st.of(space::state);
    for (auto it = rows.lower_bound(prefix); it != rows.end() && it->first.starts_with(prefix); ++it) {
      auto id = uuid_from_bytes(rest_of(it->first));
      auto record = decode<Record>(it->second);
      if (!id || !record) return std::string("an undecodable row of kind ") + kind;
      if (auto wrong = each_row(*id, *record); !wrong.empty()) return wrong;
    }
    return {};
  }

  // Tokens a rotation ended keep their index rows: as many as there were rotations.
  std::string retired_tokens() const {
    std::map<pat_id, std::uint32_t> there;
    for (const auto& [key, value] : st.of(space::index)) {
      if (!key.starts_with('t') && !key.starts_with('x')) continue;
      reader r(value);
      if (r.id_as<workspace_id>() != ws) continue;
      auto pat = r.id_as<pat_id>();
      if (!r.finished()) return "an undecodable index row of a token";
      ++there[pat];
    }
    return each<pat_record>('P', [&](uuid id, const pat_record& p) -> std::string {
      return there[pat_id{id}] == p.rotations + 1 ? "" : "not one index row for each token a PAT ever had";
    });
  }

  std::string pats(const workspace_record& w) {
    std::set<std::uint64_t> seqs;
    auto wrong = retired_tokens();
    if (!wrong.empty()) return wrong;
    return each<pat_record>('P', [&](uuid id, const pat_record& p) -> std::string {
      std::string lookup(view_of(p.lookup));
      index.insert(p.imported ? keys::imported_token(lookup) : keys::token(lookup));
      if (!seqs.insert(p.seq).second || p.seq == 0 || p.seq > w.pat_seq) return "a PAT whose number is not its own";
      if (!p.only.uses_max && p.uses != 0) return "uses of a PAT that counts none";
      if (p.previous) {
        if (p.rotations == 0 || p.revoked) return "an outgoing token without a rotation, or of a revoked PAT";
        if (p.previous->lookup == p.lookup) return "an outgoing token that is the current one";
        auto row = st.get(space::index, keys::token(view_of(p.previous->lookup)));
        if (!row) row = st.get(space::index, keys::imported_token(view_of(p.previous->lookup)));
        if (row != writer{}.id(ws).id(id).take()) return "an outgoing token that cannot be found";
      }
      if (p.family == token_family::alephant && (!p.permissions.empty() || !p.projects.empty()))
        return "an Alephant PAT with permissions";
      if (p.revoked) return p.has_ciphertext() ? "a revoked PAT with ciphertext" : "";
      if (p.family != token_family::alephant) {
        holders.insert(p.owner);
        lists.insert(keys::family_pat(ws, p.owner, p.family, p.seq));
        if (st.get(space::state, keys::family_pat(ws, p.owner, p.family, p.seq)) != std::string(id.view()))
          return "a list row that names another token";
        return p.imported || p.has_ciphertext() ? "ciphertext of a token that is never revealed" : "";
      }
      ++live_pats;
      ++live_of[p.owner];
      lists.insert(keys::live_pat(ws, p.created, p.seq));
      lists.insert(keys::owned_pat(ws, p.owner, p.created, p.seq));
      if (p.imported == p.has_ciphertext()) return "ciphertext of an imported PAT, or none of another";
      if (p.has_ciphertext()) sealed.insert(keys::sealed_pat(ws, pat_id{id}));
      return {};
    });
  }

  std::string people(const workspace_record& w) {
    return each<member_record>('M', [&](uuid id, const member_record& m) -> std::string {
      user_id user{id};
      if (m.live_pats != live_of[user]) return "a member's live_pats is not their count";
      if (m.dead_pats > w.pat_seq) return "a member's dead_pats is beyond the last PAT";
      if (st.get(space::state, keys::service_user(ws, user))) return "a member who is a service user";
      live_of.erase(user);
      holders.erase(user);
      if (auto wrong = numbered(user, m.number); !wrong.empty()) return wrong;
      if (m.removed) return {};
      ++members;
      if (m.role == role::owner) ++owners;
      if (!w.deleted) index.insert(keys::user_workspace(user, ws));
      return {};
    });
  }

  std::string numbered(user_id user, std::uint64_t number) {
    auto key = keys::numbered_user(ws, number);
    if (number == 0) return {};  // older than numbers
    numbers.insert(key);
    return st.get(space::state, key) == std::string(user.value().view()) ? "" : "a number that is another user's";
  }

  std::string others() {
    auto wrong = each<service_user_record>('S', [&](uuid id, const service_user_record& s) {
      if (!s.removed) ++service_users;
      holders.erase(user_id{id});
      return numbered(user_id{id}, s.number);
    });
    if (!wrong.empty()) return wrong;
    return each<project_record>('J', [&](uuid id, const project_record& p) -> std::string {
      ++projects;
      auto row = st.get(space::state, keys::project_key(ws, p.key));
      project_keys.insert(keys::project_key(ws, p.key));
      return row == std::string(id.view()) ? "" : "a project's key names another project";
    });
  }

  sorted rows_of(space in, char kind) const {
    auto prefix = keys::all(ws, kind);
    sorted out;
    for (auto it = st.of(in).lower_bound(prefix); it != st.of(in).end() && it->first.starts_with(prefix); ++it)
      out.insert(it->first);
    return out;
  }

  std::string webhooks() {
    auto stored = st.get(space::state, keys::webhooks(ws));
    auto list = stored ? decode<webhook_list>(*stored) : webhook_list{};
    if (!list || (stored && list->items.empty())) return "a list of webhooks that is undecodable or empty";
    sorted lines;
    auto wrong = each<webhook_record>('W', [&](uuid id, const webhook_record& hook) -> std::string {
      webhook_id at{id};
      auto listed = std::find_if(list->items.begin(), list->items.end(), [&](const auto& i) { return i.id == at; });
      if (listed == list->items.end() || *listed != webhook_list::item{at, hook.enabled, hook.events})
        return "a webhook that is not listed as it is";
      list->items.erase(listed);
      secrets.insert(keys::webhook_secret(ws, at, hook.current.version));
      if (hook.previous) secrets.insert(keys::webhook_secret(ws, at, hook.previous->which.version));
      auto bytes = st.get(space::state, keys::webhook_progress(ws, at));
      auto progress = bytes ? decode<webhook_progress>(*bytes) : std::nullopt;
      if (!progress) return "a webhook without its progress";
      auto prefix = keys::deliveries(ws, at);
      std::optional<timestamp> first;
      std::set<std::uint64_t> seqs;
      for (auto it = st.of(space::state).lower_bound(prefix);
           it != st.of(space::state).end() && it->first.starts_with(prefix); ++it) {
        reader place(std::string_view(it->first).substr(prefix.size()));
        auto due = place.ordered();
        auto seq = place.u64();
        if (!place.finished() || !decode<delivery_record>(it->second)) return "an undecodable delivery";
        if (!seqs.insert(seq).second || seq >= progress->next_seq) return "a delivery whose number is not its own";
        if (!first) first = due;
        lines.insert(it->first);
      }
      if (progress->waiting != seqs.size()) return "a webhook's waiting is not their count";
      if (seqs.size() > limits::webhook_waiting_max) return "more deliveries than may wait";
      if (!hook.enabled) first.reset();
      if (progress->due != first) return "a webhook's due is not that of its first delivery";
      if (first) index.insert(keys::due_webhook(*first, ws, at));
      return {};
    });
    if (!wrong.empty()) return wrong;
    if (!list->items.empty()) return "a listed webhook without its record";
    return rows_of(space::state, 'Q') == lines ? "" : "deliveries of no webhook";
  }

  std::string check(const workspace_record& w) {
    for (auto wrong : {pats(w), people(w), others(), webhooks()})
      if (!wrong.empty()) return wrong;
    if (!live_of.empty()) return "a PAT whose owner has no member row";
    if (!holders.empty()) return "a token whose owner is neither member nor service user";
    if (rows_of(space::state, 'V') != numbers) return "number rows are not those of members and service users";
    if (w.user_seq != numbers.size()) return "user_seq is not how many numbers there are";
    if (w.owners != owners || w.members != members) return "owners or members is not their count";
    if (w.projects != projects || w.service_users != service_users) return "projects or service_users miscounted";
    if (w.live_pats != live_pats) return "live_pats is not their count";
    auto listed = rows_of(space::state, 'L');
    listed.merge(rows_of(space::state, 'O'));
    listed.merge(rows_of(space::state, 'U'));
    if (listed != lists) return "list rows are not those of the live PATs";
    if (rows_of(space::sealed, 'P') != sealed) return "sealed rows are not those of the live PATs";
    if (rows_of(space::sealed, 'W') != secrets) return "sealed secrets are not those of the webhooks";
    if (rows_of(space::state, 'K') != project_keys) return "project key rows are not those of the projects";
    if (rows_of(space::sealed, 'D').size() != (w.deleted ? 0 : w.data_key_version)) return "data keys are not as many";
    return {};
  }
};

std::string audit_wrong(const map_state& st, workspace_id ws, const audit_head& head) {
  std::string prefix(ws.value().view());
  const table& rows = st.of(space::audit);
  std::vector<hash> leaves;
  for (auto it = rows.lower_bound(prefix); it != rows.end() && it->first.starts_with(prefix); ++it) {
    if (it->first != keys::audit(ws, leaves.size() + 1)) return "a gap in the audit log";
    auto row = decode<audit_row>(it->second);
    if (!row || row->leaf != leaf_hash(row->entry)) return "an audit leaf that is not its entry's hash";
    if (row->entry.find("\"seq\":" + std::to_string(leaves.size() + 1) + ",") == std::string::npos)
      return "an audit entry that names another sequence number";
    leaves.push_back(row->leaf);
  }
  if (head.size != leaves.size()) return "the audit head's size is not the log's";
  if (root(head) != naive_root(leaves)) return "the audit head's root is not the log's";
  return {};
}

// A row of a token that a rotation ended; counted with its PAT (retired_tokens).
bool is_retired(const map_state& st, std::string_view key, std::string_view value) {
  if (!key.starts_with('t') && !key.starts_with('x')) return false;
  reader r(value);
  auto ws = r.id_as<workspace_id>();
  auto pat = r.id_as<pat_id>();
  auto row = st.get(space::state, keys::pat(ws, pat));
  auto record = row ? decode<pat_record>(*row) : std::nullopt;
  return record && record->rotations > 0 && key.substr(1) != view_of(record->lookup);
}

}  // namespace

hash naive_root(const std::vector<hash>& leaves) {
  if (leaves.empty()) return root(audit_head{});
  return naive_root_of(leaves, 0, leaves.size());
}

std::string broken(const map_state& st) {
  std::set<workspace_id> workspaces, logs, everywhere;
  for (auto in : {space::state, space::sealed})
    for (const auto& [key, value] : st.of(in)) {
      workspace_id ws{*uuid_from_bytes(std::string_view(key).substr(0, 16))};
      everywhere.insert(ws);
      if (in == space::state && key.size() == 16) workspaces.insert(ws);
      const bool has_log = is_guest_partition(ws) ? key == keys::partition(ws) : key == keys::audit_head(ws);
      if (in == space::state && has_log) logs.insert(ws);
      if (in == space::state && is_guest_partition(ws) && key == keys::audit_head(ws))
        return "a guest partition's audit head in a row of its own";
    }
  sorted index, dues;
  for (auto ws : everywhere)
    if (auto wrong = secrets_wrong(st, ws, index, dues); !wrong.empty()) return wrong;
  if (auto wrong = dues_wrong(st, dues); !wrong.empty()) return wrong;
  std::size_t audited = 0;
  for (auto ws : workspaces) {
    auto record = decode<workspace_record>(*st.get(space::state, keys::workspace(ws)));
    if (!record) return "an undecodable workspace";
    if (!logs.contains(ws)) return "a workspace without an audit log";
    recount count{st, ws, 0, 0, 0, 0, 0, {}, {}, {}, {}, {}, {}, {}, {}};
    if (auto wrong = count.check(*record); !wrong.empty()) return wrong;
    index.merge(count.index);
  }
  for (auto ws : logs) {
    auto head = load_audit_head(st, ws);
    if (!st.trustworthy()) return "an undecodable audit head";
    if (auto wrong = audit_wrong(st, ws, head); !wrong.empty()) return wrong;
    audited += head.size;
  }
  if (audited != st.of(space::audit).size()) return "audit rows without a head";
  sorted there;
  for (const auto& [key, value] : st.of(space::index))
    if (!key.starts_with('e') && !is_retired(st, key, value)) there.insert(key);
  return there == index ? "" : "index rows are not those of the members, PATs and receipts";
}

}  // namespace nacre::model::testing
