#include "objects/object_store.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/memory_only.h"
#include "objects/records.h"
#include "objects/writer.h"

namespace mekong::objects {
namespace {

constexpr int attempts_max = 1000;
constexpr size_t small_record_bytes = 4 << 10;

Error no_such_key(std::string_view key) {
  return {"NoSuchKey", "The specified key does not exist.", 404, {{"Key", std::string(key)}}};
}

Error contended() {
  return {"OperationAborted", "A conflicting operation is in progress on this key. Please try again.", 409};
}

Error precondition_failed(std::string condition) {
  return {"PreconditionFailed",
          "At least one of the pre-conditions you specified did not hold",
          412,
          {{"Condition", std::move(condition)}}};
}

Status check_conditions(const std::optional<Object>& now, std::string_view key,
                        const PutOptions& conditions) {
  if (conditions.if_none_match_any && now) return precondition_failed("If-None-Match");
  if (!conditions.if_match) return ok();
  if (!now) return no_such_key(key);
  if (*conditions.if_match != "*" && *conditions.if_match != now->etag)
    return precondition_failed("If-Match");
  return ok();
}

bool retryable(const Status& status) {
  return !status.ok() && status.error().code == "ConditionFailed";
}

}  // namespace

Status ObjectStore::release_all(meta::Batch& batch, const std::vector<blob::BlobRef>& pieces) {
  for (const auto& piece : pieces) MEKONG_TRY(blobs_.release(batch, piece));
  return ok();
}

Status ObjectStore::retain_all(meta::Batch& batch, const std::vector<blob::BlobRef>& pieces) {
  for (const auto& piece : pieces) MEKONG_TRY(blobs_.retain(batch, piece));
  return ok();
}

Result<Object> ObjectStore::head(std::string_view bucket, std::string_view key) const {
  MEKONG_TRY_ASSIGN(auto stored, meta_.get(family, object_key(bucket, key)));
  if (!stored) {
    MEKONG_TRY(known_bucket(bucket));
    return no_such_key(key);
  }
  // Of many parts: each is decoded and pinned.
  if (stored->size() > small_record_bytes && MemoryOnly::on()) return MemoryOnly::would_wait();
  MEKONG_TRY_ASSIGN(auto object, decode_object(bucket, key, *stored));
  if (object.pieces.size() == 1) {
    object.pin = blobs_.pin(object.pieces.front());
  } else if (!object.pieces.empty()) {
    auto pins = std::make_shared<std::vector<std::shared_ptr<const void>>>();
    for (const auto& piece : object.pieces) pins->push_back(blobs_.pin(piece));
    object.pin = std::move(pins);
  }
  return object;
}

Result<std::string> ObjectStore::read(const Object& object, uint64_t offset, size_t bytes) const {
  std::string found;
  for (const auto& piece : object.pieces) {
    if (offset >= piece.size_bytes) {
      offset -= piece.size_bytes;
      continue;
    }
    auto wanted = std::min<uint64_t>(bytes - found.size(), piece.size_bytes - offset);
    MEKONG_TRY_ASSIGN(auto content, blobs_.read(piece, offset, wanted));
    if (content.size() != wanted) return Error{"ContentCorrupt", "content " + piece.id + " is too short"};
    offset = 0;
    if (found.empty() && content.size() == bytes) return content;
    found += content;
    if (found.size() == bytes) break;
  }
  return found;
}

Result<std::unique_ptr<ObjectWriter>> ObjectStore::put(std::string_view bucket, std::string_view key,
                                                       PutOptions options) {
  MEKONG_TRY(known_bucket(bucket));
  Object object;
  object.bucket = bucket;
  object.key = key;
  object.headers = std::move(options.headers);
  object.metadata = std::move(options.metadata);
  PutOptions conditions{.if_none_match_any = options.if_none_match_any, .if_match = options.if_match};
  auto finish = [this, object = std::move(object), conditions](Received received,
                                                               bool waits) mutable -> Result<PendingObject> {
    object.size_bytes = received.size_bytes;
    object.etag = std::move(received.etag);
    object.checksums = std::move(received.checksums);
    object.pieces = std::move(received.pieces);
    if (!waits) return begin_object(std::move(object), std::move(received.batch), conditions);
    MEKONG_TRY_ASSIGN(auto made, commit_object(std::move(object), received.batch, conditions, contended()));
    return PendingObject{std::move(made), {}};
  };
  return ContentWriter::make(blobs_, options, std::move(finish));
}

Result<ObjectStore::Stored> ObjectStore::name_object(Object& object, const PutOptions& conditions,
                                                     meta::Batch& batch) {
  const auto full_key = object_key(object.bucket, object.key);
  MEKONG_TRY_ASSIGN(const auto bucket, known_bucket(object.bucket));
  MEKONG_TRY_ASSIGN(auto stored, meta_.get(family, full_key));
  std::optional<Object> now;
  // Of many parts: their references are as many changes.
  if (stored && stored->size() > small_record_bytes && MemoryOnly::on()) return MemoryOnly::would_wait();
  if (stored) {
    MEKONG_TRY_ASSIGN(now, decode_object(object.bucket, object.key, *stored));
  }
  MEKONG_TRY(check_conditions(now, object.key, conditions));
  object.modified_ms = now_ms();
  batch.expect_value(family, bucket_key(object.bucket), bucket->record);
  if (now) {
    batch.expect_value(family, full_key, *stored);
    MEKONG_TRY(release_all(batch, now->pieces));
  } else {
    batch.expect_absent(family, full_key);
    batch.count({.family = std::string(family), .key = object_count_key(object.bucket), .delta = 1});
  }
  batch.put(family, full_key, encode(object));
  return stored;
}

Result<Object> ObjectStore::commit_object(Object object, const meta::Batch& content,
                                          const PutOptions& conditions, const Error& gone) {
  Stored before_last;
  int unchanged = 0;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    meta::Batch batch = content;
    auto stored = name_object(object, conditions, batch);
    // Nobody else touched the key, yet the batch did not hold: its content is gone.
    unchanged = stored.ok() && *stored == before_last ? unchanged + 1 : 0;
    if (attempt > 0 && unchanged > 4) return gone;
    if (!stored.ok()) return std::move(stored).error();
    auto committed = meta_.commit(std::move(batch)).get();
    if (committed.ok()) return object;
    if (!retryable(committed)) return std::move(committed).error();
    before_last = std::move(*stored);
  }
  return contended();
}

