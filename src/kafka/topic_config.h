// The topic settings that MSK Serverless lets its users edit, and those of compaction, checked and turned
// into the log's terms. A setting that would not be acted on is refused by name (INVALID_CONFIG), never
// stored.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/log.h"

namespace mekong::kafka {

using ConfigMap = std::map<std::string, std::string>;  // only what differs from the default

enum class ConfigType : int8_t { boolean = 1, string = 2, int32 = 3, int64 = 5, float64 = 6, list = 7 };

struct ConfigEntry {
  std::string name;
  std::string value;
  ConfigType type = ConfigType::string;
  bool is_default = true;
  bool read_only = false;
  std::string documentation;
};

struct TopicSettings {
  log::PartitionConfig partition;
  int64_t timestamp_difference_max_ms = INT64_MAX;
};

// Fails with INVALID_CONFIG naming the setting.
Result<TopicSettings> topic_settings(const ConfigMap& configs);
std::vector<ConfigEntry> describe_topic_config(const ConfigMap& configs);
// May the setting be altered after creation? cleanup.policy may not.
bool editable_after_creation(std::string_view name);

}  // namespace mekong::kafka
