#include "cluster/hot_rows.hpp"

namespace nacre::cluster {

namespace {

constexpr std::size_t row_overhead_bytes = 128;  // of the table, roughly

// There are many PATs and receipts and each is asked for now and then: they would only push out the rows
// every command needs.
bool is_one_of_many(std::string_view key) {
  constexpr std::size_t workspace_bytes = 16;  // model/keys.hpp: ws + 'P' + pat, and so on
  if (key.size() <= workspace_bytes) return false;
  const auto kind = key[workspace_bytes];
  return kind == 'P' || kind == 'Y';
}

std::size_t weight(std::string_view key, std::string_view value) {
  return key.size() + value.size() + row_overhead_bytes;
}

}  // namespace

const std::string* hot_rows::find(model::space in, std::string_view key) const {
  if (in != model::space::state) return nullptr;
  auto it = rows_.find(key);
  return it == rows_.end() ? nullptr : &it->second;
}

void hot_rows::read(model::space in, std::string_view key, const std::string& value) {
  if (in != model::space::state || is_one_of_many(key)) return;
  if (bytes_ + weight(key, value) > bytes_max_) forget();
  if (rows_.emplace(key, value).second) bytes_ += weight(key, value);
}

// Only rows that were read before are kept up to date: of most rows written nobody asks again.
void hot_rows::written(const storage::batch& writes) {
  for (const auto& w : writes) {
    if (w.in != model::space::state) continue;
    if (w.what == storage::write::kind::erase_range) {
      forget();
      continue;
    }
    auto it = rows_.find(w.key);
    if (it == rows_.end()) continue;
    bytes_ -= weight(it->first, it->second);
    if (w.what == storage::write::kind::erase) {
      rows_.erase(it);
    } else {
      it->second = w.value;
      bytes_ += weight(it->first, it->second);
    }
  }
}

void hot_rows::forget() {
  rows_.clear();
  bytes_ = 0;
}

std::optional<std::string> warm_view::get(model::space in, std::string_view key) const {
  if (const auto* held = rows_.find(in, key)) return *held;
  auto found = base_.get(in, key);
  if (found && !base_.failed()) rows_.read(in, key, *found);
  return found;
}

}  // namespace nacre::cluster
