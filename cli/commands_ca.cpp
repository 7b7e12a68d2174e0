// ca init, ca issue, ca show, cluster init, cluster keys, cluster invite: the CA of one cluster, kept in a directory.
// Nothing here talks to anybody.

#include <sys/stat.h>

#include <algorithm>
#include <iostream>
#include <set>

#include "app/maintenance.hpp"
#include "cli/arguments.hpp"
#include "cli/authority.hpp"
#include "cli/terminal.hpp"
#include "cli/words.hpp"
#include "crypto/join_token.hpp"
#include "crypto/operator_file.hpp"
#include "crypto/random.hpp"
#include "model/limits.hpp"
#include "model/time.hpp"

namespace nacre::cli {

namespace {

namespace fs = std::filesystem;
using crypto::file_privacy;

constexpr const char* service_keys_name = "service.keys";  // beside the CA, for the nodes to come

std::int64_t seconds_now() { return system_clock{}.now().value() / 1000; }

std::string name_of(std::uint64_t node) { return "node-" + std::to_string(node); }

outcome<bool> make_directory(const fs::path& directory) {
  std::error_code failed;
  if (fs::is_directory(directory, failed)) return true;
  if (directory.has_parent_path()) fs::create_directories(directory.parent_path(), failed);
  if (::mkdir(directory.c_str(), 0700) != 0) return refuse(exit_io, directory.string() + " cannot be made");
  return true;
}

outcome<bool> write_file(const fs::path& file, std::string_view content, unsigned mode, bool replace) {
  auto done = crypto::write_operator_file(file, content, mode, replace);
  if (done) return true;
  if (done.error().code == errc::conflict)
    return refuse(exit_data, file.string() + " is there already", "give --force to replace it");
  return refuse(exit_io, file.string() + ": " + done.error().text);
}

outcome<crypto::secure_bytes> read_file(const fs::path& file, file_privacy privacy) {
  auto content = crypto::read_operator_file(file, crypto::certificate_file_bytes_max, privacy);
  if (!content) return refuse(exit_config, file.string() + ": " + content.error().text);
  return std::move(content->content);
}

// ID=HOST:PORT, as a node's configuration takes it.
bool is_member(std::string_view text) {
  const auto equals = text.find('='), colon = text.rfind(':');
  if (equals == std::string_view::npos || colon == std::string_view::npos || colon < equals + 2) return false;
  return whole_number(text.substr(0, equals), limits::cluster_node_max) &&
         whole_number(text.substr(colon + 1), 65'535) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

app::directory_access access_of(const arguments& with, const fs::path& data) {
  return {data, with.has("root-key") ? std::optional(with.get("root-key")) : std::nullopt};
}

// One CA, one cluster: what is there may be all that is left of another one's keys.
refusal keys_refusal(const error& e) {
  auto out = refusal_of(e);
  if (e.code == errc::conflict) {
    out.exit = exit_data;
    out.advice = "each cluster has a CA of its own; is --dir the right one?";
  }
  return out;
}

std::string fingerprint_text(const crypto::digest& d) { return crypto::to_hex(crypto::view(d)); }

bool show_one(const std::string& file, const crypto::certificate_facts& facts, table* rows) {
  std::string hosts;
  for (const auto& host : facts.hosts) hosts += (hosts.empty() ? "" : ", ") + host;
  const bool ended = facts.not_after < seconds_now();
  if (rows != nullptr)
    rows->row({file,
               facts.ca     ? "CA"
               : facts.node ? "node " + std::to_string(*facts.node)
                            : "?",
               time_text(facts.not_after) + (ended ? " (ended)" : ""), hosts});
  return !ended;
}

std::string json_of(const std::string& file, const crypto::certificate_facts& facts) {
  std::string hosts;
  for (const auto& host : facts.hosts) hosts += (hosts.empty() ? "\"" : ",\"") + host + '"';
  return "{\"file\":\"" + file + "\",\"cluster\":\"" + (facts.cluster ? to_string(*facts.cluster) : "") +
         "\",\"node\":" + (facts.node ? std::to_string(*facts.node) : "null") +
         ",\"ca\":" + (facts.ca ? "true" : "false") + ",\"notBefore\":\"" + time_text(facts.not_before) +
         "\",\"notAfter\":\"" + time_text(facts.not_after) + "\",\"hosts\":[" + hosts + "],\"sha256\":\"" +
         fingerprint_text(facts.fingerprint) + "\"}";
}

}  // namespace

outcome<uuid> make_authority(const fs::path& directory, const std::string& name, bool replace) {
  const auto cluster = crypto::random_uuid();
  auto made = crypto::make_cluster_ca({cluster, name, seconds_now()});
  if (!made) return refuse(exit_usage, made.error().text);
  if (auto there = make_directory(directory); !there) return refuse(there.error());
  // The key first: a certificate whose key is another one would look whole.
  std::error_code ignored;  // what cannot be looked at cannot be written either, and that is told
  if (!replace && fs::exists(directory / "ca.crt", ignored))
    return refuse(exit_data, (directory / "ca.crt").string() + " is there already",
                  "--force makes another cluster's CA: no certificate of this one will be good any more");
  if (auto done = write_file(directory / "ca.key", made->key.view(), 0600, replace); !done) return refuse(done.error());
  if (auto done = write_file(directory / "ca.crt", made->certificate, 0644, replace); !done)
    return refuse(done.error());
  return cluster;
}

outcome<std::string> read_authority_certificate(const fs::path& directory) {
  auto certificate = read_file(directory / "ca.crt", file_privacy::owner_writes);
  if (!certificate) return refuse(certificate.error());
  return std::string(certificate->view());
}

outcome<crypto::issued_certificate> issue_from(const fs::path& directory, const issue_request& what) {
  auto certificate = read_authority_certificate(directory);
  if (!certificate) return refuse(certificate.error());
  auto key = read_file(directory / "ca.key", file_privacy::owner_only);
  if (!key) return refuse(key.error());
  auto made =
      crypto::issue_node_certificate(*certificate, key->view(), {what.node, what.hosts, seconds_now(), what.days});
  if (!made) return refuse(exit_config, made.error().text);
  return std::move(*made);
}

outcome<bool> write_node_files(const fs::path& out, std::uint64_t node, const crypto::issued_certificate& made,
                               bool replace) {
  if (auto there = make_directory(out); !there) return refuse(there.error());
  const auto certificate = out / (name_of(node) + ".crt");
  std::error_code ignored;  // as in make_authority()
  if (!replace && fs::exists(certificate, ignored))
    return refuse(exit_data, certificate.string() + " is there already", "give --force to replace it");
  if (auto done = write_file(out / (name_of(node) + ".key"), made.key.view(), 0600, replace); !done) return done;
  return write_file(certificate, made.certificate, 0644, replace);
}

outcome<int> run_ca_init(const arguments& with) {
  const fs::path directory = with.get("dir");
  auto cluster = make_authority(directory, with.get("cluster", "cluster"), with.has("force"));
  if (!cluster) return refuse(cluster.error());
  auto facts = crypto::read_certificate(*read_authority_certificate(directory));
  sheet s;
  s.row("cluster", to_string(*cluster));
  s.row("certificate", (directory / "ca.crt").string());
  s.row("key", (directory / "ca.key").string() + " (keep it off the nodes)");
  s.row("until", time_text(facts->not_after));
  s.row("sha256", fingerprint_text(facts->fingerprint));
  s.print();
  return exit_ok;
}

outcome<int> run_ca_issue(const arguments& with) {
  auto node = node_number(with.operand(0));
  if (!node) return refuse(node.error());
  auto days = with.number("days", crypto::node_certificate_days, 1, crypto::ca_certificate_days);
  if (!days) return refuse(days.error());
  const fs::path directory = with.get("dir"), out = with.get("out", with.get("dir"));
  auto made = issue_from(directory, {*node, with.all("host"), *days});
  if (!made) return refuse(made.error());
  if (auto done = write_node_files(out, *node, *made, with.has("force")); !done) return refuse(done.error());
  auto facts = crypto::read_certificate(made->certificate);
  sheet s;
  s.row("node", std::to_string(*node));
  s.row("cluster", to_string(*facts->cluster));
  s.row("certificate", (out / (name_of(*node) + ".crt")).string());
  s.row("key", (out / (name_of(*node) + ".key")).string());
  s.row("until", time_text(facts->not_after));
  s.print();
  return exit_ok;
}

outcome<int> run_ca_show(const arguments& with) {
  const fs::path directory = with.get("dir");
  auto certificate = read_authority_certificate(directory);
  if (!certificate) return refuse(certificate.error());
  std::vector<std::pair<std::string, crypto::certificate_facts>> all;
  auto ca = crypto::read_certificate(*certificate);
  if (!ca || !ca->cluster) return refuse(exit_config, (directory / "ca.crt").string() + ": it is no cluster's CA");
  all.emplace_back("ca.crt", *ca);
  std::vector<std::string> names;
  std::error_code failed;
  for (const auto& each : fs::directory_iterator(directory, failed)) {
    auto name = each.path().filename().string();
    if (name != "ca.crt" && name.ends_with(".crt")) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    auto content = read_file(directory / name, file_privacy::owner_writes);
    if (!content) return refuse(content.error());
    auto facts = crypto::read_certificate(content->view());
    if (facts && facts->cluster == ca->cluster) all.emplace_back(name, *facts);
  }
  bool good = true;
  if (with.has("json")) {
    std::string out;
    for (const auto& [name, facts] : all) {
      good = show_one(name, facts, nullptr) && good;
      out += (out.empty() ? "[" : ",") + json_of(name, facts);
    }
    if (auto done = print_out(out + "]\n"); !done) return refuse(done.error());
    return good ? exit_ok : exit_data;
  }
  sheet s;
  s.row("cluster", to_string(*ca->cluster));
  s.row("name", ca->name);
  s.row("sha256", fingerprint_text(ca->fingerprint));
  s.print();
  table rows({"FILE", "OF", "UNTIL", "HOSTS"});
  for (const auto& [name, facts] : all) good = show_one(name, facts, &rows) && good;
  rows.print();
  return good ? exit_ok : exit_data;
}

outcome<int> run_cluster_init(const arguments& with) {
  // What it prints the node cannot start without.
  if (output_is_closed()) return refuse(exit_io, "standard output is closed; nothing was done");
  auto node = with.number("node", 1, 1, limits::cluster_node_max);
  if (!node) return refuse(node.error());
  auto groups = with.number("groups", 1, 1, limits::cluster_groups_max);
  if (!groups) return refuse(groups.error());
  if (!is_member(std::to_string(*node) + "=" + with.get("address")))
    return refuse(exit_usage, "--address must be HOST:PORT");
  std::error_code failed;
  const fs::path authority = with.get("dir"), data = fs::absolute(with.get("data-dir"), failed).lexically_normal();
  if (failed) return refuse(exit_io, "--data-dir cannot be found");
  const auto number = static_cast<std::uint64_t>(*node);
  const auto place = data / "cluster";
  auto single = app::open_single_node(
      access_of(with, data), {number, with.get("address"), static_cast<std::uint32_t>(*groups), place.string()});
  if (!single) return refuse(refusal_of(single.error()));
  auto ca = read_authority_certificate(authority);
  if (!ca) return refuse(ca.error());
  if ((*single)->founded()) {
    auto own = read_authority_certificate(place);
    if (!own || *own != *ca) return refuse(exit_config, data.string() + " belongs to a cluster already, of another CA");
  }
  // Everything comes before the step that counts, and all of it can be done twice.
  if (auto done = (*single)->export_service_keys(authority / service_keys_name); !done)
    return refuse(keys_refusal(done.error()));
  auto issued = issue_from(authority, {number, {}});
  if (!issued) return refuse(issued.error());
  if (auto done = write_node_files(place, number, *issued, true); !done) return refuse(done.error());
  if (auto done = write_file(place / "ca.crt", *ca, 0644, true); !done) return refuse(done.error());
  auto section = (*single)->found_cluster();
  if (!section) return refuse(refusal_of(section.error()));
  if (auto out = print_out("# Add this to the configuration of the node, and start it.\n" + *section); !out)
    return refuse(out.error());
  return exit_ok;
}

outcome<int> run_cluster_keys(const arguments& with) {
  const fs::path authority = with.get("dir");
  if (auto ca = read_authority_certificate(authority); !ca) return refuse(ca.error());
  const auto to = authority / service_keys_name;
  if (auto done = app::export_cluster_keys(access_of(with, with.get("data-dir")), to); !done)
    return refuse(keys_refusal(done.error()));
  if (auto out = print_out(to.string() + "\n"); !out) return refuse(out.error());
  return exit_ok;
}

outcome<int> run_cluster_invite(const arguments& with) {
  const fs::path directory = with.get("dir");
  auto node = with.number("node", 0, 1, limits::cluster_node_max);
  if (!node) return refuse(node.error());
  auto seconds = with.seconds("ttl", crypto::join_seconds_max);
  if (!seconds) return refuse(seconds.error());
  auto groups = with.number("groups", 1, 1, limits::cluster_groups_max);
  if (!groups) return refuse(groups.error());
  crypto::join_offer offer;
  offer.node = static_cast<std::uint64_t>(*node);
  offer.expires = seconds_now() + seconds->value_or(3'600);
  offer.members = with.all("member");
  offer.members.push_back(std::to_string(*node) + "=" + with.get("address"));
  if (!is_member(offer.members.back())) return refuse(exit_usage, "--address must be HOST:PORT");
  std::set<std::string_view> numbers, addresses;
  for (std::string_view each : offer.members) {
    if (!is_member(each)) return refuse(exit_usage, "--member must be ID=HOST:PORT");
    const auto equals = each.find('=');
    if (!numbers.insert(each.substr(0, equals)).second)
      return refuse(exit_usage, "node " + std::string(each.substr(0, equals)) + " is named twice",
                    "a number is never given to a second node");
    if (!addresses.insert(each.substr(equals + 1)).second)
      return refuse(exit_usage, std::string(each.substr(equals + 1)) + " is named twice");
  }
  if (offer.members.size() > limits::cluster_members_max)
    return refuse(exit_usage, "a cluster has at most " + std::to_string(limits::cluster_members_max) + " members",
                  "if one of them is to be replaced, leave it out");
  auto root = crypto::open_key_provider(with.get("root-key"));
  if (!root) return refuse(refusal_of(root.error()));
  auto ca = read_authority_certificate(directory);
  if (!ca) return refuse(ca.error());
  auto made = issue_from(directory, {offer.node, {}});
  if (!made) return refuse(made.error());
  offer.cluster = *crypto::read_certificate(*ca)->cluster;
  offer.groups = static_cast<std::uint32_t>(*groups);
  const auto file = directory / service_keys_name;
  auto services = crypto::read_operator_file(file, crypto::certificate_file_bytes_max, file_privacy::owner_only);
  if (!services && services.error().code != errc::not_found)
    return refuse(exit_config, file.string() + ": " + services.error().text);
  if (services) offer.service_keys = services->content.view();
  offer.ca_certificate = std::move(*ca);
  offer.certificate = std::move(made->certificate);
  offer.key = std::move(made->key);
  if (auto out = print_out(crypto::make_join_token(**root, offer) + "\n"); !out) return refuse(out.error());
  return exit_ok;
}

}  // namespace nacre::cli