Result<PendingObject> ObjectStore::begin_object(Object object, meta::Batch content,
                                                const PutOptions& conditions) {
  MEKONG_TRY(name_object(object, conditions, content));
  return PendingObject{std::move(object), meta_.commit(std::move(content))};
}

Result<Object> ObjectStore::copy(const Object& source, std::string_view bucket, std::string_view key,
                                 std::optional<PutOptions> replace) {
  Object object = source;
  object.bucket = bucket;
  object.key = key;
  object.pin.reset();
  object.upload_id.clear();
  PutOptions conditions;
  if (replace) {
    object.headers = replace->headers;
    object.metadata = replace->metadata;
    conditions.if_match = replace->if_match;
    conditions.if_none_match_any = replace->if_none_match_any;
  }
  meta::Batch batch;
  MEKONG_TRY(retain_all(batch, object.pieces));
  return commit_object(std::move(object), batch, conditions, no_such_key(source.key));
}

// Adds the removal of a key as it is now; nothing where there is no such key.
Status ObjectStore::add_removal(meta::Batch& batch, std::string_view bucket, std::string_view key) {
  auto full_key = object_key(bucket, key);
  MEKONG_TRY_ASSIGN(auto stored, meta_.get(family, full_key));
  if (!stored) return ok();
  MEKONG_TRY_ASSIGN(auto now, decode_object(bucket, key, *stored));
  batch.expect_value(family, full_key, *stored);
  batch.remove(family, full_key);
  batch.count({.family = std::string(family), .key = object_count_key(bucket), .delta = -1});
  return release_all(batch, now.pieces);
}

Status ObjectStore::remove(std::string_view bucket, std::string_view key) {
  MEKONG_TRY(known_bucket(bucket));
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    meta::Batch batch;
    MEKONG_TRY(add_removal(batch, bucket, key));
    if (batch.writes().empty()) return ok();
    auto committed = meta_.commit(std::move(batch)).get();
    if (!retryable(committed)) return committed;
  }
  return contended();
}

Result<std::vector<Status>> ObjectStore::remove_many(std::string_view bucket,
                                                     const std::vector<std::string>& keys) {
  MEKONG_TRY(known_bucket(bucket));
  std::vector<std::string> unique = keys;
  std::sort(unique.begin(), unique.end());
  unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
  meta::Batch batch;
  for (const auto& key : unique) MEKONG_TRY(add_removal(batch, bucket, key));
  auto committed = batch.writes().empty() ? ok() : meta_.commit(std::move(batch)).get();
  if (!retryable(committed)) {
    return std::vector<Status>(keys.size(), committed);
  }
  // Somebody writes to one of them: each on its own.
  std::vector<Status> outcomes;
  for (const auto& key : keys) outcomes.push_back(remove(bucket, key));
  return outcomes;
}

Result<std::vector<int>> ObjectStore::open_descriptors(const Object& object) const {
  std::vector<int> descriptors;
  for (const auto& piece : object.pieces) {
    auto descriptor = blobs_.open_descriptor(piece);
    if (!descriptor.ok()) {
      for (int open : descriptors) ::close(open);
      return std::move(descriptor).error();
    }
    descriptors.push_back(descriptor.value());
  }
  return descriptors;
}

std::unique_ptr<Store> make_store(meta::Store& meta, blob::Store& blobs, const os::Clock& clock,
                                  os::Random& random) {
  return std::make_unique<ObjectStore>(meta, blobs, clock, random);
}

}  // namespace mekong::objects
