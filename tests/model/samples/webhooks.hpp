#pragma once
// Webhooks and their deliveries.

#include "model/commands.hpp"
#include "model/limits.hpp"
#include "model/records.hpp"
#include "tests/model/samples/any.hpp"

namespace nacre::model::testing {

inline webhook_record::secret any_secret(random_source& r) { return {r.u32(), r.u32()}; }

inline void fill(random_source& r, webhook_record& v) {
  v = {text(r, limits::webhook_url_bytes_max),
       r.u32(),
       r.time(),
       r.id_as<user_id>(),
       r.one_in(2),
       r.one_in(2),
       any_secret(r),
       {}};
  if (r.one_in(2)) v.previous = {any_secret(r), r.time()};
}
inline void fill(random_source& r, webhook_list& v) {
  v.items.resize(r.below(limits::webhooks_per_workspace_max + 1));
  for (auto& i : v.items) i = {r.id_as<webhook_id>(), r.one_in(2), r.u32()};
}
inline void fill(random_source& r, webhook_progress& v) {
  v = {r.any(),
       r.u32(),
       r.any(),
       r.any(),
       r.any(),
       r.any(),
       r.u32(),
       maybe_time(r),
       maybe_time(r),
       maybe_time(r),
       static_cast<std::uint16_t>(r.below(limits::http_status_max + 1u))};
}
inline void fill(random_source& r, delivery_record& v) {
  v = {r.id_as<pat_id>().value(),
       static_cast<event_type>(1 + r.below(event_types)),
       r.time(),
       text(r, limits::webhook_object_bytes_max),
       static_cast<std::uint8_t>(r.below(256)),
       r.id_as<user_id>(),
       r.u32(),
       r.u32()};
}

inline void fill(random_source& r, create_webhook& v) {
  v = {r.id_as<webhook_id>(), text(r, limits::webhook_url_bytes_max), r.u32(), r.u32(), text(r, 2000)};
}
inline void fill(random_source& r, change_webhook& v) {
  v = {r.id_as<webhook_id>(), {}, {}, {}, {}};
  if (r.one_in(2)) v.url = text(r, limits::webhook_url_bytes_max);
  if (r.one_in(2)) v.events = r.u32();
  if (r.one_in(2)) v.enabled = r.one_in(2);
  if (r.one_in(2)) v.secret = {r.u32(), r.u32(), text(r, 2000)};
}
inline void fill(random_source& r, delete_webhook& v) { v = {r.id_as<webhook_id>()}; }
inline void fill(random_source& r, ping_webhook& v) { v = {r.id_as<webhook_id>()}; }
inline void fill(random_source& r, settle_deliveries& v) {
  v.items.resize(r.one_in(20) ? limits::webhook_settled_per_command_max : r.below(5));
  for (auto& i : v.items)
    i = {r.id_as<webhook_id>(),
         r.time(),
         r.any(),
         static_cast<settle_deliveries::fate>(1 + r.below(4)),
         r.time(),
         static_cast<std::uint16_t>(r.below(limits::http_status_max + 1u))};
}

inline webhook_record sample_webhook() {
  webhook_record w;
  w.url = "https://hooks.example.com:8443/nacre?team=1";
  w.events = bit_of(event_type::pat_created) | bit_of(event_type::secret_burned);
  w.created = sample_time;
  w.created_by = user_id{sample_id(0x20)};
  w.gone = true;
  w.current = {3, 2};
  w.previous = {{2, 1}, after(sample_time, 9)};
  return w;
}
inline webhook_list sample_webhook_list() {
  return {{{webhook_id{sample_id(0x14)}, true, 0}, {webhook_id{sample_id(0x15)}, false, 6}}};
}
inline webhook_progress sample_progress() {
  return {8, 7, 6, 5, 4, 3, 2, sample_time, after(sample_time, 1), after(sample_time, 2), 503};
}
inline delivery_record sample_delivery() {
  return {sample_id(0x60), event_type::pat_expiring, sample_time, "706cc207", 2, user_id{sample_id(0x20)}, 7, 3};
}

inline named_operations sample_webhook_operations() {
  auto hook = webhook_id{sample_id(0x14)};
  return {
      {"create_webhook", create_webhook{hook, "https://hooks.example.com/a", 6, 1, "sealed"}},
      {"change_webhook",
       change_webhook{hook, "https://hooks.example.com/b", 0, false, change_webhook::new_secret{2, 1, "sealed"}}},
      {"change_webhook_nothing", change_webhook{hook, {}, {}, {}, {}}},
      {"delete_webhook", delete_webhook{hook}},
      {"ping_webhook", ping_webhook{hook}},
      {"settle_deliveries",
       settle_deliveries{{{hook, sample_time, 7, settle_deliveries::fate::retry, after(sample_time, 5'000), 500},
                          {hook, sample_time, 8, settle_deliveries::fate::delivered, {}, 204}}}},
  };
}

}  // namespace nacre::model::testing
