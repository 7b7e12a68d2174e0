#include "model/webhooks.hpp"

#include <cryptopp/sha.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "model/audit.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/load.hpp"
#include "model/outcomes.hpp"
#include "model/policy.hpp"
#include "model/wire.hpp"

namespace nacre::model {

namespace {

error no_webhook() { return {errc::not_found, "Webhook not found"}; }

// A UUID of its own for each delivery, the same on every replica.
uuid delivery_id(const context& ctx, webhook_id hook, std::uint64_t seq) {
  auto named = writer{}.raw("nacre/delivery/v1").id(ctx.workspace).id(hook).u64(seq).id(ctx.request).take();
  CryptoPP::SHA256 h;
  h.Update(reinterpret_cast<const CryptoPP::byte*>(named.data()), named.size());
  std::array<std::uint8_t, CryptoPP::SHA256::DIGESTSIZE> digest{};
  h.Final(digest.data());
  uuid id;
  std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x80);  // version 8
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

struct place {
  timestamp due;
  std::uint64_t seq = 0;
};
// The end of a delivery's key.
std::optional<place> place_of(std::string_view rest) {
  reader r(rest);
  auto due = r.ordered();
  auto seq = r.u64();
  if (!r.finished()) return std::nullopt;
  return place{due, seq};
}

// ---- one webhook's line --------------------------------------------------------------------------------

// What waits for one webhook, with its counters and its row in the index kept in step. save() ends it.
class line {
 public:
  line(state& st, workspace_id ws, webhook_id id) : st_(st), ws_(ws), id_(id) {
    progress = load<webhook_progress>(st, space::state, keys::webhook_progress(ws, id)).value_or(webhook_progress{});
  }

  webhook_progress progress;

  void add(const context& ctx, const event& what) {
    if (progress.waiting >= limits::webhook_waiting_max) drop_oldest();
    delivery_record d;
    auto seq = progress.next_seq++;
    d.id = delivery_id(ctx, id_, seq);
    d.type = what.type;
    d.created = ctx.now;
    d.object = what.object.substr(0, limits::webhook_object_bytes_max);
    d.actor = static_cast<std::uint8_t>(ctx.who.via);
    d.user = ctx.who.user;
    d.days = what.days;
    st_.put(space::state, keys::delivery(ws_, id_, ctx.now, seq), encode(d));
    ++progress.waiting;
    if (!progress.due || ctx.now < *progress.due) move_index(ctx.now);
  }

  std::optional<delivery_record> take(timestamp due, std::uint64_t seq) {
    auto key = keys::delivery(ws_, id_, due, seq);
    auto d = load<delivery_record>(st_, space::state, key);
    if (!d) return std::nullopt;
    st_.erase(space::state, key);
    if (progress.waiting > 0) --progress.waiting;
    return d;
  }
  void put_back(timestamp due, std::uint64_t seq, const delivery_record& d) {
    st_.put(space::state, keys::delivery(ws_, id_, due, seq), encode(d));
    ++progress.waiting;
  }

  // After deliveries were taken or put back, or the webhook was switched on or off.
  void reindex(bool enabled) {
    std::optional<timestamp> first;
    if (enabled)
      each([&](const place& at, std::string_view) {
        first = at.due;
        return false;
      });
    move_index(first);
  }

  void save() { st_.put(space::state, keys::webhook_progress(ws_, id_), encode(progress)); }

  void forget() {
    std::vector<std::string> rows;
    each([&](const place&, std::string_view key) {
      rows.emplace_back(key);
      return true;
    });
    for (const auto& key : rows) st_.erase(space::state, key);
    move_index(std::nullopt);
    st_.erase(space::state, keys::webhook_progress(ws_, id_));
  }

 private:
  void each(const std::function<bool(const place&, std::string_view)>& visit) {
    auto prefix = keys::deliveries(ws_, id_);
    st_.scan(space::state, prefix, keys::past(prefix), [&](std::string_view key, std::string_view) {
      auto at = place_of(key.substr(prefix.size()));
      if (!at) return st_.mark_undecodable(), false;
      return visit(*at, key);
    });
  }

  // The line is in order of due times, so the oldest may stand anywhere.
  void drop_oldest() {
    std::vector<std::pair<std::uint64_t, std::string>> rows;
    each([&](const place& at, std::string_view key) {
      rows.emplace_back(at.seq, key);
      return true;
    });
    auto count = std::min<std::size_t>(limits::webhook_drop_batch, rows.size());
    auto cut = rows.begin() + static_cast<std::ptrdiff_t>(count);
    std::partial_sort(rows.begin(), cut, rows.end());
    for (auto it = rows.begin(); it != cut; ++it) st_.erase(space::state, it->second);
    progress.waiting -= static_cast<std::uint32_t>(count);
    progress.dropped += count;
    reindex(true);  // only what is switched on gets anything to add
  }

