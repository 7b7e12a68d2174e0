#pragma once
// Webhooks of a workspace, for its owners and admins: part of our own management API, with its shapes,
// errors and strictness. A signing secret appears in the answer that made it and nowhere else.

#include "http/call.hpp"

namespace nacre::http::webhooks {

void create(call_ptr c);
void list(call_ptr c);
void get(call_ptr c);
void change(call_ptr c);
void remove(call_ptr c);
void test(call_ptr c);

}  // namespace nacre::http::webhooks
