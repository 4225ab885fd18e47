#include "kafka/groups/offsets.h"

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

// `offset`: of the key.
Result<CommittedOffset> decode(CommittedOffset offset, const std::string& bytes) {
  codec::KafkaReader r(bytes, bytes.size());
  bool known = r.i8() == 1;
  offset.offset = r.i64();
  offset.leader_epoch = r.i32();
  offset.metadata = r.bytes(true);
  if (!known || r.failed()) return Error{"KAFKA_STORAGE_ERROR", "a stored group offset cannot be read"};
  return offset;
}

// What a key says behind its group. Older versions wrote no topic id; what they wrote counts where nothing
// else is.
CommittedOffset read_key(codec::KafkaReader& r) {
  CommittedOffset offset;
  offset.topic = r.bytes(false);
  offset.partition = r.i32();
  if (r.remaining() > 0) offset.topic_id = r.uuid();
  return offset;
}

// Group ids may hold any character: their length keeps the parts of a key apart.
std::string counted(const std::string& text) {
  codec::KafkaWriter w;
  w.bytes(text, false);
  return w.take();
}

}  // namespace

Offsets::Offsets(meta::Store& meta, const Topics& topics, std::string cluster_uuid)
    : meta_(meta), topics_(topics), prefix_("o/" + std::move(cluster_uuid) + "/") {}

std::string Offsets::group_prefix(const std::string& group) const {
  return prefix_ + counted(group);
}

std::string Offsets::key(const std::string& group, const CommittedOffset& offset) const {
  codec::KafkaWriter w;
  w.bytes(offset.topic, false);
  w.i32(offset.partition);
  if (!offset.topic_id.is_zero()) w.uuid(offset.topic_id);
  return group_prefix(group) + w.take();
}

codec::KafkaUuid Offsets::topic_id(const std::string& topic) const {
  const auto found = topics_.find(topic);
  return found ? found->id : codec::KafkaUuid{};
}

bool Offsets::is_lost(const CommittedOffset& offset) const {
  const auto id = topic_id(offset.topic);
  return id.is_zero() || (!offset.topic_id.is_zero() && offset.topic_id != id);
}

Status Offsets::commit(const std::string& group, const std::vector<CommittedOffset>& offsets) {
  if (offsets.empty()) return ok();
  meta::Batch batch;
  put(batch, group, offsets);
  if (batch.writes().empty()) return ok();
  return meta_.commit(std::move(batch)).get();
}

void Offsets::put(meta::Batch& batch, const std::string& group,
                  const std::vector<CommittedOffset>& offsets) const {
  for (auto offset : offsets) {
    if (is_lost(offset)) continue;
    if (offset.topic_id.is_zero()) offset.topic_id = topic_id(offset.topic);
    batch.put(kFamily, key(group, offset), encode(offset));
  }
}

Result<std::optional<CommittedOffset>> Offsets::get(const std::string& group, const std::string& topic,
                                                    int32_t partition) const {
  CommittedOffset wanted{.topic = topic, .partition = partition, .topic_id = topic_id(topic)};
  if (wanted.topic_id.is_zero()) return std::optional<CommittedOffset>();
  MEKONG_TRY_ASSIGN(auto value, meta_.get(kFamily, key(group, wanted)));
  if (!value) {
    wanted.topic_id = {};
    MEKONG_TRY_ASSIGN(value, meta_.get(kFamily, key(group, wanted)));
  }
  if (!value) return std::optional<CommittedOffset>();
  MEKONG_TRY_ASSIGN(auto offset, decode(std::move(wanted), *value));
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
      auto found = read_key(r);
      if (is_lost(found)) continue;
      MEKONG_TRY_ASSIGN(auto offset, decode(std::move(found), item.value));
      // What an older version wrote of the same partition stands just before.
      const bool again = !offsets.empty() && offsets.back().topic == offset.topic &&
                         offsets.back().partition == offset.partition;
      if (again) offsets.pop_back();
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
  for (auto offset : which) {
    offset.topic_id = topic_id(offset.topic);
    batch.remove(kFamily, key(group, offset));
    offset.topic_id = {};
    batch.remove(kFamily, key(group, offset));
  }
  return meta_.commit(std::move(batch)).get();
}

Status Offsets::remove_lost() {
  auto range = meta::prefix_range(prefix_, kPage);
  while (true) {
    MEKONG_TRY_ASSIGN(auto page, meta_.scan(kFamily, range));
    meta::Batch batch;
    for (const auto& item : page) {
      codec::KafkaReader r(std::string_view(item.key).substr(prefix_.size()), item.key.size());
      r.bytes(false);  // the group
      if (is_lost(read_key(r))) batch.remove(kFamily, item.key);
    }
    if (!batch.writes().empty()) MEKONG_TRY(meta_.commit(std::move(batch)).get());
    if (page.size() < kPage) return ok();
    range.after = page.back().key;
  }
}

Status Offsets::remove_all() {
  size_t removed = 0;
  return remove_prefix(prefix_, removed);
}

}  // namespace mekong::kafka
