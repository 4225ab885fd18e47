// Flipped bits at random places of every kind of file: each is named by verify() or changes nothing that is
// read; what is read is what was written, or an error. MEKONG_LOG_SEED=n runs one seed again.
#include "log/verify.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "log/batch_builder.h"
#include "log/disk_log.h"
#include "os/memory_files.h"

namespace mekong::log {
namespace {

const PartitionId partitions[] = {PartitionId("a-0"), PartitionId("b-0")};

std::string value_of(int number) {
  return "<value " + std::to_string(number) + std::string(static_cast<size_t>(number % 7) * 30, '.') + ">";
}

class FlippedBits : public testing::Test {
 protected:
  Status open() {
    log_.reset();
    MEKONG_TRY_ASSIGN(log_, DiskLog::open(*files_, clock_, salts_, null_logger(), "/log",
                                          {.segment_bytes_max = 1500, .journal_bytes_max = 12000}));
    return ok();
  }
  // A log with sealed segments, indexes, producers, transactions, journals. `crashed`: its journal is full.
  void write(bool crashed) {
    log_.reset();
    files_ = std::make_unique<os::MemoryFiles>();
    ASSERT_TRUE(open().ok());
    for (const auto& id : partitions) ASSERT_TRUE(log_->create(id, {.retention_ms = -1}).ok());
    for (int i = 0; i < 40; ++i) {
      const int16_t attributes = i % 10 < 5 ? 0x10 : 0;
      const BatchOptions options{
          .producer_id = 5, .producer_epoch = 0, .base_sequence = i, .attributes = attributes};
      for (const auto& id : partitions) {
        ASSERT_TRUE(
            log_->append(id, build_batch({{std::nullopt, value_of(i), 1000 + i}}, options)).get().ok());
        if (i % 10 == 4) ASSERT_TRUE(log_->end_transaction(id, {5, 0, i % 20 == 4}).get().ok());
      }
    }
    if (crashed) files_->crash();
    log_.reset();
  }
  std::vector<std::string> all_files() {
    std::vector<std::string> out;
    std::vector<std::string> folders = {"/log"};
    while (!folders.empty()) {
      const std::string folder = folders.back();
      folders.pop_back();
      const auto entries = files_->list(folder);
      for (const auto& entry : *entries) {
        (entry.is_directory ? folders : out).push_back(folder + "/" + entry.name);
      }
    }
    return out;
  }
  // Everything a reader takes, or the error at its place; answers by time, too.
  std::vector<std::string> read_all() {
    std::vector<std::string> out;
    for (const auto& id : partitions) {
      const auto offsets = log_->offsets(id);
      if (!offsets.ok()) {
        out.push_back("error");
        continue;
      }
      out.push_back(std::to_string(offsets->log_start) + "-" + std::to_string(offsets->high_watermark));
      for (int64_t at = 0; at < 48; ++at) {
        const auto read = log_->read(id, at, 1, Isolation::read_committed);
        const auto found = log_->offset_for(id, 1000 + at);
        std::string text = read.ok() ? read->batches : "error";
        if (read.ok()) {
          for (const auto& one : read->aborted) text += "," + std::to_string(one.first_offset);
        }
        out.push_back(text);
        out.push_back(found.ok() ? std::to_string(found->offset) : "error");
      }
    }
    return out;
  }

  // Returns whether verify() has named the file.
  void flip(std::mt19937_64& random, const std::vector<std::string>& truth, bool crashed) {
    const auto names = all_files();
    const std::string path = names[random() % names.size()];
    const uint64_t size = files_->open(path, os::OpenMode::read).value()->size().value();
    if (size == 0) return;
    const uint64_t at = random() % size;
    const int bit = static_cast<int>(random() % 8);
    SCOPED_TRACE(path + " byte " + std::to_string(at) + " bit " + std::to_string(bit));
    files_->flip_bit(path, at, bit);
    Verification found;
    const uint64_t before = files_->changes();
    ASSERT_TRUE(verify(*files_, "/log", found).ok());
    EXPECT_EQ(files_->changes(), before) << "verify() has changed something";
    bool named = false;
    // (Of the journal's two files the good one may be told to lack the other.)
    const std::string journal = "/log/journal.";
    for (const auto& one : found.findings) {
      named = named || one.file == path || (path.starts_with(journal) && one.file.starts_with(journal));
    }
    named ? ++named_ : ++harmless_;
    if (!open().ok()) {
      EXPECT_TRUE(named);
      return;
    }
    const auto there = read_all();
    ASSERT_EQ(there.size() <= truth.size(), true);
    // A last record of the journal that is damaged when the power goes is a torn one: its round is not there.
    const bool maybe_torn = crashed && path.starts_with(journal);
    if (!named && !maybe_torn) EXPECT_EQ(there, truth) << "not named, and not harmless";
    for (size_t i = 0; there.size() == truth.size() && i < there.size(); ++i) {
      const bool batch = there[i].size() > batch_header_bytes;
      if (there[i] != "error" && (batch || !maybe_torn))
        EXPECT_EQ(there[i], truth[i]) << "served, entry " << i;
    }
  }

  std::unique_ptr<os::MemoryFiles> files_;
  os::ManualClock clock_{5000};
  os::SeededRandom salts_{7};
  std::unique_ptr<DiskLog> log_;
  int named_ = 0, harmless_ = 0;
};

TEST_F(FlippedBits, bitflip_every_block) {
  const char* given = std::getenv("MEKONG_LOG_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("MEKONG_LOG_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  for (const bool crashed : {false, true}) {
    write(crashed);
    ASSERT_TRUE(open().ok());
    const auto truth = read_all();
    for (int round = 0; round < 150 && !HasFailure(); ++round) {
      write(crashed);
      flip(random, truth, crashed);
    }
  }
  std::printf("named %d, harmless %d\n", named_, harmless_);
  EXPECT_GT(named_, 150);
}

TEST_F(FlippedBits, a_whole_log_has_nothing_to_name) {
  for (const bool crashed : {false, true}) {
    write(crashed);
    Verification found;
    ASSERT_TRUE(verify(*files_, "/log", found).ok());
    for (const auto& one : found.findings) ADD_FAILURE() << one.file << ": " << one.what;
    EXPECT_GT(found.files, 10u);
  }
}

TEST_F(FlippedBits, every_damaged_batch_is_named_with_its_place) {
  write(false);
  const std::string path = "/log/a-0/" + Segment::file_name(0);
  const auto second = parse_header(files_->read_file(path).value())->size_bytes;
  files_->flip_bit(path, 70, 0);
  files_->flip_bit(path, second + 70, 0);
  Verification found;
  ASSERT_TRUE(verify(*files_, "/log", found).ok());
  ASSERT_EQ(found.findings.size(), 2u);
  EXPECT_EQ(found.findings[0].offset, 0u);
  EXPECT_EQ(found.findings[1].offset, second);
  EXPECT_EQ(found.findings[1].object, "partition a-0");
  ASSERT_TRUE(files_->remove("/log/b-0/" + Segment::file_name(0)).ok());
  Verification missing;
  ASSERT_TRUE(verify(*files_, "/log", missing).ok());
  EXPECT_EQ(missing.findings.back().file, "/log/b-0/" + Segment::file_name(0).substr(0, 20) + ".index");
}

}  // namespace
}  // namespace mekong::log
