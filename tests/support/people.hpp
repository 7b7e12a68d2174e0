#pragma once
// Ids that are easy to tell apart, and contexts of people who act.

#include <cstdint>
#include <string>

#include "model/commands.hpp"
#include "model/keys.hpp"
#include "model/load.hpp"

namespace nacre::testing {

template <class Id>
Id nth(std::uint8_t kind, std::uint64_t n) {
  uuid id;
  id.bytes[0] = kind;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  return Id{id};
}
inline workspace_id workspace_no(std::uint64_t n) { return nth<workspace_id>(0x10, n); }
inline user_id user_no(std::uint64_t n) { return nth<user_id>(0x20, n); }
inline pat_id pat_no(std::uint64_t n) { return nth<pat_id>(0x30, n); }
inline project_id project_no(std::uint64_t n) { return nth<project_id>(0x40, n); }
inline request_id request_no(std::uint64_t n) { return nth<request_id>(0x50, n); }

inline constexpr timestamp noon{1'800'000'000'000};

// Every call is a request of its own.
inline model::context context_of(workspace_id ws, user_id who, std::uint64_t request, timestamp now = noon) {
  model::context ctx;
  ctx.request = request_no(request);
  ctx.workspace = ws;
  ctx.now = now;
  ctx.who.via = model::caller::kind::jwt;
  ctx.who.user = who;
  ctx.who.issuer = "https://issuer.example";
  ctx.who.subject = "sub";
  ctx.client_prefix = "192.0.2.0/24";
  ctx.node = "n1";
  return ctx;
}

inline model::create_pat sealed_pat_no(std::uint64_t n, model::scope_set scopes = model::scope_read) {
  model::create_pat op;
  op.id = pat_no(n);
  op.name = "PAT " + std::to_string(n);
  op.prefix = "pat_wsa3f8c2";
  op.scopes = scopes;
  for (std::size_t i = 0; i < 8; ++i) op.lookup[31 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  op.sealed = "sealed " + std::to_string(n);
  return op;
}

}  // namespace nacre::testing
