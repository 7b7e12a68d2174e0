#include "http/web_files.hpp"

namespace nacre::http {

std::span<const web_file> web_files() { return {}; }

}  // namespace nacre::http
