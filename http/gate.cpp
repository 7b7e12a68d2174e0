#include "http/gate.hpp"

#include <algorithm>
#include <array>
#include <list>
#include <mutex>
#include <unordered_map>

#include "crypto/digest.hpp"
#include "crypto/random.hpp"
#include "crypto/token.hpp"
#include "http/cluster_view.hpp"
#include "http/families/onetime/asking.hpp"
#include "http/text.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/policy.hpp"
#include "model/text.hpp"

namespace nacre::http {

namespace {

constexpr std::size_t token_chars_min = 16, token_chars_max = 512;
constexpr std::int64_t remark_every_ms = 1'000;

auto unauthenticated() { return fail(errc::unauthenticated, "Authentication failed"); }

bool among(const std::vector<model::token_family>& families, model::token_family f) {
  return std::find(families.begin(), families.end(), f) != families.end();
}

// "Bearer" in any case, one space, then the credential (RFC 6750 section 2.1).
std::optional<std::string_view> bearer(std::string_view value) {
  constexpr std::string_view scheme = "bearer ";
  if (value.size() <= scheme.size() || value.size() > scheme.size() + limits::bearer_bytes_max) return std::nullopt;
  if (!same_word(value.substr(0, scheme.size()), scheme)) return std::nullopt;
  auto credential = value.substr(scheme.size());
  if (printable_run(credential) != credential.size() || credential.find(' ') != std::string_view::npos)
    return std::nullopt;
  return credential;
}

// The whole value, or what follows "Bearer" in any case and any amount of white space.
std::optional<std::string_view> bare_or_bearer(std::string_view value) {
  constexpr std::string_view scheme = "bearer";
  if (value.size() > scheme.size() && same_word(value.substr(0, scheme.size()), scheme) &&
      (value[scheme.size()] == ' ' || value[scheme.size()] == '\t')) {
    value.remove_prefix(scheme.size());
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  }
  if (value.empty() || value.size() > limits::bearer_bytes_max) return std::nullopt;
  if (printable_run(value) != value.size() || value.find(' ') != std::string_view::npos) return std::nullopt;
  return value;
}

// The address the PAT's workspace knows its owner by (it may be empty), if Basic's user name says this owner, by
// id or by that address, and the owner is a member still: what goes by a link asks nobody about membership later.
std::optional<std::string> email_of_account(const model::view& v, const principal& p, std::string_view name,
                                            timestamp now) {
  model::context ctx;
  ctx.workspace = *p.bound_to;
  ctx.who = p.who;
  ctx.now = now;
  auto owner = model::stand(v, ctx, model::scope_read);
  if (!owner) return std::nullopt;
  auto id = parse_uuid(name);
  bool named = (id && user_id{*id} == p.who.user) || (!owner->me.email.empty() && same_word(name, owner->me.email));
  if (!named) return std::nullopt;
  return std::move(owner->me.email);
}

principal principal_of(workspace_id ws, pat_id id, const model::pat_record& record, const model::keyed_hash& lookup) {
  principal p;
  p.who.via = model::caller::kind::pat;
  p.who.user = record.owner;
  p.who.pat = id;
  p.who.scopes = model::implied(record.scopes);
  p.bound_to = ws;
  p.expires = model::end_of(record, lookup);
  p.narrowed = !record.only.none();
  p.outgoing = record.lookup != lookup;
  return p;
}

bool has_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const auto end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

// Why a token is not good, for the count of failures; empty if it was not the token's fault.
std::string_view word_for(errc code, std::string_view unknown) {
  if (code == errc::token_revoked) return "revoked";
  if (code == errc::token_expired) return "expired";
  if (code == errc::forbidden) return "address";
  return code == errc::unauthenticated ? unknown : "";
}

}  // namespace

std::optional<std::string_view> credential_of(std::string_view authorization, bool bare) {
  return bare ? bare_or_bearer(authorization) : bearer(authorization);
}

// Two dots, and a first byte '{' in base64url: "ey" for most, "ew" where white space follows.
bool looks_like_jwt(std::string_view credential) {
  if (!credential.starts_with("ey") && !credential.starts_with("ew")) return false;
  constexpr auto none = std::string_view::npos;
  auto first = credential.find('.'), second = first == none ? none : credential.find('.', first + 1);
  return second != none && credential.find('.', second + 1) == none;
}

std::optional<user_id> user_of(const crypto::jwt_claims& claims) {
  if (claims.subject_is_user_id) {
    auto id = parse_uuid(claims.subject);
    if (!id || id->is_nil()) return std::nullopt;
    return user_id{*id};
  }
  auto digest =
      crypto::sha256(model::writer{}.bytes("nacre/user/v1").bytes(claims.issuer).bytes(claims.subject).view());
  uuid id;
  std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x80);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return user_id{id};
}

