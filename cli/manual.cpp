#include "cli/manual.hpp"

#include <algorithm>
#include <vector>

namespace nacre::cli {

namespace {

using std::string_view;
constexpr std::size_t line_chars = 92;

std::vector<string_view> split(string_view text, string_view by) {
  std::vector<string_view> out;
  for (;;) {
    auto end = text.find(by);
    out.push_back(text.substr(0, end));
    if (end == string_view::npos) return out;
    text.remove_prefix(end + by.size());
  }
}

// Words in lines; every line begins with `indent` spaces, the first is `column` characters long already.
std::string wrapped(string_view text, std::size_t indent, std::size_t column) {
  std::string out;
  std::size_t at = column;
  bool begun = false;
  for (auto word : split(text, " ")) {
    if (begun && at + 1 + word.size() > line_chars) {
      out += "\n" + std::string(indent, ' ');
      at = indent;
      begun = false;
    }
    if (begun) {
      out += " ";
      ++at;
    }
    out += word;
    at += word.size();
    begun = true;
  }
  return out + "\n";
}

std::string form_of(const option_spec& o) {
  std::string out = o.letter ? std::string("-") + o.letter + ", " : std::string("    ");
  out += "--" + std::string(o.name);
  if (!o.value.empty()) out += " " + std::string(o.value);
  return out;
}

std::string help_of(const option_spec& o) {
  std::string out(o.help);
  if (!o.choices.empty()) {
    std::string list;
    for (auto each : split(o.choices, " ")) list += (list.empty() ? "" : ", ") + std::string(each);
    out += " (" + list + ")";
  }
  if (o.repeats) out += "; may be repeated";
  if (o.required) out += "; required";
  return out;
}

std::string operands_of(const command& c) {
  std::string out;
  for (const auto& o : c.operands) {
    auto word = std::string(o.name) + (o.most == 255 ? "..." : "");
    out += " " + (o.least == 0 ? "[" + word + "]" : word);
  }
  return out;
}

std::string synopsis(const command& c) {
  std::string out = "nacre " + std::string(c.words);
  for (const auto& o : c.options)
    if (o.required) out += " --" + std::string(o.name) + " " + std::string(o.value);
  if (!c.options.empty() || c.talks) out += " [OPTION...]";
  if (c.words == "run") out += " --";
  return out + operands_of(c);
}

void list_rows(std::string& out, const std::vector<std::pair<std::string, std::string>>& rows) {
  std::size_t widest = 0;
  for (const auto& [left, unused] : rows) widest = std::max(widest, left.size());
  widest = std::min<std::size_t>(widest, 30);
  for (const auto& [left, right] : rows) {
    out += "  " + left;
    auto column = 2 + left.size();
    if (left.size() > widest) {
      out += "\n";
      column = 0;
    }
    out += std::string(widest + 4 - column, ' ') + wrapped(right, widest + 4, widest + 4);
  }
}

void options_block(std::string& out, string_view title, std::span<const option_spec> options) {
  if (options.empty()) return;
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& o : options) rows.emplace_back(form_of(o), help_of(o));
  out += "\n" + std::string(title) + "\n";
  list_rows(out, rows);
}

string_view first_word(string_view words) { return words.substr(0, words.find(' ')); }

}  // namespace

std::string help_of_program() {
  std::string out =
      "nacre: personal access tokens and one-time secrets, from the command line\n\nUse: nacre COMMAND ...\n";
  auto section = [&](string_view title, auto wanted) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& c : commands())
      if (wanted(c)) rows.emplace_back(std::string(c.words), std::string(c.summary));
    out += "\n" + std::string(title) + "\n";
    list_rows(out, rows);
  };
  auto begins = [](const command& c, std::initializer_list<string_view> words) {
    return std::find(words.begin(), words.end(), first_word(c.words)) != words.end();
  };
  section("One-time secrets", [&](const command& c) { return begins(c, {"secret"}); });
  section("Personal access tokens", [&](const command& c) { return begins(c, {"pat", "run", "verify"}); });
  section("Workspaces", [&](const command& c) { return begins(c, {"workspace", "member", "audit"}); });
  section("Signing in", [&](const command& c) { return begins(c, {"login", "logout", "whoami", "profile"}); });
  section("On the node's own machine", [&](const command& c) { return begins(c, {"token", "import", "scan"}); });
  section("This program", [&](const command& c) { return begins(c, {"completion", "man"}); });
  out +=
      "\n`nacre COMMAND --help` says more, with examples. A secret is never an argument: it is typed, piped or read\n"
      "from a file.\n";
  return out;
}

