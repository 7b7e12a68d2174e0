#include "cluster/raft/door.hpp"

#include <utility>

#include "cluster/raft/log_store.hpp"
#include "crypto/random.hpp"
#include "model/wire.hpp"

namespace nacre::cluster::raft {

namespace {

using kind = storage::write::kind;
constexpr std::uint8_t version_1 = 1;
constexpr std::string_view directory_key = "log.directory", peers_prefix = "log.peer/", past_peers = "log.peer0",
                           starts_prefix = "log.start/";
constexpr std::uint64_t starts_kept = 4096;

std::string key_of(node_id node) { return model::writer{}.raw(peers_prefix).u64(node).take(); }
std::string start_key(std::uint64_t boot) { return model::writer{}.raw(starts_prefix).u64(boot).take(); }
std::string encode(const credential& c) {
  return model::writer{}.u8(version_1).id(c.directory).u64(c.boot).id(c.process).take();
}

}  // namespace

storage::write directory_row(const uuid& directory) {
  return {kind::put, model::space::meta, std::string(directory_key),
          model::writer{}.u8(version_1).id(directory).take()};
}

storage::write start_row(std::uint64_t boot, const uuid& process) {
  return {kind::put, model::space::meta, start_key(boot), model::writer{}.u8(version_1).id(process).take()};
}

result<credential> count_start(storage::store& store) {
  auto directory = directory_of(store);
  if (!directory) return fail(directory.error());
  auto boot = count_boot(store);
  if (!boot) return fail(boot.error());
  const credential c{*directory, *boot, crypto::random_uuid()};
  storage::batch rows{start_row(c.boot, c.process)};
  if (c.boot > starts_kept)
    rows.push_back({kind::erase_range, model::space::meta, start_key(0), start_key(c.boot - starts_kept)});
  if (auto done = store.apply(rows, storage::durability::synced); !done) return fail(done.error());
  return c;
}

result<uuid> directory_of(storage::store& store) {
  auto v = store.snapshot();
  const auto bytes = v->get(model::space::meta, directory_key);
  if (!v->trustworthy()) return fail(errc::storage_failed, "the data directory could not be read");
  if (!bytes) {
    const auto made = crypto::random_uuid();
    if (auto done = store.apply({directory_row(made)}, storage::durability::synced); !done) return fail(done.error());
    return made;
  }
  model::reader r(*bytes);
  const auto version = r.u8();
  const auto id = r.id();
  if (version != version_1 || !r.finished()) return fail(errc::corrupt, "the name of the data directory is damaged");
  return id;
}

result<void> door::load(const model::view& v) {
  bool sound = true;
  v.scan(model::space::meta, peers_prefix, past_peers, [&](std::string_view key, std::string_view value) {
    model::reader node(key.substr(peers_prefix.size()));
    model::reader r(value);
    credential c;
    const auto version = r.u8();
    c.directory = r.id();
    c.boot = r.u64();
    c.process = r.id();
    const auto id = node.u64();
    sound = version == version_1 && node.finished() && r.finished();
    if (sound) known_[id] = c;
    return sound;
  });
  if (sound)
    v.scan(model::space::meta, start_key(0), start_key(~std::uint64_t{0}), [&](std::string_view key, auto value) {
      model::reader number(key.substr(starts_prefix.size()));
      model::reader r(value);
      const auto version = r.u8();
      const auto process = r.id();
      const auto boot = number.u64();
      sound = version == version_1 && number.finished() && r.finished();
      if (sound) starts_[boot] = process;
      return sound;
    });
  if (!sound || !v.trustworthy()) return fail(errc::corrupt, "what is known of other nodes is damaged");
  return {};
}

std::vector<acquaintance> door::known() const {
  std::lock_guard lock(mutex_);
  std::vector<acquaintance> all;
  auto tell = [&](bool voters) {
    // The highest numbers are the newest nodes.
    for (auto at = known_.rbegin(); at != known_.rend() && all.size() < acquaintances_max; ++at)
      if (votes(at->first) == voters) all.push_back({at->first, at->second});
  };
  tell(true);
  tell(false);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.node < b.node; });  // wire/message.hpp
  return all;
}

// Whether what another knows of our number lies in the past of this directory.
bool door::was_ours(const credential& told) const {
  if (told.directory != ours_.directory || told.boot > ours_.boot) return false;
  if (starts_.empty() || told.boot < starts_.begin()->first) return true;  // nobody can tell any more
  const auto at = starts_.find(told.boot);
  return at != starts_.end() && at->second == told.process;
}

