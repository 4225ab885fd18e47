#include <algorithm>
#include <utility>

#include "base/memory_only.h"
#include "codec/text.h"
#include "services/s3/conditions.h"
#include "services/s3/parameters.h"
#include "services/s3/receive.h"
#include "services/s3/service.h"

namespace mekong::s3 {
namespace {

Result<objects::PutOptions> put_options(const api::Context& ctx, const model::PutObjectRequest& request) {
  objects::PutOptions options;
  options.headers = content_headers_in(request);
  MEKONG_TRY_ASSIGN(options.metadata, user_metadata(request.metadata));
  MEKONG_TRY(write_conditions(request.if_match, request.if_none_match, options));
  MEKONG_TRY(body_checks(ctx, request, options));
  return options;
}

// A copy onto itself must change something, or name a storage class, even the one it has.
Status check_self_copy(const objects::Object& source, const model::CopyObjectRequest& request) {
  bool same = source.bucket == request.bucket && source.key == request.key;
  if (!same || request.storage_class || request.metadata_directive.value_or("COPY") == "REPLACE") return ok();
  return Error{
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing "
      "the object's metadata, storage class, website redirect location or encryption attributes.",
      400};
}

Status check_copy_checksum(const objects::Object& source, const std::optional<std::string>& algorithm) {
  if (!algorithm || source.checksums.contains(*algorithm)) return ok();
  return Error{
      "NotImplemented",
      "ChecksumAlgorithm " + *algorithm + " of a copy whose source has no such checksum is not implemented",
      501};
}

model::PutObjectOutput put_output(const objects::Object& object) {
  model::PutObjectOutput output;
  output.e_tag = quoted(object.etag);
  checksums_out(object.checksums, output);
  if (!object.checksums.empty()) output.checksum_type = "FULL_OBJECT";
  return output;
}

}  // namespace

// All but the wait for the commit.
Result<objects::PendingObject> S3Service::begin_put(const api::Context& ctx,
                                                    const model::PutObjectRequest& request,
                                                    const api::WholeBody& body) const {
  const MemoryOnly here;
  if (body.length() < 0) return MemoryOnly::would_wait();
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY_ASSIGN(auto options, put_options(ctx, request));
  MEKONG_TRY_ASSIGN(const auto writer, store_.put(request.bucket, request.key, std::move(options)));
  MEKONG_TRY(writer->append(body.bytes()));
  MEKONG_TRY(expect_trailers(body, *writer));
  return writer->begin_commit();
}

Task<Result<model::PutObjectOutput>> S3Service::put_object(api::Context& ctx,
                                                           const model::PutObjectRequest& request,
                                                           api::BodyReader& body) {
  MEKONG_CO_TRY(check_parameters(ctx, &request));
  if (const auto* whole = api::WholeBody::of(body)) {
    MEKONG_CO_TRY_ASSIGN(auto begun, begin_put(ctx, request, *whole));
    auto committed = co_await begun.committed;
    if (!committed.ok() && committed.error().code == "ConditionFailed") co_return MemoryOnly::would_wait();
    MEKONG_CO_TRY(std::move(committed));
    co_return put_output(begun.object);
  }
  MEKONG_CO_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_CO_TRY_ASSIGN(auto options, put_options(ctx, request));
  MEKONG_CO_TRY_ASSIGN(auto writer, store_.put(request.bucket, request.key, std::move(options)));
  auto received = co_await receive(body, *writer);
  MEKONG_CO_TRY_ASSIGN(auto object, std::move(received));
  co_return put_output(object);
}

Result<model::CopyObjectOutput> S3Service::copy_object(api::Context& ctx,
                                                       const model::CopyObjectRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY_ASSIGN(auto source, copy_source(ctx, request.copy_source, request.expected_source_bucket_owner));
  MEKONG_TRY(check_copy_source(
      source, {request.copy_source_if_match, request.copy_source_if_none_match,
               request.copy_source_if_modified_since, request.copy_source_if_unmodified_since}));
  MEKONG_TRY(check_copy_size(source.size_bytes));
  MEKONG_TRY(check_self_copy(source, request));
  MEKONG_TRY(check_copy_checksum(source, request.checksum_algorithm));
  objects::PutOptions options{.headers = source.headers, .metadata = source.metadata};
  if (request.metadata_directive.value_or("COPY") == "REPLACE") {
    options.headers = content_headers_in(request);
    MEKONG_TRY_ASSIGN(options.metadata, user_metadata(request.metadata));
  }
  MEKONG_TRY(write_conditions(request.if_match, request.if_none_match, options));
  MEKONG_TRY_ASSIGN(auto object, store_.copy(source, request.bucket, request.key, std::move(options)));
  model::CopyObjectOutput output;
  auto& result = output.copy_object_result.emplace();
  result.e_tag = quoted(object.etag);
  result.last_modified = api::Timestamp{object.modified_ms};
  checksums_out(object.checksums, result);
  if (!object.checksums.empty()) result.checksum_type = checksum_type(object.checksums);
  return output;
}

Result<model::DeleteObjectOutput> S3Service::delete_object(api::Context& ctx,
                                                           const model::DeleteObjectRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  if (request.if_match) return Error{"NotImplemented", "If-Match of DeleteObject is not implemented", 501};
  MEKONG_TRY(store_.remove(request.bucket, request.key));
  return model::DeleteObjectOutput{};
}

Result<model::DeleteObjectsOutput> S3Service::delete_objects(api::Context& ctx,
                                                             const model::DeleteObjectsRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  const auto& wanted = request.delete_.objects;
  if (wanted.empty() || wanted.size() > 1000) {
    return Error{"MalformedXML",
                 "The XML you provided was not well-formed or did not validate against our schema", 400};
  }
  model::DeleteObjectsOutput output;
  std::vector<std::string> keys;
  auto fail = [&](const std::string& key, const Error& error) {
    if (!output.errors) output.errors.emplace();
    auto& entry = output.errors->emplace_back();
    entry.key = key;
    entry.code = error.code;
    entry.message = error.message;
  };
  for (const auto& one : wanted) {
    auto allowed = ctx.authorise(object_arn(request.bucket, one.key));
    bool plain =
        one.version_id.value_or("null") == "null" && !one.e_tag && !one.last_modified_time && !one.size;
    if (!allowed.ok()) {
      fail(one.key, allowed.error());
    } else if (!plain) {
      fail(one.key, {"NotImplemented", "VersionId, ETag, LastModifiedTime and Size are not implemented"});
    } else {
      keys.push_back(one.key);
    }
  }
  // Every key was asked about; that some were refused is told in the reply.
  ctx.authorised = true;
  MEKONG_TRY_ASSIGN(auto outcomes, store_.remove_many(request.bucket, keys));
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!outcomes[i].ok()) fail(keys[i], outcomes[i].error());
    if (!outcomes[i].ok() || request.delete_.quiet.value_or(false)) continue;
    if (!output.deleted) output.deleted.emplace();
    output.deleted->emplace_back().key = keys[i];
  }
  return output;
}

}  // namespace mekong::s3
