#include "bench/verify.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>

#include "bench/fill.hpp"

namespace nacre::bench {

namespace {

constexpr std::size_t in_use = 10'000;  // tokens that a busy installation sees within some minutes, any as often

// Checks of tokens drawn at random from the first `among` of them.
class checks {
 public:
  checks(const options& o, const filled& from, std::size_t among, std::string_view query)
      : options_(o), from_(from), among_(std::min(among, from.tokens.size())) {
    const std::string none(crypto::alephant_token_chars, '-');
    lines_.assign(o.connections, make_request("GET", "/api/v1/verify?" + std::string(query), none));
    at_ = lines_.front().find(none);
  }

  sample run(const child& node, std::optional<std::chrono::milliseconds> for_time = {}) {
    auto plan = plan_for(options_, node);
    if (for_time) plan.for_time = *for_time;
    plan.next = [this](std::size_t i) -> std::string_view {
      const auto& token = from_.tokens[random_() % among_];
      std::copy(token.begin(), token.end(), lines_[i].begin() + static_cast<std::ptrdiff_t>(at_));
      return lines_[i];
    };
    plan.check = [](std::size_t, std::string_view body) { return body.empty(); };
    return measure(node, plan);
  }

 private:
  const options& options_;
  const filled& from_;
  const std::size_t among_;
  std::vector<std::string> lines_;
  std::size_t at_ = 0;
  std::mt19937_64 random_{7};
};

sample same(const options& o, const child& node, const std::string& request, const std::string& in_body) {
  auto plan = plan_for(o, node);
  plan.next = [&](std::size_t) -> std::string_view { return request; };
  plan.check = [&](std::size_t, std::string_view body) { return body.find(in_body) != body.npos; };
  return measure(node, plan);
}

}  // namespace

std::uint64_t run_verify(const options& o, const scratch& dir) {
  constexpr std::size_t few_tokens = 2'000;
  (void)std::fprintf(stderr, "  filling %zu workspaces with %zu PATs each", o.workspaces, o.pats_each);
  auto begin = std::chrono::steady_clock::now();
  auto few = fill(dir / "few-checked", few_tokens / o.pats_each, o.pats_each, true);
  auto many = fill(dir / "many-checked", o.workspaces, o.pats_each, true);
  // In no order of keys: a hot set is spread over the installation.
  std::shuffle(many.tokens.begin(), many.tokens.end(), std::mt19937_64{11});
  settle(dir / "few-checked"), settle(dir / "many-checked");
  auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  (void)std::fprintf(stderr, "\r%60s\r", "");
  std::printf("%zu tokens stored (filled in %.0f s)\n", many.tokens.size(), took);
  auto small = start_node(o, dir / "few-checked"), large = start_node(o, dir / "many-checked");
  const auto healthz = make_request("GET", "/healthz");
  const std::string mine = "/api/admin/user/tokens";
  const auto list_few = make_request("GET", mine, few.list_token);
  const auto list_many = make_request("GET", mine, many.list_token);
  checks hot(o, many, in_use, "scope=read"), bounded(o, many, in_use, "scope=read&consistency=bounded");
  checks any(o, many, many.tokens.size(), "scope=read");

  std::vector<scenario> group;
  group.push_back({"GET /healthz", [&] { return same(o, *large, healthz, "ok"); }, 0, {}, {}, {}});
  group.push_back({"verify, 10,000 tokens in use", [&] { return hot.run(*large); }, 0, 0.7, 20, {}});
  group.push_back({"verify, the same, bounded", [&] { return bounded.run(*large); }, 0, 0.7, 20, {}});
  if (ask(large->port(), list_many).status == 404) {
    std::printf("%s is not served here: lists are left out\n", mine.c_str());
  } else {
    auto named = [](std::size_t n) { return "list one's 8 tokens, " + std::to_string(n) + " stored"; };
    group.push_back({named(few.tokens.size()), [&] { return same(o, *small, list_few, "\"pats\""); }, 0, 0.4, 20, {}});
    group.push_back(
        {named(many.tokens.size()), [&] { return same(o, *large, list_many, "\"pats\""); }, 0, 0.4, 20, {}});
  }
  auto warm = std::chrono::seconds(o.quick ? 1 : 5);
  auto failed = hot.run(*large, warm).failed;
  print_heading();
  run_rounds(group, o.rounds, o.match);
  failed += print_rows(group);
  // By themselves: that so many tokens were used for the first time is written for a while afterwards.
  std::vector<scenario> rare;
  rare.push_back({"GET /healthz, again", group.front().run, 0, {}, {}, {}});
  rare.push_back({"verify, any of all tokens", [&] { return any.run(*large); }, 0, {}, 20, {}});
  run_rounds(rare, o.rounds, o.match);
  failed += print_rows(rare);
  print_level("RSS after that", large->rss_mib(), "MiB", {});
  return failed;
}

}  // namespace nacre::bench
