#include <utility>

#include "api/post_form.h"
#include "codec/text.h"
#include "services/s3/conditions.h"
#include "services/s3/parameters.h"
#include "services/s3/receive.h"
#include "services/s3/service.h"

namespace mekong::s3 {
namespace {

constexpr int32_t parts_page_max = 1000;

template <class Request>
objects::UploadPlace place_of(const Request& request) {
  return {.bucket = request.bucket, .key = request.key, .upload_id = request.upload_id};
}

// Which kinds go with which algorithm: "Checking object integrity" of the S3 user guide.
Result<bool> wants_full_object(const model::CreateMultipartUploadRequest& request) {
  const auto algorithm = request.checksum_algorithm.value_or("");
  const auto type = request.checksum_type.value_or(algorithm == "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE");
  if (request.checksum_type && algorithm.empty()) {
    return Error{"InvalidRequest", "x-amz-checksum-type needs x-amz-checksum-algorithm", 400};
  }
  bool full = type == "FULL_OBJECT";
  bool possible = full ? algorithm.starts_with("CRC") : algorithm != "CRC64NVME";
  if ((!full && type != "COMPOSITE") || !possible) {
    return Error{
        "InvalidRequest",
        "The " + type + " checksum type cannot be used with the " + algorithm + " checksum algorithm.", 400};
  }
  return full;
}

// What is not there any more is for the completion to tell.
Status check_type(const objects::Store& store, const objects::UploadPlace& place,
                  const std::optional<std::string>& type) {
  if (!type) return ok();
  const auto upload = store.upload(place);
  if (!upload.ok() || upload->checksum_algorithm.empty() || checksum_type(*upload) == *type) return ok();
  return Error{"InvalidRequest",
               "The upload was created using the " + checksum_type(*upload) +
                   " checksum mode. The complete request must use the same checksum mode.",
               400};
}

// By the host that the client named, which may hold the bucket.
std::string url_of(const api::Context& ctx, const std::string& bucket, const std::string& key) {
  const auto* host = sent_header(ctx, "host");
  const bool in_host = host != nullptr && host->starts_with(bucket + ".");
  return api::absolute_url(host, ctx.secure,
                           (in_host ? "/" : "/" + bucket + "/") + codec::percent_encode(key, true));
}

}  // namespace

Result<model::CreateMultipartUploadOutput> S3Service::create_multipart_upload(
    api::Context& ctx, const model::CreateMultipartUploadRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  objects::PutOptions options;
  options.headers = content_headers_in(request);
  MEKONG_TRY_ASSIGN(options.metadata, user_metadata(request.metadata));
  MEKONG_TRY_ASSIGN(options.full_object_checksum, wants_full_object(request));
  if (request.checksum_algorithm) options.checksums[*request.checksum_algorithm] = "";
  MEKONG_TRY_ASSIGN(auto upload, store_.create_upload(request.bucket, request.key, std::move(options)));
  model::CreateMultipartUploadOutput output;
  output.bucket = request.bucket;
  output.key = request.key;
  output.upload_id = upload.id;
  output.checksum_algorithm = request.checksum_algorithm;
  if (request.checksum_algorithm) output.checksum_type = checksum_type(upload);
  return output;
}

Task<Result<model::UploadPartOutput>> S3Service::upload_part(api::Context& ctx,
                                                             const model::UploadPartRequest& request,
                                                             api::BodyReader& body) {
  MEKONG_CO_TRY(check_parameters(ctx, &request));
  MEKONG_CO_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  objects::PutOptions options;
  MEKONG_CO_TRY(body_checks(ctx, request, options));
  auto place = place_of(request);
  MEKONG_CO_TRY_ASSIGN(auto writer, store_.put_part(place, request.part_number, std::move(options)));
  auto received = co_await receive(body, *writer);
  MEKONG_CO_TRY_ASSIGN(auto part, std::move(received));
  model::UploadPartOutput output;
  output.e_tag = quoted(part.etag);
  checksums_out(part.checksums, output);
  co_return output;
}

Result<model::UploadPartCopyOutput> S3Service::upload_part_copy(api::Context& ctx,
                                                                const model::UploadPartCopyRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY_ASSIGN(auto source, copy_source(ctx, request.copy_source, request.expected_source_bucket_owner));
  MEKONG_TRY(check_copy_source(
      source, {request.copy_source_if_match, request.copy_source_if_none_match,
               request.copy_source_if_modified_since, request.copy_source_if_unmodified_since}));
  std::optional<objects::ByteRange> range;
  if (request.copy_source_range) {
    MEKONG_TRY_ASSIGN(range, parse_copy_range(*request.copy_source_range, source.size_bytes));
  }
  MEKONG_TRY(check_copy_size(range ? range->size_bytes : source.size_bytes));
  MEKONG_TRY_ASSIGN(auto part, store_.copy_part(place_of(request), request.part_number, source, range));
  model::UploadPartCopyOutput output;
  auto& result = output.copy_part_result.emplace();
  result.e_tag = quoted(part.etag);
  result.last_modified = api::Timestamp{part.modified_ms};
  checksums_out(part.checksums, result);
  return output;
}

Result<model::CompleteMultipartUploadOutput> S3Service::complete_multipart_upload(
    api::Context& ctx, const model::CompleteMultipartUploadRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  auto place = place_of(request);
  if (!request.multipart_upload) {
    return Error{"MalformedXML",
                 "The XML you provided was not well-formed or did not validate against our schema", 400};
  }
  std::vector<objects::CompletedPart> parts;
  if (request.multipart_upload->parts) {
    for (const auto& part : *request.multipart_upload->parts) {
      parts.push_back({part.part_number.value_or(0), unquoted(part.e_tag.value_or("")), checksums_in(part)});
    }
  }
  objects::PutOptions conditions;
  MEKONG_TRY(write_conditions(request.if_match, request.if_none_match, conditions));
  MEKONG_TRY_ASSIGN(conditions.checksums, single_checksum(checksums_in(request)));
  MEKONG_TRY(check_type(store_, place, request.checksum_type));
  conditions.size_bytes = request.mpu_object_size;
  MEKONG_TRY_ASSIGN(auto object, store_.complete_upload(place, parts, conditions));
  model::CompleteMultipartUploadOutput output;
  output.location = url_of(ctx, request.bucket, request.key);
  output.bucket = request.bucket;
  output.key = request.key;
  output.e_tag = quoted(object.etag);
  checksums_out(object.checksums, output);
  if (!object.checksums.empty()) output.checksum_type = checksum_type(object.checksums);
  return output;
}

Result<model::AbortMultipartUploadOutput> S3Service::abort_multipart_upload(
    api::Context& ctx, const model::AbortMultipartUploadRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY(store_.abort_upload(place_of(request)));
  return model::AbortMultipartUploadOutput{};
}

Result<model::ListPartsOutput> S3Service::list_parts(api::Context& ctx,
                                                     const model::ListPartsRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  auto place = place_of(request);
  int32_t max_parts = std::min(request.max_parts.value_or(parts_page_max), parts_page_max);
  int32_t marker = request.part_number_marker.value_or(0);
  MEKONG_TRY(check_not_negative(request.max_parts, "max-parts"));
  MEKONG_TRY(check_not_negative(request.part_number_marker, "part-number-marker"));
  MEKONG_TRY_ASSIGN(auto upload, store_.upload(place));
  MEKONG_TRY_ASSIGN(auto parts, store_.parts(place, marker, static_cast<size_t>(max_parts) + 1));
  model::ListPartsOutput output;
  output.bucket = request.bucket;
  output.key = request.key;
  output.upload_id = request.upload_id;
  output.part_number_marker = marker;
  output.max_parts = max_parts;
  output.storage_class = "STANDARD";
  output.owner.emplace().id = canonical_id(bucket->owner);
  output.initiator.emplace().id = canonical_id(bucket->owner);
  if (!upload.checksum_algorithm.empty()) {
    output.checksum_algorithm = upload.checksum_algorithm;
    output.checksum_type = checksum_type(upload);
  }
  output.is_truncated = parts.size() > static_cast<size_t>(max_parts);
  parts.resize(std::min(parts.size(), static_cast<size_t>(max_parts)));
  output.next_part_number_marker = parts.empty() ? 0 : parts.back().number;
  for (const auto& part : parts) {
    if (!output.parts) output.parts.emplace();
    auto& entry = output.parts->emplace_back();
    entry.part_number = part.number;
    entry.last_modified = api::Timestamp{part.modified_ms};
    entry.e_tag = quoted(part.etag);
    entry.size = static_cast<int64_t>(part.size_bytes);
    checksums_out(part.checksums, entry);
  }
  return output;
}

}  // namespace mekong::s3
