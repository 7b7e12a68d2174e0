#pragma once
// A cluster's certificates, in files.

#include "crypto/certificates.hpp"
#include "crypto/operator_file.hpp"
#include "crypto/random.hpp"
#include "tests/support/node_process.hpp"

namespace nacre::testing {

inline std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

struct authority {
  uuid cluster;
  crypto::issued_certificate files;
  explicit authority(uuid id = crypto::random_uuid())
      : cluster(id), files(*crypto::make_cluster_ca({id, "test", seconds_now()})) {}

  crypto::issued_certificate node(std::uint64_t id) const {
    return *crypto::issue_node_certificate(files.certificate, files.key.view(), {id, {"127.0.0.1"}, seconds_now()});
  }
  crypto::node_identity identity(std::uint64_t id) const {
    const auto made = node(id);
    return *crypto::node_identity::read(files.certificate, made.certificate, made.key.view(), seconds_now());
  }
};

// DIR/ca.crt, DIR/N.crt, DIR/N.key
class certificate_files {
 public:
  explicit certificate_files(uuid id = crypto::random_uuid()) : authority_(id) {
    put("ca.crt", authority_.files.certificate, 0644);
  }
  void issue(std::uint64_t id) {
    const auto made = authority_.node(id);
    put(std::to_string(id) + ".crt", made.certificate, 0644);
    put(std::to_string(id) + ".key", made.key.view(), 0600);
  }
  std::string at(const std::string& name) const { return (here_ / name).string(); }
  const uuid& cluster() const { return authority_.cluster; }

 private:
  void put(const std::string& name, std::string_view content, unsigned mode) {
    if (!crypto::write_operator_file(here_ / name, content, mode, true)) throw std::runtime_error("no file");
  }
  test::temporary_directory here_;
  authority authority_;
};

}  // namespace nacre::testing