// Verified tokens, least recently verified first out. Sharded: every request passes here.
class gate::cache {
 public:
  cache(std::size_t entries, std::chrono::milliseconds keep)
      : per_shard_(entries == 0 ? 0 : std::max<std::size_t>(1, entries / shards_count)), keep_ms_(keep.count()) {}

  std::optional<principal> find(const std::string& key, std::uint64_t generation, timestamp now) {
    auto& s = shard_of(key);
    std::lock_guard lock(s.mutex);
    auto it = s.entries.find(key);
    if (it == s.entries.end()) return std::nullopt;
    if (it->second.generation != generation || now >= it->second.until) {
      s.order.erase(it->second.place);
      s.entries.erase(it);
      return std::nullopt;
    }
    return it->second.who;
  }

  void keep(const std::string& key, principal who, std::uint64_t generation, timestamp now, timestamp expires) {
    if (per_shard_ == 0) return;
    auto& s = shard_of(key);
    auto until = std::min(expires, after(now, keep_ms_));
    std::lock_guard lock(s.mutex);
    if (s.entries.contains(key)) return;
    if (s.entries.size() >= per_shard_) {
      s.entries.erase(s.order.front());
      s.order.pop_front();
    }
    s.order.push_back(key);
    s.entries.emplace(key, entry{std::move(who), generation, until, std::prev(s.order.end())});
  }

 private:
  static constexpr std::size_t shards_count = 16;
  struct entry {
    principal who;
    std::uint64_t generation;
    timestamp until;
    std::list<std::string>::iterator place;
  };
  struct shard {
    std::mutex mutex;
    std::unordered_map<std::string, entry> entries;
    std::list<std::string> order;
  };
  shard& shard_of(const std::string& key) { return shards_[static_cast<unsigned char>(key[0]) % shards_count]; }

  const std::size_t per_shard_;
  const std::int64_t keep_ms_;
  std::array<shard, shards_count> shards_;
};

gate::gate(actors::service& service, const crypto::authenticator& tokens, const crypto::keyring& keys,
           const nacre::clock& time, gate_settings s)
    : service_(service),
      tokens_(tokens),
      keys_(keys),
      time_(time),
      settings_(std::move(s)),
      cache_(std::make_unique<cache>(settings_.cache_entries, settings_.cache_for)),
      checked_(settings_.checked_entries) {}

gate::~gate() = default;

void gate::note_failure(std::string_view why) {
  service_.note_auth_failure(why);
  if (settings_.failed) settings_.failed(why);
}

void gate::note_failed(const error& why) {
  if (auto word = word_for(why.code, "token"); !word.empty()) note_failure(word);
}

void gate::authenticate(const request& r, model::token_family family, unique_function<void(result<principal>)> done) {
  const auto* header = r.find("authorization");
  if (!header) {
    note_failure("missing");
    return done(unauthenticated());
  }
  auto credential = credential_of(*header, family == model::token_family::unleash);
  if (!credential) {
    note_failure("scheme");
    return done(unauthenticated());
  }
  if (looks_like_jwt(*credential)) return by_jwt(*credential, r, std::move(done));
  by_pat({*credential, family}, r, std::move(done));
}

