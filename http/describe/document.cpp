#include "http/describe/document.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "http/describe/names.hpp"
#include "http/json.hpp"

namespace nacre::http::describe {

namespace {

constexpr std::size_t fragment_bytes_max = 512 * 1024, document_bytes = 384 * 1024;

// What the parts of the document call a family whose errors look alike.
std::string_view name_of(family f) {
  switch (f) {
    case family::native:
      return "native";
    case family::onetime_v1:
      return "onetime_v1";
    case family::onetime_v2:
      return "onetime_v2";
    case family::unleash:
      return "unleash";
    case family::service_tokens:
      return "service_tokens";
  }
  std::abort();
}

std::string_view verb_of(method m) {
  switch (m) {
    case method::get:
      return "get";
    case method::head:
      return "head";
    case method::post:
      return "post";
    case method::put:
      return "put";
    case method::patch:
      return "patch";
    case method::del:
      return "delete";
    case method::options:
      return "options";
    case method::other:
      break;
  }
  std::abort();
}

bool asks_who(access a) {
  return a != access::open && a != access::page && a != access::anonymous && a != access::this_machine;
}

// Of the schemes in base.json: each of them alone will do.
std::vector<std::string_view> credentials_for(const endpoint& e) {
  switch (e.needs) {
    case access::open:
    case access::page:
    case access::anonymous:
    case access::this_machine:
      return {};
    case access::user:
    case access::header_workspace:
    case access::path_workspace:
      return {"jwt", "pat"};
    case access::own_workspace:
      return {"jwt", family_of(e.pattern) == family::unleash ? "unleashToken" : "serviceToken"};
    case access::basic:
      return {"account"};
    case access::basic_or_none:
      return {"account", ""};
    case access::user_or_none:
      return {"jwt", "pat", ""};
    case access::presented:
      return {"jwt", "pat", "serviceToken", "unleashToken"};
  }
  std::abort();
}

std::string_view media_type_of(std::string_view name) {
  if (name == "json") return "application/json";
  if (name == "form") return "application/x-www-form-urlencoded";
  if (name == "multipart") return "multipart/form-data";
  return name;
}

using members = std::map<std::string_view, json_value, std::less<>>;

members members_of(const std::optional<json_value>& of) {
  members out;
  if (of)
    for (const auto& [name, value] : of->members()) out.emplace(name, value);
  return out;
}

struct operation {
  std::size_t fragment = 0;
  json_value what;
};

class maker {
 public:
  maker(std::span<const endpoint> table, std::span<const fragment> from, const api_settings& s, std::string_view url)
      : table_(table), from_(from), settings_(s), url_(url) {}

  result<document> make() {
    read();
    if (wrong_.empty()) {
      w_.object().field("openapi", "3.1.0");
      write_info();
      write_paths();
      write_components();
      w_.end_object();
    }
    if (!wrong_.empty()) return fail(errc::internal, wrong_);
    return document{w_.take(), {limits_.begin(), limits_.end()}};
  }

 private:
  void complain(std::string_view where, std::string_view what) {
    if (wrong_.empty()) wrong_.append(where).append(": ").append(what);
  }

  // ---- fragments -------------------------------------------------------------------------------------

  void read() {
    for (const auto& f : from_) {
      auto json = parse_json(f.json, false, fragment_bytes_max);
      if (!json) return complain(f.name, json.error().text);
      read_.push_back(std::move(*json));
      auto n = read_.size() - 1;
      for (const auto& [name, what] : members_of(read_[n].find("operations")))
        if (!operations_.emplace(name, operation{n, what}).second) return complain(name, "is described twice");
      if (auto errors = read_[n].find("errors"))
        if (auto speaks = errors->find("family")) errors_.emplace(*speaks->string(), *errors);
    }
    std::set<std::string_view> names;
    for (const auto& e : table_) {
      names.insert(e.name);
      auto at = operations_.find(e.name);
      if (at == operations_.end()) return complain(e.name, "is not described");
      if (!errors_.contains(name_of(family_of(e.pattern)))) return complain(e.name, "has no errors");
      if (is_served(e, settings_)) served_.insert(at->second.fragment);
    }
    for (const auto& [name, what] : operations_)
      if (!names.contains(name)) return complain(name, "is no endpoint");
  }

