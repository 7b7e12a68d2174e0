// Lists of one's own tokens, asked for by many while tokens come, change and go: over the wire, each as of the moment
// it was asked for.

#include <atomic>
#include <thread>

#include "tests/e2e/kit.hpp"
#include "tests/e2e/service_kit.hpp"
#include "tests/e2e/unleash_kit.hpp"

using namespace nacre::e2e;

namespace {

node_process::options unlimited() {
  node_process::options o;
  o.arguments = {"--set", "limits.enabled=false"};
  return o;
}

// Everything of an answer but what is the exchange's own.
std::string said(const http_answer& a) {
  std::string out = std::to_string(a.status) + " ";
  for (const auto& [name, value] : a.headers)
    if (name != "Date" && name != "X-Request-Id") out.append(name).append(": ").append(value).append("\n");
  return out + a.body;
}

}  // namespace

TEST_CASE("a list shows what was answered before it was asked for, whoever asks how often meanwhile", "[lists]") {
  installation on(unlimited());
  team t(on);
  constexpr const char* pats = "/api/v1/pats";
  auto pat = t.member.new_pat(R"("name":"n0","scopes":["read","write"])");
  std::atomic<int> acknowledged{0};
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> lists{0};
  std::atomic<const char*> wrong{nullptr};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i)
    readers.emplace_back([&, i] {
      auto me = i % 2 == 0 ? person(on.port(), t.member.credential(), t.workspace)
                           : person(on.port(), pat["token"].text(), t.workspace);
      for (int seen = 0; !stop; ++lists) {
        const int before = acknowledged;
        auto a = me.get(pats);
        auto at = a.body.find(R"("name":"n)");
        const int says = a.status == 200 && at != a.body.npos ? std::atoi(a.body.c_str() + at + 9) : -1;
        if (says < before || says < seen) wrong = "a list from before";
        seen = says;
      }
    });
  for (int n = 1; n <= 100; ++n) {
    auto a = t.member.patch(pat_path(pat["id"].text()), R"({"name":"n)" + std::to_string(n) + "\"}");
    if (a.status != 200) wrong = "a change was refused";
    acknowledged = n;
  }
  stop = true;
  for (auto& each : readers) each.join();
  INFO((wrong.load() ? wrong.load() : ""));
  CHECK_FALSE(wrong.load());
  CHECK(lists > 0);
}

TEST_CASE("each family's list forgets a token that was ended, and its caller's token with it", "[lists]") {
  installation on(unlimited());
  team t(on);
  struct family {
    std::string path, id, token, end;
  };
  auto pat = t.member.new_pat();
  auto unleashed = unleash::create(t.member);
  auto served = service::create(t.member, service::own());
  const family families[] = {
      {"/api/v1/pats", pat["id"].text(), pat["token"].text(), pat_path(pat["id"].text())},
      {unleash::own(), unleash::id_of(unleashed), unleashed["secret"].text(), unleash::own(unleash::id_of(unleashed))},
      {service::own(), served["id"].text(), served["token"].text(), service::own(served["id"].text())},
  };
  for (const auto& each : families) {
    INFO(each.path);
    person by(on.port(), each.token, t.workspace);
    const auto first = t.member.get(each.path);
    CHECK(first.status == 200);
    CHECK(first.body.find(each.id) != std::string::npos);
    for (int i = 0; i < 3; ++i) {
      auto again = t.member.get(each.path), by_it = by.get(each.path);
      CHECK(again.status == 200);
      CHECK(again.body.find(each.id) != std::string::npos);
      CHECK(by_it.status == 200);
      CHECK(by_it.body.find(each.id) != std::string::npos);
      CHECK(t.other.get(each.path).body.find(each.id) == std::string::npos);
    }
    REQUIRE(t.member.del(each.end).status / 100 == 2);
    auto after = t.member.get(each.path);
    CHECK(after.status == 200);
    CHECK(after.body.find(each.id) == std::string::npos);
    CHECK(by.get(each.path).status == 401);
  }
}

TEST_CASE("with nothing kept, lists are the same to the byte", "[lists]") {
  installation on(unlimited());
  team t(on);
  (void)t.member.new_pat();
  (void)unleash::create(t.member);
  (void)service::create(t.member, service::own());
  const std::string paths[] = {"/api/v1/pats", "/api/v1/pats?limit=1&offset=0", unleash::own(), service::own()};
  auto all = [&] {
    std::vector<std::string> out;
    for (const auto& path : paths)
      for (auto* by : {&t.owner, &t.member, &t.other}) {
        auto first = said(by->get(path)), again = said(by->get(path));
        CHECK(first.starts_with("200 "));
        CHECK(first == again);
        out.push_back(std::move(first));
      }
    return out;
  };
  const auto kept = all();
  auto& arguments = on.node().how().arguments;
  arguments.insert(arguments.end(), {"--set", "lists.cache_entries=0", "--set", "verify.cache_entries=0"});
  on.restart();
  for (auto* each : {&t.owner, &t.member, &t.other}) *each = person(on.port(), each->credential(), t.workspace);
  CHECK(all() == kept);
}
