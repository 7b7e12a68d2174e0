# What Debian 12 packages give us, as targets. CAF ships no CMake package, Pistache only pkg-config.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)

function(nacre_system_library target)
  cmake_parse_arguments(arg "" "" "LIBS" ${ARGN})
  add_library(${target} INTERFACE)
  target_link_libraries(${target} INTERFACE ${arg_LIBS} Threads::Threads)
endfunction()

pkg_check_modules(PISTACHE REQUIRED libpistache)
nacre_system_library(lib_pistache LIBS ${PISTACHE_STATIC_LIBRARIES})
target_include_directories(lib_pistache SYSTEM INTERFACE ${PISTACHE_INCLUDE_DIRS})

nacre_system_library(lib_caf LIBS caf_core)
nacre_system_library(lib_caf_net LIBS caf_openssl caf_io caf_core OpenSSL::SSL OpenSSL::Crypto)
nacre_system_library(lib_rocksdb LIBS rocksdb)
nacre_system_library(lib_cryptopp LIBS cryptopp)
nacre_system_library(lib_simdjson LIBS simdjson)
nacre_system_library(lib_sodium LIBS sodium)
nacre_system_library(lib_raft LIBS raft)  # libraft-dev ships no CMake package
nacre_system_library(lib_prometheus LIBS prometheus-cpp-core)
