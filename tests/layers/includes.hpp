#pragma once
// The direction of includes (ARCHITECTURE.md, "one direction") as a function of the tree's texts.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace nacre::layers {

using tree = std::map<std::string, std::string>;  // "http/server.hpp" -> its text

// The C++ sources of our folders (not tests, which may include anything) and the folders' READMEs.
tree read_tree(const std::filesystem::path& root);

// One sentence per broken rule, in order of files: "http/a.cpp:3: http may not include storage/store.hpp".
std::vector<std::string> violations(const tree& sources);

// The folders that are there and say nothing about themselves.
std::vector<std::string> folders_without_readme(const tree& sources);

}  // namespace nacre::layers
