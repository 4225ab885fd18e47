#include "os/process.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <mutex>
#include <thread>

#include "base/thread_pool.h"
#include "os/child_setup.h"
#include "os/errno_error.h"

namespace mekong::os {
namespace {

// One child, shared between its owner and the reaper.
struct Child {
  pid_t pid = 0;
  int pidfd = -1;
  Promise<ExitStatus> exited;
  std::mutex mutex;
  bool reaped = false;  // its number may belong to another process from here on

  void signal_group(int number) {
    std::lock_guard lock(mutex);
    if (!reaped) ::kill(-pid, number);
  }
};
using ChildPtr = std::shared_ptr<Child>;

// Waits for the ends of all children on one thread, by their pidfds.
class Reaper {
 public:
  Reaper() {
    if (::pipe2(wake_, O_CLOEXEC | O_NONBLOCK) != 0) wake_[0] = wake_[1] = -1;
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "mekong-reap");
      run();
    });
  }
  ~Reaper() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake();
    thread_.join();
    ::close(wake_[0]);
    ::close(wake_[1]);
  }
  void add(ChildPtr child) {
    {
      std::lock_guard lock(mutex_);
      children_.push_back(std::move(child));
    }
    wake();
  }

 private:
  void wake() const {
    const ssize_t ignored = ::write(wake_[1], "x", 1);
    (void)ignored;
  }

  void run() {
    while (true) {
      std::vector<pollfd> waits{{wake_[0], POLLIN, 0}};
      std::vector<ChildPtr> watched;
      {
        std::lock_guard lock(mutex_);
        if (stopping_ && children_.empty()) return;
        // A server that ends leaves no child behind.
        for (const auto& child : children_) {
          if (stopping_) child->signal_group(SIGKILL);
          waits.push_back({child->pidfd, POLLIN, 0});
          watched.push_back(child);
        }
      }
      if (::poll(waits.data(), waits.size(), -1) < 0) continue;
      char drained[64];
      while (::read(wake_[0], drained, sizeof(drained)) > 0) {
      }
      for (size_t i = 0; i < watched.size(); ++i) {
        if (waits[i + 1].revents != 0) reap(watched[i]);
      }
    }
  }

  void reap(const ChildPtr& child) {
    siginfo_t info{};
    {
      std::lock_guard lock(child->mutex);
      ::kill(-child->pid, SIGKILL);  // what it left behind in its group
      while (::waitid(P_PID, static_cast<id_t>(child->pid), &info, WEXITED) != 0 && errno == EINTR) {
      }
      child->reaped = true;
    }
    ::close(child->pidfd);
    {
      std::lock_guard lock(mutex_);
      children_.remove(child);
    }
    const bool by_signal = info.si_code != CLD_EXITED;
    child->exited.set(by_signal ? ExitStatus{128 + info.si_status, info.si_status}
                                : ExitStatus{info.si_status, 0});
  }

  std::mutex mutex_;
  std::list<ChildPtr> children_;
  bool stopping_ = false;
  int wake_[2];
  std::thread thread_;
};

class PosixProcess final : public Process {
 public:
  explicit PosixProcess(ChildPtr child) : child_(std::move(child)) {}
  ~PosixProcess() override { child_->signal_group(SIGKILL); }
  pid_t pid() const override { return child_->pid; }
  Future<ExitStatus> exited() override { return child_->exited.future(); }
  void signal(int number) override { child_->signal_group(number); }

 private:
  ChildPtr child_;
};

// The child's report; nothing when its exec closed the pipe.
std::optional<ChildFailure> read_report(int descriptor) {
  ChildFailure failure;
  ssize_t got = 0;
  while ((got = ::read(descriptor, &failure, sizeof(failure))) < 0 && errno == EINTR) {
  }
  return got == sizeof(failure) ? std::optional(failure) : std::nullopt;
}

