#include "log/disk_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "log/batch_builder.h"
#include "log/records.h"
#include "os/memory_files.h"
#include "os/random.h"

namespace mekong::log {
namespace {

const PartitionId p0("topic-0"), p1("topic-1");

std::string batch_of(const std::vector<std::string>& values, int64_t timestamp_ms = 1000) {
  std::vector<RecordToWrite> records;
  for (const auto& value : values) records.push_back({std::nullopt, value, timestamp_ms});
  return build_batch(records);
}

std::string idempotent(int32_t sequence, int16_t epoch = 0) {
  return build_batch({{std::nullopt, "v", 1}},
                     {.producer_id = 7, .producer_epoch = epoch, .base_sequence = sequence});
}

class DiskLogTest : public testing::Test {
 protected:
  DiskLogTest() { open(); }
  void open() { log_ = std::move(*DiskLog::open(files_, clock_, random_, null_logger(), "/log", options_)); }
  void restart(bool crash = true, uint64_t torn_bytes = 0) {
    log_.reset();
    if (crash) files_.crash(torn_bytes);
    open();
  }
  Result<AppendResult> append(const PartitionId& id, std::string bytes) {
    return log_->append(id, std::move(bytes)).get();
  }
  std::string code_of(const PartitionId& id, std::string bytes) {
    auto result = append(id, std::move(bytes));
    return result.ok() ? "ok" : result.error().code;
  }

