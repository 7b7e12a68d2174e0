// Any bytes as a form. The first byte chooses: url-encoded, multipart, or either as the body of a create,
// whose first line is then the Content-Type. Refused with fixed words, or fields that keep the limits, add
// up to no more than the body, and are read to the same when written again.

#include <cstddef>
#include <cstdint>
#include <string>

#include "http/families/onetime/input.hpp"
#include "http/form.hpp"
#include "http/text.hpp"
#include "model/limits.hpp"
#include "model/text.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace nacre;
using namespace nacre::http;

constexpr std::string_view boundary = "b";
constexpr std::size_t bytes_max = 1 << 16;

void check_refused(const error& e) {
  NACRE_FUZZ_CHECK(e.code == errc::invalid);
  NACRE_FUZZ_CHECK(e.text.size() < 100 && printable_run(e.text) == e.text.size());
}

void check_limits(const form_fields& fields, std::string_view body) {
  std::size_t sum = 0;
  NACRE_FUZZ_CHECK(fields.size() <= limits::form_fields_max);
  for (const auto& f : fields) {
    NACRE_FUZZ_CHECK(f.name.size() <= limits::form_name_bytes_max);
    sum += f.name.size() + f.value.size();
  }
  NACRE_FUZZ_CHECK(sum <= body.size());
}

void check_same(const form_fields& a, const result<form_fields>& b) {
  NACRE_FUZZ_CHECK(b && a.size() == b->size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    NACRE_FUZZ_CHECK(a[i].name.view() == (*b)[i].name.view());
    NACRE_FUZZ_CHECK(a[i].value.view() == (*b)[i].value.view());
  }
}

std::string escaped(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : text)
    out += {'%', digits[static_cast<unsigned char>(c) >> 4], digits[static_cast<unsigned char>(c) & 15]};
  return out;
}

void urlencoded(std::string_view body) {
  const auto fields = parse_urlencoded(body, bytes_max);
  if (!fields) return check_refused(fields.error());
  check_limits(*fields, body);
  std::string again;
  for (const auto& f : *fields) again += escaped(f.name.view()) + "=" + escaped(f.value.view()) + "&";
  check_same(*fields, parse_urlencoded(again, again.size()));
}

void multipart(std::string_view body) {
  const auto fields = parse_multipart(body, boundary, bytes_max);
  if (!fields) return check_refused(fields.error());
  check_limits(*fields, body);
  std::string again;
  for (const auto& f : *fields) {
    NACRE_FUZZ_CHECK(f.value.view().find("\r\n--b") == std::string_view::npos);
    again += "--b\r\nContent-Disposition: form-data; name=\"";
    for (const char c : f.name.view()) again += (c == '"' || c == '\\') ? std::string{'\\', c} : std::string{c};
    again.append("\"\r\n\r\n").append(f.value.view()).append("\r\n");
  }
  check_same(*fields, parse_multipart(again + "--b--", boundary, bytes_max * 4));
}

void check_told(const onetime::input_failure& f) {
  NACRE_FUZZ_CHECK(f.status == 400 || f.status == 401 || f.status == 422);
  for (auto v : {onetime::version::v1, onetime::version::v2}) {
    NACRE_FUZZ_CHECK(!f.message(v).empty() && f.message(v).size() < 400);
    NACRE_FUZZ_CHECK(printable_run(f.message(v)) == f.message(v).size());
  }
}

void create(std::string_view body, std::uint8_t choice) {
  const auto v = choice & 4 ? onetime::version::v1 : onetime::version::v2;
  const onetime::create_rules rules{(choice & 8) != 0, 100, "secrets.test"};
  request r;
  r.verb = method::post;
  const auto line = body.substr(0, body.find('\n'));
  r.headers = {{"Content-Type", std::string(line)}};
  r.body = body.substr(std::min(body.size(), line.size() + 1));
  auto fields = onetime::read_fields(r, v, bytes_max);
  if (!fields) return check_told(fields.error());
  if (choice & 16) {
    if (auto ids = onetime::parse_identifiers(*fields))
      NACRE_FUZZ_CHECK(ids->size() <= limits::identifiers_max);
    else
      check_told(ids.error());
    if (auto memo = onetime::parse_memo(*fields); !memo) check_told(memo.error());
    if (auto claim = onetime::parse_claim(std::move(*fields)); !claim) check_told(claim.error());
    return;
  }
  auto made = choice & 32 ? onetime::parse_generate(std::move(*fields), rules)
                          : onetime::parse_conceal(std::move(*fields), rules);
  if (!made) return check_told(made.error());
  NACRE_FUZZ_CHECK(made->value.size() <= rules.secret_bytes_max);
  NACRE_FUZZ_CHECK(model::measure(made->value.view()).valid);
  NACRE_FUZZ_CHECK(made->ttl_s >= limits::secret_ttl_s_min && made->ttl_s <= limits::secret_ttl_s_max);
  NACRE_FUZZ_CHECK(made->recipients.size() <= (rules.signed_in ? limits::recipients_max : 0));
  NACRE_FUZZ_CHECK(made->generate.chars >= limits::generated_chars_min &&
                   made->generate.chars <= limits::generated_chars_max);
  if (made->passphrase) {
    const auto chars = model::measure(made->passphrase->view()).chars;
    NACRE_FUZZ_CHECK(chars >= limits::passphrase_chars_min && chars <= limits::passphrase_chars_max);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body{reinterpret_cast<const char*>(data + 1), size - 1};
  switch (data[0] & 3) {
    case 0:
      urlencoded(body);
      break;
    case 1:
      multipart(body);
      break;
    default:
      create(body, data[0]);
  }
  return 0;
}
