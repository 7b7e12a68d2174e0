#include "http/families/onetime/input.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "http/form.hpp"
#include "http/json.hpp"
#include "http/text.hpp"
#include "model/text.hpp"

namespace nacre::http::onetime {

namespace {

using shape = body_fields::shape;
constexpr auto npos = std::string_view::npos;

// ---- names -------------------------------------------------------------------------------------------

// A parameter of the create calls: v1 has it at the top, v2 under `secret`.
struct leaf {
  std::string_view flat, nested;
  std::string_view of(version v) const { return v == version::v1 ? flat : nested; }
};
constexpr leaf secret_leaf{"secret", "secret[secret]"};
constexpr leaf ttl_leaf{"ttl", "secret[ttl]"};
constexpr leaf passphrase_leaf{"passphrase", "secret[passphrase]"};
constexpr leaf recipient_leaf{"recipient", "secret[recipient]"};
constexpr leaf share_domain_leaf{"share_domain", "secret[share_domain]"};
constexpr leaf length_leaf{"length", "secret[length]"};
constexpr leaf sets_leaf{"character_sets", "secret[character_sets]"};
constexpr leaf uppercase_leaf{"character_sets[uppercase]", "secret[character_sets][uppercase]"};
constexpr leaf lowercase_leaf{"character_sets[lowercase]", "secret[character_sets][lowercase]"};
constexpr leaf numbers_leaf{"character_sets[numbers]", "secret[character_sets][numbers]"};
constexpr leaf symbols_leaf{"character_sets[symbols]", "secret[character_sets][symbols]"};
constexpr leaf ambiguous_leaf{"character_sets[exclude_ambiguous]", "secret[character_sets][exclude_ambiguous]"};
constexpr std::array leaves{secret_leaf,       ttl_leaf,     passphrase_leaf, recipient_leaf,
                            share_domain_leaf, length_leaf,  sets_leaf,       uppercase_leaf,
                            lowercase_leaf,    numbers_leaf, symbols_leaf,    ambiguous_leaf};

constexpr std::string_view payload = "secret", proceed = "continue", passphrase = "passphrase", memo = "memo",
                           identifiers = "identifiers";
constexpr std::array top_names{payload, proceed, passphrase, memo, identifiers};

// The program's own spelling of a name, or empty.
std::string_view known_name(std::string_view name, version v) {
  for (const auto& l : leaves)
    if (l.of(v) == name) return l.of(v);
  for (auto known : top_names)
    if (known == name) return known;
  return {};
}

// ---- failures ----------------------------------------------------------------------------------------

auto refuse(input_failure f) { return tl::make_unexpected(std::move(f)); }
auto bad_request(std::string text) { return refuse({400, "BadRequest", std::move(text), {}, {}}); }
auto form_error(std::string text, std::string_view field = {}) {
  return refuse({422, "FormError", std::move(text), field, {}});
}
auto bad_format() { return form_error("Incorrect payload format"); }

// ---- reading -----------------------------------------------------------------------------------------

// One more than any list may have is enough to see that it has too many.
constexpr std::size_t kept_items_max = limits::identifiers_max + 1;

class json_reader {
 public:
  explicit json_reader(body_fields& into) : into_(into) {}

  void read(std::string_view prefix, const json_value& object) {
    for (const auto& [key, value] : object.members()) {
      if (key.find('[') != npos || key.size() > limits::form_name_bytes_max) continue;
      std::string name(prefix);
      if (prefix.empty())
        name = key;
      else
        name.append("[").append(key).append("]");
      if (auto known = known_name(name, into_.spoken); !known.empty()) add(known, value);
    }
  }

 private:
  void put(std::string_view name, shape what, bool listed, std::string_view text = {}) {
    into_.entries.push_back({name, what, listed, crypto::secure_bytes(text)});
  }

