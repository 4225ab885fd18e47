// objects: buckets and keys over blob and meta: the one object namespace under S3, Athena, job logs,
// Firehose. Knows no HTTP and no XML. Every call may read the disk: pool threads. Errors carry S3's names:
// NoSuchBucket, NoSuchKey, BucketAlreadyOwnedByYou, BucketAlreadyExists, BucketNotEmpty, NoSuchUpload,
// InvalidPart, InvalidPartOrder, EntityTooSmall, PreconditionFailed, BadDigest …
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
#include "os/clock.h"
#include "os/random.h"

namespace mekong::objects {

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
struct PublicAccessBlock {
  bool block_acls = true, ignore_acls = true, block_policy = true, restrict_buckets = true;
};

struct Bucket {
  std::string name;
  AccountId owner;
  Region region;
  int64_t created_ms = 0;
  std::map<std::string, std::string> tags = {};
  std::string policy = {};        // the document; empty: none
  bool policy_is_public = false;  // as policy::is_public says
  std::optional<PublicAccessBlock> public_access_block = PublicAccessBlock{};
};

using BucketPtr = std::shared_ptr<const Bucket>;

struct Object {
  std::string bucket, key;
  uint64_t size_bytes = 0;
  std::string etag;  // without quotes
  int64_t modified_ms = 0;
  std::map<std::string, std::string> headers;    // Content-Type, Cache-Control … as stored
  std::map<std::string, std::string> metadata;   // x-amz-meta-*, names lower case without the prefix
  std::map<std::string, std::string> checksums;  // "CRC32C" → base64 …; of parts: "…-N"
  std::vector<blob::BlobRef> pieces;             // in order
  std::vector<uint64_t> part_sizes;              // multipart uploads: size of each part
  std::string upload_id;                         // the multipart upload that made it
  std::vector<std::string> part_checksums;       // of a composite checksum: base64 of each part's; else none
  std::shared_ptr<const void> pin;               // from head(): its content stays readable while this lives
};

// Checksum algorithms: CRC32, CRC32C, CRC64NVME, SHA1, SHA256 (MD5 is the etag). Others fail with
// "NotImplemented".
struct PutOptions {
  std::map<std::string, std::string> headers, metadata;
  // Algorithm → expected base64; empty: computed and stored. A wrong one fails the commit with "BadDigest".
  std::map<std::string, std::string> checksums;
  std::string content_md5;              // base64, empty: not checked
  bool if_none_match_any = false;       // If-None-Match: *
  std::optional<std::string> if_match;  // etag; "*": any
  bool full_object_checksum = false;    // uploads: see Upload
  std::optional<int64_t> size_bytes;    // what a completed upload must have
};

struct ListRequest {
  std::string bucket, prefix, delimiter;
  std::string after;  // exclusive: start-after, or the continuation
  size_t max_keys = 1000;
  bool after_passes_group = false;  // the common prefix that `after` falls under is not listed again
};

struct ListResult {
  std::vector<Object> objects;  // without pieces
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next_after;  // continue here
};

// An object that is there once `committed` is ok.
struct PendingObject {
  Object object;
  Future<Status> committed;
};

// An upload in progress: append bytes, then commit; destroyed uncommitted: discarded. One thread at a time.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual Status append(std::string_view bytes) = 0;
  // For a checksum that is known only after the bytes (a trailer). The algorithm was named in the options.
  virtual Status expect_checksum(const std::string& algorithm, std::string base64) = 0;
  virtual Result<Object> commit() = 0;  // durable and visible, in this order
  // The same for who may not wait: one attempt, of small content, in a MemoryOnly scope. `committed` with
  // "ConditionFailed": another writer came between. Errors besides those of commit(): "WouldWait". After one
  // of these two nothing was changed: put it again, with commit().
  virtual Result<PendingObject> begin_commit() = 0;
};

// Multipart uploads. A part is an Object of its own until the upload is completed by reference.
struct Upload {
  std::string bucket, key, id;
  int64_t initiated_ms = 0;
  std::map<std::string, std::string> headers, metadata;
  std::string checksum_algorithm;     // empty: none
  bool full_object_checksum = false;  // of all bytes; else of the parts' checksums
};

struct Part {
  int32_t number = 0;
  uint64_t size_bytes = 0;
  std::string etag;
  int64_t modified_ms = 0;
  std::map<std::string, std::string> checksums;
  std::vector<blob::BlobRef> pieces;
};

struct CompletedPart {
  int32_t number = 0;
  std::string etag;
  std::map<std::string, std::string> checksums = {};
};

// Whose part it is; what a request names.
struct UploadPlace {
  std::string bucket, key, upload_id;
};

struct ListUploadsRequest {
  std::string bucket, prefix, delimiter;
  std::string after_key,
      after_upload_id;  // exclusive; without an id: all uploads of after_key are passed over
  size_t max_uploads = 1000;
};

struct ListUploadsResult {
  std::vector<Upload> uploads;
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next_key, next_upload_id;
};

struct ByteRange {
  uint64_t offset = 0, size_bytes = 0;
};

