#include "log/compaction.h"

#include <gtest/gtest.h>

#include <map>

#include "log/batch_builder.h"
#include "log/disk_log.h"
#include "log/records.h"
#include "log/verify.h"
#include "os/memory_files.h"

namespace mekong::log {
namespace {

const PartitionId p0("topic-0");
constexpr int64_t day_ms = 24LL * 3600 * 1000;

class CompactionTest : public testing::Test {
 protected:
  CompactionTest() {
    config_.compact = true;
    config_.retain_by_age = false;
    config_.min_cleanable_dirty_ppm = 0;
    config_.delete_retention_ms = day_ms;
    options_.segment_bytes_max = 400;
    open();
  }
  void open() {
    log_.reset();
    log_ = std::move(*DiskLog::open(files_, clock_, random_, null_logger(), "/log", options_));
  }
  void restart() {
    log_.reset();
    files_.crash();
    open();
  }
  void create() { ASSERT_TRUE(log_->create(p0, config_).ok()); }
  // A value of "" is none: a deletion.
  int64_t put(const std::string& key, const std::string& value, const BatchOptions& options = {}) {
    RecordToWrite record{key, value, clock_.service_ms(), {{"h", "x"}}};
    if (value.empty()) record.value.reset();
    auto done = log_->append(p0, build_batch({record}, options)).get();
    EXPECT_TRUE(done.ok());
    return done.ok() ? done->base_offset : -1;
  }
  // What goes through before the active segment is rolled by its age.
  void compact() {
    clock_.advance_ms(8 * day_ms);
    log_->retain();
  }
  // "offset key=value" of all records, as a consumer finds them by going from batch to batch.
  std::vector<std::string> all(Isolation isolation = Isolation::read_uncommitted) {
    std::vector<std::string> out;
    const auto offsets = *log_->offsets(p0);
    for (int64_t at = offsets.log_start; at < offsets.high_watermark;) {
      const auto read = log_->read(p0, at, 1, isolation);
      EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
      if (!read.ok() || read->batches.empty()) break;
      for (std::string_view rest(read->batches); !rest.empty();) {
        const auto header = *parse_header(rest);
        const std::string unpacked = *unpack_records(header, rest);
        const auto seen = each_record(header, unpacked, [&](const Record& record) {
          const std::string offset = std::to_string(record.offset) + " ";
          if (record.offset < at) return ok();
          if (header.control()) {
            out.push_back(offset + (*parse_marker(rest) ? "commit" : "abort"));
          } else {
            out.push_back(offset + std::string(*record.key) + "=" + std::string(record.value.value_or("")));
          }
          return ok();
        });
        EXPECT_TRUE(seen.ok());
        at = std::max(at, header.last_offset() + 1);
        rest.remove_prefix(header.size_bytes);
      }
    }
    return out;
  }
  size_t files_with(const std::string& ending) {
    size_t count = 0;
    for (const auto all = files_.list("/log/topic-0"); const auto& entry : *all)
      count += entry.name.ends_with(ending) ? 1 : 0;
    return count;
  }
  void expect_verified() {
    Verification found;
    ASSERT_TRUE(verify(files_, "/log", found).ok());
    for (const auto& one : found.findings) ADD_FAILURE() << one.file << ": " << one.what;
  }