  std::string_view file_of(std::size_t fragment) const { return from_[fragment].name; }

  // Whether a fragment's components are there: those that describe no operation always are.
  bool is_needed(std::size_t fragment) const {
    return served_.contains(fragment) || !read_[fragment].find("operations");
  }

  // ---- values ----------------------------------------------------------------------------------------

  std::optional<std::int64_t> limit(std::string_view name) {
    auto n = number_of(name, settings_);
    if (n)
      limits_.emplace(name);
    else
      complain(name, "is no limit");
    return n;
  }

  std::string with_numbers(std::string_view text) {
    std::string out;
    for (auto at = text.find("${"); at != text.npos; at = text.find("${")) {
      auto end = text.find('}', at);
      if (end == text.npos) break;
      out.append(text.substr(0, at)).append(std::to_string(limit(text.substr(at + 2, end - at - 2)).value_or(0)));
      text.remove_prefix(end + 1);
    }
    return out.append(text);
  }

  void write(const json_value& v) {
    if (auto text = v.string()) {
      w_.value(std::string_view(with_numbers(*text)));
    } else if (auto yes = v.boolean()) {
      w_.value(*yes);
    } else if (auto n = v.integer()) {
      w_.value(*n);
    } else if (v.is_array()) {
      w_.array();
      for (const auto& item : v.items()) write(item);
      w_.end_array();
    } else if (v.is_object()) {
      write_object(v);
    } else if (v.is_null()) {
      w_.value(nullptr);
    } else {
      complain("a number", "is not whole");
    }
  }

  void write_object(const json_value& v) {
    auto inside = v.members();
    if (inside.size() == 1) {
      auto name = inside.front().second.string().value_or("");
      if (inside.front().first == "$limit") {
        w_.value(limit(name).value_or(0));
        return;
      }
      if (inside.front().first == "$words") {
        auto words = words_of(name);
        if (words.empty()) complain(name, "are no words");
        w_.array();
        for (auto each : words) w_.value(each);
        w_.end_array();
        return;
      }
    }
    w_.object();
    for (const auto& [name, value] : inside) {
      w_.key(name);
      auto text = name == "$ref" ? value.string() : std::nullopt;
      if (text && !text->starts_with('#'))
        w_.value(std::string_view("#/components/schemas/" + std::string(*text)));
      else
        write(value);
    }
    w_.end_object();
  }

  void write_ref(std::string_view kind, std::string_view name, std::string_view description = {}) {
    w_.object().field("$ref", std::string_view(std::string("#/components/").append(kind).append("/").append(name)));
    if (!description.empty()) w_.field("description", std::string_view(with_numbers(description)));
    w_.end_object();
  }

  // "headers": ["A", "B"] as components of these names.
  void write_headers(const json_value& names) {
    w_.key("headers").object();
    for (const auto& name : names.items()) {
      w_.key(*name.string());
      write_ref("headers", *name.string());
    }
    w_.end_object();
  }

  // Everything of an answer or a body that is not named here is a media type.
  void write_content(const json_value& of) {
    constexpr std::string_view others[] = {"description", "headers", "required"};
    bool some = false;
    for (const auto& [name, value] : of.members()) {
      if (std::find(std::begin(others), std::end(others), name) != std::end(others)) continue;
      if (!some) w_.key("content").object();
      some = true;
      w_.key(media_type_of(name));
      write(value);
    }
    if (some) w_.end_object();
  }

  void write_answer(const json_value& of) {
    w_.object().key("description");
    if (auto text = of.find("description"))
      write(*text);
    else
      w_.value("");
    if (auto names = of.find("headers")) write_headers(*names);
    write_content(of);
    w_.end_object();
  }

  // ---- parts of the document -------------------------------------------------------------------------

