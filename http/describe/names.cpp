#include "http/describe/names.hpp"

#include <algorithm>

#include "http/call.hpp"
#include "http/families/onetime/flow.hpp"
#include "http/families/onetime/objects.hpp"
#include "model/limits.hpp"
#include "model/webhook_records.hpp"

namespace nacre::http::describe {

namespace {

struct named_number {
  std::string_view name;
  std::int64_t (*of)(const api_settings&);
};

template <auto N>
std::int64_t fixed(const api_settings&) {
  return static_cast<std::int64_t>(N);
}

constexpr std::int64_t day_s = 86'400;

constexpr named_number numbers[] = {
    {"answer_bytes_max",
     [](const api_settings& s) {
       return static_cast<std::int64_t>(std::min(s.onetime.secret_bytes_max, limits::answer_bytes_max));
     }},
    {"attempts_lock_s", fixed<limits::attempts_lock_ms / 1'000>},
    {"attempts_per_client_max", fixed<limits::attempts_per_client_max>},
    {"attempts_per_secret_max", fixed<limits::attempts_per_secret_max>},
    {"attempts_window_s", fixed<limits::attempts_window_ms / 1'000>},
    {"audit_page_default", fixed<limits::audit_page_default>},
    {"audit_page_max", fixed<limits::audit_page_max>},
    {"body_bytes_max", fixed<limits::body_bytes_max>},
    {"checks_bounded_ms", [](const api_settings& s) { return std::int64_t{s.checks.bounded.count()}; }},
    {"cluster_address_bytes_max", fixed<cluster_address_bytes_max>},
    {"cluster_members_max", fixed<limits::cluster_members_max>},
    {"cluster_node_max", fixed<limits::cluster_node_max>},
    {"create_body_bytes_max",
     [](const api_settings& s) { return static_cast<std::int64_t>(onetime::create_body_bytes_max(s.onetime)); }},
    {"email_bytes_max", fixed<limits::email_bytes_max>},
    {"generated_chars_default", fixed<limits::generated_chars_default>},
    {"generated_chars_max", fixed<limits::generated_chars_max>},
    {"generated_chars_min", fixed<limits::generated_chars_min>},
    {"generated_shown_s", fixed<limits::generated_shown_ms / 1'000>},
    {"guest_secret_ttl_s_max", fixed<limits::guest_secret_ttl_s_max>},
    {"http_status_max", fixed<limits::http_status_max>},
    {"identifier_chars_min", fixed<limits::identifier_chars_min>},
    {"identifiers_max", fixed<limits::identifiers_max>},
    {"json_depth_max", fixed<limits::json_depth_max>},
    {"memo_chars_max", fixed<limits::memo_chars_max>},
    {"name_chars_max", fixed<limits::name_chars_max>},
    {"networks_per_token_max", fixed<limits::networks_per_token_max>},
    {"page_default", fixed<limits::page_default>},
    {"page_limit_max", fixed<limits::page_limit_max>},
    {"page_number_max", fixed<limits::page_offset_max / limits::page_size_max>},
    {"page_offset_max", fixed<limits::page_offset_max>},
    {"page_size_max", fixed<limits::page_size_max>},
    {"passphrase_chars_max", fixed<limits::passphrase_chars_max>},
    {"passphrase_chars_min", fixed<limits::passphrase_chars_min>},
    {"pats_per_user_max", fixed<limits::pats_per_user_max>},
    {"people_page_default", fixed<limits::people_page_default>},
    {"people_page_max", fixed<limits::people_page_max>},
    {"people_page_number_max", fixed<limits::page_offset_max / limits::people_page_max>},
    {"project_key_chars_max", fixed<limits::project_key_chars_max>},
    {"projects_per_token_max", fixed<limits::projects_per_token_max>},
    {"receipt_life_factor", fixed<limits::receipt_life_factor>},
    {"recent_receipts_days", fixed<limits::recent_receipts_ms / (1'000 * day_s)>},
    {"recent_receipts_max", fixed<limits::recent_receipts_max>},
    {"recipients_max", fixed<limits::recipients_max>},
    {"retry_key_chars_max", fixed<retry_key_chars_max>},
    {"retry_key_chars_min", fixed<retry_key_chars_min>},
    {"retry_window_s", [](const api_settings& s) { return std::int64_t{s.retry_window.count() / 1'000}; }},
    {"reveals_per_pat", [](const api_settings& s) { return std::int64_t{s.reveals_per_pat}; }},
    {"reveals_per_user", [](const api_settings& s) { return std::int64_t{s.reveals_per_user}; }},
    {"rotation_overlap_s_max", fixed<limits::rotation_overlap_s_max>},
    {"secret_bytes_max", [](const api_settings& s) { return static_cast<std::int64_t>(s.onetime.secret_bytes_max); }},
    {"secret_ttl_s_default", fixed<limits::secret_ttl_s_default>},
    {"secret_ttl_s_max", fixed<limits::secret_ttl_s_max>},
    {"secret_ttl_s_min", fixed<limits::secret_ttl_s_min>},
    {"service_tokens_per_user", [](const api_settings& s) { return std::int64_t{s.service_tokens_per_user}; }},
    {"shortid_chars", fixed<limits::shortid_chars>},
    {"token_prefix_chars_max", fixed<limits::token_prefix_chars_max>},
    {"token_uses_max", fixed<limits::token_uses_max>},
    {"unleash_tokens_per_user", [](const api_settings& s) { return std::int64_t{s.unleash_tokens_per_user}; }},
    {"version_chars_max", fixed<limits::version_chars_max>},
    {"webhook_old_secret_hours", fixed<limits::webhook_old_secret_ms / 3'600'000>},
    {"webhook_url_bytes_max", fixed<limits::webhook_url_bytes_max>},
    {"webhook_waiting_max", fixed<limits::webhook_waiting_max>},
    {"webhooks_per_workspace_max", fixed<limits::webhooks_per_workspace_max>},
};

}  // namespace

std::optional<std::int64_t> number_of(std::string_view name, const api_settings& s) {
  for (const auto& each : numbers)
    if (each.name == name) return each.of(s);
  return std::nullopt;
}

std::vector<std::string_view> number_names() {
  std::vector<std::string_view> out;
  for (const auto& each : numbers) out.push_back(each.name);
  return out;
}

std::vector<std::string_view> words_of(std::string_view name) {
  std::vector<std::string_view> out;
  if (name == "scopes") {
    for (auto s : model::scope_bits) out.push_back(model::name_of(s));
  } else if (name == "permissions") {
    for (std::size_t n = 0; n < model::permission_count; ++n)
      out.push_back(model::name_of(static_cast<model::permission>(n)));
  } else if (name == "roles") {
    for (auto r : {model::role::owner, model::role::admin, model::role::member}) out.push_back(model::name_of(r));
  } else if (name == "account_types") {
    using enum model::account_type;
    for (auto t : {invited, member, author, admin, owner}) out.push_back(model::name_of(t));
  } else if (name == "events") {
    for (std::uint8_t n = 1; n <= model::event_types; ++n)
      if (auto t = static_cast<model::event_type>(n); t != model::event_type::ping) out.push_back(model::name_of(t));
  } else if (name == "receipt_states") {
    using enum model::receipt_state;
    for (auto s : {fresh, previewed, revealed, burned, expired, orphaned}) out.push_back(onetime::name_of(s));
  } else if (name == "secret_states") {
    using enum onetime::secret_state;
    for (auto s : {fresh, previewed, revealed}) out.push_back(onetime::name_of(s));
  } else if (name == "secret_kinds") {
    for (auto k : {model::secret_kind::conceal, model::secret_kind::generate}) out.push_back(onetime::name_of(k));
  }
  return out;
}

}  // namespace nacre::http::describe
