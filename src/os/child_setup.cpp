#include "os/child_setup.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace mekong::os {
namespace {

constexpr size_t binds_max = 64;
constexpr int high_descriptor = 1000;   // descriptors to pass wait up here until the low numbers are free
constexpr int report_descriptor = 999;  // of mekong-init: above what callers pass

[[noreturn]] void fail(int report, const char* step) {
  ChildFailure failure;
  failure.number = errno;
  std::strncpy(failure.step, step, sizeof(failure.step) - 1);
  const ssize_t ignored = ::write(report, &failure, sizeof(failure));
  (void)ignored;
  ::_exit(127);
}

// "/proc/self/fd/N", without the allocations that a child of a threaded process must not make.
void descriptor_path(char* out, int descriptor) {
  std::strcpy(out, "/proc/self/fd/");
  char digits[12];
  int n = 0;
  do digits[n++] = static_cast<char>('0' + descriptor % 10);
  while ((descriptor /= 10) > 0);
  char* at = out + std::strlen(out);
  while (n > 0) *at++ = digits[--n];
  *at = '\0';
}

void write_text(const char* path, std::string_view text, int report, const char* step) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0 || ::write(file, text.data(), text.size()) < 0) fail(report, step);
  ::close(file);
}

void set_limit(int resource, uint64_t value) {
  const rlimit limit{value, value};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

}  // namespace

ChildSetup::ChildSetup(const ProcessSpec& spec, const Tree& tree, const std::vector<sock_filter>& filter)
    : spec_(spec), tree_(spec.own_tree ? tree : Tree{}), filter_(filter) {
  const auto map_to_itself = [](uint64_t id) { return std::to_string(id) + " " + std::to_string(id) + " 1"; };
  uid_map_ = map_to_itself(::getuid());
  gid_map_ = map_to_itself(::getgid());
  for (const auto& [name, value] : spec.environment) environment_.push_back(name + "=" + value);
  for (auto& entry : environment_) envp_.push_back(entry.data());
  envp_.push_back(nullptr);
  report_word_ = std::to_string(report_descriptor);
  argv_ = {const_cast<char*>("mekong-init"), report_word_.data()};
  for (const auto& word : spec.argv) argv_.push_back(const_cast<char*>(word.c_str()));
  argv_.push_back(nullptr);
  for (const auto& bind : spec.binds) {
    std::vector<std::string> folders;
    for (size_t at = bind.target.find('/', 1); at != std::string::npos; at = bind.target.find('/', at + 1)) {
      folders.push_back(bind.target.substr(0, at));
    }
    folders.push_back(bind.target);
    target_folders_.push_back(std::move(folders));
  }
}

unsigned long ChildSetup::namespaces() const {
  switch (tree_.kind) {
    case TreeKind::pid_namespace:
      return CLONE_NEWPID | (spec_.hardened ? CLONE_NEWIPC : 0);
    case TreeKind::user_namespace:
      return CLONE_NEWPID | CLONE_NEWUSER;
    case TreeKind::process_group:
      return 0;
  }
  return 0;
}

// user_namespaces(7): the same ids inside as outside, and no more groups.
void ChildSetup::map_user(int report) const {
  if (tree_.kind != TreeKind::user_namespace) return;
  // A server that keeps its memory private has given these files to root; exec makes it as it was.
  if (::prctl(PR_SET_DUMPABLE, 1) != 0) fail(report, "dumpable");
  write_text("/proc/self/setgroups", "deny", report, "setgroups deny");
  write_text("/proc/self/uid_map", uid_map_, report, "uid_map");
  write_text("/proc/self/gid_map", gid_map_, report, "gid_map");
}

// A /proc of the tree's own, in which it sees itself only.
void ChildSetup::mount_processes(int report) const {
  if (tree_.kind == TreeKind::process_group) return;
  const int mounted = ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  // Containers cover parts of /proc; an unprivileged mount that would uncover them is refused. The outer
  // /proc stays: it shows numbers of another namespace, nothing that it did not show before.
  if (mounted != 0 && tree_.kind == TreeKind::pid_namespace) fail(report, "mount proc");
}

void ChildSetup::mount_shared_memory(int report) const {
  if (!spec_.hardened || tree_.kind != TreeKind::pid_namespace) return;
  struct stat existing;
  if (::stat("/dev/shm", &existing) != 0) return;
  const int mounted =
      ::mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64m,mode=1777");
  if (mounted != 0) fail(report, "mount /dev/shm");
}

// Last before exec: the set-up itself mounts and unshares.
void ChildSetup::refuse_calls(int report) const {
  if (!spec_.hardened) return;
  const sock_fprog program{static_cast<unsigned short>(filter_.size()),
                           const_cast<sock_filter*>(filter_.data())};
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) fail(report, "seccomp");
}

