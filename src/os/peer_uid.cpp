#include "os/peer_uid.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "os/errno_error.h"

namespace mekong::os {
namespace {

struct Query {
  nlmsghdr header;
  inet_diag_req_v2 request;
};

constexpr std::string_view mapped_prefix = "::ffff:";

Result<int> fill_addresses(inet_diag_req_v2& request, std::string peer, std::string local) {
  if (peer.starts_with(mapped_prefix)) peer.erase(0, mapped_prefix.size());
  if (local.starts_with(mapped_prefix)) local.erase(0, mapped_prefix.size());
  const int family = peer.find(':') == std::string::npos ? AF_INET : AF_INET6;
  const bool loopback = family == AF_INET ? peer.starts_with("127.") : peer == "::1";
  if (!loopback) return Error{"NotLoopback", peer + " is not this machine"};
  if (inet_pton(family, peer.c_str(), request.id.idiag_src) != 1 ||
      inet_pton(family, local.c_str(), request.id.idiag_dst) != 1) {
    return Error{"NotFound", "no such address"};
  }
  return family;
}

Result<uint32_t> read_answer(int socket) {
  alignas(nlmsghdr) char buffer[8192];
  const ssize_t got = ::recv(socket, buffer, sizeof(buffer), 0);
  if (got < 0) return errno_error(errno, "recv", "netlink");
  const auto* header = reinterpret_cast<const nlmsghdr*>(buffer);
  if (!NLMSG_OK(header, static_cast<size_t>(got))) return Error{"NotFound", "short netlink answer"};
  if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY) return Error{"NotFound", "no such connection"};
  return static_cast<const inet_diag_msg*>(NLMSG_DATA(header))->idiag_uid;
}

}  // namespace

Result<uint32_t> loopback_peer_uid(const Endpoint& peer, const Endpoint& local) {
  Query query{};
  MEKONG_TRY_ASSIGN(const int family, fill_addresses(query.request, peer.host, local.host));
  query.header.nlmsg_len = sizeof(query);
  query.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  query.header.nlmsg_flags = NLM_F_REQUEST;
  query.request.sdiag_family = static_cast<uint8_t>(family);
  query.request.sdiag_protocol = IPPROTO_TCP;
  query.request.idiag_states = ~0U;
  query.request.id.idiag_sport = htons(peer.port);
  query.request.id.idiag_dport = htons(local.port);
  query.request.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  query.request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;

  const int socket = ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (socket < 0) return errno_error(errno, "socket", "netlink");
  Result<uint32_t> uid = Error{"NotFound", "not asked"};
  if (::send(socket, &query, sizeof(query), 0) < 0) {
    uid = errno_error(errno, "send", "netlink");
  } else {
    uid = read_answer(socket);
  }
  ::close(socket);
  return uid;
}

}  // namespace mekong::os
