#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/memory_only.h"
#include "codec/digests.h"
#include "codec/text.h"
#include "objects/object_store.h"
#include "objects/records.h"
#include "objects/writer.h"

namespace mekong::objects {
namespace {

constexpr int attempts_max = 1000;
constexpr uint64_t part_bytes_min = 5 << 20;
constexpr int32_t part_number_max = 10'000;
constexpr size_t copy_bytes = 1 << 20;
constexpr uint64_t pieces_max = 100'000;  // of an object, as far as copies by reference make it

Error no_such_upload(const UploadPlace& place) {
  return {"NoSuchUpload",
          "The specified upload does not exist. The upload ID may be invalid, or the upload may have been "
          "aborted or "
          "completed.",
          404,
          {{"UploadId", place.upload_id}}};
}

Error invalid_part(const CompletedPart& part) {
  return {
      "InvalidPart",
      "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
      "specified entity tag may not match the part's entity tag.",
      400,
      {{"PartNumber", std::to_string(part.number)}, {"ETag", part.etag}}};
}

Error too_many_pieces() {
  return {"NotImplemented",
          "An object of more than " + std::to_string(pieces_max) +
              " pieces is not implemented. What one request has brought is a piece; a copy of a whole object "
              "has all of its pieces, a copy of a range is one.",
          501};
}

// Also an empty part counts.
uint64_t pieces_of(const Part& part) {
  return std::max<uint64_t>(1, part.pieces.size());
}

uint64_t number_in(const std::optional<std::string>& counter) {
  uint64_t number = 0;
  if (counter) std::from_chars(counter->data(), counter->data() + counter->size(), number);
  return number;
}

Status check_number(int32_t number) {
  if (number >= 1 && number <= part_number_max) return ok();
  return Error{"InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive", 400};
}

// A part has no other checksum than its upload.
Status check_algorithm(const Upload& upload, const std::map<std::string, std::string>& checksums) {
  if (upload.checksum_algorithm.empty()) return ok();
  for (const auto& [algorithm, value] : checksums) {
    if (algorithm == upload.checksum_algorithm) continue;
    return Error{"InvalidRequest",
                 "Checksum Type mismatch occurred, expected checksum Type: " +
                     codec::lower_case(upload.checksum_algorithm) +
                     ", actual checksum Type: " + codec::lower_case(algorithm),
                 400};
  }
  return ok();
}

Object as_object(const UploadPlace& place, const Part& part) {
  Object object;
  object.bucket = place.bucket;
  object.key = place.key;
  object.size_bytes = part.size_bytes;
  object.etag = part.etag;
  object.modified_ms = part.modified_ms;
  object.checksums = part.checksums;
  object.pieces = part.pieces;
  return object;
}

Status check_order(const std::vector<CompletedPart>& parts) {
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].number > parts[i - 1].number) continue;
    return Error{"InvalidPartOrder",
                 "The list of parts was not in ascending order. Parts must be ordered by part number.", 400};
  }
  return ok();
}

// `expected` of the whole, with or without the number of parts behind it.
Status check_checksums(const Object& object, const std::map<std::string, std::string>& expected) {
  for (const auto& [algorithm, value] : expected) {
    auto known = object.checksums.find(algorithm);
    bool same = known != object.checksums.end() &&
                (known->second == value || known->second.substr(0, known->second.find('-')) == value);
    if (same) continue;
    return Error{"BadDigest", "The " + algorithm + " you specified did not match the calculated checksum.",
                 400};
  }
  return ok();
}

Status check_size(const Object& object, const std::optional<int64_t>& expected) {
  if (!expected || static_cast<uint64_t>(*expected) == object.size_bytes) return ok();
  return Error{"InvalidRequest",
               "The provided 'x-amz-mp-object-size' header value does not match what was computed: " +
                   std::to_string(object.size_bytes),
               400};
}

// Of all bytes, combined from the parts' own, or of the parts' checksums one after the other ("…-N").
Result<std::string> checksum_of_parts(const Upload& upload, const std::vector<const Part*>& parts) {
  std::string sums, whole;
  for (const auto* part : parts) {
    auto sum = part->checksums.find(upload.checksum_algorithm);
    auto raw = sum == part->checksums.end() ? std::nullopt : codec::base64_decode(sum->second);
    if (!raw) return Error{"InternalError", "a part has no checksum", 500};
    sums += *raw;
    if (!upload.full_object_checksum) continue;
    if (part == parts.front()) {
      whole = *raw;
    } else {
      MEKONG_TRY_ASSIGN(whole, codec::combine(upload.checksum_algorithm, whole, *raw, part->size_bytes));
    }
  }
  if (upload.full_object_checksum) return codec::base64_encode(whole);
  MEKONG_TRY_ASSIGN(auto digest, codec::digest_of(upload.checksum_algorithm, sums));
  return codec::base64_encode(digest) + "-" + std::to_string(parts.size());
}

