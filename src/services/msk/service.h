// Amazon MSK's API: https://docs.aws.amazon.com/msk/2.0/APIReference/
#pragma once
#include "gen/kafka/service.h"
#include "services/msk/clusters.h"

namespace mekong::msk {

namespace wire = gen::kafka;

class Service final : public wire::Service {
 public:
  explicit Service(Clusters& clusters) : clusters_(clusters) {}
  Result<wire::CreateClusterV2Response> create_cluster_v2(
      api::Context& ctx, const wire::CreateClusterV2Request& request) override;
  Result<wire::DescribeClusterV2Response> describe_cluster_v2(
      api::Context& ctx, const wire::DescribeClusterV2Request& request) override;
  Result<wire::GetBootstrapBrokersResponse> get_bootstrap_brokers(
      api::Context& ctx, const wire::GetBootstrapBrokersRequest& request) override;
  Result<wire::DeleteClusterResponse> delete_cluster(api::Context& ctx,
                                                     const wire::DeleteClusterRequest& request) override;
  Result<wire::ListClustersV2Response> list_clusters_v2(api::Context& ctx,
                                                        const wire::ListClustersV2Request& request) override;

 private:
  Clusters& clusters_;
};

}  // namespace mekong::msk