  void add_scalar(std::string_view name, const json_value& value, bool listed) {
    if (auto text = value.string()) return put(name, shape::text, listed, *text);
    if (auto flag = value.boolean()) return put(name, shape::text, listed, *flag ? "true" : "false");
    char digits[512];  // a double without its fraction has at most 309
    if (auto whole = value.integer()) {
      auto end = std::to_chars(digits, digits + sizeof digits, *whole).ptr;
      return put(name, shape::text, listed, {digits, static_cast<std::size_t>(end - digits)});
    }
    if (auto number = value.number()) {
      // Without its fraction: only ttl and length read these.
      auto [end, problem] =
          std::to_chars(digits, digits + sizeof digits, std::trunc(*number), std::chars_format::fixed, 0);
      auto size = problem == std::errc{} ? static_cast<std::size_t>(end - digits) : 0;
      return put(name, shape::inexact, listed, {digits, size});
    }
    put(name, value.is_null() ? shape::nothing : shape::object, listed);
  }

  void add(std::string_view name, const json_value& value) {
    if (value.is_array()) {
      put(name, shape::list, false);
      std::size_t count = 0;
      for (const auto& item : value.items()) {
        if (++count > kept_items_max) break;
        if (item.is_array())
          put(name, shape::object, true);
        else
          add_scalar(name, item, true);
      }
    } else {
      add_scalar(name, value, false);
      if (value.is_object()) read(name, value);
    }
  }

  body_fields& into_;
};

parsed<void> read_json(body_fields& into, std::string_view body, std::size_t bytes_max) {
  auto json = parse_json(body, false, bytes_max);
  if (!json) return bad_request(json.error().text);
  json_reader(into).read({}, json->root());
  return {};
}

parsed<void> take_form(body_fields& into, result<form_fields> form) {
  if (!form) return bad_request(form.error().text);
  for (auto& field : *form) {
    auto name = field.name.view();
    bool listed = name.ends_with("[]");
    if (listed) name.remove_suffix(2);
    if (auto known = known_name(name, into.spoken); !known.empty())
      into.entries.push_back({known, shape::text, listed, std::move(field.value)});
  }
  return {};
}

parsed<void> read_body(body_fields& into, const request& r, std::size_t bytes_max) {
  constexpr std::string_view json = "application/json", form = "application/x-www-form-urlencoded",
                             multipart = "multipart/form-data";
  media_type type;
  if (const auto* given = r.find("content-type")) {
    auto said = parse_media_type(*given);
    if (!said) return bad_request(said.error().text);
    type = std::move(*said);
  } else {
    type.essence = into.spoken == version::v1 ? form : json;
  }
  if (type.essence == json) return read_json(into, r.body, bytes_max);
  if (type.essence == form) return take_form(into, parse_urlencoded(r.body, bytes_max));
  if (type.essence == multipart) return take_form(into, parse_multipart(r.body, type.boundary, bytes_max));
  return bad_request("The body must be JSON or a form.");
}

// ---- picking -----------------------------------------------------------------------------------------

body_fields::entry* last_of(body_fields& f, std::string_view name) {
  for (auto i = f.entries.size(); i-- > 0;)
    if (f.entries[i].name == name) return &f.entries[i];
  return nullptr;
}

// The one text of a name, if it was given.
parsed<std::optional<crypto::secure_bytes>> take_text(body_fields& f, std::string_view name) {
  auto* e = last_of(f, name);
  if (!e || (e->what == shape::nothing && !e->listed)) return std::optional<crypto::secure_bytes>{};
  if (e->what != shape::text || e->listed) return bad_format();
  return std::optional<crypto::secure_bytes>{std::move(e->text)};
}

// Whatever is there as the text of a number: nothing is refused here, and what is no number reads as 0.
std::optional<std::string_view> number_text(body_fields& f, std::string_view name) {
  const auto* e = last_of(f, name);
  if (!e || (e->what == shape::nothing && !e->listed)) return std::nullopt;
  const bool single = (e->what == shape::text || e->what == shape::inexact) && !e->listed;
  return single ? e->text.view() : "0";
}

// Leading white space, a sign, digits; the rest does not count. Saturates.
std::int64_t leading_number(std::string_view text) {
  constexpr std::int64_t most = 1'000'000'000'000;
  while (!text.empty() && (text.front() == ' ' || (text.front() >= '\t' && text.front() <= '\r')))
    text.remove_prefix(1);
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  std::int64_t n = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1))
    n = std::min(most, n * 10 + (text.front() - '0'));
  return negative ? -n : n;
}

