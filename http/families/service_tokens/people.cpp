#include "http/families/service_tokens/people.hpp"

#include "crypto/random.hpp"
#include "http/families/service_tokens/errors.hpp"
#include "http/families/service_tokens/input.hpp"
#include "http/families/service_tokens/objects.hpp"
#include "http/families/service_tokens/subject.hpp"
#include "model/limits.hpp"

namespace nacre::http::service_tokens {

namespace {

// What of an address fits a name, for lists that show one; addresses are cut between code points.
std::string name_from(std::string_view email) {
  std::size_t chars = 0, end = 0;
  for (; end < email.size(); ++end) {
    bool begins = (static_cast<unsigned char>(email[end]) & 0xc0) != 0x80;
    if (begins && chars++ == limits::name_chars_max) break;
  }
  return std::string(email.substr(0, end));
}

void made(call_ptr c, actors::answer a) {
  auto& outcome = a.outcome;
  if (outcome.refused) {
    // As many as a workspace can hold, which this family tells as 403.
    if (outcome.refused->code == errc::conflict) outcome.refused->code = errc::full;
    return refuse_outcome(std::move(c), outcome);
  }
  auto& entry = std::get<model::service_user_entry>(outcome.what);
  json_writer w(512);
  w.object();
  write_user(w, {entry.id, std::move(entry.record)});
  w.key("roles").array().end_array().end_object();
  answer(std::move(c), json_response(201, w.take()));
}

}  // namespace

void create_service_user(call_ptr c) {
  about(std::move(c), [](call_ptr mine, const model::view&, subject s) {
    if (!s.who.may_administer())
      return refuse(std::move(mine), {errc::forbidden, "Only a workspace owner or admin may do this"});
    auto body = new_service_user_of(mine->req);
    if (!body) return complain(std::move(mine), body.error());
    model::create_service_user op;
    op.id = user_id{crypto::random_uuid()};
    op.name = name_from(body->email);
    op.email = std::move(body->email);
    op.type = body->type;
    order(std::move(mine), model::operation{std::move(op)}, made);
  });
}

void list_users(call_ptr c) {
  about(std::move(c), [](call_ptr mine, const model::view& v, subject) {
    auto asked = people_question_of(mine->req);
    if (!asked) return complain(std::move(mine), asked.error());
    model::page at{(asked->page - 1) * asked->per_page, asked->per_page};
    auto found = model::list_people(v, mine->ctx, asked->filter, at);
    if (!found) return refuse(std::move(mine), found.error());
    if (!v.trustworthy()) return refuse(std::move(mine), {errc::storage_failed, "Stored state could not be read"});
    json_writer w(256 + 320 * found->items.size());
    w.object().key("results").array();
    for (const auto& p : found->items) {
      w.object();
      write_user(w, p);
      w.end_object();
    }
    auto shown = found->items.size();
    w.end_array().key("paginate").object().field("current", asked->page);
    w.field("from", std::uint64_t{shown == 0 ? 0 : at.offset + 1});
    w.field("to", std::uint64_t{shown == 0 ? 0 : at.offset + shown});
    w.field("total", found->total).field("pageSize", asked->per_page).end_object().end_object();
    answer(std::move(mine), json_response(200, w.take()));
  });
}

}  // namespace nacre::http::service_tokens
