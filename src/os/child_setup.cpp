#include "os/child_setup.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace mekong::os {
namespace {

constexpr size_t binds_max = 64;
constexpr int high_descriptor = 1000;  // descriptors to pass wait up here until the low numbers are free

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

void set_limit(int resource, uint64_t value) {
  const rlimit limit{value, value};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

}  // namespace

ChildSetup::ChildSetup(const ProcessSpec& spec) : spec_(spec) {
  for (const auto& [name, value] : spec.environment) environment_.push_back(name + "=" + value);
  for (auto& entry : environment_) envp_.push_back(entry.data());
  envp_.push_back(nullptr);
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

void ChildSetup::mount_view(int report) const {
  if (spec_.hidden.empty() && spec_.binds.empty()) return;
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
    if (target == report) fail(report, "descriptor number in use");
    if (::dup2(passed[count++], target) < 0) fail(report, "pass descriptor");
  }
}

void ChildSetup::limit_and_drop(int report, pid_t parent) const {
  set_limit(RLIMIT_CORE, 0);
  set_limit(RLIMIT_NOFILE, spec_.open_files_max);
  if (spec_.memory_bytes_max > 0) set_limit(RLIMIT_DATA, spec_.memory_bytes_max);
  if (spec_.uid) {
    const gid_t gid = spec_.gid.value_or(static_cast<gid_t>(*spec_.uid));
    if (::setgroups(0, nullptr) != 0) fail(report, "setgroups");
    if (::setresgid(gid, gid, gid) != 0) fail(report, "setgid");
    if (::setresuid(*spec_.uid, *spec_.uid, *spec_.uid) != 0) fail(report, "setuid");
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(report, "no_new_privs");
  // After setuid, which clears it. The parent may have died before this line.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail(report, "pdeathsig");
  if (::getppid() != parent) ::_exit(127);
}

void ChildSetup::run(int report, pid_t parent) const {
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  redirect(report);  // opens outputs before folders are hidden
  mount_view(report);
  limit_and_drop(report, parent);
  if (::chdir(spec_.working_directory.c_str()) != 0) fail(report, "chdir");
  ::execve(argv_[0], argv_.data(), envp_.data());
  fail(report, "exec");
}

}  // namespace mekong::os
