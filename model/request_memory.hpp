#pragma once
// The effects of the last limits::request_memory_ms, so that a retry cannot act twice.
//
// A memory is found by workspace, request id and the time the request was stamped with, which every
// retry carries unchanged. It keeps who acted, on what, and what was refused; objects are answered as
// they are now. What has no effect is not remembered: repeating it is harmless. Nor is what finds itself: the rules of
// conceal_secret, and of claim_secret by_receipt, look for the receipt that tells of the request (docs/adr/0022, 0029).
// A claim that fetched again what another request claimed is told of by no receipt, and remembered.

#include <optional>

#include "model/apply.hpp"
#include "model/commands.hpp"
#include "model/view.hpp"

namespace nacre::model {

// What the request answered, if it acted before. The same id under another caller or another kind of
// operation is refused as a conflict: it must not fetch an answer that was never its own.
std::optional<outcome> recall(const view& v, const command& c);
bool is_remembered(const view& v, const command& c);
// To be called with every effect that has not found itself.
void remember(state& st, const command& c, const outcome& o);
// To be called with every effect. Now and then forgets what is past its time, a bounded number at once.
void forget_some(state& st, const context& ctx);

// Its rule is asked first, memory only if has_found_itself() then says no of what the rule has left.
bool finds_itself(const operation& op);
bool has_found_itself(const view& v, const command& c);

}  // namespace nacre::model
