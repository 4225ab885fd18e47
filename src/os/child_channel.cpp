#include "os/child_channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "os/clock.h"
#include "os/errno_error.h"

namespace mekong::os {

namespace {
constexpr size_t descriptors_max = 200;  // the kernel takes 253
}

ChildChannel::~ChildChannel() {
  ::close(descriptor_);
}

void ChildChannel::set_time_limit(int64_t left_ms) {
  deadline_ms_ = SystemClock().monotonic_ns() / 1'000'000 + left_ms;
}

Status ChildChannel::wait(short events) {
  if (deadline_ms_ == 0) return ok();
  for (;;) {
    const int64_t left_ms = deadline_ms_ - SystemClock().monotonic_ns() / 1'000'000;
    pollfd ready{descriptor_, events, 0};
    const int found = ::poll(&ready, 1, static_cast<int>(std::clamp<int64_t>(left_ms, 0, INT_MAX)));
    if (found > 0) return ok();
    if (found < 0 && errno != EINTR) return errno_error(errno, "poll", "child");
    if (found == 0) return Error{"TimedOut", "the child process took too long"};
  }
}

Status ChildChannel::send(std::string_view bytes, const std::vector<int>& descriptors) {
  if (descriptors.size() > descriptors_max) return errno_error(EINVAL, "sendmsg", "too many descriptors");
  size_t done = 0;
  while (done < bytes.size()) {
    MEKONG_TRY(wait(POLLOUT));
    iovec part{const_cast<char*>(bytes.data() + done), bytes.size() - done};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(descriptors_max * sizeof(int))];
    if (done == 0 && !descriptors.empty()) {
      const size_t length = descriptors.size() * sizeof(int);
      std::memset(control, 0, sizeof control);
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(length);
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(length);
      std::memcpy(CMSG_DATA(header), descriptors.data(), length);
    }
    const ssize_t sent =
        ::sendmsg(descriptor_, &message, MSG_NOSIGNAL | (deadline_ms_ > 0 ? MSG_DONTWAIT : 0));
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent <= 0) return errno_error(errno, "sendmsg", "child");
    done += static_cast<size_t>(sent);
  }
  return ok();
}

Status ChildChannel::receive() {
  char block[1 << 16];
  for (;;) {
    MEKONG_TRY(wait(POLLIN));
    const ssize_t got = ::recv(descriptor_, block, sizeof block, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != ECONNRESET) return errno_error(errno, "recv", "child");
    if (got <= 0) return Error{"EOF", "the child process is gone"};
    buffer_.append(block, static_cast<size_t>(got));
    return ok();
  }
}

Result<std::string> ChildChannel::read_line(size_t bytes_max) {
  size_t searched = 0;
  for (;;) {
    const auto end = buffer_.find('\n', searched);
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    searched = buffer_.size();
    if (searched > bytes_max) return Error{"TooLong", "a line of the child process does not end"};
    MEKONG_TRY(receive());
  }
}

Result<std::string> ChildChannel::read_bytes(size_t size_bytes) {
  while (buffer_.size() < size_bytes) MEKONG_TRY(receive());
  std::string bytes = buffer_.substr(0, size_bytes);
  buffer_.erase(0, size_bytes);
  return bytes;
}

Result<ChannelEnds> make_channel() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return errno_error(errno, "socketpair", "child");
  }
  return ChannelEnds{ends[0], ends[1]};
}

void close_descriptor(int descriptor) {
  ::close(descriptor);
}

}  // namespace mekong::os
