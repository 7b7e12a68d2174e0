#include "http/voice.hpp"

#include <cstdlib>

#include "http/families/native_errors.hpp"
#include "http/families/onetime/errors.hpp"
#include "http/families/service_tokens/errors.hpp"
#include "http/families/unleash/errors.hpp"

namespace nacre::http {

namespace {

constexpr voice native_voice = {native::refusal_of, native::limit_refusal_of, native::no_route, native::no_method,
                                nullptr};
constexpr voice onetime_v1_voice = {onetime::refusal_of, onetime::limit_refusal_of, onetime::no_route_response,
                                    onetime::no_method_response, onetime::edge_refusal_v1};
constexpr voice onetime_v2_voice = {onetime::refusal_of, onetime::limit_refusal_of, onetime::no_route_response,
                                    onetime::no_method_response, onetime::edge_refusal_v2};
constexpr voice unleash_voice = {unleash::refusal_of, unleash::limit_refusal_of, unleash::no_route, unleash::no_method,
                                 unleash::edge_refusal};
constexpr voice service_voice = {service_tokens::refusal_of, service_tokens::limit_refusal_of, service_tokens::no_route,
                                 service_tokens::no_method, service_tokens::edge_refusal};

}  // namespace

const voice& voice_of(family f) {
  switch (f) {
    case family::native:
      return native_voice;
    case family::onetime_v1:
      return onetime_v1_voice;
    case family::onetime_v2:
      return onetime_v2_voice;
    case family::unleash:
      return unleash_voice;
    case family::service_tokens:
      return service_voice;
  }
  std::abort();
}

}  // namespace nacre::http
