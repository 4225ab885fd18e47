// Limits of a child and of all that it starts, taken together: control groups (cgroups(7)) of version 1 and
// 2, made below the groups that this process is in. Files only: any thread.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace mekong::os {

struct GroupLimits {              // 0: none
  uint64_t memory_bytes_max = 0;  // with swap, files in memory and the page cache, which is given up first
  uint64_t processes_max = 0;     // and threads
  uint64_t cpu_threads = 0;       // where processors are short: weighs as so many of our threads together
};

class ControlGroup {
 public:
  virtual ~ControlGroup() = default;  // removes the group; its processes are gone by then
  // Whoever writes "0" to each of them is in the group: ProcessSpec::groups.
  virtual const std::vector<int>& descriptors() const = 0;
  virtual const std::vector<std::string>& folders() const = 0;  // for remove_control_groups()
  // How many of its processes the kernel has ended for want of memory.
  virtual uint64_t killed_for_memory() const = 0;
};

class ControlGroups {
 public:
  virtual ~ControlGroups() = default;
  // `name` is the folder's. What no controller is there for is left out: see controllers(). Errors: errno's
  // names.
  virtual Result<std::unique_ptr<ControlGroup>> make(const std::string& name, const GroupLimits& limits) = 0;
  // Those of "memory", "pids" and "cpu" that we may use; empty: limits are of each process alone (rlimits).
  virtual const std::vector<std::string>& controllers() const = 0;
};

// As /proc tells; the paths are for tests. Under version 2 a group with limits below it has no processes of
// its own: where we are the only one in ours, we move one down.
std::unique_ptr<ControlGroups> find_control_groups(const std::string& own_groups = "/proc/self/cgroup",
                                                   const std::string& mounts = "/proc/self/mountinfo");
// What the same would find, changing nothing; and what keeps the others away, in words for people.
struct ControlGroupsSeen {
  std::vector<std::string> controllers;
  std::string hindrance;  // empty: nothing does
};
ControlGroupsSeen look_for_control_groups(const std::string& own_groups = "/proc/self/cgroup",
                                          const std::string& mounts = "/proc/self/mountinfo");
// Of an earlier run of the server. What is not there is no error.
void remove_control_groups(const std::vector<std::string>& folders);

}  // namespace mekong::os
