#include "os/syscall_filter.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace mekong::os {
namespace {

constexpr const char* refused[] = {
    // other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise",
    // key rings
    "keyctl", "add_key", "request_key",
    // asynchronous rings and page faults handled in user space
    "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd",
    // programs in the kernel, its counters and modules
    "bpf", "perf_event_open", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
    // namespaces and mounts
    "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "move_mount", "fsopen", "fsconfig",
    "fsmount", "fspick", "open_tree", "mount_setattr", "open_by_handle_at", "name_to_handle_at",
    // the machine
    "reboot", "swapon", "swapoff", "syslog", "acct", "quotactl", "settimeofday", "clock_settime", "adjtimex",
    "clock_adjtime", "sethostname", "setdomainname", "iopl", "ioperm", "modify_ldt", "fanotify_init",
    "vhangup", "move_pages", "migrate_pages"};

constexpr uint64_t new_namespaces[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                                       CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};

using Filter = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

Error unavailable(const char* step, int number) {
  return {"SeccompUnavailable", std::string(step) + ": error " + std::to_string(number)};
}

Result<Filter> make_filter() {
  Filter filter(seccomp_init(SCMP_ACT_ALLOW), seccomp_release);
  if (!filter) return unavailable("seccomp_init", ENOMEM);
  for (const char* name : refused) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) continue;  // this machine's kernel has no such call
    const int added = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), number, 0);
    if (added != 0) return unavailable(name, -added);
  }
  for (const uint64_t flag : new_namespaces) {
    const scmp_arg_cmp has_flag = SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag);
    const int added = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, has_flag);
    if (added != 0) return unavailable("clone", -added);
  }
  const int added = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  if (added != 0) return unavailable("clone3", -added);
  return filter;
}

}  // namespace

Result<std::vector<sock_filter>> refuse_dangerous_calls() {
  MEKONG_TRY_ASSIGN(const Filter filter, make_filter());
  const int file = ::memfd_create("seccomp", MFD_CLOEXEC);
  if (file < 0) return unavailable("memfd_create", errno);
  std::vector<sock_filter> program;
  const int written = seccomp_export_bpf(filter.get(), file);
  const off_t size = ::lseek(file, 0, SEEK_END);
  program.resize(static_cast<size_t>(size) / sizeof(sock_filter));
  const ssize_t read = ::pread(file, program.data(), program.size() * sizeof(sock_filter), 0);
  ::close(file);
  if (written != 0 || read != size || program.empty()) return unavailable("seccomp_export_bpf", -written);
  return program;
}

}  // namespace mekong::os
