// Amazon MSK's API: https://docs.aws.amazon.com/msk/2.0/APIReference/
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
  Clusters& clusters_;
};

}  // namespace mekong::msk
