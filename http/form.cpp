#include "http/form.hpp"

#include <algorithm>

#include "http/text.hpp"
#include "model/limits.hpp"

namespace nacre::http {

namespace {

constexpr const char* too_large = "The body is too large.";
constexpr const char* too_many = "The form has too many fields.";
constexpr const char* long_name = "A field of the form has too long a name.";
constexpr const char* bad_escape = "The form has a malformed escape.";
constexpr const char* bad_type = "The Content-Type is malformed.";
constexpr const char* no_boundary = "The Content-Type has no valid boundary.";
constexpr const char* bad_boundary = "The multipart body has a malformed boundary line.";
constexpr const char* no_end = "The multipart body does not end.";
constexpr const char* bad_part = "A part of the multipart body has malformed header fields.";
constexpr const char* no_name = "A part of the multipart body has no name.";
constexpr const char* encoded_part = "A part of the multipart body has a transfer encoding.";

constexpr auto npos = std::string_view::npos;

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

void skip_blanks(std::string_view& text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

// Measured first, so that no shorter copy is left behind by growth.
std::optional<crypto::secure_bytes> decode(std::string_view text) {
  std::size_t escapes = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') continue;
    if (text.size() - i < 3 || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) return std::nullopt;
    ++escapes;
    i += 2;
  }
  crypto::secure_bytes out(text.size() - 2 * escapes);
  auto* to = out.data();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      *to++ = static_cast<std::uint8_t>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
      i += 2;
    } else {
      *to++ = static_cast<std::uint8_t>(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

// What `;name=value` parameters are made of: takes one from the front, or is false. Values in quotes
// lose them and their backslashes.
bool take_parameter(std::string_view& rest, std::string& name, std::string& value) {
  skip_blanks(rest);
  if (rest.empty() || rest.front() != ';') return false;
  rest.remove_prefix(1);
  skip_blanks(rest);
  auto length = static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_token_char) - rest.begin());
  if (length == 0 || length == rest.size() || rest[length] != '=') return false;
  name = lowered(rest.substr(0, length));
  rest.remove_prefix(length + 1);
  value.clear();
  if (rest.empty() || rest.front() != '"') {
    length = static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_token_char) - rest.begin());
    if (length == 0) return false;
    value = rest.substr(0, length);
    rest.remove_prefix(length);
    return true;
  }
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return true;
    }
    if (rest[i] == '\\' && ++i == rest.size()) return false;
    value.push_back(rest[i]);
  }
  return false;
}

// RFC 2046 section 5.1.1: bcharsnospace, and spaces except at the end.
bool valid_boundary(std::string_view text) {
  if (text.empty() || text.size() > limits::form_boundary_bytes_max || text.back() == ' ') return false;
  return all_of(text,
                [](char c) { return is_digit(c) || is_alpha(c) || std::string_view{"'()+_,-./:=? "}.find(c) != npos; });
}

struct part_head {
  std::optional<std::string> name;
};

// `form-data; name="..."` and whatever else; a name said twice is malformed.
const char* read_disposition(std::string_view value, part_head& head) {
  constexpr std::string_view kind = "form-data";
  if (value.size() < kind.size() || !same_word(value.substr(0, kind.size()), kind)) return bad_part;
  value.remove_prefix(kind.size());
  std::string name, text;
  while (skip_blanks(value), !value.empty()) {
    if (!take_parameter(value, name, text)) return bad_part;
    if (name != "name") continue;
    if (head.name) return bad_part;
    head.name = text;
  }
  return head.name ? nullptr : no_name;
}

// One line of a part's header, without its end.
const char* read_header_line(std::string_view line, part_head& head, bool& disposed) {
  auto colon = line.find(':');
  if (colon == 0 || colon == npos) return bad_part;
  auto name = line.substr(0, colon), value = line.substr(colon + 1);
  if (!all_of(name, is_token_char)) return bad_part;  // also a folded line, which begins with a blank
  for (const char c : value)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return bad_part;
  skip_blanks(value);
  while (!value.empty() && is_blank(value.back())) value.remove_suffix(1);
  if (same_word(name, "content-disposition")) {
    if (disposed) return bad_part;
    disposed = true;
    return read_disposition(value, head);
  }
  if (same_word(name, "content-transfer-encoding") && !same_word(value, "binary") && !same_word(value, "8bit") &&
      !same_word(value, "7bit"))
    return encoded_part;
  return nullptr;
}

// A multipart body, read from the front.
class multipart_reader {
 public:
  multipart_reader(std::string_view body, std::string_view boundary) : rest_(body) {
    delimiter_.append("\r\n--").append(boundary);
  }