// Labels of letters, digits and inner hyphens, two at least, the last no number. At most 253 bytes.
bool is_domain(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  std::size_t labels = 0;
  for (;;) {
    auto label = text.substr(0, text.find('.'));
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!all_of(label, [](char c) { return is_digit(c) || is_alpha(c) || c == '-'; })) return false;
    ++labels;
    if (label.size() == text.size()) return labels > 1 && !all_of(label, is_digit);
    text.remove_prefix(label.size() + 1);
  }
}

// The dot-atoms of RFC 5321 at a domain of the public kind; quoted local parts are not accepted.
bool is_address(std::string_view text) {
  auto at = text.find('@');
  if (at == npos || at == 0 || at > 64 || text.size() > limits::email_bytes_max) return false;
  auto local = text.substr(0, at);
  if (local.front() == '.' || local.back() == '.' || local.find("..") != npos) return false;
  constexpr auto allowed = [](char c) {
    return is_digit(c) || is_alpha(c) || std::string_view{".!#$%&'*+-/=?^_`{|}~"}.find(c) != npos;
  };
  return all_of(local, allowed) && is_domain(text.substr(at + 1));
}

parsed<void> read_recipients(body_fields& f, const create_rules& rules, create_input& out) {
  const auto name = recipient_leaf.of(f.spoken);
  constexpr std::string_view field = "recipient", between = ", ;\t\r\n";
  const auto too_many = "No more than " + std::to_string(limits::recipients_max) + " recipients are allowed";
  std::size_t items = 0;
  for (const auto& e : f.entries) {
    if (e.name != name || e.what == shape::nothing || e.what == shape::list) continue;
    if (e.what != shape::text) return bad_format();
    if (++items >= kept_items_max) return form_error(too_many, field);
    auto rest = e.text.view();
    while (!rest.empty()) {
      auto one = rest.substr(0, rest.find_first_of(between));
      rest.remove_prefix(std::min(rest.size(), one.size() + 1));
      if (one.empty()) continue;
      if (!rules.signed_in) return refuse({401, "Unauthorized", "An account is required to send emails.", field, {}});
      if (!is_address(one)) {
        // Said back only where it is short and printable.
        bool sayable = one.size() <= limits::email_bytes_max && printable_run(one) == one.size();
        std::string text = "Undeliverable email address";
        if (sayable) text.append(": ").append(one);
        return refuse({422, "invalid_email", std::move(text), field, {}});
      }
      if (std::find(out.recipients.begin(), out.recipients.end(), one) != out.recipients.end()) continue;
      if (out.recipients.size() == limits::recipients_max) return form_error(too_many, field);
      out.recipients.emplace_back(one);
    }
  }
  return {};
}

// Links are made for one host. Another well-formed domain is somebody else's; anything else is ignored.
parsed<void> check_share_domain(body_fields& f, const create_rules& rules) {
  auto given = take_text(f, share_domain_leaf.of(f.spoken));
  if (!given || !*given || !is_domain((*given)->view())) return {};
  auto own = rules.own_host.substr(0, rules.own_host.find(':'));
  if (same_word((*given)->view(), own)) return {};
  return form_error("Unknown domain: " + std::string((*given)->view()), "share_domain");
}

parsed<void> read_passphrase(body_fields& f, create_input& out) {
  constexpr std::string_view field = "passphrase";
  auto given = take_text(f, passphrase_leaf.of(f.spoken));
  if (!given) return refuse(std::move(given.error()));
  if (!*given || (*given)->empty()) return {};
  const auto measured = model::measure((*given)->view());
  if (!measured.valid) return form_error("Passphrase must be valid UTF-8", field);
  if (measured.chars < limits::passphrase_chars_min)
    return form_error(
        "Passphrase must be at least " + std::to_string(limits::passphrase_chars_min) + " characters long", field);
  if (measured.chars > limits::passphrase_chars_max)
    return form_error(
        "Passphrase must be no more than " + std::to_string(limits::passphrase_chars_max) + " characters long", field);
  out.passphrase = std::move(*given);
  return {};
}