class Store {
 public:
  virtual ~Store() = default;
  virtual Status create_bucket(const Bucket& bucket) = 0;
  virtual Result<Bucket> bucket(std::string_view name) const = 0;
  // The same without a copy, as a rule from memory: for what each request asks.
  virtual Result<BucketPtr> shared_bucket(std::string_view name) const = 0;
  virtual Result<std::vector<Bucket>> buckets(const AccountId& owner) const = 0;
  // Changes what may change of a bucket (its tags, who may), in one step with what was read: `change` may be
  // called again. Errors: NoSuchBucket, OperationAborted (others were faster again and again), and those of
  // `change`.
  virtual Status update_bucket(std::string_view name, const std::function<Status(Bucket&)>& change) = 0;
  virtual Status delete_bucket(std::string_view name) = 0;
  // Of all of an account's buckets, besides each one's own. Empty: none was set.
  virtual Result<std::optional<PublicAccessBlock>> account_block(const AccountId& owner) const = 0;
  virtual Status set_account_block(const AccountId& owner, const std::optional<PublicAccessBlock>& block) = 0;

  virtual Result<std::unique_ptr<ObjectWriter>> put(std::string_view bucket, std::string_view key,
                                                    PutOptions options) = 0;
  virtual Result<Object> head(std::string_view bucket, std::string_view key) const = 0;
  // Bytes [offset, offset + bytes) of an object got from head(): stays readable while that Object lives.
  virtual Result<std::string> read(const Object& object, uint64_t offset, size_t bytes) const = 0;
  virtual Result<ListResult> list(const ListRequest& request) const = 0;
  virtual Status remove(std::string_view bucket, std::string_view key) = 0;  // missing: no error
  // One commit for all; an outcome for each key.
  virtual Result<std::vector<Status>> remove_many(std::string_view bucket,
                                                  const std::vector<std::string>& keys) = 0;
  // By reference: the bytes are shared, the etag stays. `replace`: new headers and metadata instead of the
  // source's.
  virtual Result<Object> copy(const Object& source, std::string_view bucket, std::string_view key,
                              std::optional<PutOptions> replace) = 0;
  // Descriptors open for reading with the pieces' sizes, for a query worker.
  virtual Result<std::vector<int>> open_descriptors(const Object& object) const = 0;

  virtual Result<Upload> create_upload(std::string_view bucket, std::string_view key, PutOptions options) = 0;
  virtual Result<Upload> upload(const UploadPlace& place) const = 0;
  // commit() answers with the part's etag, size and checksums.
  virtual Result<std::unique_ptr<ObjectWriter>> put_part(const UploadPlace& place, int32_t number,
                                                         PutOptions options) = 0;
  // Whole sources are taken by reference, ranges are copied.
  virtual Result<Object> copy_part(const UploadPlace& place, int32_t number, const Object& source,
                                   std::optional<ByteRange> range) = 0;
  // `conditions`: if_match, if_none_match_any, checksums and size_bytes (of the whole). Done once, it answers
  // the same again, whatever they say.
  virtual Result<Object> complete_upload(const UploadPlace& place, const std::vector<CompletedPart>& parts,
                                         const PutOptions& conditions) = 0;
  virtual Status abort_upload(const UploadPlace& place) = 0;
  virtual Result<std::vector<Part>> parts(const UploadPlace& place, int32_t after_number,
                                          size_t max_parts) const = 0;
  virtual Result<ListUploadsResult> uploads(const ListUploadsRequest& request) const = 0;
};

// Uses the meta family "s3". All references must outlive the store.
std::unique_ptr<Store> make_store(meta::Store& meta, blob::Store& blobs, const os::Clock& clock,
                                  os::Random& random);

// The same for one principal: each call is authorised as the S3 operation it stands for (s3:GetObject,
// s3:PutObject, s3:ListBucket, s3:DeleteObject), and fails with AccessDenied. What services use inside the
// process.
class ObjectAccess {
 public:
  // `known`, where given, outlives it: CalledVia, where a service acts for its caller.
  ObjectAccess(Store& store, const Authoriser& authoriser, PrincipalPtr principal,
               const ConditionSource* known = nullptr)
      : store_(store), authoriser_(authoriser), principal_(std::move(principal)), known_(known) {}
  Result<Object> head(std::string_view bucket, std::string_view key) const;
  Result<std::string> get(std::string_view bucket, std::string_view key) const;  // whole, small objects
  // Of an object got from head() here, which has asked for the permission.
  Result<std::string> read(const Object& object, uint64_t offset, size_t bytes) const;
  Result<ListResult> list(const ListRequest& request) const;
  Status put(std::string_view bucket, std::string_view key, std::string_view bytes,
             PutOptions options = {}) const;
  Result<std::unique_ptr<ObjectWriter>> writer(std::string_view bucket, std::string_view key,
                                               PutOptions options = {}) const;
  Status remove(std::string_view bucket, std::string_view key) const;
  // By reference, no bytes move: s3:GetObject on the source, s3:PutObject on the copy.
  Result<Object> copy(const Object& source, std::string_view bucket, std::string_view key) const;
  Result<std::vector<int>> open_descriptors(const Object& object) const;

 private:
  Status check(std::string_view action, std::string_view resource) const;
  Store& store_;
  const Authoriser& authoriser_;
  PrincipalPtr principal_;
  const ConditionSource* known_;
};

// "s3://bucket/key" (also s3a, s3n) → bucket and key. Error: "InvalidS3Location".
struct Location {
  std::string bucket, key;
};
Result<Location> parse_location(std::string_view uri);

}  // namespace mekong::objects