void gate::authenticate_basic(const request& r, unique_function<void(result<principal>)> done) {
  const auto* header = r.find("authorization");
  if (!header) {
    note_failure("missing");
    return done(fail(errc::unauthenticated, "[CREDENTIALS_MISSING] An account is required"));
  }
  auto sent = onetime::parse_basic(*header);
  if (!sent) {
    note_failure("scheme");
    return done(fail(sent.error()));
  }
  by_pat({sent->password.view(), model::token_family::alephant, std::string(sent->user.view())}, r,
         [done = std::move(done)](result<principal> who) mutable {
           if (who) return done(std::move(who));
           auto code = who.error().code;
           bool bad = code == errc::unauthenticated || code == errc::token_revoked || code == errc::token_expired;
           done(bad ? fail(errc::unauthenticated, "[CREDENTIALS_INVALID] Invalid credentials") : fail(who.error()));
         });
}

void gate::by_jwt(std::string_view compact, const request& r, unique_function<void(result<principal>)> done) {
  auto now = time_.now();
  auto digest = crypto::sha256(compact);
  std::string key(crypto::view(digest));
  auto generation = tokens_.generation();
  if (auto known = cache_->find(key, generation, now)) return done(std::move(*known));

  crypto::jwt_refusal why{};
  auto claims = tokens_.verify(compact, now, &why);
  auto user = claims ? user_of(*claims) : std::nullopt;
  if (!user) {
    note_failure(claims ? "subject" : crypto::name_of(why));
    return done(unauthenticated());
  }
  principal p;
  p.who.via = model::caller::kind::jwt;
  p.who.user = *user;
  p.who.issuer = claims->issuer;
  p.who.subject = claims->subject;
  p.email = claims->email && model::check_email(*claims->email) ? *claims->email : "";
  p.operates = claims->scope && has_word(*claims->scope, operator_scope);
  if (claims->trust_roles && claims->workspace)
    if (auto ws = parse_uuid(*claims->workspace); ws && !ws->is_nil()) p.claimed = workspace_id{*ws};
  if (claims->trust_roles && claims->workspace && claims->role)
    return admit_claimed(*claims, std::move(p), r, {key, generation}, std::move(done));
  cache_->keep(key, p, generation, now, timestamp{claims->expires_s * 1000});
  done(std::move(p));
}

// "Workspace, user and role named in such a JWT come into being at first use": what is there already
// is left alone, so a later token cannot undo what an owner decided.
void gate::admit_claimed(const crypto::jwt_claims& claims, principal p, const request& r, verified token,
                         unique_function<void(result<principal>)> done) {
  auto ws = parse_uuid(*claims.workspace);
  auto role = model::parse_role(*claims.role);
  if (!ws || ws->is_nil() || !role) {
    note_failure("claims");
    return done(unauthenticated());
  }
  timestamp expires{claims.expires_s * 1000};
  auto name = claims.workspace_name.value_or("");
  if (!model::check_name("ws_name", name, limits::name_chars_max)) name = "Workspace " + claims.workspace->substr(0, 8);

  actors::order o;
  // An act of its own: the request that brought the token goes on under its own id.
  o.ctx.request = request_id{crypto::random_uuid()};
  o.ctx.workspace = workspace_id{*ws};
  o.ctx.now = time_.now();
  o.ctx.who = p.who;
  o.ctx.client_prefix = r.client.audit_prefix();
  o.ctx.node = settings_.node;
  o.what = actors::admit_claimed{std::move(name), p.email, *role};
  o.deadline = r.deadline;
  auto finish = [this, p = std::move(p), token = std::move(token), expires,
                 done = std::move(done)](result<void> admitted) mutable {
    if (!admitted) return done(fail(admitted.error()));
    cache_->keep(token.cache_key, p, token.generation, time_.now(), expires);
    done(std::move(p));
  };
  service_.query(
      o.ctx.workspace, o.deadline,
      [this, o = std::move(o), finish = std::move(finish)](result<std::shared_ptr<const model::view>> current) mutable {
        if (!current) return finish(fail(current.error()));
        auto member = (*current)->get(model::space::state, model::keys::member(o.ctx.workspace, o.ctx.who.user));
        if (!(*current)->trustworthy()) return finish(fail(errc::storage_failed, "Stored state could not be read"));
        if (member) return finish({});
        // A refusal by the rules (a deleted workspace) is met again, and answered, by the request itself.
        o.reply = [finish = std::move(finish)](actors::answer a) mutable {
          const auto& refused = a.outcome.refused;
          if (refused && refused->code != errc::forbidden && refused->code != errc::conflict)
            return finish(fail(*refused));
          finish({});
        };
        service_.submit(std::move(o));
      });
}

