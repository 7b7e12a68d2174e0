#include <algorithm>

#include "model/asks.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/load.hpp"
#include "model/secret_rules.hpp"
#include "model/webhooks.hpp"

namespace nacre::model {

namespace {

timestamp before_expiry(timestamp expires, std::int64_t days) {
  return std::max(time_min, after(expires, -days * 86'400'000));
}

class sweeping {
 public:
  sweeping(state& st, const context& ctx) : st_(st), ctx_(ctx), ws_(ctx.workspace) {}

  void handle(const due& d) {
    if (d.at > ctx_.now) return;
    auto row = keys::due_at(d.at, ws_, d.kind, d.id);
    if (!st_.get(space::index, row)) return handle_of_format_2(d);
    st_.erase(space::index, row);
    switch (d.kind) {
      case due_kind::secret:
        return expire(receipt_id{d.id});
      case due_kind::receipt:
        return forget(receipt_id{d.id});
      case due_kind::claim:
        return end_claim(secret_id{d.id});
      case due_kind::pat_claim:
        return st_.erase(space::state, keys::pat_claim(ws_, d.id));
      case due_kind::generated:
        return st_.erase(space::sealed, keys::sealed_generated(ws_, receipt_id{d.id}));
      case due_kind::pat_expiring:
        return remind(pat_id{d.id}, d.at);
      case due_kind::ask:
        return sweep_ask(st_, ctx_, ask_id{d.id});
    }
  }

 private:
  // A log may still hold sweeps from before format 3 (format_3.hpp), and a node may come to them after its rows were
  // rewritten: then a secret was named by itself, and its receipt was due before that had been handled.
  void handle_of_format_2(const due& d) {
    if (d.kind == due_kind::secret) {
      auto held = load_secret(st_, ws_, secret_id{d.id});
      if (!held || held->record.expires() != d.at) return;
      const auto receipt = held->record.receipt;
      auto row = keys::due_at(d.at, ws_, due_kind::secret, receipt.value());
      if (!st_.get(space::index, row)) return;
      st_.erase(space::index, row);
      expire(receipt);
    } else if (d.kind == due_kind::receipt) {
      auto receipt = load_receipt(st_, ws_, receipt_id{d.id});
      if (!receipt || receipt->expires() != d.at) return;
      auto row = keys::due_at(receipt->secret_expires(), ws_, due_kind::secret, d.id);
      if (!st_.get(space::index, row)) return;
      st_.erase(space::index, row);
      forget(receipt_id{d.id});
    }
  }

  // The time of its secret is over, whatever became of it: the receipt is next.
  void expire(receipt_id id) {
    auto receipt = load_receipt(st_, ws_, id);
    if (!receipt) return;
    if (receipt->expires() <= ctx_.now) return forget(id);  // nobody looked for so long that it is due as well
    if (receipt->end == receipt_end::open) end_expired(id, *receipt);
    put_due(st_, ws_, receipt->expires(), due_kind::receipt, id.value());
  }

  void end_expired(receipt_id id, const receipt_record& receipt) {
    auto held = load_secret(st_, ws_, receipt.secret);
    // Orphaned, or the id was taken a second time.
    if (!held || held->record.receipt != id || held->record.expires() > ctx_.now) return;
    end_secret(st_, ctx_, receipt.secret, *held, receipt_end::expired, held->record.expires());
  }

  // Unless its expiry has been changed since, it has been revoked, or it is too late to say so.
  void remind(pat_id id, timestamp due) {
    auto pat = load<pat_record>(st_, space::state, keys::pat(ws_, id));
    if (!pat || pat->revoked || !pat->expires || *pat->expires <= ctx_.now) return;
    for (auto days : limits::expiry_reminder_days)
      if (before_expiry(*pat->expires, days) == due)
        emit(st_, ctx_, {event_type::pat_expiring, text_of(id), static_cast<std::uint32_t>(days)});
    put_expiry_reminder(st_, ws_, id, *pat, due);
  }

  void forget(receipt_id id) {
    auto receipt = load_receipt(st_, ws_, id);
    if (receipt && receipt->end == receipt_end::open) {
      end_expired(id, *receipt);
      receipt = load_receipt(st_, ws_, id);
    }
    if (!receipt) return;
    if (auto claim = load<claim_record>(st_, space::state, keys::claim(ws_, receipt->secret));
        claim && claim->secret.receipt == id) {
      close_claim(st_, ws_, receipt->secret, *claim);
      st_.erase(space::state, keys::claim(ws_, receipt->secret));
    }
    if (!receipt->owner.value().is_nil()) {
      st_.erase(space::state, keys::owned_receipt(ws_, receipt->owner, receipt->updated, id));
      st_.erase(space::index, keys::one_time(receipt->secret.value()));
      st_.erase(space::sealed, keys::sealed_receipt(ws_, id));
    }
    st_.erase(space::state, keys::receipt(ws_, id));
    if (receipt->secret != namesake(id)) st_.erase(space::index, keys::one_time(id.value()));
  }

  // Nor by a node whose clock is late: what was sealed is gone.
  void end_claim(secret_id id) {
    auto claim = load<claim_record>(st_, space::state, keys::claim(ws_, id));
    if (claim && !claim->confirmed && claim->until <= ctx_.now) close_claim(st_, ws_, id, *claim);
  }

  state& st_;
  const context& ctx_;
  workspace_id ws_;
};

}  // namespace

outcome apply_to(state& st, const context& ctx, const sweep& op) {
  if (ctx.who.via != caller::kind::system) return refuse(errc::forbidden, "Only nacre itself sweeps");
  sweeping all(st, ctx);
  for (const auto& d : op.dues) all.handle(d);
  return {};
}

void put_due(state& st, workspace_id ws, timestamp at, due_kind kind, const uuid& id) {
  st.put(space::index, keys::due_at(at, ws, kind, id), "");
}

void put_expiry_reminder(state& st, workspace_id ws, pat_id id, const pat_record& pat, timestamp later_than) {
  if (!pat.expires) return;
  for (auto days : limits::expiry_reminder_days) {
    auto at = before_expiry(*pat.expires, days);
    if (at > later_than) return put_due(st, ws, at, due_kind::pat_expiring, id.value());
  }
}

void each_due(const view& v, timestamp since, timestamp now, const std::function<bool(const due_in&)>& visit) {
  v.scan(space::index, keys::dues_from(since), keys::dues_from(after(now, 1)),
         [&](std::string_view key, std::string_view) {
           constexpr std::uint64_t sign = std::uint64_t{1} << 63;
           reader r(key);
           r.u8();
           due_in d;
           d.what.at = timestamp{static_cast<std::int64_t>(r.u64() ^ sign)};
           d.workspace = r.id_as<workspace_id>();
           auto kind = r.u8();
           d.what.id = r.id();
           if (!r.finished() || kind < 1 || kind > due_kinds) return v.mark_undecodable(), false;
           d.what.kind = static_cast<due_kind>(kind);
           return visit(d);
         });
}

}  // namespace nacre::model
