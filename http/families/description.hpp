#pragma once
// GET /openapi.json: the API as it is served here, in a form that programs read (describe/document.hpp). The same for
// everybody; made once, at the first request, and then sent as it is.

#include <memory>
#include <mutex>
#include <string>

#include "http/call.hpp"

namespace nacre::http {

// Threads: any; the first to ask makes it, others wait for that.
class description {
 public:
  struct made {
    std::string json;
    std::string tag;  // of its content, an ETag with its quotes
  };
  const made& get(const api_settings& s);

 private:
  std::once_flag once_;
  made made_;
};

namespace describing {

void openapi(call_ptr c);

}  // namespace describing

}  // namespace nacre::http