void gate::find(const question& asked, unique_function<void(result<found_token>)> done) {
  seek(asked,
       [done = std::move(done)](result<found_token> found, std::string_view) mutable { done(std::move(found)); });
}

void gate::seek(const question& asked, sought done) {
  auto shape = crypto::check_token(keys_, asked.token);
  bool ours = shape.check == crypto::token_check::ours;
  bool plausible = asked.token.size() >= token_chars_min && asked.token.size() <= token_chars_max;
  bool imported =
      !ours && plausible && expects_imported_tokens() && among(asked.families, model::token_family::alephant);
  if (!imported && !(ours && among(asked.families, *shape.family)))
    return done(unauthenticated(), ours ? "family" : "checksum");

  auto lookup = keys_.token_lookup(asked.token);
  auto look = [this, lookup, ours, asked,
               done = std::move(done)](result<std::shared_ptr<const model::view>> current) mutable {
    if (!current) return done(fail(current.error()), {});
    auto found = model::find_token(**current, crypto::view(lookup),
                                   ours ? model::token_origin::issued : model::token_origin::imported);
    if (!(*current)->trustworthy()) return done(fail(errc::storage_failed, "Stored state could not be read"), {});
    if (!found || !among(asked.families, found->record.family)) return done(unauthenticated(), "unknown");
    auto now = time_.now();
    auto worth = model::judge(found->record, lookup, now, asked.client);
    if (!worth) {
      if (!found->record.revoked && model::is_retired(found->record, lookup, now))
        service_.note_reuse(found->workspace, found->id);
      auto why = word_for(worth.error().code, found->record.lookup == lookup ? "early" : "unknown");
      return done(fail(worth.error()), why);
    }
    std::string email;
    if (asked.user_name) {
      auto who = principal_of(found->workspace, found->id, found->record, lookup);
      auto named = email_of_account(**current, who, *asked.user_name, now);
      if (!(*current)->trustworthy()) return done(fail(errc::storage_failed, "Stored state could not be read"), {});
      if (!named) return done(unauthenticated(), "user");
      email = std::move(*named);
    }
    if (asked.counts) service_.note_use(found->workspace, found->id, now);
    bool settled = worth->counted || worth->retires_previous;
    found_token token{std::move(*found), std::move(*current), lookup, settled, std::move(email)};
    if (!settled || !asked.counts) return done(std::move(token), {});
    settle_use(std::move(token), *worth, asked, std::move(done));
  };
  if (asked.age_max && service_.local_age() <= *asked.age_max) return look(service_.local_view());
  service_.query({}, asked.deadline, std::move(look));
}

