#pragma once
// Texts made from the table of commands: --help, the manual page, completions.

#include <string>
#include <string_view>

#include "cli/table.hpp"

namespace nacre::cli {

std::string help_of_program();
std::string help_of_group(std::string_view word);
std::string help_of(const command& c);
std::string man_page(std::string_view version);  // man(7) source, section 1
std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

}  // namespace nacre::cli
