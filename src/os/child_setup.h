// Inside os only: what a forked child does before exec. Everything is prepared before the fork, since between
// fork and exec only async-signal-safe calls are allowed.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "os/process.h"
#include "os/syscall_filter.h"

namespace mekong::os {

// The failed step and its errno, sent from the child to its parent through a pipe that exec closes.
struct ChildFailure {
  int number = 0;
  char step[28] = {};
};

// How the child's tree is made. `init`: descriptor of the program mekong-init; -1 for process groups.
struct Tree {
  TreeKind kind = TreeKind::process_group;
  int init = -1;
};

class ChildSetup {
 public:
  // `filter`: of refuse_dangerous_calls(), used where the spec is hardened. All must outlive the setup.
  ChildSetup(const ProcessSpec& spec, const Tree& tree, const std::vector<sock_filter>& filter);
  // For clone(2).
  unsigned long namespaces() const;
  // In the child. Does not return: execs, or writes a ChildFailure to `report` and exits with 127.
  [[noreturn]] void run(int report) const;

 private:
  void map_user(int report) const;
  void mount_processes(int report) const;
  [[noreturn]] void exec(int report, int init) const;
  void mount_view(int report) const;
  void redirect(int report) const;
  void mount_shared_memory(int report) const;
  void limit_and_drop(int report) const;
  void refuse_calls(int report) const;

  const ProcessSpec& spec_;
  const Tree tree_;
  const std::vector<sock_filter>& filter_;
  std::vector<std::string> environment_;
  std::vector<char*> argv_, envp_;  // argv_: two words for mekong-init, then the program's own
  std::string uid_map_, gid_map_, report_word_;
  std::vector<std::vector<std::string>> target_folders_;  // of each bind: folders to make, outermost first
};

}  // namespace mekong::os
