#include "services/s3/parameters.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "api/pipeline.h"
#include "codec/encoded_words.h"
#include "codec/text.h"
#include "services/s3/service.h"

namespace mekong::s3 {
namespace {

constexpr size_t key_bytes_max = 1024;
constexpr size_t metadata_bytes_max = 2048;

// Members whose presence asks for something that is not built.
const std::set<std::string_view>& unbuilt_members() {
  static const std::set<std::string_view> names = {"AnnotationDirective",
                                                   "BucketKeyEnabled",
                                                   "BucketNamespace",
                                                   "BypassGovernanceRetention",
                                                   "ChecksumMD5",
                                                   "ChecksumSHA512",
                                                   "ChecksumXXHASH128",
                                                   "ChecksumXXHASH3",
                                                   "ChecksumXXHASH64",
                                                   "CopySourceSSECustomerAlgorithm",
                                                   "CopySourceSSECustomerKey",
                                                   "CopySourceSSECustomerKeyMD5",
                                                   "IfMatchInitiatedTime",
                                                   "IfMatchLastModifiedTime",
                                                   "IfMatchSize",
                                                   "MFA",
                                                   "ObjectLockEnabledForBucket",
                                                   "ObjectLockEventHold",
                                                   "ObjectLockEventHoldDurationDays",
                                                   "ObjectLockEventHoldDurationYears",
                                                   "ObjectLockLegalHoldStatus",
                                                   "ObjectLockMode",
                                                   "ObjectLockRetainUntilDate",
                                                   "OptionalObjectAttributes",
                                                   "SSECustomerAlgorithm",
                                                   "SSECustomerKey",
                                                   "SSECustomerKeyMD5",
                                                   "SSEKMSEncryptionContext",
                                                   "SSEKMSKeyId",
                                                   "ServerSideEncryption",
                                                   "Tagging",
                                                   "WebsiteRedirectLocation",
                                                   "WriteOffsetBytes"};
  return names;
}

const std::unordered_map<std::string_view, const api::Operation*>& operations() {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, const api::Operation*> out;
    for (size_t i = 0; i < model::table.operation_count; ++i)
      out.emplace(model::table.operations[i].name, &model::table.operations[i]);
    return out;
  }();
  return by_name;
}

Error not_implemented(std::string_view what) {
  return {"NotImplemented",
          "A header or parameter you provided implies functionality that is not implemented: " +
              std::string(what),
          501,
          {{"Header", std::string(what)}}};
}

// RFC 3629; keys go into XML.
bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    auto lead = static_cast<unsigned char>(text[at]);
    size_t bytes = lead < 0x80   ? 1
                   : lead < 0xC2 ? 0
                   : lead < 0xE0 ? 2
                   : lead < 0xF0 ? 3
                   : lead < 0xF5 ? 4
                                 : 0;
    if (bytes == 0 || at + bytes > text.size()) return false;
    for (size_t i = 1; i < bytes; ++i) {
      if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return false;
    }
    auto second = bytes > 1 ? static_cast<unsigned char>(text[at + 1]) : 0;
    bool bad = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
               (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
    if (bad) return false;
    at += bytes;
  }
  return true;
}

// There are no ACLs: what says no more than that the owner has everything may be said.
Status check_acl(std::string_view operation, std::string_view name, const std::string& value) {
  const bool grant = name.starts_with("Grant");
  if (!grant && (name != "ACL" || value == "private" || value == "bucket-owner-full-control")) return ok();
  if (operation == "CreateBucket")
    return Error{"InvalidBucketAclWithObjectOwnership",
                 "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting", 400};
  return acl_not_supported();
}

Status check_text(std::string_view name, const std::string& value) {
  if (name == "Bucket") return ok();
  if (name == "StorageClass" && value != "STANDARD") return not_implemented("StorageClass " + value);
  if (name == "ObjectOwnership" && value != "BucketOwnerEnforced") {
    return not_implemented("ObjectOwnership " + value);
  }
  if (name == "VersionId" && value != "null") return not_implemented("VersionId");
  if (name == "EncodingType" && value != "url") {
    return Error{"InvalidArgument", "Invalid Encoding Method specified in Request", 400};
  }
  if (name == "Key" && !is_utf8(value)) return Error{"InvalidURI", "Couldn't parse the specified URI.", 400};
  if (name == "Key" && value.size() > key_bytes_max) {
    return Error{"KeyTooLongError",
                 "Your key is too long",
                 400,
                 {{"Size", std::to_string(value.size())}, {"MaxSizeAllowed", std::to_string(key_bytes_max)}}};
  }
  return ok();
}

