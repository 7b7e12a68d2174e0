#pragma once
// Requests for secrets: somebody asks for a text by a link, one person answers, who asked picks the answer up once.
// Called "asks" here, since a request is what comes over the wire.
//
//   open -> answered -> picked up          open, answered -> cancelled, expired
//
// Of the two links only keyed lookups are known: the one that is sent leads to the ask's id and lets its bearer answer;
// to see how it stands, to pick up and to cancel needs the other one's hash too. An ask takes answers for its lifetime,
// an answer can be picked up for as long again, and what became of it is told until twice its lifetime has passed
// since it was opened. One command decides which answer stands and who picks it up, whatever number of them race.
//
// Errors: not_found for whatever is not there any more and for a foreign pickup hash, without a difference; conflict
// for an answer that comes second, and for a pickup that comes too early; full when a guest partition holds all it may.

#include <optional>
#include <string>

#include "model/ids.hpp"
#include "model/limits.hpp"
#include "model/secret_records.hpp"
#include "model/time.hpp"
#include "model/view.hpp"
#include "model/wire.hpp"

namespace nacre::model {

struct context;
struct outcome;

// ---- as it is stored ---------------------------------------------------------------------------------

enum class ask_state : std::uint8_t { open = 0, answered = 1, picked_up = 2, cancelled = 3, expired = 4 };
std::string_view name_of(ask_state s);  // "picked_up"

struct ask_record {
  user_id owner;  // nil: a guest asks
  timestamp created;
  std::uint32_t lifespan_s = 0;
  keyed_hash pickup{};  // of the pickup link
  ask_state state = ask_state::open;
  std::optional<timestamp> answered;     // once it was
  std::optional<keyed_hash> answer_key;  // who brings it with the same text again is told that this was they
  std::uint32_t data_key_version = 0;    // the answer lies under it; 0: there never was one
  std::uint64_t sealed_bytes = 0;        // what the answer takes of a guest partition
  std::optional<timestamp> ended;        // picked up, cancelled or expired
  std::optional<keyed_hash> retry;       // of the pickup: it can be fetched again
  std::optional<timestamp> retry_until;  // nothing: it cannot, or not any more
  timestamp answerable_until() const { return kept_after(created, life_ms()); }
  timestamp forgotten() const { return kept_after(created, 2 * life_ms()); }
  // Of an answer; nothing while there is none.
  std::optional<timestamp> pickable_until() const {
    if (!answered) return std::nullopt;
    return kept_after(*answered, life_ms());
  }
  std::int64_t life_ms() const { return std::int64_t{lifespan_s} * 1000; }
  friend bool operator==(const ask_record&, const ask_record&) = default;
};

std::string encode(const ask_record&);
template <>
std::optional<ask_record> decode(std::string_view);

// ---- commands (part of the `operation` variant in commands.hpp) ----------------------------------------

struct open_ask {
  ask_id id;
  keyed_hash pickup{};
  std::uint32_t lifespan_s = 0;
  std::uint64_t partition_bytes_max = 0;  // of a guest partition; 0: no bound
  friend bool operator==(const open_ask&, const open_ask&) = default;
};
struct answer_ask {
  ask_id id;
  std::optional<keyed_hash> key;  // of an Idempotency-Key and the text
  std::uint32_t data_key_version = 1;
  std::string sealed;  // under the link that was sent
  std::uint64_t partition_bytes_max = 0;
  friend bool operator==(const answer_ask&, const answer_ask&) = default;
};
struct pick_up_ask {
  ask_id id;
  keyed_hash pickup{};
  std::optional<keyed_hash> retry;
  std::int64_t retry_window_ms = 0;
  friend bool operator==(const pick_up_ask&, const pick_up_ask&) = default;
};
// Who picked up has it: it cannot be fetched again.
struct confirm_ask {
  ask_id id;
  keyed_hash pickup{};
  keyed_hash retry{};
  friend bool operator==(const confirm_ask&, const confirm_ask&) = default;
};
struct cancel_ask {
  ask_id id;
  keyed_hash pickup{};
  friend bool operator==(const cancel_ask&, const cancel_ask&) = default;
};

void put(writer& w, const open_ask& v);
void put(writer& w, const answer_ask& v);
void put(writer& w, const pick_up_ask& v);
void put(writer& w, const confirm_ask& v);
void put(writer& w, const cancel_ask& v);
void get(reader& r, open_ask& v);
void get(reader& r, answer_ask& v);
void get(reader& r, pick_up_ask& v);
void get(reader& r, confirm_ask& v);
void get(reader& r, cancel_ask& v);

// ---- rules -------------------------------------------------------------------------------------------

// Each but sweep_ask answers with an ask_entry (apply.hpp) as the ask is afterwards.
outcome apply_to(state& st, const context& ctx, const open_ask& op);
outcome apply_to(state& st, const context& ctx, const answer_ask& op);
outcome apply_to(state& st, const context& ctx, const pick_up_ask& op);
outcome apply_to(state& st, const context& ctx, const confirm_ask& op);
outcome apply_to(state& st, const context& ctx, const cancel_ask& op);
// Something about it is due: an end, a window, being forgotten.
void sweep_ask(state& st, const context& ctx, ask_id id);

// ---- questions ---------------------------------------------------------------------------------------

// Where an ask of this id would be; for an unknown one some partition.
workspace_id where_is(const view& v, ask_id id);
// As it is at that time, also if no sweep has said so yet. Nothing: unknown, forgotten, or its workspace is gone.
std::optional<ask_record> find_ask(const view& v, workspace_id ws, ask_id id, timestamp now);
// Whether its answer may be fetched: the first time, or again with this key.
bool can_pick_up(const ask_record& ask, const std::optional<keyed_hash>& retry, timestamp now);

}  // namespace nacre::model
