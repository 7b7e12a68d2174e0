// Loaded into a program before its libraries (LD_PRELOAD): its wall clock is SHIFTED_CLOCK_S seconds from the
// machine's. So a test may start the program at a time of its choice, which then goes on; steady clocks are untouched.
// Files get the machine's times. Not with sanitizers, which want to be the first to see these functions.

#include <dlfcn.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace {

constexpr time_t wall_from = 1'000'000'000;  // no machine has been up for so many seconds

time_t shift() {
  static const time_t by = [] {
    const char* given = std::getenv("SHIFTED_CLOCK_S");
    return given ? static_cast<time_t>(std::strtoll(given, nullptr, 10)) : 0;
  }();
  return by;
}

bool is_wall(clockid_t which) { return which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE; }

}  // namespace

extern "C" {

int clock_gettime(clockid_t which, timespec* out) noexcept {
  const auto done = static_cast<int>(::syscall(SYS_clock_gettime, which, out));
  if (done == 0 && is_wall(which)) out->tv_sec += shift();
  return done;
}

int gettimeofday(timeval* out, void* /*zone*/) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

// The kernel waits by the machine's clock.
int pthread_cond_clockwait(pthread_cond_t* what, pthread_mutex_t* with, clockid_t which, const timespec* until) {
  using function = int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*);
  static const auto next = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "pthread_cond_clockwait"));
  auto by = *until;
  if (is_wall(which)) by.tv_sec -= shift();
  return next(what, with, which, &by);
}

int pthread_cond_timedwait(pthread_cond_t* what, pthread_mutex_t* with, const timespec* until) {
  return pthread_cond_clockwait(what, with, until->tv_sec < wall_from ? CLOCK_MONOTONIC : CLOCK_REALTIME, until);
}

}  // extern "C"
