#pragma once
// Where everything lives. `+` is concatenation; integers are big-endian, `~` is the complement, so
// that newest comes first in key order; times have their sign bit flipped, so that 1969 sorts before 1970.
//
//   space  key                                  value
//   state  ws                                   workspace_record
//   state  ws + 'M' + user                      member_record
//   state  ws + 'S' + user                      service_user_record
//   state  ws + 'J' + project                   project_record
//   state  ws + 'K' + key text                  project id (a key is taken once per workspace)
//   state  ws + 'P' + pat                       pat_record
//   state  ws + 'L' + ~created + ~seq           pat id: the workspace's live PATs, newest first
//   state  ws + 'O' + user + ~created + ~seq    pat id: one owner's live PATs, newest first
//   state  ws + 'U' + user + family + seq       pat id: one owner's live tokens of a family other than Alephant
//   state  ws + 'V' + number                    user id: the member or service user with this integer id
//   state  ws + 'B' + user                      budget_record: reveals of the last window
//   state  ws + 'R' + time + request            memory of an effect, so that a retry cannot act twice
//   state  ws + 'A'                             audit_head, of workspaces
//   state  ws + 'Y' + receipt                   receipt_record, once its secret has ended (before format 4: always)
//   state  ws + 'Z' + owner + ~updated + receipt  (empty): an account's receipts, last changed first
//   state  ws + 'C' + secret                    claim_record: a reveal that can be fetched again
//   state  ws + 'F' + secret                    attempts_record: passphrases tried
//   state  ws + 'E' + ask                       ask_record: a request for a secret
//   state  ws + 'I' + key(16)                   pat_claim_record: the same of a PAT's reveal or rotation
//   state  ws + 'G'                             partition_record, of guest partitions, their audit head in it
//   state  ws + 'H'                             webhook_list: which there are, and what each wants
//   state  ws + 'W' + webhook                   webhook_record
//   state  ws + 'N' + webhook                   webhook_progress
//   state  ws + 'Q' + webhook + due + seq       delivery_record: waits for its next attempt
//   sealed ws + 'D' + version                   wrapped data key
//   sealed ws + 'P' + pat                       sealed token
//   sealed ws + 'X' + secret                    held_secret, while it can be revealed
//   sealed ws + 'C' + secret                    what was sealed, while a claim can fetch it again
//   sealed ws + 'I' + receipt                   the receipt's link, under the data key (accounts only)
//   sealed ws + 'G' + receipt                   a generated value, under the receipt's link
//   sealed ws + 'E' + ask                       an answer to an ask, under the link that asked
//   sealed ws + 'W' + webhook + version         sealed signing secret
//   audit  ws + seq                             audit_row
//   index  't' + lookup(32)                     ws + pat, of a token issued here
//   index  'x' + lookup(32)                     ws + pat, of a token imported by its hash
//   index  'u' + user + ws                      (empty): the workspaces of a user
//   index  'o' + id                             ws: of a secret or an ask that is no guest's, of a receipt of before
//                                               format 4
//   index  'e' + time + ws + kind + id          (empty): what is due when; a receipt only once its secret was
//   index  'q' + due + ws + webhook             (empty): when the first delivery of an enabled webhook is due
//
// `meta` belongs to storage and app; its keys are listed in storage/README.md.

#include <cstdint>
#include <string>
#include <string_view>

#include "model/ids.hpp"
#include "model/secret_commands.hpp"
#include "model/time.hpp"
#include "model/tokens.hpp"
#include "model/wire.hpp"

