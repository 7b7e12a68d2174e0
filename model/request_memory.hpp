#pragma once
// The effects of the last limits::request_memory_ms, so that a retry cannot act twice.
//
// A memory is found by workspace, request id and the time the request was stamped with, which every
// retry carries unchanged. It keeps who acted, on what, and what was refused; objects are answered as
// they are now. What has no effect is not remembered: repeating it is harmless. Nor are a conceal_secret and a
// claim_secret by_receipt: their rules find the receipt that tells of them (docs/adr/0022, 0029), and recall() knows
// nothing of them.

#include <optional>

#include "model/apply.hpp"
#include "model/commands.hpp"
#include "model/view.hpp"

namespace nacre::model {

// What the request answered, if it acted before. The same id under another caller or another kind of
// operation is refused as a conflict: it must not fetch an answer that was never its own.
std::optional<outcome> recall(const view& v, const command& c);
bool is_remembered(const view& v, const command& c);
// To be called with every effect. Now and then forgets what is past its time, a bounded number at once.
void remember(state& st, const command& c, const outcome& o);

}  // namespace nacre::model
