#include "cli/link.hpp"

#include <string.h>

#include "cli/http_client.hpp"
#include "crypto/sealed_text.hpp"

namespace nacre::cli {

link::~link() { ::explicit_bzero(identifier.data(), identifier.size()); }

outcome<link> parse_link(std::string_view text) {
  constexpr auto none = std::string_view::npos;
  const auto no_link = [] {
    return refuse(exit_data, "this is no link of nacre", "it looks like https://HOST/secret/... or https://HOST/s#...");
  };
  link out;
  if (text.starts_with("https://") || text.starts_with("http://")) {
    const auto path = text.find_first_of("/?#", text.find("//") + 2);
    auto origin = parse_origin(text.substr(0, path));
    if (!origin || path == none) return no_link();
    out.origin = origin->text();
    text.remove_prefix(path);
  } else if (!text.empty() && text[0] != '/' && text.find_first_of("/#") == none) {
    if (!crypto::is_link_identifier(text)) return no_link();
    out.identifier = text;
    return out;
  }
  if (text.starts_with('/')) text.remove_prefix(1);
  if (text.starts_with("s#") || text.starts_with("s/#")) {
    auto read = crypto::read_fragment(text.substr(text.find('#') + 1));
    if (!read) return refuse(exit_data, read.error().text);
    out.what = link::kind::sealed;
    out.identifier = std::move(read->identifier);
    out.key = std::move(read->key);
    return out;
  }
  if (text.starts_with("r#")) {
    auto read = crypto::read_ask_fragment(text.substr(2));
    if (!read) return refuse(exit_data, read.error().text);
    out.what = link::kind::ask;
    out.identifier = std::move(read->identifier);
    out.public_key = std::move(read->public_key);
    return out;
  }
  if (text.starts_with("ask#")) {
    auto read = crypto::read_pickup_fragment(text.substr(4));
    if (!read) return refuse(exit_data, read.error().text);
    out.what = link::kind::pickup;
    out.identifier = read->identifier;
    out.pickup = std::move(*read);
    return out;
  }
  text = text.substr(0, text.find_first_of("?#"));
  if (text.ends_with("/burn")) text.remove_suffix(5);
  if (text.ends_with('/')) text.remove_suffix(1);
  const auto slash = text.rfind('/');
  if (slash == none) return no_link();
  const auto word = text.substr(0, slash);
  if (word == "secret")
    out.what = link::kind::secret;
  else if (word == "receipt" || word == "private" || word == "metadata")
    out.what = link::kind::receipt;
  else
    return no_link();
  out.identifier = text.substr(slash + 1);
  if (!crypto::is_link_identifier(out.identifier)) return no_link();
  return out;
}

}  // namespace nacre::cli