  os::MemoryFiles files_;
  os::ManualClock clock_{100 * day_ms};
  os::SeededRandom random_{7};
  PartitionConfig config_{.retention_ms = 1};
  DiskLogOptions options_;
  std::unique_ptr<DiskLog> log_;
};

using Lines = std::vector<std::string>;

TEST_F(CompactionTest, of_each_key_the_last_record_stays_at_its_offset) {
  create();
  for (int i = 0; i < 30; ++i) put("k" + std::to_string(i % 3), std::to_string(i));
  const size_t before = files_with(".log");
  ASSERT_GT(before, 5u);
  compact();
  EXPECT_EQ(all(), (Lines{"27 k0=27", "28 k1=28", "29 k2=29"}));
  EXPECT_LT(files_with(".log"), 4u) << "small segments are put together";
  EXPECT_EQ(log_->offsets(p0)->log_start, 0);
  EXPECT_EQ(log_->offsets(p0)->high_watermark, 30);
  expect_verified();
  restart();
  EXPECT_EQ(all(), (Lines{"27 k0=27", "28 k1=28", "29 k2=29"}));
  EXPECT_EQ(put("k0", "again"), 30);
  restart();
  EXPECT_EQ(all(), (Lines{"27 k0=27", "28 k1=28", "29 k2=29", "30 k0=again"}));
  expect_verified();
  EXPECT_EQ(put("k0", "and again"), 31);
  compact();
  EXPECT_EQ(all(), (Lines{"28 k1=28", "29 k2=29", "31 k0=and again"}));
  EXPECT_EQ(files_with(".compacted"), 0u);
}

TEST_F(CompactionTest, every_offset_can_be_asked_for) {
  create();
  for (int i = 0; i < 30; ++i) put("k" + std::to_string(i % 4), std::to_string(i));
  compact();
  for (int64_t at = 0; at < 30; ++at) {
    const auto read = log_->read(p0, at, 1);
    ASSERT_TRUE(read.ok()) << at;
    const auto header = *parse_header(read->batches);
    EXPECT_LE(header.base_offset, at);
    EXPECT_GE(header.last_offset(), at);
  }
  const auto found = log_->offset_for(p0, clock_.service_ms() - 9 * day_ms);
  EXPECT_GE(found->offset, 0);
}

TEST_F(CompactionTest, a_deletion_stays_for_its_time_and_then_goes) {
  create();
  put("gone", "1");
  put("kept", "1");
  put("gone", "");
  compact();
  EXPECT_EQ(all(), (Lines{"1 kept=1", "2 gone="}));
  put("other", "1");
  compact();  // its day is over
  EXPECT_EQ(all(), (Lines{"1 kept=1", "3 other=1"}));
  config_.delete_retention_ms = 100 * day_ms;
  ASSERT_TRUE(log_->configure(p0, config_).ok());
  put("kept", "");
  compact();
  put("other", "2");
  compact();
  EXPECT_EQ(all(), (Lines{"4 kept=", "5 other=2"}));
}

TEST_F(CompactionTest, aborted_records_go_and_markers_follow) {
  create();
  const auto in_transaction = [](int32_t sequence) {
    return BatchOptions{.producer_id = 7, .producer_epoch = 0, .base_sequence = sequence, .attributes = 0x10};
  };
  put("a", "committed", in_transaction(0));
  ASSERT_TRUE(log_->end_transaction(p0, {7, 0, true}).get().ok());
  put("a", "aborted", in_transaction(1));
  put("b", "aborted", in_transaction(2));
  ASSERT_TRUE(log_->end_transaction(p0, {7, 0, false}).get().ok());
  compact();
  EXPECT_EQ(all(), (Lines{"0 a=committed", "1 commit", "4 abort"}));
  EXPECT_TRUE(log_->read(p0, 0, 10'000, Isolation::read_committed)->aborted.empty());
  put("a", "plain");
  compact();
  EXPECT_EQ(all(), (Lines{"1 commit", "5 a=plain"})) << "the abort marker's day is over, the other's begins";
  put("c", "plain");
  compact();
  EXPECT_EQ(all(), (Lines{"5 a=plain", "6 c=plain"}));
  restart();
  // The same producer's next transaction counts, though the older one was aborted.
  put("a", "later", in_transaction(3));
  ASSERT_TRUE(log_->end_transaction(p0, {7, 0, true}).get().ok());
  const auto read = log_->read(p0, 0, 10'000, Isolation::read_committed);
  EXPECT_TRUE(read->aborted.empty());
  expect_verified();
}

// Its time lies further before the horizon, its batch's base then, than 32 bits of milliseconds reach.
TEST_F(CompactionTest, a_marker_far_from_its_horizon_stays_readable) {
  config_.delete_retention_ms = 100 * day_ms;
  create();
  put("a", "aborted", {.producer_id = 7, .producer_epoch = 0, .base_sequence = 0, .attributes = 0x10});
  ASSERT_TRUE(log_->end_transaction(p0, {7, 0, false}).get().ok());
  put("b", "1");
  compact();
  put("b", "2");
  compact();
  EXPECT_EQ(all(), (Lines{"1 abort", "3 b=2"}));
  restart();
  expect_verified();
}

TEST_F(CompactionTest, what_is_undecided_or_too_young_stays) {
  create();
  for (int i = 0; i < 10; ++i) put("a", std::to_string(i));
  put("a", "open", {.producer_id = 7, .producer_epoch = 0, .base_sequence = 0, .attributes = 0x10});
  for (int i = 0; i < 10; ++i) put("a", "after" + std::to_string(i));
  compact();
  const auto lines = all();
  EXPECT_GE(lines.size(), 12u) << "nothing from the open transaction on goes";
  EXPECT_LT(lines.size(), 21u);
  ASSERT_TRUE(log_->end_transaction(p0, {7, 0, true}).get().ok());
  config_.min_compaction_lag_ms = 100 * day_ms;
  ASSERT_TRUE(log_->configure(p0, config_).ok());
  compact();
  EXPECT_EQ(all().size(), lines.size() + 1);
}

TEST_F(CompactionTest, it_waits_for_its_share_of_new_records) {
  config_.min_cleanable_dirty_ppm = 900'000;
  create();
  for (int i = 0; i < 20; ++i) put("k" + std::to_string(i), "0");
  compact();  // all is new
  for (int i = 0; i < 8; ++i) put("k0", std::to_string(i));
  compact();
  EXPECT_EQ(all().size(), 28u);
  config_.max_compaction_lag_ms = day_ms;
  ASSERT_TRUE(log_->configure(p0, config_).ok());
  compact();
  EXPECT_EQ(all().size(), 20u);
}

TEST_F(CompactionTest, little_memory_takes_several_turns) {
  options_.compaction_bytes_max = 300;
  open();
  create();
  for (int i = 0; i < 60; ++i) put("k" + std::to_string(i % 20), std::to_string(i));
  for (int i = 0; i < 40; ++i) compact();
  EXPECT_EQ(all().size(), 20u);
  expect_verified();
}

TEST_F(CompactionTest, compressed_batches_stay_compressed) {
  create();
  const std::string value(200, 'v');
  const auto plain =
      build_batch({{"even", value, 1000}, {"odd", value, 1000}, {"even", value, 1000}, {"odd", value, 1000}});
  auto header = *parse_header(plain);
  for (const int16_t codec : {1, 2, 3, 4}) {
    header.attributes = codec;
    const auto batch = rebuild_batch(header, {0, 3, -1}, std::string_view(plain).substr(batch_header_bytes),
                                     [](const Record&) { return true; });
    ASSERT_TRUE(log_->append(p0, *batch).get().ok());
  }
  compact();
  EXPECT_EQ(all(), (Lines{"14 even=" + value, "15 odd=" + value}));
  const auto read = log_->read(p0, 14, 1);
  EXPECT_EQ(parse_header(read->batches)->attributes & 7, 4);
}

TEST_F(CompactionTest, only_compaction_removes_where_delete_is_no_policy) {
  create();
  for (int i = 0; i < 20; ++i) put("k" + std::to_string(i), "v");
  EXPECT_EQ(log_->delete_before(p0, 5).error().code, "POLICY_VIOLATION");
  compact();  // retention.ms is 1
  EXPECT_EQ(log_->offsets(p0)->log_start, 0);
  config_.retain_by_age = true;
  ASSERT_TRUE(log_->configure(p0, config_).ok());
  compact();
  EXPECT_GT(log_->offsets(p0)->log_start, 0);
}

TEST_F(CompactionTest, records_of_a_compacted_topic_need_keys) {
  EXPECT_TRUE(check_keys(build_batch({{"k", "v", 1}})).ok());
  EXPECT_EQ(check_keys(build_batch({{"k", "v", 1}, {std::nullopt, "v", 1}})).error().code, "INVALID_RECORD");
}

}  // namespace
}  // namespace mekong::log
