#pragma once
// Requests for secrets, nacre's own API: somebody asks by a link, one person answers, who asked picks it up once
// (model/asks.hpp, docs/adr/0026).
//
// The path's {id} is what the link carries that is sent; it lets its bearer answer, and see whether that is still
// possible. All else needs the Pickup-Key header, which only who asked has. A GET changes nothing. What is answered and
// picked up has been sealed for a key that never comes here; it is letters, digits, '-', '_' and one dot.

#include "http/call.hpp"

namespace nacre::http::requests {

void open(call_ptr c);
void show(call_ptr c);
void answer_it(call_ptr c);
void pick_up(call_ptr c);
void confirm(call_ptr c);
void cancel(call_ptr c);

}  // namespace nacre::http::requests
