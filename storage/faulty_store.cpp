#include "storage/faulty_store.hpp"

#include <mutex>
#include <utility>

namespace nacre::storage {
namespace {

class faulty_store final : public store {
 public:
  faulty_store(std::unique_ptr<store> inner, fault_plan plan) : inner_(std::move(inner)), plan_(plan) {}

  result<void> apply(const batch& writes, durability how) override {
    if (auto reason = closed_reason(); !reason.empty()) return fail(errc::storage_failed, std::move(reason));
    ++writes_;
    if (plan_.fail_write == writes_) return close("a write failed (planned fault)");
    if (plan_.disk_bytes_left) {
      std::uint64_t size = 0;
      for (const auto& each : writes) size += each.key.size() + each.value.size();
      if (size > *plan_.disk_bytes_left) return close("no space left on the disk (planned fault)");
      *plan_.disk_bytes_left -= size;
    }
    auto done = inner_->apply(writes, how);
    if (how == durability::synced && plan_.fail_sync == ++syncs_ && done) return close("a sync failed (planned fault)");
    return done;
  }

  std::shared_ptr<const model::view> snapshot() const override { return inner_->snapshot(); }
  result<void> checkpoint(const std::filesystem::path& to) const override { return inner_->checkpoint(to); }
  result<void> compact(space in, std::string_view from, std::string_view to) override {
    return inner_->compact(in, from, to);
  }
  void stop_compacting() override { inner_->stop_compacting(); }
  store_stats stats() const override { return inner_->stats(); }

  std::string closed_reason() const override {
    std::lock_guard lock(mutex_);
    return closed_.empty() ? inner_->closed_reason() : closed_;
  }

 private:
  result<void> close(std::string why) {
    std::lock_guard lock(mutex_);
    closed_ = std::move(why);
    return fail(errc::storage_failed, closed_);
  }

  std::unique_ptr<store> inner_;
  fault_plan plan_;
  std::uint64_t writes_ = 0;
  std::uint64_t syncs_ = 0;
  mutable std::mutex mutex_;  // closed_ is read by whoever answers /readyz
  std::string closed_;
};

}  // namespace

std::unique_ptr<store> make_faulty_store(std::unique_ptr<store> inner, fault_plan plan) {
  return std::make_unique<faulty_store>(std::move(inner), plan);
}

}  // namespace nacre::storage
