#include "http/kept_lists.hpp"

#include <utility>

#include "model/limits.hpp"
#include "model/wire.hpp"

namespace nacre::http {

std::optional<crypto::digest> name_of_list(const model::context& by, std::string_view path, std::string_view query) {
  if (path.size() + query.size() > limits::kept_list_path_bytes_max) return std::nullopt;
  model::writer w;
  w.id(by.workspace).u8(static_cast<std::uint8_t>(by.who.via)).id(by.who.user).id(by.who.pat);
  return crypto::sha256(w.bytes(path).bytes(query).view());
}

kept_lists::entry to_kept(response& made, const crypto::digest& name, workspace_id ws, std::uint64_t stamp,
                          std::string_view act) {
  if (made.body.size() > limits::kept_list_bytes_max) return nullptr;
  auto kept = std::make_shared<kept_list>();
  kept->name = name;
  kept->stamp = stamp;
  kept->workspace = ws;
  for (const auto& h : made.headers) kept->lines.append("\r\n").append(h.name).append(": ").append(h.value);
  kept->body = std::exchange(made.body, {});
  kept->body.shrink_to_fit();
  kept->act = act;
  made.headers.clear();
  return kept;
}

response ready(const kept_lists::entry& kept) {
  response r;
  r.ready_lines = {kept, &kept->lines};
  r.ready_body = {kept, &kept->body};
  return r;
}

}  // namespace nacre::http
