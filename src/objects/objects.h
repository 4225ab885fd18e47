// objects: buckets and keys over blob and meta: the one object namespace under S3, Athena, job logs, Firehose.
// Knows no HTTP and no XML. Every call may read the disk: pool threads. Errors carry S3's names: NoSuchBucket,
// NoSuchKey, BucketAlreadyOwnedByYou, BucketAlreadyExists, BucketNotEmpty, NoSuchUpload, InvalidPart,
// InvalidPartOrder, EntityTooSmall, PreconditionFailed, BadDigest …
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/authoriser.h"
#include "base/ids.h"
#include "base/result.h"
#include "blob/store.h"
#include "meta/store.h"

namespace mekong::objects {

struct Bucket {
  std::string name;
  AccountId owner;
  Region region;
  int64_t created_ms = 0;
};

struct Object {
  std::string bucket, key;
  uint64_t size_bytes = 0;
  std::string etag;  // without quotes
  int64_t modified_ms = 0;
  std::map<std::string, std::string> headers;   // Content-Type, Cache-Control … as stored
  std::map<std::string, std::string> metadata;  // x-amz-meta-*, names lower case without the prefix
  std::map<std::string, std::string> checksums; // "CRC32C" → base64 …
  std::vector<blob::BlobRef> pieces;            // in order
};

struct PutOptions {
  std::map<std::string, std::string> headers, metadata, checksums;
  bool if_none_match_any = false;        // If-None-Match: *
  std::optional<std::string> if_match;   // etag
};

struct ListRequest {
  std::string bucket, prefix, delimiter;
  std::string after;  // exclusive: start-after, or the continuation
  size_t max_keys = 1000;
};

struct ListResult {
  std::vector<Object> objects;  // without pieces
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next_after;  // continue here
};

// An upload in progress: append bytes, then commit; destroyed uncommitted: discarded.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual Status append(std::string_view bytes) = 0;
  virtual Result<Object> commit() = 0;  // durable and visible, in this order
};

class Store {
 public:
  virtual ~Store() = default;
  virtual Status create_bucket(const Bucket& bucket) = 0;
  virtual Result<Bucket> bucket(std::string_view name) const = 0;
  virtual Result<std::vector<Bucket>> buckets(const AccountId& owner) const = 0;
  virtual Status delete_bucket(std::string_view name) = 0;

  virtual Result<std::unique_ptr<ObjectWriter>> put(std::string_view bucket, std::string_view key,
                                                    PutOptions options) = 0;
  virtual Result<Object> head(std::string_view bucket, std::string_view key) const = 0;
  // Bytes [offset, offset + bytes) of an object got from head(): stays readable while a reader holds it.
  virtual Result<std::string> read(const Object& object, uint64_t offset, size_t bytes) const = 0;
  virtual Result<ListResult> list(const ListRequest& request) const = 0;
  virtual Status remove(std::string_view bucket, std::string_view key) = 0;  // missing: no error
  virtual Result<Object> copy(const Object& source, std::string_view bucket, std::string_view key,
                              std::optional<PutOptions> replace) = 0;
  // Descriptors open for reading with the pieces' sizes, for a query worker.
  virtual Result<std::vector<int>> open_descriptors(const Object& object) const = 0;
};

// The same for one principal: each call is authorised as the S3 operation it stands for (s3:GetObject,
// s3:PutObject, s3:ListBucket, s3:DeleteObject), and fails with AccessDenied. What services use inside the process.
class ObjectAccess {
 public:
  ObjectAccess(Store& store, const Authoriser& authoriser, PrincipalPtr principal)
      : store_(store), authoriser_(authoriser), principal_(std::move(principal)) {}
  Result<Object> head(std::string_view bucket, std::string_view key) const;
  Result<std::string> get(std::string_view bucket, std::string_view key) const;  // whole, small objects
  Result<ListResult> list(const ListRequest& request) const;
  Status put(std::string_view bucket, std::string_view key, std::string_view bytes, PutOptions options = {}) const;
  Status remove(std::string_view bucket, std::string_view key) const;
  Result<std::vector<int>> open_descriptors(const Object& object) const;

 private:
  Status check(std::string_view action, std::string_view resource) const;
  Store& store_;
  const Authoriser& authoriser_;
  PrincipalPtr principal_;
};

// "s3://bucket/key" (also s3a, s3n) → bucket and key. Error: "InvalidS3Location".
struct Location {
  std::string bucket, key;
};
Result<Location> parse_location(std::string_view uri);

}  // namespace mekong::objects
