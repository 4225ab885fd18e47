#include "blob/store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "blob/format.h"

namespace mekong::blob {
namespace {

class BlobStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "mekong-blob-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    reopen();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void reopen() {
    store_.reset();
    auto opened = open_store(files_, clock_, random_, *meta_, null_logger(),
                             {.folder = folder_ + "/blobs", .grace_ms = 1000, .collect_interval_ms = 0});
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::move(opened).value();
  }
  BlobRef put(const std::string& bytes, bool commit = true) {
    auto writer = store_->create();
    for (size_t at = 0; at < bytes.size(); at += 50'000) {
      EXPECT_TRUE(writer->append(std::string_view(bytes).substr(at, 50'000)).ok());
    }
    meta::Batch batch;
    auto ref = writer->finish(batch);
    EXPECT_TRUE(ref.ok());
    if (commit) EXPECT_TRUE(meta_->commit(std::move(batch)).get().ok());
    return ref.value();
  }
  std::string read(const BlobRef& ref, uint64_t offset = 0, size_t bytes = SIZE_MAX) {
    auto content = store_->read(ref, offset, bytes);
    return content.ok() ? content.value() : content.error().code;
  }
  Status change(Status (Store::*how)(meta::Batch&, const BlobRef&), const BlobRef& ref) {
    meta::Batch batch;
    MEKONG_TRY((store_.get()->*how)(batch, ref));
    return meta_->commit(std::move(batch)).get();
  }
  std::string file(const BlobRef& ref) const {
    return folder_ + "/blobs/" + ref.id.substr(0, 2) + "/" + ref.id;
  }
  static std::string content(size_t bytes, uint64_t seed) {
    std::string made(bytes, '\0');
    os::SeededRandom(seed).fill(made.data(), bytes);
    return made;
  }

  std::string folder_;
  os::PosixFiles files_;
  os::ManualClock clock_{1'000'000};
  os::SeededRandom random_{7};
  std::unique_ptr<meta::Store> meta_ = meta::make_memory_store();
  std::unique_ptr<Store> store_;
};

TEST_F(BlobStoreTest, gives_back_any_range_of_small_and_large_content) {
  for (size_t bytes : {1u, 100u, 32u << 10, (32u << 10) + 1, 65536u, 65537u, 3'000'000u}) {
    auto bytes_in = content(bytes, bytes);
    auto ref = put(bytes_in);
    EXPECT_EQ(ref.size_bytes, bytes);
    EXPECT_EQ(ref.inline_content, bytes <= 32 << 10);
    EXPECT_TRUE(read(ref) == bytes_in) << bytes;
    for (uint64_t offset : {0u, 1u, 65535u, 65536u, 1'000'000u}) {
      auto expected = offset < bytes ? bytes_in.substr(offset, 70'000) : "";
      EXPECT_TRUE(read(ref, offset, 70'000) == expected) << bytes << " " << offset;
    }
  }
}

TEST_F(BlobStoreTest, bitflip_every_block) {
  auto ref = put(content(200'000, 1));
  auto size = std::filesystem::file_size(file(ref));
  for (uint64_t at = 100; at < size; at += at < 200'000 ? block_bytes / 2 : 1) {
    auto flip = [&] {
      std::fstream stream(file(ref), std::ios::in | std::ios::out | std::ios::binary);
      stream.seekg(static_cast<std::streamoff>(at));
      char byte = static_cast<char>(stream.get());
      stream.seekp(static_cast<std::streamoff>(at));
      stream.put(static_cast<char>(byte ^ 4));
    };
    flip();
    reopen();
    EXPECT_EQ(read(ref), "ContentCorrupt") << at;
    flip();
  }
  reopen();
  EXPECT_EQ(read(ref).size(), 200'000u);
}

TEST_F(BlobStoreTest, misdirected_write) {
  auto first = put(content(200'000, 1));
  auto second = put(content(200'000, 1));
  std::filesystem::copy_file(file(first), file(second), std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(read(second), "ContentCorrupt");
  std::filesystem::resize_file(file(first), 100'000);
  EXPECT_EQ(read(first), "ContentCorrupt");
}

TEST_F(BlobStoreTest, inline_content_is_checked_too) {
  auto ref = put("hello");
  ASSERT_TRUE(meta_->commit(meta::Batch().put("blob", "c/" + ref.id, "xxxxhellO")).get().ok());
  EXPECT_EQ(read(ref), "ContentCorrupt");
}

TEST_F(BlobStoreTest, content_goes_with_its_last_reference_after_the_grace_time) {
  for (size_t bytes : {10u, 100'000u}) {
    auto ref = put(content(bytes, 1));
    EXPECT_TRUE(change(&Store::retain, ref).ok());
    EXPECT_TRUE(change(&Store::release, ref).ok());
    clock_.advance_ms(5000);
    EXPECT_TRUE(store_->collect().ok());
    EXPECT_EQ(read(ref).size(), bytes);

    EXPECT_TRUE(change(&Store::release, ref).ok());
    EXPECT_TRUE(store_->collect().ok());
    EXPECT_EQ(read(ref).size(), bytes);  // grace
    EXPECT_EQ(change(&Store::retain, ref).error().code, "ConditionFailed");
    clock_.advance_ms(5000);
    auto pin = store_->pin(ref);
    EXPECT_TRUE(store_->collect().ok());
    EXPECT_EQ(read(ref).size(), bytes);  // pinned
    pin.reset();
    EXPECT_TRUE(store_->collect().ok());
    EXPECT_EQ(read(ref), "ContentMissing");
    EXPECT_FALSE(std::filesystem::exists(file(ref)));
  }
  EXPECT_TRUE(meta_->scan("blob", {}).value().empty());
}

TEST_F(BlobStoreTest, what_was_not_committed_is_swept_at_the_next_start) {
  auto kept = put(content(100'000, 1));
  auto lost = put(content(100'000, 2), false);
  EXPECT_TRUE(std::filesystem::exists(file(lost)));
  reopen();
  EXPECT_FALSE(std::filesystem::exists(file(lost)));
  EXPECT_EQ(read(kept).size(), 100'000u);
}

TEST_F(BlobStoreTest, an_abandoned_writer_and_a_discarded_content_leave_nothing) {
  {
    auto writer = store_->create();
    EXPECT_TRUE(writer->append(content(2'000'000, 1)).ok());
  }
  store_->discard(put(content(100'000, 2), false));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
    EXPECT_FALSE(entry.is_regular_file()) << entry.path();
  }
}

TEST_F(BlobStoreTest, hands_out_descriptors) {
  for (size_t bytes : {10u, 100'000u}) {
    auto bytes_in = content(bytes, 3);
    auto ref = put(bytes_in);
    auto descriptor = store_->open_descriptor(ref);
    ASSERT_TRUE(descriptor.ok());
    std::string found(bytes, '\0');
    EXPECT_EQ(::pread(*descriptor, found.data(), bytes, 0), static_cast<ssize_t>(bytes));
    EXPECT_TRUE(found == bytes_in);
    EXPECT_LT(::pwrite(*descriptor, "x", 1, 0), 0);
    ::close(*descriptor);
  }
}

}  // namespace
}  // namespace mekong::blob
