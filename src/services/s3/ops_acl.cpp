// Access control lists as S3 has them where BucketOwnerEnforced holds, as it does of every bucket here: the
// owner has everything, and nothing else can be said.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
#include <algorithm>

#include "services/s3/parameters.h"
#include "services/s3/service.h"

namespace mekong::s3 {
namespace {

constexpr const char* all_of_it = "FULL_CONTROL";

model::Owner owner_of(const objects::Bucket& bucket) {
  model::Owner owner;
  owner.id = canonical_id(bucket.owner);
  return owner;
}

template <class Output>
Output owners_acl(const objects::Bucket& bucket) {
  Output output;
  output.owner = owner_of(bucket);
  auto& grant = output.grants.emplace().emplace_back();
  grant.permission = all_of_it;
  auto& grantee = grant.grantee.emplace();
  grantee.type = "CanonicalUser";
  grantee.id = output.owner->id;
  return output;
}

// The owner's everything, or nothing but what a canned ACL says.
Status check_policy(const objects::Bucket& bucket, const std::optional<model::AccessControlPolicy>& policy) {
  if (!policy) return ok();
  const std::string owner = canonical_id(bucket.owner);
  const auto is_owners = [&](const model::Grant& grant) {
    return grant.grantee && grant.grantee->id == owner && grant.permission == all_of_it;
  };
  const bool owned = !policy->owner || policy->owner->id.value_or(owner) == owner;
  if (owned && policy->grants && std::ranges::all_of(*policy->grants, is_owners)) return ok();
  return acl_not_supported();
}

// An ACL in a header or in the body; neither is no request.
template <class Request>
Status check_request(const objects::Bucket& bucket, const Request& request) {
  if (!request.acl && !request.access_control_policy)
    return Error{"MissingSecurityHeader", "Your request was missing a required header", 400};
  return check_policy(bucket, request.access_control_policy);
}

}  // namespace

Result<model::GetBucketAclOutput> S3Service::get_bucket_acl(api::Context& ctx,
                                                            const model::GetBucketAclRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  return owners_acl<model::GetBucketAclOutput>(*bucket);
}

Result<model::PutBucketAclResponse> S3Service::put_bucket_acl(api::Context& ctx,
                                                              const model::PutBucketAclRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY(check_request(*bucket, request));
  return model::PutBucketAclResponse{};
}

Result<model::GetObjectAclOutput> S3Service::get_object_acl(api::Context& ctx,
                                                            const model::GetObjectAclRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY(find_object(ctx, request.bucket, request.key));
  return owners_acl<model::GetObjectAclOutput>(*bucket);
}

Result<model::PutObjectAclOutput> S3Service::put_object_acl(api::Context& ctx,
                                                            const model::PutObjectAclRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY(find_object(ctx, request.bucket, request.key));
  MEKONG_TRY(check_request(*bucket, request));
  return model::PutObjectAclOutput{};
}

}  // namespace mekong::s3
