#pragma once
// What an upgrade to a later format does to a row (format_3.hpp, format_5.hpp).

#include <optional>
#include <string>

#include "model/view.hpp"

namespace nacre::model {

struct row_change {
  space in = space::state;
  std::string key;
  std::optional<std::string> value;  // nothing: the row goes
};

}  // namespace nacre::model
