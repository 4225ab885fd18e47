// Child processes. The parent never forks with threads' locks held: spawn uses vfork/clone with a prepared
// argument block. Any thread.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"

namespace mekong::os {

struct BindMount {
  std::string source;
  std::string target;
  bool read_only = true;
};

struct ProcessSpec {
  std::vector<std::string> argv;                   // argv[0]: absolute path
  std::map<std::string, std::string> environment;  // the whole of it: nothing is inherited
  std::string working_directory = "/";
  std::optional<uid_t> uid;  // with gid: dropped to before exec, supplementary groups cleared, no_new_privs
  std::optional<gid_t> gid;
  // With root: a private mount namespace in which `hidden` folders are covered by an empty tmpfs and `binds`
  // are mounted.
  std::vector<std::string> hidden;
  std::vector<BindMount> binds;
  uint64_t memory_bytes_max = 0;  // RLIMIT_AS-free limit through RLIMIT_DATA; 0: none
  uint64_t open_files_max = 4096;
  // Files that receive stdout and stderr (appended); empty: /dev/null.
  std::string stdout_path;
  std::string stderr_path;
  // Descriptors to pass, as child number → ours. 0, 1, 2 may be among them.
  std::map<int, int> descriptors;
};

struct ExitStatus {
  int code = 0;    // exit code, or 128 + signal
  int signal = 0;  // 0: it exited
};

class Process {
 public:
  virtual ~Process() = default;  // kills the group if it still runs
  virtual pid_t pid() const = 0;
  virtual Future<ExitStatus> exited() = 0;  // call once
  // To the whole process group.
  virtual void signal(int number) = 0;
};

class Processes {
 public:
  virtual ~Processes() = default;
  // The child leads its own process group and dies with us (PR_SET_PDEATHSIG). Errors: "ENOENT" (no such
  // program), "EPERM" (uid or mounts without the right), as errno names.
  virtual Result<std::unique_ptr<Process>> spawn(const ProcessSpec& spec) = 0;
};

std::unique_ptr<Processes> make_processes();

}  // namespace mekong::os