admission door::standing(node_id who, const credential& shown) const {
  const auto found = known_.find(who);
  if (found == known_.end()) return admission::welcome;
  const auto& last = found->second;
  if (shown.directory != last.directory) return admission::other_directory;
  if (shown.boot < last.boot || (shown.boot == last.boot && shown.process != last.process))
    return admission::older_start;
  return admission::welcome;
}

// Under the mutex.
bool door::votes(node_id who) const { return voters_ && voters_->contains(who); }

// Under the mutex.
admission door::verdict_on(node_id who, const credential& shown, const std::vector<acquaintance>& knows) const {
  for (const auto& each : knows)
    if (each.node == self_ && !was_ours(each.last)) return admission::ours_older;
  return standing(who, shown);
}

admission door::judge(node_id who, const credential& shown, const std::vector<acquaintance>& knows) const {
  std::lock_guard lock(mutex_);
  return verdict_on(who, shown, knows);
}

void door::remember(node_id who, const credential& shown, storage::batch& rows) {
  auto [at, fresh] = known_.try_emplace(who, shown);
  if (!fresh && at->second == shown) return;
  at->second = shown;
  rows.push_back({kind::put, model::space::meta, key_of(who), encode(shown)});
  if (known_.size() <= kept_max) return;
  // The oldest that is gone; of whoever votes, what it promised must not be forgotten.
  const auto gone = std::find_if(known_.begin(), known_.end(),
                                 [&](const auto& each) { return each.first != who && !votes(each.first); });
  if (gone == known_.end()) return;
  rows.push_back({kind::erase, model::space::meta, key_of(gone->first), ""});
  known_.erase(gone);
}

void door::admit(node_id who, const credential& shown, const std::vector<acquaintance>& knows,
                 unique_function<void(admission)> done) {
  storage::batch rows;
  auto verdict = admission::welcome;
  bool waits = false;
  {
    std::lock_guard lock(mutex_);
    verdict = verdict_on(who, shown, knows);
    if (verdict == admission::welcome) {
      if (!voters_ || voters_->contains(who)) {
        remember(who, shown, rows);
      } else {
        if (guests_.size() >= kept_max && !guests_.contains(who)) guests_.erase(guests_.begin());
        guests_[who] = shown;
      }
      // Of a number we know otherwise we believe ourselves.
      for (const auto& each : knows)
        if (each.node != self_ && each.node != who && standing(each.node, each.last) == admission::welcome)
          remember(each.node, each.last, rows);
    }
    // What is news to nobody may still be on its way to the disk.
    waits = verdict == admission::welcome && (!rows.empty() || writing_ > 0);
    if (waits) ++writing_;
  }
  if (!waits) return done(verdict);
  write_rows(std::move(rows), [done = std::move(done)]() mutable { done(admission::welcome); });
}

// `writing_` counts it already.
void door::write_rows(storage::batch rows, unique_function<void()> then) {
  write_(std::move(rows), [this, then = std::move(then)]() mutable {
    {
      std::lock_guard lock(mutex_);
      --writing_;
    }
    then();
  });
}

void door::voters_are(std::map<node_id, uuid> voters) {
  storage::batch rows;
  {
    std::lock_guard lock(mutex_);
    voters_ = std::move(voters);
    for (const auto& [who, directory] : *voters_) {
      if (who == self_) continue;
      const auto guest = guests_.extract(who);
      const auto met = known_.find(who);
      if (directory.is_nil()) {
        if (guest && standing(who, guest.mapped()) == admission::welcome) remember(who, guest.mapped(), rows);
      } else if (met == known_.end() || met->second.directory != directory) {
        const bool came = guest && guest.mapped().directory == directory;
        remember(who, came ? guest.mapped() : credential{directory, 0, {}}, rows);
      }
    }
    if (rows.empty()) return;
    ++writing_;
  }
  write_rows(std::move(rows), [] {});
}

uuid door::directory_of(node_id who) const {
  std::lock_guard lock(mutex_);
  if (who == self_) return ours_.directory;
  for (const auto* all : {&known_, &guests_})
    if (const auto at = all->find(who); at != all->end()) return at->second.directory;
  return {};
}

}  // namespace nacre::cluster::raft
