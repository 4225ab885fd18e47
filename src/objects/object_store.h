// The store over meta and blob. Writers of one key meet in conditions of the commit: each reads the key's
// record, says what it expects, and tries again when somebody was faster, so every key is linearizable
// without locks.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "objects/known_buckets.h"
#include "objects/objects.h"

namespace mekong::objects {

class ObjectStore final : public Store {
 public:
  ObjectStore(meta::Store& meta, blob::Store& blobs, const os::Clock& clock, os::Random& random)
      : meta_(meta), blobs_(blobs), clock_(clock), random_(random), bucket_watch_(watch_buckets()) {}

  Status create_bucket(const Bucket& bucket) override;
  Result<Bucket> bucket(std::string_view name) const override;
  Result<BucketPtr> shared_bucket(std::string_view name) const override;
  Result<std::vector<Bucket>> buckets(const AccountId& owner) const override;
  Status update_bucket(std::string_view name, const std::function<Status(Bucket&)>& change) override;
  Status delete_bucket(std::string_view name) override;
  Result<std::optional<PublicAccessBlock>> account_block(const AccountId& owner) const override;
  Status set_account_block(const AccountId& owner, const std::optional<PublicAccessBlock>& block) override;

  Result<std::unique_ptr<ObjectWriter>> put(std::string_view bucket, std::string_view key,
                                            PutOptions options) override;
  Result<Object> head(std::string_view bucket, std::string_view key) const override;
  Result<std::string> read(const Object& object, uint64_t offset, size_t bytes) const override;
  Result<ListResult> list(const ListRequest& request) const override;
  Status remove(std::string_view bucket, std::string_view key) override;
  Result<std::vector<Status>> remove_many(std::string_view bucket,
                                          const std::vector<std::string>& keys) override;
  Result<Object> copy(const Object& source, std::string_view bucket, std::string_view key,
                      std::optional<PutOptions> replace) override;
  Result<std::vector<int>> open_descriptors(const Object& object) const override;

  Result<Upload> create_upload(std::string_view bucket, std::string_view key, PutOptions options) override;
  Result<Upload> upload(const UploadPlace& place) const override;
  Result<std::unique_ptr<ObjectWriter>> put_part(const UploadPlace& place, int32_t number,
                                                 PutOptions options) override;
  Result<Object> copy_part(const UploadPlace& place, int32_t number, const Object& source,
                           std::optional<ByteRange> range) override;
  Result<Object> complete_upload(const UploadPlace& place, const std::vector<CompletedPart>& parts,
                                 const PutOptions& conditions) override;
  Status abort_upload(const UploadPlace& place) override;
  Result<std::vector<Part>> parts(const UploadPlace& place, int32_t after_number,
                                  size_t max_parts) const override;
  Result<ListUploadsResult> uploads(const ListUploadsRequest& request) const override;

  // For the writers. Adds to `batch` what makes `object` the value of its key, commits, and tries again when
  // another writer came between. `gone`: the error when the batch's own conditions cannot hold any more.
  Result<Object> commit_object(Object object, const meta::Batch& content, const PutOptions& conditions,
                               const Error& gone);
  // Once, without waiting.
  Result<PendingObject> begin_object(Object object, meta::Batch content, const PutOptions& conditions);
  Result<Object> commit_part(const UploadPlace& place, Part part, const meta::Batch& content,
                             const Error& gone);
  int64_t now_ms() const { return clock_.wall_ms(); }
  blob::Store& blobs() { return blobs_; }

 private:
  // A record as it lies in meta, for conditions.
  using Stored = std::optional<std::string>;
  struct StoredParts {
    std::vector<Part> parts;
    std::vector<std::string> keys, records;
    Stored counted;  // their counter, from before they were read
  };
  struct SeenPart {
    Stored part, counted;
    bool operator==(const SeenPart&) const = default;
  };
  std::unique_ptr<meta::Watch> watch_buckets();
  Result<KnownBucketPtr> known_bucket(std::string_view name) const;
  // Adds to `batch` what makes `object` the value of its key; answers the record that it expects there.
  Result<Stored> name_object(Object& object, const PutOptions& conditions, meta::Batch& batch);
  // The same for a part of an upload; the counter where it expects that, too.
  Result<SeenPart> name_part(const UploadPlace& place, Part& part, meta::Batch& batch);
  Result<std::string> upload_record(const UploadPlace& place) const;
  Status release_all(meta::Batch& batch, const std::vector<blob::BlobRef>& pieces);
  Status retain_all(meta::Batch& batch, const std::vector<blob::BlobRef>& pieces);
  Status add_removal(meta::Batch& batch, std::string_view bucket, std::string_view key);
  Result<StoredParts> stored_parts(const UploadPlace& place) const;
  Status add_upload_removal(meta::Batch& batch, const UploadPlace& place, const std::string& record,
                            const StoredParts& parts);
  Result<Object> assemble(const UploadPlace& place, const Upload& upload, const StoredParts& stored,
                          const std::vector<CompletedPart>& wanted, meta::Batch& batch);
  Result<Object> completed_before(const UploadPlace& place, const Error& otherwise) const;
  Result<Object> copy_range_to_part(const UploadPlace& place, int32_t number, const Object& source,
                                    ByteRange range);

  meta::Store& meta_;
  blob::Store& blobs_;
  const os::Clock& clock_;
  os::Random& random_;
  mutable KnownBuckets known_buckets_;
  const std::unique_ptr<meta::Watch> bucket_watch_;
};

}  // namespace mekong::objects
