#include "cli/refusal.hpp"

#include <cstdlib>
#include <iostream>

#include "cli/terminal.hpp"

namespace nacre::cli {

namespace {

int exit_of(errc code) {
  switch (code) {
    case errc::invalid:
    case errc::unsupported:
    case errc::not_found:  // no development issuer, no data
      return exit_config;
    case errc::wrong_passphrase:
      return exit_data;
    case errc::corrupt:
    case errc::storage_failed:
      return exit_io;
    case errc::unauthenticated:
    case errc::token_revoked:
    case errc::token_expired:
    case errc::insufficient_scope:
    case errc::forbidden:
      return exit_not_allowed;
    case errc::full:
    case errc::busy:
    case errc::conflict:
    case errc::reveal_not_available:
    case errc::rate_limited:
    case errc::deadline_exceeded:
    case errc::outcome_unknown:
    case errc::internal:
      return exit_unavailable;
  }
  std::abort();
}

}  // namespace

refusal refusal_of(const error& e) { return {exit_of(e.code), e.text, {}, {}}; }

int tell(const refusal& r) {
  std::cerr << "nacre: " << printable(r.text) << "\n";
  if (!r.advice.empty()) std::cerr << "  " << printable(r.advice) << "\n";
  if (!r.request_id.empty()) std::cerr << "  request id: " << printable(r.request_id) << "\n";
  return r.exit;
}

}  // namespace nacre::cli
