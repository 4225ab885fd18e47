#include "kafka/topic_config.h"

#include <algorithm>
#include <charconv>

namespace mekong::kafka {

namespace {

constexpr int64_t kMessageBytesMax = 8 << 20;  // MSK Serverless quota

struct Setting {
  std::string_view name;
  std::string_view initial;
  ConfigType type;
  std::string_view documentation;
};

constexpr Setting kSettings[] = {
    {"cleanup.policy", "delete", ConfigType::list,
     "delete: by age and size; compact: all but the last record of each key; or both."},
    {"compression.type", "producer", ConfigType::string, "Only producer: batches are kept as they came."},
    {"delete.retention.ms", "86400000", ConfigType::int64,
     "How long a record without value, or a transaction's end, stays after its compaction."},
    {"max.compaction.lag.ms", "9223372036854775807", ConfigType::int64,
     "Records older than this are compacted whatever the ratio."},
    {"max.message.bytes", "1048588", ConfigType::int32, "Largest record batch, up to 8 MiB."},
    {"message.timestamp.difference.max.ms", "9223372036854775807", ConfigType::int64,
     "Largest difference between a record's time and the broker's, for CreateTime."},
    {"message.timestamp.type", "CreateTime", ConfigType::string, "CreateTime or LogAppendTime."},
    {"min.cleanable.dirty.ratio", "0.5", ConfigType::float64,
     "The share of the bytes that must be new for a compaction."},
    {"min.compaction.lag.ms", "0", ConfigType::int64, "Younger records are not compacted."},
    {"retention.bytes", "-1", ConfigType::int64, "Size kept for each partition; -1: unlimited."},
    {"retention.ms", "604800000", ConfigType::int64, "How long records are kept; -1: for ever."},
};

Error invalid(std::string_view name, std::string_view why) {
  return {"INVALID_CONFIG", "Topic config '" + std::string(name) + "': " + std::string(why)};
}

Result<int64_t> number(std::string_view name, std::string_view text, int64_t low, int64_t high) {
  int64_t value = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return invalid(name, "not a number");
  if (value < low || value > high) {
    return invalid(name, "must be from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

Status apply_policy(std::string_view value, log::PartitionConfig& out) {
  out.retain_by_age = out.compact = false;
  while (true) {
    const size_t comma = std::min(value.find(','), value.size());
    std::string_view one = value.substr(0, comma);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one != "delete" && one != "compact") return invalid("cleanup.policy", "'delete', 'compact', or both");
    (one == "delete" ? out.retain_by_age : out.compact) = true;
    if (comma == value.size()) return ok();
    value.remove_prefix(comma + 1);
  }
}

Status apply_ratio(const std::string& name, const std::string& value, log::PartitionConfig& out) {
  double ratio = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), ratio);
  if (failure != std::errc() || end != value.data() + value.size()) return invalid(name, "not a number");
  if (!(ratio >= 0 && ratio <= 1)) return invalid(name, "must be from 0 to 1");
  out.min_cleanable_dirty_ppm = static_cast<int32_t>(ratio * 1e6 + 0.5);
  return ok();
}

// What compaction goes by; false: none of it.
Result<bool> apply_compaction(const std::string& name, const std::string& value, log::PartitionConfig& out) {
  if (name == "cleanup.policy") {
    MEKONG_TRY(apply_policy(value, out));
  } else if (name == "min.cleanable.dirty.ratio") {
    MEKONG_TRY(apply_ratio(name, value, out));
  } else if (name == "delete.retention.ms") {
    MEKONG_TRY_ASSIGN(out.delete_retention_ms, number(name, value, 0, INT64_MAX));
  } else if (name == "min.compaction.lag.ms") {
    MEKONG_TRY_ASSIGN(out.min_compaction_lag_ms, number(name, value, 0, INT64_MAX));
  } else if (name == "max.compaction.lag.ms") {
    MEKONG_TRY_ASSIGN(out.max_compaction_lag_ms, number(name, value, 1, INT64_MAX));
  } else {
    return false;
  }
  return true;
}

Status apply(const std::string& name, const std::string& value, TopicSettings& out) {
  MEKONG_TRY_ASSIGN(const bool applied, apply_compaction(name, value, out.partition));
  if (applied) return ok();
  if (name == "compression.type") {
    if (value != "producer")
      return invalid(name, "NotImplemented: only 'producer' is built, not '" + value + "'");
  } else if (name == "max.message.bytes") {
    MEKONG_TRY_ASSIGN(auto bytes, number(name, value, 0, kMessageBytesMax));
    out.partition.max_batch_bytes = static_cast<int32_t>(bytes);
  } else if (name == "message.timestamp.difference.max.ms") {
    MEKONG_TRY_ASSIGN(out.timestamp_difference_max_ms, number(name, value, 0, INT64_MAX));
  } else if (name == "message.timestamp.type") {
    if (value != "CreateTime" && value != "LogAppendTime")
      return invalid(name, "CreateTime or LogAppendTime");
    out.partition.log_append_time = value == "LogAppendTime";
  } else if (name == "retention.bytes") {
    MEKONG_TRY_ASSIGN(out.partition.retention_bytes, number(name, value, -1, INT64_MAX));
  } else if (name == "retention.ms") {
    MEKONG_TRY_ASSIGN(out.partition.retention_ms, number(name, value, -1, INT64_MAX));
  } else {
    return invalid(name, "not a setting that a serverless cluster lets a topic change");
  }
  return ok();
}

}  // namespace

Result<TopicSettings> topic_settings(const ConfigMap& configs) {
  TopicSettings settings;
  for (const auto& [name, value] : configs) MEKONG_TRY(apply(name, value, settings));
  const auto& partition = settings.partition;
  if (partition.min_compaction_lag_ms > partition.max_compaction_lag_ms) {
    return invalid("min.compaction.lag.ms", "more than max.compaction.lag.ms");
  }
  for (const char* name : {"delete.retention.ms", "max.compaction.lag.ms", "min.cleanable.dirty.ratio",
                           "min.compaction.lag.ms"}) {
    if (configs.contains(name) && !partition.compact) {
      return invalid(name, "acts only where cleanup.policy has 'compact'");
    }
  }
  return settings;
}

std::vector<ConfigEntry> describe_topic_config(const ConfigMap& configs) {
  std::vector<ConfigEntry> entries;
  for (const auto& setting : kSettings) {
    std::string name(setting.name);
    auto found = configs.find(name);
    bool is_default = found == configs.end();
    entries.push_back({.name = name,
                       .value = is_default ? std::string(setting.initial) : found->second,
                       .type = setting.type,
                       .is_default = is_default,
                       .read_only = !editable_after_creation(name),
                       .documentation = std::string(setting.documentation)});
  }
  return entries;
}

bool editable_after_creation(std::string_view name) {
  return name != "cleanup.policy";
}

}  // namespace mekong::kafka
