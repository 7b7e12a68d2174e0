#include "model/audit.hpp"

#include <catch2/catch.hpp>

#include "model/keys.hpp"
#include "tests/model/samples.hpp"
#include "tests/model/world.hpp"

using namespace nacre;
using namespace nacre::model;
using namespace nacre::model::testing;

namespace {

std::string hex(const hash& h) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (auto b : h) {
    out += digits[b >> 4];
    out += digits[b & 15];
  }
  return out;
}

}  // namespace

TEST_CASE("an audit entry is exactly these bytes", "[model][audit]") {
  auto ctx = sample_context();
  CHECK(canonical_entry(ctx, {"pat.reveal", "obj", "denied", "not_found", 3}, 42) ==
        R"({"action":"pat.reveal","actor":{"id":"a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf",)"
        R"("iss":"https://issuer.example","kind":"pat","pat":"b0b1b2b3-b4b5-b6b7-b8b9-babbbcbdbebf","sub":"ada"},)"
        R"("client":"192.0.2.0/24","count":3,"node":"n1","object":"obj","outcome":"denied","reason":"not_found",)"
        R"("request":"80818283-8485-8687-8889-8a8b8c8d8e8f","seq":42,"time":"2027-03-31T00:00:00.123Z"})");
  ctx.who = {caller::kind::jwt, ctx.who.user, ctx.who.pat, 0, "i", "s"};
  CHECK(canonical_entry(ctx, {"a"}, 1).find(R"("kind":"jwt","pat":"","sub":"s"})") != std::string::npos);
  ctx.who = {caller::kind::system, ctx.who.user, {}, 0, "", ""};
  CHECK(canonical_entry(ctx, {"a"}, 1).find(R"("actor":{"id":"","iss":"","kind":"system","pat":"","sub":""})") !=
        std::string::npos);
}

TEST_CASE("strings are escaped as RFC 8785 says: what must be, and nothing else", "[model][audit]") {
  auto escaped = [](std::string_view object) {
    auto entry = canonical_entry({}, {"a", object}, 1);
    auto from = entry.find("\"object\":") + 9;
    return entry.substr(from, entry.find(",\"outcome\"") - from);
  };
  CHECK(escaped("\b\f\n\r\t\"\\") == R"("\b\f\n\r\t\"\\")");
  CHECK(escaped("/'<>&") == R"("/'<>&")");
  CHECK(escaped("plain\"more\nand\\last") == R"("plain\"more\nand\\last")");
  CHECK(escaped("\x7f") == "\"\x7f\"");
  CHECK(escaped("\xc2\x85\xe2\x82\xac\xf0\x9f\x90\x9a\xe2\x80\xa8") ==
        "\"\xc2\x85\xe2\x82\xac\xf0\x9f\x90\x9a\xe2\x80\xa8\"");
  for (int c = 0; c < 0x20; ++c) {
    auto text = escaped(std::string(1, static_cast<char>(c)));
    if (std::string("\b\f\n\r\t").find(static_cast<char>(c)) != std::string::npos) {
      CHECK(text.size() == 4);
    } else {
      static constexpr char digits[] = "0123456789abcdef";
      CHECK(text == std::string("\"\\u00") + digits[c >> 4] + digits[c & 15] + "\"");
    }
  }
}

TEST_CASE("leaf, node and empty root are those of RFC 9162", "[model][audit]") {
  CHECK(hex(root({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(leaf_hash("")) == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  CHECK(hex(leaf_hash("L123456")) == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
  CHECK(hex(node_hash(leaf_hash(""), leaf_hash("L123456"))) == hex(naive_root({leaf_hash(""), leaf_hash("L123456")})));
  // Certificate Transparency's reference tree of eight leaves.
  const std::string leaves[] = {"", std::string("\0", 1), "\x10", " !", "01", "@ABC", "PQRSTUVW", "`abcdefghijklmno"};
  audit_head head;
  for (const auto& l : leaves) append_leaf(head, leaf_hash(l));
  CHECK(hex(root(head)) == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

TEST_CASE("the right edge gives the root of every tree, and survives its bytes", "[model][audit]") {
  std::vector<hash> leaves;
  audit_head head;
  for (int size = 0; size <= 300; ++size) {
    REQUIRE(head.size == leaves.size());
    REQUIRE(root(head) == naive_root(leaves));
    head = decode<audit_head>(encode(head)).value();
    leaves.push_back(leaf_hash("entry " + std::to_string(size)));
    append_leaf(head, leaves.back());
  }
}

TEST_CASE("who kept the edge of any tree comes to the root of every later one", "[model][audit]") {
  std::vector<hash> leaves;
  std::vector<audit_head> kept{{}};
  for (int size = 1; size <= 300; ++size) {
    leaves.push_back(leaf_hash("entry " + std::to_string(size)));
    kept.push_back(kept.back());
    append_leaf(kept.back(), leaves.back());
  }
  const auto end = naive_root(leaves);
  for (auto& from : kept) {
    while (from.size < leaves.size()) append_leaf(from, leaves[from.size]);
    REQUIRE(root(from) == end);
  }
}

TEST_CASE("sequence numbers count from 1 without gaps, per workspace", "[model][audit]") {
  map_state st;
  context a, b;
  a.workspace = ws_no(1);
  b.workspace = ws_no(2);
  for (std::uint64_t i = 1; i <= 40; ++i) {
    CHECK(append_audit(st, a, {"x"}) == i);
    if (i % 3 == 0) CHECK(append_audit(st, b, {"y"}) == i / 3);
  }
  CHECK(append_audit(st, {}, {"node.start"}) == 1);  // the system workspace has a log like any other
  CHECK(broken(st) == "");
}

TEST_CASE("an unreadable audit head spoils the state", "[model][audit]") {
  map_state st;
  append_audit(st, {}, {"x"});
  st.put(space::state, keys::audit_head({}), "?");
  append_audit(st, {}, {"x"});
  CHECK_FALSE(st.trustworthy());
}
