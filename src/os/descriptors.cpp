#include "os/descriptors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mekong::os {
namespace {

Error failed(const char* call) {
  const char* name = strerrorname_np(errno);
  return {name != nullptr ? name : "EIO", std::string(call) + ": " + std::strerror(errno)};
}

}  // namespace

Result<int> make_sealed_descriptor(std::string_view bytes) {
  int descriptor = ::memfd_create("content", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor < 0) return failed("memfd_create");
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t wrote = ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      auto error = failed("write");
      ::close(descriptor);
      return error;
    }
    done += static_cast<size_t>(wrote);
  }
  if (::fcntl(descriptor, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0 ||
      ::lseek(descriptor, 0, SEEK_SET) != 0) {
    auto error = failed("fcntl");
    ::close(descriptor);
    return error;
  }
  return descriptor;
}

Result<int> duplicate_descriptor(int descriptor) {
  int copy = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return failed("fcntl");
  return copy;
}

Result<int> open_folder_descriptor(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return failed("open");
  return descriptor;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace mekong::os
