#include "app/maintenance.hpp"

#include <algorithm>
#include <future>
#include <set>

#include "app/installation.hpp"
#include "app/joining.hpp"
#include "app/owner.hpp"
#include "cluster/founding.hpp"
#include "cluster/solo.hpp"
#include "crypto/random.hpp"
#include "crypto/token.hpp"
#include "http/import_row.hpp"
#include "model/keys.hpp"
#include "model/limits.hpp"
#include "model/load.hpp"
#include "model/secrets.hpp"
#include "model/time.hpp"

namespace nacre::app {

namespace {

constexpr std::size_t row_bytes_max = limits::body_bytes_max;

result<installation> open(const directory_access& where, bool read_only) {
  if (!read_only)
    if (auto ours = check_owner(where.directory); !ours) return fail(ours.error());
  installation_options options;
  options.create = false;
  options.storage.read_only = read_only;
  options.root_key = where.root_key.value_or(dev_root_key_source(where.directory));
  return open_installation(where.directory, options);
}

// For changing what no agreed order would know of: the other nodes of a cluster would differ from this one for good.
result<installation> open_alone(const directory_access& where, const std::string& instead) {
  auto opened = open(where, false);
  if (!opened) return opened;
  auto groups = cluster::groups_of_cluster(*opened->store);
  if (!groups) return fail(groups.error());
  if (*groups != 0) return fail(errc::invalid, where.directory.string() + " belongs to a cluster: " + instead);
  return opened;
}

// Says how far the directory goes, for who has several to choose from.
result<void> refuse_of_cluster(const installation& opened, const directory_access& where) {
  auto ends = cluster::ends_of_logs(*opened.store);
  if (!ends) return fail(ends.error());
  if (ends->empty()) return {};
  std::string how_far;
  for (const auto& end : *ends)
    how_far += (how_far.empty() ? "" : "; ") + std::string("epoch ") + std::to_string(end.epoch) + ", term " +
               std::to_string(end.term) + ", index " + std::to_string(end.index);
  return fail(errc::invalid,
              where.directory.string() + " belongs to a cluster, with a log up to " + how_far +
                  ": one of its nodes is replaced, not restored (--leave-cluster if all of it goes back)");
}

// Orders of nacre itself go through the same rules as everything else, many at a time under one sync.
class offline_orders {
 public:
  using told = std::function<void(const cluster::settled&)>;

  offline_orders(installation& into, std::string node)
      : node_(std::move(node)), log_(cluster::make_solo_log(*into.store, {}, nullptr)) {}
  ~offline_orders() { finish(); }

  void order(workspace_id ws, timestamp now, model::operation what, told done) {
    model::command c;
    c.ctx.request = request_id{crypto::random_uuid()};
    c.ctx.workspace = ws;
    c.ctx.now = now;
    c.ctx.who.via = model::caller::kind::system;
    c.ctx.node = node_;
    c.what = std::move(what);
    auto fate = std::make_shared<std::promise<cluster::settled>>();
    waiting_.emplace_back(fate->get_future(), std::move(done));
    cluster::proposal p;
    p.what = std::move(c);
    p.deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    p.done = [fate](cluster::settled s) { fate->set_value(std::move(s)); };
    log_->propose(std::move(p));
    if (waiting_.size() >= 4'096) settle();
  }

  void finish() {
    settle();
    log_->stop();
  }

  // Why nothing more is taken, of an order that was not.
  std::string reason(const cluster::settled& s) const {
    const auto closed = log_->status().reason;
    if (!closed.empty()) return closed;
    return s.outcome.refused ? s.outcome.refused->text : s.why.text;
  }

 private:
  void settle() {
    for (auto& [fate, done] : waiting_) done(fate.get());
    waiting_.clear();
  }

  std::string node_;
  std::unique_ptr<cluster::log> log_;
  std::vector<std::pair<std::future<cluster::settled>, told>> waiting_;
};

bool is_token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

class scanner final : public token_scanner {
 public:
  explicit scanner(installation i) : installation_(std::move(i)) {}

  std::vector<sighting> scan(std::istream& text) const override {
    std::vector<sighting> found;
    std::string line;
    for (std::uint64_t number = 1; std::getline(text, line); ++number) {
      auto before = found.size();
      for (std::uint8_t n = 1; n <= model::token_families; ++n)
        look_for(static_cast<model::token_family>(n), line, number, found);
      std::sort(found.begin() + static_cast<std::ptrdiff_t>(before), found.end(),
                [](const sighting& a, const sighting& b) { return a.column < b.column; });
    }
    return found;
  }

 private:
  void look_for(model::token_family family, std::string_view line, std::uint64_t number,
                std::vector<sighting>& found) const {
    auto shape = crypto::shape_of(family);
    for (auto at = line.find(shape.head); at != std::string_view::npos; at = line.find(shape.head, at + 1)) {
      auto end = at + shape.chars;
      // A longer word that merely contains the shape is something else.
      bool whole = (at == 0 || !is_token_char(line[at - 1])) && (end >= line.size() || !is_token_char(line[end]));
      auto candidate = line.substr(at, shape.chars);
      if (whole && crypto::check_token(*installation_.keys, candidate).is_ours(family))
        found.push_back({number, at + 1, std::string(candidate.substr(0, crypto::prefix_chars(family)))});
    }
  }

  installation installation_;
};

class first_of_a_cluster final : public single_node {
 public:
  first_of_a_cluster(installation i, place at, bool founded)
      : installation_(std::move(i)), at_(std::move(at)), founded_(founded) {}

  bool founded() const override { return founded_; }
  result<void> export_service_keys(const std::filesystem::path& to) const override {
    return app::export_service_keys(installation_, to);
  }

