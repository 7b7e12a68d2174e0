#include "app/node.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "actors/service.hpp"
#include "app/audit_sink.hpp"
#include "app/engine.hpp"
#include "app/failure_log.hpp"
#include "app/installation.hpp"
#include "app/log.hpp"
#include "app/metrics.hpp"
#include "app/options.hpp"
#include "app/webhook_sender.hpp"
#include "crypto/jwt.hpp"
#include "crypto/process.hpp"
#include "http/api.hpp"
#include "http/gate.hpp"
#include "http/outbound/poster.hpp"
#include "http/server.hpp"
#include "model/keys.hpp"
#include "model/records.hpp"

namespace nacre::app {

namespace {

constexpr int exit_unavailable = 69;
// Within the fifteen minutes the security design allows, with room for the work itself.
constexpr std::chrono::milliseconds webhook_patience{2'000};  // for what is being sent when the node stops

// Who signs in to the console of a development node by one click: always the same person.
constexpr std::string_view developer = "00000000-0000-8000-8000-00000000dede";
constexpr std::int64_t developer_signed_in_s = 8 * 3600;

int fail_start(logger& log, const error& e) {
  log.error("start failed").text("code", name_of(e.code)).text("reason", e.text);
  log.flush(std::chrono::seconds(1));
  std::fprintf(stderr, "nacred: %s\n", e.text.c_str());
  if (e.code == errc::busy) return exit_unavailable;
  return e.code == errc::storage_failed || e.code == errc::corrupt ? exit_io : exit_config;
}

result<std::unique_ptr<crypto::authenticator>> open_authenticator(const config& c) {
  auto issuers = c.auth.issuers;
  if (c.auth.dev_issuer) {
    if (auto made = crypto::ensure_dev_issuer(c.data.dir); !made) return fail(made.error());
    crypto::issuer_config dev;
    dev.issuer = crypto::dev_issuer_name;
    dev.audience = crypto::dev_audience;
    dev.jwks_file = std::filesystem::path(c.data.dir) / "dev-issuer.jwks.json";
    dev.algorithms = {crypto::jwt_algorithm::eddsa};
    dev.trust_roles = true;
    dev.trust_scopes = true;
    dev.subject_is_user_id = true;
    issuers.push_back(std::move(dev));
  }
  return crypto::make_authenticator(std::move(issuers));
}

result<std::unique_ptr<http::poster>> open_poster(const config& c) {
  http::poster_settings s;
  auto hosts = model::webhook_hosts::parse(c.webhooks.allowed_hosts, c.webhooks.only_allowed_hosts);
  if (!hosts) return fail(hosts.error());
  s.hosts = std::move(*hosts);
  s.connect_timeout = c.webhooks.connect_timeout;
  s.timeout = c.webhooks.timeout;
  s.ca_file = c.webhooks.ca_file;
  s.user_agent = "nacre/" + std::string(program_version());
  return http::make_poster(std::move(s));
}

// Paths and queries of URLs may hold what only their receiver should know: they are not told.
void log_attempt(logger& log, const webhook_attempt& a) {
  auto line = a.outcome == "delivered" ? log.debug("webhook delivered")
              : a.outcome == "retry"   ? log.info("webhook delivery failed")
                                       : log.warn("webhook delivery given up");
  std::move(line)
      .text("workspace_id", to_string(a.workspace))
      .text("webhook_id", to_string(a.webhook))
      .text("delivery_id", to_string(a.delivery))
      .text("type", a.type)
      .text("host", a.host)
      .text("outcome", a.outcome)
      .text("reason", a.reason)
      .number("status", a.status)
      .number("attempt", a.number);
}

// Calls `what` after `first` and then every `period` until it goes out of scope.
class repeating {
 public:
  repeating(std::chrono::milliseconds period, std::function<void()> what)
      : repeating(period, period, std::move(what)) {}
  repeating(std::chrono::milliseconds first, std::chrono::milliseconds period, std::function<void()> what)
      : thread_([this, first, period, what = std::move(what)] {
          std::unique_lock lock(mutex_);
          for (auto wait = first; !wake_.wait_for(lock, wait, [this] { return stopping_; }); wait = period) what();
        }) {}
  ~repeating() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

// "1 2 3", for the log.
std::string nodes_text(const auto& of) {
  std::string out;
  for (const auto& m : of.members) out += (out.empty() ? "" : " ") + std::to_string(m.node);
  return out;
}

bool knows_imported_tokens(const storage::store& store) {
  bool any = false;
  store.snapshot()->scan(model::space::index, "x", "y", [&](std::string_view, std::string_view) {
    any = true;
    return false;
  });
  return any;
}

}  // namespace

int run_node(const config& c, const sigset_t& stop) {
  logger log({c.log.level});
  metrics numbers(program_version());
  if (auto hard = crypto::harden_process(); !hard)
    log.warn("process hardening incomplete").text("reason", hard.error().text);

  installation_options options;
  options.root_key = c.keys.root;
  options.ephemeral = c.data.ephemeral;
  options.storage.block_cache_bytes = c.storage.block_cache_mib << 20;
  options.storage.row_cache_bytes = c.storage.row_cache_mib << 20;
  options.storage.write_buffer_bytes = c.storage.write_buffer_mib << 20;
  if (c.dev && c.keys.root == dev_root_key_source(c.data.dir))
    if (auto made = ensure_dev_root_key(c.data.dir); !made) return fail_start(log, made.error());
  const auto node_name = node_name_of(c);
  auto cluster_id = cluster_id_of(c);
  if (!cluster_id) return fail_start(log, cluster_id.error());
  options.cluster_id = *cluster_id;
  options.service_keys = c.cluster.service_keys;
  auto opened = open_installation(c.data.dir, options);
  if (!opened) return fail_start(log, opened.error());
  auto authenticator = open_authenticator(c);
  if (!authenticator) return fail_start(log, authenticator.error());

  std::unique_ptr<audit_sink> sink;
  if (!c.audit.file.empty()) {
    auto open = open_audit_sink({c.audit.file, c.audit.rotate_mib << 20, c.audit.keep}, [&log](std::string_view why) {
      log.error("audit file lost lines").text("reason", why);
    });
    if (!open) return fail_start(log, open.error());
    sink = std::move(*open);
  }

  auto out = open_poster(c);
  if (!out) return fail_start(log, out.error());
  auto& poster = **out;

  system_clock time;
  std::atomic<http::gate*> door{nullptr};
  std::atomic<webhook_sender*> postman{nullptr};
  std::atomic<bool> erased{true};  // sealed bytes may lie in files though nothing names them; after a start, too
  auto on_commit = [&](const cluster::committed_round& round) {
    numbers.round_committed(round.commands, round.synced, round.sync_microseconds);
    for (const auto& w : round.writes) {
      // A rotation puts the new token over the old one.
      const bool may_bury = w.what != storage::write::kind::put || model::keys::is_sealed_pat(w.key);
      if (w.in == model::space::sealed && may_bury) erased = true;
      if (w.in == model::space::index && w.what == storage::write::kind::erase_range) {
        if (auto* gate = door.load()) gate->expect_imported_tokens();  // there may be some now
      }
      if (w.what != storage::write::kind::put) continue;
      if (w.in == model::space::audit && sink) {
        if (auto row = model::decode<model::audit_row>(w.value)) sink->append(row->entry);
      } else if (w.in == model::space::index && w.key.front() == 'x') {
        if (auto* gate = door.load()) gate->expect_imported_tokens();
      } else if (w.in == model::space::index && w.key.front() == 'q') {
        if (auto* sender = postman.load()) sender->wake();
      }
    }
  };
  auto order = open_engine(c, *opened, on_commit, time, log);
  if (!order) return fail_start(log, order.error());
  auto& ordered = order->ordered;

  actors::settings line;
  line.threads = actor_threads(c);
  line.queue_per_workspace = c.actors.queue_per_workspace;
  line.queue_total = c.actors.queue_total;
  line.idle = c.actors.idle;
  line.note_flush = c.tokens.last_used_flush;
  line.retry_window = c.reveal.retry_window;
  line.guest_bytes_max = c.onetime.guest_bytes_max;
  line.keep_receipt_links = c.onetime.keep_receipt_links;
  line.node = node_name;
  if (const auto* membership = order->membership.get()) line.past = [membership] { return membership->agreed_time(); };
  auto service = actors::make_service(*ordered, *opened->keys, time, line);

  http::gate_settings remembered;
  remembered.cache_entries = c.auth.token_cache_entries;
  remembered.cache_for = c.auth.token_cache;
  remembered.checked_entries = c.verify.cache_entries;
  remembered.node = node_name;
  remembered.failed = [&](std::string_view why) { numbers.authentication_failed(why); };
  http::gate gate(*service, **authenticator, *opened->keys, time, remembered);
  door = &gate;
  if (knows_imported_tokens(*opened->store)) gate.expect_imported_tokens();

  std::atomic<bool> draining{false};
  http::probes probes;
  probes.not_ready = [&] {
    auto reasons = not_ready_reasons(*order);
    auto status = ordered->status();
    if (!status.writable) reasons.emplace_back("storage: changes are refused, see the log");
    if (draining) reasons.emplace_back("draining");
    return reasons;
  };
  probes.metrics = [&] { return numbers.scrape(); };
  failure_log failures(log);
  probes.failed = [&](request_id id, const error& e) { failures.note(id, e, std::chrono::steady_clock::now()); };
  probes.webhook_target = [&poster](const model::webhook_url& url, unique_function<void(result<void>)> done) {
    poster.check(url, std::move(done));
  };
  probes.budget_refused = [&](std::string_view budget) { numbers.budget_refused(budget); };

  if (c.dev && c.auth.dev_issuer)
    probes.dev_token = [&] {
      crypto::mint_request who;
      who.subject = developer;
      who.email = "developer@localhost";
      who.scope = http::operator_scope;
      who.seconds = developer_signed_in_s;
      return crypto::mint_dev_token(c.data.dir, who, time.now());
    };

  if (auto* membership = order->membership.get()) {
    probes.cluster = [membership] { return membership->show(); };
    probes.change_members = [&, membership](http::cluster_wish wish, request_id by, cluster::deadline until,
                                            unique_function<void(result<void>)> done) {
      const auto before = nodes_text(membership->show()), after = nodes_text(wish);
      membership->change(
          std::move(wish), until, [&, by, before, after, done = std::move(done)](result<void> how) mutable {
            const auto id = to_string(by);
            if (how) {
              log.info("cluster members changed").text("request_id", id).text("from", before).text("to", after);
              service->note_act(system_workspace, "cluster.members", before + " -> " + after);
            } else {
              log.warn("cluster members not changed")
                  .text("request_id", id)
                  .text("from", before)
                  .text("to", after)
                  .text("reason", how.error().text);
            }
            done(std::move(how));
          });
    };
  }

  // The port is known once the server has started; nobody is told of it before.
  std::atomic<std::uint16_t> port{c.http.port};
  probes.public_url = [&] { return c.http.public_url.empty() ? listening_url(c, port) : c.http.public_url; };

  http::api_settings rules;
  rules.node = node_name;
  rules.version = program_version();
  rules.public_url = c.http.public_url;
  rules.limits_enabled = c.limits.enabled;
  rules.address = {static_cast<double>(c.limits.address_per_second), static_cast<double>(c.limits.address_burst)};
  rules.failed_auth = {c.limits.failed_auth_per_minute / 60.0, static_cast<double>(c.limits.failed_auth_per_minute)};
  rules.reveals_per_pat = c.reveal.per_pat;
  rules.reveals_per_user = c.reveal.per_user;
  rules.guest_create = {c.limits.guest_create_per_minute / 60.0, static_cast<double>(c.limits.guest_create_per_minute)};
  rules.guest_reveal = {c.limits.guest_reveal_per_minute / 60.0, static_cast<double>(c.limits.guest_reveal_per_minute)};
  rules.retry_window = c.reveal.retry_window;
  rules.request_timeout = c.http.request_timeout;
  rules.onetime = onetime_rules_of(c);
  rules.families = {c.families.alephant, c.families.onetime, c.families.unleash, c.families.service_tokens};
  rules.console = console_rules_of(c);
  rules.unleash_tokens_per_user = c.unleash.tokens_per_user;
  rules.service_tokens_per_user = c.service_tokens.tokens_per_user;
  rules.checks.bounded = c.verify.bounded;
  rules.kept_lists = c.lists.cache_entries;
  for (const auto& each : c.cluster.operators)
    if (auto ws = parse_uuid(each)) rules.cluster_operators.push_back(workspace_id{*ws});
  auto edge = server_config_of(c);
  edge.rules = http::path_rules_of(rules);
  auto server = http::make_pistache_server(edge, http::make_api(*service, gate, *opened->keys, time, rules, probes),
                                           [&](const http::exchange& done) {
                                             numbers.exchange(done);
                                             log.access(done);
                                           });
  std::unique_ptr<webhook_sender> sender;
  if (c.webhooks.enabled) {
    webhook_sender_settings how;
    how.at_once = c.webhooks.at_once;
    how.per_host = c.webhooks.per_host;
    how.node = node_name;
    how.attempted = [&](const webhook_attempt& a) {
      numbers.webhook_attempted(a.outcome);
      log_attempt(log, a);
    };
    how.unsendable = [&](workspace_id ws, webhook_id hook, const error& why) {
      log.error("webhook cannot be delivered to")
          .text("workspace_id", to_string(ws))
          .text("webhook_id", to_string(hook))
          .text("reason", why.text);
    };
    sender = make_webhook_sender(*ordered, *opened->keys, time, poster, how);
    postman = sender.get();
  }
  numbers.add_probe([&](readings& r) {
    r.http = server->stats();
    auto actors_now = service->stats();
    r.actors = readings::actor_levels{actors_now.actors, actors_now.orders, actors_now.busy_total};
    read_levels(*order, r);
    if (sender) {
      auto now = sender->stats();
      r.webhooks = readings::webhook_levels{now.webhooks, now.waiting, now.under_way};
    }
    if (sink) r.audit_sink_failures = sink->failures(), r.audit_sink_queue_bytes = sink->queued_bytes();
    r.log_lines_dropped = log.dropped();
    r.ready = probes.not_ready().empty();
  });

  if (auto started = server->start(); !started) {
    if (sender) sender->stop({});
    poster.stop();
    service->stop();
    order->stop();
    return fail_start(log, started.error());
  }
  port = server->port();
  bool closing_told = false;
  auto tell_closing = [&] {
    auto status = ordered->status();
    if (!status.writable && !closing_told) log.error("storage closed for changes").text("reason", status.reason);
    closing_told = !status.writable;
  };
  {
    std::vector<std::string> known_failures;  // told once, not at every tick
    repeating watch(std::chrono::seconds(1), tell_closing);
    repeating reload(c.auth.jwks_reload, [&] {
      auto done = (*authenticator)->reload();
      if (done.changed > 0) {
        log.info("issuer keys changed").number("issuers", done.changed);
        service->note_act(system_workspace, "jwks.change", "");
      }
      if (done.failures == known_failures) return;
      for (const auto& why : done.failures) log.warn("issuer keys not reread, the old ones stay").text("reason", why);
      if (done.failures.empty()) log.info("issuer keys can be read again");
      known_failures = std::move(done.failures);
    });
    // An erased key or ciphertext is gone from the view at once and from the files with this. Half the deadline,
    // so that what is erased just after one run is reached by the next, and the run itself has time.
    // What a command brought lies in a cluster's log as well, until that is cut: the run after the next reaches it.
    const bool replicated = c.cluster.node != 0;
    bool in_log = false;  // something was erased before the last run
    // What was erased before the start is reached soon: a node that is started again and again must not put it off.
    constexpr std::chrono::milliseconds after_start{60'000};
    const auto period = c.storage.shred_deadline / (replicated ? 3 : 2);
    repeating shred(std::min<std::chrono::milliseconds>(after_start, period), period, [&] {
      const bool again = std::exchange(in_log, false);
      const bool now = erased.exchange(false);
      auto shred_space = [&](model::space in) {
        auto done = opened->store->compact(in, {}, {});
        if (!done && !draining) log.warn("erased sealed bytes are still in files").text("reason", done.error().text);
        return done.has_value();
      };
      if (now && !shred_space(model::space::sealed)) erased = true;
      if (replicated && (now || again)) in_log = !shred_space(model::space::log) || now;
    });
    service->note_act(system_workspace, "node.start", node_name);
    auto url = listening_url(c, port);
    log.info("ready").text("url", url).text("public_url", c.http.public_url).text("version", program_version());
    std::printf("ready %s\n", url.c_str());
    std::fflush(stdout);

    int signal = 0;
    sigwait(&stop, &signal);
    log.info("draining").number("signal", signal);
    draining = true;
    opened->store->stop_compacting();  // the next start does what is left
  }
  bool answered = server->drain(c.http.drain_timeout);
  if (sender) sender->stop(webhook_patience);
  poster.stop();
  service->note_act(system_workspace, "node.stop", node_name);
  service->stop();
  order->stop();
  service->await_idle();
  tell_closing();
  log.info("stopped").flag("all_answered", answered);
  return 0;
}

}  // namespace nacre::app