parsed<void> read_value(body_fields& f, const create_rules& rules, create_input& out) {
  auto given = take_text(f, secret_leaf.of(f.spoken));
  if (!given) return refuse(std::move(given.error()));
  if (!*given || (*given)->empty())
    return refuse({422, "missing", "You did not provide anything to share", "secret", {}});
  out.value = std::move(**given);
  const auto most = std::to_string(rules.secret_bytes_max);
  if (out.value.size() > rules.secret_bytes_max)
    return refuse({422, "FormError", "Secret content must be no more than " + most + " bytes long", "secret",
                   "Secret value exceeds the maximum size of " + most + " bytes"});
  if (!model::measure(out.value.view()).valid) return form_error("Secret content must be valid UTF-8", "secret");
  return {};
}

parsed<void> read_flag(body_fields& f, const leaf& which, bool& flag) {
  auto given = take_text(f, which.of(f.spoken));
  if (!given) return refuse(std::move(given.error()));
  if (!*given || (*given)->empty()) return {};
  auto text = (*given)->view();
  if (text != "true" && text != "false") return form_error("Character sets must be true or false", "character_sets");
  flag = text == "true";
  return {};
}

parsed<void> read_options(body_fields& f, generate_options& out) {
  if (auto text = number_text(f, length_leaf.of(f.spoken)); text && !text->empty()) {
    const auto n = leading_number(*text);
    if (n > limits::generated_chars_max)
      return form_error("Generated password length must be no more than " +
                            std::to_string(limits::generated_chars_max) + " characters",
                        "length");
    if (n < limits::generated_chars_min)
      return form_error(
          "Generated password length must be at least " + std::to_string(limits::generated_chars_min) + " characters",
          "length");
    out.chars = static_cast<std::uint32_t>(n);
  }
  const auto* sets = last_of(f, sets_leaf.of(f.spoken));
  if (sets && sets->what != shape::object && sets->what != shape::nothing) return bad_format();
  if (sets && sets->listed) return bad_format();
  for (auto [which, flag] : {std::pair{&uppercase_leaf, &out.uppercase}, std::pair{&lowercase_leaf, &out.lowercase},
                             std::pair{&numbers_leaf, &out.numbers}, std::pair{&symbols_leaf, &out.symbols},
                             std::pair{&ambiguous_leaf, &out.exclude_ambiguous}})
    if (auto done = read_flag(f, *which, *flag); !done) return done;
  if (!out.uppercase && !out.lowercase && !out.numbers && !out.symbols)
    return form_error("At least one character set is needed", "character_sets");
  return {};
}

// v2 wants an object there; v1 has the secret itself at this place.
bool payload_is_right(body_fields& f) {
  if (f.spoken == version::v1) return true;
  for (const auto& e : f.entries)
    if (e.name == payload && ((e.what != shape::object && e.what != shape::nothing) || e.listed)) return false;
  return true;
}

parsed<create_input> finish_create(body_fields& f, const create_rules& rules, create_input out) {
  out.ttl_s = clamped_ttl_s(number_text(f, ttl_leaf.of(f.spoken)), rules.signed_in);
  if (auto done = read_recipients(f, rules, out); !done) return refuse(std::move(done.error()));
  if (auto done = check_share_domain(f, rules); !done) return refuse(std::move(done.error()));
  if (auto done = read_passphrase(f, out); !done) return refuse(std::move(done.error()));
  return out;
}

}  // namespace

parsed<body_fields> read_fields(const request& r, version v, std::size_t body_bytes_max) {
  body_fields out;
  out.spoken = v;
  if (v == version::v1 && r.verb == method::post)
    if (auto done = take_form(out, parse_urlencoded(r.query, limits::request_line_bytes_max)); !done)
      return refuse(std::move(done.error()));
  if (r.body.empty()) return out;
  if (auto done = read_body(out, r, body_bytes_max); !done) return refuse(std::move(done.error()));
  return out;
}

