// audit head, and audit verify: heads of an audit log, kept elsewhere, and exports held against them, without a server.

#include <algorithm>
#include <bit>
#include <fstream>
#include <iostream>
#include <utility>

#include "cli/input.hpp"
#include "cli/server.hpp"
#include "cli/terminal.hpp"
#include "crypto/audit_signature.hpp"
#include "crypto/digest.hpp"
#include "model/audit.hpp"
#include "model/limits.hpp"

namespace nacre::cli {

namespace {

struct kept_head {
  std::string file;
  workspace_id workspace;
  model::audit_head tree;
  std::string time;
  crypto::audit_signature signature;
};

std::optional<model::hash> hash_in(json_value text) {
  std::string_view digits;
  if (text.get(digits) != simdjson::SUCCESS) return std::nullopt;
  const auto bytes = crypto::from_hex(digits);
  model::hash out;
  if (!bytes || bytes->size() != out.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

// Whether the signature holds is another question.
std::optional<kept_head> parse_head(const std::string& file, json_value from) {
  kept_head out{file, {}, {}, text_at(from, "/time"), {}};
  const auto workspace = parse_uuid(text_at(from, "/workspaceId"));
  const auto root = value_at(from, "/root"), size = value_at(from, "/size"), edge = value_at(from, "/edge");
  const auto key = crypto::from_hex(text_at(from, "/key")), value = crypto::from_hex(text_at(from, "/signature"));
  simdjson::dom::array hashes;
  if (!workspace || !root || !size || !edge || !key || !value || size->get(out.tree.size) != simdjson::SUCCESS ||
      edge->get(hashes) != simdjson::SUCCESS)
    return std::nullopt;
  for (auto each : hashes) {
    const auto hash = hash_in(each);
    if (!hash) return std::nullopt;
    out.tree.edge.push_back(*hash);
  }
  // One complete subtree for each one bit of the size: what else there is, cannot be gone on from.
  if (out.tree.edge.size() != static_cast<std::size_t>(std::popcount(out.tree.size)) ||
      hash_in(*root) != model::root(out.tree))
    return std::nullopt;
  out.workspace = workspace_id{*workspace};
  out.signature = {*key, *value};
  return out;
}

outcome<kept_head> read_head(const std::string& file) {
  const auto text = read_file(file, limits::audit_head_bytes_max);
  if (!text) return refuse(text.error());
  const auto json = json_answer::parse(text->view());
  // As `nacre audit head` prints it, or as the server answers.
  const auto data = json ? value_at(json->root(), "/data") : std::nullopt;
  auto head = json ? parse_head(file, data ? *data : json->root()) : std::nullopt;
  if (!head)
    return refuse(exit_data, file + " is no head of an audit log, or was changed", "`nacre audit head` prints one");
  if (!crypto::is_good(head->signature, crypto::audit_head_bytes(head->workspace, head->tree, head->time)))
    return refuse(exit_data, file + " was changed: its signature does not hold");
  return std::move(*head);
}

// Goes through entries that must follow what `tree` has, until it is as long as the head, and counts what comes then.
class follower {
 public:
  follower(model::audit_head from, std::uint64_t size) : tree_(std::move(from)), size_(size), last_(tree_.size) {}

  outcome<bool> read(const std::string& file, std::istream& in) {
    std::string line(limits::record_bytes_max + 2, '\0');
    for (std::uint64_t number = 1; in.getline(line.data(), static_cast<std::streamsize>(line.size())); ++number) {
      auto bytes = static_cast<std::size_t>(in.gcount()) - (in.eof() ? 0 : 1);
      if (bytes > 0 && line[bytes - 1] == '\r') --bytes;  // no entry ends so: the file was changed on its way
      if (auto good = take(std::string_view(line).substr(0, bytes)); !good) {
        auto r = good.error();
        r.text = file + ", line " + std::to_string(number) + ": " + r.text;
        return refuse(std::move(r));
      }
    }
    if (auto whole = was_read(file, in); !whole) return whole;
    if (!in.eof()) return refuse(exit_data, file + " holds a line that is longer than any entry");
    return true;
  }
  const model::audit_head& tree() const { return tree_; }
  std::uint64_t last() const { return last_; }  // seq of the last entry

 private:
  outcome<bool> take(std::string_view entry) {
    const auto json = reader_.read(entry);
    std::uint64_t seq = 0;
    if (!json || json->at_key("seq").get(seq) != simdjson::SUCCESS) return refuse(exit_data, "this is no audit entry");
    if (seq != last_ + 1)
      return refuse(exit_data,
                    "entry " + std::to_string(seq) + " where " + std::to_string(last_ + 1) +
                        " must be: entries are missing, there twice or in another order",
                    last_ == 0 ? "what begins later in the log needs --from, a head of before" : "");
    last_ = seq;
    if (seq <= size_) model::append_leaf(tree_, model::leaf_hash(entry));
    return true;
  }
  model::audit_head tree_;
  const std::uint64_t size_;
  std::uint64_t last_;
  crypto::json_reader reader_{limits::record_bytes_max};
};

std::string range_text(std::uint64_t first, std::uint64_t last) {
  if (first > last) return "no entries";
  return "entries " + std::to_string(first) + " to " + std::to_string(last);
}

}  // namespace

outcome<int> run_audit_head(const arguments& with) {
  auto at = server::choose(with, sign_in::needed);
  if (!at) return refuse(at.error());
  auto head = at->ask("GET", "/api/v1/audit/head", {}, {}, true);
  if (!head) return refuse(head.error());
  return print_data(*head);
}

outcome<int> run_audit_verify(const arguments& with) {
  const auto key = crypto::from_hex(with.get("key"));
  if (with.has("key") && (!key || key->size() != sizeof(model::hash)))
    return refuse(exit_usage, "--key must be 64 hexadecimal digits");
  const auto to = read_head(with.get("to"));
  if (!to) return refuse(to.error());
  kept_head from{"", to->workspace, {}, {}, to->signature};  // the empty log, which needs no proof
  if (with.has("from")) {
    auto given = read_head(with.get("from"));
    if (!given) return refuse(given.error());
    from = std::move(*given);
  }
  for (const kept_head* head : {&*to, &std::as_const(from)})
    if (head->signature.key != (with.has("key") ? *key : to->signature.key))
      return refuse(exit_data, head->file + " is signed by another key, " + crypto::to_hex(head->signature.key));
  if (from.workspace != to->workspace) return refuse(exit_data, "the two heads are of different workspaces");
  if (from.tree.size > to->tree.size) return refuse(exit_usage, "the head of --from is the later one");

  follower log(from.tree, to->tree.size);
  for (const auto& file : with.operands()) {
    std::ifstream opened;
    if (file != "-") {
      opened.open(file, std::ios::binary);
      if (!opened) return refuse(exit_io, "cannot read " + file);
    }
    if (auto read = log.read(file, file == "-" ? std::cin : opened); !read) return refuse(read.error());
  }
  const auto size = to->tree.size;
  if (log.last() < size)
    return refuse(exit_data,
                  "the last entry is " + std::to_string(log.last()) + ", and the head is of " + std::to_string(size));
  if (log.tree() != to->tree)
    return refuse(exit_data,
                  "up to entry " + std::to_string(size) +
                      " this is not the log that the head is of: one entry or more were changed",
                  "which, a head cannot tell; heads of shorter logs narrow it down");
  auto text = "good: " + range_text(from.tree.size + 1, size) + " of workspace " + to_string(to->workspace) +
              ", as they were at " + printable(to->time) + "\n";
  if (log.last() > size) text += "not covered: " + range_text(size + 1, log.last()) + ", later than the head\n";
  text += "signed by " + crypto::to_hex(to->signature.key) +
          (with.has("key") ? "\n" : ", which --key can be held against: a head proves no more than its key\n");
  if (auto out = print_out(text); !out) return refuse(out.error());
  return exit_ok;
}

}  // namespace nacre::cli
