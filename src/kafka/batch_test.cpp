#include "kafka/batch.h"

#include <gtest/gtest.h>

#include "codec/kafka_wire.h"

namespace mekong::kafka {
namespace {

struct Fields {
  int8_t magic = 2;
  int16_t attributes = 0;
  int64_t max_timestamp = 1'000;
  int32_t count = 1;
};

std::string batch(const Fields& fields) {
  codec::KafkaWriter w;
  w.i64(0);
  w.i32(static_cast<int32_t>(kBatchHeaderBytes - 12 + 7));
  w.i32(-1);
  w.i8(fields.magic);
  w.i32(0);
  w.i16(fields.attributes);
  w.i32(fields.count - 1);
  w.i64(1'000);
  w.i64(fields.max_timestamp);
  w.i64(-1);
  w.i16(-1);
  w.i32(-1);
  w.i32(fields.count);
  w.raw("records");
  return w.take();
}

std::string code(const std::string& records, BatchRules rules = {.produce_version = 9, .now_ms = 1'000}) {
  auto checked = check_produced(records, rules);
  return checked.ok() ? "" : checked.error().code;
}

TEST(BatchTest, takes_one_whole_batch) {
  EXPECT_EQ(code(batch({})), "");
  EXPECT_EQ(code(batch({}) + batch({})), "INVALID_RECORD");
  EXPECT_EQ(code(batch({}).substr(0, 65)), "CORRUPT_MESSAGE");
  EXPECT_EQ(code(""), "CORRUPT_MESSAGE");
}

TEST(BatchTest, refuses_old_formats) {
  EXPECT_EQ(code(batch({.magic = 1})), "UNSUPPORTED_FOR_MESSAGE_FORMAT");
  EXPECT_EQ(code(batch({.magic = 0}).substr(0, 30)), "UNSUPPORTED_FOR_MESSAGE_FORMAT");
}

TEST(BatchTest, refuses_control_and_transactional_batches) {
  EXPECT_EQ(code(batch({.attributes = 0x20})), "INVALID_RECORD");
  EXPECT_EQ(code(batch({.attributes = 0x10})), "INVALID_RECORD");
}

TEST(BatchTest, zstd_needs_produce_7) {
  EXPECT_EQ(code(batch({.attributes = 4})), "");
  EXPECT_EQ(code(batch({.attributes = 4}), {.produce_version = 6, .now_ms = 1'000}),
            "UNSUPPORTED_COMPRESSION_TYPE");
  EXPECT_EQ(code(batch({.attributes = 5})), "UNSUPPORTED_COMPRESSION_TYPE");
}

TEST(BatchTest, holds_the_record_count_against_the_offsets) {
  EXPECT_EQ(code(batch({.count = 0})), "INVALID_RECORD");
}

TEST(BatchTest, timestamps_keep_their_distance) {
  BatchRules rules{.produce_version = 9, .timestamp_difference_max_ms = 100, .now_ms = 1'000};
  EXPECT_EQ(code(batch({.max_timestamp = 1'100}), rules), "");
  EXPECT_EQ(code(batch({.max_timestamp = 1'101}), rules), "INVALID_TIMESTAMP");
  EXPECT_EQ(code(batch({.max_timestamp = 899}), rules), "INVALID_TIMESTAMP");
  rules.log_append_time = true;
  EXPECT_EQ(code(batch({.max_timestamp = 1'101}), rules), "");
}

TEST(BatchTest, markers_and_aborted_records_are_nothing_to_a_reader_of_committed_ones) {
  const std::string marker = batch({.attributes = 0x30}), record = batch({.attributes = 0x10});
  int64_t until = -1;
  EXPECT_TRUE(nothing_committed(marker, {}, until));
  EXPECT_EQ(until, 1);
  EXPECT_FALSE(nothing_committed(marker + record, {}, until));
  EXPECT_TRUE(nothing_committed(record + marker, {{-1, 0}}, until));
  EXPECT_FALSE(nothing_committed(record + marker + record, {{-1, 0}}, until));
  EXPECT_FALSE(nothing_committed(record, {{-1, 1}}, until));
  EXPECT_FALSE(nothing_committed(batch({}), {{-1, 0}}, until));
}

}  // namespace
}  // namespace mekong::kafka
