#pragma once
// A state with people in it, and short ways to act as one of them. Every act goes through the bytes of
// its command, and every refusal is checked to have changed nothing (but for a denied reveal).

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "model/apply.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/load.hpp"
#include "model/policy.hpp"
#include "model/queries.hpp"
#include "tests/model/invariants.hpp"
#include "tests/model/invariants_secrets.hpp"
#include "tests/support/map_state.hpp"

namespace nacre::model::testing {

template <class Id>
constexpr Id nth(std::uint8_t kind, std::uint64_t n) {
  uuid id;
  id.bytes[0] = kind;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  return Id{id};
}
inline constexpr workspace_id ws_no(std::uint64_t n) { return nth<workspace_id>(0x10, n); }
inline user_id user_no(std::uint64_t n) { return nth<user_id>(0x20, n); }
inline pat_id pat_no(std::uint64_t n) { return nth<pat_id>(0x30, n); }
inline project_id project_no(std::uint64_t n) { return nth<project_id>(0x40, n); }
inline webhook_id webhook_no(std::uint64_t n) { return nth<webhook_id>(0x60, n); }
inline request_id request_no(std::uint64_t n) { return nth<request_id>(0x50, n); }

inline create_pat new_pat(std::uint64_t n, scope_set scopes = scope_read, std::optional<timestamp> expires = {}) {
  create_pat op;
  op.id = pat_no(n);
  op.name = "PAT " + std::to_string(n);
  op.prefix = "pat_wsa3f8c2";
  op.scopes = scopes;
  op.expires = expires;
  op.lookup[0] = 1;
  for (std::size_t i = 0; i < 8; ++i) op.lookup[31 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  op.sealed = "sealed " + std::to_string(n);
  return op;
}

inline import_pat foreign_pat(std::uint64_t n, user_id owner, scope_set scopes = scope_read) {
  auto made = new_pat(n, scopes);
  import_pat op;
  op.id = made.id;
  op.owner = owner;
  op.name = made.name;
  op.prefix = made.prefix;
  op.scopes = scopes;
  op.created = timestamp{1};
  op.lookup = made.lookup;
  op.lookup[0] = 2;
  op.wrapped_data_key = "wrapped";
  return op;
}

// All that an answer says, as text to compare.
inline std::string said(const outcome& o) {
  std::string out;
  if (o.refused) out += std::string(name_of(o.refused->code)) + ": " + o.refused->text + "; ";
  if (o.budget)
    out += std::string(o.budget->name) + " " + std::to_string(o.budget->limit) + "/" +
           std::to_string(o.budget->remaining) + " in " + std::to_string(o.budget->reset_ms) + "; ";
  struct texts {
    std::string operator()(const std::monostate&) { return "nothing"; }
    std::string operator()(const workspace_entry& e) {
      return to_string(e.id) + encode(e.record) + std::string(name_of(e.role));
    }
    std::string operator()(const member_entry& e) { return to_string(e.id) + encode(e.record); }
    std::string operator()(const service_user_entry& e) { return to_string(e.id) + encode(e.record); }
    std::string operator()(const project_entry& e) {
      return to_string(e.id) + to_string(e.workspace) + encode(e.record);
    }
    std::string operator()(const pat_entry& e) {
      return to_string(e.id) + to_string(e.workspace) + encode(e.record) + e.workspace_name;
    }
    std::string operator()(const webhook_entry& e) { return to_string(e.id) + encode(e.record) + encode(e.progress); }
    std::string operator()(const rotated& e) {
      return (*this)(e.pat) + std::string(reinterpret_cast<const char*>(e.salt.data()), e.salt.size());
    }
    std::string operator()(const revealed& e) { return (*this)(e.pat) + e.sealed; }
    std::string operator()(const secret_entry& e) {
      return to_string(e.id) + to_string(e.workspace) + encode(held_secret{e.record, {}, {}, {}});
    }
    std::string operator()(const attempt_granted& e) { return e.last ? "the last attempt" : "an attempt"; }
    std::string operator()(const receipt_entry& e) {
      return to_string(e.id) + to_string(e.workspace) + encode(e.record) + std::to_string(static_cast<int>(e.state)) +
             (e.secret ? encode(held_secret{*e.secret, {}, {}, {}}) : "gone") + e.sealed_link + "," + e.sealed_receipt +
             "," + e.sealed_generated;
    }
    std::string operator()(const ask_entry& e) { return to_string(e.id) + to_string(e.workspace) + encode(e.record); }
  };
  return out + std::visit(texts{}, o.what);
}

struct world {
  map_state st;
  workspace_id ws = ws_no(1);
  user_id owner = user_no(1), admin = user_no(2), member = user_no(3), stranger = user_no(4);
  timestamp now{1'800'000'000'000};
  std::uint64_t requests = 0;

  // A workspace with one owner, one admin and one member.
  world() {
    made(owner, create_workspace{"Pearl", "o@example.org", "wrapped"});
    made(owner, put_member{admin, role::admin, "a@example.org"});
    made(owner, put_member{member, role::member, "m@example.org"});
  }

  context as(user_id who) {
    context ctx;
    // Never a multiple of 32 in the last byte: forgetting old requests is asked for by name.
    ctx.request = request_no(++requests * 2 + 1);
    ctx.workspace = ws;
    ctx.now = now;
    ctx.who = {caller::kind::jwt, who, {}, 0, "https://issuer.example", "sub"};
    ctx.client_prefix = "192.0.2.0/24";
    ctx.node = "n1";
    return ctx;
  }
  context with_pat(user_id who, pat_id pat, scope_set scopes) {
    auto ctx = as(who);
    ctx.who = {caller::kind::pat, who, pat, implied(scopes), "", ""};
    return ctx;
  }
  context as_system() {
    auto ctx = as(user_id{});
    ctx.who = {caller::kind::system, {}, {}, 0, "", ""};
    return ctx;
  }

  outcome run(const context& ctx, operation op) {
    auto c = decode_command(encode(command{ctx, std::move(op)}));
    REQUIRE(c);
    auto before = st.all();
    auto o = apply(st, *c);
    REQUIRE(st.trustworthy());
    if (o.refused && !std::holds_alternative<reveal_pat>(c->what)) CHECK(st.all() == before);
    CHECK(broken(st) == "");
    CHECK(history_wrong(before, st.all()) == "");
    return o;
  }
  outcome run(user_id who, operation op) { return run(as(who), std::move(op)); }
  // Runs what must succeed.
  outcome made(const context& ctx, operation op) {
    auto o = run(ctx, std::move(op));
    INFO((o.refused ? o.refused->text : ""));
    REQUIRE_FALSE(o.refused);
    return o;
  }
  outcome made(user_id who, operation op) { return made(as(who), std::move(op)); }
  // Runs what must be refused and answers the code.
  errc refused(const context& ctx, operation op) {
    auto before = st.all();
    auto o = run(ctx, std::move(op));
    REQUIRE(o.refused);
    CHECK_FALSE(o.refused->text.empty());
    CHECK(st.all() == before);
    return o.refused->code;
  }
  errc refused(user_id who, operation op) { return refused(as(who), std::move(op)); }

  template <class Record>
  std::optional<Record> row(const std::string& key) const {
    return load<Record>(st, space::state, key);
  }
  workspace_record workspace() const { return row<workspace_record>(keys::workspace(ws)).value(); }
  std::optional<member_record> person(user_id who) const { return row<member_record>(keys::member(ws, who)); }
  std::optional<pat_record> pat(std::uint64_t n) const { return row<pat_record>(keys::pat(ws, pat_no(n))); }
  std::uint64_t audit_size(workspace_id of) const { return load_audit_head(st, of).size; }
  std::uint64_t audit_size() const { return audit_size(ws); }
  std::string last_audit() const {
    auto bytes = st.get(space::audit, keys::audit(ws, audit_size()));
    return bytes ? decode<audit_row>(*bytes).value().entry : "";
  }
  bool last_audit_has(const std::string& part) const { return last_audit().find(part) != std::string::npos; }
};

}  // namespace nacre::model::testing