bool retryable(const Status& status) {
  return !status.ok() && status.error().code == "ConditionFailed";
}

}  // namespace

Result<std::string> ObjectStore::upload_record(const UploadPlace& place) const {
  MEKONG_TRY(known_bucket(place.bucket));
  if (place.upload_id.size() != upload_id_digits) return no_such_upload(place);
  MEKONG_TRY_ASSIGN(auto stored, meta_.get(family, upload_key(place)));
  if (!stored) return no_such_upload(place);
  return std::move(*stored);
}

Result<Upload> ObjectStore::upload(const UploadPlace& place) const {
  MEKONG_TRY_ASSIGN(auto record, upload_record(place));
  return decode_upload(upload_key(place), record);
}

Result<Upload> ObjectStore::create_upload(std::string_view bucket, std::string_view key, PutOptions options) {
  Upload upload;
  upload.bucket = bucket;
  upload.key = key;
  upload.id = random_.hex(upload_id_digits);
  upload.initiated_ms = now_ms();
  upload.headers = std::move(options.headers);
  upload.metadata = std::move(options.metadata);
  for (const auto& [algorithm, value] : options.checksums) {
    MEKONG_TRY(codec::make_digest(algorithm));
    upload.checksum_algorithm = algorithm;
    upload.full_object_checksum = options.full_object_checksum;
  }
  MEKONG_TRY_ASSIGN(const auto known, known_bucket(bucket));
  meta::Batch batch;
  batch.expect_value(family, bucket_key(bucket), known->record);
  batch.put(family, upload_key({upload.bucket, upload.key, upload.id}), encode(upload));
  batch.count({.family = std::string(family), .key = upload_count_key(bucket), .delta = 1});
  auto committed = meta_.commit(std::move(batch)).get();
  if (committed.ok()) return upload;
  if (!retryable(committed)) return std::move(committed).error();
  MEKONG_TRY(known_bucket(bucket));
  return Error{"OperationAborted", "A conflicting operation is in progress on this bucket.", 409};
}

Result<std::unique_ptr<ObjectWriter>> ObjectStore::put_part(const UploadPlace& place, int32_t number,
                                                            PutOptions options) {
  MEKONG_TRY(check_number(number));
  MEKONG_TRY_ASSIGN(auto upload, this->upload(place));
  MEKONG_TRY(check_algorithm(upload, options.checksums));
  if (!upload.checksum_algorithm.empty()) options.checksums.try_emplace(upload.checksum_algorithm);
  auto finish = [this, place, number](Received received, bool waits) -> Result<PendingObject> {
    if (!waits) return MemoryOnly::would_wait();
    Part part{.number = number, .size_bytes = received.size_bytes, .etag = std::move(received.etag)};
    part.checksums = std::move(received.checksums);
    part.pieces = std::move(received.pieces);
    MEKONG_TRY_ASSIGN(auto made, commit_part(place, std::move(part), received.batch, no_such_upload(place)));
    return PendingObject{std::move(made), {}};
  };
  return ContentWriter::make(blobs_, options, std::move(finish));
}

Result<ObjectStore::SeenPart> ObjectStore::name_part(const UploadPlace& place, Part& part,
                                                     meta::Batch& batch) {
  const auto key = part_key(place.upload_id, part.number), counter = parts_count_key(place.upload_id);
  MEKONG_TRY_ASSIGN(auto upload, upload_record(place));
  batch.expect_value(family, upload_key(place), std::move(upload));
  SeenPart seen;
  MEKONG_TRY_ASSIGN(seen.part, meta_.get(family, key));
  uint64_t more = pieces_of(part);
  if (seen.part) {
    MEKONG_TRY_ASSIGN(const auto now, decode_part(key, *seen.part));
    more -= std::min(more, pieces_of(now));
    batch.expect_value(family, key, *seen.part);
    MEKONG_TRY(release_all(batch, now.pieces));
  } else {
    batch.expect_absent(family, key);
  }
  // Only copies by reference bring several. They expect the counter, so that two do not pass the limit.
  if (more > 0 && part.pieces.size() > 1) {
    MEKONG_TRY_ASSIGN(seen.counted, meta_.get(family, counter));
    if (number_in(seen.counted) + more > pieces_max) return too_many_pieces();
    if (seen.counted) batch.expect_value(family, counter, *seen.counted);
    if (!seen.counted) batch.expect_absent(family, counter);
  }
  if (more > 0)
    batch.count({.family = std::string(family), .key = counter, .delta = static_cast<int64_t>(more)});
  part.modified_ms = now_ms();
  batch.put(family, key, encode(part));
  return seen;
}

