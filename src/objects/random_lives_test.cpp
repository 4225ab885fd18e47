// The whole stack, objects over blob over RocksDB, on one in-memory disk: random operations, a failure at a
// random step, a power cut, and then everything is held against a simple model.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "meta/rocksdb_store.h"
#include "objects/objects.h"
#include "os/memory_files.h"

namespace mekong::objects {
namespace {

// What a key holds; absent: no object.
using Content = std::map<std::string, std::string>;
using Outcome = std::optional<std::string>;

class RandomLives : public testing::Test {
 protected:
  Status open() {
    close();
    MEKONG_TRY(files_.make_directories("/data"));
    MEKONG_TRY_ASSIGN(meta_,
                      meta::open_rocksdb_on(files_, "/data/meta", {"s3", "blob"}, meta::Durability::sync));
    MEKONG_TRY_ASSIGN(
        blobs_,
        blob::open_store(
            files_, clock_, ids_, *meta_, null_logger(),
            {.folder = "/data/blobs", .inline_bytes_max = 1000, .grace_ms = 0, .collect_interval_ms = 0}));
    store_ = make_store(*meta_, *blobs_, clock_, ids_);
    return ok();
  }
  void close() {
    store_.reset();
    blobs_.reset();
    meta_.reset();
  }

  std::string some_key() { return "k" + std::to_string(random_() % 6); }
  std::string some_bytes() {
    const size_t sizes[] = {0, 10, 900, 5'000, 80'000};
    std::string bytes(sizes[random_() % 5], static_cast<char>('a' + random_() % 26));
    return std::to_string(++serial_) + bytes;
  }

