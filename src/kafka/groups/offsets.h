// Committed offsets of one cluster's groups, durable in meta's family "kafka". They are those of a topic's
// id: one that is made anew under the same name has none. Pool threads; commits may block.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/kafka_wire.h"
#include "kafka/topics.h"
#include "meta/store.h"

namespace mekong::kafka {

struct CommittedOffset {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = -1;
  int32_t leader_epoch = -1;
  std::string metadata;
  codec::KafkaUuid topic_id = {};  // zero: of the topic that is there
};

class Offsets {
 public:
  Offsets(meta::Store& meta, const Topics& topics, std::string cluster_uuid);
  // All or none, durable on success. Those of a topic that is gone meanwhile are nobody's, and not kept.
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
  Status remove_lost();  // those of topics that are gone
  Status remove_all();
  codec::KafkaUuid topic_id(const std::string& topic) const;  // zero: there is none

 private:
  std::string group_prefix(const std::string& group) const;
  std::string key(const std::string& group, const CommittedOffset& offset) const;
  bool is_lost(const CommittedOffset& offset) const;
  Status remove_prefix(const std::string& prefix, size_t& removed);

  meta::Store& meta_;
  const Topics& topics_;
  const std::string prefix_;
};

}  // namespace mekong::kafka
