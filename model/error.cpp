#include "model/error.hpp"

#include <cstdlib>

namespace nacre {

std::string_view name_of(errc code) {
  switch (code) {  // No default, on purpose.
    case errc::invalid:
      return "invalid";
    case errc::unauthenticated:
      return "unauthenticated";
    case errc::token_revoked:
      return "token_revoked";
    case errc::token_expired:
      return "token_expired";
    case errc::insufficient_scope:
      return "insufficient_scope";
    case errc::forbidden:
      return "forbidden";
    case errc::not_found:
      return "not_found";
    case errc::conflict:
      return "conflict";
    case errc::reveal_not_available:
      return "reveal_not_available";
    case errc::wrong_passphrase:
      return "wrong_passphrase";
    case errc::rate_limited:
      return "rate_limited";
    case errc::busy:
      return "busy";
    case errc::deadline_exceeded:
      return "deadline_exceeded";
    case errc::outcome_unknown:
      return "outcome_unknown";
    case errc::storage_failed:
      return "storage_failed";
    case errc::corrupt:
      return "corrupt";
    case errc::full:
      return "full";
    case errc::unsupported:
      return "unsupported";
    case errc::internal:
      return "internal";
  }
  std::abort();
}

}  // namespace nacre
