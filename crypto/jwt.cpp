// Claims and issuers: steps 5 and 8 of SECURITY-DESIGN section 1; jws.cpp holds the others.
#include "crypto/jwt.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "crypto/digest.hpp"
#include "crypto/jws.hpp"
#include "crypto/operator_file.hpp"
#include "crypto/strict_json.hpp"
#include "model/limits.hpp"

namespace nacre::crypto {
namespace {

namespace dom = simdjson::dom;

constexpr std::int64_t skew_s = 60;
constexpr std::int64_t lifetime_s_max = 24 * 3600;
constexpr std::int64_t refetch_ms_min = 60'000;
constexpr std::int64_t numeric_date_max = 253'402'300'799;  // the year 9999 ends; times 1000 fits

enum class presence : std::uint8_t { absent, given, wrong };

// RFC 7519 allows fractions and any number; we take non-negative integers only.
presence numeric_date(const dom::object& claims, std::string_view name, std::int64_t& out) {
  dom::element element;
  if (claims.at_key(name).get(element) != simdjson::SUCCESS) return presence::absent;
  if (!element.is_int64() || element.get(out) != simdjson::SUCCESS) return presence::wrong;
  return out >= 0 && out <= numeric_date_max ? presence::given : presence::wrong;
}

// An empty string says as little as an absent claim.
presence custom_text(const dom::object& claims, std::string_view name, std::size_t bytes_max,
                     std::optional<std::string>& out) {
  if (!has(claims, name)) return presence::absent;
  const auto text = string_member(claims, name);
  if (!text) return presence::wrong;
  if (text->empty()) return presence::absent;
  if (!is_plain_text(*text, bytes_max)) return presence::wrong;
  out.emplace(*text);
  return presence::given;
}

jwt_refusal judge_times(const dom::object& claims, timestamp now, jwt_claims& out) {
  std::int64_t exp = 0, nbf = 0, iat = 0;
  if (numeric_date(claims, "exp", exp) != presence::given) return jwt_refusal::claims;
  const auto has_nbf = numeric_date(claims, "nbf", nbf);
  const auto has_iat = numeric_date(claims, "iat", iat);
  if (has_nbf == presence::wrong || has_iat == presence::wrong) return jwt_refusal::claims;
  const std::int64_t now_ms = now.value();
  if (now_ms >= (exp + skew_s) * 1000) return jwt_refusal::expired;
  const auto is_ahead = [&](std::int64_t seconds) { return (seconds - skew_s) * 1000 > now_ms; };
  if ((has_nbf == presence::given && is_ahead(nbf)) || (has_iat == presence::given && is_ahead(iat)))
    return jwt_refusal::not_yet_valid;
  // A token without `iat` cannot have been issued later than now, give or take the skew.
  const std::int64_t issued = has_iat == presence::given ? iat : now_ms / 1000 + skew_s;
  if (exp - issued > lifetime_s_max || (has_iat == presence::given && exp <= iat)) return jwt_refusal::lifetime;
  out.expires_s = exp;
  return jwt_refusal::none;
}

jwt_refusal judge_audience(const dom::object& claims, const issuer_config& issuer) {
  dom::element aud;
  if (claims.at_key("aud").get(aud) != simdjson::SUCCESS) return jwt_refusal::claims;
  bool is_ours = false, is_id_token = false;
  const auto take = [&](const dom::element& e) {
    std::string_view name;
    if (e.get(name) != simdjson::SUCCESS) return false;
    is_ours = is_ours || name == issuer.audience;
    is_id_token =
        is_id_token || std::find(issuer.client_ids.begin(), issuer.client_ids.end(), name) != issuer.client_ids.end();
    return true;
  };
  if (dom::array several; aud.get(several) == simdjson::SUCCESS) {
    for (const dom::element each : several)
      if (!take(each)) return jwt_refusal::claims;
  } else if (!take(aud)) {
    return jwt_refusal::claims;
  }
  return is_ours && !is_id_token ? jwt_refusal::none : jwt_refusal::audience;
}

jwt_refusal judge_claims(const dom::object& claims, const issuer_config& issuer, timestamp now, jwt_claims& out) {
  if (string_member(claims, "iss") != issuer.issuer) return jwt_refusal::claims;
  if (has(claims, "nonce")) return jwt_refusal::claims;  // an ID token
  const auto sub = string_member(claims, "sub");
  if (!sub || !is_plain_text(*sub, limits::subject_bytes_max)) return jwt_refusal::claims;
  constexpr std::size_t name_bytes_max = 4 * limits::name_chars_max;
  if (custom_text(claims, "email", limits::email_bytes_max, out.email) == presence::wrong) return jwt_refusal::claims;
  // Other issuers may mean anything by these names, and of any type.
  if (issuer.trust_roles && (custom_text(claims, "ws", limits::subject_bytes_max, out.workspace) == presence::wrong ||
                             custom_text(claims, "ws_name", name_bytes_max, out.workspace_name) == presence::wrong ||
                             custom_text(claims, "role", limits::subject_bytes_max, out.role) == presence::wrong))
    return jwt_refusal::claims;
  // Of another type or length it gives no right, and takes none from who signs in for other things.
  if (issuer.trust_scopes && custom_text(claims, "scope", limits::jwt_scope_bytes_max, out.scope) == presence::wrong)
    out.scope.reset();
  if (const auto refusal = judge_times(claims, now, out); refusal != jwt_refusal::none) return refusal;
  if (const auto refusal = judge_audience(claims, issuer); refusal != jwt_refusal::none) return refusal;

  out.issuer = issuer.issuer;
  out.subject = *sub;
  out.trust_roles = issuer.trust_roles;
  out.subject_is_user_id = issuer.subject_is_user_id;
  // OpenID Connect Core 5.1: an address nobody has verified does not identify anybody.
  if (has(claims, "email_verified")) {
    bool verified = false;
    if (claims.at_key("email_verified").get(verified) != simdjson::SUCCESS)
      verified = string_member(claims, "email_verified") == "true";  // as some issuers write it
    if (!verified) out.email.reset();
  }
  return jwt_refusal::none;
}

// One issuer and its current keys. Readers copy a shared_ptr under a shared lock: libstdc++ 12's
// atomic<shared_ptr>::load unlocks with relaxed order, which is a data race on paper and under TSan.
class source {
 public:
  explicit source(issuer_config config) : config_(std::move(config)) {}

