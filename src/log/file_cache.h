// Open files, at most about so many: 10,000 partitions must not need 10,000 descriptors. A file stays open
// while somebody holds it, and else until others push it out. Any thread.
#pragma once
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "os/files.h"

namespace mekong::log {

class FileCache {
 public:
  FileCache(os::Files& files, size_t open_max) : files_(files), open_max_(open_max) {}

  // The file, opened for reading and writing. Errors: those of os::Files::open.
  Result<std::shared_ptr<os::File>> open(const std::string& path);
  // The name stands for another file now, or for none.
  void forget(const std::string& path);

 private:
  using Entry = std::pair<std::string, std::shared_ptr<os::File>>;

  os::Files& files_;
  const size_t open_max_;
  std::mutex mutex_;
  std::list<Entry> recent_;  // the latest used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_path_;
};

}  // namespace mekong::log
