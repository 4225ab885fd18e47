// Amazon S3's operations over the object store: checks, conditions and the words of S3. Buckets are owned by
// accounts, names are global, there are no bucket policies yet: another account is always refused.
// https://docs.aws.amazon.com/AmazonS3/latest/API/
#pragma once
#include <string>
#include <string_view>

#include "gen/s3/service.h"
#include "objects/objects.h"

namespace mekong::s3 {

namespace model = gen::s3;

class S3Service final : public model::Service {
 public:
  // `store` must outlive the service. Any thread.
  explicit S3Service(objects::Store& store) : store_(store) {}

  Result<model::ListBucketsOutput> list_buckets(api::Context& ctx,
                                                const model::ListBucketsRequest& request) override;
  Result<model::CreateBucketOutput> create_bucket(api::Context& ctx,
                                                  const model::CreateBucketRequest& request) override;
  Result<model::HeadBucketOutput> head_bucket(api::Context& ctx,
                                              const model::HeadBucketRequest& request) override;
  Result<model::DeleteBucketResponse> delete_bucket(api::Context& ctx,
                                                    const model::DeleteBucketRequest& request) override;
  Result<model::GetBucketLocationOutput> get_bucket_location(
      api::Context& ctx, const model::GetBucketLocationRequest& request) override;
  Result<model::ListObjectsV2Output> list_objects_v2(api::Context& ctx,
                                                     const model::ListObjectsV2Request& request) override;
  Result<model::ListObjectsOutput> list_objects(api::Context& ctx,
                                                const model::ListObjectsRequest& request) override;
  Task<Result<model::PutObjectOutput>> put_object(api::Context& ctx, const model::PutObjectRequest& request,
                                                  api::BodyReader& body) override;
  Result<model::GetObjectOutput> get_object(api::Context& ctx,
                                            const model::GetObjectRequest& request) override;
  Result<model::HeadObjectOutput> head_object(api::Context& ctx,
                                              const model::HeadObjectRequest& request) override;
  Result<model::DeleteObjectOutput> delete_object(api::Context& ctx,
                                                  const model::DeleteObjectRequest& request) override;
  Result<model::DeleteObjectsOutput> delete_objects(api::Context& ctx,
                                                    const model::DeleteObjectsRequest& request) override;
  Result<model::CopyObjectOutput> copy_object(api::Context& ctx,
                                              const model::CopyObjectRequest& request) override;
  Result<model::CreateMultipartUploadOutput> create_multipart_upload(
      api::Context& ctx, const model::CreateMultipartUploadRequest& request) override;
  Task<Result<model::UploadPartOutput>> upload_part(api::Context& ctx,
                                                    const model::UploadPartRequest& request,
                                                    api::BodyReader& body) override;
  Result<model::UploadPartCopyOutput> upload_part_copy(api::Context& ctx,
                                                       const model::UploadPartCopyRequest& request) override;
  Result<model::CompleteMultipartUploadOutput> complete_multipart_upload(
      api::Context& ctx, const model::CompleteMultipartUploadRequest& request) override;
  Result<model::AbortMultipartUploadOutput> abort_multipart_upload(
      api::Context& ctx, const model::AbortMultipartUploadRequest& request) override;
  Result<model::ListPartsOutput> list_parts(api::Context& ctx,
                                            const model::ListPartsRequest& request) override;
  Result<model::ListMultipartUploadsOutput> list_multipart_uploads(
      api::Context& ctx, const model::ListMultipartUploadsRequest& request) override;

 private:
  // The bucket, if it belongs to the caller's account (and to `expected_owner`, where given).
  Result<objects::Bucket> own_bucket(const api::Context& ctx, std::string_view name,
                                     const std::optional<std::string>& expected_owner) const;
  // head(), but a missing key is AccessDenied to who may not list.
  Result<objects::Object> find_object(const api::Context& ctx, std::string_view bucket,
                                      std::string_view key) const;
  // The object that x-amz-copy-source names, if the caller may read it.
  Result<objects::Object> copy_source(const api::Context& ctx, const std::string& header,
                                      const std::optional<std::string>& expected_owner) const;

  objects::Store& store_;
};

std::string bucket_arn(std::string_view bucket);
std::string object_arn(std::string_view bucket, std::string_view key);
// S3's owner id of an account: 64 hex digits, always the same.
std::string canonical_id(const AccountId& account);
std::string quoted(std::string_view etag);
std::string unquoted(std::string_view etag);

}  // namespace mekong::s3
