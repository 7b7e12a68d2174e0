#include "cli/profiles.hpp"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "crypto/operator_file.hpp"
#include "crypto/strict_json.hpp"

namespace nacre::cli {

namespace {

namespace fs = std::filesystem;
constexpr std::size_t profile_bytes_max = 32 * 1024;

auto cannot(const std::string& path, std::string_view what) {
  return refuse(exit_io, path + " cannot be " + std::string(what));
}

// Nothing: fine, or not there. Parents are the system's business.
std::optional<refusal> open_to_others(const std::string& directory) {
  struct stat s {};
  if (::lstat(directory.c_str(), &s) != 0) return std::nullopt;
  const bool ours = S_ISDIR(s.st_mode) && s.st_uid == ::geteuid() && (s.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  if (ours) return std::nullopt;
  return refusal{exit_config,
                 directory + " must be a directory of yours that nobody else may enter",
                 "chmod 700 it, or remove it and sign in again",
                 {}};
}

outcome<bool> make_directory(const std::string& directory) {
  std::error_code failed;
  fs::create_directories(fs::path(directory).parent_path(), failed);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return cannot(directory, "made");
  if (auto open = open_to_others(directory)) return refuse(*open);
  return true;
}

outcome<crypto::secure_bytes> read_private(const std::string& path) {
  auto file = crypto::read_operator_file(path, profile_bytes_max, crypto::file_privacy::owner_only);
  if (file) return std::move(file->content);
  if (file.error().code == errc::not_found) return crypto::secure_bytes();
  return refuse(exit_config, path + ": " + file.error().text, "chmod 600 it, or remove it and sign in again");
}

}  // namespace

bool is_profile_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && text[0] != '.' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.';
  });
}

outcome<profile_store> profile_store::open() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  std::string base;
  if (config && *config == '/')
    base = config;
  else if (home && *home == '/')
    base = std::string(home) + "/.config";
  else
    return refuse(exit_config, "there is no place for profiles", "set HOME or XDG_CONFIG_HOME");
  profile_store store(base + "/nacre");
  for (const auto& each : {store.directory_, store.directory_ + "/profiles"})
    if (auto open = open_to_others(each)) return refuse(*open);
  return store;
}

std::string profile_store::file_of(const std::string& name) const { return directory_ + "/profiles/" + name + ".json"; }

outcome<std::optional<profile>> profile_store::load(const std::string& name) const {
  auto text = read_private(file_of(name));
  if (!text) return refuse(text.error());
  if (text->empty()) return std::optional<profile>{};
  crypto::json_reader reader(profile_bytes_max);
  auto root = reader.read(text->view());
  if (!root) return refuse(exit_config, file_of(name) + " is damaged", "remove it and sign in again");
  auto member = [&](std::string_view key) { return std::string(crypto::string_member(*root, key).value_or("")); };
  profile p;
  p.name = name;
  p.url = member("url");
  p.user = member("user");
  p.email = member("email");
  p.workspace = member("workspace");
  p.credential = member("credential");
  p.ca_file = member("caFile");
  p.insecure_http = member("insecureHttp") == "true";
  p.token = crypto::secure_bytes(crypto::string_member(*root, "token").value_or(""));
  return std::optional<profile>(std::move(p));
}

outcome<bool> profile_store::save(const profile& p) const {
  for (const auto& each : {directory_, directory_ + "/profiles"})
    if (auto made = make_directory(each); !made) return made;
  std::string text = "{";
  text.reserve(2 * p.token.size() + 4096);  // growth would leave copies of the token behind
  auto add = [&](std::string_view key, std::string_view value) {
    if (text.size() > 1) text += ",";
    text += "\n  " + crypto::json_quoted(key) + ": " + crypto::json_quoted(value);
  };
  add("url", p.url);
  add("user", p.user);
  add("email", p.email);
  add("workspace", p.workspace);
  add("credential", p.credential);
  add("caFile", p.ca_file);
  add("insecureHttp", p.insecure_http ? "true" : "false");
  add("token", p.token.view());
  text += "\n}\n";
  const crypto::secure_bytes content(text);
  ::explicit_bzero(text.data(), text.size());
  if (auto written = crypto::write_operator_file(file_of(p.name), content.view(), 0600, true); !written)
    return cannot(file_of(p.name), "written");
  return true;
}

outcome<bool> profile_store::remove(const std::string& name) const {
  if (::unlink(file_of(name).c_str()) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return cannot(file_of(name), "removed");
  }
  if (current() == name) ::unlink((directory_ + "/current").c_str());
  return true;
}

outcome<std::vector<std::string>> profile_store::names() const {
  std::vector<std::string> out;
  std::error_code failed;
  for (const auto& each : fs::directory_iterator(directory_ + "/profiles", failed))
    if (each.path().extension() == ".json" && is_profile_name(each.path().stem().string()))
      out.push_back(each.path().stem().string());
  std::sort(out.begin(), out.end());
  return out;
}

std::string profile_store::current() const {
  auto text = read_private(directory_ + "/current");
  if (!text) return {};
  auto name = text->view().substr(0, text->view().find('\n'));
  return is_profile_name(name) ? std::string(name) : std::string();
}

outcome<bool> profile_store::use(const std::string& name) const {
  if (auto made = make_directory(directory_); !made) return made;
  if (auto written = crypto::write_operator_file(directory_ + "/current", name + "\n", 0600, true); !written)
    return cannot(directory_ + "/current", "written");
  return true;
}

}  // namespace nacre::cli
