#include "http/import_row.hpp"

#include "crypto/digest.hpp"
#include "model/limits.hpp"
#include "model/text.hpp"

namespace nacre::http {

namespace {

result<uuid> uuid_of(const json_document& row, std::string_view name) {
  auto value = row.find(name);
  auto text = value ? value->string() : std::nullopt;
  auto id = text ? parse_uuid(*text) : std::nullopt;
  if (!id || id->is_nil()) return fail(errc::invalid, std::string(name) + " must be a UUID");
  return *id;
}

result<std::string_view> text_of(const json_document& row, std::string_view name) {
  auto value = row.find(name);
  auto text = value ? value->string() : std::nullopt;
  if (!text) return fail(errc::invalid, std::string(name) + " must be a string");
  return *text;
}

}  // namespace

result<model::scope_set> scopes_of(const json_value& value) {
  if (!value.is_array()) return fail(errc::invalid, "scopes must be a list");
  model::scope_set scopes = 0;
  for (const auto& item : value.items()) {
    auto text = item.string();
    auto scope = text ? model::parse_scope(*text) : std::nullopt;
    if (!scope) return fail(errc::invalid, "scopes may hold read, write, admin and introspect");
    scopes = static_cast<model::scope_set>(scopes | *scope);
  }
  if (scopes == 0) return fail(errc::invalid, "scopes must not be empty");
  return scopes;
}

std::optional<json_value> expiry_in(const json_document& body) {
  auto expires = body.find("expiresAt");
  return expires ? expires : body.find("expires_at");
}

result<std::optional<timestamp>> expiry_of(const json_value& value) {
  if (value.is_null()) return std::optional<timestamp>{};
  auto text = value.string();
  auto when = text ? parse_rfc3339(*text) : std::nullopt;
  if (!when) return fail(errc::invalid, "expiresAt must be an RFC 3339 time or null");
  return when;
}

result<import_row> parse_import_row(std::string_view json) {
  auto row = parse_json_object(json);
  if (!row) return fail(row.error());
  import_row out;
  if (auto given = row->find("id"); given && !given->is_null()) {
    auto id = uuid_of(*row, "id");
    if (!id) return fail(id.error());
    out.id = pat_id{*id};
  }
  auto workspace = uuid_of(*row, "workspaceId");
  if (!workspace) return fail(workspace.error());
  out.workspace = workspace_id{*workspace};
  auto owner = uuid_of(*row, "userId");
  if (!owner) return fail(owner.error());
  out.owner = user_id{*owner};
  auto name = text_of(*row, "name");
  if (!name) return fail(name.error());
  if (auto good = model::check_name("name", *name, limits::name_chars_max); !good) return fail(good.error());
  out.name = *name;
  auto prefix = text_of(*row, "tokenPrefix");
  if (!prefix) return fail(prefix.error());
  if (auto good = model::check_name("tokenPrefix", *prefix, limits::token_prefix_chars_max); !good)
    return fail(good.error());
  out.prefix = *prefix;
  auto hash = text_of(*row, "tokenHash");
  auto bytes = hash ? crypto::from_hex(*hash) : std::nullopt;
  if (!bytes || bytes->size() != 32) return fail(errc::invalid, "tokenHash must be the hex SHA-256 of the token");
  out.token_hash = std::move(*bytes);
  if (auto given = row->find("scopes"); given && !given->is_null()) {
    auto scopes = scopes_of(*given);
    if (!scopes) return fail(scopes.error());
    out.scopes = *scopes;
  }
  auto created = text_of(*row, "createdAt");
  auto when = created ? parse_rfc3339(*created) : std::nullopt;
  if (!when) return fail(errc::invalid, "createdAt must be an RFC 3339 time");
  out.created = *when;
  if (auto given = row->find("expiresAt")) {
    auto expires = expiry_of(*given);
    if (!expires) return fail(expires.error());
    out.expires = *expires;
  }
  return out;
}

model::operation import_operation(const import_row& row, const crypto::keyring& keys, pat_id if_none) {
  model::import_pat op;
  op.id = row.id.value_or(if_none);
  op.owner = row.owner;
  op.name = row.name;
  op.prefix = row.prefix;
  op.scopes = row.scopes;
  op.created = row.created;
  op.expires = row.expires;
  op.lookup = keys.token_lookup_from_hash(row.token_hash);
  op.pepper_version = keys.pepper_version();
  return op;
}

}  // namespace nacre::http
