#include "objects/objects.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "base/memory_only.h"
#include "codec/digests.h"
#include "codec/text.h"
#include "meta/forwarding_store.h"

namespace mekong::objects {
namespace {

class ObjectStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "mekong-objects-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    auto opened = blob::open_store(files_, clock_, random_, *meta_, null_logger(),
                                   {.folder = folder_ + "/blobs", .grace_ms = 0, .collect_interval_ms = 0});
    ASSERT_TRUE(opened.ok());
    blobs_ = std::move(opened).value();
    store_ = make_store(*meta_, *blobs_, clock_, random_);
    ASSERT_TRUE(store_->create_bucket(named("bucket")).ok());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static Bucket named(const std::string& name) {
    return {.name = name, .owner = AccountId("000000000001"), .region = Region("us-east-1")};
  }
  std::string put(const std::string& key, std::string_view bytes, PutOptions options = {}) {
    auto writer = store_->put("bucket", key, std::move(options));
    if (!writer.ok()) return writer.error().code;
    if (auto status = writer.value()->append(bytes); !status.ok()) return status.error().code;
    auto object = writer.value()->commit();
    return object.ok() ? object->etag : object.error().code;
  }
  std::string get(const std::string& key) {
    auto object = store_->head("bucket", key);
    if (!object.ok()) return object.error().code;
    auto content = store_->read(*object, 0, object->size_bytes);
    return content.ok() ? content.value() : content.error().code;
  }
  std::string list(ListRequest request) {
    request.bucket = "bucket";
    auto result = store_->list(request);
    if (!result.ok()) return result.error().code;
    std::string text;
    for (const auto& object : result->objects) text += object.key + " ";
    text += "|";
    for (const auto& prefix : result->common_prefixes) text += " " + prefix;
    return text + (result->truncated ? " ..." + result->next_after : "");
  }
  std::string put_part(const Upload& upload, int32_t number, std::string_view bytes) {
    auto writer = store_->put_part({upload.bucket, upload.key, upload.id}, number, {});
    if (!writer.ok()) return writer.error().code;
    EXPECT_TRUE(writer.value()->append(bytes).ok());
    auto part = writer.value()->commit();
    return part.ok() ? part->etag : part.error().code;
  }
  std::string copy_part(const Upload& upload, int32_t number, const Object& source) {
    auto part = store_->copy_part({upload.bucket, upload.key, upload.id}, number, source, {});
    return part.ok() ? part->etag : part.error().code;
  }
  std::string complete(const Upload& upload, const std::vector<CompletedPart>& parts) {
    auto object = store_->complete_upload({upload.bucket, upload.key, upload.id}, parts, {});
    return object.ok() ? object->etag : object.error().code;
  }
  size_t contents() {
    EXPECT_TRUE(blobs_->collect().ok());
    return meta_->scan("blob", meta::prefix_range("r/")).value().size();
  }

  std::string folder_;
  os::PosixFiles files_;
  os::ManualClock clock_{1'700'000'000'000};
  os::SeededRandom random_{7};
  std::unique_ptr<meta::Store> meta_ = meta::make_memory_store();
  std::unique_ptr<blob::Store> blobs_;
  std::unique_ptr<Store> store_;
};

