#include "os/memory_files.h"

#include <algorithm>

#include "os/random.h"

namespace mekong::os {
namespace {

constexpr uint64_t sector_bytes = 512;

}  // namespace

class MemoryFile final : public File {
 public:
  MemoryFile(MemoryFiles& files, std::shared_ptr<MemoryFiles::Content> content, uint64_t life)
      : files_(files), content_(std::move(content)), life_(life) {}

  Result<std::string> read(uint64_t offset, size_t bytes) const override {
    std::lock_guard lock(files_.mutex_);
    if (dead()) return gone();
    if (offset >= content_->now.size()) return std::string();
    return content_->now.substr(offset, bytes);
  }

  Status write(uint64_t offset, std::string_view data) override {
    std::lock_guard lock(files_.mutex_);
    if (dead()) return gone();
    auto allowed = files_.change("write");
    if (!allowed.ok()) data = data.substr(0, data.size() / 2);
    if (!data.empty()) {
      content_->now.resize(std::max<size_t>(content_->now.size(), offset + data.size()), '\0');
      content_->now.replace(offset, data.size(), data);
      content_->unsynced.push_back({offset, std::string(data)});
    }
    return allowed;
  }

  Status sync() override {
    std::lock_guard lock(files_.mutex_);
    if (dead()) return gone();
    MEKONG_TRY(files_.change("sync"));
    content_->synced = content_->now;
    content_->unsynced.clear();
    return ok();
  }

  Status truncate(uint64_t size) override {
    std::lock_guard lock(files_.mutex_);
    if (dead()) return gone();
    MEKONG_TRY(files_.change("truncate"));
    content_->now.resize(size, '\0');
    content_->unsynced.push_back({size, "", true});
    return ok();
  }

  Status reserve(uint64_t) override {
    std::lock_guard lock(files_.mutex_);
    if (dead()) return gone();
    return files_.change("reserve");
  }

  Result<uint64_t> size() const override {
    std::lock_guard lock(files_.mutex_);
    if (dead()) return gone();
    return static_cast<uint64_t>(content_->now.size());
  }

  int descriptor() const override { return -1; }

