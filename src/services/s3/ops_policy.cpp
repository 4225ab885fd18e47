// Who may use a bucket besides its owner: bucket policies, the public access block, ownership.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
#include <algorithm>

#include "policy/public.h"
#include "services/s3/parameters.h"
#include "services/s3/service.h"

namespace mekong::s3 {
namespace {

constexpr size_t policy_bytes_max = 20 * 1024;
constexpr const char* enforced = "BucketOwnerEnforced";

Error malformed(std::string message) {
  return {"MalformedPolicy", std::move(message), 400};
}

bool is_inside(const policy::Pattern& resource, const std::string& arn) {
  const std::string& text = resource.source();
  if (!text.starts_with(arn)) return false;
  return text.size() == arn.size() || text[arn.size()] == '/' || text[arn.size()] == '*';
}

// A bucket's policy speaks of S3, of that bucket, and of principals that can be.
Status check_statement(const policy::Statement& statement, const std::string& arn,
                       const S3Service::MayBeNamed& may_be_named) {
  const auto of_s3 = [](const policy::Glob& action) {
    return action.reaches_into("s3:", policy::Case::ignored);
  };
  if (!std::ranges::all_of(statement.actions, of_s3)) return malformed("Policy has invalid action");
  const auto inside = [&](const policy::Pattern& resource) { return is_inside(resource, arn); };
  if (!std::ranges::all_of(statement.resources, inside)) return malformed("Policy has invalid resource");
  if (!std::ranges::all_of(statement.principal.aws, may_be_named))
    return malformed("Invalid principal in policy");
  if (!statement.principal.canonical_users.empty())
    return Error{"NotImplemented", "CanonicalUser in a bucket policy is not implemented", 501};
  return ok();
}

Result<policy::DocumentPtr> check_policy(const std::string& text, const std::string& bucket,
                                         const S3Service::MayBeNamed& may_be_named) {
  if (text.size() > policy_bytes_max) return malformed("Policy exceeds the maximum allowed document size.");
  auto document = policy::parse_document(text, policy::DocumentKind::resource);
  if (!document.ok()) return malformed(document.error().message);
  for (const auto& statement : (*document)->statements)
    MEKONG_TRY(check_statement(statement, bucket_arn(bucket), may_be_named));
  return document;
}

// A policy that lets another account in does not hand its own keeping over.
Status check_keeper(const api::Context& ctx, const objects::Bucket& bucket) {
  if (bucket.owner == ctx.account) return ok();
  return Error{"MethodNotAllowed", "The specified method is not allowed against this resource.", 405};
}

Error blocked(const api::Context& ctx, const std::string& bucket) {
  return {"AccessDenied",
          "User: " + ctx.principal->arn +
              " is not authorized to perform: s3:PutBucketPolicy on resource: \"" + bucket_arn(bucket) +
              "\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public "
              "Access.",
          403};
}

Error no_policy(const std::string& bucket) {
  return {"NoSuchBucketPolicy", "The bucket policy does not exist", 404, {{"BucketName", bucket}}};
}

Error no_block(const std::string& bucket) {
  return {"NoSuchPublicAccessBlockConfiguration",
          "The public access block configuration was not found",
          404,
          {{"BucketName", bucket}}};
}

}  // namespace

Result<model::PutBucketPolicyResponse> S3Service::put_bucket_policy(
    api::Context& ctx, const model::PutBucketPolicyRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY(check_keeper(ctx, *bucket));
  MEKONG_TRY_ASSIGN(const auto document, check_policy(request.policy, request.bucket, may_be_named_));
  const bool open = policy::is_public(*document);
  MEKONG_TRY_ASSIGN(const auto account_block, store_.account_block(bucket->owner));
  const auto blocks = [](const std::optional<objects::PublicAccessBlock>& block) {
    return block && block->block_policy;
  };
  MEKONG_TRY(store_.update_bucket(request.bucket, [&](objects::Bucket& changed) -> Status {
    if (open && (blocks(changed.public_access_block) || blocks(account_block)))
      return blocked(ctx, request.bucket);
    changed.policy = request.policy;
    changed.policy_is_public = open;
    return ok();
  }));
  return model::PutBucketPolicyResponse{};
}

Result<model::GetBucketPolicyOutput> S3Service::get_bucket_policy(
    api::Context& ctx, const model::GetBucketPolicyRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY(check_keeper(ctx, *bucket));
  if (bucket->policy.empty()) return no_policy(request.bucket);
  return model::GetBucketPolicyOutput{bucket->policy};
}

Result<model::DeleteBucketPolicyResponse> S3Service::delete_bucket_policy(
    api::Context& ctx, const model::DeleteBucketPolicyRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY(check_keeper(ctx, *bucket));
  MEKONG_TRY(store_.update_bucket(request.bucket, [](objects::Bucket& changed) {
    changed.policy.clear();
    changed.policy_is_public = false;
    return ok();
  }));
  return model::DeleteBucketPolicyResponse{};
}

Result<model::GetBucketPolicyStatusOutput> S3Service::get_bucket_policy_status(
    api::Context& ctx, const model::GetBucketPolicyStatusRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  if (bucket->policy.empty()) return no_policy(request.bucket);
  return model::GetBucketPolicyStatusOutput{model::PolicyStatus{bucket->policy_is_public}};
}

Result<model::PutPublicAccessBlockResponse> S3Service::put_public_access_block(
    api::Context& ctx, const model::PutPublicAccessBlockRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  const auto& wanted = request.public_access_block_configuration;
  MEKONG_TRY(store_.update_bucket(request.bucket, [&](objects::Bucket& bucket) {
    bucket.public_access_block = {
        wanted.block_public_acls.value_or(false), wanted.ignore_public_acls.value_or(false),
        wanted.block_public_policy.value_or(false), wanted.restrict_public_buckets.value_or(false)};
    return ok();
  }));
  return model::PutPublicAccessBlockResponse{};
}

Result<model::GetPublicAccessBlockOutput> S3Service::get_public_access_block(
    api::Context& ctx, const model::GetPublicAccessBlockRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  const auto& block = bucket->public_access_block;
  if (!block) return no_block(request.bucket);
  return model::GetPublicAccessBlockOutput{model::PublicAccessBlockConfiguration{
      block->block_acls, block->ignore_acls, block->block_policy, block->restrict_buckets}};
}

Result<model::DeletePublicAccessBlockResponse> S3Service::delete_public_access_block(
    api::Context& ctx, const model::DeletePublicAccessBlockRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY(store_.update_bucket(request.bucket, [](objects::Bucket& bucket) {
    bucket.public_access_block.reset();
    return ok();
  }));
  return model::DeletePublicAccessBlockResponse{};
}

// There are no ACLs, so ownership is what S3 gives buckets of today, and nothing else.
Result<model::PutBucketOwnershipControlsResponse> S3Service::put_bucket_ownership_controls(
    api::Context& ctx, const model::PutBucketOwnershipControlsRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  const auto& rules = request.ownership_controls.rules;
  if (rules.size() != 1) {
    return Error{"MalformedXML",
                 "The XML you provided was not well-formed or did not validate against our schema", 400};
  }
  if (rules.front().object_ownership != enforced) {
    return Error{"NotImplemented",
                 "ObjectOwnership " + rules.front().object_ownership + " is not implemented", 501};
  }
  return model::PutBucketOwnershipControlsResponse{};
}

Result<model::GetBucketOwnershipControlsOutput> S3Service::get_bucket_ownership_controls(
    api::Context& ctx, const model::GetBucketOwnershipControlsRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  return model::GetBucketOwnershipControlsOutput{model::OwnershipControls{{{enforced}}}};
}

}  // namespace mekong::s3
