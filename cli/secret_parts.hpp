#pragma once
// What the commands about one-time secrets and those about requests for them have in common.

#include <string>
#include <string_view>

#include "cli/link.hpp"
#include "cli/server.hpp"

namespace nacre::cli {

// From the file with this name, the editor, or standard input; never empty, and UTF-8.
outcome<crypto::secure_bytes> text_given(const std::string& file, bool editor, std::string_view what);
// The first operand, what is typed hidden, or standard input for "-".
outcome<std::string> link_given(const arguments& with, std::string_view question);
// Where links begin that others can follow: as the server calls itself, unless that is only its own machine.
std::string base_for_others(const server& at, const std::string& said_base);
// The key under which an answer that got lost comes again; with --retry-key also for the next start of this program.
outcome<std::string> retry_key(const arguments& with);
// To the file, as JSON, or as it is.
class new_file;
outcome<bool> hand_over(crypto::secure_bytes value, std::optional<new_file>& file, bool json);

// With a pickup link (commands_request.cpp).
outcome<int> open_pickup(const arguments& with, const link& what);
outcome<int> show_request(const arguments& with, const link& what);
outcome<int> cancel_request(const arguments& with, const link& what);

}  // namespace nacre::cli
