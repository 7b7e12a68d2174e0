#include "model/format_3.hpp"

#include <utility>

#include "model/keys.hpp"
#include "model/load.hpp"
#include "model/secret_commands.hpp"
#include "model/secret_records.hpp"
#include "model/wire.hpp"

namespace nacre::model {

namespace {

// Where the rows of format 2 lay.
std::string old_record(workspace_id ws, secret_id id) { return keys::at(ws, 'X').id(id).take(); }
// What lay there is how the row of a held secret begins, up to the lengths of two texts.
std::optional<secret_record> old_secret(const view& v, workspace_id ws, secret_id id) {
  auto row = v.get(space::state, old_record(ws, id));
  if (!row) return std::nullopt;
  auto held = decode<held_secret>(*row + writer{}.bytes({}).bytes({}).take());
  if (!held) return v.mark_undecodable(), std::nullopt;
  return held->record;
}
std::string old_link(workspace_id ws, receipt_id id) { return keys::at(ws, 'Y').id(id).take(); }

class rewriting {
 public:
  rewriting(const view& v, std::vector<row_change>& changes) : v_(v), changes_(changes) {}

  // A row that is due: when, where, what.
  void look_at(std::string_view key) {
    reader r(key);
    r.u8();
    r.u64();
    auto ws = r.id_as<workspace_id>();
    auto kind = r.u8();
    auto id = r.id();
    if (!r.finished()) return v_.mark_undecodable();
    if (kind == static_cast<std::uint8_t>(due_kind::secret)) look_at_secret(key, ws, id);
    if (kind == static_cast<std::uint8_t>(due_kind::claim)) look_at_claim(ws, secret_id{id});
  }

  std::size_t bytes() const { return bytes_; }

 private:
  void put(space in, std::string key, std::string value) {
    bytes_ += key.size() + value.size();
    changes_.push_back({in, std::move(key), std::move(value)});
  }
  void erase(space in, std::string key) {
    bytes_ += key.size();
    changes_.push_back({in, std::move(key), std::nullopt});
  }

  void look_at_secret(std::string_view due, workspace_id ws, const uuid& named) {
    if (v_.get(space::state, keys::receipt(ws, receipt_id{named}))) return;  // names its receipt already
    erase(space::index, std::string(due));
    secret_id id{named};
    auto record = old_secret(v_, ws, id);
    if (!record) return;  // revealed or burned before its time; its receipt has a row of its own
    held_secret held{*record,
                     v_.get(space::sealed, keys::secret(ws, id)).value_or(""),
                     v_.get(space::sealed, old_link(ws, record->receipt)).value_or(""),
                     {}};
    erase(space::state, old_record(ws, id));
    erase(space::sealed, old_link(ws, record->receipt));
    put(space::sealed, keys::secret(ws, id), encode(held));
    put(space::index, keys::due_at(record->expires(), ws, due_kind::secret, record->receipt.value()), "");
    auto receipt = load<receipt_record>(v_, space::state, keys::receipt(ws, record->receipt));
    if (receipt) erase(space::index, keys::due_at(receipt->expires(), ws, due_kind::receipt, record->receipt.value()));
  }

  void look_at_claim(workspace_id ws, secret_id id) {
    auto claim = load<claim_record>(v_, space::state, keys::claim(ws, id));
    auto sealed = claim && !claim->confirmed ? v_.get(space::sealed, keys::secret(ws, id)) : std::nullopt;
    if (!sealed) return;
    erase(space::sealed, keys::secret(ws, id));
    put(space::sealed, keys::sealed_claim(ws, id), std::move(*sealed));
  }

  const view& v_;
  std::vector<row_change>& changes_;
  std::size_t bytes_ = 0;
};

}  // namespace

part_of_format_3 to_format_3(const view& v, std::string_view from, std::size_t rows_max, std::size_t bytes_max) {
  part_of_format_3 part;
  rewriting all(v, part.changes);
  auto begin = from.empty() ? keys::dues_from(time_min) : std::string(from);
  std::size_t rows = 0;
  v.scan(space::index, begin, keys::past("e"), [&](std::string_view key, std::string_view) {
    if (rows++ == rows_max || all.bytes() > bytes_max) return part.next = key, false;
    return all.look_at(key), true;
  });
  return part;
}

}  // namespace nacre::model
