#include <algorithm>
#include <cstdlib>

#include "model/audit.hpp"
#include "model/keys.hpp"
#include "model/load.hpp"
#include "model/secret_rules.hpp"
#include "model/webhooks.hpp"

namespace nacre::model {

std::optional<held_secret> load_secret(const view& v, workspace_id ws, secret_id id) {
  return load<held_secret>(v, space::sealed, keys::secret(ws, id));
}

std::optional<found_receipt> look_up_receipt(const view& v, workspace_id ws, receipt_id id) {
  auto held = load_secret(v, ws, namesake(id));
  if (held && held->receipt) {
    auto record = receipt_of(namesake(id), held->record, *held->receipt);
    return found_receipt{std::move(record), std::move(held)};
  }
  auto record = load<receipt_record>(v, space::state, keys::receipt(ws, id));
  if (!record) return std::nullopt;
  held = record->secret == namesake(id) ? std::nullopt : load_secret(v, ws, record->secret);
  return found_receipt{std::move(*record), std::move(held)};
}

std::optional<receipt_record> load_receipt(const view& v, workspace_id ws, receipt_id id) {
  auto found = look_up_receipt(v, ws, id);
  if (!found) return std::nullopt;
  return std::move(found->record);
}

namespace {

void mark_updated(state& st, workspace_id ws, receipt_id id, receipt_record& r, timestamp updated) {
  if (!r.owner.value().is_nil()) {
    st.erase(space::state, keys::owned_receipt(ws, r.owner, r.updated, id));
    st.put(space::state, keys::owned_receipt(ws, r.owner, updated, id), "");
  }
  r.updated = updated;
}

struct ending {
  std::string_view action;
  event_type told;
};
ending ending_of(receipt_end how) {
  switch (how) {
    case receipt_end::revealed:
      return {"secret.reveal", event_type::secret_revealed};
    case receipt_end::burned:
      return {"secret.burn", event_type::secret_burned};
    case receipt_end::expired:
      return {"secret.expire", event_type::secret_expired};
    case receipt_end::open:
      break;
  }
  std::abort();  // that is no end
}

}  // namespace

void save_receipt(state& st, workspace_id ws, receipt_id id, found_receipt& r, timestamp updated) {
  mark_updated(st, ws, id, r.record, updated);
  if (r.record.end != receipt_end::open || !r.held || !r.held->receipt)
    return st.put(space::state, keys::receipt(ws, id), encode(r.record));
  r.held->receipt = kept_of(r.record);
  st.put(space::sealed, keys::secret(ws, r.record.secret), encode(*r.held));
}

void end_secret(state& st, const context& ctx, secret_id id, const held_secret& held, receipt_end how, timestamp when,
                std::string_view reason, std::optional<request_id> revealed_by) {
  auto ws = ctx.workspace;
  const auto& secret = held.record;
  st.erase(space::sealed, keys::secret(ws, id));
  if (secret.has_passphrase) st.erase(space::state, keys::attempts(ws, id));  // others have no attempts
  if (secret.kind == secret_kind::generate) st.erase(space::sealed, keys::sealed_generated(ws, secret.receipt));
  const bool guest = is_guest_partition(ws);
  std::optional<partition_record> part;
  if (guest) {
    part = load_partition(st, ws);
    part->secrets -= std::min<std::uint64_t>(part->secrets, 1);
    part->sealed_bytes -= std::min(part->sealed_bytes, secret.sealed_bytes);
  }
  const auto [action, told] = ending_of(how);
  put_on_record(st, ctx, action, id.value(), reason, std::move(part));
  if (!guest) emit(st, ctx, {told, shortid(id.value())});
  auto receipt = held.receipt ? std::optional(receipt_of(id, secret, *held.receipt))
                              : load<receipt_record>(st, space::state, keys::receipt(ws, secret.receipt));
  if (!receipt) return;
  receipt->end = how;
  receipt->ended = when;
  receipt->revealed_by = revealed_by;
  mark_updated(st, ws, secret.receipt, *receipt, std::max(receipt->updated, when));
  st.put(space::state, keys::receipt(ws, secret.receipt), encode(*receipt));
}

void close_claim(state& st, workspace_id ws, secret_id id, claim_record& claim) {
  claim.confirmed = true;
  st.put(space::state, keys::claim(ws, id), encode(claim));
  st.erase(space::sealed, keys::sealed_claim(ws, id));
  if (claim.secret.has_passphrase) st.erase(space::state, keys::attempts(ws, id));
}

}  // namespace nacre::model
