#include "model/audit.hpp"

#include <cryptopp/sha.h>

#include <algorithm>
#include <cstdlib>

#include "model/keys.hpp"
#include "model/load.hpp"

namespace nacre::model {

namespace {

bool needs_escape(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

// RFC 8785 section 3.2.2.2: short escapes where JSON has them, \u00xx for other controls, all else as is.
void append_escaped(std::string& out, char c) {
  static constexpr char digits[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[c & 15];
  }
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (;;) {
    const auto plain = static_cast<std::size_t>(std::find_if(text.begin(), text.end(), needs_escape) - text.begin());
    out += text.substr(0, plain);
    if (plain == text.size()) break;
    append_escaped(out, text[plain]);
    text.remove_prefix(plain + 1);
  }
  out += '"';
}

void member(std::string& out, std::string_view name, std::string_view text) {
  out += out.back() == '{' ? "\"" : ",\"";
  out += name;
  out += "\":";
  append_string(out, text);
}

void member(std::string& out, std::string_view name, std::uint64_t number) {
  out += out.back() == '{' ? "\"" : ",\"";
  out += name;
  out += "\":";
  out += std::to_string(number);
}

std::string_view name_of(caller::kind via) {
  switch (via) {
    case caller::kind::jwt:
      return "jwt";
    case caller::kind::pat:
      return "pat";
    case caller::kind::system:
      return "system";
    case caller::kind::guest:
      return "guest";
  }
  std::abort();
}

hash digest(CryptoPP::SHA256& h) {
  hash out;
  h.Final(out.data());
  return out;
}

void update(CryptoPP::SHA256& h, std::string_view data) {
  h.Update(reinterpret_cast<const CryptoPP::byte*>(data.data()), data.size());
}

std::uint64_t append(state& st, const context& ctx, const fact& what, audit_head& head) {
  audit_row row;
  row.entry = canonical_entry(ctx, what, head.size + 1);
  row.leaf = leaf_hash(row.entry);
  append_leaf(head, row.leaf);
  st.put(space::audit, keys::audit(ctx.workspace, head.size), encode(row));
  return head.size;
}

}  // namespace

hash leaf_hash(std::string_view entry) {
  CryptoPP::SHA256 h;
  update(h, std::string_view("\0", 1));
  update(h, entry);
  return digest(h);
}

hash node_hash(const hash& left, const hash& right) {
  CryptoPP::SHA256 h;
  update(h, "\x01");
  h.Update(left.data(), left.size());
  h.Update(right.data(), right.size());
  return digest(h);
}

void append_leaf(audit_head& head, const hash& leaf) {
  hash top = leaf;
  // Each trailing one bit of the old size is a perfect subtree that the new leaf completes.
  for (auto size = head.size; size & 1; size >>= 1) {
    top = node_hash(head.edge.back(), top);
    head.edge.pop_back();
  }
  head.edge.push_back(top);
  ++head.size;
}

hash root(const audit_head& head) {
  if (head.edge.empty()) {
    CryptoPP::SHA256 h;
    return digest(h);
  }
  hash top = head.edge.back();
  for (std::size_t i = head.edge.size() - 1; i-- > 0;) top = node_hash(head.edge[i], top);
  return top;
}

std::string canonical_entry(const context& ctx, const fact& what, std::uint64_t seq) {
  std::string out;
  out.reserve(512);
  out += '{';
  member(out, "action", what.action);
  out += ",\"actor\":{";
  bool somebody = ctx.who.via == caller::kind::jwt || ctx.who.via == caller::kind::pat;
  member(out, "id", somebody ? to_string(ctx.who.user) : "");
  member(out, "iss", ctx.who.issuer);
  member(out, "kind", name_of(ctx.who.via));
  member(out, "pat", ctx.who.via == caller::kind::pat ? to_string(ctx.who.pat) : "");
  member(out, "sub", ctx.who.subject);
  out += '}';
  member(out, "client", ctx.client_prefix);
  member(out, "count", what.count);
  member(out, "node", ctx.node);
  member(out, "object", what.object);
  member(out, "outcome", what.outcome);
  member(out, "reason", what.reason);
  member(out, "request", text_of(ctx.request));
  member(out, "seq", seq);
  member(out, "time", format_rfc3339(ctx.now));
  out += '}';
  return out;
}

partition_record load_partition(const view& v, workspace_id ws) {
  return load<partition_record>(v, space::state, keys::partition(ws)).value_or(partition_record{});
}

audit_head load_audit_head(const view& v, workspace_id ws) {
  if (is_guest_partition(ws)) return load_partition(v, ws).audit;
  return load<audit_head>(v, space::state, keys::audit_head(ws)).value_or(audit_head{});
}

std::uint64_t append_audit(state& st, const context& ctx, const fact& what) {
  if (const auto ws = ctx.workspace; is_guest_partition(ws)) return append_audit(st, ctx, what, load_partition(st, ws));
  auto head = load_audit_head(st, ctx.workspace);
  const auto seq = append(st, ctx, what, head);
  st.put(space::state, keys::audit_head(ctx.workspace), encode(head));
  return seq;
}

std::uint64_t append_audit(state& st, const context& ctx, const fact& what, partition_record row) {
  if (!is_guest_partition(ctx.workspace)) std::abort();  // or the log of an account would begin anew
  const auto seq = append(st, ctx, what, row.audit);
  st.put(space::state, keys::partition(ctx.workspace), encode(row));
  return seq;
}

}  // namespace nacre::model
