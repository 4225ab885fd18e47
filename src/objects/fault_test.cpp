// Power cuts and failing files at every step of a put.
#include <gtest/gtest.h>

#include "objects/objects.h"
#include "os/memory_files.h"

namespace mekong::objects {
namespace {

// A store whose parts can be lost and opened again; meta keeps what it acknowledged.
class World {
 public:
  World() {
    open();
    Bucket bucket{.name = "bucket", .owner = AccountId("000000000001"), .region = Region("us-east-1")};
    EXPECT_TRUE(store_->create_bucket(bucket).ok());
  }
  void open() {
    store_.reset();
    blobs_.reset();
    auto opened = blob::open_store(files, clock_, random_, *meta_, null_logger(),
                                   {.folder = "/blobs", .collect_interval_ms = 0});
    ASSERT_TRUE(opened.ok()) << opened.error().code;
    blobs_ = std::move(opened).value();
    store_ = make_store(*meta_, *blobs_, clock_, random_);
  }
  Status put(const std::string& bytes) {
    MEKONG_TRY_ASSIGN(auto writer, store_->put("bucket", "key", {}));
    MEKONG_TRY(writer->append(bytes));
    MEKONG_TRY(writer->commit());
    return ok();
  }
  std::string get() {
    auto object = store_->head("bucket", "key");
    if (!object.ok()) return object.error().code;
    auto content = store_->read(*object, 0, object->size_bytes);
    return content.ok() ? content.value() : content.error().code;
  }
  size_t content_files() {
    size_t count = 0;
    auto folders = files.list("/blobs");
    for (const auto& folder : folders.value()) {
      auto entries = files.list("/blobs/" + folder.name);
      count += entries->size();
    }
    return count;
  }
  os::MemoryFiles files;

 private:
  os::ManualClock clock_{1'700'000'000'000};
  os::SeededRandom random_{7};
  std::unique_ptr<meta::Store> meta_ = meta::make_memory_store();
  std::unique_ptr<blob::Store> blobs_;
  std::unique_ptr<Store> store_;
};

class PutFaultTest : public testing::TestWithParam<std::tuple<std::string, uint64_t>> {};
INSTANTIATE_TEST_SUITE_P(Walk, PutFaultTest,
                         testing::Combine(testing::Values("EIO", "ENOSPC", "EMFILE"),
                                          testing::Values(0, 1000)));

TEST_P(PutFaultTest, overwrite_old_or_new) {
  auto [code, torn_bytes] = GetParam();
  const std::string before(100'000, 'a');
  const std::string after(2'500'000, 'b');
  int failures = 0;
  for (uint64_t step = 1; step < 100; ++step) {
    World world;
    ASSERT_TRUE(world.put(before).ok());
    world.files.fail_at(world.files.changes() + step, code, true);
    bool acknowledged = world.put(after).ok();
    world.files.no_more_failures();
    EXPECT_TRUE(world.get() == (acknowledged ? after : before)) << "before the cut, step " << step;
    world.files.crash(torn_bytes);
    world.open();
    EXPECT_TRUE(world.get() == (acknowledged ? after : before)) << "after the cut, step " << step;
    EXPECT_EQ(world.content_files(), 1u) << step;
    failures += acknowledged ? 0 : 1;
    if (acknowledged) break;
  }
  EXPECT_GT(failures, 5);
  EXPECT_LT(failures, 90);
}

TEST(PutCrashTest, ack_after_flush) {
  World world;
  for (size_t bytes : {10u, 100'000u, 3'000'000u}) {
    std::string content(bytes, 'x');
    ASSERT_TRUE(world.put(content).ok());
    world.files.crash();
    world.open();
    EXPECT_TRUE(world.get() == content) << bytes;
  }
}

TEST(PutCrashTest, a_flipped_bit_is_reported_not_served) {
  World world;
  ASSERT_TRUE(world.put(std::string(100'000, 'x')).ok());
  auto folders = world.files.list("/blobs");
  for (const auto& folder : folders.value()) {
    auto entries = world.files.list("/blobs/" + folder.name);
    for (const auto& entry : entries.value())
      world.files.flip_bit("/blobs/" + folder.name + "/" + entry.name, 70'000);
  }
  EXPECT_EQ(world.get(), "ContentCorrupt");
}

}  // namespace
}  // namespace mekong::objects