TEST_F(ObjectStoreTest, a_commit_that_is_only_begun_is_one_attempt) {
  const auto begin = [&](std::string_view bytes) {
    auto writer = store_->put("bucket", "k", {});
    EXPECT_TRUE(writer.ok() && (*writer)->append(bytes).ok());
    const MemoryOnly here;
    return (*writer)->begin_commit();
  };
  auto first = begin("first");
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(first->committed.get().ok());
  EXPECT_EQ(first->object.size_bytes, 5u);
  EXPECT_EQ(get("k"), "first");
  EXPECT_EQ(begin(std::string(100'000, 'x')).error().code, MemoryOnly::code);  // would be a file
  auto parts = store_->create_upload("bucket", "k", {});
  auto part = store_->put_part({"bucket", "k", parts->id}, 1, {});
  ASSERT_TRUE(part.ok() && (*part)->append("part").ok());
  EXPECT_EQ((*part)->begin_commit().error().code, MemoryOnly::code);
  EXPECT_EQ(get("k"), "first");
  auto second = begin("second");
  EXPECT_TRUE(second.ok() && second->committed.get().ok());
  EXPECT_EQ(get("k"), "second");
  EXPECT_EQ(contents(), 1u);
}

// What is done on the thread of all connections is little: it neither hashes what will be a file, nor finds
// or lets go of many parts.
TEST_F(ObjectStoreTest, what_is_much_work_is_not_begun) {
  auto writer = store_->put("bucket", "k", {});
  ASSERT_TRUE(writer.ok());
  {
    const MemoryOnly here;
    EXPECT_EQ((*writer)->append(std::string(32'769, 'x')).error().code, MemoryOnly::code);
  }
  EXPECT_TRUE((*writer)->append("little").ok() && (*writer)->commit().ok());  // nothing was kept of it
  EXPECT_EQ(get("k"), "little");
  ASSERT_EQ(put("source", std::string(5 << 20, 's')).size(), 32u);
  const auto source = store_->head("bucket", "source");
  auto upload = store_->create_upload("bucket", "k", {});
  std::vector<CompletedPart> parts;
  for (int32_t number = 1; number <= 100; ++number) {
    const auto part = store_->copy_part({"bucket", "k", upload->id}, number, *source, {});
    ASSERT_TRUE(part.ok());
    parts.push_back({number, part->etag});
  }
  ASSERT_TRUE(complete(*upload, parts).ends_with("-100"));
  {
    const MemoryOnly here;
    EXPECT_TRUE(store_->head("bucket", "source").ok());
    EXPECT_EQ(store_->head("bucket", "k").error().code, MemoryOnly::code);
  }
  EXPECT_EQ(store_->head("bucket", "k")->size_bytes, 100u * (5 << 20));
  auto over = store_->put("bucket", "k", {});
  ASSERT_TRUE(over.ok() && (*over)->append("over").ok());
  {
    const MemoryOnly here;
    EXPECT_EQ((*over)->begin_commit().error().code, MemoryOnly::code);
  }
  EXPECT_EQ(put("k", "over").size(), 32u);
  EXPECT_EQ(get("k"), "over");
}

TEST_F(ObjectStoreTest, a_bucket_changes_in_one_step_or_not_at_all) {
  auto count_up = [](Bucket& bucket) {
    auto& count = bucket.tags["count"];
    count = std::to_string(count.empty() ? 1 : std::stoi(count) + 1);
    return ok();
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 25; ++n) EXPECT_TRUE(store_->update_bucket("bucket", count_up).ok());
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(store_->bucket("bucket")->tags.at("count"), "100");
  auto refused = store_->update_bucket("bucket", [](Bucket& bucket) -> Status {
    bucket.tags.clear();
    return Error{"InvalidTag", "on purpose", 400};
  });
  EXPECT_EQ(refused.error().code, "InvalidTag");
  EXPECT_EQ(store_->bucket("bucket")->tags.size(), 1u);
  EXPECT_TRUE(store_->bucket("bucket")->public_access_block->restrict_buckets);
  EXPECT_TRUE(store_
                  ->update_bucket("bucket",
                                  [](Bucket& bucket) {
                                    bucket.policy = "{}";
                                    bucket.policy_is_public = true;
                                    bucket.public_access_block = {true, true, false, false};
                                    return ok();
                                  })
                  .ok());
  EXPECT_EQ(store_->bucket("bucket")->policy, "{}");
  EXPECT_TRUE(store_->bucket("bucket")->policy_is_public);
  EXPECT_TRUE(store_->bucket("bucket")->public_access_block->ignore_acls);
  EXPECT_FALSE(store_->bucket("bucket")->public_access_block->restrict_buckets);
  EXPECT_EQ(store_->update_bucket("none", count_up).error().code, "NoSuchBucket");
}

// What is known of a bucket is forgotten whoever changes it, and before they hear that it changed.
TEST_F(ObjectStoreTest, a_change_of_a_bucket_is_seen_whoever_makes_it) {
  const auto beside = make_store(*meta_, *blobs_, clock_, random_);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(store_->bucket("bucket")->tags.size(), static_cast<size_t>(i));
    EXPECT_TRUE(beside
                    ->update_bucket("bucket",
                                    [i](Bucket& bucket) {
                                      bucket.tags[std::to_string(i)] = "";
                                      return ok();
                                    })
                    .ok());
  }
  ASSERT_TRUE(beside->delete_bucket("bucket").ok());
  EXPECT_EQ(store_->bucket("bucket").error().code, "NoSuchBucket");
}

TEST_F(ObjectStoreTest, an_account_may_have_a_block_of_its_own) {
  const AccountId owner("000000000001"), other("000000000002");
  EXPECT_FALSE(store_->account_block(owner)->has_value());
  EXPECT_TRUE(store_->set_account_block(owner, PublicAccessBlock{false, true, false, true}).ok());
  const auto block = store_->account_block(owner);
  EXPECT_TRUE((*block)->ignore_acls && (*block)->restrict_buckets);
  EXPECT_FALSE((*block)->block_acls || (*block)->block_policy);
  EXPECT_FALSE(store_->account_block(other)->has_value());
  EXPECT_TRUE(store_->set_account_block(owner, std::nullopt).ok());
  EXPECT_FALSE(store_->account_block(owner)->has_value());
}

TEST_F(ObjectStoreTest, bucket_rules) {
  EXPECT_EQ(store_->create_bucket(named("bucket")).error().code, "BucketAlreadyOwnedByYou");
  auto other = named("bucket");
  other.owner = AccountId("000000000002");
  EXPECT_EQ(store_->create_bucket(other).error().code, "BucketAlreadyExists");
  for (std::string bad : {"ab", "UPPER", "a..b", "-ab", "ab-", "1.2.3.4", "a_b", "xn--abc", ""}) {
    EXPECT_EQ(store_->create_bucket(named(bad)).error().code, "InvalidBucketName") << bad;
  }
  EXPECT_EQ(store_->delete_bucket("nowhere").error().code, "NoSuchBucket");
  put("key", "x");
  EXPECT_EQ(store_->delete_bucket("bucket").error().code, "BucketNotEmpty");
  EXPECT_TRUE(store_->remove("bucket", "key").ok());
  ASSERT_TRUE(store_->create_upload("bucket", "pending", {}).ok());
  EXPECT_TRUE(store_->delete_bucket("bucket").ok());
  EXPECT_EQ(put("key", "x"), "NoSuchBucket");
  EXPECT_EQ(get("key"), "NoSuchBucket");
  EXPECT_TRUE(store_->buckets(AccountId("000000000001"))->empty());
}

TEST_F(ObjectStoreTest, put_get_overwrite_remove) {
  PutOptions options{.headers = {{"Content-Type", "text/plain"}}, .metadata = {{"who", "me"}}};
  EXPECT_EQ(put("key", "hello", options), "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(get("key"), "hello");
  auto object = store_->head("bucket", "key");
  EXPECT_EQ(object->metadata.at("who"), "me");
  EXPECT_EQ(object->headers.at("Content-Type"), "text/plain");
  EXPECT_EQ(object->modified_ms, 1'700'000'000'000);
  put("key", std::string(100'000, 'x'));
  EXPECT_EQ(get("key").size(), 100'000u);
  EXPECT_EQ(contents(), 1u);
  put("empty", "");
  EXPECT_EQ(get("empty"), "");
  EXPECT_TRUE(store_->remove("bucket", "key").ok());
  EXPECT_TRUE(store_->remove("bucket", "key").ok());
  EXPECT_EQ(get("key"), "NoSuchKey");
  EXPECT_EQ(contents(), 0u);
}

TEST_F(ObjectStoreTest, key_traversal) {
  for (const auto& key : std::vector<std::string>{"../../etc/passwd", "/", "a//b", "..", "a/./b",
                                                  std::string("\0x", 2), "ä/ö"}) {
    EXPECT_EQ(put(key, "at " + key).size(), 32u);
    EXPECT_EQ(get(key), "at " + key);
  }
}

TEST_F(ObjectStoreTest, a_reader_keeps_what_it_found_while_the_key_is_overwritten) {
  put("key", std::string(100'000, 'a'));
  {
    auto before = store_->head("bucket", "key");
    put("key", std::string(100'000, 'b'));
    clock_.advance_ms(10);
    EXPECT_TRUE(blobs_->collect().ok());
    EXPECT_EQ(store_->read(*before, 99'999, 1).value(), "a");
  }
  EXPECT_EQ(contents(), 1u);
}

TEST_F(ObjectStoreTest, checksums_are_verified_before_anything_is_visible) {
  EXPECT_EQ(put("key", "hello", {.content_md5 = "XUFAKrxLKna5cZ2REBfFkg=="}),
            "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(put("bad", "hellO", {.content_md5 = "XUFAKrxLKna5cZ2REBfFkg=="}), "BadDigest");
  EXPECT_EQ(put("bad", "hello", {.content_md5 = "nonsense"}), "InvalidDigest");
  EXPECT_EQ(put("bad", "hello", {.checksums = {{"CRC32", "AAAAAA=="}}}), "BadDigest");
  EXPECT_EQ(put("bad", "hello", {.checksums = {{"CRC32", "AAAA"}}}), "InvalidRequest");
  EXPECT_EQ(put("bad", "hello", {.checksums = {{"SHA512", ""}}}), "NotImplemented");
  EXPECT_EQ(get("bad"), "NoSuchKey");
  put("key", "hello", {.checksums = {{"CRC32", "NhCmhg=="}, {"CRC32C", ""}, {"SHA1", ""}, {"SHA256", ""}}});
  auto sums = store_->head("bucket", "key")->checksums;
  EXPECT_EQ(sums["CRC32"], "NhCmhg==");
  EXPECT_EQ(sums["CRC32C"], "mnG7TA==");
  EXPECT_EQ(sums["SHA1"], "qvTGHdzF6KLavt4PO0gs2a6pQ00=");
  EXPECT_EQ(sums["SHA256"], "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
}

TEST_F(ObjectStoreTest, conditional_write_race) {
  PutOptions create{.if_none_match_any = true};
  EXPECT_EQ(put("key", "1", {.if_match = "*"}), "NoSuchKey");
  auto etag = put("key", "1", create);
  EXPECT_EQ(put("key", "2", create), "PreconditionFailed");
  EXPECT_EQ(put("key", "2", {.if_match = "other"}), "PreconditionFailed");
  EXPECT_EQ(put("key", "2", {.if_match = etag}).size(), 32u);
  EXPECT_EQ(get("key"), "2");
  std::atomic<int> winners = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] { winners += put("race", std::to_string(i), create).size() == 32; });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(winners, 1);
  EXPECT_EQ(contents(), 2u);
}

TEST_F(ObjectStoreTest, racing_writers_leave_one_value_and_no_content_behind) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 50; ++round) {
        if (round % 5 == 4) {
          EXPECT_TRUE(store_->remove("bucket", "key").ok());
        } else {
          EXPECT_EQ(put("key", std::to_string(i * 1000 + round)).size(), 32u);
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  put("key", "last");
  EXPECT_EQ(contents(), 1u);
  EXPECT_TRUE(store_->remove("bucket", "key").ok());
  EXPECT_TRUE(store_->delete_bucket("bucket").ok());
}

TEST_F(ObjectStoreTest, lists_prefixes_delimiters_and_pages) {
  for (std::string key : {"a", "b/1", "b/2", "b/c/3", "c", "d/1"}) put(key, key);
  EXPECT_EQ(list({}), "a b/1 b/2 b/c/3 c d/1 |");
  EXPECT_EQ(list({.prefix = "b/"}), "b/1 b/2 b/c/3 |");
  EXPECT_EQ(list({.delimiter = "/"}), "a c | b/ d/");
  EXPECT_EQ(list({.prefix = "b/", .delimiter = "/"}), "b/1 b/2 | b/c/");
  EXPECT_EQ(list({.prefix = "none"}), "|");
  EXPECT_EQ(list({.after = "b/2"}), "b/c/3 c d/1 |");
  EXPECT_EQ(list({.max_keys = 0}), "|");
  std::string after;
  std::string all;
  for (int page = 0; page < 4; ++page) {
    auto result = store_->list({.bucket = "bucket", .delimiter = "/", .after = after, .max_keys = 1});
    for (auto& object : result->objects) all += object.key + " ";
    for (auto& prefix : result->common_prefixes) all += prefix + " ";
    EXPECT_EQ(result->truncated, page < 3);
    after = result->next_after;
  }
  EXPECT_EQ(all, "a b/ c d/ ");
}

// Counts what a listing reads.
class CountingMeta final : public meta::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<std::vector<meta::KeyValue>> scan(std::string_view family,
                                           const meta::ScanRange& range) const override {
    auto found = ForwardingStore::scan(family, range);
    if (found.ok()) read += found->size();
    return found;
  }
  // As of now, so that what is read through it is counted, too.
  std::unique_ptr<const meta::Reader> snapshot() const override {
    class Counted final : public meta::Reader {
     public:
      explicit Counted(const CountingMeta& meta) : meta_(meta) {}
      Result<std::optional<std::string>> get(std::string_view family, std::string_view key) const override {
        return meta_.get(family, key);
      }
      Result<std::vector<meta::KeyValue>> scan(std::string_view family,
                                               const meta::ScanRange& range) const override {
        return meta_.scan(family, range);
      }

     private:
      const CountingMeta& meta_;
    };
    return std::make_unique<Counted>(*this);
  }
  mutable size_t read = 0;
};

TEST_F(ObjectStoreTest, a_listing_seeks_over_common_prefixes) {
  for (int folder = 0; folder < 3; ++folder) {
    for (int i = 0; i < 1000; ++i) put("f" + std::to_string(folder) + "/" + std::to_string(i), "");
  }
  CountingMeta counting(*meta_);
  auto store = make_store(counting, *blobs_, clock_, random_);
  auto result = store->list({.bucket = "bucket", .delimiter = "/"});
  EXPECT_EQ(result->common_prefixes, (std::vector<std::string>{"f0/", "f1/", "f2/"}));
  EXPECT_LT(counting.read, 500u);
}

// Changes the bucket when a listing has taken its snapshot.
class ChangingMeta final : public meta::ForwardingStore {
 public:
  ChangingMeta(meta::Store& inner, std::function<void()> change)
      : ForwardingStore(inner), change_(std::move(change)) {}
  std::unique_ptr<const meta::Reader> snapshot() const override {
    auto now = ForwardingStore::snapshot();
    change_();
    return now;
  }

 private:
  const std::function<void()> change_;
};

TEST_F(ObjectStoreTest, a_page_of_a_listing_is_of_one_moment) {
  for (const std::string key : {"a/1", "b/1", "c"}) put(key, key);
  ChangingMeta changing(*meta_, [&] {
    ASSERT_TRUE(store_->remove("bucket", "c").ok());
    put("b0", "");
  });
  auto store = make_store(changing, *blobs_, clock_, random_);
  const auto found = store->list({.bucket = "bucket", .delimiter = "/"});
  EXPECT_EQ(found->common_prefixes, (std::vector<std::string>{"a/", "b/"}));
  ASSERT_EQ(found->objects.size(), 1u);
  EXPECT_EQ(found->objects[0].key, "c");
  EXPECT_EQ(list({}), "a/1 b/1 b0 |");
}

TEST_F(ObjectStoreTest, list_after_delete_and_delete_many) {
  for (std::string key : {"a", "b", "c"}) put(key, key);
  auto outcomes = store_->remove_many("bucket", {"a", "missing", "c", "a"});
  ASSERT_EQ(outcomes->size(), 4u);
  for (auto& outcome : *outcomes) EXPECT_TRUE(outcome.ok());
  EXPECT_EQ(list({}), "b |");
  EXPECT_EQ(contents(), 1u);
}

TEST_F(ObjectStoreTest, copies_share_content) {
  put("from", std::string(100'000, 'x'), {.metadata = {{"a", "1"}}});
  auto source = store_->head("bucket", "from");
  EXPECT_TRUE(store_->copy(*source, "bucket", "to", std::nullopt).ok());
  EXPECT_TRUE(store_->copy(*source, "bucket", "from", PutOptions{.metadata = {{"a", "2"}}}).ok());
  EXPECT_EQ(store_->head("bucket", "to")->metadata.at("a"), "1");
  EXPECT_EQ(store_->head("bucket", "from")->metadata.at("a"), "2");
  EXPECT_EQ(contents(), 1u);
  EXPECT_TRUE(store_->remove("bucket", "from").ok());
  EXPECT_EQ(get("to").size(), 100'000u);
  EXPECT_TRUE(store_->remove("bucket", "to").ok());
  EXPECT_EQ(store_->copy(*source, "bucket", "late", std::nullopt).error().code, "NoSuchKey");
  EXPECT_EQ(get("late"), "NoSuchKey");
}

TEST_F(ObjectStoreTest, multipart_by_reference) {
  auto upload =
      store_->create_upload("bucket", "big", {.metadata = {{"a", "1"}}, .checksums = {{"CRC32", ""}}});
  ASSERT_TRUE(upload.ok());
  std::string five(5 << 20, 'a');
  auto first = put_part(*upload, 1, "replaced");
  first = put_part(*upload, 1, five);
  auto second = put_part(*upload, 3, "tail");
  auto unused = put_part(*upload, 7, "unused");
  UploadPlace place{"bucket", "big", upload->id};
  auto parts = store_->parts(place, 1, 10);
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[0].number, 3);
  EXPECT_EQ(put_part(*upload, 0, ""), "InvalidArgument");
  EXPECT_EQ(complete(*upload, {{1, first}, {2, first}}), "InvalidPart");
  EXPECT_EQ(complete(*upload, {{1, first}, {3, first}}), "InvalidPart");
  EXPECT_EQ(complete(*upload, {{3, second}, {1, first}}), "InvalidPartOrder");
  EXPECT_EQ(complete(*upload, {{3, second}, {7, unused}}), "EntityTooSmall");
  EXPECT_EQ(get("big"), "NoSuchKey");
  auto etag = complete(*upload, {{1, first}, {3, second}});
  auto raw = codec::hex_decode(first).value() + codec::hex_decode(second).value();
  EXPECT_EQ(etag, codec::hex_encode(codec::digest_of("MD5", raw).value()) + "-2");
  EXPECT_EQ(complete(*upload, {{1, first}, {3, second}}), etag);  // mpu_complete_twice
  EXPECT_TRUE(get("big") == five + "tail");
  auto object = store_->head("bucket", "big");
  EXPECT_EQ(object->metadata.at("a"), "1");
  EXPECT_TRUE(object->checksums.at("CRC32").ends_with("-2"));
  auto sum_of = [](std::string_view part) {
    return codec::base64_encode(codec::digest_of("CRC32", part).value());
  };
  EXPECT_EQ(object->part_checksums, (std::vector{sum_of(five), sum_of("tail")}));
  EXPECT_EQ(store_->read(*object, (5 << 20) - 1, 3).value(), "ata");
  object->pin.reset();
  EXPECT_EQ(contents(), 2u);
  EXPECT_EQ(put_part(*upload, 1, "late"), "NoSuchUpload");
}

TEST_F(ObjectStoreTest, a_full_object_checksum_is_that_of_all_bytes) {
  EXPECT_EQ(codec::hex_encode(codec::digest_of("CRC64NVME", "123456789").value()), "ae8b14860a799888");
  std::string five(5 << 20, 'a');
  for (std::string algorithm : {"CRC32", "CRC32C", "CRC64NVME"}) {
    auto upload = store_->create_upload("bucket", "big",
                                        {.checksums = {{algorithm, ""}}, .full_object_checksum = true});
    auto first = put_part(*upload, 1, five);
    auto second = put_part(*upload, 2, "tail");
    EXPECT_EQ(complete(*upload, {{1, first}, {2, second}}).size(), 34u);
    auto whole = codec::digest_of(algorithm, five + "tail").value();
    EXPECT_EQ(store_->head("bucket", "big")->checksums.at(algorithm), codec::base64_encode(whole))
        << algorithm;
    EXPECT_TRUE(store_->head("bucket", "big")->part_checksums.empty());
  }
}

TEST_F(ObjectStoreTest, uploads_are_listed_and_aborted) {
  auto one = store_->create_upload("bucket", "a/x", {});
  auto two = store_->create_upload("bucket", "b", {});
  put_part(*one, 1, std::string(100'000, 'x'));
  auto all = store_->uploads({.bucket = "bucket"});
  ASSERT_EQ(all->uploads.size(), 2u);
  EXPECT_EQ(all->uploads[0].key, "a/x");
  EXPECT_EQ(all->uploads[0].id, one->id);
  auto page = store_->uploads({.bucket = "bucket", .delimiter = "/", .max_uploads = 1});
  EXPECT_EQ(page->common_prefixes, std::vector<std::string>{"a/"});
  EXPECT_TRUE(page->truncated);
  auto rest = store_->uploads({.bucket = "bucket", .delimiter = "/", .after_key = page->next_key});
  ASSERT_EQ(rest->uploads.size(), 1u);
  EXPECT_EQ(rest->uploads[0].key, "b");
  UploadPlace place{"bucket", "a/x", one->id};
  EXPECT_TRUE(store_->abort_upload(place).ok());
  EXPECT_EQ(store_->abort_upload(place).error().code, "NoSuchUpload");
  EXPECT_EQ(contents(), 0u);
}

// Lets somebody in, once, when an upload's parts have been read.
class LateMeta final : public meta::ForwardingStore {
 public:
  LateMeta(meta::Store& inner, std::function<void()> late) : ForwardingStore(inner), late_(std::move(late)) {}
  Result<std::vector<meta::KeyValue>> scan(std::string_view family,
                                           const meta::ScanRange& range) const override {
    auto found = ForwardingStore::scan(family, range);
    if (range.begin.starts_with("p/")) std::exchange(late_, [] {})();
    return found;
  }

 private:
  mutable std::function<void()> late_;
};

// Whoever ends an upload looks again when a part of a new number has landed meanwhile; also where an earlier
// version, which did not count them, has taken the parts before.
TEST_F(ObjectStoreTest, a_part_that_lands_while_its_upload_ends_goes_with_it) {
  using End = std::function<Status(Store&, const UploadPlace&, const std::string& etag)>;
  const std::map<std::string, End> ends = {
      {"abort", [](Store& store, const auto& place, const auto&) { return store.abort_upload(place); }},
      {"complete",
       [](Store& store, const auto& place, const auto& etag) -> Status {
         MEKONG_TRY(store.complete_upload(place, {{1, etag}}, {}));
         return store.remove("bucket", place.key);
       }},
      {"bucket", [](Store& store, const auto&, const auto&) { return store.delete_bucket("bucket"); }}};
  for (const auto& [name, end] : ends) {
    for (const bool counted : {true, false}) {
      SCOPED_TRACE(name + (counted ? ", counted" : ", of an earlier version"));
      const auto upload = store_->create_upload("bucket", "big", {});
      const auto etag = put_part(*upload, 1, std::string(100'000, 'x'));
      if (!counted) {
        meta::Batch batch;
        ASSERT_TRUE(meta_->commit(std::move(batch.remove("s3", "c/" + upload->id))).get().ok());
      }
      LateMeta late(*meta_, [&] { EXPECT_EQ(put_part(*upload, 2, "late").size(), 32u); });
      const auto store = make_store(late, *blobs_, clock_, random_);
      EXPECT_TRUE(end(*store, {"bucket", "big", upload->id}, etag).ok());
      EXPECT_EQ(put_part(*upload, 3, "too late"), name == "bucket" ? "NoSuchBucket" : "NoSuchUpload");
      if (name == "bucket") ASSERT_TRUE(store_->create_bucket(named("bucket")).ok());
      for (const auto* left : {"p/", "c/", "u/", "m/"})
        EXPECT_TRUE(meta_->scan("s3", meta::prefix_range(left))->empty()) << left;
      EXPECT_EQ(contents(), 0u);
    }
  }
}

TEST_F(ObjectStoreTest, parts_of_one_upload_land_beside_one_another) {
  const auto source = store_->create_upload("bucket", "two", {});
  const auto half = put_part(*source, 1, std::string(5 << 20, 'a')), rest = put_part(*source, 2, "b");
  const auto etag = complete(*source, {{1, half}, {2, rest}});
  const auto two = store_->head("bucket", "two");
  const auto upload = store_->create_upload("bucket", "big", {});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 25; ++n) {
        EXPECT_EQ(put_part(*upload, 1 + 8 * n + i, "part").size(), 32u);
        EXPECT_EQ(copy_part(*upload, 5 + 8 * n + i, *two), etag);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const UploadPlace place{"bucket", "big", upload->id};
  EXPECT_EQ(store_->parts(place, 0, 1000)->size(), 200u);
  EXPECT_TRUE(store_->abort_upload(place).ok());
  EXPECT_TRUE(store_->remove("bucket", "two").ok());
  EXPECT_EQ(contents(), 0u);
}

TEST_F(ObjectStoreTest, parts_are_copied_from_objects) {
  put("source", std::string(5 << 20, 'a') + "rest");
  auto source = store_->head("bucket", "source");
  auto upload = store_->create_upload("bucket", "to", {});
  UploadPlace place{"bucket", "to", upload->id};
  auto whole = store_->copy_part(place, 1, *source, std::nullopt);
  auto range = store_->copy_part(place, 2, *source, ByteRange{.offset = (5 << 20) - 1, .size_bytes = 5});
  ASSERT_TRUE(whole.ok() && range.ok());
  EXPECT_EQ(store_->copy_part(place, 3, *source, ByteRange{.offset = 5 << 20, .size_bytes = 5}).error().code,
            "InvalidRange");
  EXPECT_EQ(complete(*upload, {{1, whole->etag}, {2, range->etag}}).size(), 34u);
  EXPECT_TRUE(get("to") == std::string(5 << 20, 'a') + "rest" + "arest");
}

TEST_F(ObjectStoreTest, copies_by_reference_make_so_many_pieces_and_no_more) {
  put("1", std::string(5 << 20, 'a'));
  const auto of_copies = [&](const std::string& key, const std::string& source, int32_t count) {
    const auto part = store_->head("bucket", source);
    const auto upload = store_->create_upload("bucket", key, {});
    std::vector<CompletedPart> parts;
    for (int32_t i = 1; i <= count; ++i) parts.push_back({i, copy_part(*upload, i, *part)});
    EXPECT_TRUE(complete(*upload, parts).ends_with("-" + std::to_string(count)));
    EXPECT_EQ(store_->head("bucket", key)->pieces.size(), part->pieces.size() * static_cast<size_t>(count));
  };
  of_copies("100", "1", 100);
  of_copies("10,000", "100", 100);
  const auto source = store_->head("bucket", "10,000");
  const auto upload = store_->create_upload("bucket", "most", {});
  std::vector<CompletedPart> parts;
  for (int32_t i = 1; i <= 10; ++i) parts.push_back({i, copy_part(*upload, i, *source)});
  EXPECT_EQ(copy_part(*upload, 11, *source), "NotImplemented");
  EXPECT_EQ(copy_part(*upload, 10, *source), source->etag);  // in place of the same
  auto more = parts;
  more.push_back({11, put_part(*upload, 11, "one of its own")});
  EXPECT_EQ(complete(*upload, more), "NotImplemented");
  EXPECT_TRUE(complete(*upload, parts).ends_with("-10"));
  EXPECT_EQ(store_->read(*store_->head("bucket", "most"), (uint64_t{500'000} << 20) - 1, 1).value(), "a");
  const auto again = store_->create_upload("bucket", "again", {});
  EXPECT_EQ(copy_part(*again, 1, *store_->head("bucket", "most")).size(), 35u);
  EXPECT_EQ(copy_part(*again, 2, *source), "NotImplemented");
  EXPECT_EQ(copy_part(*again, 1, *source), source->etag);
  EXPECT_TRUE(store_->abort_upload({"bucket", "again", again->id}).ok());
  for (const auto* key : {"1", "100", "10,000", "most"}) EXPECT_TRUE(store_->remove("bucket", key).ok());
  EXPECT_EQ(contents(), 0u);
}

TEST(LocationTest, parses_s3_locations) {
  auto location = parse_location("s3://bucket/a/b");
  EXPECT_EQ(location->bucket, "bucket");
  EXPECT_EQ(location->key, "a/b");
  EXPECT_EQ(parse_location("s3a://bucket")->key, "");
  EXPECT_EQ(parse_location("file:///etc").error().code, "InvalidS3Location");
  EXPECT_EQ(parse_location("s3:///key").error().code, "InvalidS3Location");
}

}  // namespace
}  // namespace mekong::objects
