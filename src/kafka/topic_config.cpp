#include "kafka/topic_config.h"

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
    {"cleanup.policy", "delete", ConfigType::list, "Only delete; compaction is not built."},
    {"compression.type", "producer", ConfigType::string, "Only producer: batches are kept as they came."},
    {"max.message.bytes", "1048588", ConfigType::int32, "Largest record batch, up to 8 MiB."},
    {"message.timestamp.difference.max.ms", "9223372036854775807", ConfigType::int64,
     "Largest difference between a record's time and the broker's, for CreateTime."},
    {"message.timestamp.type", "CreateTime", ConfigType::string, "CreateTime or LogAppendTime."},
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

Status apply(const std::string& name, const std::string& value, TopicSettings& out) {
  if (name == "cleanup.policy") {
    if (value != "delete")
      return invalid(name, "NotImplemented: only 'delete' is built, not '" + value + "'");
  } else if (name == "compression.type") {
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