Result<ChildPtr> fork_child(const ProcessSpec& spec, const Tree& tree,
                            const Result<std::vector<sock_filter>>& filter) {
  if (spec.hardened && !filter.ok()) return filter.error();
  const std::vector<sock_filter> none;
  const ChildSetup setup(spec, tree, filter.ok() ? *filter : none);
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return errno_error(errno, "pipe", spec.argv[0]);
  // As fork(2), which takes no namespaces. The child's signals wait until it is set up.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const auto pid = static_cast<pid_t>(
      ::syscall(SYS_clone, setup.namespaces() | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (pid == 0) {
    ::close(report[0]);
    setup.run(report[1]);
  }
  const int number = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(report[1]);
  if (pid < 0) {
    ::close(report[0]);
    return errno_error(number, "clone", spec.argv[0]);
  }
  const auto failure = read_report(report[0]);
  ::close(report[0]);
  if (failure) {
    ::waitpid(pid, nullptr, 0);
    return errno_error(failure->number, failure->step, spec.argv[0]);
  }
  auto child = std::make_shared<Child>();
  child->pid = pid;
  child->pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (child->pidfd < 0) {
    const int number = errno;
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return errno_error(number, "pidfd_open", spec.argv[0]);
  }
  return child;
}

// Beside the running program, where an installation puts it, else where the build did. -1: nowhere.
int open_init() {
  char self[4096];
  const ssize_t size = ::readlink("/proc/self/exe", self, sizeof(self));
  const std::string program(self, size > 0 ? static_cast<size_t>(size) : 0);
  const std::string beside = program.substr(0, program.rfind('/') + 1) + "mekong-init";
  for (const auto& path : {beside, std::string(MEKONG_INIT_PROGRAM)}) {
    // A child opens it by this descriptor: its uid may be unable to walk to the file.
    const int descriptor = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    if (descriptor >= 0) return descriptor;
  }
  return -1;
}

class PosixProcesses final : public Processes {
 public:
  PosixProcesses() {
    const int init = open_init();
    for (const auto kind : {TreeKind::pid_namespace, TreeKind::user_namespace}) {
      if (init < 0 || tree_.kind != TreeKind::process_group) continue;
      // A user namespace would map root alone, and root's children have other uids.
      if (kind == TreeKind::user_namespace && ::geteuid() == 0) continue;
      if (starts({kind, init})) tree_ = {kind, init};
    }
    if (init >= 0 && tree_.init < 0) ::close(init);
  }
  ~PosixProcesses() override {
    if (tree_.init >= 0) ::close(tree_.init);
  }

  Result<std::unique_ptr<Process>> spawn(const ProcessSpec& spec) override {
    if (spec.argv.empty()) return Error{"EINVAL", "no program given"};
    MEKONG_TRY_ASSIGN(ChildPtr child, fork_from_forker(spec, tree_));
    reaper_.add(child);
    return std::unique_ptr<Process>(std::make_unique<PosixProcess>(std::move(child)));
  }
  TreeKind tree() const override { return tree_.kind; }

 private:
  // PR_SET_PDEATHSIG follows the thread that forks, so all children are forked by one that lives as long as
  // we.
  Result<ChildPtr> fork_from_forker(const ProcessSpec& spec, const Tree& tree) {
    Promise<Result<ChildPtr>> promise;
    forker_.post([&] { promise.set(fork_child(spec, tree, filter_)); });
    return promise.future().get();
  }
  bool starts(const Tree& tree) {
    ProcessSpec spec;
    spec.argv = {"/bin/true"};
    spec.own_tree = true;
    auto child = fork_from_forker(spec, tree);
    if (!child.ok()) return false;
    auto ended = (*child)->exited.future();
    reaper_.add(*child);
    return ended.get().code == 0;
  }

  const Result<std::vector<sock_filter>> filter_ = refuse_dangerous_calls();
  Tree tree_;
  Reaper reaper_;
  ThreadPool forker_{"mekong-fork", 1};
};

}  // namespace

std::string_view name_of(TreeKind kind) {
  switch (kind) {
    case TreeKind::pid_namespace:
      return "pid-namespace";
    case TreeKind::user_namespace:
      return "user-namespace";
    case TreeKind::process_group:
      return "process-group";
  }
  return "";
}

std::unique_ptr<Processes> make_processes() {
  return std::make_unique<PosixProcesses>();
}

}  // namespace mekong::os