Result<Object> ObjectStore::commit_part(const UploadPlace& place, Part part, const meta::Batch& content,
                                        const Error& gone) {
  SeenPart before_last;
  int unchanged = 0;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    meta::Batch batch = content;
    MEKONG_TRY_ASSIGN(auto seen, name_part(place, part, batch));
    unchanged = seen == before_last ? unchanged + 1 : 0;
    if (attempt > 0 && unchanged > 4) return gone;
    auto committed = meta_.commit(std::move(batch)).get();
    if (committed.ok()) return as_object(place, part);
    if (!retryable(committed)) return std::move(committed).error();
    before_last = std::move(seen);
  }
  return gone;
}

Result<Object> ObjectStore::copy_part(const UploadPlace& place, int32_t number, const Object& source,
                                      std::optional<ByteRange> range) {
  MEKONG_TRY(check_number(number));
  MEKONG_TRY_ASSIGN(auto upload, this->upload(place));
  bool whole = !range || (range->offset == 0 && range->size_bytes == source.size_bytes);
  if (!whole) return copy_range_to_part(place, number, source, *range);
  // Checksums of parts must be there for the upload's own; without them the bytes are read once more.
  const auto& algorithm = upload.checksum_algorithm;
  bool composite = !source.part_sizes.empty();
  if (!algorithm.empty() && (composite || !source.checksums.contains(algorithm))) {
    return copy_range_to_part(place, number, source, {.offset = 0, .size_bytes = source.size_bytes});
  }
  if (source.pieces.size() > pieces_max) return too_many_pieces();
  Part part{.number = number, .size_bytes = source.size_bytes, .etag = source.etag};
  if (!composite) part.checksums = source.checksums;
  part.pieces = source.pieces;
  meta::Batch batch;
  MEKONG_TRY(retain_all(batch, part.pieces));
  Error gone{"NoSuchKey", "The specified key does not exist.", 404, {{"Key", source.key}}};
  return commit_part(place, std::move(part), batch, gone);
}

Result<Object> ObjectStore::copy_range_to_part(const UploadPlace& place, int32_t number, const Object& source,
                                               ByteRange range) {
  if (range.offset > source.size_bytes || range.size_bytes > source.size_bytes - range.offset) {
    return Error{"InvalidRange", "The requested range is not satisfiable", 416};
  }
  MEKONG_TRY_ASSIGN(auto writer, put_part(place, number, {}));
  for (uint64_t done = 0; done < range.size_bytes;) {
    auto bytes = static_cast<size_t>(std::min<uint64_t>(copy_bytes, range.size_bytes - done));
    MEKONG_TRY_ASSIGN(auto content, read(source, range.offset + done, bytes));
    MEKONG_TRY(writer->append(content));
    done += content.size();
  }
  return writer->commit();
}

Result<ObjectStore::StoredParts> ObjectStore::stored_parts(const UploadPlace& place) const {
  StoredParts found;
  MEKONG_TRY_ASSIGN(found.counted, meta_.get(family, parts_count_key(place.upload_id)));
  MEKONG_TRY_ASSIGN(auto entries, meta_.scan(family, meta::prefix_range(parts_prefix(place.upload_id),
                                                                        part_number_max + 1)));
  for (auto& entry : entries) {
    MEKONG_TRY_ASSIGN(auto part, decode_part(entry.key, entry.value));
    found.parts.push_back(std::move(part));
    found.keys.push_back(std::move(entry.key));
    found.records.push_back(std::move(entry.value));
  }
  return found;
}

// The upload and its parts go, if nobody changed them or added one; their content is released.
Status ObjectStore::add_upload_removal(meta::Batch& batch, const UploadPlace& place,
                                       const std::string& record, const StoredParts& parts) {
  batch.expect_value(family, upload_key(place), record).remove(family, upload_key(place));
  batch.count({.family = std::string(family), .key = upload_count_key(place.bucket), .delta = -1});
  const auto counter = parts_count_key(place.upload_id);
  if (parts.counted) {
    batch.expect_value(family, counter, *parts.counted).remove(family, counter);
  } else {
    batch.expect_absent(family, counter);
  }
  for (size_t i = 0; i < parts.parts.size(); ++i) {
    batch.expect_value(family, parts.keys[i], parts.records[i]).remove(family, parts.keys[i]);
    MEKONG_TRY(release_all(batch, parts.parts[i].pieces));
  }
  return ok();
}

