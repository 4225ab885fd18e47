// What a part of the server still has to do because of what it took: a query that runs, records that a group
// has not read, a timer that is due. When nobody owes anything the platform is quiet.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace mekong {

struct Owed {
  std::string engine;  // "timers", "athena", "kafka" …
  std::string what;    // for people, e.g. "queries queued or running"
  int64_t count = 0;   // above 0
  template <class F>
  void each_field(F&& f) {
    f("Engine", engine), f("What", what), f("Count", count);
  }
};

}  // namespace mekong
