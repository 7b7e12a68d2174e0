#pragma once
// What callers of the Onetime Secret family send, v1 and v2, as one typed view (contracts/onetimesecret.md,
// sections 2, 6 and 7 and Part B). Reading takes two steps: `read_fields` makes one list of named values of
// JSON, form, multipart and query string; a parse function makes of it what one kind of call needs, or
// the failure that either version answers. Pure: no clock, no state, no I/O.
//
// Where the contract leaves it open:
// - A body of another type than JSON, form or multipart, a malformed one and one that is no JSON object are
//   400 BadRequest (v1: its 404 with the intended 400). Without a Content-Type, v1 reads a form and v2 JSON.
//   An empty body is `{}` whatever its type.
// - v1 POST also reads the query string; v2 never does, for query strings end up in logs on their way.
// - A name said twice in a form or query: the last one counts, and a body's counts more than the query's.
//   Recipients and identifiers add up. A key said twice in JSON is a malformed body.
// - null is absent. Numbers and booleans are taken for the text they are written as where text is asked for;
//   fractions and whole numbers beyond 64 bits only for `ttl` and `length`. A list or object in place of
//   a text is 422 "Incorrect payload format". Unknown names are ignored.
// - Text is UTF-8: other bytes in a secret, passphrase or memo are 422.
//
// Secrets: values are wiped when what holds them goes. No failure's text holds a secret; one may name an
// address or a domain that the caller sent, so failures are answered, never logged.
// Threads: plain functions and values.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "crypto/secure_bytes.hpp"
#include "http/server.hpp"
#include "model/error.hpp"
#include "model/limits.hpp"

namespace nacre::http::onetime {

enum class version : std::uint8_t { v1, v2 };

// What the caller did wrong, as both versions tell it.
struct input_failure {
  int status = 422;                     // the honest one, of v2: 400, 401, 422
  std::string_view word = "FormError";  // v2 `error`: also "BadRequest", "Unauthorized", "missing", "invalid_email"
  std::string text;                     // v2 `message`
  std::string_view field;               // v2 `field`; empty: none
  std::string v1_text;                  // v1 `message` where it is another; else empty
  std::string_view message(version v) const { return v == version::v1 && !v1_text.empty() ? v1_text : text; }
  // v1 answers 404 and says this in X-OTS-Intended-Status; it knows no 422.
  int intended() const { return status == 401 ? 401 : 400; }
};

template <class T>
struct [[nodiscard]] parsed : tl::expected<T, input_failure> {
  using tl::expected<T, input_failure>::expected;
};

// ---- what was sent -----------------------------------------------------------------------------------

// Named values in the order they came; names as forms write them ("secret[ttl]" in v2, "ttl" in v1).
struct body_fields {
  enum class shape : std::uint8_t {
    text,
    inexact,  // a JSON number that is not the text it was written as
    nothing,  // null
    list,     // says only that a list was sent; its items follow
    object,   // so it does for an object
  };
  struct entry {
    std::string_view name;  // of the program's own table: unknown ones are not kept
    shape what = shape::text;
    bool listed = false;  // an item of a list
    crypto::secure_bytes text;
  };
  version spoken = version::v2;
  std::vector<entry> entries;
};

// `body_bytes_max` is a further bound below the transport's.
parsed<body_fields> read_fields(const request& r, version v, std::size_t body_bytes_max);

// ---- creating ----------------------------------------------------------------------------------------

struct create_rules {
  bool signed_in = false;
  std::size_t secret_bytes_max = limits::secret_bytes_default;
  std::string_view own_host;  // of the public base, "host" or "host:port": the one share_domain there is
};

// Which characters a made-up secret is drawn from, and how many.
struct generate_options {
  std::uint32_t chars = limits::generated_chars_default;
  bool uppercase = true, lowercase = true, numbers = true, symbols = false;  // one at least is true
  bool exclude_ambiguous = true;
};

struct create_input {
  crypto::secure_bytes value;  // 1..secret_bytes_max bytes of UTF-8 as sent; empty for generate
  std::int64_t ttl_s = limits::secret_ttl_s_default;
  std::optional<crypto::secure_bytes> passphrase;  // 4..128 characters
  std::vector<std::string> recipients;             // checked, each once, at most 10
  generate_options generate;
};

// In this order: payload format, value (or generate's options), recipients, share_domain, passphrase. The
// fields give their values away.
parsed<create_input> parse_conceal(body_fields fields, const create_rules& rules);
// A `secret` given is ignored.
parsed<create_input> parse_generate(body_fields fields, const create_rules& rules);

// Seconds of a `ttl`: what leading digits say (the rest is ignored, no digits are 0), then clamped.
std::int64_t clamped_ttl_s(std::optional<std::string_view> text, bool signed_in);

// ---- revealing, burning and the rest -----------------------------------------------------------------

// A reveal, a burn, or a v2 GET with `continue` and `passphrase` in its query.
struct claim_input {
  crypto::secure_bytes passphrase;  // any bytes as sent; empty: none
  bool proceed = false;             // `continue` was true or "true"; v1 always goes on
};
parsed<claim_input> parse_claim(body_fields fields);
// The query of GET /secret/{identifier}; 400 for a malformed one.
parsed<claim_input> parse_show_query(std::string_view query);

// PATCH receipt: at most 500 characters; absent: nothing is to change.
parsed<std::optional<std::string>> parse_memo(const body_fields& fields);
// POST /secret/status: cleaned, not empty, at most limits::identifiers_max, in the order asked.
parsed<std::vector<crypto::secure_bytes>> parse_identifiers(const body_fields& fields);

// An identifier from a path or body as it is looked up: characters it cannot have are dropped.
crypto::secure_bytes clean_identifier(std::string_view text);
// Of a path, as it came: an escape is the character it stands for.
crypto::secure_bytes identifier_in_path(std::string_view text);

}  // namespace nacre::http::onetime
