#pragma once
// Webhooks: owners and admins name URLs of their own which are told what happens in the workspace.
//
// An event becomes one waiting delivery per webhook that wants it, in the same batch as the act it tells
// of: what was acknowledged is told at least once, what was not is never told. A delivery leaves the line
// only by a settle_deliveries command, so after a crash it may be sent again, under the same id.
// Waiting deliveries are bounded per webhook (limits::webhook_waiting_max); beyond, the oldest are dropped
// and counted. A webhook that is off gets nothing new and keeps what waits.
// A body holds ids and fixed words: never a token, secret, identifier, passphrase, name or address.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/apply.hpp"
#include "model/commands.hpp"
#include "model/queries.hpp"
#include "model/view.hpp"
#include "model/webhook_records.hpp"

namespace nacre::model {

// ---- for rules ---------------------------------------------------------------------------------------

struct event {
  event_type type = event_type::ping;
  std::string_view object = {};  // what it is about: the id of a PAT, the short id of a secret
  std::uint32_t days = 0;        // pat_expiring: how many are left
};
// To be called by a rule for each thing it has done in ctx.workspace; the actor told of is ctx.who. Without
// webhooks it costs one read of a row that is not there.
void emit(state& st, const context& ctx, const event& what);

// What apply() does for each operation. Those of people are for owners and admins.
outcome apply_webhook(state& st, const context& ctx, const create_webhook& op);
outcome apply_webhook(state& st, const context& ctx, const change_webhook& op);
outcome apply_webhook(state& st, const context& ctx, const delete_webhook& op);
outcome apply_webhook(state& st, const context& ctx, const ping_webhook& op);
outcome apply_webhook(state& st, const context& ctx, const settle_deliveries& op);
// All of them, with what waits for them: for the end of a workspace.
void forget_webhooks(state& st, workspace_id ws);

// ---- for the wire ------------------------------------------------------------------------------------

// Owners and admins only; in order of creation.
result<webhook_entry> get_webhook(const view& v, const context& ctx, webhook_id id);
result<listed<webhook_entry>> list_webhooks(const view& v, const context& ctx, page at);

// ---- for who delivers --------------------------------------------------------------------------------

struct due_webhook {
  timestamp due;
  workspace_id workspace;
  webhook_id id;
};
// Every enabled webhook for which something waits, by when its first delivery is due, until `visit`
// answers false.
void each_due_webhook(const view& v, const std::function<bool(const due_webhook&)>& visit);

struct waiting_delivery {
  timestamp due;
  std::uint64_t seq = 0;
  delivery_record record;
};
// The first ones due by then.
std::vector<waiting_delivery> due_deliveries(const view& v, workspace_id ws, webhook_id id, timestamp until,
                                             std::size_t at_most);
std::optional<webhook_record> find_webhook(const view& v, workspace_id ws, webhook_id id);
std::uint32_t waiting_for(const view& v, workspace_id ws, webhook_id id);

// The JSON that is sent and signed: the same bytes at every attempt.
std::string body_of(workspace_id ws, const delivery_record& d);

// How long after the attempt with this number (from 1) failed the next one is due: 5 s, 30 s, 2 min,
// 10 min, 1 h, 6 h, 24 h, each up to a fifth more or less as `dice` falls. Nothing: give up.
std::optional<std::int64_t> retry_after_ms(std::uint32_t attempts, std::uint32_t dice);

}  // namespace nacre::model
