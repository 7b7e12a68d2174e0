#include "http/router.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "http/text.hpp"

namespace nacre::http {
namespace {

template <std::size_t N>
std::optional<std::size_t> split(std::string_view path, std::array<std::string_view, N>& out) {
  if (path.empty() || path.front() != '/') return std::nullopt;
  if (path.size() == 1) return 0;
  std::size_t count = 0;
  for (std::size_t begin = 1;;) {
    const auto end = std::min(path.find('/', begin), path.size());
    const auto segment = path.substr(begin, end - begin);
    if (segment.empty() || segment == "." || segment == ".." || count == N) return std::nullopt;
    out[count++] = segment;
    if (end == path.size()) return count;
    begin = end + 1;
  }
}

bool is_name(std::string_view text) {
  return !text.empty() && all_of(text, [](char c) { return is_alpha(c) || is_digit(c) || c == '_'; });
}

}  // namespace

result<router> router::make(std::span<const route> table) {
  router made;
  made.table_ = table;
  if (table.size() > static_cast<std::size_t>(std::numeric_limits<std::int16_t>::max()))
    return fail(errc::invalid, "too many routes");
  for (std::size_t i = 0; i < table.size(); ++i) {
    const route& r = table[i];
    const auto refused = [&r](std::string_view why) {
      return fail(errc::invalid, "route " + std::string{r.pattern} + ": " + std::string{why});
    };
    std::array<std::string_view, segments_max> parts;
    const auto count = split(r.pattern, parts);
    if (!count) return refused("not a path of at most 16 segments");
    std::size_t captures = 0;
    for (std::size_t s = 0; s < *count; ++s) {
      if (parts[s].front() != '{') {
        if (!all_of(parts[s], is_path_char)) return refused("a segment no request could match");
        continue;
      }
      if (parts[s].back() != '}' || !is_name(parts[s].substr(1, parts[s].size() - 2)))
        return refused("a capture must be {name}");
      parts[s] = {};
      if (++captures > route_match::captures_max) return refused("too many captures");
    }
    const std::vector<std::string_view> segments{parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(*count)};
    auto& nodes = made.by_length_[*count];
    auto at = std::find_if(nodes.begin(), nodes.end(), [&](const node& n) { return n.segments == segments; });
    if (at == nodes.end()) {
      node fresh{segments, {}};
      fresh.by_verb.fill(-1);
      at = nodes.insert(nodes.end(), std::move(fresh));
    }
    std::int16_t& slot = at->by_verb[static_cast<std::size_t>(r.verb)];
    if (slot >= 0) return refused("said twice for one method");
    slot = static_cast<std::int16_t>(i);
  }
  // The first segment in which two patterns differ decides: a literal comes before a capture.
  for (auto& nodes : made.by_length_)
    std::stable_sort(nodes.begin(), nodes.end(), [](const node& a, const node& b) {
      return std::lexicographical_compare(a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(),
                                          [](auto x, auto y) { return !x.empty() && y.empty(); });
    });
  for (const auto& r : table) {
    if (r.pattern.find('{') != std::string_view::npos) continue;
    std::array<std::string_view, segments_max> parts;
    const auto count = *split(r.pattern, parts);
    for (const node& n : made.by_length_[count])
      if (std::equal(n.segments.begin(), n.segments.end(), parts.begin())) made.literal_.emplace(r.pattern, &n);
  }
  return made;
}

route_match router::match(method verb, std::string_view path) const {
  route_match found;
  const auto by_verb = [verb](const node& n) {
    const auto index = n.by_verb[static_cast<std::size_t>(verb)];
    return index < 0 && verb == method::head ? n.by_verb[static_cast<std::size_t>(method::get)] : index;
  };
  if (const auto known = literal_.find(path); known != literal_.end()) {
    if (const auto index = by_verb(*known->second); index >= 0) {
      found.what = route_match::verdict::found;
      found.index = static_cast<std::size_t>(index);
      return found;
    }
  }
  std::array<std::string_view, segments_max> parts;
  const auto count = split(path, parts);
  if (!count) return found;
  std::array<bool, verbs> allowed{};
  for (const node& n : by_length_[*count]) {
    bool same = true;
    for (std::size_t s = 0; s < *count && same; ++s) same = n.segments[s].empty() || n.segments[s] == parts[s];
    if (!same) continue;
    if (const auto index = by_verb(n); index >= 0) {
      found.what = route_match::verdict::found;
      found.index = static_cast<std::size_t>(index);
      found.capture_count = 0;
      for (std::size_t s = 0; s < *count; ++s)
        if (n.segments[s].empty()) found.captures[found.capture_count++] = parts[s];
      return found;
    }
    found.what = route_match::verdict::method_not_allowed;
    for (std::size_t v = 0; v < verbs; ++v) {
      if (n.by_verb[v] >= 0) found.index = static_cast<std::size_t>(n.by_verb[v]);
      allowed[v] = allowed[v] || n.by_verb[v] >= 0;
    }
  }
  if (found.what == route_match::verdict::method_not_allowed) {
    if (allowed[static_cast<std::size_t>(method::get)]) allowed[static_cast<std::size_t>(method::head)] = true;
    for (std::size_t v = 0; v < verbs; ++v) {
      if (!allowed[v]) continue;
      if (!found.allow.empty()) found.allow.append(", ");
      found.allow.append(name_of(static_cast<method>(v)));
    }
  }
  return found;
}

}  // namespace nacre::http
