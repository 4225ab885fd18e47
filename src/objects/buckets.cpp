#include <algorithm>
#include <span>
#include <utility>

#include "objects/object_store.h"
#include "objects/records.h"

namespace mekong::objects {
namespace {

constexpr int attempts_max = 100;

Error no_such_bucket(std::string_view name) {
  return {"NoSuchBucket", "The specified bucket does not exist", 404, {{"BucketName", std::string(name)}}};
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
bool is_valid_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 63 || !is_plain(name.front()) || !is_plain(name.back())) return false;
  bool digits_and_dots = true;
  for (size_t i = 0; i < name.size(); ++i) {
    char c = name[i];
    if (!is_plain(c) && c != '-' && c != '.') return false;
    if (c == '.' && name[i - 1] == '.') return false;
    digits_and_dots &= c == '.' || (c >= '0' && c <= '9');
  }
  bool like_address = digits_and_dots && std::count(name.begin(), name.end(), '.') == 3;
  return !like_address && !name.starts_with("xn--") && !name.starts_with("sthree-") &&
         !name.ends_with("-s3alias") && !name.ends_with("--ol-s3");
}

}  // namespace

std::unique_ptr<meta::Watch> ObjectStore::watch_buckets() {
  const std::string prefix = bucket_key("");
  return meta_.watch(std::string(family), prefix,
                     [this, skip = prefix.size()](std::span<const meta::Change> changes) {
                       for (const auto& change : changes)
                         known_buckets_.forget(std::string_view(change.key).substr(skip));
                     });
}

Result<KnownBucketPtr> ObjectStore::known_bucket(std::string_view name) const {
  uint64_t reading = 0;
  if (auto known = known_buckets_.find(name, reading)) return known;
  MEKONG_TRY_ASSIGN(auto stored, meta_.get(family, bucket_key(name)));
  if (!stored) return no_such_bucket(name);
  MEKONG_TRY_ASSIGN(auto bucket, decode_bucket(name, *stored));
  auto read = std::make_shared<const KnownBucket>(KnownBucket{std::move(*stored), std::move(bucket)});
  known_buckets_.keep(reading, read);
  return KnownBucketPtr(std::move(read));
}

Result<BucketPtr> ObjectStore::shared_bucket(std::string_view name) const {
  MEKONG_TRY_ASSIGN(const auto known, known_bucket(name));
  return BucketPtr(known, &known->bucket);
}

Result<Bucket> ObjectStore::bucket(std::string_view name) const {
  MEKONG_TRY_ASSIGN(const auto known, known_bucket(name));
  return known->bucket;
}

Status ObjectStore::create_bucket(const Bucket& bucket) {
  if (!is_valid_name(bucket.name)) {
    return Error{
        "InvalidBucketName", "The specified bucket is not valid.", 400, {{"BucketName", bucket.name}}};
  }
  Bucket made = bucket;
  made.created_ms = now_ms();
  meta::Batch batch;
  batch.expect_absent(family, bucket_key(bucket.name)).put(family, bucket_key(bucket.name), encode(made));
  auto committed = meta_.commit(std::move(batch)).get();
  if (committed.ok() || committed.error().code != "ConditionFailed") return committed;
  MEKONG_TRY_ASSIGN(auto other, this->bucket(bucket.name));
  if (other.owner == bucket.owner) {
    return Error{"BucketAlreadyOwnedByYou",
                 "Your previous request to create the named bucket succeeded and you already own it.",
                 409,
                 {{"BucketName", bucket.name}}};
  }
  return Error{
      "BucketAlreadyExists",
      "The requested bucket name is not available. The bucket namespace is shared by all users of the "
      "system. Please select a different name and try again.",
      409,
      {{"BucketName", bucket.name}}};
}

Result<std::vector<Bucket>> ObjectStore::buckets(const AccountId& owner) const {
  std::vector<Bucket> found;
  auto range = meta::prefix_range("b/");
  for (;;) {
    MEKONG_TRY_ASSIGN(auto page, meta_.scan(family, range));
    for (const auto& entry : page) {
      MEKONG_TRY_ASSIGN(auto bucket, decode_bucket(std::string_view(entry.key).substr(2), entry.value));
      if (bucket.owner == owner) found.push_back(std::move(bucket));
    }
    if (page.size() < range.limit) return found;
    range.after = page.back().key;
  }
}

Status ObjectStore::update_bucket(std::string_view name, const std::function<Status(Bucket&)>& change) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    MEKONG_TRY_ASSIGN(const auto now, known_bucket(name));
    Bucket changed = now->bucket;
    MEKONG_TRY(change(changed));
    meta::Batch batch;
    batch.expect_value(family, bucket_key(name), now->record).put(family, bucket_key(name), encode(changed));
    auto committed = meta_.commit(std::move(batch)).get();
    if (committed.ok() || committed.error().code != "ConditionFailed") return committed;
  }
  return Error{
      "OperationAborted",
      "A conflicting conditional operation is currently in progress against this resource. Please try "
      "again.",
      409};
}

// The counters make this safe against a writer that comes between: they are conditions of the commit.
Status ObjectStore::delete_bucket(std::string_view name) {
  Error not_empty{"BucketNotEmpty",
                  "The bucket you tried to delete is not empty",
                  409,
                  {{"BucketName", std::string(name)}}};
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    MEKONG_TRY_ASSIGN(const auto now, known_bucket(name));
    MEKONG_TRY_ASSIGN(auto objects, meta_.get(family, object_count_key(name)));
    if (objects) return not_empty;
    MEKONG_TRY_ASSIGN(auto pending, uploads({.bucket = std::string(name)}));
    for (const auto& upload : pending.uploads) {
      auto aborted = abort_upload({.bucket = upload.bucket, .key = upload.key, .upload_id = upload.id});
      if (!aborted.ok() && aborted.error().code != "NoSuchUpload") return aborted;
    }
    meta::Batch batch;
    batch.expect_value(family, bucket_key(name), now->record).remove(family, bucket_key(name));
    batch.expect_absent(family, object_count_key(name)).expect_absent(family, upload_count_key(name));
    auto committed = meta_.commit(std::move(batch)).get();
    if (committed.ok() || committed.error().code != "ConditionFailed") return committed;
  }
  return not_empty;
}

Result<std::optional<PublicAccessBlock>> ObjectStore::account_block(const AccountId& owner) const {
  MEKONG_TRY_ASSIGN(const auto stored, meta_.get(family, account_key(owner)));
  if (!stored) return std::optional<PublicAccessBlock>();
  return block_of(*stored);
}

Status ObjectStore::set_account_block(const AccountId& owner, const std::optional<PublicAccessBlock>& block) {
  meta::Batch batch;
  if (block) batch.put(family, account_key(owner), flags_of(block));
  if (!block) batch.remove(family, account_key(owner));
  return meta_.commit(std::move(batch)).get();
}

}  // namespace mekong::objects
