#include "actors/secret_orders.hpp"

#include <algorithm>
#include <array>

#include "actors/one_time.hpp"
#include "actors/sealing.hpp"
#include "crypto/random.hpp"
#include "model/keys.hpp"
#include "model/policy.hpp"
#include "model/secrets.hpp"

namespace nacre::actors {

namespace {

using step = secret_progress::step;

constexpr std::uint32_t guest_key_version = 1;

void refuse(const order_ptr& o, error e) {
  answer a;
  a.outcome.refused = std::move(e);
  o->answer_with(std::move(a));
}
void refuse(const order_ptr& o, model::outcome why) {
  answer a;
  a.outcome = std::move(why);
  o->answer_with(std::move(a));
}
void refuse_unreadable(const order_ptr& o) { refuse(o, error{errc::storage_failed, "Stored state could not be read"}); }
void refuse_unknown(const order_ptr& o) { refuse(o, error{errc::not_found, "Unknown secret"}); }
void refuse_broken(const order_ptr& o) { refuse(o, error{errc::corrupt, "The secret could not be decrypted"}); }

const crypto::secure_bytes* passphrase_of(const intent& what) {
  const std::optional<crypto::secure_bytes>* given = nullptr;
  if (const auto* c = std::get_if<conceal>(&what)) given = &c->passphrase;
  if (const auto* s = std::get_if<show_secret>(&what)) given = &s->passphrase;
  if (const auto* r = std::get_if<reveal_secret>(&what)) given = &r->passphrase;
  if (const auto* b = std::get_if<burn_by_receipt>(&what)) given = &b->passphrase;
  return given && *given && !(*given)->empty() ? &**given : nullptr;
}

bool past_deadline(const order_ptr& o) { return std::chrono::steady_clock::now() >= o->what.deadline; }

}  // namespace

bool is_about_secret(const intent& what) {
  return std::holds_alternative<conceal>(what) || std::holds_alternative<show_secret>(what) ||
         std::holds_alternative<reveal_secret>(what) || std::holds_alternative<confirm_secret>(what) ||
         std::holds_alternative<show_receipt>(what) || std::holds_alternative<burn_by_receipt>(what) ||
         std::holds_alternative<memo_receipt>(what) || std::holds_alternative<list_recent>(what);
}

void secret_orders::begin(const order_ptr& o) {
  std::visit(
      [&](auto& what) {
        if constexpr (requires { begin_with(o, what); }) begin_with(o, what);
      },
      o->what.what);
}

void secret_orders::propose(const order_ptr& o, step waiting, model::operation op) {
  o->secret.waiting = waiting;
  model::command c{o->what.ctx, std::move(op)};
  // One order may need several commands; the request's id names the one that is its act.
  if (waiting != step::act) c.ctx.request = request_id{crypto::random_uuid()};
  if (waiting == step::partition) c.ctx.who = {model::caller::kind::system, {}, {}, 0, {}, {}};
  in_.propose(o, std::move(c));
}

// ---- creating --------------------------------------------------------------------------------------

void secret_orders::begin_with(const order_ptr& o, conceal& what) {
  bool protect = passphrase_of(o->what.what) != nullptr;
  if (is_guest_partition(in_.id)) {
    // A partition, once open, stays so: whose key is at hand needs no look.
    if (!in_.held_key(guest_key_version)) {
      auto view = in_.log->applied_view();
      bool open = view->get(model::space::sealed, model::keys::data_key(in_.id, guest_key_version)).has_value();
      if (!view->trustworthy()) return refuse_unreadable(o);
      if (!open)
        return propose(o, step::partition, model::open_partition{in_.keys->make_data_key(in_.id, guest_key_version)});
    }
  } else if (protect) {  // who may not conceal gets no place in the pool; seal() asks again, or first
    auto view = in_.log->applied_view();
    auto who = model::stand(*view, o->what.ctx, model::scope_write);
    if (!view->trustworthy()) return refuse_unreadable(o);
    if (!who) return refuse(o, who.error());
  }
  o->secret.id = secret_id_of(*in_.keys, what.link.view());
  if (!protect) return seal(o);
  o->secret.place = in_.pool->enter(in_.id, {});
  if (!o->secret.place)
    return refuse(o, error{errc::busy, "Too many passphrases are being checked. Try again shortly"});
  o->secret.salt = crypto::make_salt();
  stretch_in_pool(o);
}

void secret_orders::seal(const order_ptr& o) {
  auto& what = std::get<conceal>(o->what.what);
  std::uint32_t version = guest_key_version;
  const auto* key = is_guest_partition(in_.id) ? in_.held_key(version) : nullptr;
  if (!key) {
    auto view = in_.log->applied_view();
    if (!is_guest_partition(in_.id)) {
      auto who = model::stand(*view, o->what.ctx, model::scope_write);
      if (!view->trustworthy()) return refuse_unreadable(o);
      if (!who) return refuse(o, who.error());
      version = who->workspace.data_key_version;
    }
    auto opened = in_.open_key(*view, version);
    if (!view->trustworthy()) return refuse_unreadable(o);
    if (!opened) return refuse(o, opened.error());
    key = *opened;
  }

  bool protect = !o->secret.passphrase_key.empty();
  receipt_id receipt{o->secret.id.value()};
  model::secret_record bound;
  bound.receipt = receipt;
  if (!is_guest_partition(in_.id)) bound.owner = o->what.ctx.who.user;
  bound.created = o->what.ctx.now;
  bound.lifespan_s = what.lifespan_s;
  bound.kind = what.kind;
  bound.has_passphrase = protect;
  auto policy = secret_policy(bound);

  model::conceal_secret op;
  op.id = o->secret.id;
  op.receipt = receipt;
  op.kind = what.kind;
  op.lifespan_s = what.lifespan_s;
  op.has_passphrase = protect;
  op.data_key_version = version;
  op.recipients = what.recipients;
  op.sealed = crypto::seal_under_link(*in_.keys, *key, secret_sealing(in_.id, op.id, policy), what.link.view(),
                                      protect ? &o->secret.passphrase_key : nullptr,
                                      protect ? o->secret.salt : crypto::make_salt(), {}, what.value.view());
  if (!is_guest_partition(in_.id) && in_.rules->keep_receipt_links)
    op.sealed_receipt = in_.keys->seal(*key, receipt_sealing(in_.id, receipt, "receipt"), what.receipt_link.view());
  // Under a passphrase it is shown by nothing less: without one, whoever has the receipt could read it.
  if (what.show_generated && !protect)
    op.sealed_generated =
        crypto::seal_under_link(*in_.keys, *key, receipt_sealing(in_.id, receipt, "generated"),
                                what.receipt_link.view(), nullptr, crypto::make_salt(), {}, what.value.view());
  op.partition_bytes_max = in_.partition_bytes_max();
  propose(o, step::act, std::move(op));
}

// ---- looking ---------------------------------------------------------------------------------------

bool secret_orders::fetch(const order_ptr& o, const model::view& v) {
  auto& p = o->secret;
  auto* reveal = std::get_if<reveal_secret>(&o->what.what);
  bool claims = reveal && reveal->go_on;
  // What the claim will read again is read ahead here, off the log's thread.
  auto ahead = [&](model::space in, const std::string& key) {
    if (claims) v.prefetch(in, std::array<std::string_view, 1>{key});
  };
  ahead(model::space::sealed, model::keys::secret(in_.id, p.id));
  if (auto held = model::find_held(v, in_.id, p.id, o->what.ctx.now)) {
    if (!held->receipt) ahead(model::space::state, model::keys::receipt(in_.id, held->record.receipt));
    p.secret = std::move(held->record);
    p.sealed = std::move(held->sealed);
    return v.trustworthy() || (refuse_unreadable(o), false);
  }
  auto claimed =
      claims && reveal->retry_key
          ? model::find_claim(v, in_.id, p.id, retry_hash_of(*in_.keys, p.id, *reveal->retry_key), o->what.ctx.now)
          : std::nullopt;
  auto sealed = claimed ? v.get(model::space::sealed, model::keys::sealed_claim(in_.id, p.id)) : std::nullopt;
  if (!v.trustworthy()) return refuse_unreadable(o), false;
  if (!claimed) return refuse_unknown(o), false;
  if (!sealed) return refuse_broken(o), false;
  p.secret = std::move(*claimed);
  p.sealed = std::move(*sealed);
  return true;
}

void secret_orders::begin_with(const order_ptr& o, show_secret& what) {
  o->secret.id = secret_id_of(*in_.keys, what.link.view());
  o->secret.link = std::move(what.link);
  if (!fetch(o, *in_.log->applied_view())) return;
  bool ask = o->secret.secret.has_passphrase && passphrase_of(o->what.what) && !what.mere_look;
  if (ask) return try_passphrase(o);
  act(o);
}

void secret_orders::begin_with(const order_ptr& o, reveal_secret& what) {
  o->secret.id = secret_id_of(*in_.keys, what.link.view());
  o->secret.link = std::move(what.link);
  auto view = in_.log->applied_view();
  if (!fetch(o, *view)) return;
  if (o->secret.secret.has_passphrase) return try_passphrase(o);
  o->secret.right = true;
  if (what.go_on) {
    auto key = record_key(*view, o);
    if (!view->trustworthy()) return refuse_unreadable(o);
    if (!key) return refuse_broken(o);
    o->secret.record_key = std::move(*key);
  }
  act(o);
}

void secret_orders::begin_with(const order_ptr& o, confirm_secret& what) {
  o->secret.id = secret_id_of(*in_.keys, what.link.view());
  auto hash = retry_hash_of(*in_.keys, o->secret.id, what.retry_key);
  propose(o, step::act, model::confirm_reveal{o->secret.id, hash});
}

void secret_orders::begin_with(const order_ptr& o, show_receipt& what) {
  auto view = in_.log->applied_view();
  auto id = receipt_id_in(*view, in_.id, *in_.keys, what.receipt_link.view(), o->what.ctx.now);
  auto found = model::find_receipt(*view, in_.id, id, o->what.ctx.now);
  if (!view->trustworthy()) return refuse_unreadable(o);
  if (!found) return refuse_unknown(o);
  bool changes = found->state == model::receipt_state::fresh || !found->sealed_generated.empty();
  if (changes && !what.mere_look) return propose(o, step::act, model::preview_receipt{id});
  found->sealed_generated.clear();  // shown once, and this is no showing
  answer_receipt(o, std::move(*found));
}

void secret_orders::begin_with(const order_ptr& o, burn_by_receipt& what) {
  auto view = in_.log->applied_view();
  auto id = receipt_id_in(*view, in_.id, *in_.keys, what.receipt_link.view(), o->what.ctx.now);
  auto found = model::find_receipt(*view, in_.id, id, o->what.ctx.now);
  if (!view->trustworthy()) return refuse_unreadable(o);
  if (!found || !found->secret) return refuse_unknown(o);
  o->secret.receipt = id;
  o->secret.id = found->record.secret;
  o->secret.right = !found->secret->has_passphrase;
  if (o->secret.right) return act(o);
  auto link = secret_link(*view, *found, what.receipt_link);
  if (!view->trustworthy()) return refuse_unreadable(o);
  if (!link) return refuse_broken(o);
  o->secret.link = std::move(*link);
  if (fetch(o, *view)) try_passphrase(o);
}

void secret_orders::begin_with(const order_ptr& o, memo_receipt& what) {
  auto view = in_.log->applied_view();
  auto id = receipt_id_in(*view, in_.id, *in_.keys, what.receipt_link.view(), o->what.ctx.now);
  if (!view->trustworthy()) return refuse_unreadable(o);
  propose(o, step::act, model::set_memo{id, what.memo});
}

// Opening a receipt's links takes about a tenth of a millisecond, and everyone of the workspace waits for it.
void secret_orders::begin_with(const order_ptr& o, list_recent&) {
  constexpr std::size_t portion = 16;
  auto& p = o->secret;
  auto view = in_.log->applied_view();
  if (!p.listing) {
    auto found = model::recent_receipts(*view, o->what.ctx);
    if (!view->trustworthy()) return refuse_unreadable(o);
    if (!found) return refuse(o, found.error());
    p.listing = std::move(*found);
  }
  auto& all = *p.listing;
  auto end = std::min(all.size(), p.listed.size() + portion);
  while (p.listed.size() < end) p.listed.push_back(shown(*view, std::move(all[p.listed.size()]), nullptr));
  if (!view->trustworthy()) return refuse_unreadable(o);
  if (end < all.size()) return caf::anon_send(caf::actor_cast<workspace_actor>(in_.self), o);
  answer a;
  a.receipts = std::move(p.listed);
  o->answer_with(std::move(a));
}

// ---- passphrases -----------------------------------------------------------------------------------

void secret_orders::try_passphrase(const order_ptr& o) {
  auto view = in_.log->applied_view();
  auto locked = model::locked_out(*view, o->what.ctx, o->secret.id);
  if (!view->trustworthy()) return refuse_unreadable(o);
  if (locked) return refuse(o, std::move(*locked));
  if (passphrase_of(o->what.what)) {
    o->secret.place = in_.pool->enter(in_.id, o->secret.id.value());
    if (!o->secret.place)
      return refuse(o, error{errc::busy, "Too many passphrases are being checked. Try again shortly"});
  }
  propose(o, step::attempt, model::reserve_attempt{o->secret.id});
}

void secret_orders::stretch_in_pool(const order_ptr& o) {
  auto cost = crypto::kdf_cost{};
  auto salt = o->secret.salt;
  if (!o->secret.sealed.empty()) {
    auto kdf = crypto::read_link_kdf(o->secret.sealed);
    if (!kdf) return refuse_broken(o);
    cost = kdf->cost;
    salt = kdf->salt;
  }
  auto me = caf::actor_cast<workspace_actor>(in_.self);
  auto place = std::move(*o->secret.place);
  o->secret.place.reset();
  in_.pool->run(std::move(place), [o, me, cost, salt](kdf_pool::place& mine) {
    auto key = past_deadline(o) ? result<crypto::secure_bytes>(fail(
                                      errc::deadline_exceeded, "The deadline passed before the passphrase was tried"))
                                : crypto::stretch(passphrase_of(o->what.what)->view(), salt, cost);
    mine.leave();  // before the answer can be out
    caf::anon_send(me, std::make_shared<actors::stretched>(o, std::move(key)));
  });
}

void secret_orders::stretched(const order_ptr& o, result<crypto::secure_bytes> key) {
  if (!key) return refuse(o, key.error());
  o->secret.passphrase_key = std::move(*key);
  if (std::holds_alternative<conceal>(o->what.what)) return seal(o);
  auto view = in_.log->applied_view();
  auto opened = record_key(*view, o);
  if (!view->trustworthy()) return refuse_unreadable(o);
  if (!opened && opened.error().code != errc::unauthenticated) return refuse_broken(o);
  bool right = opened.has_value();
  if (right) o->secret.record_key = std::move(*opened);
  judged(o, right);
}

void secret_orders::judged(const order_ptr& o, bool right) {
  o->secret.right = right;
  if (!right) {
    if (o->secret.last_attempt) return propose(o, step::lockout, model::note_lockout{o->secret.id});
    return say_wrong(o);
  }
  const auto* reveal = std::get_if<reveal_secret>(&o->what.what);
  bool consumes = std::holds_alternative<burn_by_receipt>(o->what.what) || (reveal && reveal->go_on);
  // Ending the secret forgets its attempts; so must being right without ending it.
  if (!consumes) return propose(o, step::cleared, model::clear_attempts{o->secret.id});
  act(o);
}

void secret_orders::say_wrong(const order_ptr& o) {
  if (std::holds_alternative<show_secret>(o->what.what)) return act(o);
  answer a;
  a.outcome.refused = error{errc::wrong_passphrase, "Incorrect passphrase"};
  a.passphrase_right = false;
  o->answer_with(std::move(a));
}

// ---- acting ----------------------------------------------------------------------------------------

void secret_orders::act(const order_ptr& o) {
  auto& p = o->secret;
  if (past_deadline(o)) return refuse(o, error{errc::deadline_exceeded, "The deadline passed before the act"});
  if (auto* show = std::get_if<show_secret>(&o->what.what)) {
    if (show->mere_look || p.secret.previewed) return answer_entry(o);
    return propose(o, step::act, model::preview_secret{p.id});
  }
  if (std::holds_alternative<burn_by_receipt>(o->what.what))
    return propose(o, step::act, model::burn_secret{p.receipt, p.right});
  auto& reveal = std::get<reveal_secret>(o->what.what);
  if (!reveal.go_on) return answer_entry(o);
  // What cannot be decrypted is not claimed: it stays for whoever repairs the disk. Nothing is kept of this look.
  auto policy = secret_policy(p.secret);
  if (!crypto::open_with_key(*in_.keys, secret_sealing(in_.id, p.id, policy), p.record_key, p.sealed))
    return refuse_broken(o);
  model::claim_secret claim;
  claim.id = p.id;
  claim.passphrase_right = p.right;
  claim.retry_window_ms = in_.rules->retry_window.count();
  claim.by_receipt = p.secret.receipt.value() == p.id.value();
  if (reveal.retry_key) claim.retry = retry_hash_of(*in_.keys, p.id, *reveal.retry_key);
  propose(o, step::act, std::move(claim));
}

void secret_orders::decided(const order_ptr& o, model::outcome outcome) {
  if (outcome.refused) return refuse(o, std::move(outcome));
  switch (o->secret.waiting) {
    case step::partition:
      return begin(o);
    case step::attempt: {
      auto* granted = std::get_if<model::attempt_granted>(&outcome.what);
      if (!granted) return refuse_unknown(o);  // that was one attempt too many: it has been burned
      o->secret.last_attempt = granted->last;
      return o->secret.place ? stretch_in_pool(o) : judged(o, false);
    }
    case step::cleared:
      return act(o);
    case step::lockout:
      return say_wrong(o);
    case step::act:
      return acted(o, std::move(outcome));
  }
}

void secret_orders::acted(const order_ptr& o, model::outcome outcome) {
  auto& p = o->secret;
  if (auto* made = std::get_if<conceal>(&o->what.what)) {
    answer a;
    shown_receipt r;
    if (auto* entry = std::get_if<model::receipt_entry>(&outcome.what)) r.entry = std::move(*entry);
    r.receipt_link = std::move(made->receipt_link);
    r.secret_link = std::move(made->link);
    a.receipts.push_back(std::move(r));
    return o->answer_with(std::move(a));
  }
  if (std::holds_alternative<show_secret>(o->what.what)) return answer_entry(o);
  if (std::holds_alternative<confirm_secret>(o->what.what)) return o->answer_with({});
  if (auto* entry = std::get_if<model::receipt_entry>(&outcome.what)) return answer_receipt(o, std::move(*entry));
  if (!std::holds_alternative<reveal_secret>(o->what.what)) return refuse_unknown(o);

  // Only here, after the claim is durable and on record, is the value opened to be shown.
  auto policy = secret_policy(p.secret);
  auto value = crypto::open_with_key(*in_.keys, secret_sealing(in_.id, p.id, policy), p.record_key, p.sealed);
  if (!value) return refuse_broken(o);
  answer a;
  // As it was when it was claimed: this node's view may have been a moment behind. An answer from memory names none.
  auto* claimed = std::get_if<model::secret_entry>(&outcome.what);
  a.outcome.what = claimed ? std::move(*claimed) : model::secret_entry{p.id, in_.id, p.secret};
  a.token = std::move(*value);
  a.revealed = true;
  if (p.secret.has_passphrase) a.passphrase_right = true;
  o->answer_with(std::move(a));
}

void secret_orders::answer_entry(const order_ptr& o) {
  answer a;
  a.outcome.what = model::secret_entry{o->secret.id, in_.id, o->secret.secret};
  if (o->secret.secret.has_passphrase && passphrase_of(o->what.what)) a.passphrase_right = o->secret.right;
  o->answer_with(std::move(a));
}

void secret_orders::answer_receipt(const order_ptr& o, model::receipt_entry entry) {
  const crypto::secure_bytes* link = nullptr;
  if (auto* w = std::get_if<show_receipt>(&o->what.what)) link = &w->receipt_link;
  if (auto* w = std::get_if<burn_by_receipt>(&o->what.what)) link = &w->receipt_link;
  if (auto* w = std::get_if<memo_receipt>(&o->what.what)) link = &w->receipt_link;
  auto view = in_.log->applied_view();
  answer a;
  a.receipts.push_back(shown(*view, std::move(entry), link));
  if (!view->trustworthy()) return refuse_unreadable(o);
  o->answer_with(std::move(a));
}

// ---- opening ---------------------------------------------------------------------------------------

result<crypto::secure_bytes> secret_orders::record_key(const model::view& v, const order_ptr& o) {
  auto& p = o->secret;
  auto key = in_.open_key(v, p.secret.data_key_version);
  if (!key) return fail(key.error());
  auto policy = secret_policy(p.secret);
  return crypto::open_link_key(*in_.keys, **key, secret_sealing(in_.id, p.id, policy), p.link.view(),
                               p.secret.has_passphrase ? &p.passphrase_key : nullptr, p.sealed);
}

result<crypto::secure_bytes> secret_orders::open_link_sealed(const model::view& v, std::uint32_t version,
                                                             const crypto::seal_context& where, std::string_view link,
                                                             std::string_view sealed) {
  auto key = in_.open_key(v, version);
  if (!key) return fail(key.error());
  auto record = crypto::open_link_key(*in_.keys, **key, where, link, nullptr, sealed);
  if (!record) return fail(record.error());
  return crypto::open_with_key(*in_.keys, where, *record, sealed);
}

result<crypto::secure_bytes> secret_orders::secret_link(const model::view& v, const model::receipt_entry& of,
                                                        const crypto::secure_bytes& receipt_link) {
  if (of.id.value() == of.record.secret.value()) return link_of(*in_.keys, receipt_link.view());
  return open_link_sealed(v, of.record.data_key_version, receipt_sealing(in_.id, of.id, "link"), receipt_link.view(),
                          of.sealed_link);
}

// What does not open is left out: the receipt still tells how the secret ended.
shown_receipt secret_orders::shown(const model::view& v, model::receipt_entry entry,
                                   const crypto::secure_bytes* receipt_link) {
  shown_receipt out;
  auto version = entry.record.data_key_version;
  if (receipt_link) {
    out.receipt_link = receipt_link->clone();
  } else if (!entry.sealed_receipt.empty()) {
    if (auto key = in_.open_key(v, version))
      if (auto link = in_.keys->open(**key, receipt_sealing(in_.id, entry.id, "receipt"), entry.sealed_receipt))
        out.receipt_link = std::move(*link);
  }
  if (entry.secret && !out.receipt_link.empty())
    if (auto link = secret_link(v, entry, out.receipt_link)) out.secret_link = std::move(*link);
  if (!entry.sealed_generated.empty() && !out.receipt_link.empty())
    if (auto text = open_link_sealed(v, version, receipt_sealing(in_.id, entry.id, "generated"),
                                     out.receipt_link.view(), entry.sealed_generated))
      out.generated = std::move(*text);
  out.entry = std::move(entry);
  return out;
}

}  // namespace nacre::actors
