#include "http/families/cluster.hpp"

#include <algorithm>

#include "http/cluster_view.hpp"
#include "http/families/body.hpp"
#include "http/json.hpp"
#include "model/limits.hpp"
#include "model/policy.hpp"

namespace nacre::http::clusters {

namespace {

// ---- who may -----------------------------------------------------------------------------------------

auto not_an_operator() {
  return fail(errc::forbidden,
              "Only an operator of the cluster may do this: it takes the scope nacre.cluster, or a "
              "workspace that cluster.operators names");
}

result<void> operates(const model::view& v, const call& c, model::scope_set needed) {
  std::optional<error> too_small;
  for (const auto& ws : c.with.settings.cluster_operators) {
    if (c.caller.bound_to && *c.caller.bound_to != ws) continue;
    auto ctx = c.ctx;
    ctx.workspace = ws;
    auto standing = model::stand(v, ctx, needed);
    if (standing && standing->is_admin() && !standing->service) return {};
    // Somebody of that workspace is told what their token lacks, and that it has died.
    if (!standing && standing.error().code != errc::forbidden) too_small = standing.error();
  }
  if (too_small) return fail(*too_small);
  return not_an_operator();
}

void as_operator(call_ptr c, model::scope_set needed, unique_function<void(call_ptr)> next) {
  // No view is asked for: this must answer while there is no leader.
  if (c->caller.operates) return next(std::move(c));
  if (c->with.settings.cluster_operators.empty()) return refuse(std::move(c), not_an_operator().value());
  auto& raw = *c;
  raw.with.service.query(
      {}, raw.req.deadline,
      [c = std::move(c), needed, next = std::move(next)](result<std::shared_ptr<const model::view>> v) mutable {
        if (!v) return refuse(std::move(c), v.error());
        auto may = operates(**v, *c, needed);
        if (!(*v)->trustworthy()) return refuse(std::move(c), {errc::storage_failed, "Stored state could not be read"});
        if (!may) return refuse(std::move(c), may.error());
        next(std::move(c));
      });
}

// ---- objects -----------------------------------------------------------------------------------------

void write_text(json_writer& w, std::string_view name, const std::string& text) {
  w.key(name);
  if (text.empty())
    w.value(nullptr);
  else
    w.value(std::string_view(text));
}

void write(json_writer& w, const cluster_member& m) {
  w.object().field("node", m.node).field("address", std::string_view(m.address)).field("self", m.self);
  w.field("role", std::string_view(m.role)).field("votes", m.votes).field("connected", m.connected);
  w.key("lastContactMs");
  if (m.last_contact)
    w.value(static_cast<std::int64_t>(m.last_contact->count()));
  else
    w.value(nullptr);
  write_text(w, "trouble", m.trouble);
  w.field("appliedIndex", m.applied).field("behind", m.behind).field("fetching", m.fetching);
  w.field("fetchedBytes", m.fetched_bytes).key("certificateEndsAt");
  if (m.certificate_end)
    w.value(std::string_view(format_rfc3339(*m.certificate_end)));
  else
    w.value(nullptr);
  write_text(w, "version", m.version);
  w.key("clockAheadMs");
  if (m.clock_ahead_ms)
    w.value(*m.clock_ahead_ms);
  else
    w.value(nullptr);
  w.end_object();
}

void write(json_writer& w, const cluster_group& g) {
  w.object().field("group", std::uint64_t{g.group}).field("role", std::string_view(g.role)).field("leader", g.leader);
  w.field("epoch", g.epoch).field("term", g.term).field("commitIndex", g.commit_index);
  w.field("appliedIndex", g.applied_index).field("pending", std::uint64_t{g.pending}).end_object();
}

response shown(const call& c) {
  const auto now = c.with.ask.cluster ? c.with.ask.cluster() : cluster_view{};
  const auto reasons = c.with.ask.not_ready();
  json_writer w(512 + 512 * now.members.size());
  w.object().key("data").object().field("mode", now.single ? "single" : "cluster").field("node", now.node);
  w.field("name", std::string_view(c.with.settings.node)).field("version", std::string_view(c.with.settings.version));
  w.field("ready", reasons.empty()).key("reasons").array();
  for (const auto& each : reasons) w.value(std::string_view(each));
  w.end_array();
  write_text(w, "clusterId", now.id);
  w.field("epoch", now.epoch).field("canLose", std::uint64_t{now.can_lose}).key("members").array();
  for (const auto& each : now.members) write(w, each);
  w.end_array().key("groups").array();
  for (const auto& each : now.groups) write(w, each);
  w.end_array().end_object().end_object();
  return json_response(200, w.take());
}

// ---- bodies ------------------------------------------------------------------------------------------

result<cluster_wish> wish_in(const json_document& body) {
  cluster_wish out;
  auto epoch = body.find("epoch");
  auto number = epoch ? epoch->integer() : std::nullopt;
  if (!number || *number < 0) return fail(errc::invalid, "epoch is required: the one in which you saw the members");
  out.epoch = static_cast<std::uint64_t>(*number);
  auto members = body.find("members");
  if (!members || !members->is_array()) return fail(errc::invalid, "members is required and must be a list");
  for (const auto& each : members->items()) {
    if (!each.is_object()) return fail(errc::invalid, "members must be a list of objects");
    for (const auto& [name, value] : each.members())
      if (name != "node" && name != "address") return fail(errc::invalid, "A member may hold only: node, address");
    auto node = each.find("node");
    auto id = node ? node->integer() : std::nullopt;
    if (!id || *id < 1 || *id > limits::cluster_node_max)
      return fail(errc::invalid, "node must be a number from 1 to " + std::to_string(limits::cluster_node_max));
    auto address = each.find("address");
    auto text = address ? address->string() : std::nullopt;
    if (!text || text->empty() || text->size() > cluster_address_bytes_max)
      return fail(errc::invalid, "address must be host:port");
    cluster_wish::member m{static_cast<std::uint64_t>(*id), std::string(*text)};
    for (const auto& other : out.members)
      if (other.node == m.node || other.address == m.address)
        return fail(errc::invalid, "Each node and each address may stand there once");
    out.members.push_back(std::move(m));
  }
  if (out.members.empty() || out.members.size() > limits::cluster_members_max)
    return fail(errc::invalid, "A cluster has 1 to " + std::to_string(limits::cluster_members_max) + " members");
  return out;
}

}  // namespace

void show(call_ptr c) {
  as_operator(std::move(c), model::scope_read, [](call_ptr mine) {
    auto r = shown(*mine);
    answer(std::move(mine), std::move(r));
  });
}

void change(call_ptr c) {
  as_operator(std::move(c), model::scope_admin, [](call_ptr mine) {
    auto body = body_of(mine, {"epoch", "members"});
    if (!body) return;
    auto wish = wish_in(*body);
    if (!wish) return refuse(std::move(mine), wish.error());
    if (!mine->with.ask.change_members)
      return refuse(std::move(mine), {errc::conflict,
                                      "This is a single node: `nacre cluster init` makes it the first "
                                      "of a cluster"});
    auto& raw = *mine;
    raw.with.ask.change_members(std::move(*wish), raw.req.id, raw.req.deadline,
                                [mine = std::move(mine)](result<void> done) mutable {
                                  if (!done) return refuse(std::move(mine), done.error());
                                  auto r = shown(*mine);
                                  answer(std::move(mine), std::move(r));
                                });
  });
}

}  // namespace nacre::http::clusters
