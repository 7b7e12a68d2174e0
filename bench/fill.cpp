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
  explicit filler(const std::filesystem::path& directory) : out_{user_id{crypto::random_uuid()}, {}}, to_(directory) {}

  void add_workspace(std::size_t pats) {
    workspace_id ws{crypto::random_uuid()};
    auto name = "bench " + std::to_string(out_.pats.size());
    auto wrapped = to_.keys().make_data_key(ws, 1);
    auto data_key = to_.keys().open_data_key(ws, 1, wrapped);
    if (!data_key) throw std::runtime_error("fill: " + data_key.error().text);
    order(ws, model::create_workspace{name, "", wrapped});
    for (std::size_t i = 0; i < pats; ++i) add_pat(ws, name, *data_key);
  }

  filled finish() {
    to_.flush();
    return std::move(out_);
  }

 private:
  // As actors/workspace.cpp seals it.
  void add_pat(workspace_id ws, const std::string& workspace_name, const crypto::data_key& data_key) {
    const auto& keys = to_.keys();
    auto token = crypto::make_alephant_token(keys, workspace_name);
    model::create_pat op;
    op.id = pat_id{crypto::random_uuid()};
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
  command_writer to_;
};

}  // namespace

filled fill(const std::filesystem::path& directory, std::size_t workspaces, std::size_t pats_each) {
  filler all(directory);
  for (std::size_t i = 0; i < workspaces; ++i) all.add_workspace(pats_each);
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
