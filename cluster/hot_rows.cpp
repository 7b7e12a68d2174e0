#include "cluster/hot_rows.hpp"

#include "model/keys.hpp"

namespace nacre::cluster {

namespace {

constexpr std::size_t row_overhead_bytes = 128;  // of the table, roughly

// There are many PATs and receipts and each is asked for now and then: they would only push out the rows
// every command needs.
bool is_one_of_many(std::string_view key) {
  if (key.size() < hot_rows::kind_bytes) return false;
  const auto kind = key[hot_rows::kind_bytes - 1];
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
  make_room(weight(key, value));
  if (rows_.emplace(key, value).second) bytes_ += weight(key, value);
}

bool hot_rows::none_before(std::string_view kind, std::string_view to) const {
  auto it = first_.find(kind);
  return it != first_.end() && to <= it->second;
}

void hot_rows::read_none(std::string_view kind, std::string_view to) {
  make_room(weight(kind, to));
  auto [it, added] = first_.try_emplace(std::string(kind));
  bytes_ += added ? weight(kind, to) : to.size() - it->second.size();
  it->second = to;
}

void hot_rows::make_room(std::size_t bytes) {
  if (bytes_ + bytes > bytes_max_) forget();
}

// Only rows that were read before are kept up to date: of most rows written nobody asks again.
void hot_rows::written(const storage::batch& writes) {
  for (const auto& w : writes) {
    if (w.in != model::space::state) continue;
    if (w.what == storage::write::kind::erase_range) {
      forget();
      continue;
    }
    if (w.what == storage::write::kind::put && w.key.size() >= kind_bytes) {
      auto first = first_.find(std::string_view(w.key).substr(0, kind_bytes));
      if (first != first_.end() && w.key < first->second) {
        bytes_ = bytes_ - first->second.size() + w.key.size();
        first->second = w.key;
      }
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
  first_.clear();
  bytes_ = 0;
}

std::optional<std::string> warm_view::get(model::space in, std::string_view key) const {
  if (const auto* held = rows_.find(in, key)) return *held;
  auto found = base_.get(in, key);
  if (found && !base_.failed()) rows_.read(in, key, *found);
  return found;
}

// A scan that begins where a kind begins and meets nothing learns where its first row stands.
void warm_view::scan(model::space in, std::string_view from, std::string_view to, const visitor& visit) const {
  if (in != model::space::state || from.size() != hot_rows::kind_bytes || from >= to)
    return base_.scan(in, from, to, visit);
  if (rows_.none_before(from, to)) return;
  const auto end = model::keys::past(std::string(from));
  if (to > end) return base_.scan(in, from, to, visit);
  bool met = false;
  std::string first = end;
  base_.scan(in, from, end, [&](std::string_view key, std::string_view value) {
    if (key < to) return met = true, visit(key, value);
    first = key;
    return false;
  });
  if (!met && !base_.failed()) rows_.read_none(from, first);
}

}  // namespace nacre::cluster
