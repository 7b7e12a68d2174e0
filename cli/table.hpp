#pragma once
// The one table of commands. The parser, --help, the completions and the manual page are made from it; a command
// that is not in it does not exist, an option that is not in it cannot be asked for.

#include <cstdint>
#include <span>
#include <string_view>

#include "cli/refusal.hpp"

namespace nacre::cli {

class arguments;

struct option_spec {
  std::string_view name;   // without the dashes
  char letter = 0;         // 0: none
  std::string_view value;  // what stands for the value in texts; empty: a flag
  std::string_view help;
  bool required = false;
  bool repeats = false;
  std::string_view choices = {};  // the values there are, apart by spaces; empty: any
};

struct operand_spec {
  std::string_view name;
  std::string_view help;
  std::uint8_t least = 1, most = 1;  // 255: any number
  bool secret = false;               // overwritten in this process' argv as soon as it has been read
};

struct example {
  std::string_view line, what;
};

struct command {
  std::string_view words;  // "secret share"
  std::string_view summary;
  std::string_view about;  // paragraphs apart by an empty line
  bool talks;              // to a server: takes the options of `connection_options`
  std::span<const option_spec> options;
  std::span<const operand_spec> operands;
  std::span<const example> examples;
  outcome<int> (*run)(const arguments&);
};

struct group {
  std::string_view word, summary;
};

struct exit_meaning {
  int code;
  std::string_view meaning;
};
struct variable {
  std::string_view name, meaning;
};

std::span<const command> commands();
std::span<const group> groups();  // of commands of two words
std::span<const option_spec> connection_options();
std::span<const exit_meaning> exit_meanings();
std::span<const variable> variables();

// The option of this name (or letter) as the command takes it, its own or one of a connection; or null.
const option_spec* find_option(const command& c, std::string_view name);
const option_spec* find_option(const command& c, char letter);

// The commands themselves, by group.
outcome<int> run_login(const arguments&);
outcome<int> run_logout(const arguments&);
outcome<int> run_whoami(const arguments&);
outcome<int> run_profile_list(const arguments&);
outcome<int> run_profile_use(const arguments&);
outcome<int> run_secret_share(const arguments&);
outcome<int> run_secret_open(const arguments&);
outcome<int> run_secret_request(const arguments&);
outcome<int> run_secret_answer(const arguments&);
outcome<int> run_secret_receipt(const arguments&);
outcome<int> run_secret_burn(const arguments&);
outcome<int> run_pat_create(const arguments&);
outcome<int> run_pat_list(const arguments&);
outcome<int> run_pat_show(const arguments&);
outcome<int> run_pat_reveal(const arguments&);
outcome<int> run_pat_rotate(const arguments&);
outcome<int> run_pat_revoke(const arguments&);
outcome<int> run_with_pat(const arguments&);
outcome<int> run_workspace_list(const arguments&);
outcome<int> run_workspace_create(const arguments&);
outcome<int> run_workspace_show(const arguments&);
outcome<int> run_workspace_rename(const arguments&);
outcome<int> run_workspace_delete(const arguments&);
outcome<int> run_member_list(const arguments&);
outcome<int> run_member_put(const arguments&);
outcome<int> run_member_remove(const arguments&);
outcome<int> run_audit_tail(const arguments&);
outcome<int> run_audit_export(const arguments&);
outcome<int> run_audit_head(const arguments&);
outcome<int> run_audit_verify(const arguments&);
outcome<int> run_verify(const arguments&);
outcome<int> run_token_mint(const arguments&);
outcome<int> run_import_pats(const arguments&);
outcome<int> run_restored(const arguments&);
outcome<int> run_scan(const arguments&);
outcome<int> run_ca_init(const arguments&);
outcome<int> run_ca_issue(const arguments&);
outcome<int> run_ca_show(const arguments&);
outcome<int> run_cluster_init(const arguments&);
outcome<int> run_cluster_keys(const arguments&);
outcome<int> run_cluster_invite(const arguments&);
outcome<int> run_cluster_status(const arguments&);
outcome<int> run_cluster_add(const arguments&);
outcome<int> run_cluster_remove(const arguments&);
outcome<int> run_cluster_replace(const arguments&);
outcome<int> run_cluster_dev(const arguments&);
outcome<int> run_completion(const arguments&);
outcome<int> run_man(const arguments&);

}  // namespace nacre::cli
