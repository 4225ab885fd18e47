#include "log/records.h"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "log/batch_builder.h"

namespace mekong::log {
namespace {

// A batch of two records, its header as a client may have made it.
struct Sent {
  std::string bytes = build_batch({{"a", "1", 1000}, {"b", "2", 1002}});
  BatchHeader header = *parse_header(bytes);
  std::string records = bytes.substr(batch_header_bytes);
};

Result<std::vector<Record>> all_of(const BatchHeader& header, std::string_view records) {
  std::vector<Record> out;
  MEKONG_TRY(each_record(header, records, [&](const Record& record) {
    out.push_back(record);
    return ok();
  }));
  return out;
}

bool each(const Record&) {
  return true;
}

TEST(Records, times_and_offsets_beyond_64_bits_go_around) {
  Sent sent;
  sent.header.base_timestamp_ms = std::numeric_limits<int64_t>::max() - 1;
  sent.header.base_offset = std::numeric_limits<int64_t>::max();
  auto read = all_of(sent.header, sent.records);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ((*read)[1].timestamp_ms, std::numeric_limits<int64_t>::min());
  EXPECT_EQ((*read)[1].offset, std::numeric_limits<int64_t>::min());
  sent.header.base_offset = 7;
  const auto rebuilt =
      rebuild_batch(sent.header, {7, 8, std::numeric_limits<int64_t>::max()}, sent.records, each);
  ASSERT_TRUE(rebuilt.ok());
  read = all_of(*parse_header(*rebuilt), std::string_view(*rebuilt).substr(batch_header_bytes));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ((*read)[1].timestamp_ms, std::numeric_limits<int64_t>::min());
  EXPECT_EQ((*read)[1].offset, 8);
}

TEST(Records, what_does_not_agree_with_its_header_is_refused) {
  const Sent sent;
  auto header = sent.header;
  for (const int32_t count : {1, 3}) {
    header.record_count = count;
    EXPECT_EQ(all_of(header, sent.records).error().code, "CORRUPT_MESSAGE");
  }
  header = sent.header;
  header.last_offset_delta = 0;
  EXPECT_EQ(all_of(header, sent.records).error().code, "CORRUPT_MESSAGE");
  for (size_t bytes = 0; bytes < sent.records.size(); ++bytes)
    EXPECT_FALSE(all_of(sent.header, sent.records.substr(0, bytes)).ok()) << bytes;
  EXPECT_FALSE(all_of(sent.header, sent.records + '\0').ok());
}

}  // namespace
}  // namespace mekong::log
