// Inside os only: what a forked child does before exec. Everything is prepared before the fork, since between
// fork and exec only async-signal-safe calls are allowed.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "os/process.h"

namespace mekong::os {

// The failed step and its errno, sent from the child to its parent through a pipe that exec closes.
struct ChildFailure {
  int number = 0;
  char step[28] = {};
};

class ChildSetup {
 public:
  explicit ChildSetup(const ProcessSpec& spec);
  // In the child. Does not return: execs, or writes a ChildFailure to `report` and exits with 127.
  [[noreturn]] void run(int report, pid_t parent) const;

 private:
  void mount_view(int report) const;
  void redirect(int report) const;
  void limit_and_drop(int report, pid_t parent) const;

  const ProcessSpec& spec_;
  std::vector<std::string> environment_;
  std::vector<char*> argv_, envp_;
  std::vector<std::vector<std::string>> target_folders_;  // of each bind: folders to make, outermost first
};

}  // namespace mekong::os