std::string help_of_group(string_view word) {
  std::string out = "nacre " + std::string(word) + ": ";
  for (const auto& g : groups())
    if (g.word == word) out += g.summary;
  out += "\n\n";
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& c : commands())
    if (first_word(c.words) == word)
      rows.emplace_back("nacre " + std::string(c.words) + operands_of(c), std::string(c.summary));
  list_rows(out, rows);
  return out;
}

std::string help_of(const command& c) {
  std::string out = "nacre " + std::string(c.words) + ": " + std::string(c.summary) + "\n\nUse: " + synopsis(c) + "\n";
  for (auto paragraph : split(c.about, "\n\n"))
    if (!paragraph.empty()) out += "\n" + wrapped(paragraph, 0, 0);
  if (!c.operands.empty()) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& o : c.operands) rows.emplace_back(std::string(o.name), std::string(o.help));
    out += "\nWhat it takes\n";
    list_rows(out, rows);
  }
  options_block(out, "Options", c.options);
  if (c.talks) options_block(out, "Which server, and as whom", connection_options());
  if (!c.examples.empty()) {
    out += "\nExamples\n";
    for (const auto& e : c.examples) out += "  # " + std::string(e.what) + "\n  " + std::string(e.line) + "\n";
  }
  return out;
}

// ---- the manual page ---------------------------------------------------------------------------------

namespace {

std::string roff(string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '`')
      out += "\\(ga";
    else
      out.push_back(c);
  }
  if (out.starts_with('.')) out.insert(0, "\\&");
  return out;
}

void roff_options(std::string& out, std::span<const option_spec> options) {
  for (const auto& o : options) {
    out += ".TP\n.B ";
    if (o.letter) out += roff(std::string("-") + o.letter + ", ");
    out += roff("--" + std::string(o.name));
    if (!o.value.empty()) out += " \\fI" + roff(o.value) + "\\fR";
    out += "\n" + roff(help_of(o)) + "\n";
  }
}

}  // namespace

std::string man_page(string_view version) {
  std::string out = ".\\\" Made by `nacre man` from the table of commands.\n";
  out += ".TH NACRE 1 \"\" \"nacre " + std::string(version) + "\" \"User Commands\"\n";
  out += ".SH NAME\nnacre \\- personal access tokens and one\\-time secrets, from the command line\n";
  out += ".SH SYNOPSIS\n.B nacre\n.I COMMAND\n[\\fIOPTION\\fR...] [\\fIOPERAND\\fR...]\n";
  out +=
      ".SH DESCRIPTION\n" +
      roff(
          "Shares and opens one-time secrets, makes, reveals and rotates personal access tokens, and looks after the "
          "workspaces they belong to, on a nacre server. A secret is never an argument: it is typed, piped or read "
          "from a file. Tables are for people; --json is for scripts and stays as it is.") +
      "\n.SH COMMANDS\n";
  for (const auto& c : commands()) {
    out += ".SS " + roff(synopsis(c)) + "\n" + roff(c.summary) + ".\n";
    for (auto paragraph : split(c.about, "\n\n"))
      if (!paragraph.empty()) out += ".PP\n" + roff(paragraph) + "\n";
    for (const auto& o : c.operands) out += ".TP\n.I " + roff(o.name) + "\n" + roff(o.help) + "\n";
    roff_options(out, c.options);
    if (!c.examples.empty()) {
      out += ".PP\n.EX\n";
      for (const auto& e : c.examples) out += "# " + roff(e.what) + "\n" + roff(e.line) + "\n";
      out += ".EE\n";
    }
  }
  out += ".SH OPTIONS OF ALL COMMANDS THAT TALK TO A SERVER\n";
  roff_options(out, connection_options());
  out += ".SH ENVIRONMENT\n";
  for (const auto& v : variables()) out += ".TP\n.B " + roff(v.name) + "\n" + roff(v.meaning) + "\n";
  out += ".SH FILES\n.TP\n.I $XDG_CONFIG_HOME/nacre\n" +
         roff(
             "Profiles, one file each (0600) in a directory (0700) that is refused when others may enter it. "
             "~/.config/nacre if the variable is not set.") +
         "\n.SH EXIT STATUS\n";
  for (const auto& e : exit_meanings()) out += ".TP\n.B " + std::to_string(e.code) + "\n" + roff(e.meaning) + "\n";
  return out + ".SH SEE ALSO\n" + roff("docs/cli.md and docs/api.md of nacre.") + "\n";
}

