#include <algorithm>

#include "api/tags.h"
#include "codec/text.h"
#include "services/s3/parameters.h"
#include "services/s3/service.h"

namespace mekong::s3 {
namespace {

constexpr std::string_view default_region = "us-east-1";
constexpr int32_t buckets_page_max = 10'000;

// The region a new bucket goes to: as asked for, within what the called region's endpoint may make.
Result<Region> region_of(const api::Context& ctx, const model::CreateBucketRequest& request) {
  std::string wanted;
  if (const auto& configuration = request.create_bucket_configuration) {
    if (configuration->location || configuration->bucket) {
      return Error{"NotImplemented", "CreateBucketConfiguration: Location and Bucket are not implemented",
                   501};
    }
    wanted = configuration->location_constraint.value_or("");
  }
  if (wanted == default_region) {
    return Error{"InvalidLocationConstraint", "The specified location-constraint is not valid", 400};
  }
  if (wanted == "EU") wanted = "eu-west-1";
  const std::string& called = ctx.region.value;
  if (wanted.empty() && called != default_region) {
    return Error{"IllegalLocationConstraintException",
                 "The unspecified location constraint is incompatible for the region specific endpoint this "
                 "request was sent to.",
                 400};
  }
  if (!wanted.empty() && called != default_region && wanted != called) {
    return Error{"IllegalLocationConstraintException",
                 "The " + wanted +
                     " location constraint is incompatible for the region specific endpoint this request was "
                     "sent to.",
                 400};
  }
  return Region(wanted.empty() ? std::string(default_region) : wanted);
}

Result<size_t> page_size(const std::optional<int32_t>& asked) {
  const int32_t size = asked.value_or(buckets_page_max);
  if (size >= 1 && size <= buckets_page_max) return static_cast<size_t>(size);
  return Error{"InvalidArgument",
               "Argument max-buckets must be an integer between 1 and 10000",
               400,
               {{"ArgumentName", "max-buckets"}, {"ArgumentValue", std::to_string(size)}}};
}

// The tags that a new bucket is given: a permission of its own.
Result<Texts> tags_of(const api::Context& ctx, const model::CreateBucketRequest& request) {
  const auto& configuration = request.create_bucket_configuration;
  if (!configuration || !configuration->tags || configuration->tags->empty()) return Texts();
  MEKONG_TRY_ASSIGN(auto tags, bucket_tags(*configuration->tags));
  MEKONG_TRY(ctx.authorise_action("s3:TagResource", bucket_arn(request.bucket), api::request_tags(tags)));
  return tags;
}

}  // namespace

Result<model::CreateBucketOutput> S3Service::create_bucket(api::Context& ctx,
                                                           const model::CreateBucketRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(auto region, region_of(ctx, request));
  MEKONG_TRY_ASSIGN(auto tags, tags_of(ctx, request));
  auto created = store_.create_bucket(
      {.name = request.bucket, .owner = ctx.account, .region = region, .tags = std::move(tags)});
  if (!created.ok()) {
    if (created.error().code != "BucketAlreadyOwnedByYou") return std::move(created).error();
    // us-east-1 answers the owner's second request with success, as it always has.
    MEKONG_TRY_ASSIGN(auto present, store_.bucket(request.bucket));
    bool east = present.region.value == default_region && region.value == default_region;
    if (!east) return std::move(created).error();
  }
  model::CreateBucketOutput output;
  output.location = "/" + request.bucket;
  return output;
}

Result<model::HeadBucketOutput> S3Service::head_bucket(api::Context& ctx,
                                                       const model::HeadBucketRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  model::HeadBucketOutput output;
  output.bucket_region = bucket->region.value;
  output.access_point_alias = false;
  return output;
}

Result<model::DeleteBucketResponse> S3Service::delete_bucket(api::Context& ctx,
                                                             const model::DeleteBucketRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY(store_.delete_bucket(request.bucket));
  return model::DeleteBucketResponse{};
}

Result<model::GetBucketLocationOutput> S3Service::get_bucket_location(
    api::Context& ctx, const model::GetBucketLocationRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  model::GetBucketLocationOutput output;
  if (bucket->region.value != default_region) output.location_constraint = bucket->region.value;
  return output;
}

Result<model::ListBucketsOutput> S3Service::list_buckets(api::Context& ctx,
                                                         const model::ListBucketsRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto max, page_size(request.max_buckets));
  MEKONG_TRY_ASSIGN(auto all, store_.buckets(ctx.account));
  std::string after;
  if (request.continuation_token) {
    auto decoded = codec::base64_decode(*request.continuation_token);
    if (!decoded) return Error{"InvalidArgument", "The continuation token provided is incorrect", 400};
    after = *decoded;
  }
  const auto prefix = request.prefix.value_or("");
  model::ListBucketsOutput output;
  output.owner.emplace().id = canonical_id(ctx.account);
  output.prefix = request.prefix;
  auto& listed = output.buckets.emplace();
  for (const auto& bucket : all) {
    if (bucket.name <= after || !bucket.name.starts_with(prefix)) continue;
    if (request.bucket_region && *request.bucket_region != bucket.region.value) continue;
    if (listed.size() == max) {
      output.continuation_token = codec::base64_encode(listed.back().name.value_or(""));
      break;
    }
    auto& entry = listed.emplace_back();
    entry.name = bucket.name;
    entry.creation_date = api::Timestamp{bucket.created_ms};
    bool paged = request.max_buckets || request.prefix || request.bucket_region || request.continuation_token;
    if (paged) entry.bucket_region = bucket.region.value;
  }
  return output;
}

}  // namespace mekong::s3
