#include "http/families/description.hpp"

#include <cstdlib>

#include "crypto/digest.hpp"
#include "http/describe/document.hpp"

namespace nacre::http {

const description::made& description::get(const api_settings& s) {
  std::call_once(once_, [&] {
    auto all = describe::make_document(endpoints(), describe::fragments(), s, s.public_url);
    if (!all) std::abort();  // a fragment is wrong; a test makes the document for every choice of families
    made_.json = std::move(all->json);
    auto hash = crypto::sha256(made_.json);
    std::string_view half(reinterpret_cast<const char*>(hash.data()), hash.size() / 2);
    made_.tag = "\"" + crypto::to_hex(half) + "\"";
  });
  return made_;
}

namespace describing {

void openapi(call_ptr c) {
  const auto& what = c->with.described->get(c->with.settings);
  response r;
  r.headers = {{"Cache-Control", "no-cache"}, {"ETag", what.tag}, {"X-Content-Type-Options", "nosniff"}};
  const auto* known = c->req.find("if-none-match");
  if (known && known->find(what.tag) != std::string::npos) {
    r.status = 304;
    return answer(std::move(c), std::move(r));
  }
  r.headers.push_back({"Content-Type", "application/json"});
  r.body = what.json;
  answer(std::move(c), std::move(r));
}

}  // namespace describing

}  // namespace nacre::http
