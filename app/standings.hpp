#pragma once
// What the nodes of a cluster tell each other of themselves, over the connections that the log uses: so that whichever
// node an operator asks knows of all of them who has applied what, who fetches a state and whose certificate ends.
//
// A word is sent to everybody connected, twice a second, and forgotten when it is not renewed. What a peer says of
// itself is shown, and believed about itself alone. It decides nothing about what the cluster keeps, but that clocks
// which disagree keep it longer (agreed_time). Frames that are no words go on to the log untouched; an older node drops
// a word like any frame it does not know.
//
// Besides the log's neighbours it keeps connections to `guests`: nodes that somebody wants to take in, who must prove
// who they are, and say that they wait for it, before the cluster is told of them. And for a while to those that the
// log has let go of: else a node that was taken out might never hear of it. Threads: any.

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/log.hpp"
#include "cluster/peers.hpp"
#include "model/time.hpp"

namespace nacre::app {

inline constexpr std::chrono::milliseconds word_every{500}, word_lasts{3'000};
inline constexpr std::chrono::seconds leaving_lasts{30};

struct node_word {
  std::string version;
  std::int64_t certificate_end = 0;                // seconds since 1970
  std::uint32_t groups = 0;                        // the cluster's
  std::string keys_check;                          // names the service keys, which every node needs alike
  bool waits = false;                              // it belongs to nobody yet, and would be taken in
  bool failed = false;                             // its storage; it takes no part any more
  std::vector<cluster::peers::neighbour> members;  // of the cluster it is in: who waits learns whom to be connected to
  struct group {
    std::uint8_t role = 0;  // cluster::group_role
    std::uint64_t leader = 0, epoch = 0, term = 0, commit_index = 0, applied_index = 0;
    bool fetching = false;
    std::uint64_t fetched_bytes = 0;
  };
  std::vector<group> of;  // by group, from 0
  // Its wall clock, when it said so; of what was heard: what it must show by now. Nothing: an older program's.
  std::optional<timestamp> clock = {};
};
// Nothing if the bytes are no word.
std::optional<node_word> decode_word(std::string_view frame);
std::string encode(const node_word& w);
node_word word_of(const cluster::cluster_status& s);  // the rest is for whoever knows it

// What is past by the clocks of most of so many members, and by the own: who is not heard is taken for behind. A node
// whose clock has run or jumped ahead so erases nothing that is still good to the others. Nothing while fewer than a
// majority are heard.
std::optional<timestamp> agreed_time(timestamp own, std::vector<timestamp> others, std::size_t members);

class standings final : public cluster::peers {
 public:
  explicit standings(cluster::peers& below) : below_(below) {}

  void tell(const node_word& mine);
  using moment = std::chrono::steady_clock::time_point;
  // Of those that said something since then; by default: of late. Their clocks have gone on since.
  std::map<cluster::node_id, node_word> heard(moment since = std::chrono::steady_clock::now() - word_lasts) const;
  // Whom to be connected to besides; none: nobody any more.
  void invite(std::vector<neighbour> guests);

  result<void> start(receiver on_frame) override;
  bool send(cluster::node_id to, std::string frame) override { return below_.send(to, std::move(frame)); }
  void set_neighbours(std::vector<neighbour> all) override;
  void set_doorkeeper(cluster::doorkeeper* at_the_door) override { below_.set_doorkeeper(at_the_door); }
  std::vector<cluster::peer_status> status() const override { return below_.status(); }
  void stop() override { below_.stop(); }

 private:
  void connect();

  cluster::peers& below_;
  std::mutex connecting_;
  std::vector<neighbour> neighbours_, guests_;
  struct leaver {
    neighbour who;
    moment until;
  };
  std::vector<leaver> leaving_;
  struct said {
    node_word what;
    moment at;
  };
  mutable std::mutex hearing_;
  std::map<cluster::node_id, said> said_;
};

}  // namespace nacre::app