  const issuer_config& config() const { return config_; }
  std::shared_ptr<const key_set> keys() const {
    const std::shared_lock lock{swap_};
    return keys_;
  }
  bool allows(jwt_algorithm algorithm) const {
    const auto& allowed = config_.algorithms;
    return allowed.empty() || std::find(allowed.begin(), allowed.end(), algorithm) != allowed.end();
  }

  // Callers hold the authenticator's reload lock. True: another set is in use now. Whatever fails
  // (`invalid`, naming issuer and file), the set in use stays; the file is read again next time, because a writer may
  // be half-way.
  result<bool> reread(bool even_if_unchanged) {
    if (!even_if_unchanged && stamp_of(config_.jwks_file) == stamp_ && stamp_ != file_stamp{}) return false;
    const auto file = read_operator_file(config_.jwks_file, jwks_bytes_max, file_privacy::owner_writes);
    if (!file) return wrong(file.error().text);
    const bool others_may_read = (file->mode & 07) != 0;
    const digest content = sha256(file->content.view());
    if (keys_ && content == content_) {
      if (others_may_read && holds_secrets(*keys_)) return wrong(readable_secret);
      stamp_ = file->stamp;
      return false;
    }
    auto set = key_set::parse(file->content.view(), true);
    if (!set) return wrong(set.error().text);
    if (others_may_read && holds_secrets(**set)) return wrong(readable_secret);
    // At start an oversight; later, an operator who withdraws the only key.
    if (!keys_ && (*set)->size() == 0) return wrong("the key set holds no usable key");
    stamp_ = file->stamp;
    content_ = content;
    const std::unique_lock lock{swap_};
    keys_.swap(*set);  // the old set is freed after the lock, by whoever uses it last
    return true;
  }

  // At most one per 60 s, whatever the number of unknown kids.
  bool claim_refetch(timestamp now) {
    std::int64_t last = refetched_ms_.load(std::memory_order_relaxed);
    const std::int64_t ms = now.value();
    if (last != never && ms >= last && ms - last < refetch_ms_min) return false;
    return refetched_ms_.compare_exchange_strong(last, ms, std::memory_order_relaxed);
  }

 private:
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();
  static constexpr std::string_view readable_secret = "it holds a symmetric key and must not be accessible to others";

  // Who reads a symmetric key can sign with it.
  static bool holds_secrets(const key_set& set) {
    return std::any_of(set.keys().begin(), set.keys().end(),
                       [](const verification_key& key) { return key.algorithm == jwt_algorithm::hs256; });
  }
  tl::unexpected<error> wrong(std::string_view reason) const {
    return fail(errc::invalid, "the key set of issuer " + config_.issuer + " (" + config_.jwks_file.string() +
                                   "): " + std::string(reason));
  }

  const issuer_config config_;
  mutable std::shared_mutex swap_;
  std::shared_ptr<const key_set> keys_;
  file_stamp stamp_;
  digest content_{};
  std::atomic<std::int64_t> refetched_ms_{never};
};

class file_authenticator final : public authenticator {
 public:
  explicit file_authenticator(std::vector<std::unique_ptr<source>> sources) : sources_(std::move(sources)) {}

