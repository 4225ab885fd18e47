#include <algorithm>

#include "kafka/ops.h"

namespace mekong::kafka {

namespace {

constexpr int8_t kTopicResource = 2;
constexpr int8_t kBrokerResource = 4;
constexpr int8_t kDynamicTopicConfig = 1;
constexpr int8_t kDefaultConfig = 5;
enum class AlterOperation : int8_t { set = 0, remove = 1 };

using Described = proto::DescribeConfigsResponse::DescribeConfigsResult;
using Asked = proto::DescribeConfigsRequest::DescribeConfigsResource;

void describe_topic(const Topic& topic, const Asked& asked, const proto::DescribeConfigsRequest& request,
                    Described& out) {
  for (const auto& entry : describe_topic_config(topic.configs)) {
    const auto& keys = asked.configuration_keys;
    // An empty list asks for all in version 0 only by convention of clients; null asks for all.
    if (keys && !keys->empty() && std::find(keys->begin(), keys->end(), entry.name) == keys->end()) continue;
    auto& config = out.configs.emplace_back();
    config.name = entry.name;
    config.value = entry.value;
    config.read_only = entry.read_only;
    config.is_default = entry.is_default;
    config.config_source = entry.is_default ? kDefaultConfig : kDynamicTopicConfig;
    config.config_type = static_cast<int8_t>(entry.type);
    config.documentation.reset();
    if (request.include_synonyms) config.synonyms.push_back({entry.name, entry.value, config.config_source});
    if (request.include_documentation) config.documentation = entry.documentation;
  }
}

Error not_a_topic(int8_t type) {
  std::string what =
      type == kBrokerResource ? "broker configuration" : "resource type " + std::to_string(type);
  return {"INVALID_REQUEST",
          "NotImplemented: " + what + "; a serverless cluster has only topic configs to alter"};
}

Error refused(const std::string& name) {
  return {"TOPIC_AUTHORIZATION_FAILED", "Not authorized to alter the configs of '" + name + "'."};
}

int16_t code_of(const Error& error) {
  return error.code == "TOPIC_AUTHORIZATION_FAILED" ? TOPIC_AUTHORIZATION_FAILED : error_code(error);
}

Status check_editable(const ConfigMap& before, const ConfigMap& after) {
  auto value_in = [](const ConfigMap& configs, const std::string& name) {
    for (const auto& entry : describe_topic_config(configs)) {
      if (entry.name == name) return entry.value;
    }
    return std::string();
  };
  for (const auto& config : {before, after}) {
    for (const auto& [name, value] : config) {
      if (editable_after_creation(name) || value_in(before, name) == value_in(after, name)) continue;
      return Error{"INVALID_CONFIG", "Topic config '" + name + "' can only be given at creation."};
    }
  }
  return ok();
}

// Gives the topic `change(its configs)`.
template <class Change>
Status alter(RequestContext& context, int8_t type, const std::string& name, bool check_only, Change change) {
  if (type != kTopicResource) return not_a_topic(type);
  if (!context.on_topic("AlterTopicDynamicConfiguration", name)) return refused(name);
  auto edit = [&change](const ConfigMap& present) -> Result<ConfigMap> {
    MEKONG_TRY_ASSIGN(ConfigMap configs, change(present));
    MEKONG_TRY(check_editable(present, configs));
    return configs;
  };
  return context.cluster.topics.configure(name, edit, check_only);
}

template <class Response>
void report(const Status& done, Response& out) {
  out.error_message.reset();
  if (done.ok()) return;
  out.error_code = code_of(done.error());
  out.error_message = done.error().message;
}

Error null_value(const std::string& name) {
  return {"INVALID_REQUEST", "Null value for config '" + name + "'."};
}

}  // namespace

proto::DescribeConfigsResponse describe_configs(RequestContext& context,
                                                const proto::DescribeConfigsRequest& request) {
  proto::DescribeConfigsResponse response;
  for (const auto& asked : request.resources) {
    auto& result = response.results.emplace_back();
    result.resource_type = asked.resource_type;
    result.resource_name = asked.resource_name;
    result.error_message.reset();
    if (asked.resource_type == kBrokerResource) {
      // The broker has no settings of Kafka's to show: true, and what clients that only look need.
      if (!context.on_cluster("DescribeClusterDynamicConfiguration")) {
        result.error_code = CLUSTER_AUTHORIZATION_FAILED;
      }
      continue;
    }
    if (asked.resource_type != kTopicResource) {
      auto error = not_a_topic(asked.resource_type);
      result.error_code = error_code(error);
      result.error_message = error.message;
    } else if (!context.on_topic("DescribeTopicDynamicConfiguration", asked.resource_name)) {
      result.error_code = TOPIC_AUTHORIZATION_FAILED;
    } else if (auto topic = context.cluster.topics.find(asked.resource_name)) {
      describe_topic(*topic, asked, request, result);
    } else {
      result.error_code = UNKNOWN_TOPIC_OR_PARTITION;
    }
  }
  return response;
}

proto::AlterConfigsResponse alter_configs(RequestContext& context,
                                          const proto::AlterConfigsRequest& request) {
  proto::AlterConfigsResponse response;
  for (const auto& asked : request.resources) {
    auto& result = response.responses.emplace_back();
    result.resource_type = asked.resource_type;
    result.resource_name = asked.resource_name;
    auto replace = [&asked](const ConfigMap&) -> Result<ConfigMap> {
      ConfigMap configs;
      for (const auto& config : asked.configs) {
        if (!config.value) return null_value(config.name);
        configs[config.name] = *config.value;
      }
      return configs;
    };
    report(alter(context, asked.resource_type, asked.resource_name, request.validate_only, replace), result);
  }
  return response;
}

proto::IncrementalAlterConfigsResponse incremental_alter_configs(
    RequestContext& context, const proto::IncrementalAlterConfigsRequest& request) {
  proto::IncrementalAlterConfigsResponse response;
  for (const auto& asked : request.resources) {
    auto& result = response.responses.emplace_back();
    result.resource_type = asked.resource_type;
    result.resource_name = asked.resource_name;
    auto edit = [&asked](ConfigMap configs) -> Result<ConfigMap> {
      for (const auto& config : asked.configs) {
        auto operation = static_cast<AlterOperation>(config.config_operation);
        if (operation == AlterOperation::remove) {
          configs.erase(config.name);
        } else if (operation != AlterOperation::set) {
          return Error{"INVALID_CONFIG",
                       "NotImplemented: append and subtract on config '" + config.name + "'"};
        } else if (!config.value) {
          return null_value(config.name);
        } else {
          configs[config.name] = *config.value;
        }
      }
      return configs;
    };
    report(alter(context, asked.resource_type, asked.resource_name, request.validate_only, edit), result);
  }
  return response;
}

}  // namespace mekong::kafka
