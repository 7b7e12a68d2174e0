#include "cli/arguments.hpp"

#include <string.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "model/limits.hpp"

namespace nacre::cli {

namespace {

using std::string_view;

auto usage(std::string text, const command* of = nullptr) {
  std::string advice = "see `nacre ";
  if (of) advice.append(of->words).append(" ");
  return refuse(exit_usage, std::move(text), advice + "--help`");
}

string_view first_word(string_view words) { return words.substr(0, words.find(' ')); }

// Edits between two short words (Levenshtein), for "did you mean".
std::size_t distance(string_view a, string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string did_you_mean(string_view typed, const std::vector<string_view>& known, string_view before) {
  string_view best;
  std::size_t least = 3;
  if (typed.size() > 24) return {};
  for (auto each : known)
    if (auto d = distance(typed, each); d < least) {
      least = d;
      best = each;
    }
  return best.empty() ? std::string() : "; did you mean " + std::string(before) + std::string(best) + "?";
}

bool is_group(string_view word) {
  return std::any_of(groups().begin(), groups().end(), [&](const group& g) { return g.word == word; });
}

const command* find_command(string_view first, string_view second) {
  for (const auto& c : commands())
    if (c.words == first ||
        (c.words.starts_with(first) && c.words.substr(first_word(c.words).size()) == " " + std::string(second) &&
         first_word(c.words) == first))
      return &c;
  return nullptr;
}

bool is_one_of(string_view value, string_view choices) {
  while (!choices.empty()) {
    auto end = std::min(choices.find(' '), choices.size());
    if (choices.substr(0, end) == value) return true;
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return false;
}

// Before a command is known only what every command of a server takes may stand.
const option_spec* find_early(string_view name) {
  for (const auto& o : connection_options())
    if (o.name == name) return &o;
  return nullptr;
}

void overwrite(char* word) { ::explicit_bzero(word, ::strlen(word)); }

}  // namespace

const option_spec* find_option(const command& c, string_view name) {
  for (const auto& o : c.options)
    if (o.name == name) return &o;
  return c.talks ? find_early(name) : nullptr;
}

const option_spec* find_option(const command& c, char letter) {
  for (const auto& o : c.options)
    if (o.letter == letter) return &o;
  if (c.talks)
    for (const auto& o : connection_options())
      if (o.letter == letter) return &o;
  return nullptr;
}

std::optional<std::uint64_t> whole_number(string_view text, std::uint64_t most) {
  std::uint64_t n = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (wrong != std::errc() || end != text.data() + text.size() || text.front() == '0' || n > most) return std::nullopt;
  return n;
}

outcome<std::uint64_t> node_number(string_view text) {
  if (const auto node = whole_number(text, limits::cluster_node_max)) return *node;
  return refuse(exit_usage, "NODE must be a number from 1 to " + std::to_string(limits::cluster_node_max));
}

bool arguments::has(string_view option) const {
  if (!find_option(*command_, option)) std::abort();
  return options_.contains(option);
}

std::string arguments::get(string_view option, string_view otherwise) const {
  if (!has(option)) return std::string(otherwise);
  return options_.find(option)->second.front();
}

std::vector<std::string> arguments::all(string_view option) const {
  if (!has(option)) return {};
  return options_.find(option)->second;
}

outcome<std::int64_t> arguments::number(string_view option, std::int64_t otherwise, std::int64_t least,
                                        std::int64_t most) const {
  if (!has(option)) return otherwise;
  auto text = get(option);
  char* end = nullptr;
  errno = 0;
  const long long n = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != 0 || errno != 0 || n < least || n > most)
    return usage(
        "--" + std::string(option) + " must be a number from " + std::to_string(least) + " to " + std::to_string(most),
        command_);
  return n;
}

outcome<std::optional<std::int64_t>> arguments::seconds(string_view option, std::int64_t most) const {
  if (!has(option)) return std::optional<std::int64_t>{};
  auto text = get(option);
  char* end = nullptr;
  errno = 0;
  const long long n = std::strtoll(text.c_str(), &end, 10);
  std::int64_t unit = 0;
  const string_view behind(end);
  if (behind.empty() || behind == "s") unit = 1;
  if (behind == "m") unit = 60;
  if (behind == "h") unit = 3'600;
  if (behind == "d") unit = 86'400;
  if (end == text.c_str() || errno != 0 || n <= 0 || unit == 0 || n > most / unit)
    return usage("--" + std::string(option) + " must be like 90s, 15m, 24h or 7d, and not too long", command_);
  return std::optional<std::int64_t>{n * unit};
}

outcome<invocation> parse(std::span<char* const> words) {
  invocation out;
  auto& with = out.with;
  string_view first;  // word of the command
  bool help = false, version = false, only_operands = false;

  auto option_known = [&](string_view name) { return out.which ? find_option(*out.which, name) : find_early(name); };
  // A plain word: of the command while it is not known, then an operand.
  auto take_word = [&](char* word) -> outcome<bool> {
    if (out.which) {
      const auto most = out.which->operands.empty() ? std::size_t{0} : std::size_t{out.which->operands.back().most};
      const auto before = out.which->operands.empty() ? std::size_t{0} : out.which->operands.size() - 1;
      if (most != 255 && with.operands_.size() >= before + most)
        return usage("more was given than the command takes", out.which);
      const auto at = std::min(with.operands_.size(), before);
      with.operands_.emplace_back(word);
      if (out.which->operands[at].secret) overwrite(word);
      return true;
    }
    if (first.empty()) {
      first = word;
      if (is_group(first)) return true;
    }
    out.which = find_command(first, first == string_view(word) ? string_view() : string_view(word));
    if (!out.which) {
      std::vector<string_view> known;
      const bool in_group = is_group(first);
      for (const auto& c : commands())
        if (!in_group || first_word(c.words) == first)
          known.push_back(in_group ? c.words.substr(first.size() + 1) : first_word(c.words));
      auto guess = did_you_mean(word, known, in_group ? "nacre " + std::string(first) + " " : "nacre ");
      return refuse(exit_usage, "there is no such command" + guess,
                    in_group ? "see `nacre " + std::string(first) + " --help`" : "see `nacre --help`");
    }
    for (const auto& [name, unused] : with.options_)
      if (!find_option(*out.which, name)) return usage("this command takes no --" + name, out.which);
    return true;
  };
  auto add = [&](const option_spec& o, string_view value) -> outcome<bool> {
    auto& values = with.options_[std::string(o.name)];
    if (!values.empty() && !o.repeats) return usage("--" + std::string(o.name) + " was given twice", out.which);
    if (!o.choices.empty() && !is_one_of(value, o.choices))
      return usage("--" + std::string(o.name) + " must be one of: " + std::string(o.choices), out.which);
    values.emplace_back(value);
    return true;
  };

  for (std::size_t i = 0; i < words.size(); ++i) {
    const string_view word = words[i];
    if (only_operands || word == "-" || !word.starts_with('-')) {
      if (auto taken = take_word(words[i]); !taken) return refuse(taken.error());
      continue;
    }
    if (word == "--") {
      if (!out.which) return usage("-- must stand behind a command");
      only_operands = true;
      continue;
    }
    const bool is_long = word.starts_with("--");
    auto name = is_long ? word.substr(2) : word.substr(1, 1);
    std::optional<string_view> value;
    if (is_long) {
      if (auto equal = name.find('='); equal != string_view::npos) {
        value = name.substr(equal + 1);
        name = name.substr(0, equal);
      }
    } else if (word.size() > 2) {
      value = word.substr(2);
    }
    if (name == (is_long ? "help" : "h") && !value) {
      help = true;
      continue;
    }
    if (is_long && name == "version" && !value && !out.which && first.empty()) {
      version = true;
      continue;
    }
    const auto* o = is_long ? option_known(name) : out.which ? find_option(*out.which, name[0]) : nullptr;
    if (!o) {
      std::vector<string_view> known;
      if (out.which)
        for (const auto& each : out.which->options) known.push_back(each.name);
      if (!out.which || out.which->talks)
        for (const auto& each : connection_options()) known.push_back(each.name);
      return usage("there is no such option" + (is_long ? did_you_mean(name, known, "--") : std::string()), out.which);
    }
    if (o->value.empty()) {
      if (value) return usage("--" + std::string(o->name) + " takes no value", out.which);
      value = "";
    } else if (!value) {
      if (i + 1 == words.size()) return usage("--" + std::string(o->name) + " needs a value", out.which);
      value = words[++i];
    }
    if (auto added = add(*o, *value); !added) return refuse(added.error());
  }

  if (version) {
    out.what = invocation::wish::version;
    return out;
  }
  if (help) {
    out.what = invocation::wish::help;
    out.group = first;
    return out;
  }
  if (!out.which) {
    if (first.empty()) return usage("a command is missing");
    return refuse(exit_usage, "a command is missing behind `" + std::string(first) + "`",
                  "see `nacre " + std::string(first) + " --help`");
  }
  with.command_ = out.which;
  for (const auto& o : out.which->options)
    if (o.required && !with.options_.contains(o.name))
      return usage("--" + std::string(o.name) + " is missing", out.which);
  std::size_t least = 0;
  for (const auto& o : out.which->operands) least += o.least;
  if (with.operands_.size() < least)
    return usage(std::string(out.which->operands[with.operands_.size()].name) + " is missing", out.which);
  return out;
}

}  // namespace nacre::cli
