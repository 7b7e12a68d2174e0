// Receipts in the states that no test can wait for over the wire.

#include <catch2/catch.hpp>

#include "http/families/onetime/objects.hpp"
#include "http/families/onetime/words.hpp"

using namespace nacre;
using namespace nacre::http;
using namespace nacre::http::onetime;

namespace {

const timestamp created{1'700'000'000'500};

actors::shown_receipt receipt(model::receipt_state state) {
  actors::shown_receipt r;
  r.entry.state = state;
  auto& record = r.entry.record;
  record.created = record.updated = created;
  record.lifespan_s = 3'600;
  r.receipt_link = crypto::secure_bytes{std::string_view("0123456789receipt")};
  return r;
}

json_document written(const actors::shown_receipt& r, receipt_form form) {
  json_writer w;
  write_receipt_record(w, r, form, "https://h");
  auto text = w.take();
  INFO(text);
  auto read = parse_json(text);
  REQUIRE(read);
  return std::move(*read);
}

}  // namespace

TEST_CASE("an expired or orphaned receipt says so, and offers no link any more", "[http][onetime][objects]") {
  for (auto [state, name] :
       {std::pair{model::receipt_state::expired, "expired"}, {model::receipt_state::orphaned, "orphaned"}}) {
    INFO(name);
    auto r = written(receipt(state), receipt_form::single);
    CHECK(r.find("state")->string() == name);
    CHECK(r.find("is_expired")->boolean() == (state == model::receipt_state::expired));
    CHECK(r.find("is_orphaned")->boolean() == (state == model::receipt_state::orphaned));
    CHECK(r.find("is_destroyed")->boolean() == true);
    for (auto no : {"is_previewed", "is_viewed", "is_revealed", "is_received", "is_burned"}) {
      INFO(no);
      CHECK(r.find(no)->boolean() == false);
    }
    for (auto none : {"revealed", "received", "burned", "secret_state", "share_path", "share_url", "secret_shortid"}) {
      INFO(none);
      CHECK(r.find(none)->is_null());
    }
    CHECK_FALSE(r.find("secret_identifier"));
    CHECK(r.find("created")->integer() == 1'700'000'000);
    CHECK(r.find("expiration")->integer() == 1'700'003'600);
    CHECK(r.find("receipt_url")->string() == "https://h/receipt/0123456789receipt");
  }
}

TEST_CASE("a receipt whose own link is not kept is listed without it", "[http][onetime][objects]") {
  auto nameless = receipt(model::receipt_state::fresh);
  nameless.receipt_link = {};
  auto r = written(nameless, receipt_form::listed);
  for (auto none : {"identifier", "key", "shortid"}) CHECK(r.find(none)->is_null());
  CHECK_FALSE(r.find("receipt_url"));
}

TEST_CASE("a value is counted in lines as it is told", "[http][onetime][objects]") {
  auto details = [](std::string_view value) {
    json_writer w;
    write_secret_details(w, {true, false, true, value});
    return std::move(*parse_json(w.take()));
  };
  CHECK(details("").find("display_lines")->string() == "4");
  CHECK(details(std::string(80, 'x')).find("display_lines")->string() == "5");
  CHECK(details("a\nb\n").find("display_lines")->string() == "6");
  CHECK(details("a\nb\n").find("one_liner")->string() == "false");
  CHECK(details("a").find("one_liner")->string() == "true");
  CHECK(details(std::string(100, '\n')).find("display_lines")->string() == "30");
}

TEST_CASE("room for a value is enough for its escapes", "[http][onetime][objects]") {
  const std::string value(5'000, '\x01');
  json_writer w(room_for(value.size()));
  const auto* before = w.text().data();
  model::secret_record record;
  record.created = created;
  w.object()
      .field("user_id", std::string_view("10000000-0000-4000-8000-000000000001"))
      .field("shrimp", "")
      .key("record");
  write_secret_record(w, std::string(43, 'i'), record, secret_state::revealed, value);
  w.key("details");
  write_secret_details(w, {true, true, true, value});
  w.end_object();
  CHECK(w.text().data() == before);  // never moved: no copy was left behind
}