// ---- completions -------------------------------------------------------------------------------------

namespace {

template <class Each>
void for_each_option(const command& c, Each each) {
  for (const auto& o : c.options) each(o);
  if (c.talks)
    for (const auto& o : connection_options()) each(o);
  static constexpr option_spec help{"help", 'h', "", "Say what the command does"};
  each(help);
}

bool wants_file(const option_spec& o) { return o.value == "FILE" || o.value == "DIR"; }

std::vector<string_view> first_words() {
  std::vector<string_view> out;
  for (const auto& c : commands())
    if (auto word = first_word(c.words); std::find(out.begin(), out.end(), word) == out.end()) out.push_back(word);
  return out;
}

string_view summary_of(string_view word) {
  for (const auto& g : groups())
    if (g.word == word) return g.summary;
  for (const auto& c : commands())
    if (c.words == word) return c.summary;
  return {};
}

// Inside single quotes of a shell.
std::string quoted(string_view text) {
  std::string out;
  for (const char c : text)
    if (c == '\'')
      out += "'\\''";
    else
      out.push_back(c);
  return out;
}

std::string join(const std::vector<string_view>& words) {
  std::string out;
  for (auto each : words) out += (out.empty() ? "" : " ") + std::string(each);
  return out;
}

std::vector<string_view> second_words(string_view word) {
  std::vector<string_view> out;
  for (const auto& c : commands())
    if (first_word(c.words) == word && c.words.size() > word.size()) out.push_back(c.words.substr(word.size() + 1));
  return out;
}

}  // namespace

std::string bash_completion() {
  std::string out =
      "# bash completion of nacre; made by `nacre completion bash`\n_nacre() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words= i\n"
      "  COMPREPLY=()\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case ${COMP_WORDS[i]} in -*) ;; *) words=\"${words:+$words }${COMP_WORDS[i]}\" ;; esac\n"
      "  done\n"
      "  case $words in\n";
  out += "    '') COMPREPLY=($(compgen -W '" + join(first_words()) + " --help --version' -- \"$cur\")); return ;;\n";
  for (const auto& g : groups())
    out += "    '" + std::string(g.word) + "') COMPREPLY=($(compgen -W '" + join(second_words(g.word)) +
           " --help' -- \"$cur\")); return ;;\n";
  out += "  esac\n  case $words in\n";
  for (const auto& c : commands()) {
    std::string all, cases, files;
    for_each_option(c, [&](const option_spec& o) {
      all += (all.empty() ? "--" : " --") + std::string(o.name);
      if (!o.choices.empty())
        cases += "        --" + std::string(o.name) + ") COMPREPLY=($(compgen -W '" + std::string(o.choices) +
                 "' -- \"$cur\")); return ;;\n";
      else if (!o.value.empty())
        (wants_file(o) ? files : cases) += wants_file(o) ? (files.empty() ? "--" : "|--") + std::string(o.name)
                                                         : "        --" + std::string(o.name) + ") return ;;\n";
    });
    if (!files.empty()) cases += "        " + files + ") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n";
    out += "    '" + std::string(c.words) + "'|'" + std::string(c.words) + " '*)\n      case $prev in\n" + cases +
           "      esac\n      case $cur in -*) COMPREPLY=($(compgen -W '" + all +
           "' -- \"$cur\")) ;; *) COMPREPLY=($(compgen -f -- \"$cur\")) ;; esac ;;\n";
  }
  return out + "  esac\n}\ncomplete -o filenames -F _nacre nacre\n";
}

