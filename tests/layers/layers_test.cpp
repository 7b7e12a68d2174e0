#include <catch2/catch.hpp>

#include "tests/layers/includes.hpp"

using namespace nacre::layers;

TEST_CASE("includes point one way in this source tree", "[layers]") {
  auto sources = read_tree(NACRE_SOURCE_DIR);
  CHECK(sources.size() > 20);  // the tree was found
  for (const auto& each : violations(sources)) FAIL_CHECK(each);
}

TEST_CASE("every folder says in a README what it is", "[layers]") {
  for (const auto& folder : folders_without_readme(read_tree(NACRE_SOURCE_DIR)))
    FAIL_CHECK(folder + " has no README.md");
}

TEST_CASE("an include against the direction is found and named with its line", "[layers]") {
  auto found = [](std::string path, std::string text) {
    auto all = violations({{std::move(path), std::move(text)}});
    return all.empty() ? std::string() : all[0];
  };
  CHECK(found("model/a.hpp", "#pragma once\n#include \"crypto/b.hpp\"\n") ==
        "model/a.hpp:2: model may not include crypto/b.hpp");
  CHECK(found("http/a.cpp", "#include \"storage/store.hpp\"") ==
        "http/a.cpp:1: http may not include storage/store.hpp");
  CHECK(found("http/deep/a.cpp", "  #  include  \"cluster/log.hpp\"") ==
        "http/deep/a.cpp:1: http may not include cluster/log.hpp");
  for (auto [path, include] : {std::pair{"crypto/a.cpp", "storage/b.hpp"},
                               {"storage/a.cpp", "cluster/b.hpp"},
                               {"cluster/a.cpp", "actors/b.hpp"},
                               {"actors/a.cpp", "http/b.hpp"},
                               {"http/a.cpp", "app/b.hpp"},
                               {"app/a.cpp", "cli/b.hpp"},
                               {"app/a.cpp", "tests/b.hpp"},
                               {"cli/a.cpp", "http/b.hpp"},
                               {"cli/a.cpp", "app/config.hpp"},
                               {"storage/a.cpp", "app/b.hpp"},
                               {"bench/a.cpp", "tests/b.hpp"}}) {
    INFO(path << " includes " << include);
    CHECK_FALSE(found(path, "#include \"" + std::string(include) + "\"").empty());
  }
  CHECK_FALSE(found("http/a.cpp", "#include \"server.hpp\"").empty());      // which folder?
  CHECK_FALSE(found("model/a.cpp", "#include <http/server.hpp>").empty());  // brackets do not hide it
  CHECK_FALSE(found("http/a.cpp", "#include \"http/../storage/a.hpp\"").empty());
}

TEST_CASE("includes along the direction, of one's own folder and of libraries pass", "[layers]") {
  tree good = {
      {"http/a.cpp",
       "#include \"http/b.hpp\"\n#include \"actors/b.hpp\"\n#include \"model/c.hpp\"\n#include <vector>\n"},
      {"cli/a.cpp", "#include \"app/maintenance.hpp\"\n#include \"crypto/jwt.hpp\"\n"},
      {"bench/a.cpp", "#include \"app/config.hpp\"\n"},
      {"storage/rocks_store.cpp", "#include <rocksdb/db.h>\n"},
      {"app/a.cpp", "// #include \"cli/a.hpp\"\nint include = 1;\n"},
      {"elsewhere/a.cpp", "#include \"http/b.hpp\"\n"},
  };
  CHECK(violations(good).empty());
}

TEST_CASE("a folder whose README is missing or only a heading is found", "[layers]") {
  CHECK(folders_without_readme({{"http/a.cpp", ""}}) == std::vector<std::string>{"http"});
  CHECK(folders_without_readme({{"http/a.cpp", ""}, {"http/README.md", "# http/\n"}}) ==
        std::vector<std::string>{"http"});
  CHECK(folders_without_readme({{"http/a.cpp", ""}, {"http/README.md", "# http/\na\nb\n"}}).empty());
}
