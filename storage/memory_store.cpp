#include "storage/memory_store.hpp"

#include <array>
#include <mutex>
#include <random>
#include <utility>

namespace nacre::storage {
namespace {

// A treap whose nodes never change once shared: a write copies the path to its key, a snapshot
// copies one pointer. A plain map copied on write would make every write after a snapshot O(n),
// and the log takes a snapshot per batch.
struct node;
using tree = std::shared_ptr<const node>;
struct node {
  std::string key;
  std::string value;
  std::uint64_t priority = 0;
  tree left;
  tree right;
};

tree with_children(const node& of, tree left, tree right) {
  return std::make_shared<const node>(node{of.key, of.value, of.priority, std::move(left), std::move(right)});
}

// Keys below `at`, and the others.
std::pair<tree, tree> split(const tree& from, std::string_view at) {
  if (!from) return {};
  if (from->key < at) {
    auto [low, high] = split(from->right, at);
    return {with_children(*from, from->left, std::move(low)), std::move(high)};
  }
  auto [low, high] = split(from->left, at);
  return {std::move(low), with_children(*from, std::move(high), from->right)};
}

// Every key of `low` is below every key of `high`.
tree join(const tree& low, const tree& high) {
  if (!low) return high;
  if (!high) return low;
  if (low->priority > high->priority) return with_children(*low, low->left, join(low->right, high));
  return with_children(*high, join(low, high->left), high->right);
}

tree without_range(const tree& from, std::string_view first, std::string_view stays) {
  if (first >= stays) return from;
  auto [low, rest] = split(from, first);
  return join(low, split(rest, stays).second);
}

// The smallest key above `key` in byte order.
std::string successor(std::string_view key) { return std::string(key).append(1, '\0'); }

const node* find(const tree& in, std::string_view key) {
  const node* at = in.get();
  while (at != nullptr && at->key != key) at = (at->key < key ? at->right : at->left).get();
  return at;
}

// False once the visitor has had enough.
bool walk(const tree& in, std::string_view from, std::string_view to, const model::view::visitor& visit) {
  if (!in) return true;
  const bool above = in->key >= from;
  if (above && !walk(in->left, from, to, visit)) return false;
  const bool below = in->key < to;
  if (above && below && !visit(in->key, in->value)) return false;
  return !below || walk(in->right, from, to, visit);
}

using trees = std::array<tree, model::space_count>;
std::size_t slot(space in) { return static_cast<std::size_t>(in); }

class memory_view final : public model::view {
 public:
  explicit memory_view(trees at) : at_(std::move(at)) {}
  std::optional<std::string> get(space in, std::string_view key) const override {
    const node* found = find(at_[slot(in)], key);
    return found == nullptr ? std::nullopt : std::optional(found->value);
  }
  void scan(space in, std::string_view from, std::string_view to, const visitor& visit) const override {
    walk(at_[slot(in)], from, to, visit);
  }
  bool failed() const override { return false; }

 private:
  trees at_;
};

class memory_store final : public store {
 public:
  result<void> apply(const batch& writes, durability how) override {
    trees next;
    {
      std::lock_guard lock(mutex_);
      next = now_;
    }
    std::uint64_t bytes = 0;
    for (const auto& each : writes) {
      bytes += each.key.size() + each.value.size();
      tree& in = next[slot(each.in)];
      switch (each.what) {
        case write::kind::put: {
          auto [low, rest] = split(in, each.key);
          auto high = split(rest, successor(each.key)).second;
          auto added = std::make_shared<const node>(node{each.key, each.value, random_(), nullptr, nullptr});
          in = join(join(low, added), high);
          break;
        }
        case write::kind::erase:
          if (find(in, each.key) != nullptr) in = without_range(in, each.key, successor(each.key));
          break;
        case write::kind::erase_range:
          in = without_range(in, each.key, each.value);
          break;
      }
    }
    std::lock_guard lock(mutex_);
    now_.swap(next);  // the old trees end after the lock does, should they be the last holders
    ++stats_.batches;
    if (how == durability::synced) ++stats_.syncs;
    stats_.bytes += bytes;
    return {};
  }

  std::shared_ptr<const model::view> snapshot() const override {
    std::lock_guard lock(mutex_);
    return std::make_shared<memory_view>(now_);
  }

  result<void> checkpoint(const std::filesystem::path&) const override {
    return fail(errc::unsupported, "a store in memory has no files to copy");
  }
  result<void> compact(space, std::string_view, std::string_view) override { return {}; }
  void stop_compacting() override {}

  store_stats stats() const override {
    std::lock_guard lock(mutex_);
    return stats_;
  }
  std::string closed_reason() const override { return {}; }

 private:
  mutable std::mutex mutex_;
  trees now_;
  store_stats stats_;
  std::mt19937_64 random_{std::random_device{}()};  // gate: mt19937, tree shape only; contents never depend on it
};

}  // namespace

std::unique_ptr<store> make_memory_store() { return std::make_unique<memory_store>(); }

}  // namespace nacre::storage
