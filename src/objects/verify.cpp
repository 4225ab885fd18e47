#include "objects/verify.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "objects/records.h"

namespace mekong::objects {
namespace {

Status each_record(const meta::Store& meta, const char* prefix,
                   const std::function<Status(const meta::KeyValue&)>& visit) {
  auto range = meta::prefix_range(prefix, 1000);
  while (true) {
    MEKONG_TRY_ASSIGN(const auto page, meta.scan(family, range));
    for (const auto& record : page) MEKONG_TRY(visit(record));
    if (page.size() < range.limit) return ok();
    range.after = page.back().key;
  }
}

class Check {
 public:
  Check(const meta::Store& meta, blob::Verifier& contents, Verification& found)
      : meta_(meta), contents_(contents), found_(found) {}

  Status run() {
    MEKONG_TRY(each_record(meta_, "b/", [this](const auto& record) {
      buckets_[record.key.substr(2)];
      return ok();
    }));
    MEKONG_TRY(each_record(meta_, "o/", [this](const auto& record) { return object(record); }));
    MEKONG_TRY(each_record(meta_, "u/", [this](const auto& record) { return upload(record); }));
    MEKONG_TRY(each_record(meta_, "p/", [this](const auto& record) { return part(record); }));
    for (const auto& [name, bucket] : buckets_) {
      MEKONG_TRY(counter(object_count_key(name), bucket.objects, name, "objects"));
      MEKONG_TRY(counter(upload_count_key(name), bucket.uploads, name, "uploads"));
    }
    return contents_.finish();
  }

 private:
  struct Counts {
    int64_t objects = 0, uploads = 0;
  };

  void damaged(const std::string& object, const std::string& what) {
    found_.damaged("", std::nullopt, object, what);
  }
  Status pieces(const std::vector<blob::BlobRef>& all, uint64_t size_bytes, const std::string& name) {
    uint64_t sum = 0;
    for (const auto& piece : all) {
      sum += piece.size_bytes;
      MEKONG_TRY(contents_.refer(piece, name));
    }
    if (sum != size_bytes) damaged(name, "its pieces are not as many bytes as its record says");
    return ok();
  }

  Status object(const meta::KeyValue& record) {
    const size_t end = std::min(record.key.find('\0'), record.key.size());
    const std::string bucket = record.key.substr(2, end - 2);
    const std::string key = end < record.key.size() ? record.key.substr(end + 1) : "";
    const std::string name = "s3://" + bucket + "/" + key;
    if (const auto home = buckets_.find(bucket); home == buckets_.end()) {
      damaged(name, "its bucket is missing");
    } else {
      ++home->second.objects;
    }
    const auto decoded = decode_object(bucket, key, record.value);
    if (decoded.ok()) return pieces(decoded->pieces, decoded->size_bytes, name);
    damaged(name, decoded.error().message);
    return ok();
  }
  Status upload(const meta::KeyValue& record) {
    uploads_.insert(record.key.substr(record.key.size() - std::min(record.key.size(), upload_id_digits)));
    const auto decoded = decode_upload(record.key, record.value);
    if (!decoded.ok()) {
      damaged("an upload", decoded.error().message);
    } else if (const auto home = buckets_.find(decoded->bucket); home == buckets_.end()) {
      damaged("an upload to s3://" + decoded->bucket + "/" + decoded->key, "its bucket is missing");
    } else {
      ++home->second.uploads;
    }
    return ok();
  }
  Status part(const meta::KeyValue& record) {
    const auto decoded = decode_part(record.key, record.value);
    const std::string name = "part " + record.key.substr(2);
    if (!uploads_.contains(record.key.substr(2, upload_id_digits))) damaged(name, "its upload is missing");
    if (decoded.ok()) return pieces(decoded->pieces, decoded->size_bytes, name);
    damaged(name, decoded.error().message);
    return ok();
  }
  Status counter(const std::string& key, int64_t there, const std::string& bucket, const std::string& of) {
    MEKONG_TRY_ASSIGN(const auto stored, meta_.get(family, key));
    int64_t counted = 0;
    if (stored) std::from_chars(stored->data(), stored->data() + stored->size(), counted);
    if (counted == there) return ok();
    damaged("s3://" + bucket,
            std::to_string(counted) + " " + of + " are counted, " + std::to_string(there) + " are there");
    return ok();
  }

  const meta::Store& meta_;
  blob::Verifier& contents_;
  Verification& found_;
  std::map<std::string, Counts> buckets_;
  std::set<std::string> uploads_;  // by id
};

}  // namespace

Status verify(const meta::Store& meta, blob::Verifier& contents, Verification& found) {
  return Check(meta, contents, found).run();
}

}  // namespace mekong::objects
