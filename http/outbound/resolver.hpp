#pragma once
// Names to addresses, by lookups that block on threads of their own.
//
// All who ask for one name while it is looked up share that lookup and its answer; nothing is kept afterwards, for
// addresses change. So one name holds one thread at most, however many wait for it, and a slow name server is given
// up after a bounded time. A lookup cannot be called off: at the end the threads are left to themselves and keep
// nothing alive but what is in here.
// Threads: any.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/address.hpp"

namespace nacre::http {

// Blocks; no address: empty.
using name_lookup = std::function<std::vector<ip_address>(const std::string& host)>;
// The system's: two tries of a second with each name server it has, three at most.
std::vector<ip_address> look_up_by_system(const std::string& host);

class resolver {
 public:
  using callback = std::function<void(const std::vector<ip_address>&)>;

  explicit resolver(name_lookup look_up);
  ~resolver();
  resolver(const resolver&) = delete;
  resolver& operator=(const resolver&) = delete;

  // `done` runs once on a thread of the resolver and must not block. False, and never, if too many wait already.
  bool resolve(const std::string& host, callback done);
  // No callback runs after this.
  void stop();

 private:
  struct shared;
  static void work(shared& of);
  std::shared_ptr<shared> shared_;
};

}  // namespace nacre::http
