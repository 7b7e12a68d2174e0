#include "bench/fill.hpp"

#include <stdexcept>
#include <string>

#include "actors/sealing.hpp"
#include "bench/command_writer.hpp"
#include "bench/interrupt.hpp"
#include "crypto/random.hpp"
#include "crypto/token.hpp"
#include "model/records.hpp"

namespace nacre::bench {

namespace {

class filler {
 public:
  filler(const std::filesystem::path& directory, bool with_tokens)
      : out_{user_id{crypto::random_uuid()}, {}, {}, {}}, with_tokens_(with_tokens), to_(directory) {}

  void add_workspace(std::size_t pats) {
    workspace_id ws{crypto::random_uuid()};
    auto name = "bench " + std::to_string(out_.pats.size());
    auto wrapped = to_.keys().make_data_key(ws, 1);
    auto data_key = to_.keys().open_data_key(ws, 1, wrapped);
    if (!data_key) throw std::runtime_error("fill: " + data_key.error().text);
    order(ws, model::create_workspace{name, "", wrapped});
    for (std::size_t i = 0; i < pats; ++i) add_pat(ws, name, *data_key);
  }

  // In the workspace made last.
  void add_listed(std::size_t tokens) {
    auto ws = out_.pats.back().workspace;
    for (std::size_t i = 0; i < tokens; ++i) {
      model::create_pat op;
      op.id = pat_id{crypto::random_uuid()};
      op.family = model::token_family::unleash;
      op.name = "bench " + std::to_string(i);
      auto token = crypto::make_token(to_.keys(), op.family, "", op.id);
      op.prefix = std::string(token.view().substr(0, crypto::prefix_chars(op.family)));
      op.lookup = to_.keys().token_lookup(token.view());
      op.pepper_version = to_.keys().pepper_version();
      op.data_key_version = 0;
      op.expires = after(to_.now(), std::int64_t{365} * 86'400'000);
      out_.list_token = std::string(token.view());
      order(ws, std::move(op));
    }
  }

  filled finish() {
    to_.flush();
    return std::move(out_);
  }

 private:
  // As actors/workspace.cpp seals it.
  void add_pat(workspace_id ws, const std::string& workspace_name, const crypto::data_key& data_key) {
    const auto& keys = to_.keys();
    model::create_pat op;
    op.id = pat_id{crypto::random_uuid()};
    auto token = crypto::make_token(keys, model::token_family::alephant, workspace_name, op.id);
    op.name = "bench";
    op.prefix = std::string(token.view().substr(0, crypto::alephant_prefix_chars));
    op.lookup = keys.token_lookup(token.view());
    op.pepper_version = keys.pepper_version();
    op.data_key_version = data_key.version;
    model::pat_record bound;
    bound.owner = out_.user;
    bound.scopes = op.scopes;
    bound.created = to_.now();
    bound.prefix = op.prefix;
    op.sealed = keys.seal(data_key, actors::pat_sealing(ws, op.id, actors::pat_policy(bound)), token.view());
    out_.pats.push_back({ws, op.id});
    if (with_tokens_) token.view().copy(out_.tokens.emplace_back().data(), crypto::alephant_token_chars);
    order(ws, std::move(op));
  }

  void order(workspace_id ws, model::operation what) {
    model::caller owner;
    owner.user = out_.user;
    owner.issuer = "bench";
    owner.subject = "bench";
    to_.order(ws, std::move(owner), std::move(what));
  }

  filled out_;
  const bool with_tokens_;
  command_writer to_;
};

}  // namespace

filled fill(const std::filesystem::path& directory, std::size_t workspaces, std::size_t pats_each, bool with_tokens) {
  constexpr std::size_t listed = 8;  // Unleash's limit is ten
  filler all(directory, with_tokens);
  for (std::size_t i = 0; i < workspaces; ++i) all.add_workspace(pats_each);
  if (with_tokens) all.add_listed(listed);
  return all.finish();
}

void settle(const std::filesystem::path& directory) {
  auto opened = open_directory(directory);
  for (std::size_t i = 0; i < model::space_count; ++i) {
    stop_if_interrupted();
    if (auto done = opened.store->compact(static_cast<model::space>(i), {}, {}); !done)
      throw std::runtime_error("settle: " + done.error().text);
  }
}

}  // namespace nacre::bench
