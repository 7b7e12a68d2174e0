#include "http/families/onetime/v2.hpp"

#include "actors/one_time.hpp"
#include "http/families/onetime/asking.hpp"
#include "http/families/onetime/flow.hpp"
#include "http/families/onetime/objects.hpp"
#include "http/json.hpp"
#include "model/secrets.hpp"

namespace nacre::http::onetime::v2 {

namespace {

constexpr auto spoken = onetime::version::v2;

using passphrase = std::optional<crypto::secure_bytes>;

// ---- answers ---------------------------------------------------------------------------------------

void begin_envelope(json_writer& w, const call& c) {
  w.object();
  if (!is_guest(c)) w.field("user_id", std::string_view(text_of(c.ctx.who.user)));
  w.field("shrimp", "");
}

bool owns(const call& c, user_id owner) { return !is_guest(c) && c.ctx.who.user == owner; }

// The secret of `link` as one reader sees it.
response tell_secret(const call& c, std::string_view link, const model::secret_record& r, secret_details d) {
  d.is_owner = owns(c, r.owner);
  json_writer w(room_for(d.value ? d.value->size() : 0));
  begin_envelope(w, c);
  w.key("record");
  write_secret_record(w, link, r, d.value ? secret_state::revealed : state_of(r), d.value);
  w.key("details");
  write_secret_details(w, d);
  w.end_object();
  return onetime_json(200, w.take(), true);
}

response tell_receipt(const call& c, const actors::shown_receipt& r) {
  json_writer w(room_for(r.generated.size()) + 4096);
  w.object().key("record");
  write_receipt_record(w, r, receipt_form::single, public_url(c));
  w.key("details");
  write_receipt_details(w, r, owns(c, r.entry.record.owner), c.ctx.now);
  w.end_object();
  return onetime_json(200, w.take(), true);
}

response tell_burn(const call& c, const actors::shown_receipt& r, bool burned) {
  json_writer w(room_for(0) + 4096);
  w.object().field("success", burned).key("record");
  write_receipt_record(w, r, receipt_form::single, public_url(c));
  w.key("details");
  write_burn_details(w, burned);
  w.end_object();
  return onetime_json(200, w.take(), true);
}

response tell_record(const call& c, const actors::shown_receipt& r) {
  json_writer w(room_for(0) + 4096);
  w.object().key("record");
  write_receipt_record(w, r, receipt_form::single, public_url(c));
  w.end_object();
  return onetime_json(200, w.take(), true);
}

void write_texts(json_writer& w, std::string_view name, const std::vector<std::string>& texts) {
  w.key(name).array();
  for (const auto& each : texts) w.value(std::string_view(each));
  w.end_array();
}

response tell_created(const call& c, const actors::shown_receipt& r, const created& echo) {
  json_writer w(room_for(0) + 4096);
  w.object().field("success", true).field("shrimp", "").key("record").object();
  for (auto twin : {"receipt", "metadata"}) {
    w.key(twin);
    write_receipt_record(w, r, receipt_form::listed);
  }
  w.key("secret");
  if (r.entry.secret)
    write_secret_record(w, r.secret_link.view(), *r.entry.secret, secret_state::fresh);
  else
    w.value(nullptr);
  w.field("share_domain", nullptr).end_object();
  w.key("details").object().field("kind", name_of(r.entry.record.kind));
  write_texts(w, "recipient", echo.recipients);
  write_texts(w, "recipient_safe", echo.masked_recipients);
  w.end_object().end_object();
  auto out = onetime_json(200, w.take(), true);
  allow_origins(c, out);
  return out;
}

// ---- steps -----------------------------------------------------------------------------------------

void make_and_tell(call_ptr c, act what) {
  make_secret(std::move(c), what, telling::by_receipt, [](call_ptr mine, actors::answer a, created echo) {
    auto r = tell_created(*mine, a.receipts.at(0), echo);
    answer(std::move(mine), std::move(r));
  });
}

// A look at what is there; without a passphrase none is tried.
void look(call_ptr c, crypto::secure_bytes link, passphrase tried, bool go_on, bool mere) {
  auto told = link.clone();
  actors::show_secret what{std::move(link), std::move(tried), mere};
  order(std::move(c), std::move(what), [told = std::move(told), go_on](call_ptr mine, actors::answer a) {
    if (a.outcome.refused) return refuse_outcome(std::move(mine), a.outcome);
    const auto& secret = std::get<model::secret_entry>(a.outcome.what).record;
    secret_details d;
    d.go_on = go_on;
    d.correct_passphrase = !secret.has_passphrase || a.passphrase_right.value_or(false);
    auto r = tell_secret(*mine, told.view(), secret, d);
    answer(std::move(mine), std::move(r));
  });
}

response revealed_or_not(const call& c, std::string_view link, const actors::answer& a, bool go_on) {
  const auto& secret = std::get<model::secret_entry>(a.outcome.what).record;
  secret_details d;
  d.go_on = go_on;
  d.correct_passphrase = secret.has_passphrase && a.passphrase_right.value_or(false);
  if (a.revealed) d.value = a.token.view();
  return tell_secret(c, link, secret, d);
}

// The old GET that reveals: what is wrong with the passphrase is told in the details there, and it was a look.
void reveal_by_get(call_ptr c, crypto::secure_bytes link, passphrase tried) {
  auto told = link.clone();
  actors::reveal_secret what{std::move(link), std::move(tried), true, std::nullopt};
  order(std::move(c), std::move(what), [told = std::move(told)](call_ptr mine, actors::answer a) mutable {
    if (a.outcome.refused && a.outcome.refused->code == errc::wrong_passphrase)
      return look(std::move(mine), std::move(told), std::nullopt, true, false);
    if (a.outcome.refused) return refuse_outcome(std::move(mine), a.outcome);
    auto r = revealed_or_not(*mine, told.view(), a, true);
    answer(std::move(mine), std::move(r));
  });
}

// Runs an intent about a receipt; `tell` makes the answer of what it was.
template <class Intent, class Tell>
void about_receipt(call_ptr c, Intent what, Tell tell) {
  order(std::move(c), std::move(what), [tell](call_ptr mine, actors::answer a) {
    if (a.outcome.refused) return refuse_outcome(std::move(mine), a.outcome);
    auto r = tell(*mine, a.receipts.at(0));
    answer(std::move(mine), std::move(r));
  });
}

problem not_the_owner() { return problem_of(error{errc::unauthenticated, "Not authorized to update this receipt"}); }

void set_memo(call_ptr c, crypto::secure_bytes link, std::optional<std::string> memo) {
  if (c->caller.bound_to != c->ctx.workspace) return refuse(std::move(c), not_the_owner());
  if (!memo) {
    actors::show_receipt what{std::move(link), true};
    return order(std::move(c), std::move(what), [](call_ptr mine, actors::answer a) {
      if (a.outcome.refused) return refuse_outcome(std::move(mine), a.outcome);
      const auto& receipt = a.receipts.at(0);
      if (!owns(*mine, receipt.entry.record.owner)) return refuse(std::move(mine), not_the_owner());
      auto r = tell_record(*mine, receipt);
      answer(std::move(mine), std::move(r));
    });
  }
  actors::memo_receipt what{std::move(link), std::move(*memo)};
  order(std::move(c), std::move(what), [](call_ptr mine, actors::answer a) {
    if (a.outcome.refused && a.outcome.refused->code == errc::forbidden)
      return refuse(std::move(mine), not_the_owner());
    if (a.outcome.refused) return refuse_outcome(std::move(mine), a.outcome);
    auto r = tell_record(*mine, a.receipts.at(0));
    answer(std::move(mine), std::move(r));
  });
}

response tell_recent(const call& c, const std::vector<actors::shown_receipt>& receipts) {
  json_writer w(1024 + 3072 * receipts.size());
  auto list = [&](std::string_view name, auto wanted) {
    w.key(name).array();
    for (const auto& r : receipts)
      if (wanted(r)) write_receipt_record(w, r, receipt_form::listed);
    w.end_array();
  };
  auto over = [](const actors::shown_receipt& r) { return is_over(r.entry.state); };
  w.object().field("success", true).key("custid");
  if (c.caller.email.empty())
    w.value(std::string_view(text_of(c.ctx.who.user)));
  else
    w.value(std::string_view(c.caller.email));
  w.field("count", static_cast<std::uint64_t>(receipts.size()));
  list("records", [](const auto&) { return true; });
  w.key("details").object().field("type", "list").field("scope", nullptr).field("scope_label", nullptr);
  w.field("since", epoch_s(after(c.ctx.now, -limits::recent_receipts_ms))).field("now", epoch_s(c.ctx.now));
  w.field("has_items", !receipts.empty());
  list("revealed_receipts", over);
  list("pending_receipts", [over](const auto& r) { return !over(r); });
  w.end_object().end_object();
  return onetime_json(200, w.take(), true);
}

}  // namespace

void conceal(call_ptr c) { make_and_tell(std::move(c), act::conceal); }

void generate(call_ptr c) { make_and_tell(std::move(c), act::generate); }

void preflight(call_ptr c) {
  auto r = no_content();
  r.headers.push_back({"Allow", "POST, OPTIONS"});
  r.headers.push_back({"Access-Control-Allow-Methods", "POST, OPTIONS"});
  r.headers.push_back({"Access-Control-Allow-Headers", "Authorization, Content-Type"});
  r.headers.push_back({"Access-Control-Max-Age", "600"});
  allow_origins(*c, r);
  answer(std::move(c), std::move(r));
}

void show_secret(call_ptr c) {
  bool mere = mere_look(c->req);
  auto in = parse_show_query(c->req.query);
  bool consume = in && in->proceed && !mere && c->with.settings.onetime.get_reveals;
  auto no = refused_by_policy(*c, act::show);
  if (!no && consume) no = refused_by_policy(*c, act::reveal);
  if (no) return refuse(std::move(c), *no);
  if (!in) return refuse_input(std::move(c), in.error());
  // A passphrase tried costs what a reveal costs.
  if ((consume || (!mere && !in->passphrase.empty())) && !within_guest_limit(c, act::reveal)) return;
  auto link = c->capture(0);
  // Who merely looks tries no passphrase either: a try would be counted.
  auto tried = mere ? std::nullopt : given(std::move(in->passphrase));
  at_secret(std::move(c), link, std::nullopt, false,
            [consume, mere, go_on = in->proceed, tried = std::move(tried)](call_ptr mine,
                                                                           crypto::secure_bytes clean) mutable {
              if (consume) return reveal_by_get(std::move(mine), std::move(clean), std::move(tried));
              look(std::move(mine), std::move(clean), std::move(tried), go_on, mere);
            });
}

void reveal(call_ptr c) {
  reveal_secret(std::move(c), [](call_ptr mine, actors::answer a, asked_reveal asked) {
    if (a.outcome.refused) return refuse_outcome(std::move(mine), a.outcome);
    auto r = revealed_or_not(*mine, asked.link.view(), a, asked.go_on);
    answer(std::move(mine), std::move(r));
  });
}

void confirm(call_ptr c) {
  confirm_reveal(std::move(c), [](call_ptr mine, actors::answer a, crypto::secure_bytes) {
    if (a.outcome.refused) return refuse_outcome(std::move(mine), a.outcome);
    answer(std::move(mine), no_content());
  });
}

void secret_status(call_ptr c) {
  if (auto no = refused_by_policy(*c, act::show)) return refuse(std::move(c), *no);
  answer_from_view(std::move(c), [](call& mine, const model::view& v) {
    auto link = identifier_in_path(mine.capture(0));
    auto id = actors::secret_id_of(mine.with.keys, link.view());
    auto found = model::find_secret(v, model::where_is(v, id), id, mine.ctx.now);
    json_writer w(1024);
    w.object().key("record");
    if (!found) {
      w.object().field("state", "unknown").end_object().end_object();
      return onetime_json(200, w.take());
    }
    write_secret_record(w, link.view(), *found, state_of(*found));
    w.key("details").object();
    w.field("current_expiration", seconds_left(mine.ctx.now, found->expires())).end_object().end_object();
    return onetime_json(200, w.take(), true);
  });
}

void secrets_status(call_ptr c) {
  if (auto no = refused_by_policy(*c, act::show)) return refuse(std::move(c), *no);
  auto fields = read_fields(c->req, spoken, limits::body_bytes_max);
  if (!fields) return refuse_input(std::move(c), fields.error());
  auto links = parse_identifiers(*fields);
  if (!links) return refuse_input(std::move(c), links.error());
  answer_from_view(std::move(c), [links = std::move(*links)](call& mine, const model::view& v) {
    json_writer w(256 + 768 * links.size());
    std::uint64_t count = 0;
    w.object().key("records").array();
    for (const auto& link : links) {
      auto id = actors::secret_id_of(mine.with.keys, link.view());
      auto found = model::find_secret(v, model::where_is(v, id), id, mine.ctx.now);
      if (!found) continue;
      write_secret_record(w, link.view(), *found, state_of(*found));
      ++count;
    }
    w.end_array().field("count", count).end_object();
    return onetime_json(200, w.take(), true);
  });
}

void show_receipt(call_ptr c) {
  if (auto no = refused_by_policy(*c, act::receipt)) return refuse(std::move(c), *no);
  auto link = c->capture(0);
  at_receipt(std::move(c), link, [](call_ptr mine, crypto::secure_bytes clean) {
    actors::show_receipt what{std::move(clean), mere_look(mine->req)};
    about_receipt(std::move(mine), std::move(what), tell_receipt);
  });
}

void change_receipt(call_ptr c) {
  if (is_guest(*c)) return refuse(std::move(c), not_the_owner());
  if (auto no = refused_by_scope(*c, model::scope_write)) return refuse(std::move(c), *no);
  auto fields = read_fields(c->req, spoken, limits::body_bytes_max);
  if (!fields) return refuse_input(std::move(c), fields.error());
  auto memo = parse_memo(*fields);
  if (!memo) return refuse_input(std::move(c), memo.error());
  auto link = c->capture(0);
  at_receipt(std::move(c), link, [memo = std::move(*memo)](call_ptr mine, crypto::secure_bytes clean) mutable {
    set_memo(std::move(mine), std::move(clean), std::move(memo));
  });
}

void burn(call_ptr c) {
  if (auto no = refused_by_policy(*c, act::burn)) return refuse(std::move(c), *no);
  auto fields = read_fields(c->req, spoken, limits::body_bytes_max);
  if (!fields) return refuse_input(std::move(c), fields.error());
  auto in = parse_claim(std::move(*fields));
  if (!in) return refuse_input(std::move(c), in.error());
  if (in->proceed && !within_guest_limit(c, act::reveal)) return;
  auto link = c->capture(0);
  at_receipt(std::move(c), link,
             [go_on = in->proceed, tried = given(std::move(in->passphrase))](call_ptr mine,
                                                                             crypto::secure_bytes clean) mutable {
               if (!go_on) {
                 actors::show_receipt what{std::move(clean), true};
                 return about_receipt(std::move(mine), std::move(what),
                                      [](const call& asked, const actors::shown_receipt& r) {
                                        if (r.entry.secret) return tell_burn(asked, r, false);
                                        return problem_response(asked, missing_secret());
                                      });
               }
               actors::burn_by_receipt what{std::move(clean), std::move(tried)};
               order(std::move(mine), std::move(what), [](call_ptr asked, actors::answer a) {
                 if (a.outcome.refused && a.outcome.refused->code == errc::wrong_passphrase) {
                   auto wrong = problem_of(*a.outcome.refused);
                   wrong.text = "Double check that passphrase";  // another text than a reveal's
                   return refuse(std::move(asked), wrong);
                 }
                 if (a.outcome.refused) return refuse_outcome(std::move(asked), a.outcome);
                 auto r = tell_burn(*asked, a.receipts.at(0), true);
                 answer(std::move(asked), std::move(r));
               });
             });
}

void recent(call_ptr c) {
  if (auto no = refused_by_scope(*c, model::scope_read)) return refuse(std::move(c), *no);
  c->ctx.workspace = *c->caller.bound_to;
  order(std::move(c), actors::list_recent{}, [](call_ptr mine, actors::answer a) {
    if (a.outcome.refused) return refuse_outcome(std::move(mine), a.outcome);
    auto r = tell_recent(*mine, a.receipts);
    answer(std::move(mine), std::move(r));
  });
}

void status(call_ptr c) {
  answer(std::move(c), onetime_json(200, R"({"success":true,"status":"nominal","locale":"en"})"));
}

// The version whose behaviour this is, not nacre's.
void version(call_ptr c) {
  answer(std::move(c), onetime_json(200, R"({"success":true,"version":["0","25","0"],"locale":"en"})"));
}

void supported_locales(call_ptr c) {
  answer(std::move(c), onetime_json(200, R"({"success":true,"locales":["en"],"default_locale":"en","locale":"en"})"));
}

}  // namespace nacre::http::onetime::v2