void gate::settle_use(found_token found, model::presented worth, const question& asked, sought done) {
  actors::order o;
  o.ctx.request = request_id{crypto::random_uuid()};
  o.ctx.workspace = found.token.workspace;
  o.ctx.now = time_.now();
  o.ctx.who.via = model::caller::kind::system;
  o.ctx.client_prefix = asked.client_prefix;
  o.ctx.node = settings_.node;
  o.deadline = asked.deadline;
  // A use that is one too many is none, and ends nothing.
  if (worth.counted) {
    o.what = model::operation{model::count_use{found.token.id}};
    worth.counted = false;
  } else {
    o.what = model::operation{model::retire_previous{found.token.id, found.token.record.previous->lookup}};
    worth.retires_previous = false;
  }
  o.reply = [this, found = std::move(found), worth, asked, done = std::move(done)](actors::answer a) mutable {
    if (a.outcome.refused) {
      auto why = word_for(a.outcome.refused->code, "unknown");
      return done(fail(std::move(*a.outcome.refused)), why);
    }
    if (worth.retires_previous) return settle_use(std::move(found), worth, asked, std::move(done));
    done(std::move(found), {});
  };
  service_.submit(std::move(o));
}

checked_tokens::entry gate::recall(const crypto::digest& name, std::string_view client, timestamp now) {
  auto known = checked_.find(name, service_.changes());
  if (!known || !known->is_good(now, client)) return nullptr;
  if (auto noted = known->noted_ms.load(std::memory_order_relaxed); now.value() - noted >= remark_every_ms) {
    known->noted_ms.store(now.value(), std::memory_order_relaxed);
    service_.note_use(known->workspace, known->id, now);
  }
  return known;
}

result<checked_tokens::entry> gate::remember(const crypto::digest& name, found_token&& found, timestamp now,
                                             std::uint64_t stamp) {
  auto known = weigh(name, std::move(found.token), found.lookup, *found.seen, now, stamp);
  if (known && !found.settled_each_time) checked_.keep(*known);
  return known;
}

void gate::by_pat(presented what, const request& r, unique_function<void(result<principal>)> done) {
  // An account's e-mail address is part of its credential: that is read.
  if (!recalls() || what.user_name) return by_pat_anew(std::move(what), {}, r, std::move(done));
  auto name = crypto::sha256(what.token);
  auto recalled = [this, family = what.family, name, &r]() -> std::optional<principal> {
    auto known = recall(name, r.client.text, time_.now());
    if (!known || known->record.family != family) return std::nullopt;
    return principal_of(known->workspace, known->id, known->record, known->lookup);
  };
  if (service_.local_age().count() == 0) {
    if (auto who = recalled()) return done(std::move(*who));
    return by_pat_anew(std::move(what), name, r, std::move(done));
  }
  service_.when_current(r.deadline, [this, recalled, what = std::move(what), name, &r,
                                     done = std::move(done)](result<void> current) mutable {
    if (!current) return done(fail(current.error()));
    if (auto who = recalled()) return done(std::move(*who));
    by_pat_anew(std::move(what), name, r, std::move(done));
  });
}

void gate::by_pat_anew(presented what, const crypto::digest& name, const request& r,
                       unique_function<void(result<principal>)> done) {
  question asked{what.token, {what.family}, model::parse_address(r.client.text), r.client.audit_prefix(), r.deadline};
  asked.user_name = std::move(what.user_name);
  auto stamp = service_.changes().stamp();
  seek(asked, [this, named = asked.user_name.has_value(), name, stamp, done = std::move(done)](
                  result<found_token> found, std::string_view why) mutable {
    if (!found) {
      if (!why.empty()) note_failure(why);
      return done(fail(found.error()));
    }
    const auto& token = found->token;
    auto p = principal_of(token.workspace, token.id, token.record, found->lookup);
    if (named) {
      p.email = std::move(found->email);
    } else if (recalls()) {
      // Of an owner who has left nothing is remembered; the request itself finds that out in its own words.
      (void)remember(name, std::move(*found), time_.now(), stamp);
    }
    done(std::move(p));
  });
}

}  // namespace nacre::http
