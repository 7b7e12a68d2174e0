#pragma once
// What machines that run nacre ask: is it alive, can it serve, how is it doing, which version.

#include "http/call.hpp"

namespace nacre::http::operations {

void healthz(call_ptr c);  // the process lives
void readyz(call_ptr c);   // 200, or 503 with the reasons
void metrics(call_ptr c);  // Prometheus text
void version(call_ptr c);

}  // namespace nacre::http::operations
