#include <algorithm>
#include <utility>

#include "objects/object_store.h"
#include "objects/records.h"

namespace mekong::objects {
namespace {

// The common prefix that `key` falls under, empty where none.
std::string_view common_prefix(std::string_view key, const ListRequest& request) {
  if (request.delimiter.empty() || key.size() < request.prefix.size()) return {};
  auto at = key.find(request.delimiter, request.prefix.size());
  if (at == std::string_view::npos) return {};
  return key.substr(0, at + request.delimiter.size());
}

// Walks the keys of a listing in order; a common prefix is passed over by seeking behind it.
class Walk {
 public:
  Walk(const meta::Reader& meta, const ListRequest& request)
      : meta_(meta), head_bytes_(object_key(request.bucket, "").size()) {
    range_ = meta::prefix_range(object_key(request.bucket, request.prefix), page_keys(request));
    if (request.after.empty()) return;
    const std::string group(request.after.starts_with(request.prefix) ? common_prefix(request.after, request)
                                                                      : "");
    if (!group.empty() && (group == request.after || request.after_passes_group)) {
      skip(request.bucket, group);
    } else if (auto after = object_key(request.bucket, request.after); after >= range_.begin) {
      range_.after = std::move(after);
    }
  }

  // The next entry, null at the end.
  Result<const meta::KeyValue*> next() {
    if (at_ == page_.size()) {
      if (ended_) return nullptr;
      MEKONG_TRY_ASSIGN(page_, meta_.scan(family, range_));
      at_ = 0;
      ended_ = page_.size() < range_.limit;
      if (page_.empty()) return nullptr;
      range_.after = page_.back().key;
    }
    return &page_[at_++];
  }
  std::string_view key(const meta::KeyValue& entry) const {
    return std::string_view(entry.key).substr(head_bytes_);
  }

  // Goes on behind everything that begins with `prefix`.
  void skip(const std::string& bucket, const std::string& prefix) {
    auto behind = meta::prefix_range(object_key(bucket, prefix)).end;
    while (at_ < page_.size() && page_[at_].key < behind) ++at_;
    if (at_ < page_.size()) return;
    page_.clear();
    at_ = 0;
    range_.begin = behind;
    range_.after.reset();
    ended_ = ended_ || (!range_.end.empty() && behind >= range_.end);
  }

 private:
  static size_t page_keys(const ListRequest& request) {
    size_t wanted = request.max_keys + 1;
    return request.delimiter.empty() ? std::min<size_t>(wanted, 1001) : std::min<size_t>(wanted, 128);
  }
  const meta::Reader& meta_;
  const size_t head_bytes_;
  meta::ScanRange range_;
  std::vector<meta::KeyValue> page_;
  size_t at_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<ListResult> ObjectStore::list(const ListRequest& request) const {
  MEKONG_TRY(known_bucket(request.bucket));
  ListResult result;
  if (request.max_keys == 0) return result;
  const auto now = meta_.snapshot();
  Walk walk(*now, request);
  for (;;) {
    MEKONG_TRY_ASSIGN(const auto* entry, walk.next());
    if (entry == nullptr) return result;
    if (result.objects.size() + result.common_prefixes.size() == request.max_keys) {
      result.truncated = true;
      return result;
    }
    auto key = walk.key(*entry);
    std::string prefix(common_prefix(key, request));
    if (prefix.empty()) {
      MEKONG_TRY_ASSIGN(auto object, decode_object(request.bucket, key, entry->value));
      object.pieces.clear();
      result.next_after = object.key;
      result.objects.push_back(std::move(object));
    } else {
      walk.skip(request.bucket, prefix);
      result.next_after = prefix;
      result.common_prefixes.push_back(std::move(prefix));
    }
  }
}

Result<ListUploadsResult> ObjectStore::uploads(const ListUploadsRequest& request) const {
  MEKONG_TRY(known_bucket(request.bucket));
  ListUploadsResult result;
  ListRequest names{.bucket = request.bucket, .prefix = request.prefix, .delimiter = request.delimiter};
  auto range = meta::prefix_range(uploads_prefix(request.bucket) + request.prefix, 1000);
  const auto now = meta_.snapshot();
  for (;;) {
    MEKONG_TRY_ASSIGN(auto page, now->scan(family, range));
    for (const auto& entry : page) {
      MEKONG_TRY_ASSIGN(auto upload, decode_upload(entry.key, entry.value));
      bool passed =
          upload.key < request.after_key ||
          (upload.key == request.after_key && upload.id <= request.after_upload_id) ||
          (upload.key == request.after_key && request.after_upload_id.empty() && !upload.key.empty());
      std::string prefix(common_prefix(upload.key, names));
      bool known =
          !prefix.empty() && (prefix <= request.after_key ||
                              (!result.common_prefixes.empty() && result.common_prefixes.back() == prefix));
      if (passed || known) continue;
      if (result.uploads.size() + result.common_prefixes.size() == request.max_uploads) {
        result.truncated = true;
        return result;
      }
      result.next_key = prefix.empty() ? upload.key : prefix;
      result.next_upload_id = prefix.empty() ? upload.id : "";
      if (prefix.empty()) {
        result.uploads.push_back(std::move(upload));
      } else {
        result.common_prefixes.push_back(std::move(prefix));
      }
    }
    if (page.size() < range.limit) return result;
    range.after = page.back().key;
  }
}

}  // namespace mekong::objects
