#include "http/families/body.hpp"

#include <algorithm>
#include <string>

#include "http/families/native_errors.hpp"

namespace nacre::http {

std::optional<json_document> body_of(call_ptr& c, std::span<const std::string_view> allowed) {
  if (!has_json_body(c->req)) {
    auto r = native::unsupported_media_type(*c);
    answer(std::move(c), std::move(r));
    return std::nullopt;
  }
  auto json = parse_json_object(c->req.body);
  if (!json) {
    refuse(std::move(c), json.error());
    return std::nullopt;
  }
  for (const auto& [name, value] : json->root().members()) {
    if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) continue;
    std::string known;
    for (auto field : allowed) known.append(known.empty() ? "" : ", ").append(field);
    refuse(std::move(c), {errc::invalid, "The body may hold only: " + known});
    return std::nullopt;
  }
  return std::move(*json);
}

}  // namespace nacre::http