namespace nacre::model::keys {

inline constexpr std::size_t room = 64;  // for all but keys of text: reserved, so that a key is made in one piece

inline writer at(workspace_id ws, char kind) {
  return std::move(writer{room}.id(ws).u8(static_cast<std::uint8_t>(kind)));
}

inline std::string workspace(workspace_id ws) { return writer{room}.id(ws).take(); }
inline std::string member(workspace_id ws, user_id user) { return at(ws, 'M').id(user).take(); }
inline std::string service_user(workspace_id ws, user_id user) { return at(ws, 'S').id(user).take(); }
inline std::string project(workspace_id ws, project_id project) { return at(ws, 'J').id(project).take(); }
inline std::string project_key(workspace_id ws, std::string_view key) { return at(ws, 'K').raw(key).take(); }
inline std::string pat(workspace_id ws, pat_id pat) { return at(ws, 'P').id(pat).take(); }
inline std::string budget(workspace_id ws, user_id user) { return at(ws, 'B').id(user).take(); }
inline std::string audit_head(workspace_id ws) { return at(ws, 'A').take(); }
inline std::string request(workspace_id ws, timestamp stamped, request_id id) {
  return at(ws, 'R').ordered(stamped).id(id).take();
}
inline std::string requests_from(workspace_id ws, timestamp stamped) { return at(ws, 'R').ordered(stamped).take(); }
inline std::string live_pat(workspace_id ws, timestamp created, std::uint64_t seq) {
  return at(ws, 'L').newest_first(created).u64(~seq).take();
}
inline std::string owned_pat(workspace_id ws, user_id owner, timestamp created, std::uint64_t seq) {
  return at(ws, 'O').id(owner).newest_first(created).u64(~seq).take();
}
inline std::string family_pat(workspace_id ws, user_id owner, token_family family, std::uint64_t seq) {
  return at(ws, 'U').id(owner).u8(static_cast<std::uint8_t>(family)).u64(seq).take();
}
inline std::string family_pats(workspace_id ws, user_id owner, token_family family) {
  return at(ws, 'U').id(owner).u8(static_cast<std::uint8_t>(family)).take();
}
inline std::string numbered_user(workspace_id ws, std::uint64_t number) { return at(ws, 'V').u64(number).take(); }
// A prefix of everything of one kind, for scans; `past` ends it.
inline std::string all(workspace_id ws, char kind) { return at(ws, kind).take(); }
inline std::string owned_pats(workspace_id ws, user_id owner) { return at(ws, 'O').id(owner).take(); }
// The first key after every key that begins with `prefix`; empty prefixes have none.
inline std::string past(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

inline std::string webhooks(workspace_id ws) { return at(ws, 'H').take(); }
inline std::string webhook(workspace_id ws, webhook_id hook) { return at(ws, 'W').id(hook).take(); }
inline std::string webhook_progress(workspace_id ws, webhook_id hook) { return at(ws, 'N').id(hook).take(); }
inline std::string deliveries(workspace_id ws, webhook_id hook) { return at(ws, 'Q').id(hook).take(); }
inline std::string delivery(workspace_id ws, webhook_id hook, timestamp due, std::uint64_t seq) {
  return at(ws, 'Q').id(hook).ordered(due).u64(seq).take();
}

inline std::string data_key(workspace_id ws, std::uint32_t version) { return at(ws, 'D').u32(version).take(); }
inline std::string sealed_pat(workspace_id ws, pat_id pat) { return at(ws, 'P').id(pat).take(); }
inline bool is_sealed_pat(std::string_view key) { return key.size() > sizeof(uuid) && key[sizeof(uuid)] == 'P'; }
inline std::string webhook_secret(workspace_id ws, webhook_id hook, std::uint32_t version) {
  return at(ws, 'W').id(hook).u32(version).take();
}
inline std::string audit(workspace_id ws, std::uint64_t seq) { return writer{room}.id(ws).u64(seq).take(); }

inline std::string token(std::string_view lookup) { return writer{room}.u8('t').raw(lookup).take(); }
inline std::string imported_token(std::string_view lookup) { return writer{room}.u8('x').raw(lookup).take(); }
inline std::string user_workspace(user_id user, workspace_id ws) { return writer{room}.u8('u').id(user).id(ws).take(); }
inline std::string user_workspaces(user_id user) { return writer{room}.u8('u').id(user).take(); }
inline std::string due_webhook(timestamp due, workspace_id ws, webhook_id hook) {
  return writer{room}.u8('q').ordered(due).id(ws).id(hook).take();
}

inline std::string receipt(workspace_id ws, receipt_id id) { return at(ws, 'Y').id(id).take(); }
inline std::string owned_receipt(workspace_id ws, user_id owner, timestamp updated, receipt_id id) {
  return at(ws, 'Z').id(owner).newest_first(updated).id(id).take();
}
inline std::string owned_receipts(workspace_id ws, user_id owner) { return at(ws, 'Z').id(owner).take(); }
inline std::string claim(workspace_id ws, secret_id id) { return at(ws, 'C').id(id).take(); }
inline std::string attempts(workspace_id ws, secret_id id) { return at(ws, 'F').id(id).take(); }
inline std::string pat_claim(workspace_id ws, const uuid& id) { return at(ws, 'I').id(id).take(); }
inline std::string partition(workspace_id ws) { return at(ws, 'G').take(); }

inline std::string secret(workspace_id ws, secret_id id) { return at(ws, 'X').id(id).take(); }
inline std::string sealed_claim(workspace_id ws, secret_id id) { return at(ws, 'C').id(id).take(); }
inline std::string sealed_receipt(workspace_id ws, receipt_id id) { return at(ws, 'I').id(id).take(); }
inline std::string sealed_generated(workspace_id ws, receipt_id id) { return at(ws, 'G').id(id).take(); }

inline std::string ask(workspace_id ws, ask_id id) { return at(ws, 'E').id(id).take(); }
inline std::string sealed_answer(workspace_id ws, ask_id id) { return at(ws, 'E').id(id).take(); }

inline std::string one_time(const uuid& id) { return writer{room}.u8('o').id(id).take(); }
inline std::string due_at(timestamp at, workspace_id ws, due_kind kind, const uuid& id) {
  return writer{room}.u8('e').ordered(at).id(ws).u8(static_cast<std::uint8_t>(kind)).id(id).take();
}
inline std::string dues_from(timestamp at) { return writer{room}.u8('e').ordered(at).take(); }

}  // namespace nacre::model::keys
