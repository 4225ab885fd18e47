// Thrift's reader for one whole message. The code that Thrift generates takes a list's elements for what the
// interface says, whatever type the message names, and so may read counts and lengths out of the middle of
// other values: what the message scanner checked holds for well-typed messages only. Internal to metastore.
#pragma once
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>

#include <memory>
#include <string_view>

namespace mekong::metastore {

inline constexpr int32_t elements_max = 1 << 18;  // of a list, set or map

// `message` must outlive it. Reading throws TProtocolException where a string is longer than the message, or
// a container larger than elements_max.
inline std::shared_ptr<apache::thrift::protocol::TBinaryProtocol> bounded_protocol(std::string_view message) {
  auto* bytes = reinterpret_cast<uint8_t*>(const_cast<char*>(message.data()));  // is read only
  auto buffer = std::make_shared<apache::thrift::transport::TMemoryBuffer>(
      bytes, static_cast<uint32_t>(message.size()));
  return std::make_shared<apache::thrift::protocol::TBinaryProtocol>(
      std::move(buffer), static_cast<int32_t>(message.size()), elements_max, true, true);
}

}  // namespace mekong::metastore