bool is_false(const api::Member& member, const void* value) {
  return member.shape->kind == api::Kind::boolean && !*static_cast<const bool*>(value);
}

}  // namespace

Error acl_not_supported() {
  return {"AccessControlListNotSupported", "The bucket does not allow ACLs", 400};
}

Status check_parameters(const api::Context& ctx, const void* input) {
  const auto found = operations().find(ctx.operation);
  if (found == operations().end()) return Error{"InternalError", "no such operation: " + ctx.operation, 500};
  const api::Shape& shape = *found->second->input;
  for (size_t i = 0; i < shape.member_count; ++i) {
    const auto& member = shape.members[i];
    if (member.shape->kind == api::Kind::stream) continue;
    const void* value = member.get(input);
    if (value == nullptr) continue;
    // A structure is the body: PutBucketTagging's Tagging is none of PutObject's header of that name.
    const bool parameter = member.shape->kind != api::Kind::structure;
    if (parameter && unbuilt_members().contains(member.name) && !is_false(member, value))
      return not_implemented(member.name);
    if (member.shape->kind == api::Kind::string) {
      const auto& text = *static_cast<const std::string*>(value);
      MEKONG_TRY(check_acl(ctx.operation, member.name, text));
      MEKONG_TRY(check_text(member.name, text));
    }
  }
  return ok();
}

const std::string* sent_header(const api::Context& ctx, std::string_view name) {
  return ctx.headers == nullptr ? nullptr : api::find_header(*ctx.headers, name);
}

Status check_not_negative(const std::optional<int32_t>& asked, const char* name) {
  if (asked.value_or(0) >= 0) return ok();
  return Error{"InvalidArgument",
               std::string("Argument ") + name + " must be an integer between 0 and 2147483647",
               400,
               {{"ArgumentName", name}, {"ArgumentValue", std::to_string(*asked)}}};
}

Result<Texts> single_checksum(Texts checksums) {
  if (checksums.size() <= 1) return checksums;
  return Error{"InvalidRequest",
               "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.", 400};
}

std::string checksum_type(const Texts& checksums) {
  bool composite = !checksums.empty() && checksums.begin()->second.find('-') != std::string::npos;
  return composite ? "COMPOSITE" : "FULL_OBJECT";
}

std::string checksum_type(const objects::Upload& upload) {
  return upload.full_object_checksum ? "FULL_OBJECT" : "COMPOSITE";
}

std::string stored_encoding(std::string_view content_encoding) {
  std::string kept;
  if (codec::lower_case(content_encoding).find("aws-chunked") == std::string::npos)
    return std::string(content_encoding);
  while (!content_encoding.empty()) {
    auto comma = content_encoding.find(',');
    auto one = codec::trim(content_encoding.substr(0, comma));
    if (!one.empty() && !codec::equal_no_case(one, "aws-chunked")) {
      kept += (kept.empty() ? "" : ",") + std::string(one);
    }
    content_encoding = comma == std::string_view::npos ? "" : content_encoding.substr(comma + 1);
  }
  return kept;
}

Result<Texts> user_metadata(const std::optional<std::map<std::string, std::string>>& metadata) {
  Texts kept;
  if (!metadata) return kept;
  size_t bytes = 0;
  for (const auto& [name, value] : *metadata) {
    auto text = codec::decode_words(value);
    bytes += name.size() + text.size();
    kept[codec::lower_case(name)] = std::move(text);
  }
  if (bytes > metadata_bytes_max) {
    return Error{"MetadataTooLarge",
                 "Your metadata headers exceed the maximum allowed metadata size",
                 400,
                 {{"Size", std::to_string(bytes)}, {"MaxSizeAllowed", std::to_string(metadata_bytes_max)}}};
  }
  return kept;
}

Texts metadata_headers(const Texts& metadata) {
  Texts headers;
  for (const auto& [name, value] : metadata) headers[name] = codec::encode_words(value);
  return headers;
}

Status write_conditions(const std::optional<std::string>& if_match,
                        const std::optional<std::string>& if_none_match, objects::PutOptions& options) {
  if (if_match) options.if_match = unquoted(*if_match);
  if (options.if_match == "*") return not_implemented("If-Match");
  if (!if_none_match) return ok();
  if (if_match || unquoted(*if_none_match) != "*") return not_implemented("If-None-Match");
  options.if_none_match_any = true;
  return ok();
}

}  // namespace mekong::s3
