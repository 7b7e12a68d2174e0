#include "bench/fill.hpp"

#include <stdexcept>
#include <string>

#include "actors/sealing.hpp"
#include "app/installation.hpp"
#include "bench/interrupt.hpp"
#include "cluster/stage.hpp"
#include "crypto/random.hpp"
#include "crypto/token.hpp"
#include "model/records.hpp"
#include "model/time.hpp"

namespace nacre::bench {

namespace {

constexpr std::size_t round_commands = 2'000;

class filler {
 public:
  filler(storage::store& store, const crypto::keyring& keys) : store_(store), keys_(keys) {
    out_.user = user_id{crypto::random_uuid()};
    index_ = cluster::read_applied_index(*store.snapshot());
  }

  void add_workspace(std::size_t pats) {
    workspace_id ws{crypto::random_uuid()};
    auto name = "bench " + std::to_string(out_.pats.size());
    auto wrapped = keys_.make_data_key(ws, 1);
    auto data_key = keys_.open_data_key(ws, 1, wrapped);
    if (!data_key) throw std::runtime_error("fill: " + data_key.error().text);
    order(ws, model::create_workspace{name, "", wrapped});
    for (std::size_t i = 0; i < pats; ++i) add_pat(ws, name, *data_key);
  }

  filled finish() {
    flush();
    return std::move(out_);
  }

 private:
  // As actors/workspace.cpp seals it.
  void add_pat(workspace_id ws, const std::string& workspace_name, const crypto::data_key& data_key) {
    auto token = crypto::make_alephant_token(keys_, workspace_name);
    model::create_pat op;
    op.id = pat_id{crypto::random_uuid()};
    op.name = "bench";
    op.prefix = std::string(token.view().substr(0, crypto::alephant_prefix_chars));
    op.lookup = keys_.token_lookup(token.view());
    op.pepper_version = keys_.pepper_version();
    op.data_key_version = data_key.version;
    model::pat_record bound;
    bound.owner = out_.user;
    bound.scopes = op.scopes;
    bound.created = now_;
    bound.prefix = op.prefix;
    op.sealed = keys_.seal(data_key, actors::pat_sealing(ws, op.id, actors::pat_policy(bound)), token.view());
    out_.pats.push_back({ws, op.id});
    order(ws, std::move(op));
  }

  void order(workspace_id ws, model::operation what) {
    model::command c;
    c.ctx.request = request_id{crypto::random_uuid()};
    c.ctx.workspace = ws;
    c.ctx.now = now_;
    c.ctx.who.user = out_.user;
    c.ctx.who.issuer = "bench";
    c.ctx.who.subject = "bench";
    c.ctx.client_prefix = "127.0.0.0/24";
    c.ctx.node = "fill";
    c.what = std::move(what);
    waiting_.push_back(std::move(c));
    if (waiting_.size() >= round_commands) flush();
  }

  void flush() {
    stop_if_interrupted();
    std::vector<const model::command*> commands;
    for (const auto& c : waiting_) commands.push_back(&c);
    auto view = store_.snapshot();
    auto round = cluster::stage(*view, commands, index_ + 1);
    if (!round.trustworthy) throw std::runtime_error("fill: stored state cannot be read");
    for (const auto& o : round.outcomes)
      if (o.refused) throw std::runtime_error("fill: refused: " + o.refused->text);
    if (auto done = store_.apply(round.writes, storage::durability::buffered); !done)
      throw std::runtime_error("fill: " + done.error().text);
    index_ += waiting_.size();
    waiting_.clear();
  }

  storage::store& store_;
  const crypto::keyring& keys_;
  const timestamp now_ = system_clock{}.now();
  std::uint64_t index_ = 0;
  std::vector<model::command> waiting_;
  filled out_;
};

}  // namespace

namespace {

app::installation open(const std::filesystem::path& directory) {
  app::installation_options options;
  options.root_key = app::dev_root_key_source(directory);
  if (auto made = app::ensure_dev_root_key(directory); !made) throw std::runtime_error("fill: " + made.error().text);
  auto opened = app::open_installation(directory, options);
  if (!opened) throw std::runtime_error("fill: " + opened.error().text);
  return std::move(*opened);
}

}  // namespace

filled fill(const std::filesystem::path& directory, std::size_t workspaces, std::size_t pats_each) {
  auto opened = open(directory);
  filler all(*opened.store, *opened.keys);
  for (std::size_t i = 0; i < workspaces; ++i) all.add_workspace(pats_each);
  return all.finish();
}

void settle(const std::filesystem::path& directory) {
  auto opened = open(directory);
  for (std::size_t i = 0; i < model::space_count; ++i) {
    stop_if_interrupted();
    if (auto done = opened.store->compact(static_cast<model::space>(i), {}, {}); !done)
      throw std::runtime_error("settle: " + done.error().text);
  }
}

}  // namespace nacre::bench