  result<jwt_claims> verify(std::string_view compact, timestamp now, jwt_refusal* why) const override {
    jwt_claims claims;
    const jwt_refusal refusal = judge(compact, now, claims);
    if (why != nullptr) *why = refusal;
    if (refusal != jwt_refusal::none) return fail(errc::unauthenticated, "the access token is not valid");
    return claims;
  }

  reload_report reload() override {
    const std::lock_guard lock{reload_};
    reload_report done;
    for (const auto& each : sources_) {
      auto changed = each->reread(false);
      if (!changed)
        done.failures.push_back(std::move(changed.error().text));
      else if (*changed)
        ++done.changed;
    }
    generation_ += done.changed;
    return done;
  }

  std::uint64_t generation() const override { return generation_; }

 private:
  source* find(std::string_view issuer) const {
    const auto found = std::find_if(sources_.begin(), sources_.end(),
                                    [&](const auto& each) { return each->config().issuer == issuer; });
    return found == sources_.end() ? nullptr : found->get();
  }

  bool refetch(source& from, timestamp now) const {
    if (!from.claim_refetch(now)) return false;
    const std::lock_guard lock{reload_};
    const bool changed = from.reread(true).value_or(false);
    if (changed) ++generation_;
    return changed;
  }

  jwt_refusal judge(std::string_view compact, timestamp now, jwt_claims& out) const {
    compact_jws jws;
    if (const auto refusal = parse_compact(compact, jws); refusal != jwt_refusal::none) return refusal;

    // Nothing of the payload but `iss` is believed before the signature is checked.
    thread_local json_reader reader{jws_payload_bytes_max};
    const auto claims = reader.read(jws.payload);
    if (!claims) return jwt_refusal::claims;
    const auto iss = string_member(*claims, "iss");
    source* const issuer = iss ? find(*iss) : nullptr;
    if (issuer == nullptr) return jwt_refusal::unknown_issuer;

    auto keys = issuer->keys();
    const verification_key* key = keys->find(jws.kid);
    if (key == nullptr && jws.kid && refetch(*issuer, now)) {
      keys = issuer->keys();
      key = keys->find(jws.kid);
    }
    if (key == nullptr) return jwt_refusal::unknown_key;
    if (!issuer->allows(key->algorithm)) return jwt_refusal::algorithm;
    if (const auto refusal = check_signature(jws, *key); refusal != jwt_refusal::none) return refusal;
    return judge_claims(*claims, issuer->config(), now, out);
  }

  const std::vector<std::unique_ptr<source>> sources_;
  mutable std::mutex reload_;  // one reread at a time; verification does not take it
  mutable std::atomic<std::uint64_t> generation_{1};
};

result<void> check_config(const issuer_config& issuer) {
  if (!is_plain_text(issuer.issuer, limits::issuer_bytes_max)) return fail(errc::invalid, "an issuer needs a name");
  if (issuer.audience.empty()) return fail(errc::invalid, "an issuer needs an audience");
  const auto& ids = issuer.client_ids;
  if (std::find(ids.begin(), ids.end(), issuer.audience) != ids.end())
    return fail(errc::invalid, "an issuer's audience must not be one of its client ids");
  return {};
}

}  // namespace

std::string_view name_of(jwt_refusal r) {
  switch (r) {
    case jwt_refusal::none:
      return "none";
    case jwt_refusal::malformed:
      return "malformed";
    case jwt_refusal::header:
      return "header";
    case jwt_refusal::unknown_issuer:
      return "unknown_issuer";
    case jwt_refusal::unknown_key:
      return "unknown_key";
    case jwt_refusal::algorithm:
      return "algorithm";
    case jwt_refusal::signature:
      return "signature";
    case jwt_refusal::claims:
      return "claims";
    case jwt_refusal::expired:
      return "expired";
    case jwt_refusal::not_yet_valid:
      return "not_yet_valid";
    case jwt_refusal::lifetime:
      return "lifetime";
    case jwt_refusal::audience:
      return "audience";
  }
  return "unknown";
}

result<std::unique_ptr<authenticator>> make_authenticator(std::vector<issuer_config> issuers) {
  std::vector<std::unique_ptr<source>> sources;
  for (auto& issuer : issuers) {
    if (auto checked = check_config(issuer); !checked) return tl::make_unexpected(std::move(checked.error()));
    for (const auto& other : sources)
      if (other->config().issuer == issuer.issuer) return fail(errc::invalid, "an issuer is configured twice");
    auto made = std::make_unique<source>(std::move(issuer));
    if (const auto read = made->reread(true); !read) return tl::make_unexpected(read.error());
    sources.push_back(std::move(made));
  }
  return std::unique_ptr<authenticator>{std::make_unique<file_authenticator>(std::move(sources))};
}

}  // namespace nacre::crypto
