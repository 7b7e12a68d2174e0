// The description of the API: of every route, for every choice of families, and what is wrong with a fragment is found.

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "http/describe/document.hpp"
#include "http/describe/names.hpp"
#include "http/json.hpp"
#include "model/limits.hpp"

using namespace nacre;
using namespace nacre::http;

namespace {

constexpr std::size_t bytes_max = 1024 * 1024;

json_document parsed(const std::string& text) {
  auto json = parse_json(text, false, bytes_max);
  INFO((json ? "" : json.error().text));
  REQUIRE(json);
  return std::move(*json);
}

describe::document made(const api_settings& s = {}, std::string_view url = "https://nacre.example.com") {
  auto all = describe::make_document(endpoints(), describe::fragments(), s, url);
  INFO((all ? "" : all.error().text));
  REQUIRE(all);
  return std::move(*all);
}

std::string_view verb_of(method m) {
  constexpr std::string_view names[] = {"get", "head", "post", "put", "patch", "delete", "options"};
  return names[static_cast<std::size_t>(m)];
}

void collect_refs(const json_value& v, std::set<std::string>& into) {
  if (v.is_object())
    for (const auto& [name, value] : v.members()) {
      auto text = name == "$ref" ? value.string() : std::nullopt;
      if (text)
        into.emplace(*text);
      else
        collect_refs(value, into);
    }
  if (v.is_array())
    for (const auto& item : v.items()) collect_refs(item, into);
}

std::set<std::string> components_of(const json_document& d) {
  std::set<std::string> out;
  const auto components = *d.find("components");
  for (const auto& [kind, list] : components.members())
    for (const auto& [name, value] : list.members())
      out.insert("#/components/" + std::string(kind) + "/" + std::string(name));
  return out;
}

void nothing(call_ptr) {}

// One endpoint, and what a mistake in its description is called.
std::string complaint(std::string_view base, std::string_view part) {
  static constexpr endpoint table[] = {
      {method::get, "/api/v1/things/{id}", "get-thing", access::header_workspace, "A thing", nothing}};
  const describe::fragment from[] = {{"base", base}, {"things", part}};
  auto all = describe::make_document(table, from, {}, "");
  return all ? "" : all.error().text;
}

constexpr std::string_view small_base =
    R"({"order":["things"],"info":{"title":"t"},"parameters":{"Workspace":{}},
        "errors":{"family":"native","name":"N","schema":{},"always":["400"],"statuses":{"400":{"description":"bad"}}}})";

std::string things(std::string_view operations, std::string_view captures = R"({"id":"Id"})") {
  return R"({"tag":{"name":"Things"},"captures":)" + std::string(captures) +
         R"(,"parameters":{"Id":{}},"operations":)" + std::string(operations) + "}";
}

}  // namespace

TEST_CASE("the description has every route that is served, and no other", "[http][describe]") {
  for (unsigned choice = 0; choice < 32; ++choice) {
    api_settings s;
    s.families = {(choice & 1) != 0, (choice & 2) != 0, (choice & 4) != 0, (choice & 8) != 0};
    s.console.served = (choice & 16) != 0;
    INFO(choice);
    const auto all = made(s);
    const auto d = parsed(all.json);
    std::size_t served = 0, described = 0;
    for (const auto& e : endpoints()) {
      INFO(e.name);
      auto path = d.find("paths")->find(e.pattern);
      auto there = path ? path->find(verb_of(e.verb)) : std::nullopt;
      REQUIRE(there.has_value() == is_served(e, s));
      if (!there) continue;
      ++served;
      CHECK(there->find("operationId")->string() == e.name);
      auto summary = *there->find("summary")->string();
      CHECK((summary == e.summary || e.summary.starts_with("The same")));
      CHECK_FALSE(summary.starts_with("The same"));
      CHECK_FALSE(there->find("tags")->items().front().string()->empty());
      auto answers = there->find("responses")->members();
      CHECK(std::count_if(answers.begin(), answers.end(), [](const auto& a) { return a.first.front() == '2'; }) == 1);
    }
    const auto paths = *d.find("paths");
    for (const auto& [pattern, verbs] : paths.members()) described += verbs.members().size();
    CHECK(described == served);

    std::set<std::string> refs, tags, named;
    collect_refs(d.root(), refs);
    const auto components = components_of(d);
    for (const auto& ref : refs) {
      INFO(ref);
      CHECK(components.contains(ref));
    }
    for (const auto& tag : d.find("tags")->items()) CHECK(tags.emplace(*tag.find("name")->string()).second);
    for (const auto& [pattern, verbs] : paths.members())
      for (const auto& [verb, what] : verbs.members()) named.emplace(*what.find("tags")->items().front().string());
    CHECK(named == tags);
    if (choice != 31) continue;
    for (const auto& component : components) {
      INFO(component);
      CHECK((refs.contains(component) || component.starts_with("#/components/securitySchemes/")));
    }
    const auto names = describe::number_names();
    CHECK(all.limits == std::vector<std::string>(names.begin(), names.end()));
    CHECK(all.json.find("${") == std::string::npos);
  }
}

