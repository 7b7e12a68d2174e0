#pragma once
// The pages for people: sharing, opening, a receipt, asking and answering, the console, the API, and the files they
// load. They are the same for everybody and every secret: a page is fetched without its identifier being looked at, so
// fetching it changes nothing. What a page may do is fixed in its headers: no script but ours, no other host, no text
// turned into HTML or script.

#include "http/call.hpp"

namespace nacre::http::web {

void share(call_ptr c);           // GET /
void open(call_ptr c);            // GET /secret/{id} and /s, whose fragment never gets here
void receipt(call_ptr c);         // GET /receipt/{id}
void ask(call_ptr c);             // GET /ask
void answer_request(call_ptr c);  // GET /r
void console(call_ptr c);         // GET /console; its policy names the issuer where people sign in
void docs(call_ptr c);            // GET /docs
void asset(call_ptr c);           // GET /assets/{file}; never changes under its name
void icon(call_ptr c);            // GET /favicon.svg and /favicon.ico
void robots(call_ptr c);          // GET /robots.txt

}  // namespace nacre::http::web