  void write_info() {
    auto at = index_of("base");
    const auto* base = at ? &read_[*at] : nullptr;
    auto info = base ? base->find("info") : std::nullopt;
    if (!info) return complain("base", "has no info");
    w_.key("info").object();
    for (const auto& [name, value] : info->members()) write(w_.key(name), value);
    w_.field("version", std::string_view(settings_.version)).end_object();
    if (!url_.empty()) w_.key("servers").array().object().field("url", url_).end_object().end_array();
    w_.key("tags").array();
    std::size_t tags = 0;
    if (auto order = base->find("order"))
      for (const auto& name : order->items()) {
        auto n = index_of(name.string().value_or(""));
        auto tag = n ? read_[*n].find("tag") : std::nullopt;
        if (!tag) return complain(name.string().value_or(""), "is no fragment with a tag");
        ++tags;
        if (served_.contains(*n)) write(*tag);
      }
    w_.end_array();
    auto tagged = std::count_if(read_.begin(), read_.end(), [](const auto& f) { return f.find("tag").has_value(); });
    if (tags != static_cast<std::size_t>(tagged)) complain("base", "has not every fragment in its order");
  }

  void write(json_writer&, const json_value& v) { write(v); }

  std::optional<std::size_t> index_of(std::string_view fragment) const {
    for (std::size_t n = 0; n < from_.size(); ++n)
      if (from_[n].name == fragment) return n;
    return std::nullopt;
  }

  void write_paths() {
    w_.key("paths").object();
    std::set<std::string_view> done;
    for (const auto& e : table_) {
      if (!is_served(e, settings_) || !done.insert(e.pattern).second) continue;
      w_.key(e.pattern).object();
      for (const auto& other : table_)
        if (other.pattern == e.pattern) write_operation(other);
      w_.end_object();
    }
    w_.end_object();
  }

  // One that is like another has its members, but for those it says itself.
  members operation_of(const operation& o) {
    auto out = members_of(o.what);
    auto like = out.find("like");
    if (like == out.end()) return out;
    auto other = operations_.find(like->second.string().value_or(""));
    if (other == operations_.end() || other->second.what.find("like")) {
      complain(like->second.string().value_or(""), "is nothing to be like");
      return out;
    }
    for (const auto& [name, value] : members_of(other->second.what)) out.emplace(name, value);
    out.erase("like");
    return out;
  }

  // In the table "The same" follows what it is the same as; here it stands alone.
  std::string summary_of(const endpoint& e, const operation& o) const {
    constexpr std::string_view same = "The same";
    auto like = o.what.find("like");
    if (!like || !e.summary.starts_with(same)) return std::string(e.summary);
    for (const auto& other : table_)
      if (other.name == like->string()) return std::string(other.summary).append(e.summary.substr(same.size()));
    return std::string(e.summary);
  }

  void write_operation(const endpoint& e) {
    const auto& described = operations_.find(e.name)->second;
    const auto& file = read_[described.fragment];
    auto o = operation_of(described);
    auto take = [&o](std::string_view name) {
      auto at = o.find(name);
      return at == o.end() ? std::nullopt : std::optional(o.extract(at).mapped());
    };
    w_.key(verb_of(e.verb)).object().field("operationId", e.name);
    w_.field("summary", std::string_view(summary_of(e, described)));
    auto tag = file.find("tag");
    w_.key("tags").array().value(tag ? tag->find("name")->string().value_or("") : "").end_array();
    if (auto text = take("description")) write(w_.key("description"), *text);
    write_parameters(e, file, take("parameters"));
    if (auto body = take("body")) {
      w_.key("requestBody").object();
      if (auto required = body->find("required")) write(w_.key("required"), *required);
      write_content(*body);
      w_.end_object();
    }
    write_responses(e, take("answers"), take("refusals"), e.verb != method::get && e.verb != method::options);
    w_.key("security").array();
    for (auto scheme : credentials_for(e)) {
      w_.object();
      if (!scheme.empty()) w_.key(scheme).array().end_array();
      w_.end_object();
    }
    w_.end_array().end_object();
    if (!o.empty()) complain(e.name, "has a member " + std::string(o.begin()->first));
  }

  void write_parameters(const endpoint& e, const json_document& file, const std::optional<json_value>& more) {
    std::vector<std::string_view> names;
    auto captures = members_of(file.find("captures"));
    for (auto rest = e.pattern; !rest.empty();) {
      auto begin = rest.find('{'), end = rest.find('}');
      if (begin == rest.npos) break;
      auto known = captures.find(rest.substr(begin + 1, end - begin - 1));
      if (known == captures.end())
        complain(e.name, "has a capture that is not described");
      else
        names.push_back(known->second.string().value_or(""));
      rest.remove_prefix(end + 1);
    }
    if (e.needs == access::header_workspace) names.push_back("Workspace");
    if (e.needs == access::own_workspace || e.needs == access::user_or_none) names.push_back("WorkspaceIfSeveral");
    if (more)
      for (const auto& each : more->items()) names.push_back(each.string().value_or(""));
    if (names.empty()) return;
    w_.key("parameters").array();
    for (auto each : names) write_ref("parameters", each);
    w_.end_array();
  }

