// How buckets, objects, uploads and parts lie in meta (family "s3"). Compact, since a listing decodes
// thousands.
//
//   b/<bucket>                        bucket
//   a/<account>                       public access block of all its buckets
//   n/<bucket>                        counter of its objects;  m/<bucket>: of its uploads
//   o/<bucket> 0x00 <key>             object
//   u/<bucket> 0x00 <key> 0x00 <id>   upload (ids have upload_id_digits digits)
//   p/<upload id>/<number, 5 digits>  part
//   c/<upload id>                     counter: at least the pieces of its parts; it does not fall when a part
//                                     is replaced by less. Each part of a new number adds to it: whoever ends
//                                     the upload sees that one came. Earlier versions have none
//
// A record is a sequence of fields, each a u32 length (little endian) and that many bytes, in a fixed order;
// new fields are added at the end and read as empty from older records.
#pragma once
#include <string>
#include <string_view>

#include "objects/objects.h"

namespace mekong::objects {

inline constexpr std::string_view family = "s3";
inline constexpr size_t upload_id_digits = 48;

std::string bucket_key(std::string_view bucket);
std::string account_key(const AccountId& account);
std::string object_count_key(std::string_view bucket);
std::string upload_count_key(std::string_view bucket);
std::string object_key(std::string_view bucket, std::string_view key);
std::string upload_key(const UploadPlace& place);
std::string uploads_prefix(std::string_view bucket);
std::string parts_prefix(std::string_view upload_id);
std::string parts_count_key(std::string_view upload_id);
std::string part_key(std::string_view upload_id, int32_t number);

// Four digits; "-": there is none. Read from less than that, as from a bucket's older record: all on.
std::string flags_of(const std::optional<PublicAccessBlock>& block);
std::optional<PublicAccessBlock> block_of(std::string_view flags);
std::string encode(const Bucket& bucket);
std::string encode(const Object& object);
std::string encode(const Upload& upload);
std::string encode(const Part& part);
// Error: "InternalError" for a damaged record. Names (bucket, key, number) come from the record's key.
Result<Bucket> decode_bucket(std::string_view name, std::string_view record);
Result<Object> decode_object(std::string_view bucket, std::string_view key, std::string_view record);
Result<Upload> decode_upload(std::string_view record_key, std::string_view record);
Result<Part> decode_part(std::string_view record_key, std::string_view record);

}  // namespace mekong::objects
