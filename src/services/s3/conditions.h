// Ranges and preconditions of reads (RFC 9110 sections 13 and 14, as S3 applies them).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "api/types.h"
#include "objects/objects.h"

namespace mekong::s3 {

struct Conditions {
  std::optional<std::string> if_match, if_none_match;
  std::optional<api::Timestamp> if_modified_since, if_unmodified_since;
};

// Errors: "PreconditionFailed" (412), "NotModified" (304).
Status check_read(const objects::Object& object, const Conditions& conditions);
// The same for a copy's source, where 304 is a 412.
Status check_copy_source(const objects::Object& object, const Conditions& conditions);
// What one copy takes of its source, 5 GiB at most. Error: "InvalidRequest".
Status check_copy_size(uint64_t size_bytes);

// Whether a Range holds for this state of the object, as If-Range asks (RFC 9110 section 13.1.5).
bool range_holds(const objects::Object& object, std::string_view if_range);
// What "bytes=…" asks of an object; absent where it is to be sent whole (no or several or malformed ranges).
// Error: "InvalidRange" (416).
Result<std::optional<objects::ByteRange>> parse_range(std::string_view header, uint64_t size_bytes);
// "bytes=first-last", both given and inside. Error: "InvalidArgument".
Result<objects::ByteRange> parse_copy_range(std::string_view header, uint64_t size_bytes);
// The bytes of one part of a multipart object. Error: "InvalidPartNumber" (416).
Result<objects::ByteRange> part_range(const objects::Object& object, int32_t part_number);
std::string content_range(const objects::ByteRange& range, uint64_t size_bytes);

}  // namespace mekong::s3
