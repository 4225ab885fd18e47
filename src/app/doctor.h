// What could keep a server from running well on this machine, as `mekong doctor` says it.
#pragma once
#include <string>
#include <vector>

#include "app/options.h"

namespace mekong::app {

struct Finding {
  std::string name, state, found, mend;  // state: ok | warn | fail; mend: empty where it is ok
  template <class F>
  void each_field(F&& f) {
    f("Name", name), f("State", state), f("Found", found), f("Mend", mend);
  }
};
struct Findings {
  std::vector<Finding> findings;
  template <class F>
  void each_field(F&& f) {
    f("Findings", findings);
  }
};

// Changes nothing: its probe in the data folder goes again. Blocks for some milliseconds.
Findings examine(const ServeOptions& options);

}  // namespace mekong::app