  // "Native404" of {"name": "Native"}.
  static std::string component_of(const json_value& errors, std::string_view status) {
    return std::string(errors.find("name")->string().value_or("")).append(status);
  }

  void write_responses(const endpoint& e, const std::optional<json_value>& answers,
                       const std::optional<json_value>& refusals, bool takes_body) {
    const auto& errors = errors_.find(name_of(family_of(e.pattern)))->second;
    auto good = members_of(answers);
    std::map<std::string_view, std::string_view, std::less<>> bad;  // with why, if it says so here
    for (const auto& [status, why] : members_of(refusals)) bad.emplace(status, why.string().value_or(""));
    auto add = [&](std::string_view group) {
      if (auto list = errors.find(group))
        for (const auto& status : list->items()) bad.emplace(status.string().value_or(""), "");
    };
    add("always");
    if (asks_who(e.needs)) add("credential");
    if (e.needs != access::open && e.needs != access::presented) add("limited");
    if (takes_body) add("body");
    if (good.empty()) complain(e.name, "has no answer");
    w_.key("responses").object();
    for (const auto& [status, what] : good) {
      w_.key(status);
      write_answer(what);
    }
    for (const auto& [status, why] : bad) {
      if (good.contains(status)) continue;
      auto statuses = errors.find("statuses");
      if (!statuses || !statuses->find(status)) complain(e.name, "has a refusal that is not described");
      w_.key(status);
      write_ref("responses", component_of(errors, status == "default" ? "Other" : status), why);
    }
    w_.end_object();
  }

  void write_components() {
    w_.key("components").object();
    for (std::string_view kind : {"securitySchemes", "parameters", "headers", "schemas"}) {
      std::set<std::string_view> names;
      w_.key(kind).object();
      for (std::size_t n = 0; n < read_.size(); ++n) {
        auto list = is_needed(n) ? read_[n].find(kind) : std::nullopt;
        if (!list) continue;
        for (const auto& [name, value] : list->members()) {
          if (!names.insert(name).second) complain(file_of(n), "has a component that is there already");
          write(w_.key(name), value);
        }
      }
      w_.end_object();
    }
    w_.key("responses").object();
    for (std::size_t n = 0; n < read_.size(); ++n) {
      auto errors = is_needed(n) ? read_[n].find("errors") : std::nullopt;
      if (errors) write_refusals(*errors);
    }
    w_.end_object().end_object();
  }

  // The refusals of a family: one body, one answer a status.
  void write_refusals(const json_value& errors) {
    auto schema = errors.find("schema");
    auto statuses = errors.find("statuses");
    if (!schema || !statuses) return complain("errors", "have no schema or no statuses");
    for (const auto& [status, what] : statuses->members()) {
      w_.key(component_of(errors, status == "default" ? "Other" : status)).object().key("description");
      write(*what.find("description"));
      if (auto names = what.find("headers")) write_headers(*names);
      w_.key("content").object().key("application/json").object().key("schema");
      write(what.find("schema").value_or(*schema));
      if (auto example = what.find("example")) write(w_.key("example"), *example);
      w_.end_object().end_object().end_object();
    }
  }

  std::span<const endpoint> table_;
  std::span<const fragment> from_;
  const api_settings& settings_;
  std::string_view url_;
  std::vector<json_document> read_;
  std::map<std::string_view, operation, std::less<>> operations_;
  std::map<std::string_view, json_value, std::less<>> errors_;  // by family
  std::set<std::size_t> served_;                                // fragments with a route that is served
  std::set<std::string, std::less<>> limits_;
  std::string wrong_;  // the first mistake
  json_writer w_{document_bytes};
};

}  // namespace

result<document> make_document(std::span<const endpoint> table, std::span<const fragment> from, const api_settings& s,
                               std::string_view public_url) {
  return maker(table, from, s, public_url).make();
}

}  // namespace nacre::http::describe