  const char* read(form_fields& out) {
    // The first boundary may stand at the very beginning; whatever is in front of it is a preamble.
    auto dashed = std::string_view(delimiter_).substr(2);
    if (rest_.starts_with(dashed)) {
      rest_.remove_prefix(dashed.size());
    } else {
      auto at = rest_.find(delimiter_);
      if (at == npos) return bad_boundary;
      rest_.remove_prefix(at + delimiter_.size());
    }
    for (;;) {
      bool last = false;
      if (const char* why = end_boundary_line(last)) return why;
      if (last) return nullptr;
      if (out.size() >= limits::form_fields_max) return too_many;
      if (const char* why = read_part(out)) return why;
    }
  }

 private:
  // Behind the boundary itself: "--" ends the body; else blanks and the line's end.
  const char* end_boundary_line(bool& last) {
    last = rest_.starts_with("--");
    if (last) rest_.remove_prefix(2);
    skip_blanks(rest_);
    if (last && rest_.empty()) return nullptr;
    if (!rest_.starts_with("\r\n")) return bad_boundary;
    rest_.remove_prefix(2);
    return nullptr;
  }

  const char* read_part(form_fields& out) {
    part_head head;
    bool disposed = false;
    std::size_t header_bytes = 0;
    for (;;) {
      // Bounded: a line longer than a header may be is not searched for its end.
      auto end = rest_.substr(0, limits::form_part_header_bytes_max).find("\r\n");
      if (end == npos) return rest_.size() <= limits::form_part_header_bytes_max ? no_end : bad_part;
      if (end == 0) break;
      auto line = rest_.substr(0, end);
      if (line.starts_with(std::string_view(delimiter_).substr(2))) return bad_part;
      header_bytes += end + 2;
      if (header_bytes > limits::form_part_header_bytes_max) return bad_part;
      if (const char* why = read_header_line(line, head, disposed)) return why;
      rest_.remove_prefix(end + 2);
    }
    if (!head.name) return no_name;
    if (head.name->size() > limits::form_name_bytes_max) return long_name;
    // The empty line's own end may begin the next boundary: a part with a header and no body.
    auto at = rest_.find(delimiter_);
    if (at == npos) return no_end;
    auto value = at < 2 ? std::string_view{} : rest_.substr(2, at - 2);
    out.push_back({crypto::secure_bytes(*head.name), crypto::secure_bytes(value)});
    rest_.remove_prefix(at + delimiter_.size());
    return nullptr;
  }

  std::string_view rest_;
  std::string delimiter_;
};

}  // namespace

result<form_fields> parse_urlencoded(std::string_view body, std::size_t bytes_max) {
  if (body.size() > bytes_max) return fail(errc::invalid, too_large);
  form_fields out;
  while (!body.empty()) {
    auto pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(body.size(), pair.size() + 1));
    if (pair.empty()) continue;
    if (out.size() >= limits::form_fields_max) return fail(errc::invalid, too_many);
    auto equals = pair.find('=');
    auto name = decode(pair.substr(0, equals));
    auto value = decode(equals == npos ? std::string_view{} : pair.substr(equals + 1));
    if (!name || !value) return fail(errc::invalid, bad_escape);
    if (name->size() > limits::form_name_bytes_max) return fail(errc::invalid, long_name);
    out.push_back({std::move(*name), std::move(*value)});
  }
  return out;
}

result<form_fields> parse_multipart(std::string_view body, std::string_view boundary, std::size_t bytes_max) {
  if (body.size() > bytes_max) return fail(errc::invalid, too_large);
  if (!valid_boundary(boundary)) return fail(errc::invalid, no_boundary);
  form_fields out;
  if (const char* why = multipart_reader(body, boundary).read(out)) return fail(errc::invalid, why);
  return out;
}

result<media_type> parse_media_type(std::string_view content_type) {
  media_type out;
  auto rest = content_type;
  skip_blanks(rest);
  auto end = std::min(rest.find(';'), rest.size());
  auto essence = rest.substr(0, end);
  rest.remove_prefix(end);
  while (!essence.empty() && is_blank(essence.back())) essence.remove_suffix(1);
  auto slash = essence.find('/');
  if (slash == npos || slash == 0 || slash + 1 == essence.size() || !all_of(essence.substr(0, slash), is_token_char) ||
      !all_of(essence.substr(slash + 1), is_token_char))
    return fail(errc::invalid, bad_type);
  out.essence = lowered(essence);
  std::string name, value;
  bool bounded = false;
  while (skip_blanks(rest), !rest.empty()) {
    if (rest == ";") break;  // some clients end the list with one
    if (!take_parameter(rest, name, value)) return fail(errc::invalid, bad_type);
    if (name != "boundary") continue;
    if (bounded || !valid_boundary(value)) return fail(errc::invalid, no_boundary);
    bounded = true;
    out.boundary = value;
  }
  return out;
}

}  // namespace nacre::http
