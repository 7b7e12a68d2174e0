#pragma once
// Where people are signed in: one file a profile, 0600, in $XDG_CONFIG_HOME/nacre/profiles (else ~/.config), 0700;
// `current` beside it names the one in use. Directories and files that others may enter or read are refused.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/refusal.hpp"
#include "crypto/secure_bytes.hpp"

namespace nacre::cli {

struct profile {
  std::string name, url, user, email, workspace, credential;  // credential: "pat" or "jwt"
  std::string ca_file;
  bool insecure_http = false;
  crypto::secure_bytes token;
};

class profile_store {
 public:
  // 78 if there is no home, or others may get at what is kept. Makes nothing.
  static outcome<profile_store> open();

  outcome<std::optional<profile>> load(const std::string& name) const;
  outcome<bool> save(const profile& p) const;
  outcome<bool> remove(const std::string& name) const;  // false: there was none
  outcome<std::vector<std::string>> names() const;      // in order
  std::string current() const;                          // empty: none
  outcome<bool> use(const std::string& name) const;

 private:
  explicit profile_store(std::string directory) : directory_(std::move(directory)) {}
  std::string file_of(const std::string& name) const;
  std::string directory_;
};

// 1..32 letters, digits, '-', '_', '.'; no dot in front.
bool is_profile_name(std::string_view text);

}  // namespace nacre::cli
