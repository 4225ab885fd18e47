// Tags of buckets; objects have none.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/CostAllocTagging.html
#include "api/tags.h"
#include "services/s3/parameters.h"
#include "services/s3/service.h"

namespace mekong::s3 {
namespace {

Error invalid_tag(std::string_view message, const std::string& key) {
  return {"InvalidTag", std::string(message), 400, {{"TagKey", key}}};
}

Status check(const model::Tag& tag) {
  switch (api::check_tag(tag.key, tag.value)) {
    case api::TagFault::reserved:
      return invalid_tag("System tags cannot be added/updated by requester", tag.key);
    case api::TagFault::key:
      return invalid_tag("The TagKey you have provided is invalid", tag.key);
    case api::TagFault::value:
      return invalid_tag("The TagValue you have provided is invalid", tag.key);
    case api::TagFault::none:
      break;
  }
  return ok();
}

}  // namespace

Result<Texts> bucket_tags(const std::vector<model::Tag>& set) {
  if (set.size() > api::tags_max) {
    return Error{"BadRequest", "Bucket tag count cannot be greater than " + std::to_string(api::tags_max),
                 400};
  }
  Texts tags;
  for (const auto& tag : set) {
    MEKONG_TRY(check(tag));
    if (!tags.emplace(tag.key, tag.value).second) {
      return invalid_tag("Cannot provide multiple Tags with the same key", tag.key);
    }
  }
  return tags;
}

Result<model::GetBucketTaggingOutput> S3Service::get_bucket_tagging(
    api::Context& ctx, const model::GetBucketTaggingRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  if (bucket->tags.empty()) {
    return Error{"NoSuchTagSet", "The TagSet does not exist", 404, {{"BucketName", request.bucket}}};
  }
  model::GetBucketTaggingOutput output;
  for (const auto& [key, value] : bucket->tags) output.tag_set.push_back({key, value});
  return output;
}

Result<model::PutBucketTaggingResponse> S3Service::put_bucket_tagging(
    api::Context& ctx, const model::PutBucketTaggingRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY_ASSIGN(const auto tags, bucket_tags(request.tagging.tag_set));
  MEKONG_TRY(store_.update_bucket(request.bucket, [&](objects::Bucket& bucket) {
    bucket.tags = tags;
    return ok();
  }));
  return model::PutBucketTaggingResponse{};
}

Result<model::DeleteBucketTaggingResponse> S3Service::delete_bucket_tagging(
    api::Context& ctx, const model::DeleteBucketTaggingRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY(store_.update_bucket(request.bucket, [](objects::Bucket& bucket) {
    bucket.tags.clear();
    return ok();
  }));
  return model::DeleteBucketTaggingResponse{};
}

Result<model::GetObjectTaggingOutput> S3Service::get_object_tagging(
    api::Context& ctx, const model::GetObjectTaggingRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY(find_object(ctx, request.bucket, request.key));
  return model::GetObjectTaggingOutput{};
}

Result<model::PutObjectTaggingOutput> S3Service::put_object_tagging(
    api::Context& ctx, const model::PutObjectTaggingRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY(find_object(ctx, request.bucket, request.key));
  if (!request.tagging.tag_set.empty()) {
    return Error{"NotImplemented", "PutObjectTagging: tags of objects are not implemented", 501};
  }
  return model::PutObjectTaggingOutput{};
}

Result<model::DeleteObjectTaggingOutput> S3Service::delete_object_tagging(
    api::Context& ctx, const model::DeleteObjectTaggingRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY(find_object(ctx, request.bucket, request.key));
  return model::DeleteObjectTaggingOutput{};
}

}  // namespace mekong::s3
