#include "bench/fill_secrets.hpp"

#include <algorithm>
#include <deque>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "actors/one_time.hpp"
#include "actors/sealing.hpp"
#include "bench/command_writer.hpp"
#include "model/limits.hpp"
#include "model/records.hpp"

namespace nacre::bench {

namespace {

constexpr std::size_t piece_secrets = 500;

struct sealed_secret {
  link said{};
  model::conceal_secret order;
};

class secret_filler {
 public:
  explicit secret_filler(const std::filesystem::path& directory) : to_(directory) {
    model::caller nacre_itself;
    nacre_itself.via = model::caller::kind::system;
    for (std::size_t n = 0; n < guest_partitions; ++n) {
      auto ws = guest_partition(n);
      auto wrapped = to_.keys().make_data_key(ws, 1);
      auto key = to_.keys().open_data_key(ws, 1, wrapped);
      if (!key) throw std::runtime_error("fill: " + key.error().text);
      data_keys_.push_back(std::move(*key));
      to_.order(ws, nacre_itself, model::open_partition{wrapped});
    }
  }

  std::vector<link> add(std::size_t count, bool guarded) {
    if (guarded && !passphrase_key_) stretch();
    std::vector<link> out;
    out.reserve(count);
    model::caller guest;
    guest.via = model::caller::kind::guest;
    // Declared last: whatever throws, the pieces still being sealed are waited for first.
    std::deque<std::future<std::vector<sealed_secret>>> pieces;
    const std::size_t ahead = std::max(1u, std::thread::hardware_concurrency());
    for (std::size_t begun = 0; begun < count || !pieces.empty();) {
      while (begun < count && pieces.size() < ahead) {
        auto many = std::min(piece_secrets, count - begun);
        pieces.push_back(std::async(std::launch::async, [this, many, guarded] { return seal(many, guarded); }));
        begun += many;
      }
      auto piece = pieces.front().get();
      pieces.pop_front();
      for (auto& each : piece) {
        out.push_back(each.said);
        auto ws = guest_partition_of(each.order.id);
        to_.order(ws, guest, std::move(each.order));
      }
    }
    return out;
  }

  void finish() { to_.flush(); }

 private:
  void stretch() {
    salt_ = crypto::make_salt();
    auto key = crypto::stretch(right_passphrase, salt_, {});
    if (!key) throw std::runtime_error("fill: " + key.error().text);
    passphrase_key_ = std::move(*key);
  }

  std::vector<sealed_secret> seal(std::size_t many, bool guarded) const {
    std::vector<sealed_secret> piece;
    piece.reserve(many);
    for (std::size_t i = 0; i < many; ++i) piece.push_back(seal_one(guarded));
    return piece;
  }

  // As actors/secret_orders.cpp seals it.
  sealed_secret seal_one(bool guarded) const {
    const auto& keys = to_.keys();
    auto said = actors::link_of(keys, crypto::make_identifier().view());
    sealed_secret made;
    std::copy_n(said.view().begin(), made.said.size(), made.said.begin());
    auto& op = made.order;
    op.id = actors::secret_id_of(keys, said.view());
    op.receipt = receipt_id{op.id.value()};
    op.lifespan_s = static_cast<std::uint32_t>(limits::secret_ttl_s_default);
    op.has_passphrase = guarded;
    model::secret_record bound;
    bound.receipt = op.receipt;
    bound.created = to_.now();
    bound.lifespan_s = op.lifespan_s;
    bound.kind = op.kind;
    bound.has_passphrase = guarded;
    auto ws = guest_partition_of(op.id);
    const auto& data_key = data_keys_[ws.value().bytes[15]];
    op.sealed = crypto::seal_under_link(keys, data_key, actors::secret_sealing(ws, op.id, actors::secret_policy(bound)),
                                        said.view(), guarded ? &*passphrase_key_ : nullptr,
                                        guarded ? salt_ : crypto::make_salt(), {}, secret_text);
    return made;
  }

  command_writer to_;
  std::vector<crypto::data_key> data_keys_;  // by partition
  std::string salt_;
  std::optional<crypto::secure_bytes> passphrase_key_;
};

}  // namespace

filled_secrets fill_secrets(const std::filesystem::path& directory, std::size_t open, std::size_t guarded) {
  secret_filler all(directory);
  filled_secrets out;
  out.open = all.add(open, false);
  out.guarded = all.add(guarded, true);
  all.finish();
  return out;
}

}  // namespace nacre::bench
