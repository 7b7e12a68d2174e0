#include "app/joining.hpp"

#include <sys/stat.h>

#include <filesystem>

#include "app/owner.hpp"
#include "cluster/wire/endpoint.hpp"
#include "crypto/certificates.hpp"
#include "crypto/join_token.hpp"
#include "crypto/operator_file.hpp"

namespace nacre::app {

namespace {

namespace fs = std::filesystem;

finished failed(int code, const std::string& what) { return {code, {}, "nacred: --join: " + what + "\n"}; }

std::string toml_text(const std::string& value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// Where to listen, if others reach the node there: an address of ours is one, a name is not.
std::string listen_at(const std::string& address) {
  const auto at = cluster::wire::parse_endpoint(address);
  if (!at) return address;
  const bool number =
      at->host.find_first_not_of("0123456789.") == std::string::npos || at->host.find(':') != std::string::npos;
  return number ? address : "0.0.0.0:" + std::to_string(at->port);
}

// What is there already may stay if it is the same: whoever did not get to see the section asks for it again.
result<void> put(const fs::path& file, std::string_view content, unsigned mode) {
  auto done = crypto::write_operator_file(file, content, mode, false);
  if (done || done.error().code != errc::conflict) return done;
  const auto privacy = mode == 0600 ? crypto::file_privacy::owner_only : crypto::file_privacy::owner_writes;
  const auto there = crypto::read_operator_file(file, content.size(), privacy);
  if (there && there->content.view() == content) return {};
  return fail(errc::conflict, "another one is already there; remove " + file.parent_path().string() +
                                  " and repeat with an invitation for this node");
}

}  // namespace

finished join_cluster(const config& c, std::string_view token, std::int64_t now) {
  if (c.cluster.node != 0) return failed(exit_config, "the configuration is a cluster's node already");
  if (auto ours = check_owner(c.data.dir); !ours) return failed(exit_config, ours.error().text);
  std::error_code ignored;
  if (fs::exists(fs::path(c.data.dir) / "db", ignored))
    return failed(exit_config, c.data.dir + " holds data: a node that joins begins with an empty directory");
  const auto root = crypto::open_key_provider(c.keys.root);
  if (!root) return failed(exit_config, root.error().text);
  const auto offer = crypto::open_join_token(**root, token, now);
  if (!offer) return failed(exit_config, offer.error().text);
  const auto identity = crypto::node_identity::read(offer->ca_certificate, offer->certificate, offer->key.view(), now);
  if (!identity) return failed(exit_config, identity.error().text);
  const auto directory = fs::path(c.data.dir) / "cluster";
  const auto services = offer->service_keys.empty() ? fs::path() : directory / "service.keys";
  const auto section =
      cluster_section({directory.string(), offer->node, offer->members, offer->groups, true, services.string()});
  if (!section) return failed(exit_config, "the token does not fit: " + section.error().text);
  fs::create_directories(directory, ignored);
  if (::chmod(c.data.dir.c_str(), 0700) != 0 || ::chmod(directory.c_str(), 0700) != 0)
    return failed(exit_io, directory.string() + " cannot be made");
  const auto name = "node-" + std::to_string(offer->node);
  const auto ca = directory / "ca.crt", certificate = directory / (name + ".crt"), key = directory / (name + ".key");
  for (const auto& [file, content, mode] : {std::tuple{key, offer->key.view(), 0600u},
                                            {certificate, std::string_view(offer->certificate), 0644u},
                                            {services, std::string_view(offer->service_keys), 0600u},
                                            {ca, std::string_view(offer->ca_certificate), 0644u}}) {
    if (content.empty()) continue;
    if (auto done = put(file, content, mode); !done)
      return failed(done.error().code == errc::conflict ? exit_config : exit_io,
                    file.string() + ": " + done.error().text);
  }
  return {0,
          "# Add this to the configuration, start the node, and let the cluster take it in: `nacre cluster add`.\n" +
              *section,
          {}};
}

result<std::string> cluster_section(const cluster_place& of) {
  std::string peers, listen;
  for (const auto& each : of.members) {
    const auto member = cluster::wire::parse_member(each);
    if (!member) return fail(errc::invalid, "a member is not ID=HOST:PORT");
    if (member->node == of.node) listen = listen_at(member->address);
    peers += (peers.empty() ? "" : ", ") + toml_text(each);
  }
  if (listen.empty()) return fail(errc::invalid, "it is not said where this node is to be reached");
  const auto file = [&](const std::string& name) { return toml_text((fs::path(of.directory) / name).string()); };
  const auto own = "node-" + std::to_string(of.node);
  return "[cluster]\nnode = " + std::to_string(of.node) + "\nlisten = " + toml_text(listen) +
         "\nca = " + file("ca.crt") + "\ncertificate = " + file(own + ".crt") + "\nkey = " + file(own + ".key") +
         "\npeers = [" + peers + "]\n" + (of.joins ? "join = true\n" : "") +
         (of.groups == 1 ? "" : "groups = " + std::to_string(of.groups) + "\n") +
         (of.service_keys.empty() ? "" : "service_keys = " + toml_text(of.service_keys) + "\n");
}

}  // namespace nacre::app
