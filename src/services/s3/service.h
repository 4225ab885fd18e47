// Amazon S3's operations over the object store: checks, conditions and the words of S3. Buckets are owned by
// accounts, names are global. Who may is decided before, by the caller's policies and the bucket's.
// https://docs.aws.amazon.com/AmazonS3/latest/API/
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "api/whole_body.h"
#include "gen/s3/service.h"
#include "objects/objects.h"

namespace mekong::s3 {

namespace model = gen::s3;

class S3Service final : public model::Service {
 public:
  // May a bucket's policy name this AWS principal?
  using MayBeNamed = std::function<bool(std::string_view principal)>;
  // `store` must outlive the service. Any thread.
  S3Service(objects::Store& store, MayBeNamed may_be_named)
      : store_(store), may_be_named_(std::move(may_be_named)) {}

#include "gen/s3/operations.inc"

 private:
  // The bucket of a request that was authorised, if it belongs to `expected_owner`, where given.
  Result<objects::BucketPtr> permitted_bucket(std::string_view name,
                                              const std::optional<std::string>& expected_owner) const;
  // head(), but a missing key is AccessDenied to who may not list.
  Result<objects::Object> find_object(const api::Context& ctx, std::string_view bucket,
                                      std::string_view key) const;
  // The object that x-amz-copy-source names, if the caller may read it.
  Result<objects::Object> copy_source(const api::Context& ctx, const std::string& header,
                                      const std::optional<std::string>& expected_owner) const;

  // PutObject of a body that is here, in memory. Errors: "WouldWait", and those of PutObject.
  Result<objects::PendingObject> begin_put(const api::Context& ctx, const model::PutObjectRequest& request,
                                           const api::WholeBody& body) const;

  objects::Store& store_;
  const MayBeNamed may_be_named_;
};

std::string bucket_arn(std::string_view bucket);
std::string object_arn(std::string_view bucket, std::string_view key);
// S3's owner id of an account: 64 hex digits, always the same.
std::string canonical_id(const AccountId& account);
std::string quoted(std::string_view etag);
std::string unquoted(std::string_view etag);

}  // namespace mekong::s3
