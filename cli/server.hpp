#pragma once
// The server a command talks to, and as whom.
//
// URL:        --url, else NACRE_URL, else the profile's.
// Credential: --token-file, else NACRE_TOKEN, else the profile's token, which goes to the profile's server only.
// Workspace:  --workspace, else NACRE_WORKSPACE, else the profile's, else the only one there is.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/arguments.hpp"
#include "cli/http_client.hpp"
#include "cli/profiles.hpp"
#include "crypto/secure_bytes.hpp"
#include "crypto/strict_json.hpp"

namespace nacre::cli {

using json_value = simdjson::dom::element;

// Owns a parsed answer; values live as long as it does.
class json_answer {
 public:
  // Nothing if it is no JSON object.
  static std::optional<json_answer> parse(std::string_view text);
  json_value root() const { return root_.at_pointer("").value_unsafe(); }  // an empty pointer always fits

 private:
  json_answer() = default;
  std::unique_ptr<crypto::json_reader> reader_;
  simdjson::dom::object root_;
};

// The value at a JSON pointer as text: a string's characters, a number, true, false; empty for null and absent.
std::string text_at(json_value of, std::string_view pointer);
// Lent, for what should not be copied; empty if it is no string.
std::string_view lent_at(json_value of, std::string_view pointer);
std::optional<json_value> value_at(json_value of, std::string_view pointer);
// What the answer is about, as JSON to standard output; 69 if it is about nothing.
outcome<int> print_data(const json_answer& answer);

enum class sign_in : std::uint8_t { needed, if_there_is, never };

class server {
 public:
  // 78 if no server is chosen or nobody is signed in who must be.
  static outcome<server> choose(const arguments& with, sign_in how);
  // The server of a link. Its credential is the profile's only if the profile is of that very server.
  static outcome<server> of_link(const arguments& with, const std::string& origin, sign_in how);

  const std::string& url() const { return url_; }
  bool signed_in() const { return !token_.empty(); }
  bool is_pat() const { return signed_in() && token_.view().substr(0, 2) != "ey"; }
  const profile& used() const { return profile_; }  // without a token; the name is empty if none
  // The workspace to act in; asks the server when none was chosen.
  outcome<std::string> workspace();
  // "Authorization: Bearer ..." if anybody is signed in.
  header_list bearer() const;

  // As sent and answered; no credential but what `headers` say.
  result<http_answer> raw(std::string_view verb, std::string_view target, const header_list& headers,
                          std::string body = {});
  // A call of the native API by a bearer, perhaps in a workspace. Anything but 2xx is a refusal.
  outcome<http_answer> call(std::string_view verb, std::string_view target, std::string body = {},
                            const header_list& more = {}, bool in_workspace = false);
  outcome<json_answer> ask(std::string_view verb, std::string_view target, std::string body = {},
                           const header_list& more = {}, bool in_workspace = false);
  // Asks again with pauses, for `seconds` at most, while no answer comes or it says "not now" (5xx but 507): for calls
  // that may be repeated because they carry an Idempotency-Key or change nothing. "Too often" (429) is an answer, and
  // is waited out only where an earlier try may have been done: what came of it nobody else could ask for.
  outcome<http_answer> insist(std::string_view verb, std::string_view target, const header_list& headers,
                              std::string_view body, int seconds);
  // How a Onetime Secret account says who it is: the token with its owner's id. Nothing for a JWT.
  outcome<std::optional<std::string>> basic();

 private:
  server(std::string url, http_client client) : url_(std::move(url)), client_(std::move(client)) {}
  static outcome<server> connect(const arguments& with, std::string url, std::optional<profile> mine, sign_in how,
                                 bool same_server, bool from_link);
  std::string url_;
  http_client client_;
  crypto::secure_bytes token_;
  profile profile_;
  std::string workspace_;
};

// What an answer other than 2xx means to people.
refusal refusal_of(const http_answer& a);
// A credential from --token-file, else NACRE_TOKEN, else empty; 78 if it cannot be one.
outcome<crypto::secure_bytes> given_credential(const arguments& with);
// Printable ASCII without spaces, up to 8192 characters; a token has 16 at least.
bool fits_header(std::string_view text);
bool could_be_token(std::string_view text);

std::string base64(std::string_view bytes);
// Text without white space around it.
std::string_view trimmed(std::string_view text);

}  // namespace nacre::cli
