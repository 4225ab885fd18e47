// The twin of PosixFiles for tests: files in memory that behave as a disk does. What was not synced, bytes
// and names alike, is forgotten by crash(); fail_at(n) makes the nth call from now fail, and so walks every
// failure point.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "os/files.h"

namespace mekong::os {

class MemoryFiles : public Files {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status make_directories(const std::string& path, int mode = 0700) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Status link(const std::string& from, const std::string& to) override;
  Status sync_all(const std::string& path) override;

  // Calls that change something (open for creation, write, sync, truncate, reserve, rename, remove, make,
  // directory sync) are numbered from 1. Returns how many there were so far.
  uint64_t changes() const;
  // The change with this number, and with `for_good` each later one, fails with `code` and does nothing; a
  // failed write leaves half of its bytes behind.
  void fail_at(uint64_t number, std::string code, bool for_good);
  void no_more_failures();

  // Power loss: names and bytes go back to what was synced. With `torn_bytes`, that many bytes of each file's
  // unsynced tail survive (a torn last write). Files open before are dead.
  void crash(uint64_t torn_bytes = 0);
  // Power loss as a disk may leave it, drawn from `seed`: of each folder's unsynced name changes a beginning
  // survives (file systems order them), of each file's unsynced writes any subset, each perhaps cut short
  // or without some of its sectors.
  void power_cut(uint64_t seed);
  // Damage, for tests of detection.
  void flip_bit(const std::string& path, uint64_t offset, int bit = 0);

 private:
  friend class MemoryFile;
  struct Unsynced {
    uint64_t offset = 0;
    std::string data;
    bool truncates = false;  // to `offset`
  };
  struct Content {
    std::string now, synced;
    std::vector<Unsynced> unsynced;  // from `synced` to `now`
  };
  using ContentPtr = std::shared_ptr<Content>;
  using Tree = std::map<std::string, ContentPtr>;
  using NameChange = std::vector<std::pair<std::string, ContentPtr>>;  // at once; null: the name goes

  Status rename_folder(const std::string& from, const std::string& to);  // mutex held
  static bool below(const std::string& name, const std::string& folder);
  Status change(std::string_view what);  // counts, and fails where told to; mutex held
  void note_names(const std::string& folder, NameChange change);
  void restore_folders();
  static std::string parent(const std::string& path);

  mutable std::mutex mutex_;
  Tree names_, durable_names_;  // files; durable: as of the last sync of their folder
  std::map<std::string, std::vector<NameChange>> unsynced_names_;  // by folder
  std::map<std::string, bool> folders_;  // made folders survive: their making is not under test
  std::set<std::string> renamed_folders_;
  uint64_t changes_ = 0, life_ = 0;  // a crash ends a life: handles of an older one fail
  std::optional<uint64_t> fail_at_;
  bool fail_for_good_ = false;
  std::string fail_code_;
};

}  // namespace mekong::os
