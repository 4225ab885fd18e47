#include "services/s3/service.h"

#include "codec/hash.h"
#include "codec/text.h"

namespace mekong::s3 {
namespace {

Error access_denied() {
  return {"AccessDenied", "Access Denied", 403};
}

}  // namespace

std::string bucket_arn(std::string_view bucket) {
  return "arn:aws:s3:::" + std::string(bucket);
}

std::string object_arn(std::string_view bucket, std::string_view key) {
  return bucket_arn(bucket) + "/" + std::string(key);
}

std::string canonical_id(const AccountId& account) {
  return codec::hex_encode(codec::sha256("canonical user " + account.value));
}

std::string quoted(std::string_view etag) {
  return "\"" + std::string(etag) + "\"";
}

std::string unquoted(std::string_view etag) {
  etag = codec::trim(etag);
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

Result<objects::BucketPtr> S3Service::permitted_bucket(
    std::string_view name, const std::optional<std::string>& expected_owner) const {
  MEKONG_TRY_ASSIGN(auto bucket, store_.shared_bucket(name));
  if (expected_owner && *expected_owner != bucket->owner.value) return access_denied();
  return bucket;
}

Result<objects::Object> S3Service::find_object(const api::Context& ctx, std::string_view bucket,
                                               std::string_view key) const {
  auto object = store_.head(bucket, key);
  if (!object.ok() && object.error().code == "NoSuchKey") {
    MEKONG_TRY(ctx.authorise_action("s3:ListBucket", bucket_arn(bucket)));
  }
  return object;
}

Result<objects::Object> S3Service::copy_source(const api::Context& ctx, const std::string& header,
                                               const std::optional<std::string>& expected_owner) const {
  Error malformed{"InvalidArgument",
                  "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
                  400,
                  {{"ArgumentName", "x-amz-copy-source"}, {"ArgumentValue", header}}};
  std::string_view text = header;
  if (auto query = text.find('?'); query != std::string_view::npos) {
    if (text.substr(query) != "?versionId=null") {
      return Error{"NotImplemented", "Versions in x-amz-copy-source are not implemented", 501};
    }
    text = text.substr(0, query);
  }
  auto decoded = codec::percent_decode(text, true);
  if (!decoded) return malformed;
  if (decoded->starts_with("arn:")) {
    return Error{"NotImplemented", "Access points in x-amz-copy-source are not implemented", 501};
  }
  std::string_view source = *decoded;
  if (source.starts_with('/')) source.remove_prefix(1);
  auto slash = source.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == source.size()) return malformed;
  auto bucket = source.substr(0, slash);
  auto key = source.substr(slash + 1);
  MEKONG_TRY(ctx.authorise_action("s3:GetObject", object_arn(bucket, key)));
  MEKONG_TRY(permitted_bucket(bucket, expected_owner));
  return find_object(ctx, bucket, key);
}

}  // namespace mekong::s3
