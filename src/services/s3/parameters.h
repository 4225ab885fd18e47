// What S3's requests may carry that is not built: refused by name, never stored and ignored. And the header
// families that several operations share.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "codec/time.h"
#include "gen/s3/service.h"
#include "objects/objects.h"

namespace mekong::s3 {

namespace model = gen::s3;

Error acl_not_supported();

// Walks the input of ctx.operation. Errors: NotImplemented with the parameter's name,
// AccessControlListNotSupported, InvalidStorageClass, KeyTooLongError.
Status check_parameters(const api::Context& ctx, const void* input);

// A header of the request as it came; null: it has none, or another service calls.
const std::string* sent_header(const api::Context& ctx, std::string_view name);
// Of a number that says how much or from where. Error: "InvalidArgument".
Status check_not_negative(const std::optional<int32_t>& asked, const char* name);

using Texts = std::map<std::string, std::string>;

// A bucket's tag set. Errors: InvalidTag, BadRequest (too many).
Result<Texts> bucket_tags(const std::vector<model::Tag>& set);

// x-amz-checksum-* members to algorithm → base64, and back.
template <class T>
Texts checksums_in(const T& from) {
  Texts found;
  if (from.checksum_crc32) found["CRC32"] = *from.checksum_crc32;
  if (from.checksum_crc32_c) found["CRC32C"] = *from.checksum_crc32_c;
  if (from.checksum_crc64_nvme) found["CRC64NVME"] = *from.checksum_crc64_nvme;
  if (from.checksum_sha1) found["SHA1"] = *from.checksum_sha1;
  if (from.checksum_sha256) found["SHA256"] = *from.checksum_sha256;
  return found;
}

// The same of a request, which may have one. Error: "InvalidRequest".
Result<Texts> single_checksum(Texts checksums);

template <class T>
void checksums_out(const Texts& checksums, T& to) {
  for (const auto& [algorithm, value] : checksums) {
    if (algorithm == "CRC32") to.checksum_crc32 = value;
    if (algorithm == "CRC32C") to.checksum_crc32_c = value;
    if (algorithm == "CRC64NVME") to.checksum_crc64_nvme = value;
    if (algorithm == "SHA1") to.checksum_sha1 = value;
    if (algorithm == "SHA256") to.checksum_sha256 = value;
  }
}

// COMPOSITE checksums of parts carry their number: "…-N".
std::string checksum_type(const Texts& checksums);
std::string checksum_type(const objects::Upload& upload);

// "aws-chunked" says how the body travelled; it is not the content's.
std::string stored_encoding(std::string_view content_encoding);

template <class T>
Texts content_headers_in(const T& from) {
  Texts headers;
  if (from.cache_control) headers["Cache-Control"] = *from.cache_control;
  if (from.content_disposition) headers["Content-Disposition"] = *from.content_disposition;
  if (from.content_encoding) headers["Content-Encoding"] = stored_encoding(*from.content_encoding);
  if (from.content_language) headers["Content-Language"] = *from.content_language;
  if (from.content_type) headers["Content-Type"] = *from.content_type;
  if (from.expires) headers["Expires"] = codec::format_rfc822(from.expires->ms);
  if (headers["Content-Encoding"].empty()) headers.erase("Content-Encoding");
  return headers;
}

template <class Out>
void content_headers_out(const Texts& headers, Out& to) {
  auto set = [&](const char* name, std::optional<std::string>& field) {
    if (auto found = headers.find(name); found != headers.end()) field = found->second;
  };
  set("Cache-Control", to.cache_control);
  set("Content-Disposition", to.content_disposition);
  set("Content-Encoding", to.content_encoding);
  set("Content-Language", to.content_language);
  set("Content-Type", to.content_type);
  if (!to.content_type) to.content_type = "binary/octet-stream";
  if (auto found = headers.find("Expires"); found != headers.end()) {
    if (auto ms = codec::parse_rfc822(found->second)) to.expires = api::Timestamp{*ms};
  }
}

// User metadata: names lower case, values in UTF-8 (their headers may hold encoded words). Error:
// "MetadataTooLarge".
Result<Texts> user_metadata(const std::optional<std::map<std::string, std::string>>& metadata);

// The same as headers.
Texts metadata_headers(const Texts& metadata);

// If-Match and If-None-Match of writes. Error: "NotImplemented" for an If-None-Match other than *, an
// If-Match of *, and both at once, as in S3.
Status write_conditions(const std::optional<std::string>& if_match,
                        const std::optional<std::string>& if_none_match, objects::PutOptions& options);

}  // namespace mekong::s3
