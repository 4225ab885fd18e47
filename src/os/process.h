// Child processes. The parent never forks with threads' locks held: spawn uses vfork/clone with a prepared
// argument block. Any thread.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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
  uint64_t memory_bytes_max = 0;  // of each process, by RLIMIT_DATA; 0: none
  uint64_t open_files_max = 4096;
  uint64_t processes_max = 0;   // of the uid, threads counted, by RLIMIT_NPROC; 0: none; root has none
  uint64_t file_bytes_max = 0;  // of each file that it writes, by RLIMIT_FSIZE; 0: none
  int nice = 0;                 // added to ours: how far the child stands back when processors are short
  // The child and all that it starts are one tree: when the child ends, by itself, by SIGKILL or with us, the
  // kernel kills the rest before exited() is told. As Processes::tree() says.
  bool own_tree = false;
  // Refuses system calls that data jobs do not need (os/syscall_filter.h); in a PID namespace also gives the
  // child's tree its own System V objects, message queues and /dev/shm.
  bool hardened = false;
  int network = -1;         // PrivateNetwork::descriptor() of the network that it lives in; -1: ours
  std::vector<int> groups;  // ControlGroup::descriptors(): it joins these before it does anything else
  // Files that receive stdout and stderr (appended); empty: /dev/null.
  std::string stdout_path;
  std::string stderr_path;
  // Descriptors to pass, as child number → ours. 0, 1, 2 may be among them.
  std::map<int, int> descriptors;
};

struct ExitStatus {
  int code = 0;    // exit code, or 128 + signal
  int signal = 0;  // 0: it exited, or it ended by a signal inside of a tree of its own
};

// What holds the tree of a child with own_tree together.
enum class TreeKind {
  pid_namespace,   // (root) or user_namespace: no descendant outlives the child
  user_namespace,  // a PID namespace inside of a user namespace: what an unprivileged server can have
  process_group,   // none of them is permitted: descendants that leave the child's group may outlive it
};
std::string_view name_of(TreeKind kind);  // "pid-namespace", …

class Process {
 public:
  virtual ~Process() = default;  // kills the group if it still runs
  virtual pid_t pid() const = 0;
  virtual Future<ExitStatus> exited() = 0;  // call once
  // To the whole process group; SIGKILL to the whole tree.
  virtual void signal(int number) = 0;
};

class Processes {
 public:
  virtual ~Processes() = default;
  // The child leads its own process group and dies with us (PR_SET_PDEATHSIG). Errors: "ENOENT" (no such
  // program), "EPERM" (uid or mounts without the right), as errno names.
  virtual Result<std::unique_ptr<Process>> spawn(const ProcessSpec& spec) = 0;
  virtual TreeKind tree() const { return TreeKind::process_group; }
};

// Finds out what kind of tree this system permits, by starting one. Without the program mekong-init (beside
// the running program, else where the build put it) trees are process groups.
std::unique_ptr<Processes> make_processes();

}  // namespace mekong::os
