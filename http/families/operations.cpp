#include "http/families/operations.hpp"

#include "http/json.hpp"

namespace nacre::http::operations {

void healthz(call_ptr c) { answer(std::move(c), json_response(200, R"({"status":"ok"})")); }

void readyz(call_ptr c) {
  auto reasons = c->with.ask.not_ready();
  json_writer w;
  w.object().field("status", reasons.empty() ? "ready" : "not_ready").key("reasons").array();
  for (const auto& reason : reasons) w.value(std::string_view(reason));
  w.end_array().end_object();
  auto r = json_response(reasons.empty() ? 200 : 503, w.take());
  if (!reasons.empty()) r.headers.push_back({"Retry-After", "1"});
  answer(std::move(c), std::move(r));
}

void metrics(call_ptr c) {
  response r;
  r.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}, {"Cache-Control", "no-store"}};
  r.body = c->with.ask.metrics();
  answer(std::move(c), std::move(r));
}

void version(call_ptr c) {
  json_writer w;
  w.object().field("name", "nacre").field("version", std::string_view(c->with.settings.version)).end_object();
  auto r = json_response(200, w.take());
  answer(std::move(c), std::move(r));
}

}  // namespace nacre::http::operations
