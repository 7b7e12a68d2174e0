#pragma once
// What one-time secrets do, a second time and differently: a map of secrets with the moments that
// matter to them, from the state machines and tables of contracts/onetimesecret.md and from DESIGN section 6.
// Knows no rows, index or counter of partitions. It speaks in words; told() puts outcomes into the same words.

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/apply.hpp"

namespace nacre::model::testing {

class secrets_oracle {
 public:
  // What the rules must answer to `c`, about one home.
  std::string answer(const command& c) {
    now_ = c.ctx.now.value();
    client_ = c.ctx.client_prefix;
    return std::visit([&](const auto& op) { return to(op); }, c.what);
  }

  // Of every secret that was ever revealed: by how many requests it was obtained as its first reader.
  const std::map<secret_id, int>& first_readers() const { return first_readers_; }

  std::string receipt(receipt_id id, std::int64_t now) {
    now_ = now;
    auto* s = by_receipt(id);
    return s ? tell(*s) : "not_found";
  }

 private:
  using ms = std::int64_t;
  enum class fate { open, revealed, burned, expired };
  struct gate {
    std::vector<ms> tries;
    std::optional<ms> locked_at;
    // What no longer counts at `now` is dropped.
    void settle(ms now) {
      bool from_the_future = !tries.empty() && tries.front() > now + 600'000;
      bool lock_over = locked_at && (now >= *locked_at + 1'800'000 || now < *locked_at - 600'000);
      bool window_over = !locked_at && !tries.empty() && (from_the_future || now >= tries.front() + 600'000);
      if (lock_over || window_over) *this = {};
    }
    ms left(ms now) const {
      bool holds = locked_at && now < *locked_at + 1'800'000 && now >= *locked_at - 600'000;
      return holds ? *locked_at + 1'800'000 - now : 0;
    }
    bool add(ms now, std::size_t most) {
      tries.push_back(now);
      if (tries.size() >= most) locked_at = now;
      return locked_at.has_value();
    }
  };
  struct kept {
    conceal_secret made;
    ms created = 0;
    std::optional<ms> looked_at, receipt_read;
    bool generated_told = false;
    fate end = fate::open;
    std::optional<keyed_hash> key;
    ms key_until = 0;
    bool key_closed = false;
    bool time_over = false;  // of the secret, and a sweep has seen it
    gate all;
    std::map<std::string, gate> clients;
    int lifetime = 0;
    std::string memo;
    ms life() const { return ms{made.lifespan_s} * 1000; }
    ms expires() const { return created + life(); }
    ms forgotten() const { return created + 2 * life(); }
  };

  std::map<secret_id, kept> kept_;
  std::map<secret_id, int> first_readers_;
  ms now_ = 0;
  std::string client_;

  kept* viewable(secret_id id) {
    auto it = kept_.find(id);
    if (it == kept_.end() || it->second.end != fate::open || now_ >= it->second.expires()) return nullptr;
    return &it->second;
  }
  kept* claimable(secret_id id) {
    auto it = kept_.find(id);
    if (it == kept_.end() || !it->second.key || it->second.key_closed || now_ >= it->second.key_until) return nullptr;
    return &it->second;
  }
  kept* by_receipt(receipt_id id) {
    for (auto& [secret, k] : kept_)
      if (k.made.receipt == id && now_ < k.forgotten()) return &k;
    return nullptr;
  }
  std::string state(const kept& k) const {
    if (k.end == fate::revealed) return "revealed";
    if (k.end == fate::burned) return "burned";
    if (k.end == fate::expired || now_ >= k.expires()) return "expired";
    return k.receipt_read ? "previewed" : "new";
  }
  bool shows_generated(const kept& k) const {
    return k.end == fate::open && now_ < k.expires() && !k.generated_told && !k.made.sealed_generated.empty() &&
           now_ < k.created + 60'000;
  }
  std::string tell(const kept& k) const {
    return "receipt " + state(k) + (shows_generated(k) ? " with value" : "") +
           (k.end == fate::open && now_ < k.expires() ? " viewable" : "") + " memo=" + k.memo;
  }
  static std::string tell(const kept& k, std::optional<ms> looked_at) {
    return std::string("secret ") + (looked_at ? "previewed" : "new") + (k.made.has_passphrase ? " protected" : "");
  }
  static void forget_attempts(kept& k) {
    k.all = {};
    k.clients.clear();
    k.lifetime = 0;
  }

  std::string to(const conceal_secret& op) {
    kept k;
    k.made = op;
    k.created = now_;
    auto [it, fresh] = kept_.emplace(op.id, k);
    if (!fresh && it->second.made.receipt == op.receipt && it->second.created == now_) {
      auto before = it->second;
      before.generated_told = true;  // who asks again holds it
      return tell(before);
    }
    if (!fresh) return "conflict";
    return "receipt new viewable memo=";
  }
  std::string to(const preview_secret& op) {
    auto* k = viewable(op.id);
    if (!k) return "not_found";
    auto before = k->looked_at;
    if (!before) k->looked_at = now_;
    return tell(*k, before);
  }
  std::string to(const reserve_attempt& op) {
    auto* k = viewable(op.id);
    bool there = k;
    if (!k) k = claimable(op.id);
    if (!k) return "not_found";
    if (!k->made.has_passphrase) return "invalid";
    auto left = std::max(k->all.left(now_), k->clients[client_].left(now_));
    if (left > 0) return "rate_limited " + std::to_string(left);
    if (k->lifetime == 100) {
      if (!there) return "not_found";
      k->end = fate::burned;
      forget_attempts(*k);
      return "nothing";
    }
    k->all.settle(now_);
    for (auto& [prefix, g] : k->clients) g.settle(now_);
    ++k->lifetime;
    bool mine = k->clients[client_].add(now_, 5), whole = k->all.add(now_, 20);
    return mine || whole ? "last attempt" : "attempt";
  }
  std::string to(const clear_attempts& op) {
    if (auto it = kept_.find(op.id); it != kept_.end()) {
      it->second.all = {};
      it->second.clients.clear();
      if (it->second.lifetime > 0) --it->second.lifetime;
    }
    return "nothing";
  }
  std::string to(const note_lockout&) { return "nothing"; }
  std::string to(const claim_secret& op) {
    if (auto* k = viewable(op.id)) {
      if (k->made.has_passphrase && !op.passphrase_right) return "forbidden";
      k->end = fate::revealed;
      forget_attempts(*k);
      ++first_readers_[op.id];
      if (op.retry && op.retry_window_ms > 0) {
        k->key = op.retry;
        k->key_until = std::min(now_ + op.retry_window_ms, k->forgotten());
      }
      return tell(*k, k->looked_at);
    }
    auto* k = claimable(op.id);
    if (!k || !op.retry || *op.retry != *k->key || (k->made.has_passphrase && !op.passphrase_right)) return "not_found";
    k->all = {};  // right again
    k->clients.clear();
    if (k->lifetime > 0) --k->lifetime;
    return tell(*k, k->looked_at);
  }
  std::string to(const confirm_reveal& op) {
    auto it = kept_.find(op.id);
    if (it == kept_.end() || it->second.key != op.retry || now_ >= it->second.forgotten()) return "not_found";
    if (!it->second.key_closed) forget_attempts(it->second);
    it->second.key_closed = true;
    return "nothing";
  }
  std::string to(const burn_secret& op) {
    auto* k = by_receipt(op.id);
    if (!k || k->end != fate::open || now_ >= k->expires()) return "not_found";
    if (k->made.has_passphrase && !op.passphrase_right) return "forbidden";
    k->end = fate::burned;
    forget_attempts(*k);
    return tell(*k);
  }
  std::string to(const preview_receipt& op) {
    auto* k = by_receipt(op.id);
    if (!k) return "not_found";
    auto says = tell(*k);
    if (shows_generated(*k)) k->generated_told = true;
    if (state(*k) == "new") k->receipt_read = now_;
    return says;
  }
  std::string to(const set_memo& op) {
    auto* k = by_receipt(op.id);
    if (!k) return "not_found";
    k->memo = op.memo;
    return tell(*k);
  }
  // Only what must be swept and what time alone has decided already: a clock set back does not bring it back.
  std::string to(const sweep& op) {
    for (const auto& d : op.dues) {
      if (d.at.value() > now_) continue;
      for (auto it = kept_.begin(); it != kept_.end();) {
        auto& [id, k] = *it;
        bool secret = id.value() == d.id, receipt = k.made.receipt.value() == d.id, gone = false;
        if (receipt && d.kind == due_kind::secret && d.at.value() == k.expires() && !k.time_over) {
          k.time_over = true;
          if (k.end == fate::open) {
            k.end = fate::expired;
            forget_attempts(k);
          }
          gone = now_ >= k.forgotten();
        }
        if (secret && d.kind == due_kind::claim && k.key && !k.key_closed && d.at.value() == k.key_until) {
          k.key_closed = true;
          forget_attempts(k);
        }
        if (receipt && d.kind == due_kind::generated && d.at.value() == k.created + 60'000) k.generated_told = true;
        if (receipt && d.kind == due_kind::receipt && d.at.value() == k.forgotten() && k.time_over) gone = true;
        it = gone ? kept_.erase(it) : std::next(it);
      }
    }
    return "nothing";
  }
  template <class Op>
  std::string to(const Op&) {
    return "no business of one-time secrets";
  }
};

inline std::string told(const receipt_entry& e) {
  static constexpr const char* names[] = {"new", "previewed", "revealed", "burned", "expired", "orphaned"};
  return std::string("receipt ") + names[static_cast<int>(e.state)] +
         (e.sealed_generated.empty() ? "" : " with value") + (e.secret ? " viewable" : "") + " memo=" + e.record.memo;
}

inline std::string told(const outcome& o) {
  if (o.refused) {
    std::string code(name_of(o.refused->code));
    return o.budget ? code + " " + std::to_string(o.budget->reset_ms) : code;
  }
  if (const auto* e = std::get_if<secret_entry>(&o.what))
    return std::string("secret ") + (e->record.previewed ? "previewed" : "new") +
           (e->record.has_passphrase ? " protected" : "");
  if (const auto* e = std::get_if<attempt_granted>(&o.what)) return e->last ? "last attempt" : "attempt";
  if (const auto* e = std::get_if<receipt_entry>(&o.what)) return told(*e);
  return "nothing";
}

}  // namespace nacre::model::testing
