#pragma once
// The other side of crypto/jwt.hpp: keys that sign, for tests. Makes good tokens and every bad one.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/jws.hpp"
#include "crypto/jwt.hpp"

namespace nacre::crypto::test {

class signer {
 public:
  static signer rsa(std::string kid, int bits = 2048);
  static signer p256(std::string kid);
  static signer ed25519(std::string kid);
  static signer hmac(std::string kid, std::string secret);

  const std::string& kid() const { return kid_; }
  std::string alg() const;  // the name a header must carry
  jwt_algorithm algorithm() const { return algorithm_; }

  // Public members as "name" -> JSON value; the MAC secret for HS256.
  std::map<std::string, std::string> members() const;
  std::string jwk(const std::map<std::string, std::string>& changes = {}) const;

  std::string header() const;  // {"alg":...,"kid":...}
  std::string signature(std::string_view input) const;
  std::string sign(std::string_view header_json, std::string_view payload) const;
  std::string sign(std::string_view payload) const { return sign(header(), payload); }

  evp_pkey_st* pkey() const { return key_.get(); }
  std::string spki_der() const;
  std::string spki_pem() const;

 private:
  jwt_algorithm algorithm_ = jwt_algorithm::hs256;
  std::string kid_;
  evp_key key_;
  std::string secret_;
};

// An EVP signature as OpenSSL makes it (ECDSA: DER). `pss` for RSASSA-PSS.
std::string evp_sign(evp_pkey_st* key, const char* digest_name, std::string_view input, bool pss = false);
std::string hs256(std::string_view secret, std::string_view input);

// JSON from parts; an empty value leaves the member out.
std::string object(const std::map<std::string, std::string>& members);
std::string key_set_json(const std::vector<std::string>& jwks);
std::string in_quotes(std::string_view text);

std::string join(std::string_view header_json, std::string_view payload, std::string_view signature);

}  // namespace nacre::crypto::test
