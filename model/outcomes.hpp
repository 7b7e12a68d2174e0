#pragma once
// How rules say what came of a command.

#include <string>
#include <utility>

#include "model/apply.hpp"

namespace nacre::model {

inline outcome refuse(error e) {
  outcome o;
  o.refused = std::move(e);
  return o;
}

inline outcome refuse(errc code, std::string text) { return refuse(error{code, std::move(text)}); }

inline outcome answer(reply what) {
  outcome o;
  o.what = std::move(what);
  return o;
}

}  // namespace nacre::model
