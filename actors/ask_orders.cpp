#include "actors/ask_orders.hpp"

#include "actors/one_time.hpp"
#include "actors/sealing.hpp"
#include "crypto/random.hpp"
#include "model/asks.hpp"
#include "model/keys.hpp"
#include "model/load.hpp"

namespace nacre::actors {

namespace {

using step = secret_progress::step;

constexpr std::uint32_t guest_key_version = 1;

void refuse(const order_ptr& o, error e) {
  answer a;
  a.outcome.refused = std::move(e);
  o->answer_with(std::move(a));
}
void refuse_unreadable(const order_ptr& o) { refuse(o, error{errc::storage_failed, "Stored state could not be read"}); }
void refuse_unknown(const order_ptr& o) { refuse(o, error{errc::not_found, "Unknown request"}); }
void refuse_broken(const order_ptr& o) { refuse(o, error{errc::corrupt, "The answer could not be decrypted"}); }

}  // namespace

bool is_about_ask(const intent& what) {
  return std::holds_alternative<give_answer>(what) || std::holds_alternative<pick_up_answer>(what);
}

void ask_orders::begin(const order_ptr& o) {
  if (const auto* given = std::get_if<give_answer>(&o->what.what)) return begin_with(o, *given);
  begin_with(o, std::get<pick_up_answer>(o->what.what));
}

void ask_orders::begin_with(const order_ptr& o, const give_answer& what) {
  auto id = ask_id_of(*in_.keys, what.link.view());
  bool guest = is_guest_partition(in_.id);
  auto view = in_.log->applied_view();
  auto ask = model::find_ask(*view, in_.id, id, o->what.ctx.now);
  std::uint32_t version = guest_key_version;
  if (!guest)
    if (auto ws = model::load<model::workspace_record>(*view, model::space::state, model::keys::workspace(in_.id)))
      version = ws->data_key_version;
  bool keyed = in_.held_key(version) || view->get(model::space::sealed, model::keys::data_key(in_.id, version));
  if (!view->trustworthy()) return refuse_unreadable(o);
  if (!ask) return refuse_unknown(o);
  if (guest && !keyed) {
    o->secret.waiting = step::partition;
    model::command c{o->what.ctx, model::open_partition{in_.keys->make_data_key(in_.id, guest_key_version)}};
    c.ctx.request = request_id{crypto::random_uuid()};
    c.ctx.who = {model::caller::kind::system, {}, {}, 0, {}, {}};
    return in_.propose(o, std::move(c));
  }
  auto key = in_.open_key(*view, version);
  if (!view->trustworthy()) return refuse_unreadable(o);
  if (!key) return refuse(o, key.error());

  model::answer_ask op;
  op.id = id;
  if (what.retry_key) op.key = answer_hash_of(*in_.keys, id, *what.retry_key, what.sealed);
  op.data_key_version = version;
  op.sealed = crypto::seal_under_link(*in_.keys, **key, answer_sealing(in_.id, id, ask_policy(*ask)), what.link.view(),
                                      nullptr, crypto::make_salt(), {}, what.sealed);
  op.partition_bytes_max = in_.partition_bytes_max();
  o->secret.waiting = step::act;
  in_.propose(o, {o->what.ctx, std::move(op)});
}

void ask_orders::begin_with(const order_ptr& o, const pick_up_answer& what) {
  auto id = ask_id_of(*in_.keys, what.link.view());
  model::pick_up_ask op;
  op.id = id;
  op.pickup = pickup_hash_of(*in_.keys, id, what.pickup.view());
  op.retry_window_ms = in_.rules->retry_window.count();
  if (what.retry_key) op.retry = retry_hash_of(*in_.keys, id, *what.retry_key);
  auto view = in_.log->applied_view();
  auto ask = model::find_ask(*view, in_.id, id, o->what.ctx.now);
  if (!view->trustworthy()) return refuse_unreadable(o);
  if (!ask || ask->pickup != op.pickup) return refuse_unknown(o);
  if (ask->state == model::ask_state::open) return refuse(o, error{errc::conflict, "Nobody has answered yet"});
  if (!model::can_pick_up(*ask, op.retry, o->what.ctx.now)) return refuse_unknown(o);
  // What there is to open is held before the pickup: once that is committed, no other read can fail. What cannot be
  // decrypted is not picked up: it stays for whoever repairs the disk.
  auto sealed = view->get(model::space::sealed, model::keys::sealed_answer(in_.id, id));
  auto key = in_.open_key(*view, ask->data_key_version);
  if (!view->trustworthy()) return refuse_unreadable(o);
  if (!sealed || !key) return refuse_broken(o);
  auto policy = ask_policy(*ask);
  auto where = answer_sealing(in_.id, id, policy);
  auto record = crypto::open_link_key(*in_.keys, **key, where, what.link.view(), nullptr, *sealed);
  if (!record || !crypto::open_with_key(*in_.keys, where, *record, *sealed)) return refuse_broken(o);
  o->secret.record_key = std::move(*record);
  o->secret.sealed = std::move(*sealed);
  o->secret.waiting = step::act;
  in_.propose(o, {o->what.ctx, std::move(op)});
}

void ask_orders::decided(const order_ptr& o, model::outcome outcome) {
  if (outcome.refused) return refuse(o, std::move(*outcome.refused));
  if (o->secret.waiting == step::partition) return begin(o);
  answer a;
  if (std::holds_alternative<pick_up_answer>(o->what.what)) {
    const auto* entry = std::get_if<model::ask_entry>(&outcome.what);
    if (!entry) return refuse_unknown(o);
    auto policy = ask_policy(entry->record);
    auto text = crypto::open_with_key(*in_.keys, answer_sealing(in_.id, entry->id, policy), o->secret.record_key,
                                      o->secret.sealed);
    if (!text) return refuse_broken(o);
    a.token = std::move(*text);
    a.revealed = true;
  }
  a.outcome = std::move(outcome);
  o->answer_with(std::move(a));
}

}  // namespace nacre::actors
