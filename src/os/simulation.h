// A whole run in one thread, replayed from a seed: what the server sees of the world, made of this. Which of
// the things that could happen next does happen, how a stream is cut into pieces, how long a connection
// takes: the seed says. The clock moves only while nothing is ready, so time-outs of minutes cost nothing.
//
//   Simulation world(seed);
//   auto listener = world.network().listen(…);
//   spawn(world.executor(), client(world));
//   world.run();
//
// As in FoundationDB's simulator (Zhou et al., SIGMOD 2021, section 4). Code under it must not block a thread
// for what another coroutine has to do.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>

#include "base/executor.h"
#include "os/clock.h"
#include "os/net.h"
#include "os/random.h"

namespace mekong::os {

class Simulation {
 public:
  explicit Simulation(uint64_t seed);
  ~Simulation();  // what has not ended is never resumed
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  Executor& executor();  // any thread may post; work runs on the thread that is in run()
  Clock& clock();        // wall, monotonic and service clock in step, from 2026-01-02T03:04:05Z on
  Random& random();
  Network& network();

  // Until done() holds, or nothing is ready and nobody sleeps.
  void run(const std::function<bool()>& done = {});
  // A hash over what ran when: equal for equal runs, so that a replay can be seen to be one.
  uint64_t trace() const;

  struct World;  // simulation.cpp

 private:
  std::shared_ptr<World> world_;
};

}  // namespace mekong::os
