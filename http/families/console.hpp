#pragma once
// What the console page (web.hpp) asks of the server besides the management API: how people sign in here, and, at a
// development node, a token for whoever sits at the machine. Everything else it does with the token of its user.

#include "http/call.hpp"

namespace nacre::http::console {

void config(call_ptr c);  // GET /console/config.json: issuer, client, families, version; nothing secret
// POST /console/dev-token: 200 {"data":{"token"}}; 403 unless from_this_machine().
void dev_token(call_ptr c);

// Whether this path of the console is not there, for any method: the console is off, or the node is none for
// development.
bool hides(const services& with, std::string_view path);

// Whether a browser on this machine sent it from a page of this very node: no proxy in between, no name that somebody
// pointed at the loopback address, no page of another origin (which could neither set the header nor, in a browser,
// hide where it comes from).
bool from_this_machine(const request& r);

}  // namespace nacre::http::console
