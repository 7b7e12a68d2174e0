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
  const std::string_view body = r.ready_body ? *r.ready_body : r.body;
  // The longest there can be of the server's own lines, then what is given.
  std::size_t most = 256 + date_line.size() + (with_body ? body.size() : 0);
  if (r.ready_lines) most += r.ready_lines->size();
  for (const header& h : r.headers) most += h.name.size() + h.value.size() + 4;
  to.append_with(most, [&](char* at) {
    const auto put = [&at](std::string_view text) {
      std::memcpy(at, text.data(), text.size());
      at += text.size();
    };
    put("HTTP/1.1 ");
    at = std::to_chars(at, at + 3, r.status).ptr;
    put(" ");
    put(reason_of(r.status));
    put("\r\n");
    put(date_line);
    put("X-Request-Id: ");
    put(text_of(id));
    if (close) put("\r\nConnection: close");
    if (!bodiless) {
      put("\r\nContent-Length: ");
      at = std::to_chars(at, at + 20, body.size()).ptr;
    }
    if (r.ready_lines) put(*r.ready_lines);
    for (const header& h : r.headers) {
      if (is_servers_own(h.name)) continue;
      put("\r\n");
      put(h.name);
      put(": ");
      put(h.value);
    }
    put("\r\n\r\n");
    if (with_body) put(body);
    return at;
  });
  return true;
}

}  // namespace nacre::http
