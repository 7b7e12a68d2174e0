#include <charconv>
#include <cstring>

#include "http/pending.hpp"
#include "http/session.hpp"
#include "http/text.hpp"

namespace nacre::http {
namespace {

bool is_value(std::string_view value) {
  return all_of(value, [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

// These frame the message, so only the server sets them.
bool is_servers_own(std::string_view name) {
  switch (name.size()) {
    case 4:
      return same_word(name, "Date");
    case 10:
      return same_word(name, "Connection");
    case 12:
      return same_word(name, "X-Request-Id");
    case 14:
      return same_word(name, "Content-Length");
    case 17:
      return same_word(name, "Transfer-Encoding");
    default:
      return false;
  }
}

}  // namespace

bool serialize(byte_buffer& to, const response& r, const request_id& id, std::string_view date_line, bool close,
               bool head_only) {
  for (const header& h : r.headers)
    if (h.name.empty() || !all_of(h.name, is_token_char) || !is_value(h.value)) return false;
  if (r.status < 200 || r.status > 599) return false;

  const bool bodiless = r.status == 204 || r.status == 304;
  const bool with_body = !head_only && !bodiless;
  std::size_t bytes = 256 + (with_body ? r.body.size() : 0);
  for (const header& h : r.headers) bytes += h.name.size() + h.value.size() + 4;
  to.reserve(bytes);

  char line[64];
  std::memcpy(line, "HTTP/1.1 ", 9);
  char* at = std::to_chars(line + 9, line + 12, r.status).ptr;
  *at++ = ' ';
  to.append({line, static_cast<std::size_t>(at - line)});
  to.append(reason_of(r.status));
  to.append("\r\n");
  to.append(date_line);
  to.append("X-Request-Id: ");
  to.append(to_string(id));
  if (close) to.append("\r\nConnection: close");
  if (!bodiless) {
    std::memcpy(line, "\r\nContent-Length: ", 18);
    at = std::to_chars(line + 18, line + sizeof line, r.body.size()).ptr;
    to.append({line, static_cast<std::size_t>(at - line)});
  }
  for (const header& h : r.headers) {
    if (is_servers_own(h.name)) continue;
    to.append("\r\n");
    to.append(h.name);
    to.append(": ");
    to.append(h.value);
  }
  to.append("\r\n\r\n");
  if (with_body) to.append(r.body);
  return true;
}

}  // namespace nacre::http