  Status put(const std::string& key, const std::string& bytes) {
    MEKONG_TRY_ASSIGN(auto writer, store_->put("bucket", key, {}));
    for (size_t at = 0; at < bytes.size(); at += 30'000)
      MEKONG_TRY(writer->append(std::string_view(bytes).substr(at, 30'000)));
    MEKONG_TRY(writer->commit());
    return ok();
  }
  Status put_parts(const std::string& key, const std::vector<std::string>& parts) {
    MEKONG_TRY_ASSIGN(const auto upload, store_->create_upload("bucket", key, {}));
    const UploadPlace place{"bucket", key, upload.id};
    std::vector<CompletedPart> done;
    for (const auto& bytes : parts) {
      const auto number = static_cast<int32_t>(done.size() + 1);
      MEKONG_TRY_ASSIGN(auto writer, store_->put_part(place, number, {}));
      MEKONG_TRY(writer->append(bytes));
      MEKONG_TRY_ASSIGN(const auto part, writer->commit());
      done.push_back({number, part.etag});
    }
    MEKONG_TRY(store_->complete_upload(place, done, {}));
    return ok();
  }
  Status copy(const std::string& from, const std::string& to) {
    MEKONG_TRY_ASSIGN(const auto source, store_->head("bucket", from));
    MEKONG_TRY(store_->copy(source, "bucket", to, std::nullopt));
    return ok();
  }

  // One random change of one key. Sets what the key holds after success.
  Status change(const Content& model, std::string& key, Outcome& outcome) {
    key = some_key();
    switch (random_() % 6) {
      case 0:
        outcome.reset();
        return store_->remove("bucket", key);
      case 1: {
        const std::string from =
            model.empty() ? key
                          : std::next(model.begin(), static_cast<long>(random_() % model.size()))->first;
        if (!model.contains(from)) return put(key, *(outcome = some_bytes()));
        outcome = model.at(from);
        return copy(from, key);
      }
      case 2: {
        const std::vector<std::string> parts{std::string(5 << 20, 'p') + some_bytes(), some_bytes()};
        outcome = parts[0] + parts[1];
        return put_parts(key, parts);
      }
      default:
        outcome = some_bytes();
        return put(key, *outcome);
    }
  }

  Outcome get(const std::string& key) {
    auto object = store_->head("bucket", key);
    if (!object.ok()) {
      EXPECT_EQ(object.error().code, "NoSuchKey");
      return std::nullopt;
    }
    auto content = store_->read(*object, 0, object->size_bytes);
    EXPECT_TRUE(content.ok()) << key << ": " << content.error().code;
    return content.ok() ? Outcome(*content) : std::nullopt;
  }
  // Files that no object needs must be gone after a start.
  size_t content_files() {
    size_t count = 0;
    auto folders = files_.list("/data/blobs");
    for (const auto& folder : folders.value()) {
      auto entries = files_.list("/data/blobs/" + folder.name);
      count += entries->size();
    }
    return count;
  }

  void live(Content& model, std::map<std::string, std::vector<Outcome>>& maybe) {
    for (int step = 0; step < 12; ++step) {
      std::string key;
      Outcome outcome;
      const bool done = change(model, key, outcome).ok();
      const bool known = model.contains(key);
      if (done) {
        outcome ? void(model[key] = *outcome) : void(model.erase(key));
        // An answered change of the key settles what an earlier failure had left open; removing what is not
        // there changes nothing.
        if (known || outcome) maybe.erase(key);
      } else {
        maybe[key].push_back(outcome);
      }
    }
  }

  void compare(Content& model, const std::map<std::string, std::vector<Outcome>>& maybe) {
    for (int i = 0; i < 6; ++i) {
      const std::string key = "k" + std::to_string(i);
      const Outcome stored = get(key);
      const Outcome expected = model.contains(key) ? Outcome(model.at(key)) : std::nullopt;
      const auto open = maybe.find(key);
      const bool possible = open != maybe.end() &&
                            std::find(open->second.begin(), open->second.end(), stored) != open->second.end();
      EXPECT_TRUE(stored == expected || possible)
          << key << " holds " << stored.value_or("nothing").substr(0, 10) << ", expected "
          << expected.value_or("nothing").substr(0, 10);
      stored ? void(model[key] = *stored) : void(model.erase(key));
    }
    auto listed = store_->list({.bucket = "bucket"});
    ASSERT_TRUE(listed.ok());
    EXPECT_EQ(listed->objects.size(), model.size());
  }

  os::MemoryFiles files_;
  os::ManualClock clock_{1'700'000'000'000};
  os::SeededRandom ids_{7};
  std::mt19937_64 random_;
  uint64_t serial_ = 0;
  std::unique_ptr<meta::Store> meta_;
  std::unique_ptr<blob::Store> blobs_;
  std::unique_ptr<Store> store_;
};

// Replay: MEKONG_SEED=<seed> mekong_objects_test --gtest_filter='RandomLives.*'
TEST_F(RandomLives, agree_with_a_simple_model) {
  const char* given = std::getenv("MEKONG_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE("MEKONG_SEED=" + std::to_string(seed));
  random_.seed(seed);
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(store_
                  ->create_bucket(
                      {.name = "bucket", .owner = AccountId("000000000001"), .region = Region("us-east-1")})
                  .ok());
  Content model;
  for (int life = 0; life < 30 && !HasFailure(); ++life) {
    std::map<std::string, std::vector<Outcome>> maybe;  // of changes that were answered with an error
    files_.fail_at(files_.changes() + 1 + random_() % 120, random_() % 2 == 0 ? "EIO" : "ENOSPC",
                   random_() % 2 == 0);
    live(model, maybe);
    if (random_() % 3 != 0) files_.power_cut(random_());
    close();
    files_.no_more_failures();
    auto opened = open();
    ASSERT_TRUE(opened.ok()) << "life " << life << ": " << opened.error().message;
    compare(model, maybe);
  }
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(store_->remove("bucket", "k" + std::to_string(i)).ok());
  auto uploads = store_->uploads({.bucket = "bucket"});
  ASSERT_TRUE(uploads.ok());
  for (const auto& upload : uploads->uploads)
    ASSERT_TRUE(store_->abort_upload({"bucket", upload.key, upload.id}).ok());
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(content_files(), 0u);
}

}  // namespace
}  // namespace mekong::objects