std::int64_t clamped_ttl_s(std::optional<std::string_view> text, bool signed_in) {
  const auto most = signed_in ? limits::secret_ttl_s_max : limits::guest_secret_ttl_s_max;
  const auto wanted = text ? leading_number(*text) : limits::secret_ttl_s_default;
  return std::clamp(wanted, limits::secret_ttl_s_min, most);
}

parsed<create_input> parse_conceal(body_fields fields, const create_rules& rules) {
  if (!payload_is_right(fields)) return bad_format();
  create_input out;
  if (auto done = read_value(fields, rules, out); !done) return refuse(std::move(done.error()));
  return finish_create(fields, rules, std::move(out));
}

parsed<create_input> parse_generate(body_fields fields, const create_rules& rules) {
  if (!payload_is_right(fields)) return bad_format();
  create_input out;
  if (auto done = read_options(fields, out.generate); !done) return refuse(std::move(done.error()));
  return finish_create(fields, rules, std::move(out));
}

parsed<claim_input> parse_claim(body_fields fields) {
  claim_input out;
  auto phrase = take_text(fields, passphrase);
  if (!phrase) return refuse(std::move(phrase.error()));
  if (*phrase) out.passphrase = std::move(**phrase);
  if (fields.spoken == version::v1) {
    out.proceed = true;
    return out;
  }
  // Compared as text; whatever is no text is simply not true.
  const auto* go = last_of(fields, proceed);
  out.proceed = go && go->what == shape::text && !go->listed && go->text.view() == "true";
  return out;
}

parsed<claim_input> parse_show_query(std::string_view query) {
  body_fields fields;
  if (auto done = take_form(fields, parse_urlencoded(query, limits::request_line_bytes_max)); !done)
    return refuse(std::move(done.error()));
  return parse_claim(std::move(fields));
}

parsed<std::optional<std::string>> parse_memo(const body_fields& fields) {
  const body_fields::entry* last = nullptr;
  for (const auto& e : fields.entries)
    if (e.name == memo) last = &e;
  if (!last || (last->what == shape::nothing && !last->listed)) return std::optional<std::string>{};
  if (last->what != shape::text || last->listed) return bad_format();
  const auto measured = model::measure(last->text.view());
  if (!measured.valid) return form_error("Memo must be valid UTF-8", memo);
  if (measured.chars > limits::memo_chars_max)
    return form_error("Memo must be no more than " + std::to_string(limits::memo_chars_max) + " characters long", memo);
  return std::optional<std::string>{std::string(last->text.view())};
}

parsed<std::vector<crypto::secure_bytes>> parse_identifiers(const body_fields& fields) {
  std::vector<crypto::secure_bytes> out;
  for (const auto& e : fields.entries) {
    if (e.name != identifiers || e.what == shape::nothing || e.what == shape::list) continue;
    if (e.what != shape::text) return bad_format();
    for (auto rest = e.text.view(); !rest.empty();) {
      auto one = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), one.size() + 1));
      auto cleaned = clean_identifier(one);
      if (cleaned.empty()) continue;
      if (out.size() == limits::identifiers_max)
        return form_error("No more than " + std::to_string(limits::identifiers_max) + " identifiers are allowed",
                          identifiers);
      out.push_back(std::move(cleaned));
    }
  }
  return out;
}

crypto::secure_bytes clean_identifier(std::string_view text) {
  constexpr auto kept = [](char c) { return is_digit(c) || is_alpha(c) || c == '-' || c == '_'; };
  crypto::secure_bytes out(static_cast<std::size_t>(std::count_if(text.begin(), text.end(), kept)));
  std::copy_if(text.begin(), text.end(), out.data(), kept);
  return out;
}

crypto::secure_bytes identifier_in_path(std::string_view text) {
  crypto::secure_bytes plain(text.size());
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool whole = text[i] == '%' && text.size() - i > 2;
    const int high = whole ? hex_value(text[i + 1]) : -1, low = whole ? hex_value(text[i + 2]) : -1;
    const bool escape = high >= 0 && low >= 0;
    plain.data()[size++] = static_cast<std::uint8_t>(escape ? high << 4 | low : text[i]);
    if (escape) i += 2;
  }
  return clean_identifier(plain.view().substr(0, size));
}

}  // namespace nacre::http::onetime
