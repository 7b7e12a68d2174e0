// Where the root key comes from, and every reason to refuse one. See keyring.hpp.

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "crypto/guarded_bytes.hpp"
#include "crypto/hex.hpp"
#include "crypto/keyring.hpp"
#include "crypto/operator_file.hpp"
#include "crypto/random.hpp"

namespace nacre::crypto {
namespace {

constexpr std::size_t root_hex_chars = 2 * key_bytes;
constexpr std::size_t root_file_bytes_max = root_hex_chars + 1;  // and a newline
constexpr std::size_t check_value_bytes = 8;
constexpr std::uint32_t wrap_key_version = 1;

// Keeps what is derived from the root key and forgets the root key itself.
class held_key_provider final : public key_provider {
 public:
  explicit held_key_provider(const secure_bytes& root)
      : wrapping_(hkdf_sha256(root.view(), {}, "nacre/wrap/v1", key_bytes).view()),
        deriving_(hkdf_sha256(root.view(), {}, "nacre/derive/v1", key_bytes).view()),
        check_value_(view(hmac_sha256(root.view(), "nacre/kcv")).substr(0, check_value_bytes)) {}

  std::string wrap(std::string_view aad, std::string_view key) const override {
    return seal(wrapping_, wrap_key_version, aad, key);
  }
  result<secure_bytes> unwrap(std::string_view aad, std::string_view blob) const override {
    return open(wrapping_, aad, blob);
  }
  std::string check_value() const override { return check_value_; }
  secure_bytes derive(std::string_view purpose) const override {
    return hkdf_sha256(deriving_.view(), {}, purpose, key_bytes);
  }

 private:
  guarded_bytes wrapping_, deriving_;
  std::string check_value_;
};

class descriptor {
 public:
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string reason(int error) { return std::generic_category().message(error); }

auto refuse(const std::string& name, const std::string& why) {
  return fail(errc::invalid, "root key " + name + " is refused: " + why);
}

result<secure_bytes> decode_root_key(std::string_view text, bool raw_allowed, const std::string& name) {
  if (raw_allowed && text.size() == key_bytes) return secure_bytes{text};
  if (text.size() == root_file_bytes_max && text.back() == '\n') text.remove_suffix(1);
  if (text.size() != root_hex_chars)
    return refuse(name, raw_allowed ? "it must be 32 raw bytes, or 64 hex digits and at most one newline"
                                    : "it must be 64 hex digits");
  secure_bytes key(key_bytes);
  if (!read_hex(text, key.data())) return refuse(name, "not all of its 64 characters are hex digits");
  return key;
}

enum class file_owner { this_user, this_user_or_systemd };

// Everything is asked of the open descriptor, so nobody can swap the file between check and read.
result<secure_bytes> read_root_key_file(const std::string& path, const std::string& name, file_owner owner) {
  // O_NONBLOCK: opening a FIFO must come back with a refusal, not wait for a writer.
  const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)};
  if (file.get() < 0) {
    const int error = errno;
    return refuse(name, error == ELOOP ? "it is a symbolic link" : reason(error));
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return refuse(name, reason(errno));
  if (!S_ISREG(info.st_mode)) return refuse(name, "it is not a regular file");

  const bool mine = info.st_uid == ::geteuid();
  // systemd hands a credential over by chown or, where it cannot mount a file system for it, as a
  // file of root's with an ACL entry; the entry's mask shows as group bits, hence 0440.
  const bool systemds = owner == file_owner::this_user_or_systemd && info.st_uid == 0;
  if (!mine && !systemds)
    return refuse(name, "it belongs to user " + std::to_string(info.st_uid) + ", this process runs as user " +
                            std::to_string(::geteuid()));
  const auto mode = info.st_mode & 07777;
  if (mode != 0400 && mode != 0600 && !(systemds && mode == 0440)) {
    char shown[8];
    std::snprintf(shown, sizeof shown, "%04o", static_cast<unsigned>(mode));
    return refuse(name, std::string{"its mode is "} + shown + ", it must be 0400 or 0600");
  }

  secure_bytes text(root_file_bytes_max + 1);  // one more, to notice what is too long
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refuse(name, reason(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return decode_root_key(text.view().substr(0, size), true, name);
}

result<secure_bytes> read_credential(const std::string& credential) {
  if (credential.empty() || credential.front() == '.' || credential.find('/') != std::string::npos)
    return fail(errc::invalid, "root key source credential: takes the name of a systemd credential, not a path");
  const std::string name = "credential '" + credential + "'";
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory == '\0')
    return refuse(name, "CREDENTIALS_DIRECTORY is not set; the unit needs LoadCredential= or LoadCredentialEncrypted=");
  return read_root_key_file(std::string{directory} + "/" + credential, name, file_owner::this_user_or_systemd);
}

result<secure_bytes> read_environment(const std::string& variable) {
  if (variable.empty() || variable.find('=') != std::string::npos)
    return fail(errc::invalid, "root key source env: takes the name of an environment variable");
  const std::string name = "variable '" + variable + "'";
  char* value = std::getenv(variable.c_str());
  if (value == nullptr) return refuse(name, "it is not set");
  // Read once and gone, refused or not: unsetenv alone leaves the bytes where /proc/PID/environ shows them.
  const secure_bytes text{std::string_view{value}};
  sodium_memzero(value, text.size());
  ::unsetenv(variable.c_str());
  // No raw form here: 32 characters that fit a variable are a passphrase, not a key.
  return decode_root_key(text.view(), false, name);
}

result<secure_bytes> read_root_key(std::string_view source) {
  const auto after = [&](std::string_view scheme) { return std::string{source.substr(scheme.size())}; };
  if (source.find('\0') != std::string_view::npos) return fail(errc::invalid, "root key source holds a NUL character");
  if (source.starts_with("file:")) {
    const auto path = after("file:");
    return read_root_key_file(path, "file '" + path + "'", file_owner::this_user);
  }
  if (source.starts_with("credential:")) return read_credential(after("credential:"));
  if (source.starts_with("env:")) return read_environment(after("env:"));
  // Not quoted back: somebody may have put the key itself there.
  return fail(errc::invalid, "root key source must begin with file:, credential: or env:");
}

}  // namespace

result<std::unique_ptr<key_provider>> open_key_provider(std::string_view source) {
  auto root = read_root_key(source);
  if (!root) return tl::make_unexpected(std::move(root.error()));
  return std::make_unique<held_key_provider>(*root);
}

result<void> create_root_key_file(const std::filesystem::path& path) {
  secure_bytes text(root_hex_chars + 1);  // hex, so that a person can copy it to paper
  write_hex(random_bytes(key_bytes).view(), reinterpret_cast<char*>(text.data()));
  text.data()[root_hex_chars] = '\n';
  auto done = write_operator_file(path, text.view(), 0600, false);
  if (!done) return fail(done.error().code, "root key file '" + path.string() + "': " + done.error().text);
  return done;
}

}  // namespace nacre::crypto
