// What a handler knows of its request besides the message: the cluster, the caller, the version asked in; and
// what it may ask: is this action allowed on that topic, group, cluster?
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/authoriser.h"
#include "kafka/cluster.h"
#include "kafka/errors.h"

namespace mekong::kafka {

struct RequestContext {
  Cluster& cluster;
  const Principal& principal;
  int16_t version = 0;
  std::string client_id, client_host;
  bool encrypted = false;
  bool malformed = false;                        // set by the decoding: the connection is closed
  bool no_reply = false;                         // set by Produce with acks=0
  ErrorCode unheard = NONE;                      // of what gets no reply: the connection is closed
  std::shared_ptr<const void> reply_owner = {};  // of large bytes that the writer keeps instead of copying
  std::vector<std::shared_ptr<os::HeldBytes>> held = {};  // of these, what lies in files

  bool on_cluster(std::string_view action) const;
  bool on_topic(std::string_view action, std::string_view topic) const;
  bool on_group(std::string_view action, std::string_view group) const;
  bool on_transaction(std::string_view action, std::string_view transactional_id) const;
};

// Condition keys of a connection. `client_host` must outlive it.
class ConnectionKeys final : public ConditionSource {
 public:
  ConnectionKeys(std::string_view client_host, bool encrypted)
      : client_host_(client_host), encrypted_(encrypted) {}
  bool supply(std::string_view key, ConditionValues& values) const override;
  void each_key(const std::function<void(std::string_view key)>& visit) const override;

 private:
  std::string_view client_host_;
  bool encrypted_;
};

// `action` without its prefix, e.g. "Connect". `type`: "cluster" takes no name.
bool allowed(const Cluster& cluster, const Principal& principal, const ConditionSource& connection,
             std::string_view action, std::string_view type, std::string_view name);

// KIP-430's bit sets, from the kafka-cluster actions that stand for Kafka's operations.
int32_t topic_operations(const RequestContext& context, std::string_view topic);
int32_t group_operations(const RequestContext& context, std::string_view group);
int32_t cluster_operations(const RequestContext& context);

}  // namespace mekong::kafka
