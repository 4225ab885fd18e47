// The first process of a child's PID namespace (os/process.h): runs one program, hands it the signals that it
// gets, buries whatever is left to it, and ends when the program ends; the kernel then kills the rest.
//
//   mekong-init REPORT PROGRAM ARGUMENT…     REPORT: descriptor for an os::ChildFailure when PROGRAM is not
//   run
//
// A program of its own, because a mere fork would keep a copy of the server's memory for as long as the child
// runs. Uses nothing of the other modules: it is linked statically and must start anywhere.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "os/child_setup.h"

namespace {

using mekong::os::ChildFailure;

[[noreturn]] void run_program(int report, const sigset_t& all, char** argv) {
  ::setpgid(0, 0);
  ::fcntl(report, F_SETFD, FD_CLOEXEC);
  ::sigprocmask(SIG_UNBLOCK, &all, nullptr);
  ::execv(argv[0], argv);
  ChildFailure failure{errno, "exec"};
  const ssize_t ignored = ::write(report, &failure, sizeof(failure));
  (void)ignored;
  ::_exit(127);
}

// Everything that has ended; true with its exit code when the program is among it.
bool bury(pid_t program, int& code) {
  bool ended = false;
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != program) continue;
    ended = true;
    code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  return ended;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 127;
  const int report = ::atoi(argv[1]);
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  const pid_t program = ::fork();
  if (program < 0) return 127;
  if (program == 0) run_program(report, all, argv + 2);
  ::close_range(3, ~0U, 0);  // the program's descriptors are its own, and so is the report
  for (int code = 0;;) {
    const int number = ::sigwaitinfo(&all, nullptr);
    if (number == SIGCHLD) {
      if (bury(program, code)) return code;
    } else if (number > 0) {
      ::kill(-program, number);
    }
  }
}
