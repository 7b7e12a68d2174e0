#include "crypto/tls_errors.hpp"

#include <dlfcn.h>
#include <openssl/err.h>

#include <cstdlib>

struct ssl_st;

namespace {

// OpenSSL's own, behind ours in the order in which symbols are looked up.
template <class Function>
Function* next(const char* name) {
  void* found = ::dlsym(RTLD_NEXT, name);
  if (found == nullptr) std::abort();
  return reinterpret_cast<Function*>(found);
}

}  // namespace

extern "C" {

int SSL_read(ssl_st* ssl, void* to, int size);
int SSL_write(ssl_st* ssl, const void* from, int size);
int SSL_accept(ssl_st* ssl);
int SSL_connect(ssl_st* ssl);

int SSL_read(ssl_st* ssl, void* to, int size) {
  static auto* const theirs = next<int(ssl_st*, void*, int)>("SSL_read");
  ERR_clear_error();
  return theirs(ssl, to, size);
}

int SSL_write(ssl_st* ssl, const void* from, int size) {
  static auto* const theirs = next<int(ssl_st*, const void*, int)>("SSL_write");
  ERR_clear_error();
  return theirs(ssl, from, size);
}

int SSL_accept(ssl_st* ssl) {
  static auto* const theirs = next<int(ssl_st*)>("SSL_accept");
  ERR_clear_error();
  return theirs(ssl);
}

int SSL_connect(ssl_st* ssl) {
  static auto* const theirs = next<int(ssl_st*)>("SSL_connect");
  ERR_clear_error();
  return theirs(ssl);
}

}  // extern "C"

namespace nacre::crypto {

result<void> tls_errors_are_kept_apart() {
  const auto ours = [](const char* name, auto* function) {
    return ::dlsym(RTLD_DEFAULT, name) == reinterpret_cast<void*>(function);
  };
  if (ours("SSL_read", &SSL_read) && ours("SSL_write", &SSL_write) && ours("SSL_accept", &SSL_accept) &&
      ours("SSL_connect", &SSL_connect))
    return {};
  return fail(errc::internal, "this program was linked so that one TLS connection's error ends another's");
}

}  // namespace nacre::crypto
