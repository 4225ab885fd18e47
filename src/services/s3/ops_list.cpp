#include <algorithm>

#include "codec/text.h"
#include "services/s3/parameters.h"
#include "services/s3/service.h"

namespace mekong::s3 {
namespace {

constexpr int32_t page_max = 1000;

Result<size_t> page_size(const std::optional<int32_t>& asked, const char* name) {
  MEKONG_TRY(check_not_negative(asked, name));
  return static_cast<size_t>(std::min(asked.value_or(page_max), page_max));
}

// Names as they go into the reply: percent-coded where the client asked for it.
class Names {
 public:
  explicit Names(const std::optional<std::string>& encoding) : encoded_(encoding.has_value()) {}
  std::string operator()(std::string_view name) const {
    return encoded_ ? codec::percent_encode(name, true) : std::string(name);
  }
  std::optional<std::string> operator()(const std::optional<std::string>& name) const {
    if (!name) return std::nullopt;
    return (*this)(std::string_view(*name));
  }

 private:
  bool encoded_;
};

template <class Entry>
Entry describe(const objects::Object& object, const Names& names) {
  Entry entry;
  entry.key = names(std::string_view(object.key));
  entry.last_modified = api::Timestamp{object.modified_ms};
  entry.e_tag = quoted(object.etag);
  entry.size = static_cast<int64_t>(object.size_bytes);
  entry.storage_class = "STANDARD";
  if (!object.checksums.empty()) {
    for (const auto& [algorithm, value] : object.checksums)
      entry.checksum_algorithm.emplace().push_back(algorithm);
    entry.checksum_type = checksum_type(object.checksums);
  }
  return entry;
}

// Of objects or uploads.
template <class Result, class Output>
void fill_prefixes(const Result& result, const Names& names, Output& output) {
  if (result.common_prefixes.empty()) return;
  auto& prefixes = output.common_prefixes.emplace();
  for (const auto& prefix : result.common_prefixes) {
    prefixes.emplace_back().prefix = names(std::string_view(prefix));
  }
}

// What every list of objects says besides them: what was asked for, and what groups they have.
template <class Request, class Output>
void fill_frame(const Request& request, const objects::ListResult& result, const Names& names,
                size_t max_keys, Output& output) {
  output.name = request.bucket;
  output.prefix = names(std::string_view(request.prefix.value_or("")));
  if (!request.delimiter.value_or("").empty()) output.delimiter = names(request.delimiter);
  output.encoding_type = request.encoding_type;
  output.max_keys = static_cast<int32_t>(max_keys);
  output.is_truncated = result.truncated;
  fill_prefixes(result, names, output);
}

template <class Output>
void fill_contents(const objects::ListResult& result, const Names& names, Output& output) {
  if (result.objects.empty()) return;
  auto& contents = output.contents.emplace();
  contents.reserve(result.objects.size());
  for (const auto& object : result.objects) contents.push_back(describe<model::Object>(object, names));
}

// Of a bucket without versions: each object has one, "null".
Status check_version_marker(const model::ListObjectVersionsRequest& request) {
  const auto& version = request.version_id_marker;
  if (!version) return ok();
  const char* fault = nullptr;
  if (version->empty())
    fault = "A version-id marker cannot be empty.";
  else if (request.key_marker.value_or("").empty())
    fault = "A version-id marker cannot be specified without a key marker.";
  else if (*version != "null")
    fault = "Invalid version id specified";
  if (fault == nullptr) return ok();
  return Error{
      "InvalidArgument", fault, 400, {{"ArgumentName", "version-id-marker"}, {"ArgumentValue", *version}}};
}

}  // namespace

Result<model::ListObjectsV2Output> S3Service::list_objects_v2(api::Context& ctx,
                                                              const model::ListObjectsV2Request& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY_ASSIGN(auto max_keys, page_size(request.max_keys, "max-keys"));
  auto after = request.start_after;
  if (request.continuation_token) {
    after = codec::base64_decode(*request.continuation_token);
    if (!after) return Error{"InvalidArgument", "The continuation token provided is incorrect", 400};
  }
  MEKONG_TRY_ASSIGN(auto result, store_.list({.bucket = request.bucket,
                                              .prefix = request.prefix.value_or(""),
                                              .delimiter = request.delimiter.value_or(""),
                                              .after = after.value_or(""),
                                              .max_keys = max_keys}));
  Names names(request.encoding_type);
  model::ListObjectsV2Output output;
  fill_frame(request, result, names, max_keys, output);
  fill_contents(result, names, output);
  if (request.fetch_owner.value_or(false) && output.contents) {
    for (auto& entry : *output.contents) entry.owner.emplace().id = canonical_id(bucket->owner);
  }
  output.start_after = names(request.start_after);
  output.key_count = static_cast<int32_t>(result.objects.size() + result.common_prefixes.size());
  output.continuation_token = request.continuation_token;
  if (result.truncated) output.next_continuation_token = codec::base64_encode(result.next_after);
  return output;
}

Result<model::ListObjectsOutput> S3Service::list_objects(api::Context& ctx,
                                                         const model::ListObjectsRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY_ASSIGN(auto max_keys, page_size(request.max_keys, "max-keys"));
  MEKONG_TRY_ASSIGN(auto result, store_.list({.bucket = request.bucket,
                                              .prefix = request.prefix.value_or(""),
                                              .delimiter = request.delimiter.value_or(""),
                                              .after = request.marker.value_or(""),
                                              .max_keys = max_keys,
                                              .after_passes_group = true}));
  Names names(request.encoding_type);
  model::ListObjectsOutput output;
  fill_frame(request, result, names, max_keys, output);
  fill_contents(result, names, output);
  if (output.contents) {
    for (auto& entry : *output.contents) entry.owner.emplace().id = canonical_id(bucket->owner);
  }
  output.marker = names(std::string_view(request.marker.value_or("")));
  // Without a delimiter the last key is the marker, so none is sent.
  if (result.truncated && request.delimiter) output.next_marker = names(std::string_view(result.next_after));
  return output;
}

Result<model::ListObjectVersionsOutput> S3Service::list_object_versions(
    api::Context& ctx, const model::ListObjectVersionsRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY_ASSIGN(auto max_keys, page_size(request.max_keys, "max-keys"));
  MEKONG_TRY(check_version_marker(request));
  MEKONG_TRY_ASSIGN(auto result, store_.list({.bucket = request.bucket,
                                              .prefix = request.prefix.value_or(""),
                                              .delimiter = request.delimiter.value_or(""),
                                              .after = request.key_marker.value_or(""),
                                              .max_keys = max_keys}));
  Names names(request.encoding_type);
  model::ListObjectVersionsOutput output;
  fill_frame(request, result, names, max_keys, output);
  for (const auto& object : result.objects) {
    if (!output.versions) output.versions.emplace();
    auto& entry = output.versions->emplace_back(describe<model::ObjectVersion>(object, names));
    entry.version_id = "null";
    entry.is_latest = true;
    entry.owner.emplace().id = canonical_id(bucket->owner);
  }
  output.key_marker = names(std::string_view(request.key_marker.value_or("")));
  output.version_id_marker = request.version_id_marker.value_or("");
  if (!result.truncated) return output;
  output.next_key_marker = names(std::string_view(result.next_after));
  // Of a common prefix there is no version to go on from.
  const bool at_object = !result.objects.empty() && result.objects.back().key == result.next_after;
  if (at_object) output.next_version_id_marker = "null";
  return output;
}

Result<model::ListMultipartUploadsOutput> S3Service::list_multipart_uploads(
    api::Context& ctx, const model::ListMultipartUploadsRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY_ASSIGN(const auto bucket, permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY_ASSIGN(auto max_uploads, page_size(request.max_uploads, "max-uploads"));
  MEKONG_TRY_ASSIGN(auto result, store_.uploads({.bucket = request.bucket,
                                                 .prefix = request.prefix.value_or(""),
                                                 .delimiter = request.delimiter.value_or(""),
                                                 .after_key = request.key_marker.value_or(""),
                                                 .after_upload_id = request.upload_id_marker.value_or(""),
                                                 .max_uploads = max_uploads}));
  Names names(request.encoding_type);
  model::ListMultipartUploadsOutput output;
  output.bucket = request.bucket;
  output.key_marker = names(std::string_view(request.key_marker.value_or("")));
  output.upload_id_marker = request.upload_id_marker.value_or("");
  output.prefix = names(request.prefix);
  if (!request.delimiter.value_or("").empty()) output.delimiter = names(request.delimiter);
  output.encoding_type = request.encoding_type;
  output.max_uploads = static_cast<int32_t>(max_uploads);
  output.is_truncated = result.truncated;
  if (result.truncated) {
    output.next_key_marker = names(std::string_view(result.next_key));
    output.next_upload_id_marker = result.next_upload_id;
  }
  for (const auto& upload : result.uploads) {
    if (!output.uploads) output.uploads.emplace();
    auto& entry = output.uploads->emplace_back();
    entry.upload_id = upload.id;
    entry.key = names(std::string_view(upload.key));
    entry.initiated = api::Timestamp{upload.initiated_ms};
    entry.storage_class = "STANDARD";
    entry.owner.emplace().id = canonical_id(bucket->owner);
    entry.initiator.emplace().id = canonical_id(bucket->owner);
    if (upload.checksum_algorithm.empty()) continue;
    entry.checksum_algorithm = upload.checksum_algorithm;
    entry.checksum_type = checksum_type(upload);
  }
  fill_prefixes(result, names, output);
  return output;
}

}  // namespace mekong::s3