  result<std::string> found_cluster() override {
    const auto member = std::to_string(at_.node) + "=" + at_.address;
    auto section = cluster_section({at_.directory, at_.node, {member}, at_.groups, false, {}});
    if (!section || founded_) return section;
    auto done = cluster::found_cluster(*installation_.store, at_.groups, {{at_.node, at_.address}});
    if (!done) return fail(done.error());
    return section;
  }

 private:
  installation installation_;
  place at_;
  bool founded_;
};

}  // namespace

result<std::unique_ptr<single_node>> open_single_node(const directory_access& where, const single_node::place& at) {
  auto opened = open(where, false);
  if (!opened) return fail(opened.error());
  auto groups = cluster::groups_of_cluster(*opened->store);
  if (!groups) return fail(groups.error());
  auto founded = cluster::was_founded(*opened->store, at.groups, {{at.node, at.address}});
  if (!founded) return fail(founded.error());
  if (*groups != 0 && !*founded) return fail(errc::invalid, where.directory.string() + " belongs to a cluster already");
  return std::make_unique<first_of_a_cluster>(std::move(*opened), at, *founded);
}

result<void> export_cluster_keys(const directory_access& where, const std::filesystem::path& to) {
  auto opened = open(where, true);
  if (!opened) return fail(opened.error());
  auto groups = cluster::groups_of_cluster(*opened->store);
  if (!groups) return fail(groups.error());
  if (*groups == 0)
    return fail(errc::invalid, where.directory.string() + " belongs to no cluster: `nacre cluster init` makes one");
  return export_service_keys(*opened, to);
}

result<workspace_id> check_import_row(const std::string& row) {
  auto parsed = http::parse_import_row(row);
  if (!parsed) return fail(parsed.error());
  return parsed->workspace;
}

result<import_report> import_pats(const directory_access& where, std::istream& rows) {
  auto opened = open_alone(where, "import over its API, with --url");
  if (!opened) return fail(opened.error());
  import_report report;
  offline_orders orders(*opened, "import");
  std::string line;
  for (std::uint64_t number = 1; !report.stopped && std::getline(rows, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (line.size() > row_bytes_max) {
      report.refused.push_back({number, "the line is too long"});
      continue;
    }
    auto row = http::parse_import_row(line);
    if (!row) {
      report.refused.push_back({number, row.error().text});
      continue;
    }
    auto op = http::import_operation(*row, *opened->keys, pat_id{crypto::random_uuid()});
    std::get<model::import_pat>(op).wrapped_data_key = opened->keys->make_data_key(row->workspace, 1);
    orders.order(row->workspace, system_clock{}.now(), std::move(op),
                 [&report, &orders, number](const cluster::settled& s) {
                   const bool decided = s.how == cluster::settled::fate::committed;
                   if (decided && !s.outcome.refused)
                     ++report.imported;
                   else if (decided)
                     report.refused.push_back({number, s.outcome.refused->text});
                   else if (!report.stopped)
                     report.stopped = {number, orders.reason(s)};
                 });
  }
  orders.finish();
  return report;
}

result<std::uint64_t> burn_restored(const directory_access& where, bool leave_cluster) {
  auto opened = open(where, false);
  if (!opened) return fail(opened.error());
  if (!leave_cluster)
    if (auto cluster = refuse_of_cluster(*opened, where); !cluster) return fail(cluster.error());
  if (auto left = cluster::leave_cluster(*opened->store); !left) return fail(left.error());
  std::uint64_t burned = 0;
  std::optional<error> stopped;
  offline_orders orders(*opened, "restore");
  // Before it ends by itself, whatever this machine's clock says: that may be wrong, and put right later.
  const auto burn = [&, now = system_clock{}.now()](const model::due_in& d, model::operation what) {
    orders.order(d.workspace, std::min(now, after(d.what.at, -1)), std::move(what), [&](const cluster::settled& s) {
      const bool decided = s.how == cluster::settled::fate::committed;
      if (decided && !s.outcome.refused)
        ++burned;
      else if (!decided || s.outcome.refused->code != errc::not_found)  // what ended before is not there any more
        stopped = error{errc::storage_failed, "not all was burned: " + orders.reason(s)};
    });
  };
  // Each has a row that says when it ends, a request has several.
  std::set<ask_id> asks;
  auto view = opened->store->snapshot();
  model::each_due(*view, time_min, time_max, [&](const model::due_in& d) {
    if (d.what.kind == model::due_kind::secret) {
      burn(d, model::burn_secret{receipt_id{d.what.id}, true});
    } else if (d.what.kind == model::due_kind::claim) {
      const secret_id id{d.what.id};
      auto claim = model::load<model::claim_record>(*view, model::space::state, model::keys::claim(d.workspace, id));
      if (claim && !claim->confirmed) burn(d, model::confirm_reveal{id, claim->key});
    } else if (d.what.kind == model::due_kind::ask) {
      const ask_id id{d.what.id};
      auto ask = model::load<model::ask_record>(*view, model::space::state, model::keys::ask(d.workspace, id));
      if (!ask || !asks.insert(id).second) return true;
      if (!ask->ended)
        burn(d, model::cancel_ask{id, ask->pickup});
      else if (ask->retry_until && ask->retry)
        burn(d, model::confirm_ask{id, ask->pickup, *ask->retry});
    }
    return !stopped;
  });
  orders.finish();
  if (stopped) return fail(*stopped);
  if (!view->trustworthy()) return fail(errc::storage_failed, "the data directory could not be read");
  return burned;
}

result<std::unique_ptr<token_scanner>> open_scanner(const directory_access& where) {
  auto opened = open(where, true);
  if (!opened) return fail(opened.error());
  return std::make_unique<scanner>(std::move(*opened));
}

}  // namespace nacre::app
