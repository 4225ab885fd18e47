#include "kafka/groups/offsets.h"

#include "codec/kafka_wire.h"
#include "kafka/topics.h"

namespace mekong::kafka {

namespace {

constexpr size_t kPage = 1000;

std::string encode(const CommittedOffset& offset) {
  codec::KafkaWriter w;
  w.i8(1);
  w.i64(offset.offset);
  w.i32(offset.leader_epoch);
  w.bytes(offset.metadata, true);
  return w.take();
}

Result<CommittedOffset> decode(std::string topic, int32_t partition, const std::string& bytes) {
  codec::KafkaReader r(bytes, bytes.size());
  bool known = r.i8() == 1;
  CommittedOffset offset{std::move(topic), partition, r.i64(), r.i32(), r.bytes(true)};
  if (!known || r.failed()) return Error{"KAFKA_STORAGE_ERROR", "a stored group offset cannot be read"};
  return offset;
}

// Group ids may hold any character: their length keeps the parts of a key apart.
std::string counted(const std::string& text) {
  codec::KafkaWriter w;
  w.bytes(text, false);
  return w.take();
}

}  // namespace

Offsets::Offsets(meta::Store& meta, std::string cluster_uuid)
    : meta_(meta), prefix_("o/" + std::move(cluster_uuid) + "/") {}

std::string Offsets::group_prefix(const std::string& group) const {
  return prefix_ + counted(group);
}

std::string Offsets::key(const std::string& group, const std::string& topic, int32_t partition) const {
  codec::KafkaWriter w;
  w.bytes(topic, false);
  w.i32(partition);
  return group_prefix(group) + w.take();
}

Status Offsets::commit(const std::string& group, const std::vector<CommittedOffset>& offsets) {
  if (offsets.empty()) return ok();
  meta::Batch batch;
  put(batch, group, offsets);
  return meta_.commit(std::move(batch)).get();
}

void Offsets::put(meta::Batch& batch, const std::string& group,
                  const std::vector<CommittedOffset>& offsets) const {
  for (const auto& offset : offsets) {
    batch.put(kFamily, key(group, offset.topic, offset.partition), encode(offset));
  }
}

Result<std::optional<CommittedOffset>> Offsets::get(const std::string& group, const std::string& topic,
                                                    int32_t partition) const {
  MEKONG_TRY_ASSIGN(auto value, meta_.get(kFamily, key(group, topic, partition)));
  if (!value) return std::optional<CommittedOffset>();
  MEKONG_TRY_ASSIGN(auto offset, decode(topic, partition, *value));
  return std::optional(std::move(offset));
}

Result<std::vector<CommittedOffset>> Offsets::all(const std::string& group) const {
  std::vector<CommittedOffset> offsets;
  auto prefix = group_prefix(group);
  auto range = meta::prefix_range(prefix, kPage);
  while (true) {
    MEKONG_TRY_ASSIGN(auto page, meta_.scan(kFamily, range));
    for (const auto& item : page) {
      codec::KafkaReader r(std::string_view(item.key).substr(prefix.size()), item.key.size());
      auto topic = r.bytes(false);
      auto partition = r.i32();
      MEKONG_TRY_ASSIGN(auto offset, decode(std::move(topic), partition, item.value));
      offsets.push_back(std::move(offset));
    }
    if (page.size() < kPage) return offsets;
    range.after = page.back().key;
  }
}

Result<std::vector<std::string>> Offsets::groups() const {
  std::vector<std::string> groups;
  auto range = meta::prefix_range(prefix_, 1);
  while (true) {
    MEKONG_TRY_ASSIGN(auto page, meta_.scan(kFamily, range));
    if (page.empty()) return groups;
    codec::KafkaReader r(std::string_view(page[0].key).substr(prefix_.size()), page[0].key.size());
    groups.push_back(r.bytes(false));
    // No partition has this number of 0xff bytes: past all offsets of the group.
    range.after = group_prefix(groups.back()) + std::string(16, '\xff');
  }
}

Status Offsets::remove_prefix(const std::string& prefix, size_t& removed) {
  while (true) {
    MEKONG_TRY_ASSIGN(auto page, meta_.scan(kFamily, meta::prefix_range(prefix, kPage)));
    if (page.empty()) return ok();
    meta::Batch batch;
    for (const auto& item : page) batch.remove(kFamily, item.key);
    MEKONG_TRY(meta_.commit(std::move(batch)).get());
    removed += page.size();
  }
}

Result<bool> Offsets::remove_group(const std::string& group) {
  size_t removed = 0;
  MEKONG_TRY(remove_prefix(group_prefix(group), removed));
  return removed > 0;
}

Status Offsets::remove(const std::string& group, const std::vector<CommittedOffset>& which) {
  meta::Batch batch;
  for (const auto& offset : which) batch.remove(kFamily, key(group, offset.topic, offset.partition));
  return meta_.commit(std::move(batch)).get();
}

Status Offsets::remove_all() {
  size_t removed = 0;
  return remove_prefix(prefix_, removed);
}

}  // namespace mekong::kafka
