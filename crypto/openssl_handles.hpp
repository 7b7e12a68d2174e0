#pragma once
// OpenSSL objects that free themselves, and its error queue left as it was found. Internal to crypto/.

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <memory>

namespace nacre::crypto {

template <auto Free>
struct openssl_free {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using md_ctx = std::unique_ptr<EVP_MD_CTX, openssl_free<EVP_MD_CTX_free>>;
using pkey_ctx = std::unique_ptr<EVP_PKEY_CTX, openssl_free<EVP_PKEY_CTX_free>>;
using ecdsa_sig = std::unique_ptr<ECDSA_SIG, openssl_free<ECDSA_SIG_free>>;
using bignum = std::unique_ptr<BIGNUM, openssl_free<BN_free>>;
using param_builder = std::unique_ptr<OSSL_PARAM_BLD, openssl_free<OSSL_PARAM_BLD_free>>;
using params = std::unique_ptr<OSSL_PARAM, openssl_free<OSSL_PARAM_free>>;

class error_mark {
 public:
  error_mark() { ERR_set_mark(); }
  ~error_mark() { ERR_pop_to_mark(); }
  error_mark(const error_mark&) = delete;
  error_mark& operator=(const error_mark&) = delete;
};

}  // namespace nacre::crypto
