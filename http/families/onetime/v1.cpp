#include "http/families/onetime/v1.hpp"

#include <algorithm>
#include <cstdlib>

#include "crypto/random.hpp"
#include "http/families/onetime/asking.hpp"
#include "http/families/onetime/flow.hpp"
#include "http/families/onetime/objects.hpp"
#include "http/families/onetime/words.hpp"
#include "http/json.hpp"

namespace nacre::http::onetime::v1 {

namespace {

// ---- refusals --------------------------------------------------------------------------------------

// Shorter than any key there ever was.
bool refused_as_short(call_ptr& c) {
  if (identifier_in_path(c->capture(0)).size() >= limits::identifier_chars_min) return false;
  problem p;
  p.text = "Not Found";
  p.v1_intended = 0;
  refuse(std::move(c), p);
  return true;
}

// Of an order about the link `key`: who does not know the passphrase is not told that there is something to know.
void refuse_about(call_ptr c, const model::outcome& o, const crypto::secure_bytes& key) {
  auto code = o.refused->code;
  bool unknown = code == errc::not_found || code == errc::wrong_passphrase;
  if (unknown) return refuse(std::move(c), missing_secret(key.view()));
  refuse_outcome(std::move(c), o);
}

// ---- answers ---------------------------------------------------------------------------------------

// The names of old.
std::string_view old_name_of(model::receipt_state s) {
  switch (s) {
    case model::receipt_state::previewed:
      return "viewed";
    case model::receipt_state::revealed:
      return "received";
    case model::receipt_state::fresh:
    case model::receipt_state::burned:
    case model::receipt_state::expired:
    case model::receipt_state::orphaned:
      return name_of(s);
  }
  std::abort();
}

std::string custid_of(const model::receipt_record& r) {
  if (r.owner.value().is_nil()) return "anon";
  return r.custid.empty() ? to_string(r.owner) : r.custid;
}

void write_recipients(json_writer& w, std::string_view name, std::string_view masked) {
  constexpr std::string_view between = ", ";
  w.key(name).array();
  while (!masked.empty()) {
    auto one = masked.substr(0, masked.find(between));
    w.value(one);
    masked.remove_prefix(std::min(masked.size(), one.size() + between.size()));
  }
  w.end_array();
}

enum class place : std::uint8_t { alone, listed };  // a list does not name secrets

void write_receipt(json_writer& w, const call& c, const actors::shown_receipt& r, place where,
                   std::string_view value = {}) {
  const auto& e = r.entry;
  const auto& record = e.record;
  auto now = c.ctx.now;
  bool received = e.state == model::receipt_state::revealed;
  bool names_secret = where == place::alone && !received;
  auto key = r.receipt_link.view(), secret = r.secret_link.view();
  auto url = key.empty() ? crypto::secure_bytes() : secure_text({public_url(c), "/receipt/", key});
  auto left_s = seconds_left(now, record.expires());
  w.object().field("custid", std::string_view(custid_of(record))).field("metadata_key", key);
  if (names_secret) w.field("secret_key", secret);
  w.field("ttl", std::int64_t{record.lifespan_s}).field("metadata_ttl", left_s);
  if (!received) w.field("secret_ttl", e.secret ? seconds_left(now, e.secret->expires()) : std::int64_t{0});
  w.field("metadata_url", url.view()).field("state", old_name_of(e.state));
  w.field("updated", epoch_s(record.updated)).field("created", epoch_s(record.created));
  if (received) w.field("received", epoch_s(record.ended.value_or(record.updated)));
  write_recipients(w, "recipient", record.recipients);
  w.field("share_domain", "").field("passphrase_required", record.has_passphrase);
  w.field("identifier", key);
  if (names_secret) w.field("secret_identifier", secret);
  w.field("has_passphrase", record.has_passphrase);
  write_recipients(w, "recipients", record.recipients);
  w.field("receipt_ttl", left_s).field("receipt_url", url.view());
  if (!value.empty()) w.field("value", value).field("secret_value", value);
  w.end_object();
}

response tell_receipt(const call& c, const actors::shown_receipt& r, std::string_view value) {
  json_writer w(room_for(2 * value.size()));
  write_receipt(w, c, r, place::alone, value);
  return onetime_json_v1(200, w.take(), true);
}

void answer_revealed(call_ptr c, std::string_view key, const crypto::secure_bytes& value) {
  auto host = public_url(*c);
  json_writer w(room_for(value.size()));
  w.object().field("value", value.view()).field("secret_key", key).field("share_domain", std::string_view(host));
  w.end_object();
  answer(std::move(c), onetime_json_v1(200, w.take(), true));
}

// ---- steps -----------------------------------------------------------------------------------------

// Whoever made up a value has seen it, so from now on its receipt says so. The answer does not depend on it.
void mark_as_seen(call_ptr c, crypto::secure_bytes receipt_link, response r) {
  c->ctx.request = request_id{crypto::random_uuid()};  // an act of its own
  actors::show_receipt what{std::move(receipt_link), false};
  order(std::move(c), std::move(what),
        [r = std::move(r)](call_ptr mine, actors::answer) mutable { answer(std::move(mine), std::move(r)); });
}

// `shortkey` is the secret's; nobody knows it any more once it has burned.
void burn_now(call_ptr c, crypto::secure_bytes link, std::optional<crypto::secure_bytes> tried, std::string shortkey) {
  auto asked = link.clone();
  actors::burn_by_receipt what{std::move(link), std::move(tried)};
  order(std::move(c), std::move(what),
        [asked = std::move(asked), shortkey = std::move(shortkey)](call_ptr mine, actors::answer a) {
          const auto& refused = a.outcome.refused;
          if (refused && refused->code == errc::wrong_passphrase) {
            auto wrong = problem_of(*refused);
            wrong.text = "Double check that passphrase";
            return refuse(std::move(mine), wrong);
          }
          if (refused) return refuse_about(std::move(mine), a.outcome, asked);
          json_writer w(room_for(0));
          w.object().key("state");
          write_receipt(w, *mine, a.receipts.at(0), place::alone);
          w.field("secret_shortkey", std::string_view(shortkey)).end_object();
          answer(std::move(mine), onetime_json_v1(200, w.take(), true));
        });
}

}  // namespace

void status(call_ptr c) { answer(std::move(c), onetime_json_v1(200, R"({"status":"nominal","locale":"en"})")); }

void share(call_ptr c) {
  make_secret(std::move(c), act::conceal, telling::at_once, [](call_ptr mine, actors::answer a, const created&) {
    auto r = tell_receipt(*mine, a.receipts.at(0), {});
    answer(std::move(mine), std::move(r));
  });
}

void generate(call_ptr c) {
  make_secret(std::move(c), act::generate, telling::at_once, [](call_ptr mine, actors::answer a, created echo) {
    auto& receipt = a.receipts.at(0);
    auto r = tell_receipt(*mine, receipt, echo.generated.view());
    mark_as_seen(std::move(mine), std::move(receipt.receipt_link), std::move(r));
  });
}

void reveal(call_ptr c) {
  if (refused_as_short(c)) return;
  reveal_secret(std::move(c), [](call_ptr mine, actors::answer a, asked_reveal asked) {
    if (a.outcome.refused) return refuse_about(std::move(mine), a.outcome, asked.link);
    answer_revealed(std::move(mine), asked.link.view(), a.token);
  });
}

void confirm(call_ptr c) {
  if (refused_as_short(c)) return;
  confirm_reveal(std::move(c), [](call_ptr mine, actors::answer a, crypto::secure_bytes link) {
    if (a.outcome.refused) return refuse_about(std::move(mine), a.outcome, link);
    answer(std::move(mine), no_content());
  });
}

void show_receipt(call_ptr c) {
  if (auto no = refused_by_policy(*c, act::receipt)) return refuse(std::move(c), *no);
  if (refused_as_short(c)) return;
  auto link = c->capture(0);
  at_receipt(std::move(c), link, [](call_ptr mine, crypto::secure_bytes clean) {
    auto asked = clean.clone();
    actors::show_receipt what{std::move(clean), mere_look(mine->req)};
    order(std::move(mine), std::move(what), [asked = std::move(asked)](call_ptr same, actors::answer a) {
      if (a.outcome.refused) return refuse_about(std::move(same), a.outcome, asked);
      const auto& receipt = a.receipts.at(0);
      auto r = tell_receipt(*same, receipt, receipt.generated.view());
      answer(std::move(same), std::move(r));
    });
  });
}

void burn(call_ptr c) {
  if (auto no = refused_by_policy(*c, act::burn)) return refuse(std::move(c), *no);
  if (refused_as_short(c)) return;
  auto fields = read_fields(c->req, version_of(*c), limits::body_bytes_max);
  if (!fields) return refuse_input(std::move(c), fields.error());
  auto in = parse_claim(std::move(*fields));
  if (!in) return refuse_input(std::move(c), in.error());
  if (!within_guest_limit(c, act::reveal)) return;
  auto link = c->capture(0);
  at_receipt(std::move(c), link,
             [tried = given(std::move(in->passphrase))](call_ptr mine, crypto::secure_bytes clean) mutable {
               auto asked = clean.clone();
               actors::show_receipt look{std::move(clean), true};
               order(std::move(mine), std::move(look),
                     [asked = std::move(asked), tried = std::move(tried)](call_ptr same, actors::answer a) mutable {
                       if (a.outcome.refused) return refuse_about(std::move(same), a.outcome, asked);
                       std::string shortkey(shortid(a.receipts.at(0).secret_link.view()));
                       burn_now(std::move(same), std::move(asked), std::move(tried), std::move(shortkey));
                     });
             });
}

void recent(call_ptr c) {
  if (auto no = refused_by_scope(*c, model::scope_read)) return refuse(std::move(c), *no);
  c->ctx.workspace = *c->caller.bound_to;
  order(std::move(c), actors::list_recent{}, [](call_ptr mine, actors::answer a) {
    if (a.outcome.refused) return refuse_outcome(std::move(mine), a.outcome);
    auto& receipts = a.receipts;
    std::stable_sort(receipts.begin(), receipts.end(), [](const auto& left, const auto& right) {
      return left.entry.record.created > right.entry.record.created;
    });
    json_writer w(256 + 1024 * receipts.size());
    w.array();
    for (const auto& r : receipts) write_receipt(w, *mine, r, place::listed);
    w.end_array();
    answer(std::move(mine), onetime_json_v1(200, w.take(), true));
  });
}

}  // namespace nacre::http::onetime::v1
