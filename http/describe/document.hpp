#pragma once
// The description of the API, OpenAPI 3.1: made of the table of routes (routes.hpp) and of fragments, one JSON file of
// this folder for each part of the API, which say in words and schemas what the table cannot. README.md tells how a
// fragment is written.
//
// Which routes there are, who may call them and which parts are served comes from the program; a fragment adds to it
// and cannot contradict it. Limits in a fragment are names (names.hpp).
// Pure. Errors are `internal` and name the fragment: they are mistakes of this program's authors, and a test meets
// them first.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/routes.hpp"
#include "model/error.hpp"

namespace nacre::http::describe {

struct fragment {
  std::string_view name;  // of its file, without ".json"
  std::string_view json;
};

// In order of their names; bytes of the program.
std::span<const fragment> fragments();

struct document {
  std::string json;
  std::vector<std::string> limits;  // the names that were referred to, sorted, each once
};

// What `s` serves of `table`. Every endpoint needs one operation of its name in one of the fragments, and every
// operation an endpoint. `public_url` without a slash behind it; empty: the document names no server.
result<document> make_document(std::span<const endpoint> table, std::span<const fragment> from, const api_settings& s,
                               std::string_view public_url);

}  // namespace nacre::http::describe
