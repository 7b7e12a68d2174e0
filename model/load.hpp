#pragma once
// Reading a record through a view: absent is nothing, undecodable spoils the view.

#include <optional>
#include <string>
#include <string_view>

#include "model/records.hpp"
#include "model/view.hpp"

namespace nacre::model {

template <class Record>
std::optional<Record> load(const view& v, space in, std::string_view key) {
  auto bytes = v.get(in, key);
  if (!bytes) return std::nullopt;
  auto record = decode<Record>(*bytes);
  if (!record) v.mark_undecodable();
  return record;
}

}  // namespace nacre::model
