#pragma once
// What happens to machines and links: power is lost, disks fail, machines stand still, clocks jump, links are cut, and
// members change all the while.

namespace nacre::sim {

class world;

// One more mishap, and the next one after a while, for as long as the world has chaos.
void step_chaos(world& w);
// What was added since (plan::harder).
void step_more_chaos(world& w);

}  // namespace nacre::sim
