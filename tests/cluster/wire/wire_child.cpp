// The other end of a connection, as a process of its own.
//   wire_child echo NODE DIR ROOT PEER ADDRESS    a node; sends back what it is sent; prints what happens
//   wire_child deaf NODE DIR ROOT PEER ADDRESS    the same, but its receiver never returns
//   wire_child anonymous PORT                     TLS without a certificate
//   wire_child plain PORT                         no TLS
//   wire_child rude NODE DIR PORT                 a valid certificate, and then anything but a hello
#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/openssl/all.hpp>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "cluster/wire/caf_peers.hpp"
#include "cluster/wire/message.hpp"

namespace {

using namespace nacre;

[[noreturn]] void wait_to_be_killed() {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  for (;;) never.wait(lock);
}

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

int be_a_node(bool deaf, char** argv) {
  cluster::caf_peers_settings s;
  const std::string dir = argv[1];
  s.self = std::strtoull(argv[0], nullptr, 10);
  s.ca = dir + "/ca.crt";
  s.certificate = dir + "/" + argv[0] + ".crt";
  s.key = dir + "/" + argv[0] + ".key";
  s.root_check = argv[2];
  s.on_event = [](const cluster::caf_peers_event& e) {
    static const char* const words[] = {"connected", "disconnected", "refused"};
    say(std::string(words[static_cast<int>(e.what)]) + " " + std::to_string(e.node) + " " + e.reason);
  };
  auto made = cluster::make_caf_peers(s);
  if (!made) return say(made.error().text), 78;
  auto* peers = made->get();
  auto started = peers->start([&](cluster::node_id from, std::string frame) {
    if (deaf) wait_to_be_killed();
    peers->send(from, std::move(frame));
  });
  if (!started) return say(started.error().text), 69;
  peers->set_neighbours({{std::strtoull(argv[3], nullptr, 10), argv[4]}});
  wait_to_be_killed();
}

caf::actor_system_config& modules(caf::actor_system_config& config, bool tls) {
  config.load<caf::io::middleman>();
  if (tls) config.load<caf::openssl::manager>();
  config.set("middleman.app-identifiers", std::vector<std::string>{"nacre"});
  config.set("middleman.heartbeat-interval", caf::timespan{std::chrono::milliseconds(250)});  // or it is cut off
  return config;
}

int knock(bool tls, const char* port) {
  caf::actor_system_config config;
  caf::actor_system system{modules(config, tls)};
  const auto number = static_cast<std::uint16_t>(std::strtoul(port, nullptr, 10));
  auto found = tls ? caf::openssl::remote_actor(system, "127.0.0.1", number)
                   : caf::io::remote_actor(system, "127.0.0.1", number);  // gate: caf_plain, it must be refused
  say(found ? "let in" : "kept out");
  std::fflush(stdout);
  std::_Exit(0);
}

int be_rude(char** argv) {
  caf::actor_system_config config;
  const std::string dir = argv[1];
  config.openssl_cafile = dir + "/ca.crt";
  config.openssl_certificate = dir + "/" + argv[0] + ".crt";
  config.openssl_key = dir + "/" + argv[0] + ".key";
  caf::actor_system system{modules(config, true)};
  auto gate =
      caf::openssl::remote_actor(system, "127.0.0.1", static_cast<std::uint16_t>(std::strtoul(argv[2], nullptr, 10)));
  if (!gate) return say("kept out"), 0;
  caf::scoped_actor self{system};
  for (const auto& text : {std::string("hello?"), cluster::wire::header_for(cluster::wire::kind::frames) + "frame"}) {
    self->send(*gate, text);
    self->receive(
        [](const std::string& answer) {
          const auto r = cluster::wire::decode_refusal(answer);
          say(r ? std::string(cluster::wire::why_it_refuses(*r)) : "something else");
        },
        caf::after(std::chrono::seconds(10)) >> [] { say("nothing"); });
  }
  // None of these may end the gateway, or be handled.
  self->send_exit(*gate, caf::exit_reason::kill);
  self->send(*gate, caf::exit_msg{self->address(), caf::exit_reason::kill});
  self->send(*gate, 42);
  self->send(*gate, std::string(1u << 20, 'x'));
  self->send(*gate, std::string("still there?"));
  self->receive([](const std::string&) { say("still there"); },
                caf::after(std::chrono::seconds(10)) >> [] { say("gone"); });
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if ((mode == "echo" || mode == "deaf") && argc == 7) return be_a_node(mode == "deaf", argv + 2);
  if ((mode == "anonymous" || mode == "plain") && argc == 3) return knock(mode == "anonymous", argv[2]);
  if (mode == "rude" && argc == 5) return be_rude(argv + 2);
  return 64;
}
