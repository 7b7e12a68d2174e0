# Writes a C++ file that holds the fragments: cmake -DFOLDER=... -DOUT=... -P embed.cmake
file(GLOB files ${FOLDER}/*.json)
list(SORT files)
set(rows "")
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  if(text MATCHES "\\)json\"")
    message(FATAL_ERROR "embed: ${file} holds the end of a raw string")
  endif()
  string(APPEND rows "    {\"${name}\", R\"json(${text})json\"},\n")
endforeach()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT [[// Made from http/describe/*.json by embed.cmake.
#include "http/describe/document.hpp"

namespace nacre::http::describe {

namespace {

constexpr fragment all[] = {
@rows@};

}  // namespace

std::span<const fragment> fragments() { return all; }

}  // namespace nacre::http::describe
]])