 private:
  bool dead() const { return life_ != files_.life_; }
  static Error gone() { return Error{"EIO", "this file was open when the power went"}; }
  MemoryFiles& files_;
  std::shared_ptr<MemoryFiles::Content> content_;
  uint64_t life_;
};

std::string MemoryFiles::parent(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

Status MemoryFiles::change(std::string_view what) {
  ++changes_;
  if (!fail_at_ || changes_ < *fail_at_ || (changes_ > *fail_at_ && !fail_for_good_)) return ok();
  return Error{fail_code_, std::string(what) + ": failed on purpose"};
}

Result<std::unique_ptr<File>> MemoryFiles::open(const std::string& path, OpenMode mode) {
  std::lock_guard lock(mutex_);
  auto found = names_.find(path);
  const bool must_be_new = mode == OpenMode::create_new || mode == OpenMode::create_new_direct;
  if (found != names_.end() && must_be_new) return Error{"EEXIST", path};
  if (found == names_.end()) {
    if (mode == OpenMode::read || mode == OpenMode::write || !folders_.contains(parent(path))) {
      return Error{"ENOENT", path};
    }
    MEKONG_TRY(change("open"));
    found = names_.emplace(path, std::make_shared<Content>()).first;
    note_names(parent(path), {{path, found->second}});
  }
  return std::unique_ptr<File>(std::make_unique<MemoryFile>(*this, found->second, life_));
}

Status MemoryFiles::make_directories(const std::string& path, int) {
  std::lock_guard lock(mutex_);
  MEKONG_TRY(change("mkdir"));
  for (std::string at = path; !at.empty(); at = parent(at)) folders_[at] = true;
  return ok();
}

Status MemoryFiles::rename(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  if (folders_.contains(from)) return rename_folder(from, to);
  auto found = names_.find(from);
  if (found == names_.end()) return Error{"ENOENT", from};
  MEKONG_TRY(change("rename"));
  auto content = found->second;
  names_.erase(found);
  names_[to] = content;
  note_names(parent(to), {{from, nullptr}, {to, content}});
  return ok();
}

bool MemoryFiles::below(const std::string& name, const std::string& folder) {
  return name == folder || name.starts_with(folder + "/");
}

Status MemoryFiles::rename_folder(const std::string& from, const std::string& to) {
  const auto in_the_way = [&](const auto& entry) { return below(entry.first, to); };
  if (std::any_of(names_.begin(), names_.end(), in_the_way)) return Error{"ENOTEMPTY", to};
  if (!folders_.contains(parent(to)) || below(to, from)) return Error{"ENOENT", to};
  MEKONG_TRY(change("rename"));
  NameChange moved;
  for (const auto& [name, content] : names_) {
    if (!below(name, from)) continue;
    moved.emplace_back(name, nullptr);
    moved.emplace_back(to + name.substr(from.size()), content);
  }
  for (const auto& [name, content] : moved) {
    content ? void(names_[name] = content) : void(names_.erase(name));
  }
  std::map<std::string, bool> folders;
  for (const auto& [name, made] : folders_) {
    folders[below(name, from) ? to + name.substr(from.size()) : name] = made;
  }
  folders_ = std::move(folders);
  renamed_folders_.insert(to);
  note_names(parent(to), std::move(moved));
  return ok();
}

Status MemoryFiles::remove(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (!names_.contains(path) && !folders_.contains(path)) return Error{"ENOENT", path};
  MEKONG_TRY(change("remove"));
  if (names_.erase(path) > 0) note_names(parent(path), {{path, nullptr}});
  folders_.erase(path);
  return ok();
}

Status MemoryFiles::remove_tree(const std::string& path) {
  std::lock_guard lock(mutex_);
  MEKONG_TRY(change("remove"));
  for (const auto& [name, content] : names_) {
    if (below(name, path)) note_names(parent(name), {{name, nullptr}});
  }
  std::erase_if(names_, [&](const auto& entry) { return below(entry.first, path); });
  std::erase_if(folders_, [&](const auto& entry) { return below(entry.first, path); });
  return ok();
}

Status MemoryFiles::sync_directory(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (!folders_.contains(path)) return Error{"ENOENT", path};
  MEKONG_TRY(change("sync of a folder"));
  // A rename is durable as a whole, wherever its old name and the files below it are.
  for (const auto& change : unsynced_names_[path]) {
    for (const auto& [name, content] : change) {
      if (parent(name) == path) continue;
      content&& names_.contains(name) ? void(durable_names_[name] = content)
                                      : void(durable_names_.erase(name));
    }
  }
  std::erase_if(durable_names_, [&](const auto& entry) { return parent(entry.first) == path; });
  for (const auto& [name, content] : names_) {
    if (parent(name) == path) durable_names_[name] = content;
  }
  unsynced_names_.erase(path);
  return ok();
}

Result<std::vector<DirectoryEntry>> MemoryFiles::list(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (!folders_.contains(path)) return Error{"ENOENT", path};
  std::vector<DirectoryEntry> out;
  for (const auto& [name, content] : names_) {
    if (parent(name) == path) out.push_back({name.substr(path.size() + 1), false});
  }
  for (const auto& [name, made] : folders_) {
    if (parent(name) == path) out.push_back({name.substr(path.size() + 1), true});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

Status MemoryFiles::link(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  const auto found = names_.find(from);
  if (found == names_.end() || !folders_.contains(parent(to))) return Error{"ENOENT", from};
  if (names_.contains(to)) return Error{"EEXIST", to};
  MEKONG_TRY(change("link"));
  const ContentPtr content = found->second;
  names_[to] = content;
  note_names(parent(to), {{to, content}});
  return ok();
}

Status MemoryFiles::sync_all(const std::string&) {
  std::lock_guard lock(mutex_);
  MEKONG_TRY(change("sync of all"));
  for (const auto& [name, content] : names_) {
    content->synced = content->now;
    content->unsynced.clear();
  }
  durable_names_ = names_;
  unsynced_names_.clear();
  return ok();
}

Result<bool> MemoryFiles::exists(const std::string& path) {
  std::lock_guard lock(mutex_);
  return names_.contains(path) || folders_.contains(path);
}

uint64_t MemoryFiles::changes() const {
  std::lock_guard lock(mutex_);
  return changes_;
}

void MemoryFiles::fail_at(uint64_t number, std::string code, bool for_good) {
  std::lock_guard lock(mutex_);
  fail_at_ = number;
  fail_code_ = std::move(code);
  fail_for_good_ = for_good;
}

void MemoryFiles::no_more_failures() {
  std::lock_guard lock(mutex_);
  fail_at_.reset();
}

void MemoryFiles::note_names(const std::string& folder, NameChange change) {
  unsynced_names_[folder].push_back(std::move(change));
}

// A folder that was removed is there again when one of its files is, and one whose renaming was lost is not.
void MemoryFiles::restore_folders() {
  for (const auto& folder : renamed_folders_) {
    std::erase_if(folders_, [&](const auto& entry) { return below(entry.first, folder); });
  }
  renamed_folders_.clear();
  for (const auto& [name, content] : names_) {
    for (std::string at = parent(name); !at.empty(); at = parent(at)) folders_[at] = true;
  }
}

void MemoryFiles::crash(uint64_t torn_bytes) {
  std::lock_guard lock(mutex_);
  ++life_;
  names_ = durable_names_;
  unsynced_names_.clear();
  for (auto& [name, content] : names_) {
    std::string kept = content->synced;
    if (content->now.size() > kept.size()) kept += content->now.substr(kept.size(), torn_bytes);
    content->now = content->synced = std::move(kept);
    content->unsynced.clear();
  }
  restore_folders();
}

void MemoryFiles::power_cut(uint64_t seed) {
  std::lock_guard lock(mutex_);
  ++life_;
  SeededRandom random(seed);
  const auto up_to = [&](uint64_t limit) { return random.next_u64() % limit; };
  names_ = durable_names_;
  for (const auto& [folder, changes] : unsynced_names_) {
    const uint64_t kept = up_to(changes.size() + 1);
    for (uint64_t i = 0; i < kept; ++i) {
      for (const auto& [name, content] : changes[i]) {
        content ? void(names_[name] = content) : void(names_.erase(name));
      }
    }
  }
  unsynced_names_.clear();
  durable_names_ = names_;
  for (auto& [name, content] : names_) {
    std::string bytes = std::move(content->synced);
    const uint64_t mood = up_to(5);  // 0: nothing survives, 1: all does, 4: any sectors do, else any subset
    for (const auto& write : content->unsynced) {
      if (mood == 0 || (mood > 1 && up_to(2) == 0)) continue;
      if (write.truncates) {
        bytes.resize(write.offset, '\0');
        continue;
      }
      const bool torn = mood > 1 && mood < 4 && up_to(3) == 0;
      const uint64_t size = torn ? up_to(write.data.size() + 1) : write.data.size();
      if (bytes.size() < write.offset + size) bytes.resize(write.offset + size, '\0');
      for (uint64_t at = 0; at < size;) {
        const uint64_t piece = std::min(size - at, sector_bytes - (write.offset + at) % sector_bytes);
        if (mood != 4 || up_to(2) == 0) bytes.replace(write.offset + at, piece, write.data, at, piece);
        at += piece;
      }
    }
    content->unsynced.clear();
    content->now = content->synced = std::move(bytes);
  }
  restore_folders();
}

void MemoryFiles::flip_bit(const std::string& path, uint64_t offset, int bit) {
  std::lock_guard lock(mutex_);
  names_.at(path)->now.at(offset) ^= static_cast<char>(1 << bit);
}

}  // namespace mekong::os