  void move_index(std::optional<timestamp> to) {
    if (progress.due == to) return;
    if (progress.due) st_.erase(space::index, keys::due_webhook(*progress.due, ws_, id_));
    if (to) st_.put(space::index, keys::due_webhook(*to, ws_, id_), "");
    progress.due = to;
  }

  state& st_;
  workspace_id ws_;
  webhook_id id_;
};

// ---- records -------------------------------------------------------------------------------------------

std::optional<webhook_list> list_of(const view& v, workspace_id ws) {
  return load<webhook_list>(v, space::state, keys::webhooks(ws));
}

void save(state& st, workspace_id ws, const webhook_list& list) {
  if (list.items.empty())
    st.erase(space::state, keys::webhooks(ws));
  else
    st.put(space::state, keys::webhooks(ws), encode(list));
}

void save(state& st, workspace_id ws, webhook_id id, const webhook_record& r) {
  st.put(space::state, keys::webhook(ws, id), encode(r));
  auto list = list_of(st, ws).value_or(webhook_list{});
  auto it = std::find_if(list.items.begin(), list.items.end(), [&](const auto& i) { return i.id == id; });
  webhook_list::item now{id, r.enabled, r.events};
  if (it == list.items.end())
    list.items.push_back(now);
  else if (*it == now)
    return;
  else
    *it = now;
  save(st, ws, list);
}

void forget_secret(state& st, workspace_id ws, webhook_id id, const webhook_record::secret& s) {
  st.erase(space::sealed, keys::webhook_secret(ws, id, s.version));
}

void forget(state& st, workspace_id ws, webhook_id id, const webhook_record& r) {
  line(st, ws, id).forget();
  forget_secret(st, ws, id, r.current);
  if (r.previous) forget_secret(st, ws, id, r.previous->which);
  st.erase(space::state, keys::webhook(ws, id));
}

result<void> manages(const view& v, const context& ctx) {
  auto who = stand(v, ctx, scope_admin);
  if (!who) return fail(who.error());
  return require_admin(*who);
}

webhook_entry entry_of(const view& v, workspace_id ws, webhook_id id, webhook_record r) {
  auto progress = load<webhook_progress>(v, space::state, keys::webhook_progress(ws, id));
  return {id, std::move(r), progress.value_or(webhook_progress{})};
}

outcome answer(const view& v, const context& ctx, webhook_id id, webhook_record r) {
  outcome o;
  o.what = entry_of(v, ctx.workspace, id, std::move(r));
  return o;
}

// ---- bodies --------------------------------------------------------------------------------------------

// Whatever a disk may say, nothing but this gets between quotes.
std::string_view plain(std::string_view text) {
  bool fine = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
  return fine ? text : std::string_view{};
}

std::string_view actor_name(std::uint8_t kind) {
  if (kind == static_cast<std::uint8_t>(caller::kind::jwt)) return "jwt";
  if (kind == static_cast<std::uint8_t>(caller::kind::pat)) return "pat";
  if (kind == static_cast<std::uint8_t>(caller::kind::system)) return "system";
  return "guest";
}

std::string_view object_name(event_type t) {
  if (t == event_type::ping) return "webhook_id";
  return name_of(t).starts_with("pat.") ? "pat_id" : "secret_ref";
}

void member(std::string& out, std::string_view name, std::string_view text) {
  out += out.back() == '{' ? "\"" : ",\"";
  out.append(name).append("\":\"").append(text) += '"';
}

}  // namespace

// ---- events --------------------------------------------------------------------------------------------

void emit(state& st, const context& ctx, const event& what) {
  auto list = list_of(st, ctx.workspace);
  if (!list) return;
  for (const auto& hook : list->items) {
    if (!hook.enabled || !wants(hook.events, what.type)) continue;
    line to(st, ctx.workspace, hook.id);
    to.add(ctx, what);
    to.save();
  }
}

// ---- operations ----------------------------------------------------------------------------------------

outcome apply_webhook(state& st, const context& ctx, const create_webhook& op) {
  if (auto may = manages(st, ctx); !may) return refuse(may.error());
  auto list = list_of(st, ctx.workspace).value_or(webhook_list{});
  if (list.items.size() >= limits::webhooks_per_workspace_max)
    return refuse({errc::conflict, "This workspace has as many webhooks as it can hold"});
  if (st.get(space::state, keys::webhook(ctx.workspace, op.id)))
    return refuse({errc::conflict, "This webhook exists already"});
  webhook_record made;
  made.url = op.url;
  made.events = op.events;
  made.created = ctx.now;
  made.created_by = ctx.who.user;
  made.current.data_key_version = op.data_key_version;
  save(st, ctx.workspace, op.id, made);
  line(st, ctx.workspace, op.id).save();
  st.put(space::sealed, keys::webhook_secret(ctx.workspace, op.id, made.current.version), op.sealed);
  append_audit(st, ctx, {"webhook.create", to_string(op.id)});
  return answer(st, ctx, op.id, std::move(made));
}

outcome apply_webhook(state& st, const context& ctx, const change_webhook& op) {
  if (auto may = manages(st, ctx); !may) return refuse(may.error());
  auto hook = find_webhook(st, ctx.workspace, op.id);
  if (!hook) return refuse(no_webhook());
  auto before = *hook;
  if (op.url) hook->url = *op.url;
  if (op.events) hook->events = *op.events;
  if (op.enabled) {
    hook->enabled = *op.enabled;
    if (*op.enabled) hook->gone = false;
  }
  if (op.secret) {
    // Made by whoever prepared the command on what it saw: two at once must not overwrite each other.
    if (op.secret->version != before.current.version + 1)
      return refuse({errc::conflict, "The secret has been changed meanwhile"});
    if (before.previous) forget_secret(st, ctx.workspace, op.id, before.previous->which);
    hook->previous = {before.current, after(ctx.now, limits::webhook_old_secret_ms)};
    hook->current = {op.secret->version, op.secret->data_key_version};
    st.put(space::sealed, keys::webhook_secret(ctx.workspace, op.id, op.secret->version), op.secret->sealed);
  }
  if (before == *hook) return answer(st, ctx, op.id, std::move(*hook));
  save(st, ctx.workspace, op.id, *hook);
  if (before.enabled != hook->enabled) {
    line waiting(st, ctx.workspace, op.id);
    waiting.reindex(hook->enabled);
    waiting.save();
  }
  append_audit(st, ctx, {op.secret ? "webhook.rotate" : "webhook.update", to_string(op.id)});
  return answer(st, ctx, op.id, std::move(*hook));
}

outcome apply_webhook(state& st, const context& ctx, const delete_webhook& op) {
  if (auto may = manages(st, ctx); !may) return refuse(may.error());
  auto hook = find_webhook(st, ctx.workspace, op.id);
  if (!hook) return refuse(no_webhook());
  forget(st, ctx.workspace, op.id, *hook);
  auto list = list_of(st, ctx.workspace).value_or(webhook_list{});
  std::erase_if(list.items, [&](const auto& i) { return i.id == op.id; });
  save(st, ctx.workspace, list);
  append_audit(st, ctx, {"webhook.delete", to_string(op.id)});
  return {};
}

outcome apply_webhook(state& st, const context& ctx, const ping_webhook& op) {
  if (auto may = manages(st, ctx); !may) return refuse(may.error());
  auto hook = find_webhook(st, ctx.workspace, op.id);
  if (!hook) return refuse(no_webhook());
  if (!hook->enabled) return refuse({errc::conflict, "This webhook is switched off"});
  line to(st, ctx.workspace, op.id);
  auto object = to_string(op.id);
  to.add(ctx, {event_type::ping, object});
  to.save();
  append_audit(st, ctx, {"webhook.test", object});
  return answer(st, ctx, op.id, std::move(*hook));
}

outcome apply_webhook(state& st, const context& ctx, const settle_deliveries& op) {
  if (ctx.who.via != caller::kind::system) return refuse({errc::forbidden, "Only nacre itself settles deliveries"});
  using fate = settle_deliveries::fate;
  std::map<webhook_id, std::vector<const settle_deliveries::item*>> by_hook;
  for (const auto& item : op.items) by_hook[item.hook].push_back(&item);
  for (const auto& [id, items] : by_hook) {
    auto hook = find_webhook(st, ctx.workspace, id);
    if (!hook) continue;
    line waiting(st, ctx.workspace, id);
    auto& progress = waiting.progress;
    auto before = *hook;
    std::uint32_t given_up = 0;
    bool any = false;
    for (const auto* item : items) {
      auto d = waiting.take(item->due, item->seq);
      if (!d) continue;
      any = true;
      if (item->status != 0) progress.last_status = item->status;
      if (item->fate == fate::delivered) {
        ++progress.delivered;
        progress.failing = 0;
        progress.last_delivered = ctx.now;
        continue;
      }
      ++progress.failed;
      ++progress.failing;
      progress.last_failed = ctx.now;
      if (item->fate == fate::retry) {
        ++d->attempts;
        waiting.put_back(item->next, item->seq, *d);
        continue;
      }
      ++progress.given_up;
      ++given_up;
      if (item->fate == fate::gone) {
        hook->enabled = false;
        hook->gone = true;
      }
    }
    if (hook->previous && hook->previous->until <= ctx.now) {
      forget_secret(st, ctx.workspace, id, hook->previous->which);
      hook->previous.reset();
    }
    if (!(before == *hook)) save(st, ctx.workspace, id, *hook);
    if (any) {
      waiting.reindex(hook->enabled);
      waiting.save();
    }
    auto object = to_string(id);
    if (given_up > 0) append_audit(st, ctx, {"webhook.give_up", object, "denied", "undeliverable", given_up});
    if (before.enabled && !hook->enabled) append_audit(st, ctx, {"webhook.disable", object, "granted", "gone"});
  }
  return {};
}

void forget_webhooks(state& st, workspace_id ws) {
  auto list = list_of(st, ws);
  if (!list) return;
  for (const auto& item : list->items)
    if (auto hook = find_webhook(st, ws, item.id)) forget(st, ws, item.id, *hook);
  save(st, ws, webhook_list{});
}

// ---- questions -----------------------------------------------------------------------------------------

std::optional<webhook_record> find_webhook(const view& v, workspace_id ws, webhook_id id) {
  return load<webhook_record>(v, space::state, keys::webhook(ws, id));
}

std::uint32_t waiting_for(const view& v, workspace_id ws, webhook_id id) {
  auto progress = load<webhook_progress>(v, space::state, keys::webhook_progress(ws, id));
  return progress ? progress->waiting : 0;
}

result<webhook_entry> get_webhook(const view& v, const context& ctx, webhook_id id) {
  if (auto may = manages(v, ctx); !may) return fail(may.error());
  auto hook = find_webhook(v, ctx.workspace, id);
  if (!hook) return fail(no_webhook());
  return entry_of(v, ctx.workspace, id, std::move(*hook));
}

result<listed<webhook_entry>> list_webhooks(const view& v, const context& ctx, page at) {
  if (auto may = manages(v, ctx); !may) return fail(may.error());
  auto list = list_of(v, ctx.workspace).value_or(webhook_list{});
  listed<webhook_entry> out;
  out.total = list.items.size();
  for (std::size_t i = at.offset; i < list.items.size() && out.items.size() < at.limit; ++i) {
    auto id = list.items[i].id;
    auto hook = find_webhook(v, ctx.workspace, id);
    if (!hook) {
      v.mark_undecodable();  // listed without its record
      break;
    }
    out.items.push_back(entry_of(v, ctx.workspace, id, std::move(*hook)));
  }
  return out;
}

void each_due_webhook(const view& v, const std::function<bool(const due_webhook&)>& visit) {
  v.scan(space::index, "q", "r", [&](std::string_view key, std::string_view) {
    reader r(key.substr(1));
    due_webhook found;
    found.due = r.ordered();
    found.workspace = r.id_as<workspace_id>();
    found.id = r.id_as<webhook_id>();
    if (!r.finished()) return v.mark_undecodable(), false;
    return visit(found);
  });
}

std::vector<waiting_delivery> due_deliveries(const view& v, workspace_id ws, webhook_id id, timestamp until,
                                             std::size_t at_most) {
  std::vector<waiting_delivery> out;
  if (at_most == 0) return out;
  auto prefix = keys::deliveries(ws, id);
  v.scan(space::state, prefix, keys::past(prefix), [&](std::string_view key, std::string_view value) {
    auto at = place_of(key.substr(prefix.size()));
    auto record = decode<delivery_record>(value);
    if (!at || !record) return v.mark_undecodable(), false;
    if (at->due > until) return false;
    out.push_back({at->due, at->seq, std::move(*record)});
    return out.size() < at_most;
  });
  return out;
}

std::string body_of(workspace_id ws, const delivery_record& d) {
  std::string out;
  out.reserve(384);
  out += '{';
  member(out, "id", to_string(d.id));
  member(out, "type", name_of(d.type));
  member(out, "created", format_rfc3339(d.created));
  member(out, "workspace_id", to_string(ws));
  out += ",\"data\":{";
  member(out, object_name(d.type), plain(d.object));
  if (d.type == event_type::pat_expiring) out.append(",\"days_left\":").append(std::to_string(d.days));
  out += ",\"actor\":{";
  member(out, "kind", actor_name(d.actor));
  if (d.user.value().is_nil())
    out += ",\"user_id\":null";
  else
    member(out, "user_id", to_string(d.user));
  out += "}}}";
  return out;
}

std::optional<std::int64_t> retry_after_ms(std::uint32_t attempts, std::uint32_t dice) {
  constexpr std::int64_t second = 1'000, minute = 60 * second, hour = 60 * minute;
  constexpr std::array<std::int64_t, 7> waits = {5 * second, 30 * second, 2 * minute, 10 * minute,
                                                 hour,       6 * hour,    24 * hour};
  if (attempts == 0 || attempts > waits.size()) return std::nullopt;
  auto wait = waits[attempts - 1];
  auto spread = wait * 2 / 5;
  return wait - wait / 5 + static_cast<std::int64_t>((static_cast<std::uint64_t>(spread) * dice) >> 32);
}

}  // namespace nacre::model
