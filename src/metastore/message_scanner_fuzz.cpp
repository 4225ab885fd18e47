// Where a Thrift message ends: cut anywhere, it is the same place; Thrift's own reader, told to skip the
// message, ends there too; and a table read from it is written and read alike.
#include <cstdint>

#include "gen/metastore/hive_metastore_types.h"
#include "metastore/bounded_protocol.h"
#include "metastore/message_scanner.h"

namespace mekong::metastore {
namespace {

namespace at = apache::thrift;
constexpr size_t bytes_max = 1 << 16;

// 0: more is needed. Absent: refused.
std::optional<size_t> scan(std::string_view bytes, size_t cut) {
  MessageScanner scanner(bytes_max);
  if (cut < bytes.size()) {
    const auto first = scanner.scan(bytes.substr(0, cut));
    if (!first.ok()) return std::nullopt;
    if (*first > 0) return *first;
  }
  const auto size = scanner.scan(bytes);
  return size.ok() ? std::optional(*size) : std::nullopt;
}

// Reads the message's head; its arguments are next.
void read_head(at::protocol::TBinaryProtocol& protocol) {
  std::string name;
  at::protocol::TMessageType type = at::protocol::T_CALL;
  int32_t sequence = 0;
  protocol.readMessageBegin(name, type, sequence);
}

void skip_as_thrift_does(std::string_view message) {
  const auto protocol = bounded_protocol(message);
  protocol->setRecurisionLimit(200);  // the scanner's own is lower
  read_head(*protocol);
  protocol->skip(at::protocol::T_STRUCT);
  if (protocol->getTransport()->peek()) __builtin_trap();
}

std::string written(const thrift::Table& table) {
  const auto buffer = std::make_shared<at::transport::TMemoryBuffer>();
  at::protocol::TBinaryProtocol protocol(buffer);
  table.write(&protocol);
  return buffer->getBufferAsString();
}

thrift::Table read_table(at::protocol::TBinaryProtocol& protocol) {
  thrift::Table table;
  table.read(&protocol);
  return table;
}

void read_and_write(std::string_view message) {
  const auto protocol = bounded_protocol(message);
  std::string first;
  try {
    read_head(*protocol);
    first = written(read_table(*protocol));
  } catch (const at::TException&) {
    return;  // not a table
  }
  if (written(read_table(*bounded_protocol(first))) != first) __builtin_trap();
}

}  // namespace
}  // namespace mekong::metastore

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace mekong::metastore;
  if (size_bytes == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size_bytes - 1);
  const auto size = scan(input, input.size());
  if (size != scan(input, data[0])) __builtin_trap();
  if (!size || *size == 0) return 0;
  const auto message = input.substr(0, *size);
  skip_as_thrift_does(message);
  read_and_write(message);
  return 0;
}
