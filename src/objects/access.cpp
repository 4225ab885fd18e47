#include <utility>

#include "objects/objects.h"

namespace mekong::objects {
namespace {

std::string object_arn(std::string_view bucket, std::string_view key) {
  return "arn:aws:s3:::" + std::string(bucket) + "/" + std::string(key);
}

std::string bucket_arn(std::string_view bucket) {
  return "arn:aws:s3:::" + std::string(bucket);
}

}  // namespace

Status ObjectAccess::check(std::string_view action, std::string_view resource) const {
  // Whose the bucket is and what its policy says, the authoriser knows.
  auto decision =
      authoriser_.decide({.principal = *principal_, .action = action, .resource = resource, .known = known_});
  if (decision.allowed) return ok();
  return Error{"AccessDenied",
               "User: " + principal_->arn + " is not authorized to perform: " + std::string(action) +
                   " on resource: \"" + std::string(resource) + "\"" +
                   (decision.reason.empty() ? "" : " " + decision.reason),
               403};
}

Result<Object> ObjectAccess::head(std::string_view bucket, std::string_view key) const {
  MEKONG_TRY(check("s3:GetObject", object_arn(bucket, key)));
  auto object = store_.head(bucket, key);
  // Who may not list may not learn what is not there.
  if (!object.ok() && object.error().code == "NoSuchKey")
    MEKONG_TRY(check("s3:ListBucket", bucket_arn(bucket)));
  return object;
}

Result<std::string> ObjectAccess::get(std::string_view bucket, std::string_view key) const {
  MEKONG_TRY_ASSIGN(auto object, head(bucket, key));
  return store_.read(object, 0, object.size_bytes);
}

Result<std::string> ObjectAccess::read(const Object& object, uint64_t offset, size_t bytes) const {
  return store_.read(object, offset, bytes);
}

Result<ListResult> ObjectAccess::list(const ListRequest& request) const {
  MEKONG_TRY(check("s3:ListBucket", bucket_arn(request.bucket)));
  return store_.list(request);
}

Status ObjectAccess::put(std::string_view bucket, std::string_view key, std::string_view bytes,
                         PutOptions options) const {
  MEKONG_TRY_ASSIGN(auto writer, this->writer(bucket, key, std::move(options)));
  MEKONG_TRY(writer->append(bytes));
  MEKONG_TRY(writer->commit());
  return ok();
}

Result<std::unique_ptr<ObjectWriter>> ObjectAccess::writer(std::string_view bucket, std::string_view key,
                                                           PutOptions options) const {
  MEKONG_TRY(check("s3:PutObject", object_arn(bucket, key)));
  return store_.put(bucket, key, std::move(options));
}

Status ObjectAccess::remove(std::string_view bucket, std::string_view key) const {
  MEKONG_TRY(check("s3:DeleteObject", object_arn(bucket, key)));
  return store_.remove(bucket, key);
}

Result<Object> ObjectAccess::copy(const Object& source, std::string_view bucket, std::string_view key) const {
  MEKONG_TRY(check("s3:GetObject", object_arn(source.bucket, source.key)));
  MEKONG_TRY(check("s3:PutObject", object_arn(bucket, key)));
  return store_.copy(source, bucket, key, std::nullopt);
}

Result<std::vector<int>> ObjectAccess::open_descriptors(const Object& object) const {
  MEKONG_TRY(check("s3:GetObject", object_arn(object.bucket, object.key)));
  return store_.open_descriptors(object);
}

Result<Location> parse_location(std::string_view uri) {
  auto scheme_end = uri.find("://");
  auto scheme = uri.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end);
  if (scheme == "s3" || scheme == "s3a" || scheme == "s3n") {
    auto rest = uri.substr(scheme_end + 3);
    auto slash = rest.find('/');
    Location location{.bucket = std::string(rest.substr(0, slash))};
    if (slash != std::string_view::npos) location.key = rest.substr(slash + 1);
    if (!location.bucket.empty()) return location;
  }
  return Error{"InvalidS3Location", "'" + std::string(uri) + "' is not an S3 location (s3://bucket/key)"};
}

}  // namespace mekong::objects
