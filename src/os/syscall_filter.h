// Inside os only: the system calls that a hardened child (ProcessSpec::hardened) cannot make. They open the
// parts of the kernel that data jobs never need and that most escapes went through: other processes' memory,
// key rings, new namespaces and mounts, io_uring, BPF, modules, the clock. A list of what is refused, not of
// what is allowed, because jobs bring runtimes and libraries that nobody here knows.
#pragma once
#include <linux/filter.h>

#include <vector>

#include "base/result.h"

namespace mekong::os {

// For prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER). Refused calls fail with EPERM, clone3 with ENOSYS (its
// flags lie in memory, where a filter cannot see them; C libraries then use clone). Fails with
// "SeccompUnavailable".
Result<std::vector<sock_filter>> refuse_dangerous_calls();

}  // namespace mekong::os