Result<Object> ObjectStore::assemble(const UploadPlace& place, const Upload& upload,
                                     const StoredParts& stored, const std::vector<CompletedPart>& wanted,
                                     meta::Batch& batch) {
  Object object;
  object.bucket = place.bucket;
  object.key = place.key;
  object.headers = upload.headers;
  object.metadata = upload.metadata;
  object.upload_id = upload.id;
  std::map<int32_t, const Part*> by_number;
  for (const auto& part : stored.parts) by_number[part.number] = &part;
  std::string md5s;
  std::vector<const Part*> used;
  for (size_t i = 0; i < wanted.size(); ++i) {
    auto found = by_number.find(wanted[i].number);
    if (found == by_number.end() || found->second->etag != wanted[i].etag) return invalid_part(wanted[i]);
    const Part& part = *found->second;
    for (const auto& [algorithm, value] : wanted[i].checksums) {
      auto known = part.checksums.find(algorithm);
      if (known == part.checksums.end() || known->second != value) return invalid_part(wanted[i]);
    }
    if (i + 1 < wanted.size() && part.size_bytes < part_bytes_min) {
      return Error{"EntityTooSmall",
                   "Your proposed upload is smaller than the minimum allowed size",
                   400,
                   {{"PartNumber", std::to_string(part.number)}, {"ETag", part.etag}}};
    }
    if (object.pieces.size() + part.pieces.size() > pieces_max) return too_many_pieces();
    md5s += codec::hex_decode(part.etag.substr(0, 32)).value_or("");
    used.push_back(&part);
    object.size_bytes += part.size_bytes;
    object.part_sizes.push_back(part.size_bytes);
    object.pieces.insert(object.pieces.end(), part.pieces.begin(), part.pieces.end());
  }
  auto suffix = "-" + std::to_string(wanted.size());
  MEKONG_TRY_ASSIGN(auto md5, codec::digest_of("MD5", md5s));
  object.etag = codec::hex_encode(md5) + suffix;
  if (!upload.checksum_algorithm.empty()) {
    MEKONG_TRY_ASSIGN(object.checksums[upload.checksum_algorithm], checksum_of_parts(upload, used));
    if (!upload.full_object_checksum) {
      for (const auto* part : used)
        object.part_checksums.push_back(part->checksums.at(upload.checksum_algorithm));
    }
  }
  MEKONG_TRY(retain_all(batch, object.pieces));
  return object;
}

// A client that lost the reply completes again: the answer is the same.
Result<Object> ObjectStore::completed_before(const UploadPlace& place, const Error& otherwise) const {
  auto object = head(place.bucket, place.key);
  if (object.ok() && object->upload_id == place.upload_id) return object;
  return otherwise;
}

Result<Object> ObjectStore::complete_upload(const UploadPlace& place, const std::vector<CompletedPart>& parts,
                                            const PutOptions& conditions) {
  if (parts.empty()) return Error{"InvalidRequest", "You must specify at least one part", 400};
  MEKONG_TRY(check_order(parts));
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    auto record = upload_record(place);
    if (!record.ok() && record.error().code == "NoSuchUpload") return completed_before(place, record.error());
    if (!record.ok()) return std::move(record).error();
    MEKONG_TRY_ASSIGN(auto upload, decode_upload(upload_key(place), *record));
    MEKONG_TRY_ASSIGN(auto stored, stored_parts(place));
    meta::Batch batch;
    MEKONG_TRY_ASSIGN(auto object, assemble(place, upload, stored, parts, batch));
    MEKONG_TRY(check_checksums(object, conditions.checksums));
    MEKONG_TRY(check_size(object, conditions.size_bytes));
    MEKONG_TRY(add_upload_removal(batch, place, *record, stored));
    auto done = commit_object(std::move(object), batch, conditions, {"UploadChanged", ""});
    if (done.ok() || done.error().code != "UploadChanged") return done;
  }
  return Error{"OperationAborted", "A conflicting operation is in progress on this upload.", 409};
}

Status ObjectStore::abort_upload(const UploadPlace& place) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    MEKONG_TRY_ASSIGN(auto record, upload_record(place));
    MEKONG_TRY_ASSIGN(auto stored, stored_parts(place));
    meta::Batch batch;
    MEKONG_TRY(add_upload_removal(batch, place, record, stored));
    auto committed = meta_.commit(std::move(batch)).get();
    if (!retryable(committed)) return committed;
  }
  return Error{"OperationAborted", "A conflicting operation is in progress on this upload.", 409};
}

Result<std::vector<Part>> ObjectStore::parts(const UploadPlace& place, int32_t after_number,
                                             size_t max_parts) const {
  MEKONG_TRY(upload_record(place));
  auto range = meta::prefix_range(parts_prefix(place.upload_id), max_parts);
  if (after_number > 0) range.after = part_key(place.upload_id, after_number);
  MEKONG_TRY_ASSIGN(auto entries, meta_.scan(family, range));
  std::vector<Part> found;
  for (const auto& entry : entries) {
    MEKONG_TRY_ASSIGN(auto part, decode_part(entry.key, entry.value));
    found.push_back(std::move(part));
  }
  return found;
}

}  // namespace mekong::objects