TEST_CASE("the description tells the limits in force", "[http][describe]") {
  api_settings s;
  s.version = "9.8.7";
  s.onetime.secret_bytes_max = 54'321;
  s.unleash_tokens_per_user = 77;
  const auto all = made(s, "https://tokens.example.com");
  const auto d = parsed(all.json);
  CHECK(d.find("openapi")->string() == "3.1.0");
  CHECK(d.find("info")->find("version")->string() == "9.8.7");
  CHECK(d.find("servers")->items().front().find("url")->string() == "https://tokens.example.com");
  auto schema = [&](std::string_view name) { return *d.find("components")->find("schemas")->find(name); };
  CHECK(schema("Name").find("maxLength")->integer() == std::int64_t{limits::name_chars_max});
  CHECK(schema("Role").find("enum")->items().size() == 3);
  CHECK(all.json.find("at most 54321 bytes of UTF-8") != std::string::npos);
  CHECK(all.json.find("There are 77 of that owner") != std::string::npos);
  CHECK(parsed(made({}, "").json).find("servers") == std::nullopt);
}

TEST_CASE("who may call is told by the table of routes", "[http][describe]") {
  const auto d = parsed(made().json);
  for (const auto& e : endpoints()) {
    INFO(e.name);
    auto o = *d.find("paths")->find(e.pattern)->find(verb_of(e.verb));
    std::set<std::string> schemes;
    const auto security = *o.find("security");
    for (const auto& each : security.items())
      schemes.emplace(each.members().empty() ? "none" : each.members().front().first);
    bool anybody = e.needs == access::open || e.needs == access::page || e.needs == access::anonymous ||
                   e.needs == access::this_machine;
    CHECK(schemes.empty() == anybody);
    CHECK(schemes.contains("none") == (e.needs == access::basic_or_none || e.needs == access::user_or_none));
    CHECK(schemes.contains("account") == (e.needs == access::basic || e.needs == access::basic_or_none));
    bool v1 = family_of(e.pattern) == family::onetime_v1;
    auto answers = *o.find("responses");
    CHECK(answers.find("401").has_value() == (!anybody && !v1));
    CHECK(answers.find("429").has_value() == (e.needs != access::open && e.needs != access::presented && !v1));
    std::set<std::string> given;
    if (auto parameters = o.find("parameters"))
      for (const auto& each : parameters->items()) given.emplace(*each.find("$ref")->string());
    CHECK(given.contains("#/components/parameters/Workspace") == (e.needs == access::header_workspace));
    CHECK(given.contains("#/components/parameters/WorkspaceIfSeveral") ==
          (e.needs == access::own_workspace || e.needs == access::user_or_none));
    CHECK(given.size() >= static_cast<std::size_t>(std::count(e.pattern.begin(), e.pattern.end(), '{')));
  }
}

TEST_CASE("a mistake in a fragment is told with its name", "[http][describe]") {
  const std::string good = R"({"get-thing":{"answers":{"200":{"description":"It"}}}})";
  CHECK(complaint(small_base, things(good)).empty());
  const std::pair<std::string, std::string> wrong[] = {
      {"{}", "get-thing: is not described"},
      {R"({"get-thing":{"answers":{"200":{}}},"put-thing":{}})", "put-thing: is no endpoint"},
      {R"({"get-thing":{}})", "get-thing: has no answer"},
      {R"({"get-thing":{"answers":{"200":{}},"refusals":{"404":null}}})",
       "get-thing: has a refusal that is not described"},
      {R"({"get-thing":{"answers":{"200":{}},"sumary":"x"}})", "get-thing: has a member sumary"},
      {R"({"get-thing":{"like":"set-thing"}})", "set-thing: is nothing to be like"},
      {R"({"get-thing":{"description":"${nothing_max}","answers":{"200":{}}}})", "nothing_max: is no limit"},
      {R"({"get-thing":{"answers":{"200":{"json":{"schema":{"maximum":{"$limit":"none"}}}}}}})", "none: is no limit"},
      {R"({"get-thing":{"answers":{"200":{"json":{"schema":{"enum":{"$words":"none"}}}}}}})", "none: are no words"},
      {R"({"get-thing":{"answers":{"200":{"json":{"schema":{"maximum":1.5}}}}}})", "a number: is not whole"},
  };
  for (const auto& [operations, text] : wrong) {
    INFO(operations);
    CHECK(complaint(small_base, things(operations)) == text);
  }
  CHECK(complaint(small_base, things(good, "{}")) == "get-thing: has a capture that is not described");
  CHECK(complaint("{}", things(good)) == "get-thing: has no errors");
  CHECK(complaint(small_base, "{") == "things: The body is not valid JSON.");
  constexpr std::string_view unordered =
      R"({"order":[],"info":{},"errors":{"family":"native","name":"N","schema":{},"statuses":{}}})";
  CHECK(complaint(unordered, things(good)) == "base: has not every fragment in its order");
  constexpr std::string_view twice =
      R"({"order":["things"],"info":{},"parameters":{"Workspace":{},"Id":{}},"errors":{"family":"native","name":"N","schema":{},"statuses":{}}})";
  CHECK(complaint(twice, things(good)) == "things: has a component that is there already");
}
