// Examines stored contents and the counters of their references. Changes nothing; not beside a server that
// runs on the folder.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "base/verification.h"
#include "blob/store.h"
#include "meta/store.h"
#include "os/files.h"

namespace mekong::blob {

// One thread. Holds about 100 bytes a content.
class Verifier {
 public:
  // All references must outlive it.
  Verifier(os::Files& files, const meta::Store& meta, std::string folder, Verification& found)
      : files_(files), meta_(meta), folder_(std::move(folder)), found_(found) {}

  // A record, of `object`, names this content. All of it is read, at its first mention.
  Status refer(const BlobRef& ref, const std::string& object);
  // After all records: the counters must say what was seen; contents that nothing names are told.
  Status finish();

 private:
  Status check(const BlobRef& ref, const std::string& object);
  Status check_file(const BlobRef& ref, const std::string& object);
  Status check_counters();
  Status check_folder(const std::string& name);
  std::string path(const std::string& id) const { return folder_ + "/" + id.substr(0, 2) + "/" + id; }

  os::Files& files_;
  const meta::Store& meta_;
  const std::string folder_;
  Verification& found_;
  std::unordered_map<std::string, int64_t> references_;
};

}  // namespace mekong::blob
