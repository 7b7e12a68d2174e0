#pragma once
// What became of the rows of one-time secrets with format 3 (storage/README.md). Before, a secret was three rows: its
// record in space::state, what was sealed under ws + 'X' + secret, and its link, sealed, under ws + 'Y' + receipt. It
// is one now. What a claim can fetch again has a key of its own. The row that says when a secret expires names its
// receipt instead of itself, and that of the receipt comes when it has been handled.
//
// Goes over the rows that say what is due, for every secret has one. Going over a part again changes nothing more.
// Threads: any. Errors: a row it cannot read marks the view (trustworthy()).

#include <string>
#include <string_view>
#include <vector>

#include "model/row_change.hpp"

namespace nacre::model {

struct part_of_format_3 {
  std::vector<row_change> changes;
  std::string next;  // where the following part begins; empty: this was the last
};
// Of the rows from `from` on (empty: all): `rows_max` at most, and none any more once the changes take `bytes_max`.
part_of_format_3 to_format_3(const view& v, std::string_view from, std::size_t rows_max, std::size_t bytes_max);

}  // namespace nacre::model
