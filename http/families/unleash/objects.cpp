#include "http/families/unleash/objects.hpp"

#include "http/call.hpp"
#include "http/families/token_fields.hpp"

namespace nacre::http::unleash {

namespace {

// Pictures come from nowhere: a picture's address would tell a third party who is looked at.
constexpr std::string_view no_picture =
    "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

constexpr root_role root_roles[] = {
    {1, "Admin", "May do everything, and manages service accounts"},
    {2, "Editor", "Uses the workspace and their own tokens"},
    {3, "Viewer", "Uses the workspace and their own tokens"},
};

void write_time(json_writer& w, std::string_view name, const std::optional<timestamp>& t) {
  if (t)
    w.field(name, std::string_view(format_iso_ms(*t)));
  else
    w.field(name, nullptr);
}

void write(json_writer& w, const model::pat_entry& pat, const token_holder& of,
           const crypto::secure_bytes* secret = nullptr) {
  const auto& r = pat.record;
  w.object().field("id", r.seq).field("description", std::string_view(r.name));
  write_time(w, "expiresAt", r.expires);
  w.field("userId", of.number);
  write_time(w, "createdAt", r.created);
  write_time(w, "seenAt", r.last_used);
  write_restrictions(w, r, format_iso_ms);
  if (secret) w.field("secret", secret->view());
  w.end_object();
}

void write(json_writer& w, const tokens& pats, const token_holder& of) {
  w.array();
  for (const auto& pat : pats) write(w, pat, of);
  w.end_array();
}

std::uint32_t role_of(const model::service_user_record& r) {
  if (r.role() >= model::role::admin) return 1;
  return r.root_role > 1 ? r.root_role : 2;
}

}  // namespace

response utf8_json(int status, std::string body) {
  auto r = json_response(status, std::move(body));
  r.headers.front().value = "application/json; charset=utf-8";
  return r;
}

response list_of(const tokens& pats, const token_holder& of) {
  json_writer w(64 + 256 * pats.size());
  w.object().key("pats");
  write(w, pats, of);
  w.end_object();
  return utf8_json(200, w.take());
}

response with_secret(int status, const model::pat_entry& pat, const token_holder& of,
                     const crypto::secure_bytes& secret) {
  // The token must not leave copies behind in growing buffers; an escape takes six bytes at most.
  json_writer w(4096 + 6 * pat.record.name.size());
  write(w, pat, of, &secret);
  auto r = utf8_json(status, w.take());
  r.wipe = true;
  return r;
}

const root_role* find_root_role(std::int64_t id) {
  for (const auto& r : root_roles)
    if (r.id == id) return &r;
  return nullptr;
}

void write(json_writer& w, const service_account& of) {
  const auto& r = of.record;
  w.object().field("id", r.number).field("isAPI", false).field("name", std::string_view(r.name));
  w.field("username", std::string_view(r.email)).field("imageUrl", no_picture).field("rootRole", role_of(r));
  w.field("seenAt", nullptr);
  write_time(w, "createdAt", r.created);
  w.key("tokens");
  write(w, of.pats, {of.id, r.number});
  w.end_object();
}

void write_root_roles(json_writer& w) {
  w.array();
  for (const auto& r : root_roles) {
    w.object().field("id", r.id).field("name", r.name).field("type", "root").field("description", r.description);
    w.end_object();
  }
  w.end_array();
}

response caller(const model::standing& who, user_id id) {
  auto name = who.me.email.empty() ? to_string(id) : who.me.email;
  json_writer w(512);
  w.object().key("user").object().field("accountType", who.service ? "Service Account" : "User");
  w.field("id", who.me.number).field("username", std::string_view(name)).field("imageUrl", no_picture);
  w.field("seenAt", nullptr).field("loginAttempts", 0);
  write_time(w, "createdAt", who.me.joined);
  w.end_object().key("permissions").array();
  if (who.is_admin()) w.object().field("permission", "ADMIN").end_object();
  w.end_array().key("feedback").array().end_array().key("splash").object().end_object().end_object();
  return utf8_json(200, w.take());
}

}  // namespace nacre::http::unleash
