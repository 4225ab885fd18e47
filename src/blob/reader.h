// Reads large contents from their files, block by block against their checksums. A few files stay open.
#pragma once
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "blob/store.h"
#include "os/files.h"

namespace mekong::blob {

// Any thread.
class FileReader {
 public:
  FileReader(os::Files& files, std::string folder) : files_(files), folder_(std::move(folder)) {}
  Result<std::string> read(const BlobRef& ref, uint64_t offset, size_t bytes);
  Result<int> open_descriptor(const BlobRef& ref);
  void forget(const std::string& id);
  std::string path(const std::string& id) const { return folder_ + "/" + id.substr(0, 2) + "/" + id; }

 private:
  struct Open {
    std::unique_ptr<os::File> file;
    std::vector<uint32_t> checksums;
  };
  using OpenPtr = std::shared_ptr<const Open>;
  Result<OpenPtr> open(const BlobRef& ref);
  Result<std::unique_ptr<os::File>> open_file(const std::string& id);

  os::Files& files_;
  const std::string folder_;
  std::mutex mutex_;
  std::list<std::pair<std::string, OpenPtr>> recent_;  // newest first
  std::unordered_map<std::string, std::list<std::pair<std::string, OpenPtr>>::iterator> by_id_;
};

}  // namespace mekong::blob
