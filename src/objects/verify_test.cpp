// Flipped bits at random places of stored contents are named, with their object; so are records and counters
// that do not fit. MEKONG_BLOB_SEED=n runs one seed again.
#include "objects/verify.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "objects/objects.h"
#include "os/memory_files.h"

namespace mekong::objects {
namespace {

class ObjectVerifyTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = blob::open_store(files_, clock_, random_, *meta_, null_logger(),
                                   {.folder = "/blobs", .collect_interval_ms = 0});
    ASSERT_TRUE(opened.ok());
    blobs_ = std::move(opened).value();
    store_ = make_store(*meta_, *blobs_, clock_, random_);
    Bucket bucket{.name = "bucket", .owner = AccountId("000000000001"), .region = Region("us-east-1")};
    ASSERT_TRUE(store_->create_bucket(bucket).ok());
    for (int i = 0; i < 5; ++i) put("small" + std::to_string(i), std::string(100, 's'));
    for (int i = 0; i < 3; ++i)
      put("large" + std::to_string(i), std::string(200'000, static_cast<char>('a' + i)));
    ASSERT_TRUE(store_->copy(*store_->head("bucket", "large0"), "bucket", "copy", std::nullopt).ok());
    const auto upload = store_->create_upload("bucket", "parts", {});
    auto part = store_->put_part({"bucket", "parts", upload->id}, 1, {});
    ASSERT_TRUE((*part)->append(std::string(70'000, 'p')).ok());
    ASSERT_TRUE((*part)->commit().ok());
  }
  void put(const std::string& key, const std::string& bytes) {
    auto writer = store_->put("bucket", key, {});
    ASSERT_TRUE((*writer)->append(bytes).ok());
    ASSERT_TRUE((*writer)->commit().ok());
  }
  Verification verified() {
    Verification found;
    blob::Verifier contents(files_, *meta_, "/blobs", found);
    EXPECT_TRUE(verify(*meta_, contents, found).ok());
    return found;
  }
  std::vector<std::string> content_files() {
    std::vector<std::string> out;
    for (const auto all = files_.list("/blobs"); const auto& folder : *all) {
      for (const auto below = files_.list("/blobs/" + folder.name); const auto& entry : *below) {
        out.push_back("/blobs/" + folder.name + "/" + entry.name);
      }
    }
    return out;
  }

  os::MemoryFiles files_;
  os::ManualClock clock_{1'700'000'000'000};
  os::SeededRandom random_{7};
  std::unique_ptr<meta::Store> meta_ = meta::make_memory_store();
  std::unique_ptr<blob::Store> blobs_;
  std::unique_ptr<Store> store_;
};

TEST_F(ObjectVerifyTest, every_flipped_bit_of_a_content_is_named_and_not_served) {
  EXPECT_TRUE(verified().findings.empty());
  EXPECT_EQ(verified().files, 4u);
  const char* given = std::getenv("MEKONG_BLOB_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("MEKONG_BLOB_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  const auto names = content_files();
  for (int round = 0; round < 100; ++round) {
    const std::string path = names[random() % names.size()];
    const uint64_t at = random() % files_.read_file(path)->size();
    const int bit = static_cast<int>(random() % 8);
    SCOPED_TRACE(path + " byte " + std::to_string(at) + " bit " + std::to_string(bit));
    files_.flip_bit(path, at, bit);
    const auto found = verified();
    ASSERT_EQ(found.findings.size(), 1u);
    EXPECT_EQ(found.findings[0].file, path);
    EXPECT_EQ(found.findings[0].flaw, Flaw::damaged);
    EXPECT_FALSE(found.findings[0].object.empty());
    for (int i = 0; i < 3; ++i) {
      const auto object = store_->head("bucket", "large" + std::to_string(i));
      const auto content = store_->read(*object, 0, object->size_bytes);
      if (content.ok()) EXPECT_EQ(*content, std::string(200'000, static_cast<char>('a' + i)));
    }
    files_.flip_bit(path, at, bit);
  }
}

TEST_F(ObjectVerifyTest, what_is_missing_or_does_not_fit_is_named) {
  const auto names = content_files();
  ASSERT_TRUE(files_.remove(names[0]).ok());
  ASSERT_EQ(verified().findings.size(), 1u);
  EXPECT_EQ(verified().findings[0].what, "the content is missing");
  const auto references = meta_->scan("blob", meta::prefix_range("r/")).value();
  meta::Batch batch;
  batch.put("blob", references[0].key, "7");
  batch.put("s3", std::string("n/bucket"), "99");
  ASSERT_TRUE(meta_->commit(std::move(batch)).get().ok());
  EXPECT_EQ(verified().findings.size(), 3u);
}

TEST_F(ObjectVerifyTest, a_part_without_its_upload_is_named) {
  const auto upload = meta_->scan("s3", meta::prefix_range("u/")).value().at(0);
  const auto part = meta_->scan("s3", meta::prefix_range("p/")).value().at(0);
  meta::Batch batch;
  batch.remove("s3", upload.key).remove("s3", "m/bucket");
  ASSERT_TRUE(meta_->commit(std::move(batch)).get().ok());
  const auto found = verified();
  ASSERT_EQ(found.findings.size(), 1u);
  EXPECT_EQ(found.findings[0].object, "part " + part.key.substr(2));
  EXPECT_EQ(found.findings[0].what, "its upload is missing");
}

TEST_F(ObjectVerifyTest, content_that_nothing_names_is_unfinished) {
  const std::string path = "/blobs/00/0011223344";
  ASSERT_TRUE(files_.make_directories("/blobs/00").ok());
  ASSERT_TRUE(files_.open(path, os::OpenMode::create).ok());
  const auto found = verified();
  ASSERT_EQ(found.findings.size(), 1u);
  EXPECT_EQ(found.findings[0].flaw, Flaw::unfinished);
}

}  // namespace
}  // namespace mekong::objects
