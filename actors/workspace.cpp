#include "actors/workspace.hpp"

#include "actors/ask_orders.hpp"
#include "actors/one_time.hpp"
#include "actors/sealing.hpp"
#include "actors/secret_orders.hpp"
#include "crypto/random.hpp"
#include "crypto/token.hpp"
#include "crypto/webhook_signature.hpp"
#include "model/keys.hpp"
#include "model/load.hpp"
#include "model/policy.hpp"
#include "model/record_bytes.hpp"
#include "model/webhooks.hpp"

namespace nacre::actors {

namespace {

answer refusal(error e) {
  answer a;
  a.outcome.refused = std::move(e);
  return a;
}

error unreadable() { return {errc::storage_failed, "Stored state could not be read"}; }

// What prepare() took out of an order.
void give_back(intent& what, model::operation op) {
  if (auto* plain = std::get_if<model::operation>(&what))
    *plain = std::move(op);
  else if (auto* edit = std::get_if<edit_webhook>(&what))
    edit->what = std::get<model::change_webhook>(std::move(op));
}

bool makes_secret(const intent& what) {
  const auto* edit = std::get_if<edit_webhook>(&what);
  return std::holds_alternative<issue_webhook>(what) || (edit && edit->new_secret);
}

}  // namespace

void workspace_state::on_order(const order_ptr& sent) {
  sent->sent.take();
  auto o = sent;
  if (std::chrono::steady_clock::now() >= o->what.deadline)
    return o->answer_with(refusal({errc::deadline_exceeded, "The deadline passed before the request was begun"}));
  if (is_about_secret(o->what.what)) return secret_orders(*this).begin(o);
  if (is_about_ask(o->what.what)) return ask_orders(*this).begin(o);
  auto view = log->applied_view();
  auto op = prepare(*view, *o);
  if (!view->trustworthy()) return o->answer_with(refusal(unreadable()));
  if (!op) {
    if (!looks_again(o)) o->answer_with(refusal(op.error()));
    return;
  }
  model::command command{o->what.ctx, std::move(*op)};
  // For a new PAT prepare() had to ask for the caller's standing already, and nothing else refuses it early.
  bool asked = std::holds_alternative<issue_pat>(o->what.what);
  if (auto refused = asked ? std::nullopt : model::refused_early(*view, command)) {
    give_back(o->what.what, std::move(command.what));
    if (looks_again(o)) return;
    answer a;
    a.outcome = std::move(*refused);
    return o->answer_with(std::move(a));
  }
  propose(std::move(o), std::move(command));
}

// Other nodes may have acknowledged what is not applied here yet: nobody is refused because of that.
bool workspace_state::looks_again(const order_ptr& o) {
  if (o->looked_again || log->applied_age() == std::chrono::milliseconds(0)) return false;
  o->looked_again = true;
  struct back_to_actor {
    order_ptr from;
    workspace_actor me;
    void operator()(result<void> current) const {
      if (!current) return from->answer_with(refusal(current.error()));
      from->sent.give();
      caf::anon_send(me, from);
    }
  };
  log->when_current(o->what.deadline, back_to_actor{o, caf::actor_cast<workspace_actor>(self)});
  return true;
}

void workspace_state::propose(order_ptr o, model::command command) {
  // Members go in reverse: the actor is let go before the order is, which the service waits for.
  struct back_to_actor {
    order_ptr from;
    workspace_actor me;
    void operator()(cluster::settled s) const { caf::anon_send(me, std::make_shared<decided>(from, std::move(s))); }
  };
  cluster::proposal p;
  p.what = std::move(command);
  p.deadline = o->what.deadline;
  p.done = back_to_actor{std::move(o), caf::actor_cast<workspace_actor>(self)};
  log->propose(std::move(p));
}

void workspace_state::on_decided(const decided_ptr& d) {
  d->sent.take();
  auto& o = *d->from;
  if (d->result.how != cluster::settled::fate::committed) {
    // `unknown` on a single node means that this node cannot persist any more: it says so.
    return o.answer_with(refusal(std::move(d->result.why)));
  }
  if (is_about_secret(o.what.what)) return secret_orders(*this).decided(d->from, std::move(d->result.outcome));
  if (is_about_ask(o.what.what)) return ask_orders(*this).decided(d->from, std::move(d->result.outcome));
  answer a;
  a.outcome = std::move(d->result.outcome);
  if (!a.outcome.refused) {
    auto token = token_of(o, a.outcome);
    if (token)
      a.token = std::move(*token);
    else
      a.outcome.refused = token.error();
  }
  o.answer_with(std::move(a));
}

void workspace_state::on_stretched(const stretched_ptr& s) {
  s->sent.take();
  secret_orders(*this).stretched(s->from, std::move(s->key));
}

// Only here, after the act is durable and on record, is anything decrypted.
result<crypto::secure_bytes> workspace_state::token_of(placed_order& o, const model::outcome& decided) {
  if (const auto* r = std::get_if<model::revealed>(&decided.what))
    return open_sealed(*log->applied_view(), r->pat, r->sealed);
  if (const auto* renew = std::get_if<renew_pat>(&o.what.what))
    return rotated_token(o, *renew, std::get<model::rotated>(decided.what));
  bool secret = makes_secret(o.what.what);
  if (!secret && !std::holds_alternative<issue_pat>(o.what.what)) return crypto::secure_bytes{};
  if (!decided.replayed) return std::move(o.fresh_token);
  if (secret) {
    const auto& hook = std::get<model::webhook_entry>(decided.what);
    return open_webhook_secret(*log->applied_view(), *keys, id, hook.id, hook.record.current);
  }
  // The request had created this PAT before: its token is the one sealed then, not the one made now.
  const auto& pat = std::get<model::pat_entry>(decided.what);
  return open_stored(o, pat);
}

// The token of a PAT as it is stored: for an order that had acted before this node made it another token.
result<crypto::secure_bytes> workspace_state::open_stored(placed_order& o, const model::pat_entry& pat) {
  auto lookup = keys->token_lookup(o.fresh_token.view());
  if (crypto::view(lookup) == model::bytes::view(pat.record.lookup)) return std::move(o.fresh_token);
  if (!pat.record.has_ciphertext() && !pat.record.revoked)
    return fail(errc::outcome_unknown, "The token was made, but its text is lost: rotate it");
  auto view = log->applied_view();
  auto sealed = view->get(model::space::sealed, model::keys::sealed_pat(id, pat.id));
  if (!view->trustworthy()) return fail(unreadable());
  if (!sealed) return fail(errc::not_found, "The personal access token has been revoked");
  return open_sealed(*view, pat, *sealed);
}

result<crypto::secure_bytes> workspace_state::rotated_token(placed_order& o, const renew_pat& what,
                                                            const model::rotated& made) {
  if (!what.retry_key) return open_stored(o, made.pat);
  auto random = rotation_bytes_of(*keys, id, made.pat.id, model::bytes::view(made.salt), *what.retry_key);
  auto ws = model::load<model::workspace_record>(*log->applied_view(), model::space::state, model::keys::workspace(id));
  // The name is that of now; its prefix is in the record, so a workspace renamed since is told here.
  auto token = crypto::make_token(*keys, made.pat.record.family, ws ? ws->name : "", made.pat.id, random);
  auto lookup = keys->token_lookup(token.view());
  if (crypto::view(lookup) == model::bytes::view(made.pat.record.lookup)) return token;
  return open_stored(o, made.pat);
}

result<const crypto::data_key*> workspace_state::open_key(const model::view& v, std::uint32_t version) {
  if (!key || key->version != version) {
    auto wrapped = v.get(model::space::sealed, model::keys::data_key(id, version));
    if (!v.trustworthy()) return fail(unreadable());
    if (!wrapped) {
      auto ws = model::load<model::workspace_record>(v, model::space::state, model::keys::workspace(id));
      if (ws && ws->deleted) {
        key.reset();
        return fail(errc::not_found, "The workspace has been deleted");
      }
      return fail(errc::corrupt, "The workspace's data key is missing");
    }
    auto opened = keys->open_data_key(id, version, *wrapped);
    if (!opened) return fail(opened.error());
    key = std::move(*opened);
  }
  return &*key;
}

result<model::operation> workspace_state::prepare(const model::view& v, placed_order& o) {
  auto& what = o.what.what;
  if (auto* pat = std::get_if<issue_pat>(&what)) return seal_new_pat(v, o, *pat);
  if (auto* ws = std::get_if<found_workspace>(&what))
    return model::operation{model::create_workspace{ws->name, ws->email, keys->make_data_key(id, 1)}};
  if (auto* renew = std::get_if<renew_pat>(&what)) return seal_rotation(v, o, *renew);
  if (auto* admit = std::get_if<admit_claimed>(&what))
    return model::operation{
        model::admit_member{admit->workspace_name, admit->email, admit->role, keys->make_data_key(id, 1)}};
  if (auto* hook = std::get_if<issue_webhook>(&what)) return seal_new_webhook(v, o, *hook);
  if (auto* edit = std::get_if<edit_webhook>(&what)) {
    if (edit->new_secret) return seal_new_secret(v, o, *edit);
    return model::operation{std::move(edit->what)};
  }
  auto& op = std::get<model::operation>(what);
  if (auto* ask = std::get_if<model::open_ask>(&op)) ask->partition_bytes_max = partition_bytes_max();
  return std::move(op);
}

result<model::operation> workspace_state::seal_new_pat(const model::view& v, placed_order& o, const issue_pat& what) {
  const auto& ctx = o.what.ctx;
  bool alephant = what.family == model::token_family::alephant;
  auto who = model::stand(v, ctx, alephant ? model::scope_write : model::scope_admin);
  if (!who) return fail(who.error());
  const auto& ws = who->workspace;
  pat_id pat{crypto::random_uuid()};
  auto token = crypto::make_token(*keys, what.family, ws.name, pat);

  model::create_pat op;
  op.id = pat;
  op.owner = what.owner;
  op.family = what.family;
  op.name = what.name;
  op.prefix = std::string(token.view().substr(0, crypto::prefix_chars(what.family)));
  op.scopes = what.scopes;
  op.permissions = what.permissions;
  op.all_projects = what.all_projects;
  op.projects = what.projects;
  op.expires = what.expires;
  op.only = what.only;
  op.per_owner_max = what.per_owner_max;
  op.lookup = keys->token_lookup(token.view());
  op.pepper_version = keys->pepper_version();
  op.data_key_version = 0;
  if (alephant) {
    auto data_key = open_key(v, ws.data_key_version);
    if (!data_key) return fail(data_key.error());
    model::pat_record bound;
    bound.owner = ctx.who.user;
    bound.scopes = op.scopes;
    bound.created = ctx.now;
    bound.prefix = op.prefix;
    op.data_key_version = ws.data_key_version;
    op.sealed = keys->seal(**data_key, pat_sealing(id, op.id, pat_policy(bound)), token.view());
  }
  o.fresh_token = std::move(token);
  return model::operation{std::move(op)};
}

result<model::operation> workspace_state::seal_rotation(const model::view& v, placed_order& o, const renew_pat& what) {
  const auto& ctx = o.what.ctx;
  auto who = model::stand(v, ctx, model::every_scope);
  if (!who) return fail(who.error());
  auto pat = model::find_live_pat(v, id, what.id);
  if (!pat) return fail(pat.error());
  const auto& ws = who->workspace;

  model::rotate_pat op;
  op.id = what.id;
  crypto::fill_random(op.salt);
  if (what.retry_key) {
    op.retry = rotation_hash_of(*keys, what.id, ctx.who.user, *what.retry_key);
    op.retry_window_ms = rules->retry_window.count();
  }
  auto random = what.retry_key ? rotation_bytes_of(*keys, id, what.id, model::bytes::view(op.salt), *what.retry_key)
                               : crypto::random_bytes(crypto::token_random_bytes);
  auto token = crypto::make_token(*keys, pat->family, ws.name, what.id, random);
  op.prefix = std::string(token.view().substr(0, crypto::prefix_chars(pat->family)));
  op.lookup = keys->token_lookup(token.view());
  op.pepper_version = keys->pepper_version();
  op.data_key_version = 0;
  op.overlap_ms = what.overlap_ms;
  op.until_first_use = what.until_first_use;
  op.set_expires = what.set_expires;
  op.expires = what.expires;
  if (pat->family == model::token_family::alephant) {
    auto data_key = open_key(v, ws.data_key_version);
    if (!data_key) return fail(data_key.error());
    pat->prefix = op.prefix;
    pat->lookup = op.lookup;
    pat->rotations = 1;
    op.data_key_version = ws.data_key_version;
    op.sealed = keys->seal(**data_key, pat_sealing(id, op.id, pat_policy(*pat)), token.view());
  }
  o.fresh_token = std::move(token);
  return model::operation{std::move(op)};
}

result<model::operation> workspace_state::seal_new_webhook(const model::view& v, placed_order& o,
                                                           const issue_webhook& what) {
  auto who = model::stand(v, o.what.ctx, model::scope_admin);
  if (!who) return fail(who.error());
  auto data_key = open_key(v, who->workspace.data_key_version);
  if (!data_key) return fail(data_key.error());
  auto secret = crypto::make_webhook_secret();
  model::create_webhook op;
  op.id = webhook_id{crypto::random_uuid()};
  op.url = what.url;
  op.events = what.events;
  op.data_key_version = (*data_key)->version;
  op.sealed = keys->seal(**data_key, webhook_sealing(id, op.id, webhook_secret_policy(1)), secret.view());
  o.fresh_token = std::move(secret);
  return model::operation{std::move(op)};
}

result<model::operation> workspace_state::seal_new_secret(const model::view& v, placed_order& o, edit_webhook& what) {
  auto who = model::stand(v, o.what.ctx, model::scope_admin);
  if (!who) return fail(who.error());
  auto hook = model::find_webhook(v, id, what.what.id);
  if (!hook) return model::operation{std::move(what.what)};  // apply() answers by the caller's role
  auto data_key = open_key(v, who->workspace.data_key_version);
  if (!data_key) return fail(data_key.error());
  auto secret = crypto::make_webhook_secret();
  auto version = hook->current.version + 1;
  auto policy = webhook_secret_policy(version);
  what.what.secret = {version, (*data_key)->version,
                      keys->seal(**data_key, webhook_sealing(id, what.what.id, policy), secret.view())};
  o.fresh_token = std::move(secret);
  return model::operation{std::move(what.what)};
}

result<crypto::secure_bytes> open_webhook_secret(const model::view& v, const crypto::keyring& keys, workspace_id ws,
                                                 webhook_id id, const model::webhook_record::secret& which) {
  auto wrapped = v.get(model::space::sealed, model::keys::data_key(ws, which.data_key_version));
  auto sealed = v.get(model::space::sealed, model::keys::webhook_secret(ws, id, which.version));
  if (!v.trustworthy()) return fail(unreadable());
  if (!wrapped || !sealed) return fail(errc::not_found, "The webhook's secret is gone");
  auto key = keys.open_data_key(ws, which.data_key_version, *wrapped);
  if (!key) return fail(key.error());
  return keys.open(*key, webhook_sealing(ws, id, webhook_secret_policy(which.version)), *sealed);
}

result<crypto::secure_bytes> workspace_state::open_sealed(const model::view& v, const model::pat_entry& pat,
                                                          std::string_view sealed) {
  auto data_key = open_key(v, pat.record.data_key_version);
  if (!data_key) return fail(data_key.error());
  return keys->open(**data_key, pat_sealing(id, pat.id, pat_policy(pat.record)), sealed);
}

workspace_actor::behavior_type workspace_behavior(workspace_actor::stateful_pointer<workspace_state> self,
                                                  cluster::log* log, const crypto::keyring* keys, kdf_pool* pool,
                                                  const settings* rules, workspace_id id) {
  auto& state = self->state;
  state.self = self;
  state.log = log;
  state.keys = keys;
  state.pool = pool;
  state.rules = rules;
  state.id = id;
  // An exception (no memory) must end neither the actor nor its queue: the order answers for itself
  // when it is dropped.
  return {
      [&state](const order_ptr& o) {
        try {
          state.on_order(o);
        } catch (...) {
        }
      },
      [&state](const decided_ptr& d) {
        try {
          state.on_decided(d);
        } catch (...) {
        }
      },
      [&state](const stretched_ptr& s) {
        try {
          state.on_stretched(s);
        } catch (...) {
        }
      },
  };
}

}  // namespace nacre::actors
