# Flags every target of ours is built with. Third-party headers are SYSTEM and stay quiet.
find_program(CCACHE ccache)
if(CCACHE)
  # Paths count from the source directory, so that another clone (CI's) finds what this one compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

option(NACRE_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
set(NACRE_SANITIZE "" CACHE STRING "asan (address+undefined), tsan (thread) or empty")

add_library(nacre_flags INTERFACE)
target_include_directories(nacre_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(nacre_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wswitch-enum -Werror
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # g++ 12 sees overlaps in std::string that are not there (GCC bug 105651)
  -fstack-protector-strong -fcf-protection)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(nacre_flags INTERFACE -O2 -g1 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(NACRE_SANITIZE STREQUAL "asan")
  target_compile_options(nacre_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1 -g1)
  target_link_options(nacre_flags INTERFACE -fsanitize=address,undefined)
elseif(NACRE_SANITIZE STREQUAL "tsan")
  # Boost.Asio's fences are beyond the detector; where we use Asio, one thread does.
  target_compile_options(nacre_flags INTERFACE -fsanitize=thread -Wno-tsan -fno-omit-frame-pointer -O1 -g1)
  target_link_options(nacre_flags INTERFACE -fsanitize=thread)
endif()
if(NACRE_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees uses and overflows in instrumented std::string and tl::expected that are not there; the
  # plain builds keep these warnings.
  target_compile_options(nacre_flags INTERFACE
    -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
endif()
if(NACRE_FUZZ)
  target_compile_options(nacre_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -O1 -g1)
  target_link_options(nacre_flags INTERFACE -fsanitize=address,undefined)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
target_link_options(nacre_flags INTERFACE -pie -Wl,-z,relro,-z,now)

# nacre_library(NAME sources... LINK libraries...)
function(nacre_library name)
  cmake_parse_arguments(arg "" "" "LINK;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC nacre_flags ${arg_LINK} PRIVATE ${arg_PRIVATE})
endfunction()

# ThreadSanitizer, for a test and the programs it starts: the first report ends either. What Debian's libraries hide from
# it stands in tests/tsan.supp; between nodes (NODES) CAF carries everything, which adds tests/tsan_wire.supp. Equal
# addresses are reported again, for the list of them is searched from end to end and suppressed reports fill it.
set(nacre_tsan_options "exitcode=66:halt_on_error=1:history_size=7:suppress_equal_addresses=0:suppressions=")
if(NACRE_SANITIZE STREQUAL "tsan")
  file(READ ${CMAKE_SOURCE_DIR}/tests/tsan.supp one)
  file(READ ${CMAKE_SOURCE_DIR}/tests/tsan_wire.supp other)
  file(WRITE ${CMAKE_BINARY_DIR}/tsan_nodes.supp "${one}${other}")
endif()

# nacre_test(NAME sources... LINK libraries... [LABELS ...] [TIMEOUT s] [NODES])
function(nacre_test name)
  cmake_parse_arguments(arg "NODES" "TIMEOUT" "LINK;LABELS" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE nacre_flags catch_main ${arg_LINK})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${name} --durations no --rng-seed time)
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
  if(NACRE_SANITIZE STREQUAL "tsan")
    set(hidden ${CMAKE_SOURCE_DIR}/tests/tsan.supp)
    if(arg_NODES)
      set(hidden ${CMAKE_BINARY_DIR}/tsan_nodes.supp)
    endif()
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "TSAN_OPTIONS=${nacre_tsan_options}${hidden}")
  elseif(arg_NODES)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/lsan.supp")
  endif()
endfunction()
