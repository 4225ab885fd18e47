#include "os/own_process.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>

#include "os/errno_error.h"

namespace mekong::os {

Status keep_memory_private() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return errno_error(errno, "setrlimit", "core");
  // The limit says nothing to a core_pattern that is a program; this does.
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return errno_error(errno, "prctl", "dumpable");
  return ok();
}

}  // namespace mekong::os
