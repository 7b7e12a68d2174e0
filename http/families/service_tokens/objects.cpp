#include "http/families/service_tokens/objects.hpp"

#include "http/call.hpp"
#include "http/families/token_fields.hpp"

namespace nacre::http::service_tokens {

namespace {

constexpr std::size_t token_object_bytes = 768, project_object_bytes = 320;  // to begin with

void write_time(json_writer& w, std::string_view name, timestamp t) {
  w.field(name, std::string_view(format_iso_ms(t)));
}

void write_project(json_writer& w, const model::project_entry& p) {
  w.object().field("id", std::string_view(text_of(p.id))).field("name", std::string_view(p.record.name));
  w.field("organisationId", std::string_view(text_of(p.workspace)));
  w.field("version", std::string_view(p.record.version));
  write_time(w, "createdAt", p.record.created);
  write_time(w, "updatedAt", p.record.updated);
  w.field("key", std::string_view(p.record.key)).field("protected", false).end_object();
}

}  // namespace

void write_user(json_writer& w, const model::person& p) {
  const auto* member = std::get_if<model::member_record>(&p.record);
  const auto* service = std::get_if<model::service_user_record>(&p.record);
  w.field("id", std::string_view(text_of(p.id)));
  w.field("email", std::string_view(member ? member->email : service->email));
  w.field("type", member ? model::name_of(member->role) : model::name_of(service->type));
  w.field("status", "active");
  write_time(w, "createdAt", member ? member->joined : service->created);
  write_time(w, "updatedAt", member ? member->joined : service->updated);
  w.field("firstName", "").field("lastName", "").field("isService", service != nullptr);
}

void write_token(json_writer& w, const token_view& t) {
  const auto& r = t.pat.record;
  w.object().field("id", std::string_view(text_of(t.pat.id))).field("note", std::string_view(r.name));
  w.key("permissions").array();
  for (auto p : r.permissions) w.value(model::name_of(p));
  w.end_array().field("allProjects", r.all_projects).key("projects").array();
  if (!r.all_projects)
    for (const auto& p : t.projects) write_project(w, p);
  w.end_array().key("user").object();
  write_user(w, t.owner);
  w.end_object();
  write_time(w, "createdAt", r.created);
  write_time(w, "updatedAt", r.updated.value_or(r.created));
  if (r.expires)
    write_time(w, "expiresAt", *r.expires);
  else
    w.field("expiresAt", nullptr);
  write_restrictions(w, r);
  w.end_object();
}

response one_token(const token_view& t) {
  json_writer w(token_object_bytes + project_object_bytes * t.projects.size());
  write_token(w, t);
  return json_response(200, w.take());
}

response with_token(const token_view& t, const crypto::secure_bytes& token) {
  json_writer w(token_object_bytes + project_object_bytes * t.projects.size());
  write_token(w, t);
  auto body = w.take();
  constexpr std::string_view before = ",\"token\":\"", behind = "\"}";
  // Room first: growing would leave a copy of the token behind. Its characters need no escapes.
  body.reserve(body.size() + before.size() + token.view().size() + behind.size());
  body.pop_back();
  body.append(before).append(token.view()).append(behind);
  auto r = json_response(201, std::move(body));
  r.wipe = true;
  return r;
}

}  // namespace nacre::http::service_tokens
