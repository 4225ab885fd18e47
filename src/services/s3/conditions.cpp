#include "services/s3/conditions.h"

#include <algorithm>
#include <charconv>

#include "codec/text.h"
#include "codec/time.h"
#include "services/s3/service.h"

namespace mekong::s3 {
namespace {

bool matches(std::string_view list, const std::string& etag) {
  while (!list.empty()) {
    auto comma = list.find(',');
    auto one = unquoted(list.substr(0, comma));
    if (one == "*" || one == etag) return true;
    list = comma == std::string_view::npos ? "" : list.substr(comma + 1);
  }
  return false;
}

// HTTP dates have no fractions.
bool modified_after(const objects::Object& object, const api::Timestamp& since) {
  return object.modified_ms / 1000 > since.ms / 1000;
}

Error precondition_failed(std::string condition) {
  return {"PreconditionFailed",
          "At least one of the pre-conditions you specified did not hold",
          412,
          {{"Condition", std::move(condition)}}};
}

// A 304 says what the client has (RFC 9110 section 15.4.5): the fields become headers.
Error not_modified(const objects::Object& object) {
  return {"NotModified",
          "Not Modified",
          304,
          {{"ETag", quoted(object.etag)}, {"Last-Modified", codec::format_rfc822(object.modified_ms)}}};
}

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Error invalid_range(std::string_view header, uint64_t size_bytes) {
  return {"InvalidRange",
          "The requested range is not satisfiable",
          416,
          {{"RangeRequested", std::string(header)}, {"ActualObjectSize", std::to_string(size_bytes)}}};
}

}  // namespace

Status check_read(const objects::Object& object, const Conditions& conditions) {
  if (conditions.if_match) {
    if (!matches(*conditions.if_match, object.etag)) return precondition_failed("If-Match");
  } else if (conditions.if_unmodified_since && modified_after(object, *conditions.if_unmodified_since)) {
    return precondition_failed("If-Unmodified-Since");
  }
  bool unchanged = false;
  if (conditions.if_none_match) {
    unchanged = matches(*conditions.if_none_match, object.etag);
  } else if (conditions.if_modified_since) {
    unchanged = !modified_after(object, *conditions.if_modified_since);
  }
  if (unchanged) return not_modified(object);
  return ok();
}

Status check_copy_size(uint64_t size_bytes) {
  constexpr uint64_t copy_bytes_max = uint64_t{5} << 30;
  if (size_bytes <= copy_bytes_max) return ok();
  return Error{"InvalidRequest",
               "The specified copy source is larger than the maximum allowable size for a copy source: " +
                   std::to_string(copy_bytes_max),
               400};
}

Status check_copy_source(const objects::Object& object, const Conditions& conditions) {
  auto status = check_read(object, conditions);
  if (status.ok() || status.error().code != "NotModified") return status;
  return precondition_failed(conditions.if_none_match ? "x-amz-copy-source-If-None-Match"
                                                      : "x-amz-copy-source-If-Modified-Since");
}

bool range_holds(const objects::Object& object, std::string_view if_range) {
  if_range = codec::trim(if_range);
  if (if_range == quoted(object.etag)) return true;
  const auto date_ms = codec::parse_rfc822(if_range);
  return date_ms && *date_ms / 1000 == object.modified_ms / 1000;
}

Result<std::optional<objects::ByteRange>> parse_range(std::string_view header, uint64_t size_bytes) {
  const std::optional<objects::ByteRange> whole;
  if (!header.starts_with("bytes=") || header.find(',') != std::string_view::npos) return whole;
  auto spec = codec::trim(header.substr(6));
  auto dash = spec.find('-');
  if (dash == std::string_view::npos) return whole;
  auto first = parse_number(spec.substr(0, dash));
  auto last = parse_number(spec.substr(dash + 1));
  if (dash == 0) {
    if (!last) return whole;
    if (*last == 0 || size_bytes == 0) return invalid_range(header, size_bytes);
    uint64_t bytes = std::min(*last, size_bytes);
    return std::optional(objects::ByteRange{size_bytes - bytes, bytes});
  }
  bool open_end = dash + 1 == spec.size();
  if (!first || (!last && !open_end) || (last && *last < *first)) return whole;
  if (*first >= size_bytes) return invalid_range(header, size_bytes);
  uint64_t end = last ? std::min(*last, size_bytes - 1) : size_bytes - 1;
  return std::optional(objects::ByteRange{*first, end - *first + 1});
}

Result<objects::ByteRange> parse_copy_range(std::string_view header, uint64_t size_bytes) {
  Error malformed{
      "InvalidArgument",
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last "
      "are the zero-based offsets of the first and last bytes to copy",
      400,
      {{"ArgumentName", "x-amz-copy-source-range"}, {"ArgumentValue", std::string(header)}}};
  auto dash = header.find('-');
  if (!header.starts_with("bytes=") || dash == std::string_view::npos) return malformed;
  auto first = parse_number(header.substr(6, dash - 6));
  auto last = parse_number(header.substr(dash + 1));
  if (!first || !last || *last < *first) return malformed;
  if (*last >= size_bytes) {
    malformed.message =
        "Range specified is not valid for source object of size: " + std::to_string(size_bytes);
    return malformed;
  }
  return objects::ByteRange{*first, *last - *first + 1};
}

Result<objects::ByteRange> part_range(const objects::Object& object, int32_t part_number) {
  if (object.part_sizes.empty() && part_number == 1) return objects::ByteRange{0, object.size_bytes};
  auto index = static_cast<size_t>(part_number) - 1;
  if (part_number < 1 || index >= object.part_sizes.size()) {
    return Error{"InvalidPartNumber",
                 "The requested partnumber is not satisfiable",
                 416,
                 {{"ActualPartCount", std::to_string(std::max<size_t>(object.part_sizes.size(), 1))},
                  {"PartNumberRequested", std::to_string(part_number)}}};
  }
  objects::ByteRange range;
  for (size_t i = 0; i < index; ++i) range.offset += object.part_sizes[i];
  range.size_bytes = object.part_sizes[index];
  return range;
}

std::string content_range(const objects::ByteRange& range, uint64_t size_bytes) {
  return "bytes " + std::to_string(range.offset) + "-" + std::to_string(range.offset + range.size_bytes - 1) +
         "/" + std::to_string(size_bytes);
}

}  // namespace mekong::s3
