#include "http/families/onetime/objects.hpp"

#include <algorithm>
#include <cstdlib>

#include "http/families/onetime/flow.hpp"
#include "http/families/onetime/words.hpp"

namespace nacre::http::onetime {

namespace {

std::string_view word(bool b) { return b ? "true" : "false"; }

void number_text(json_writer& w, std::string_view name, std::int64_t n) {
  w.field(name, std::string_view(std::to_string(n)));
}

void time_text(json_writer& w, std::string_view name, const std::optional<timestamp>& t) {
  if (t)
    number_text(w, name, epoch_s(*t));
  else
    w.field(name, nullptr);
}

void time_number(json_writer& w, std::string_view name, const std::optional<timestamp>& t) {
  if (t)
    w.field(name, epoch_s(*t));
  else
    w.field(name, nullptr);
}

// The text, or null where there is none.
void maybe(json_writer& w, std::string_view name, std::string_view text) {
  if (text.empty())
    w.field(name, nullptr);
  else
    w.field(name, text);
}

void write_paths(json_writer& w, const actors::shown_receipt& r, std::string_view base) {
  // The address of what a link leads to, or nothing; the path is what comes behind the base.
  auto url_of = [base](std::string_view before, const crypto::secure_bytes& link, std::string_view behind = {}) {
    return link.empty() ? crypto::secure_bytes() : secure_text({base, "/", before, link.view(), behind});
  };
  auto path = [base](const crypto::secure_bytes& url) {
    return url.empty() ? std::string_view() : url.view().substr(base.size() + 1);
  };
  auto secret = url_of("secret/", r.secret_link), receipt = url_of("receipt/", r.receipt_link),
       burn = url_of("receipt/", r.receipt_link, "/burn");
  maybe(w, "share_path", path(secret));
  maybe(w, "burn_path", path(burn));
  maybe(w, "receipt_path", path(receipt));
  maybe(w, "metadata_path", path(receipt));
  maybe(w, "share_url", secret.view());
  maybe(w, "receipt_url", receipt.view());
  maybe(w, "metadata_url", receipt.view());
  maybe(w, "burn_url", burn.view());
}

}  // namespace

crypto::secure_bytes secure_text(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (auto each : parts) size += each.size();
  crypto::secure_bytes out(size);
  auto* end = out.data();
  for (auto each : parts) end = std::copy(each.begin(), each.end(), end);
  return out;
}

std::string_view name_of(secret_state s) {
  switch (s) {
    case secret_state::fresh:
      return "new";
    case secret_state::previewed:
      return "previewed";
    case secret_state::revealed:
      return "revealed";
  }
  std::abort();
}

std::string_view name_of(model::receipt_state s) {
  switch (s) {
    case model::receipt_state::fresh:
      return "new";
    case model::receipt_state::previewed:
      return "previewed";
    case model::receipt_state::revealed:
      return "revealed";
    case model::receipt_state::burned:
      return "burned";
    case model::receipt_state::expired:
      return "expired";
    case model::receipt_state::orphaned:
      return "orphaned";
  }
  std::abort();
}

std::string_view name_of(model::secret_kind k) {
  switch (k) {
    case model::secret_kind::conceal:
      return "conceal";
    case model::secret_kind::generate:
      return "generate";
  }
  std::abort();
}

bool is_over(model::receipt_state s) {
  return s != model::receipt_state::fresh && s != model::receipt_state::previewed;
}

std::size_t room_for(std::size_t value_bytes) { return 2048 + 6 * value_bytes; }

void write_secret_record(json_writer& w, std::string_view identifier, const model::secret_record& r, secret_state s,
                         std::optional<std::string_view> value) {
  bool previewed = s == secret_state::previewed, revealed = s == secret_state::revealed;
  w.object().field("identifier", identifier).field("key", identifier).field("shortid", shortid(identifier));
  w.field("state", name_of(s));
  number_text(w, "created", epoch_s(r.created));
  // Not the moment of the reveal: one that is fetched again is answered with the same bytes.
  number_text(w, "updated", epoch_s(r.previewed.value_or(r.created)));
  number_text(w, "secret_ttl", r.lifespan_s);
  number_text(w, "lifespan", r.lifespan_s);
  w.field("has_passphrase", word(r.has_passphrase)).field("verification", "false");
  w.field("is_previewed", word(previewed)).field("is_revealed", word(revealed));
  w.field("is_viewed", word(previewed)).field("is_received", word(revealed));
  if (value) w.field("secret_value", *value);
  w.end_object();
}

void write_secret_details(json_writer& w, const secret_details& d) {
  w.object().field("continue", word(d.go_on)).field("is_owner", word(d.is_owner));
  w.field("show_secret", word(d.value.has_value())).field("correct_passphrase", word(d.correct_passphrase));
  number_text(w, "display_lines", d.value ? display_lines(*d.value) : display_lines_unseen);
  if (d.value)
    w.field("one_liner", word(one_liner(*d.value)));
  else
    w.field("one_liner", nullptr);
  w.end_object();
}

void write_receipt_record(json_writer& w, const actors::shown_receipt& r, receipt_form form, std::string_view base) {
  const auto& e = r.entry;
  const auto& record = e.record;
  bool guest = record.owner.value().is_nil();
  auto at_end = [&](model::receipt_end how) { return record.end == how ? record.ended : std::nullopt; };
  auto is = [&](model::receipt_state s) { return e.state == s; };
  auto identifier = r.receipt_link.view(), secret = r.secret_link.view();
  auto life_s = std::int64_t{record.lifespan_s}, receipt_life_s = limits::receipt_life_factor * life_s;

  w.object();
  maybe(w, "identifier", identifier);
  maybe(w, "key", identifier);
  maybe(w, "shortid", shortid(identifier));
  w.field("state", name_of(e.state));
  maybe(w, "custid", guest ? "anon" : "");
  if (guest)
    w.field("owner_id", nullptr);
  else
    w.field("owner_id", std::string_view(text_of(record.owner)));
  maybe(w, "secret_shortid", shortid(secret));
  if (!secret.empty()) w.field("secret_identifier", secret);
  w.field("secret_ttl", life_s).field("metadata_ttl", receipt_life_s).field("receipt_ttl", receipt_life_s);
  w.field("lifespan", receipt_life_s).field("share_domain", nullptr);
  w.field("created", epoch_s(record.created)).field("updated", epoch_s(record.updated)).field("shared", nullptr);
  w.field("recipients", std::string_view(record.recipients)).field("recipient_name", nullptr);
  maybe(w, "memo", record.memo);
  w.field("show_recipients", !record.recipients.empty());
  time_text(w, "previewed", record.previewed);
  time_text(w, "viewed", record.previewed);
  time_text(w, "revealed", at_end(model::receipt_end::revealed));
  time_text(w, "received", at_end(model::receipt_end::revealed));
  time_text(w, "burned", at_end(model::receipt_end::burned));
  w.field("is_previewed", is(model::receipt_state::previewed)).field("is_viewed", is(model::receipt_state::previewed));
  w.field("is_revealed", is(model::receipt_state::revealed)).field("is_received", is(model::receipt_state::revealed));
  w.field("is_burned", is(model::receipt_state::burned)).field("is_expired", is(model::receipt_state::expired));
  w.field("is_orphaned", is(model::receipt_state::orphaned)).field("is_destroyed", is_over(e.state));
  w.field("has_passphrase", record.has_passphrase).field("kind", name_of(record.kind)).field("source", "standard");
  if (form == receipt_form::single) {
    if (e.secret)
      w.field("secret_state", name_of(state_of(*e.secret)));
    else
      w.field("secret_state", nullptr);
    w.field("natural_expiration", std::string_view(natural_expiration(life_s)));
    w.field("expiration", epoch_s(record.secret_expires()));
    w.field("expiration_in_seconds", life_s);
    write_paths(w, r, base);
  }
  w.end_object();
}

void write_receipt_details(json_writer& w, const actors::shown_receipt& r, bool is_owner, timestamp now) {
  const auto& e = r.entry;
  const auto& record = e.record;
  bool fresh = e.state == model::receipt_state::fresh;
  bool has_passphrase = e.secret && e.secret->has_passphrase;
  bool show_secret = e.secret && !has_passphrase && fresh;
  bool show_receipt = e.state != model::receipt_state::previewed || is_owner;
  bool told = !r.generated.empty();
  w.object().field("type", "record");
  w.field("display_lines", told ? display_lines(r.generated.view()) : display_lines_unseen).field("no_cache", true);
  if (e.secret)
    w.field("secret_realttl", seconds_left(now, e.secret->expires()));
  else
    w.field("secret_realttl", nullptr);
  w.field("view_count", record.secret_previewed ? 1 : 0);
  time_number(w, "first_access", record.secret_previewed);
  time_number(w, "last_access", record.secret_previewed);
  w.field("has_passphrase", has_passphrase).field("can_decrypt", e.secret && !has_passphrase);
  maybe(w, "secret_value", r.generated.view());
  w.field("show_secret", show_secret).field("show_secret_link", show_secret && record.recipients.empty());
  w.field("show_receipt_link", fresh).field("show_receipt", show_receipt);
  w.field("show_recipients", show_receipt && !record.recipients.empty()).end_object();
}

void write_burn_details(json_writer& w, bool burned) {
  w.object().field("type", "record").field("title", burned ? "Secret burned" : "Secret not burned");
  w.field("display_lines", 0).field("display_feedback", false).field("no_cache", true).field("view_count", 0);
  w.field("has_passphrase", false).field("can_decrypt", false).field("show_secret", false);
  w.field("show_secret_link", false).field("show_receipt_link", false).field("show_receipt", true);
  w.field("show_recipients", false).field("is_orphaned", false).end_object();
}

}  // namespace nacre::http::onetime