void ChildSetup::mount_view(int report) const {
  if (spec_.hidden.empty() && spec_.binds.empty() && tree_.kind == TreeKind::process_group) return;
  if (::unshare(CLONE_NEWNS) != 0) fail(report, "unshare");
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) fail(report, "mount private");
  // Sources are opened first: they may lie below a folder that is about to be hidden.
  int sources[binds_max];
  if (spec_.binds.size() > binds_max) fail(report, "too many binds");
  for (size_t i = 0; i < spec_.binds.size(); ++i) {
    sources[i] = ::open(spec_.binds[i].source.c_str(), O_PATH | O_CLOEXEC);
    if (sources[i] < 0) fail(report, "open bind source");
  }
  for (const auto& folder : spec_.hidden) {
    if (::mount("tmpfs", folder.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=755") != 0) {
      fail(report, "hide folder");
    }
  }
  for (size_t i = 0; i < spec_.binds.size(); ++i) {
    const auto& bind = spec_.binds[i];
    struct stat existing;
    if (::stat(bind.target.c_str(), &existing) != 0) {
      for (const auto& folder : target_folders_[i]) ::mkdir(folder.c_str(), 0755);
    }
    char source[32];
    descriptor_path(source, sources[i]);
    if (::mount(source, bind.target.c_str(), nullptr, MS_BIND, nullptr) != 0) fail(report, "bind mount");
    const unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID;
    if (bind.read_only && ::mount(nullptr, bind.target.c_str(), nullptr, flags, nullptr) != 0) {
      fail(report, "bind read-only");
    }
  }
}

void ChildSetup::redirect(int report) const {
  const int nothing = ::open("/dev/null", O_RDWR);
  if (nothing < 0) fail(report, "open /dev/null");
  int standard[3] = {nothing, nothing, nothing};
  const std::string* paths[3] = {nullptr, &spec_.stdout_path, &spec_.stderr_path};
  for (int i = 1; i <= 2; ++i) {
    if (paths[i]->empty()) continue;
    standard[i] = ::open(paths[i]->c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (standard[i] < 0) fail(report, "open output");
  }
  // All numbers first move up, so that no target overwrites a source still needed.
  int high = high_descriptor;
  int moved[3];
  for (int i = 0; i < 3; ++i) moved[i] = ::fcntl(standard[i], F_DUPFD, high++);
  int passed[binds_max];
  size_t count = 0;
  for (const auto& [target, ours] : spec_.descriptors) {
    if (count == binds_max) fail(report, "too many descriptors");
    passed[count++] = ::fcntl(ours, F_DUPFD, high++);
  }
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) fail(report, "close_range");
  for (int i = 0; i < 3; ++i) {
    if (::dup2(moved[i], i) < 0) fail(report, "dup2");
  }
  count = 0;
  for (const auto& [target, ours] : spec_.descriptors) {
    if (target == report || target >= report_descriptor) fail(report, "descriptor number in use");
    if (::dup2(passed[count++], target) < 0) fail(report, "pass descriptor");
  }
}

void ChildSetup::limit_and_drop(int report) const {
  set_limit(RLIMIT_CORE, 0);
  if (spec_.nice > 0 && ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + spec_.nice) != 0) {
    fail(report, "nice");
  }
  set_limit(RLIMIT_NOFILE, spec_.open_files_max);
  if (spec_.processes_max > 0) set_limit(RLIMIT_NPROC, spec_.processes_max);
  if (spec_.file_bytes_max > 0) set_limit(RLIMIT_FSIZE, spec_.file_bytes_max);
  if (spec_.memory_bytes_max > 0) set_limit(RLIMIT_DATA, spec_.memory_bytes_max);
  if (spec_.uid) {
    const gid_t gid = spec_.gid.value_or(static_cast<gid_t>(*spec_.uid));
    // The C library's wrappers would call all threads together, which the parent has and we have not.
    if (::syscall(SYS_setgroups, 0, nullptr) != 0) fail(report, "setgroups");
    if (::syscall(SYS_setresgid, gid, gid, gid) != 0) fail(report, "setgid");
    const uid_t uid = *spec_.uid;
    if (::syscall(SYS_setresuid, uid, uid, uid) != 0) fail(report, "setuid");
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(report, "no_new_privs");
  // After setuid, which clears it. The parent may have died before this line: then nobody reads the report.
  // (Its number says nothing: in a PID namespace of our own it is 0.)
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail(report, "pdeathsig");
  pollfd reader{report, POLLOUT, 0};
  if (::poll(&reader, 1, 0) < 0 || (reader.revents & POLLERR) != 0) ::_exit(127);
}

void ChildSetup::exec(int report, int init) const {
  if (init < 0) {
    ::execve(argv_[2], argv_.data() + 2, envp_.data());
  } else {
    ::syscall(SYS_execveat, init, "", argv_.data(), envp_.data(), AT_EMPTY_PATH);
  }
  fail(report, "exec");
}

void ChildSetup::run(int report) const {
  ::setpgid(0, 0);
  for (const int group : spec_.groups) {
    if (::write(group, "0", 1) != 1) fail(report, "join group");
  }
  ::signal(SIGPIPE, SIG_DFL);
  const int init = tree_.init < 0 ? -1 : ::fcntl(tree_.init, F_DUPFD_CLOEXEC, high_descriptor);
  map_user(report);
  if (spec_.network >= 0 && ::setns(spec_.network, CLONE_NEWNET) != 0) fail(report, "setns network");
  redirect(report);  // opens outputs before folders are hidden
  // mekong-init gets this number in words, tells of its own failures and lets exec close it.
  if (init >= 0 && ::dup2(report, report_descriptor) < 0) fail(report, "dup2");
  mount_view(report);
  mount_processes(report);
  mount_shared_memory(report);
  limit_and_drop(report);
  if (::chdir(spec_.working_directory.c_str()) != 0) fail(report, "chdir");
  sigset_t mask;
  ::sigemptyset(&mask);
  // A signal for a program that is not there yet must wait: the first process of a namespace would drop it.
  if (init >= 0) ::sigfillset(&mask);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  refuse_calls(report);
  exec(report, init);
}

}  // namespace mekong::os
