// Committed offsets of one cluster's groups, durable in meta's family "kafka". Pool threads; commits may
// block.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "meta/store.h"

namespace mekong::kafka {

struct CommittedOffset {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = -1;
  int32_t leader_epoch = -1;
  std::string metadata;
};

class Offsets {
 public:
  Offsets(meta::Store& meta, std::string cluster_uuid);
  // All or none, durable on success.
  Status commit(const std::string& group, const std::vector<CommittedOffset>& offsets);
  // The same as part of a larger batch.
  void put(meta::Batch& batch, const std::string& group, const std::vector<CommittedOffset>& offsets) const;
  Result<std::optional<CommittedOffset>> get(const std::string& group, const std::string& topic,
                                             int32_t partition) const;
  Result<std::vector<CommittedOffset>> all(const std::string& group) const;
  Result<std::vector<std::string>> groups() const;  // those with offsets
  // Returns whether the group had any.
  Result<bool> remove_group(const std::string& group);
  Status remove(const std::string& group, const std::vector<CommittedOffset>& which);
  Status remove_all();

 private:
  std::string group_prefix(const std::string& group) const;
  std::string key(const std::string& group, const std::string& topic, int32_t partition) const;
  Status remove_prefix(const std::string& prefix, size_t& removed);

  meta::Store& meta_;
  const std::string prefix_;
};

}  // namespace mekong::kafka