std::string zsh_completion() {
  // In an _arguments specification ':' and brackets mean something.
  auto told = [](string_view text) {
    std::string out;
    for (const char c : quoted(text)) {
      if (c == ':' || c == '[' || c == ']') out.push_back('\\');
      out.push_back(c);
    }
    return out;
  };
  std::string out =
      "#compdef nacre\n# made by `nacre completion zsh`\n_nacre() {\n  local -a list\n"
      "  local first=${words[2]} second=${words[3]}\n"
      "  if (( CURRENT == 2 )); then\n    list=(\n";
  for (auto word : first_words()) out += "      '" + std::string(word) + ":" + told(summary_of(word)) + "'\n";
  out += "    )\n    _describe command list\n    return\n  fi\n";
  for (const auto& g : groups()) {
    out += "  if [[ $first == " + std::string(g.word) + " ]] && (( CURRENT == 3 )); then\n    list=(\n";
    for (const auto& c : commands())
      if (first_word(c.words) == g.word)
        out += "      '" + std::string(c.words.substr(g.word.size() + 1)) + ":" + told(c.summary) + "'\n";
    out += "    )\n    _describe command list\n    return\n  fi\n";
  }
  out += "  case \"$first $second\" in\n";
  for (const auto& c : commands()) {
    const bool one = c.words.find(' ') == string_view::npos;
    out += "    " + (one ? "'" + std::string(c.words) + " '*" : "'" + std::string(c.words) + "'") +
           ")\n      _arguments \\\n";
    for_each_option(c, [&](const option_spec& o) {
      out += "        '" + std::string(o.repeats ? "*" : "") + "--" + std::string(o.name) + "[" + told(o.help) + "]";
      if (!o.value.empty())
        out += ":" + std::string(o.value) + ":" +
               (!o.choices.empty() ? "(" + std::string(o.choices) + ")"
                : wants_file(o)    ? "_files"
                                   : "");
      out += "' \\\n";
    });
    out += "        '*:operand:_files' ;;\n";
  }
  return out + "  esac\n}\n_nacre \"$@\"\n";
}

std::string fish_completion() {
  std::string out =
      "# fish completion of nacre; made by `nacre completion fish`\n"
      "function __nacre_words\n"
      "    set -l words (string match -v -- '-*' (commandline -opc))[2..]\n"
      "    test \"$words\" = \"$argv\"; or string match -q -- \"$argv *\" \"$words\"\n"
      "end\n"
      "function __nacre_at\n"
      "    set -l words (string match -v -- '-*' (commandline -opc))[2..]\n"
      "    test \"$words\" = \"$argv\"\n"
      "end\n";
  for (auto word : first_words())
    out += "complete -c nacre -n __nacre_at -f -a " + std::string(word) + " -d '" + quoted(summary_of(word)) + "'\n";
  for (const auto& c : commands()) {
    const std::string words(c.words);
    if (auto space = words.find(' '); space != std::string::npos)
      out += "complete -c nacre -n '__nacre_at " + words.substr(0, space) + "' -f -a " + words.substr(space + 1) +
             " -d '" + quoted(c.summary) + "'\n";
    for_each_option(c, [&](const option_spec& o) {
      out += "complete -c nacre -n '__nacre_words " + words + "' -l " + std::string(o.name);
      if (o.letter) out += std::string(" -s ") + o.letter;
      if (!o.choices.empty())
        out += " -x -a '" + std::string(o.choices) + "'";
      else if (!o.value.empty())
        out += wants_file(o) ? " -r -F" : " -x";
      out += " -d '" + quoted(o.help) + "'\n";
    });
  }
  return out;
}

}  // namespace nacre::cli
