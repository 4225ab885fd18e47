// Amazon MSK's API, its operations as models/kafka.txt lists them:
// https://docs.aws.amazon.com/msk/2.0/APIReference/
#pragma once
#include "gen/kafka/service.h"
#include "services/msk/clusters.h"

namespace mekong::msk {

namespace wire = gen::kafka;

class Service final : public wire::Service {
 public:
  explicit Service(Clusters& clusters) : clusters_(clusters) {}
#include "gen/kafka/operations.inc"

 private:
  // The cluster, if it belongs to the caller's account and the caller may do the operation on it; its tags
  // are among the conditions. AccessDenied comes before NotFoundException.
  Result<ClusterRecord> permitted(api::Context& ctx, const std::string& arn,
                                  ConditionContext extra = {}) const;

  Clusters& clusters_;
};

}  // namespace mekong::msk
