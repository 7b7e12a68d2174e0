#pragma once
// Form bodies: application/x-www-form-urlencoded (and query strings, which are written the same way) and
// multipart/form-data (RFC 7578, boundaries by RFC 2046).
//
// Strict: a body is read whole or refused with `invalid` and fixed words, never parts of it. A bad escape,
// a line end that is no CRLF, a part without a name, text after a boundary, a transfer encoding or a missing
// end make a body malformed. What the RFCs tell a reader to skip (a preamble, an epilogue, header fields of
// parts it does not know) is skipped. A file is its content: its name and type are not looked at.
// Values are any bytes; so are names. Both are wiped when the fields go: a secret sent without "name=" is a name.
//
// Limits: `bytes_max` for the whole body, limits::form_* for the rest. Time is linear in the body.
// Threads: plain functions and values.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/secure_bytes.hpp"
#include "model/error.hpp"

namespace nacre::http {

struct form_field {
  crypto::secure_bytes name, value;
};
using form_fields = std::vector<form_field>;  // in the order of the body; a name may come twice

result<form_fields> parse_urlencoded(std::string_view body, std::size_t bytes_max);
// `boundary` as the Content-Type says it, without dashes in front.
result<form_fields> parse_multipart(std::string_view body, std::string_view boundary, std::size_t bytes_max);

// What a Content-Type says. Parameters other than the boundary are skipped.
struct media_type {
  std::string essence;   // "application/json", lower case
  std::string boundary;  // 1..70 of RFC 2046's characters; empty if none is given
};
// `invalid` if the field is malformed or its boundary is none.
result<media_type> parse_media_type(std::string_view content_type);

}  // namespace nacre::http
