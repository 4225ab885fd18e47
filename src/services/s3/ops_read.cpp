#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <utility>

#include "services/s3/conditions.h"
#include "services/s3/parameters.h"
#include "services/s3/service.h"

namespace mekong::s3 {
namespace {

constexpr size_t read_bytes = 512 << 10;
constexpr int32_t parts_page_max = 1000;

// Sends a range of an object; its content stays readable meanwhile, whatever happens to the key.
class ObjectBody final : public api::BodySource {
 public:
  ObjectBody(const objects::Store& store, objects::Object object, objects::ByteRange range)
      : store_(store), object_(std::move(object)), range_(range), left_bytes_(range.size_bytes) {}

  Result<std::string> read() override {
    auto bytes = static_cast<size_t>(std::min<uint64_t>(left_bytes_, read_bytes));
    if (bytes == 0) return std::string();
    MEKONG_TRY_ASSIGN(auto content,
                      store_.read(object_, range_.offset + range_.size_bytes - left_bytes_, bytes));
    left_bytes_ -= content.size();
    return content;
  }
  int64_t length() const override { return static_cast<int64_t>(range_.size_bytes); }

 private:
  const objects::Store& store_;
  const objects::Object object_;
  const objects::ByteRange range_;
  uint64_t left_bytes_;
};

struct Selection {
  objects::ByteRange range;
  bool partial = false;
};

// S3's model does not have If-Range; S3 does.
bool if_range_holds(const api::Context& ctx, const objects::Object& object) {
  const auto* if_range = sent_header(ctx, "if-range");
  return if_range == nullptr || range_holds(object, *if_range);
}

// The bytes that Range or partNumber ask for.
template <class Request>
Result<Selection> select(const api::Context& ctx, const objects::Object& object, const Request& request) {
  Selection selection{.range = {0, object.size_bytes}};
  if (request.part_number) {
    if (request.range) {
      return Error{"InvalidRequest", "Cannot specify both Range header and partNumber query parameter", 400};
    }
    MEKONG_TRY_ASSIGN(selection.range, part_range(object, *request.part_number));
    selection.partial = selection.range.size_bytes > 0;  // of nothing there is no Content-Range
  } else if (request.range && if_range_holds(ctx, object)) {
    MEKONG_TRY_ASSIGN(auto range, parse_range(*request.range, object.size_bytes));
    if (range) selection = {.range = *range, .partial = true};
  }
  return selection;
}

// Those of the bytes that are sent, as far as they are known: a client that reads a range could not check
// the whole's.
template <class Request>
Texts checksums_of(const objects::Object& object, const Request& request, const Selection& selection) {
  if (object.checksums.empty() || (request.range && selection.partial)) return {};
  if (!request.part_number || object.part_sizes.empty()) return object.checksums;
  if (object.part_checksums.size() != object.part_sizes.size()) return {};
  return {{object.checksums.begin()->first, object.part_checksums[*request.part_number - 1]}};
}

// What GetObject and HeadObject answer alike.
template <class Request, class Output>
void describe(const objects::Object& object, const Request& request, const Selection& selection,
              Output& output) {
  content_headers_out(object.headers, output);
  output.accept_ranges = "bytes";
  output.last_modified = api::Timestamp{object.modified_ms};
  output.content_length = static_cast<int64_t>(selection.range.size_bytes);
  output.e_tag = quoted(object.etag);
  if (!object.metadata.empty()) output.metadata = metadata_headers(object.metadata);
  if (selection.partial) output.content_range = content_range(selection.range, object.size_bytes);
  if (request.part_number && !object.part_sizes.empty()) {
    output.parts_count = static_cast<int32_t>(object.part_sizes.size());
  }
  const auto checksums = request.checksum_mode ? checksums_of(object, request, selection) : Texts();
  checksums_out(checksums, output);
  if (!checksums.empty()) output.checksum_type = checksum_type(object.checksums);
  if (request.response_cache_control) output.cache_control = request.response_cache_control;
  if (request.response_content_disposition) output.content_disposition = request.response_content_disposition;
  if (request.response_content_encoding) output.content_encoding = request.response_content_encoding;
  if (request.response_content_language) output.content_language = request.response_content_language;
  if (request.response_content_type) output.content_type = request.response_content_type;
  if (request.response_expires) output.expires = request.response_expires;
}

template <class Request>
Conditions conditions_of(const Request& request) {
  return {request.if_match, request.if_none_match, request.if_modified_since, request.if_unmodified_since};
}

// The parts after a marker. As in S3 they are told apart only where each has a checksum of its own.
Result<model::GetObjectAttributesParts> parts_of(const objects::Object& object,
                                                 const model::GetObjectAttributesRequest& request) {
  model::GetObjectAttributesParts out;
  const auto count = static_cast<int32_t>(object.part_sizes.size());
  const int32_t marker = request.part_number_marker.value_or(0);
  const int32_t max_parts = std::min(request.max_parts.value_or(parts_page_max), parts_page_max);
  MEKONG_TRY(check_not_negative(request.max_parts, "x-amz-max-parts"));
  MEKONG_TRY(check_not_negative(request.part_number_marker, "x-amz-part-number-marker"));
  out.total_parts_count = count;
  if (object.part_checksums.size() != object.part_sizes.size()) return out;
  const int32_t first = std::min(marker, count), last = first + std::min(max_parts, count - first);
  const std::string& algorithm = object.checksums.begin()->first;
  out.part_number_marker = marker;
  out.max_parts = max_parts;
  out.is_truncated = last < count;
  out.next_part_number_marker = last;
  for (int32_t i = first; i < last; ++i) {
    if (!out.parts) out.parts.emplace();
    auto& part = out.parts->emplace_back();
    part.part_number = i + 1;
    part.size = static_cast<int64_t>(object.part_sizes[i]);
    checksums_out({{algorithm, object.part_checksums[i]}}, part);
  }
  return out;
}

}  // namespace

Result<model::GetObjectOutput> S3Service::get_object(api::Context& ctx,
                                                     const model::GetObjectRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY_ASSIGN(auto object, find_object(ctx, request.bucket, request.key));
  MEKONG_TRY(check_read(object, conditions_of(request)));
  MEKONG_TRY_ASSIGN(auto selection, select(ctx, object, request));
  model::GetObjectOutput output;
  describe(object, request, selection, output);
  output.body = std::make_unique<ObjectBody>(store_, std::move(object), selection.range);
  return output;
}

Result<model::HeadObjectOutput> S3Service::head_object(api::Context& ctx,
                                                       const model::HeadObjectRequest& request) {
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  MEKONG_TRY_ASSIGN(auto object, find_object(ctx, request.bucket, request.key));
  MEKONG_TRY(check_read(object, conditions_of(request)));
  MEKONG_TRY_ASSIGN(auto selection, select(ctx, object, request));
  model::HeadObjectOutput output;
  describe(object, request, selection, output);
  return output;
}

Result<model::GetObjectAttributesOutput> S3Service::get_object_attributes(
    api::Context& ctx, const model::GetObjectAttributesRequest& request) {
  MEKONG_TRY(ctx.authorise_action("s3:GetObject", object_arn(request.bucket, request.key)));
  MEKONG_TRY(check_parameters(ctx, &request));
  MEKONG_TRY(permitted_bucket(request.bucket, request.expected_bucket_owner));
  const std::set<std::string_view> asked(request.object_attributes.begin(), request.object_attributes.end());
  static constexpr std::array known = {"Checksum", "ETag", "ObjectParts", "ObjectSize", "StorageClass"};
  const bool valid = std::all_of(asked.begin(), asked.end(), [](std::string_view name) {
    return std::find(known.begin(), known.end(), name) != known.end();
  });
  if (asked.empty() || !valid) return Error{"InvalidArgument", "Invalid attribute name specified.", 400};
  MEKONG_TRY_ASSIGN(const auto object, find_object(ctx, request.bucket, request.key));
  model::GetObjectAttributesOutput output;
  output.last_modified = api::Timestamp{object.modified_ms};
  if (asked.contains("ETag")) output.e_tag = object.etag;  // here without quotes
  if (asked.contains("ObjectSize")) output.object_size = static_cast<int64_t>(object.size_bytes);
  if (asked.contains("StorageClass")) output.storage_class = "STANDARD";
  if (asked.contains("Checksum") && !object.checksums.empty()) {
    Texts checksums = object.checksums;  // here without the number of parts
    for (auto& [algorithm, value] : checksums) value = value.substr(0, value.find('-'));
    checksums_out(checksums, output.checksum.emplace());
    output.checksum->checksum_type = checksum_type(object.checksums);
  }
  if (asked.contains("ObjectParts") && !object.part_sizes.empty()) {
    MEKONG_TRY_ASSIGN(output.object_parts, parts_of(object, request));
  }
  return output;
}

}  // namespace mekong::s3
