#pragma once
// The pages and what they load, as bytes of the program (made from web/ by web/CMakeLists.txt).
//
// Threads: constant data.

#include <span>
#include <string_view>

namespace nacre::http {

struct web_file {
  std::string_view
      path;  // "/open.html", "/assets/open-BY0bQE0h.js": what lies in assets has its content's hash in its name
  std::string_view type;  // Content-Type
  std::string_view tag;   // of the content, in hex
  std::string_view bytes;
  std::string_view gzip;  // the same compressed, or empty where that saves nothing
};

// In order of paths; empty in a build without pages (NACRE_WEB=OFF).
std::span<const web_file> web_files();

}  // namespace nacre::http
