// Small contents that were read, verified then, by their ids: an id's content never changes, so what is found
// here is right for as long as anything names the id. The longest unused ones make room. Any thread.
#pragma once
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mekong::blob {

class KnownContents {
 public:
  using Content = std::shared_ptr<const std::string>;
  explicit KnownContents(size_t max_bytes) : max_bytes_(max_bytes) {}

  Content find(std::string_view id);  // null: not known
  void keep(std::string id, Content content);
  void forget(std::string_view id);  // it was removed
  size_t bytes() const;

 private:
  struct Entry {
    std::string id;
    Content content;
  };
  using Entries = std::list<Entry>;
  static size_t bytes_of(const Entry& entry);
  void remove(Entries::iterator entry);

  const size_t max_bytes_;
  mutable std::mutex mutex_;
  Entries entries_;                                                // last used first
  std::unordered_map<std::string_view, Entries::iterator> by_id_;  // views of the entries' ids
  size_t bytes_ = 0;
};

}  // namespace mekong::blob
