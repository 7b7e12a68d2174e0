#include "bench/command_writer.hpp"

#include <stdexcept>
#include <utility>

#include "bench/interrupt.hpp"
#include "cluster/stage.hpp"
#include "crypto/random.hpp"
#include "model/time.hpp"

namespace nacre::bench {

namespace {

constexpr std::size_t round_commands = 2'000;

}  // namespace

app::installation open_directory(const std::filesystem::path& directory) {
  app::installation_options options;
  options.root_key = app::dev_root_key_source(directory);
  if (auto made = app::ensure_dev_root_key(directory); !made) throw std::runtime_error("fill: " + made.error().text);
  auto opened = app::open_installation(directory, options);
  if (!opened) throw std::runtime_error("fill: " + opened.error().text);
  return std::move(*opened);
}

command_writer::command_writer(const std::filesystem::path& directory)
    : opened_(open_directory(directory)), now_(system_clock{}.now()) {
  index_ = cluster::read_applied_index(*opened_.store->snapshot());
}

void command_writer::order(workspace_id ws, model::caller who, model::operation what) {
  model::command c;
  c.ctx.request = request_id{crypto::random_uuid()};
  c.ctx.workspace = ws;
  c.ctx.now = now_;
  c.ctx.who = std::move(who);
  c.ctx.client_prefix = "127.0.0.0/24";
  c.ctx.node = "fill";
  c.what = std::move(what);
  waiting_.push_back(std::move(c));
  if (waiting_.size() >= round_commands) flush();
}

void command_writer::flush() {
  stop_if_interrupted();
  std::vector<const model::command*> commands;
  for (const auto& c : waiting_) commands.push_back(&c);
  auto view = opened_.store->snapshot();
  auto round = cluster::stage(*view, commands, index_ + 1);
  if (!round.trustworthy) throw std::runtime_error("fill: stored state cannot be read");
  for (const auto& o : round.outcomes)
    if (o.refused) throw std::runtime_error("fill: refused: " + o.refused->text);
  if (auto done = opened_.store->apply(round.writes, storage::durability::buffered); !done)
    throw std::runtime_error("fill: " + done.error().text);
  index_ += waiting_.size();
  waiting_.clear();
}

}  // namespace nacre::bench
