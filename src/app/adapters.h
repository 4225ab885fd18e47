// Where modules that must not know each other meet: small classes that turn one's interface into another's.
#pragma once
#include <string>
#include <vector>

#include "iam/decider.h"
#include "kafka/broker.h"
#include "metastore/folders.h"
#include "objects/objects.h"
#include "services/msk/clusters.h"

namespace mekong::app {

// MSK's clusters on the Kafka broker.
class KafkaHost final : public msk::BrokerHost {
 public:
  KafkaHost(kafka::Broker& broker, std::string bind_host, std::string advertised_host,
            std::vector<std::string> listener_names)
      : broker_(broker),
        bind_host_(std::move(bind_host)),
        advertised_host_(std::move(advertised_host)),
        listener_names_(std::move(listener_names)) {}
  Status open(const msk::ClusterRecord& cluster) override;
  Status remove(const std::string& arn) override { return broker_.close_cluster(arn, true); }
  Result<std::vector<msk::Topic>> topics(const std::string& arn) override;

 private:
  kafka::Broker& broker_;
  std::string bind_host_, advertised_host_;
  std::vector<std::string> listener_names_;
};

// Buckets' owners, policies and public access blocks, for every decision about S3.
class BucketPolicies final : public iam::ResourcePolicies {
 public:
  explicit BucketPolicies(const objects::Store& store) : store_(store) {}
  std::optional<Standing> of(const Principal& caller, std::string_view action,
                             std::string_view resource) const override;

 private:
  bool restricts_strangers(const objects::Bucket& bucket) const;
  const objects::Store& store_;
};

// The metastore's table data in the object store, each call as the caller.
class ObjectFolders final : public metastore::Folders {
 public:
  ObjectFolders(objects::Store& store, const Authoriser& authoriser)
      : store_(store), authoriser_(authoriser) {}
  Status supports(const std::string& location) const override;
  Status remove(const PrincipalPtr& principal, const std::string& location) override;
  Status copy(const PrincipalPtr& principal, const std::string& from, const std::string& to) override;

 private:
  objects::Store& store_;
  const Authoriser& authoriser_;
};

}  // namespace mekong::app
