#include "os/net_namespace.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "os/errno_error.h"

namespace mekong::os {
namespace {

constexpr const char* own_namespace = "/proc/thread-self/ns/net";
constexpr unsigned loopback_index = 1;  // the first device of every namespace

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

// Back to where the thread came from at the end of the scope.
class Return {
 public:
  Return() : home_(::open(own_namespace, O_RDONLY | O_CLOEXEC)) {}
  ~Return() {
    if (::setns(home_.number(), CLONE_NEWNET) != 0) return;  // see the header
  }
  bool possible() const { return home_.number() >= 0; }

 private:
  Descriptor home_;
};

void set_name(char* out, std::string_view name) {
  std::memcpy(out, name.data(), std::min<size_t>(name.size(), IFNAMSIZ - 1));
}

Status bring_loopback_up() {
  const Descriptor control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  set_name(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(control.number(), SIOCSIFFLAGS, &request) != 0) return errno_error(errno, "ioctl", "lo");
  return ok();
}

Status add_address(const std::string& address, size_t number) {
  ifreq request{};
  auto* four = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
  if (::inet_pton(AF_INET, address.c_str(), &four->sin_addr) == 1) {
    const Descriptor control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    four->sin_family = AF_INET;
    set_name(request.ifr_name, "lo:" + std::to_string(number));
    if (::ioctl(control.number(), SIOCSIFADDR, &request) == 0) return ok();
    return errno_error(errno, "ioctl", address);
  }
  in6_ifreq six{};
  if (::inet_pton(AF_INET6, address.c_str(), &six.ifr6_addr) != 1)
    return errno_error(EINVAL, "inet_pton", address);
  const Descriptor control(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  six.ifr6_prefixlen = 128;
  six.ifr6_ifindex = loopback_index;
  if (::ioctl(control.number(), SIOCSIFADDR, &six) != 0) return errno_error(errno, "ioctl", address);
  return ok();
}

Status bind_to_all(int socket, int family, uint16_t port) {
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(port);
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  if (family == AF_INET6) ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  const auto* address =
      family == AF_INET ? reinterpret_cast<sockaddr*>(&four) : reinterpret_cast<sockaddr*>(&six);
  const socklen_t size = family == AF_INET ? sizeof(four) : sizeof(six);
  if (::bind(socket, address, size) != 0) return errno_error(errno, "bind", std::to_string(port));
  if (::listen(socket, SOMAXCONN) != 0) return errno_error(errno, "listen", std::to_string(port));
  return ok();
}

}  // namespace

Result<int> make_net_namespace(const std::vector<std::string>& addresses) {
  const Return back;
  if (!back.possible()) return errno_error(errno, "open", own_namespace);
  if (::unshare(CLONE_NEWNET) != 0) return errno_error(errno, "unshare", "a network");
  MEKONG_TRY(bring_loopback_up());
  for (size_t i = 0; i < addresses.size(); ++i) MEKONG_TRY(add_address(addresses[i], i + 1));
  const int made = ::open(own_namespace, O_RDONLY | O_CLOEXEC);
  if (made < 0) return errno_error(errno, "open", own_namespace);
  return made;
}

Result<int> socket_in(int net_namespace, int family) {
  const Return back;
  if (!back.possible()) return errno_error(errno, "open", own_namespace);
  if (::setns(net_namespace, CLONE_NEWNET) != 0) return errno_error(errno, "setns", "a network");
  const int made = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) return errno_error(errno, "socket", "a network");
  return made;
}

Result<int> listen_in(int net_namespace, int family, uint16_t port) {
  MEKONG_TRY_ASSIGN(const int made, socket_in(net_namespace, family));
  Descriptor socket(made);
  MEKONG_TRY(bind_to_all(socket.number(), family, port));
  return socket.release();
}

}  // namespace mekong::os
