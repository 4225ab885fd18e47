#include "objects/records.h"

#include <charconv>
#include <cstring>
#include <utility>

namespace mekong::objects {
namespace {

class Encoder {
 public:
  Encoder& add(std::string_view field) {
    auto size = static_cast<uint32_t>(field.size());
    for (int i = 0; i < 4; ++i) out_.push_back(static_cast<char>(size >> (8 * i)));
    out_ += field;
    return *this;
  }
  Encoder& add(uint64_t number) {
    char raw[8];
    for (int i = 0; i < 8; ++i) raw[i] = static_cast<char>(number >> (8 * i));
    return add(std::string_view(raw, 8));
  }
  Encoder& add(int64_t number) { return add(static_cast<uint64_t>(number)); }
  Encoder& add(const std::map<std::string, std::string>& entries) {
    Encoder inner;
    for (const auto& [name, value] : entries) inner.add(name).add(value);
    return add(std::string_view(inner.out_));
  }
  Encoder& add(const std::vector<blob::BlobRef>& pieces) {
    Encoder inner;
    for (const auto& piece : pieces) {
      inner.add(piece.id).add(piece.size_bytes).add(std::string_view(piece.inline_content ? "i" : "f"));
    }
    return add(std::string_view(inner.out_));
  }
  Encoder& add(const std::vector<uint64_t>& numbers) {
    Encoder inner;
    for (uint64_t number : numbers) inner.add(number);
    return add(std::string_view(inner.out_));
  }
  Encoder& add(const std::vector<std::string>& texts) {
    Encoder inner;
    for (const auto& text : texts) inner.add(text);
    return add(std::string_view(inner.out_));
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Decoder {
 public:
  explicit Decoder(std::string_view record) : rest_(record) {}
  std::string_view field() {
    if (rest_.empty()) return {};
    uint32_t size = 0;
    if (rest_.size() >= 4) {
      for (size_t i = 0; i < 4; ++i)
        size |= static_cast<uint32_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
    }
    if (rest_.size() < 4 || rest_.size() - 4 < size) {
      damaged_ = true;
      rest_ = {};
      return {};
    }
    auto found = rest_.substr(4, size);
    rest_.remove_prefix(4 + size);
    return found;
  }
  std::string text() { return std::string(field()); }
  uint64_t number() {
    auto raw = field();
    uint64_t number = 0;
    for (size_t i = 0; i < raw.size() && i < 8; ++i) {
      number |= static_cast<uint64_t>(static_cast<unsigned char>(raw[i])) << (8 * i);
    }
    return number;
  }
  std::map<std::string, std::string> entries() {
    Decoder inner(field());
    std::map<std::string, std::string> found;
    while (inner.more()) {
      auto name = inner.text();
      found[std::move(name)] = inner.text();
    }
    damaged_ |= inner.damaged_;
    return found;
  }
  std::vector<blob::BlobRef> pieces() {
    Decoder inner(field());
    std::vector<blob::BlobRef> found;
    while (inner.more()) {
      blob::BlobRef piece;
      piece.id = inner.text();
      piece.size_bytes = inner.number();
      piece.inline_content = inner.field() == "i";
      found.push_back(std::move(piece));
    }
    damaged_ |= inner.damaged_;
    return found;
  }
  std::vector<uint64_t> numbers() {
    Decoder inner(field());
    std::vector<uint64_t> found;
    while (inner.more()) found.push_back(inner.number());
    damaged_ |= inner.damaged_;
    return found;
  }
  std::vector<std::string> texts() {
    Decoder inner(field());
    std::vector<std::string> found;
    while (inner.more()) found.push_back(inner.text());
    damaged_ |= inner.damaged_;
    return found;
  }
  bool more() const { return !rest_.empty(); }
  template <class T>
  Result<T> result(T value) const {
    if (damaged_) return Error{"InternalError", "a record of the object store is damaged"};
    return value;
  }

 private:
  std::string_view rest_;
  bool damaged_ = false;
};

std::string keyed(std::string_view kind, std::string_view bucket) {
  std::string key(kind);
  key += bucket;
  return key;
}

}  // namespace

std::string bucket_key(std::string_view bucket) {
  return keyed("b/", bucket);
}
std::string account_key(const AccountId& account) {
  return keyed("a/", account.value);
}
std::string object_count_key(std::string_view bucket) {
  return keyed("n/", bucket);
}
std::string upload_count_key(std::string_view bucket) {
  return keyed("m/", bucket);
}

std::string object_key(std::string_view bucket, std::string_view key) {
  auto full = keyed("o/", bucket);
  full.push_back('\0');
  full += key;
  return full;
}

std::string uploads_prefix(std::string_view bucket) {
  auto prefix = keyed("u/", bucket);
  prefix.push_back('\0');
  return prefix;
}

std::string upload_key(const UploadPlace& place) {
  auto full = uploads_prefix(place.bucket) + place.key;
  full.push_back('\0');
  return full + place.upload_id;
}

std::string parts_prefix(std::string_view upload_id) {
  return keyed("p/", upload_id) + "/";
}

std::string parts_count_key(std::string_view upload_id) {
  return keyed("c/", upload_id);
}

std::string part_key(std::string_view upload_id, int32_t number) {
  auto digits = std::to_string(number);
  return parts_prefix(upload_id) + std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
}

std::string flags_of(const std::optional<PublicAccessBlock>& block) {
  if (!block) return "-";
  std::string flags;
  for (const bool on : {block->block_acls, block->ignore_acls, block->block_policy, block->restrict_buckets})
    flags.push_back(on ? '1' : '0');
  return flags;
}

std::optional<PublicAccessBlock> block_of(std::string_view flags) {
  if (flags == "-") return std::nullopt;
  if (flags.size() < 4) return PublicAccessBlock{};
  return PublicAccessBlock{flags[0] == '1', flags[1] == '1', flags[2] == '1', flags[3] == '1'};
}

std::string encode(const Bucket& bucket) {
  Encoder to;
  to.add(bucket.owner.value).add(bucket.region.value).add(bucket.created_ms).add(bucket.tags);
  to.add(bucket.policy).add(std::string_view(bucket.policy_is_public ? "1" : ""));
  to.add(std::string_view(flags_of(bucket.public_access_block)));
  return to.take();
}

Result<Bucket> decode_bucket(std::string_view name, std::string_view record) {
  Decoder from(record);
  Bucket bucket;
  bucket.name = name;
  bucket.owner = AccountId(from.text());
  bucket.region = Region(from.text());
  bucket.created_ms = static_cast<int64_t>(from.number());
  bucket.tags = from.entries();
  bucket.policy = from.text();
  bucket.policy_is_public = from.field() == "1";
  bucket.public_access_block = block_of(from.field());
  return from.result(std::move(bucket));
}

std::string encode(const Object& object) {
  Encoder to;
  to.add(object.size_bytes).add(object.etag).add(object.modified_ms).add(object.headers).add(object.metadata);
  to.add(object.checksums).add(object.pieces).add(object.part_sizes).add(object.upload_id);
  if (!object.part_checksums.empty()) to.add(object.part_checksums);
  return to.take();
}

Result<Object> decode_object(std::string_view bucket, std::string_view key, std::string_view record) {
  Decoder from(record);
  Object object;
  object.bucket = bucket;
  object.key = key;
  object.size_bytes = from.number();
  object.etag = from.text();
  object.modified_ms = static_cast<int64_t>(from.number());
  object.headers = from.entries();
  object.metadata = from.entries();
  object.checksums = from.entries();
  object.pieces = from.pieces();
  object.part_sizes = from.numbers();
  object.upload_id = from.text();
  object.part_checksums = from.texts();
  return from.result(std::move(object));
}

std::string encode(const Upload& upload) {
  Encoder to;
  to.add(upload.initiated_ms).add(upload.headers).add(upload.metadata).add(upload.checksum_algorithm);
  to.add(std::string_view(upload.full_object_checksum ? "1" : ""));
  return to.take();
}

Result<Upload> decode_upload(std::string_view record_key, std::string_view record) {
  Decoder from(record);
  Upload upload;
  auto bucket_end = record_key.find('\0');
  if (bucket_end == std::string_view::npos || record_key.size() < bucket_end + 2 + upload_id_digits) {
    return Error{"InternalError", "a record of the object store is damaged"};
  }
  auto id_begin = record_key.size() - upload_id_digits;
  upload.bucket = record_key.substr(2, bucket_end - 2);
  upload.key = record_key.substr(bucket_end + 1, id_begin - 1 - bucket_end - 1);
  upload.id = record_key.substr(id_begin);
  upload.initiated_ms = static_cast<int64_t>(from.number());
  upload.headers = from.entries();
  upload.metadata = from.entries();
  upload.checksum_algorithm = from.text();
  upload.full_object_checksum = from.field() == "1";
  return from.result(std::move(upload));
}

std::string encode(const Part& part) {
  Encoder to;
  to.add(part.size_bytes).add(part.etag).add(part.modified_ms).add(part.checksums).add(part.pieces);
  return to.take();
}

Result<Part> decode_part(std::string_view record_key, std::string_view record) {
  Decoder from(record);
  Part part;
  auto digits = record_key.substr(record_key.size() < 5 ? 0 : record_key.size() - 5);
  std::from_chars(digits.data(), digits.data() + digits.size(), part.number);
  part.size_bytes = from.number();
  part.etag = from.text();
  part.modified_ms = static_cast<int64_t>(from.number());
  part.checksums = from.entries();
  part.pieces = from.pieces();
  return from.result(std::move(part));
}

}  // namespace mekong::objects
