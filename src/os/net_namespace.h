// Inside os only: network namespaces (network_namespaces(7)). A socket belongs to the namespace of the thread
// that made it, so each call goes there and comes back: on a thread that does nothing else, since one that
// could not come back would be lost for the machine's network. Needs CAP_SYS_ADMIN: errno's names.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace mekong::os {

// A new one, by its descriptor. It has a loopback device, which also answers for `addresses` (numeric).
Result<int> make_net_namespace(const std::vector<std::string>& addresses);
// A stream socket in it; `family` as of socket(2).
Result<int> socket_in(int net_namespace, int family);
// Listens on every address of the family that there is in it.
Result<int> listen_in(int net_namespace, int family, uint16_t port);

}  // namespace mekong::os
