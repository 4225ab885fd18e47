#include "metastore/message_scanner.h"

#include <gtest/gtest.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>

#include "gen/metastore/ThriftHiveMetastore.h"
#include "metastore/bounded_protocol.h"

namespace mekong::metastore {
namespace {
using apache::thrift::protocol::TBinaryProtocol;
using apache::thrift::transport::TMemoryBuffer;

std::string message() {
  thrift::Table table;
  table.tableName = std::string(300, 'x');
  table.parameters = {{"a", "b"}, {"c", ""}};
  table.sd.cols.resize(5);
  table.sd.skewedInfo.skewedColValues = {{"x"}, {}};
  table.sd.skewedInfo.skewedColValueLocationMaps = {{{"x"}, "y"}};
  table.sd.__isset.skewedInfo = true;
  auto memory = std::make_shared<TMemoryBuffer>();
  thrift::ThriftHiveMetastoreClient client(std::make_shared<TBinaryProtocol>(memory));
  client.send_create_table(table);
  return memory->getBufferAsString();
}

TEST(MessageScanner, FindsTheEndWhateverThePieces) {
  const std::string one = message();
  const std::string two = one + one;
  for (size_t step : {size_t{1}, size_t{7}, one.size(), two.size()}) {
    MessageScanner scanner(1 << 20);
    size_t found = 0;
    for (size_t have = step; found == 0; have += step) {
      auto size = scanner.scan(std::string_view(two).substr(0, std::min(have, two.size())));
      ASSERT_TRUE(size.ok()) << size.error().message;
      if (*size == 0) {
        ASSERT_LT(have, one.size() + step);
      }
      found = *size;
    }
    EXPECT_EQ(found, one.size());
  }
}

// Counts that the generated code may come upon in the middle of other values.
TEST(BoundedProtocol, BelievesNoCountBeyondItsBounds) {
  using std::string_literals::operator""s;
  for (const auto& fields : {"\x0f\0\x08\x0c\x7f\xff\xff\xff\0"s, "\x0f\0\x08\x0c\0\x04\0\x01\0"s,
                             "\x0d\0\x09\x0b\x0b\x7f\xff\xff\xff\0"s, "\x0b\0\1\x7f\xff\xff\xff\0"s}) {
    thrift::Table table;
    EXPECT_THROW(table.read(bounded_protocol(fields).get()), apache::thrift::protocol::TProtocolException);
  }
}

TEST(MessageScanner, RefusesNonsenseWithoutEnd) {
  EXPECT_EQ(MessageScanner(1000).scan("GET / HTTP/1.1\r\n").error().code, "MalformedMessage");
  const std::string one = message();
  EXPECT_EQ(MessageScanner(100).scan(one).error().code, "MessageTooLarge");
  // Bytes that Thrift's reader would make enumerators of: a message's kind, the type of no elements.
  const auto head = [](char kind) {
    return std::string("\x80\x01\x00", 3) + kind + std::string("\0\0\0\1m\0\0\0\1", 9);
  };
  const auto empty_list = [&](char type) {
    return head(1) + "\x0f" + std::string("\0\1", 2) + type + std::string(5, '\0');
  };
  EXPECT_EQ(MessageScanner(1000).scan(head(5) + '\0').error().code, "MalformedMessage");
  EXPECT_EQ(*MessageScanner(1000).scan(empty_list(11)), empty_list(11).size());
  EXPECT_EQ(*MessageScanner(1000).scan(empty_list(0)), empty_list(0).size());
  EXPECT_EQ(MessageScanner(1000).scan(empty_list('\xf6')).error().code, "MalformedMessage");
  // Every byte turned over: an answer each time, and never one beyond the buffer.
  for (size_t i = 0; i < one.size(); ++i) {
    std::string bad = one;
    bad[i] = static_cast<char>(bad[i] ^ 0x5a);
    auto size = MessageScanner(1 << 20).scan(bad);
    if (size.ok()) {
      EXPECT_LE(*size, bad.size());
    }
  }
}

}  // namespace
}  // namespace mekong::metastore
