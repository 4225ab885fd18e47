// Inside os only: whose socket is at the other end of a loopback connection.
#pragma once
#include "os/net.h"

namespace mekong::os {

// Asks the kernel by inet_diag (sock_diag(7)) for the socket whose own end is `peer` and whose far end is
// `local`. Errors: "NotLoopback", "NotFound", or errno's name.
Result<uint32_t> loopback_peer_uid(const Endpoint& peer, const Endpoint& local);

}  // namespace mekong::os
