#pragma once
// A property of a fuzz target: when it does not hold, libFuzzer keeps the input.

#include <cstdio>
#include <cstdlib>

#define NACRE_FUZZ_CHECK(condition)                                                       \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)