  os::MemoryFiles files_;
  os::ManualClock clock_{5000};
  os::SeededRandom random_{1};
  DiskLogOptions options_{.segment_bytes_max = 600};
  std::unique_ptr<DiskLog> log_;
};

TEST_F(DiskLogTest, offsets_are_assigned_in_order_and_read_back) {
  ASSERT_TRUE(log_->create(p0, {}).ok());
  EXPECT_EQ(append(p0, batch_of({"a", "b"}))->base_offset, 0);
  EXPECT_EQ(append(p0, batch_of({"c"}))->base_offset, 2);
  const auto read = log_->read(p0, 1, 1 << 20);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->high_watermark, 3);
  EXPECT_EQ(parse_header(read->batches)->base_offset, 0);
  EXPECT_TRUE(log_->read(p0, 3, 100)->batches.empty());
  EXPECT_EQ(log_->read(p0, 4, 100).error().code, "OFFSET_OUT_OF_RANGE");
}

TEST_F(DiskLogTest, a_read_returns_at_least_one_whole_batch) {
  ASSERT_TRUE(log_->create(p0, {}).ok());
  const std::string one = batch_of({"x"});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(append(p0, one).ok());
  EXPECT_EQ(log_->read(p0, 0, 1)->batches.size(), one.size());
  EXPECT_EQ(log_->read(p0, 2, 2 * one.size() + 5)->batches.size(), 2 * one.size());
}

TEST_F(DiskLogTest, acknowledged_appends_survive_a_power_cut_over_many_segments) {
  ASSERT_TRUE(log_->create(p0, {}).ok());
  for (int i = 0; i < 40; ++i)
    ASSERT_EQ(append(p0, batch_of({"value " + std::to_string(i)}))->base_offset, i);
  restart();
  EXPECT_EQ(log_->offsets(p0)->high_watermark, 40);
  for (int64_t at = 0; at < 40;) {
    const auto read = log_->read(p0, at, 200);
    ASSERT_TRUE(read.ok() && !read->batches.empty()) << at;
    const auto headers = verify_batches(read->batches);
    ASSERT_TRUE(headers.ok());
    EXPECT_EQ(headers->front().base_offset, at);
    at = headers->back().last_offset() + 1;
  }
  EXPECT_EQ(append(p0, batch_of({"next"}))->base_offset, 40);
}

TEST_F(DiskLogTest, what_cannot_be_trusted_is_refused) {
  ASSERT_TRUE(log_->create(p0, {.max_batch_bytes = 200}).ok());
  std::string flipped = batch_of({"a"});
  flipped.back() ^= 1;
  EXPECT_EQ(code_of(p0, flipped), "CORRUPT_MESSAGE");
  EXPECT_EQ(code_of(p0, "short"), "CORRUPT_MESSAGE");
  EXPECT_EQ(code_of(p0, batch_of({std::string(300, 'x')})), "MESSAGE_TOO_LARGE");
  EXPECT_EQ(code_of(p1, batch_of({"a"})), "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(code_of(PartitionId("../x"), batch_of({"a"})), "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(code_of(p0, build_batch({{std::nullopt, "v", 1}}, {.attributes = 0x10})), "INVALID_RECORD");
  EXPECT_EQ(code_of(p0, build_batch({{std::nullopt, "v", 1}}, {.attributes = 0x30})), "INVALID_RECORD");
  EXPECT_EQ(log_->offsets(p0)->high_watermark, 0);
}

TEST_F(DiskLogTest, idempotent_retry_across_restart) {
  ASSERT_TRUE(log_->create(p0, {}).ok());
  EXPECT_EQ(append(p0, idempotent(0))->base_offset, 0);
  EXPECT_EQ(append(p0, idempotent(1))->base_offset, 1);
  restart();
  const auto retry = append(p0, idempotent(1));
  ASSERT_TRUE(retry.ok());
  EXPECT_TRUE(retry->duplicate);
  EXPECT_EQ(retry->base_offset, 1);
  EXPECT_EQ(code_of(p0, idempotent(3)), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(append(p0, idempotent(0, 1))->base_offset, 2);
  EXPECT_EQ(code_of(p0, idempotent(2, 0)), "INVALID_PRODUCER_EPOCH");
}

TEST_F(DiskLogTest, torn_tail_vs_rot) {
  ASSERT_TRUE(log_->create(p0, {}).ok());
  ASSERT_TRUE(append(p0, batch_of({"kept"})).ok());
  const std::string path = "/log/topic-0/" + Segment::file_name(0);
  {
    auto file = *files_.open(path, os::OpenMode::write);
    ASSERT_TRUE(file->write(*file->size(), batch_of({"never acknowledged"})).ok());
  }
  restart(true, 20);
  EXPECT_EQ(log_->offsets(p0)->high_watermark, 1);
  EXPECT_EQ(append(p0, batch_of({"after"}))->base_offset, 1);
  restart(false);
  ASSERT_EQ(log_->offsets(p0)->high_watermark, 2);
  log_.reset();
  files_.flip_bit(path, 65);
  open();
  EXPECT_EQ(log_->offsets(p0).error().code, "KAFKA_STORAGE_ERROR");
}

TEST_F(DiskLogTest, damage_is_no_torn_tail_where_the_journal_has_forgotten_the_partition) {
  options_.segment_bytes_max = 1 << 20;
  options_.journal_bytes_max = 30000;
  restart(false);
  ASSERT_TRUE(log_->create(p0, {}).ok());
  ASSERT_TRUE(log_->create(p1, {}).ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(append(p0, batch_of({"value"})).ok());
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(append(p1, batch_of({"value"})).ok());
  files_.crash();
  log_.reset();
  files_.flip_bit("/log/topic-0/" + Segment::file_name(0), 65);
  open();
  EXPECT_EQ(log_->offsets(p0).error().code, "KAFKA_STORAGE_ERROR");
  EXPECT_EQ(log_->offsets(p1)->high_watermark, 200);
  files_.flip_bit("/log/topic-0/" + Segment::file_name(0), 65);
  EXPECT_EQ(log_->offsets(p0)->high_watermark, 3);
}

TEST_F(DiskLogTest, fsync_fails_once_and_nothing_is_acknowledged_after_it) {
  ASSERT_TRUE(log_->create(p0, {}).ok());
  ASSERT_TRUE(append(p0, batch_of({"a"})).ok());
  files_.fail_at(files_.changes() + 2, "EIO", false);  // the write passes, its sync fails
  EXPECT_EQ(code_of(p0, batch_of({"b"})), "KAFKA_STORAGE_ERROR");
  EXPECT_EQ(code_of(p0, batch_of({"c"})), "KAFKA_STORAGE_ERROR");
  EXPECT_EQ(log_->read(p0, 0, 1000)->high_watermark, 1);
  restart();
  EXPECT_EQ(log_->offsets(p0)->high_watermark, 1);
}

TEST_F(DiskLogTest, the_walk_over_failure_points_loses_nothing_acknowledged) {
  for (uint64_t step = 1; step < 60; ++step) {
    const PartitionId id("walk-" + std::to_string(step));
    files_.fail_at(files_.changes() + step, step % 2 == 0 ? "ENOSPC" : "EIO", true);
    bool created = log_->create(id, {}).ok();
    int acknowledged = 0;
    for (int i = 0; created && i < 12; ++i) {
      if (!append(id, batch_of({"value " + std::to_string(i)})).ok()) break;
      ++acknowledged;
    }
    files_.no_more_failures();
    restart(true, step % 3 * 30);
    if (!created) continue;
    const auto offsets = log_->offsets(id);
    ASSERT_TRUE(offsets.ok()) << "step " << step << ": " << offsets.error().message;
    EXPECT_GE(offsets->high_watermark, acknowledged) << "step " << step;
    EXPECT_LE(offsets->high_watermark, acknowledged + 1) << "step " << step;
    EXPECT_TRUE(append(id, batch_of({"goes on"})).ok()) << "step " << step;
  }
}

TEST_F(DiskLogTest, waits_end_when_data_arrives_or_the_partition_goes) {
  ASSERT_TRUE(log_->create(p0, {}).ok());
  ASSERT_TRUE(log_->create(p1, {}).ok());
  auto beyond = log_->wait_beyond({{p0, 0}, {p1, 0}});
  EXPECT_FALSE(beyond.is_ready());
  ASSERT_TRUE(append(p1, batch_of({"a"})).ok());
  EXPECT_TRUE(beyond.get());
  EXPECT_TRUE(log_->wait_beyond({{p1, 0}}).get());
  auto cancelled = log_->wait_beyond({{p0, 0}});
  log_->cancel_wait(cancelled);
  EXPECT_FALSE(cancelled.get());
  auto removed = log_->wait_beyond({{p0, 0}});
  ASSERT_TRUE(log_->remove(p0).ok());
  EXPECT_TRUE(removed.get());
}

TEST_F(DiskLogTest, what_is_removed_is_not_synced_any_more) {
  const auto changes_of_an_end = [this] {
    const uint64_t before = files_.changes();
    log_.reset();
    const uint64_t changes = files_.changes() - before;
    open();
    return changes;
  };
  const uint64_t idle = changes_of_an_end();
  ASSERT_TRUE(log_->create(p0, {}).ok());
  ASSERT_TRUE(append(p0, batch_of({"a"})).ok());
  ASSERT_TRUE(log_->remove(p0).ok());
  EXPECT_EQ(changes_of_an_end(), idle);
  ASSERT_TRUE(log_->create(p1, {}).ok());
  ASSERT_TRUE(append(p1, batch_of({"a"})).ok());
  EXPECT_EQ(changes_of_an_end(), idle + 2);  // what has waited in memory is written, and synced
}

TEST_F(DiskLogTest, small_shares_wait_in_memory_and_are_read_there) {
  ASSERT_TRUE(log_->create(p0, {}).ok());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(append(p0, batch_of({"v"}, 1000 + i)).ok());
  const std::string segment = "/log/" + p0.value + "/" + Segment::file_name(0);
  EXPECT_EQ(files_.read_file(segment)->size(), 0U);
  const auto read = log_->read(p0, 1, 1 << 20);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(parse_header(read->batches)->base_offset, 1);
  EXPECT_EQ(read->batches.size(), 4 * batch_of({"v"}).size());
  EXPECT_EQ(log_->offset_for(p0, 1003)->offset, 3);
  restart();
  EXPECT_EQ(log_->read(p0, 0, 1 << 20)->batches.size(), 5 * batch_of({"v"}).size());
  restart(false);
  EXPECT_EQ(log_->read(p0, 0, 1 << 20)->batches.size(), 5 * batch_of({"v"}).size());
}

TEST_F(DiskLogTest, what_is_partly_in_memory_is_read_as_one) {
  const size_t one = batch_of({"00"}).size();
  options_ = {.committer = {.gathering = {.share_bytes_max = 2 * one, .bytes_max = 3 * one}}};
  restart();
  ASSERT_TRUE(log_->create(p0, {}).ok());
  for (int end = 1; end <= 20; ++end) {
    // The tenth is too large to wait.
    const std::string value = end == 10 ? std::string(2 * one, 'x') : std::to_string(10 + end);
    ASSERT_TRUE(append(p0, batch_of({value}, 1000 + end)).ok());
    for (int from = 0; from < end; ++from) {
      for (const size_t bytes_max : {size_t{1}, 4 * one + 1, size_t{1} << 20}) {
        const auto read = log_->read(p0, from, bytes_max);
        ASSERT_TRUE(read.ok()) << read.error().message;
        EXPECT_EQ(parse_header(read->batches)->base_offset, from);
        if (bytes_max == 1 << 20) EXPECT_EQ(verify_batches(read->batches)->back().last_offset(), end - 1);
      }
      EXPECT_EQ(log_->offset_for(p0, 1001 + from)->offset, from);
    }
  }
}

TEST_F(DiskLogTest, what_waits_in_memory_is_bounded_over_all_partitions) {
  const std::string one = batch_of({std::string(200, 'x')});
  options_ = {.committer = {.gathered_bytes_max = 4 * one.size()}};
  restart();
  constexpr size_t partitions = 10;
  const auto id = [](size_t index) { return PartitionId("many-" + std::to_string(index)); };
  size_t in_files = 0;
  for (size_t i = 0; i < partitions; ++i) ASSERT_TRUE(log_->create(id(i), {}).ok());
  for (size_t i = 0; i < partitions; ++i) ASSERT_TRUE(append(id(i), one).ok());
  for (size_t i = 0; i < partitions; ++i) {
    const size_t there = files_.read_file("/log/" + id(i).value + "/" + Segment::file_name(0))->size();
    EXPECT_EQ(there, i < partitions - 4 ? one.size() : 0) << i;  // the oldest are written first
    in_files += there;
  }
  EXPECT_EQ(in_files, (partitions - 4) * one.size());
}

TEST_F(DiskLogTest, large_and_small_batches_of_one_round_lie_one_after_the_other) {
  options_ = {.segment_bytes_max = 3 << 20};
  restart();
  ASSERT_TRUE(log_->create(p0, {}).ok());
  std::vector<Future<Result<AppendResult>>> sent;
  for (int i = 0; i < 60; ++i) {
    const std::string batch = batch_of({std::string(i % 3 == 0 ? 100'000 : i % 3 * 20'000, 'x')});
    sent.push_back(log_->append(p0, batch));
  }
  for (int i = 0; i < 60; ++i) EXPECT_EQ(sent[static_cast<size_t>(i)].get()->base_offset, i);
  restart(true);
  for (int64_t next = 0; next < 60;) {
    const auto read = log_->read(p0, next, 1 << 20);
    ASSERT_TRUE(read.ok() && !read->batches.empty()) << next;
    for (std::string_view rest(read->batches); !rest.empty(); ++next) {
      const auto header = parse_header(rest);
      ASSERT_TRUE(header.ok() && verify_checksum(*header, rest).ok());
      EXPECT_EQ(header->base_offset, next);
      EXPECT_EQ(header->size_bytes / 10'000, next % 3 == 0 ? 10 : next % 3 * 2) << next;
      rest.remove_prefix(header->size_bytes);
    }
  }
}

TEST_F(DiskLogTest, timestamps_find_offsets) {
  ASSERT_TRUE(log_->create(p0, {}).ok());
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(append(p0, batch_of({"v"}, 1000 + 10 * i)).ok());
  EXPECT_EQ(log_->offset_for(p0, 0)->offset, 0);
  EXPECT_EQ(log_->offset_for(p0, 1095)->offset, 10);
  EXPECT_EQ(log_->offset_for(p0, 1290)->offset, 29);
  EXPECT_EQ(log_->offset_for(p0, 1291)->offset, -1);
}

TEST_F(DiskLogTest, timestamps_find_records_within_a_batch) {
  ASSERT_TRUE(log_->create(p0, {}).ok());
  const auto plain = build_batch({{"k", "v", 50}, {"k", "v", 20}, {"k", "v", 90}, {"k", "v", 60}});
  auto header = *parse_header(plain);
  const auto found = [&](int64_t timestamp_ms) {
    const auto at = *log_->offset_for(p0, timestamp_ms);
    return std::pair(at.offset, at.timestamp_ms);
  };
  for (const int16_t codec : {0, 1, 2, 3, 4}) {
    header.attributes = codec;
    const auto batch = rebuild_batch(header, {0, 3, -1}, std::string_view(plain).substr(batch_header_bytes),
                                     [](const Record&) { return true; });
    const int64_t first = append(p0, *batch)->base_offset;
    if (first > 0) ASSERT_TRUE(log_->delete_before(p0, first).ok());
    EXPECT_EQ(found(0), std::pair(first, int64_t{50}));
    EXPECT_EQ(found(51), std::pair(first + 2, int64_t{90}));
    EXPECT_EQ(found(91).first, -1);
    ASSERT_TRUE(log_->delete_before(p0, first + 1).ok());
    EXPECT_EQ(found(0), std::pair(first + 1, int64_t{20}));
    ASSERT_TRUE(log_->delete_before(p0, first + 3).ok());
    EXPECT_EQ(found(0), std::pair(first + 3, int64_t{60}));
    EXPECT_EQ(found(61).first, -1);  // what is larger lies before the log's start
  }
  // With the broker's time all of a batch have the same.
  ASSERT_TRUE(log_->configure(p0, {.log_append_time = true}).ok());
  const int64_t stamped = append(p0, plain)->base_offset;
  EXPECT_EQ(found(91), std::pair(stamped, clock_.service_ms()));
  // What cannot be unpacked is one record.
  ASSERT_TRUE(log_->configure(p0, {}).ok());
  const int64_t packed =
      append(p0, build_batch({{"k", "v", 9'000}, {"k", "v", 9'500}}, {.attributes = 4}))->base_offset;
  EXPECT_EQ(found(9'100), std::pair(packed, int64_t{9'500}));
}

TEST_F(DiskLogTest, retention_drops_whole_segments_and_moves_the_log_start) {
  ASSERT_TRUE(log_->create(p0, {.retention_ms = 1000, .log_append_time = true}).ok());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(append(p0, batch_of({"v"}))->log_append_time_ms, 5000);
  clock_.advance_ms(5000);
  ASSERT_EQ(append(p0, batch_of({"late"}))->base_offset, 20);
  log_->retain();
  const auto offsets = *log_->offsets(p0);
  EXPECT_GT(offsets.log_start, 0);
  EXPECT_EQ(offsets.high_watermark, 21);
  EXPECT_EQ(log_->read(p0, 0, 100).error().code, "OFFSET_OUT_OF_RANGE");
  restart();
  EXPECT_EQ(log_->offsets(p0)->log_start, offsets.log_start);
}

TEST_F(DiskLogTest, retention_reaches_what_is_written_slowly) {
  constexpr int64_t day_ms = 24LL * 3600 * 1000;
  options_ = {.segment_bytes_max = 1 << 20};
  restart();
  ASSERT_TRUE(log_->create(p0, {.retention_ms = 30 * day_ms}).ok());
  ASSERT_TRUE(log_->create(p1, {.retention_ms = 30 * day_ms}).ok());
  ASSERT_TRUE(append(p1, batch_of({"v"}, -1)).ok());  // of no known time
  for (int day = 0; day < 100; ++day) {
    ASSERT_TRUE(append(p0, batch_of({"v"}, clock_.service_ms())).ok());
    log_->retain();
    clock_.advance_ms(day_ms);
  }
  const auto offsets = *log_->offsets(p0);
  EXPECT_EQ(offsets.high_watermark, 100);
  EXPECT_GE(offsets.log_start, 60);  // up to a segment of 7 days too many
  EXPECT_LE(offsets.log_start, 70);
  EXPECT_EQ(log_->offsets(p1)->log_start, 0);
}

TEST_F(DiskLogTest, deleted_records_of_an_open_transaction_leave_readers_at_the_start) {
  ASSERT_TRUE(log_->create(p0, {}).ok());
  const BatchOptions open{.producer_id = 7, .producer_epoch = 0, .base_sequence = 0, .attributes = 0x10};
  ASSERT_TRUE(append(p0, build_batch({{"k", "v", 1}}, open)).ok());
  ASSERT_TRUE(append(p0, batch_of({"a", "b"})).ok());
  ASSERT_TRUE(log_->delete_before(p0, 1).ok());
  EXPECT_EQ(log_->offsets(p0)->last_stable, 1);
  const auto read = log_->read(p0, 1, 1000, Isolation::read_committed);
  ASSERT_TRUE(read.ok()) << read.error().code;
  EXPECT_TRUE(read->batches.empty());
  EXPECT_EQ(read->last_stable_offset, 1);
}

// Format 1: no journal, no indexes, no snapshot of the producers.
TEST_F(DiskLogTest, a_folder_of_the_first_form_opens) {
  ASSERT_TRUE(log_->create(p0, {.retention_ms = 77}).ok());
  for (int i = 0; i < 30; ++i) ASSERT_EQ(append(p0, idempotent(i))->base_offset, i);
  log_.reset();
  const auto entries = files_.list("/log/topic-0");
  int segments = 0;
  for (const auto& entry : *entries) {
    segments += Segment::base_offset_of(entry.name) ? 1 : 0;
    if (!entry.name.ends_with(".log")) ASSERT_TRUE(files_.remove("/log/topic-0/" + entry.name).ok());
  }
  ASSERT_GT(segments, 2);
  ASSERT_TRUE(files_.remove("/log/journal.0").ok() && files_.remove("/log/journal.1").ok());
  ASSERT_TRUE(
      files_.write_file_durably("/log/topic-0/partition", "mekong-partition 1\n77 -1 1048588 0\n3 0 0\n")
          .ok());
  open();
  EXPECT_EQ(log_->offsets(p0)->high_watermark, 30);
  EXPECT_EQ(log_->offsets(p0)->log_start, 3);
  EXPECT_TRUE(append(p0, idempotent(29))->duplicate);
  EXPECT_EQ(append(p0, idempotent(30))->base_offset, 30);
  EXPECT_EQ(parse_header(log_->read(p0, 4, 1)->batches)->base_offset, 4);
  restart();
  EXPECT_EQ(log_->offsets(p0)->high_watermark, 31);
  EXPECT_TRUE(append(p0, idempotent(30))->duplicate);
}

TEST_F(DiskLogTest, what_is_damaged_is_not_served) {
  ASSERT_TRUE(log_->create(p0, {}).ok());
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(append(p0, batch_of({"value"})).ok());
  log_.reset();
  files_.flip_bit("/log/topic-0/" + Segment::file_name(0), 65);  // in the first batch of a sealed segment
  open();
  EXPECT_EQ(log_->offsets(p0)->high_watermark, 30);
  EXPECT_EQ(log_->read(p0, 0, 1000).error().code, "KAFKA_STORAGE_ERROR");
  EXPECT_TRUE(log_->read(p0, 20, 1000).ok());
}

TEST_F(DiskLogTest, what_is_held_is_what_is_copied_and_verified_as_well) {
  os::PosixFiles files;
  char name[] = "/tmp/mekong_log_XXXXXX";
  const std::string folder = ::mkdtemp(name);
  log_ = std::move(*DiskLog::open(files, clock_, random_, null_logger(), folder + "/log"));
  ASSERT_TRUE(log_->create(p0, {}).ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(append(p0, batch_of({std::string(100'000, 'v')})).ok());
  for (const auto& [offset, bytes, upto] : {std::tuple{0, 1 << 20, 10}, {3, 350'000, 6}, {2, 200'000, 3}}) {
    const auto held = log_->read(p0, offset, bytes, Isolation::read_uncommitted, ReadAs::held);
    const auto copied = log_->read(p0, offset, bytes);
    ASSERT_TRUE(held.ok() && copied.ok());
    if (!held->held) GTEST_SKIP() << "no file system here whose pages can be held";
    EXPECT_EQ(held->held->bytes().substr(0, held->held_bytes), copied->batches);
    EXPECT_EQ(copied->batches.size() / 100'000, upto - offset);
  }
  // One that is larger than what was asked for is read.
  EXPECT_EQ(log_->read(p0, 2, 1000, Isolation::read_uncommitted, ReadAs::held)->batches,
            log_->read(p0, 2, 1000)->batches);
  auto segment = files.open(folder + "/log/topic-0/" + Segment::file_name(0), os::OpenMode::write);
  ASSERT_TRUE(segment.ok() && (*segment)->write(500'000, "w").ok());
  EXPECT_EQ(log_->read(p0, 3, 1 << 20, Isolation::read_uncommitted, ReadAs::held).error().code,
            "KAFKA_STORAGE_ERROR");
  log_.reset();
  EXPECT_TRUE(files.remove_tree(folder).ok());
}

// A file system whose sync of all reaches no medium, or tells of a failure that is another's.
class SyncsNothing final : public os::MemoryFiles {
 public:
  explicit SyncsNothing(Status answer) : answer_(std::move(answer)) {}
  Status sync_all(const std::string&) override { return answer_; }

 private:
  const Status answer_;
};

TEST_F(DiskLogTest, what_many_partitions_had_is_durable_by_their_own_syncs) {
  for (const Status& answer : {Status(ok()), Status(Error{"EIO", "on purpose"})}) {
    SyncsNothing files(answer);
    const auto reopen = [&] {
      log_.reset();
      files.crash();
      auto opened =
          DiskLog::open(files, clock_, random_, null_logger(), "/log", {.restored_together_min = 2});
      ASSERT_TRUE(opened.ok());
      log_ = std::move(*opened);
    };
    reopen();
    for (const auto& id : {p0, p1}) {
      ASSERT_TRUE(log_->create(id, {}).ok());
      ASSERT_TRUE(append(id, batch_of({"value"})).ok());
    }
    files.crash();  // the journal has them, their files do not
    reopen();       // replayed, and gone again before anything else was synced
    reopen();
    for (const auto& id : {p0, p1}) EXPECT_EQ(log_->offsets(id)->high_watermark, 1);
    log_.reset();
  }
}

// Out of descriptors: what was open goes on.
class OpensNoSegment final : public os::MemoryFiles {
 public:
  Result<std::unique_ptr<os::File>> open(const std::string& path, os::OpenMode mode) override {
    if (out && path.ends_with(".log")) return Error{"EMFILE", "on purpose"};
    return MemoryFiles::open(path, mode);
  }
  std::atomic<bool> out = false;
};

TEST_F(DiskLogTest, what_waits_in_memory_is_written_without_a_descriptor_more) {
  OpensNoSegment files;
  log_.reset();
  log_ = std::move(*DiskLog::open(files, clock_, random_, null_logger(), "/log",
                                  {.journal_bytes_max = 64 << 10, .open_files_max = 1}));
  const PartitionId last("topic-2");
  for (const auto& id : {p0, p1, last}) {
    ASSERT_TRUE(log_->create(id, {}).ok());
    ASSERT_TRUE(append(id, batch_of({"value"})).ok());
  }
  files.out = true;
  for (int i = 0; i < 40; ++i) ASSERT_EQ(code_of(last, batch_of({std::string(4000, 'x')})), "ok");
  files.out = false;
  EXPECT_TRUE(log_->read(p0, 0, 1000).ok());
  log_.reset();
}

TEST_F(DiskLogTest, a_journal_that_is_damaged_is_reported) {
  ASSERT_TRUE(log_->create(p0, {}).ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(append(p0, batch_of({"value"})).ok());
  files_.crash();  // the committer can write nothing more
  log_.reset();
  files_.flip_bit("/log/journal.0", 4096 + 200);  // before records that were durable
  auto opened = DiskLog::open(files_, clock_, random_, null_logger(), "/log", options_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, "KAFKA_STORAGE_ERROR");
  files_.flip_bit("/log/journal.0", 4096 + 200);
  open();
  EXPECT_EQ(log_->offsets(p0)->high_watermark, 3);
}

TEST_F(DiskLogTest, a_full_disk_refuses_and_goes_on) {
  options_.segment_bytes_max = 1 << 20;
  restart(false);
  ASSERT_TRUE(log_->create(p0, {}).ok());
  ASSERT_TRUE(append(p0, batch_of({"a"})).ok());
  // The journal has its space; the segment asks for more.
  files_.fail_at(files_.changes() + 1, "ENOSPC", false);
  const std::string large = batch_of({std::string(30'000, 'x')});
  EXPECT_EQ(code_of(p0, large), "KAFKA_STORAGE_ERROR");
  EXPECT_EQ(log_->offsets(p0)->high_watermark, 1);
  EXPECT_EQ(append(p0, batch_of({"b"}))->base_offset, 1);
}

TEST_F(DiskLogTest, a_disk_that_is_full_while_a_segment_ends_refuses_and_goes_on) {
  bool reached = true;
  for (uint64_t step = 1; reached; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    const PartitionId id("full-" + std::to_string(step));
    ASSERT_TRUE(log_->create(id, {}).ok());
    int64_t next = 0;
    while (files_.list("/log/" + id.value)->size() < 4) {
      ASSERT_EQ(append(id, batch_of({std::string(50, 'v')}))->base_offset, next++);
    }
    for (int i = 0; i < 3; ++i) ASSERT_EQ(append(id, batch_of({std::string(50, 'v')}))->base_offset, next++);
    const uint64_t fail_at = files_.changes() + step;
    // The segment that is written has room for one more.
    for (int i = 0; i < 2; ++i) {
      files_.fail_at(fail_at, "ENOSPC", false);
      const auto done = append(id, batch_of({std::string(50, 'v')}));
      files_.no_more_failures();
      if (done.ok()) ++next;
    }
    reached = files_.changes() >= fail_at;
    const auto after = append(id, batch_of({"after"}));
    if (!after.ok()) restart();  // a sync failed: that stops the log
    EXPECT_GE(log_->offsets(id)->high_watermark, next);
    EXPECT_TRUE(append(id, batch_of({"goes on"})).ok());
    restart();
    EXPECT_GE(log_->offsets(id)->high_watermark, next + 1);
  }
}

TEST_F(DiskLogTest, read_committed_stops_at_what_is_open_and_names_what_was_aborted) {
  const auto in_transaction = [](int32_t sequence) {
    return build_batch(
        {{std::nullopt, "v", 1}},
        {.producer_id = 7, .producer_epoch = 0, .base_sequence = sequence, .attributes = 0x10});
  };
  ASSERT_TRUE(log_->create(p0, {}).ok());
  ASSERT_TRUE(append(p0, in_transaction(0)).ok());
  ASSERT_TRUE(append(p0, batch_of({"plain"})).ok());
  EXPECT_EQ(log_->offsets(p0)->last_stable, 0);
  EXPECT_TRUE(log_->read(p0, 0, 1000, Isolation::read_committed)->batches.empty());
  EXPECT_FALSE(log_->read(p0, 0, 1000)->batches.empty());
  EXPECT_EQ(code_of(p0, idempotent(1)), "INVALID_TXN_STATE");
  EXPECT_EQ(log_->end_transaction(p0, {7, 0, false}).get()->base_offset, 2);
  EXPECT_EQ(log_->end_transaction(p0, {7, 0, false}).get()->base_offset, -1);
  for (int round = 0; round < 2; ++round) {
    const auto read = log_->read(p0, 0, 1000, Isolation::read_committed);
    EXPECT_EQ(read->last_stable_offset, 3);
    EXPECT_EQ(read->aborted, (std::vector<AbortedTransaction>{{7, 0}}));
    restart();
  }
  // A marker of a newer epoch fences what is still to come of the older one.
  ASSERT_TRUE(append(p0, in_transaction(1)).ok());
  ASSERT_TRUE(log_->end_transaction(p0, {7, 1, true}).get().ok());
  EXPECT_EQ(code_of(p0, in_transaction(2)), "INVALID_PRODUCER_EPOCH");
}

TEST_F(DiskLogTest, random_operations_agree_with_a_simple_model) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  ASSERT_TRUE(log_->create(p0, {}).ok());
  std::vector<std::string> model;
  for (int step = 0; step < 400; ++step) {
    const auto dice = random() % 20;
    if (dice == 0) {
      restart(random() % 2 == 0, random() % 40);
    } else if (dice < 12) {
      const std::string value = std::to_string(random());
      ASSERT_EQ(append(p0, batch_of({value}))->base_offset, static_cast<int64_t>(model.size()));
      model.push_back(value);
    } else if (!model.empty()) {
      const auto at = static_cast<int64_t>(random() % model.size());
      const auto read = log_->read(p0, at, 1);
      ASSERT_TRUE(read.ok());
      EXPECT_EQ(parse_header(read->batches)->base_offset, at);
      EXPECT_NE(read->batches.find(model[static_cast<size_t>(at)]), std::string::npos);
    }
    ASSERT_EQ(log_->offsets(p0)->high_watermark, static_cast<int64_t>(model.size()));
  }
}

}  // namespace
}  // namespace mekong::log
