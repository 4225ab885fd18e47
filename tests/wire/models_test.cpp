// What it takes to add an operation of a protocol that no listed service speaks: a line (ec2.txt,
// cloudwatch.txt beside this), a handler, and requests as AWS's own clients send them. The models are those
// of AWS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/harness.h"
#include "codec/cbor.h"
#include "gen/cloudwatch/twin.h"
#include "gen/ec2/twin.h"

namespace mekong::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace ec2 = gen::ec2;
namespace cloudwatch = gen::cloudwatch;

class Ec2 final : public ec2::Twin {
 public:
  Result<ec2::DescribeRegionsResult> describe_regions(api::Context&,
                                                      const ec2::DescribeRegionsRequest& request) override {
    ec2::DescribeRegionsResult out;
    out.regions.emplace();
    for (const auto& name : request.region_names.value_or(std::vector<std::string>{"eu-west-1"})) {
      auto& region = out.regions->emplace_back();
      region.region_name = name;
      region.opt_in_status = request.filters ? request.filters->at(0).values->at(0) : "opt-in-not-required";
    }
    return out;
  }
  Result<ec2::StopInstancesResult> stop_instances(api::Context& ctx,
                                                  const ec2::StopInstancesRequest& request) override {
    for (const auto& id : request.instance_ids) {
      MEKONG_TRY(ctx.authorise("arn:aws:ec2:us-east-1:123456789012:instance/" + id));
      if (id == "i-0")
        return Error{"InvalidInstanceID.NotFound", "The instance ID 'i-0' does not exist", 400};
    }
    return ec2::StopInstancesResult{};
  }
};

class CloudWatch final : public cloudwatch::Twin {
 public:
  Result<cloudwatch::ListMetricsOutput> list_metrics(api::Context&,
                                                     const cloudwatch::ListMetricsInput& request) override {
    cloudwatch::ListMetricsOutput out;
    out.metrics.emplace().emplace_back().metric_name = request.namespace_.value_or("all");
    return out;
  }
};

class ModelsTest : public testing::Test {
 protected:
  Ec2 ec2_service;
  CloudWatch cloudwatch_service;
  api::Harness harness{{bind(ec2_service), bind(cloudwatch_service)}};

  api::Response call_ec2(const std::string& form) {
    return harness.call("ec2", "POST", "/",
                        {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}},
                        "Version=2016-11-15&Action=" + form);
  }
};

TEST_F(ModelsTest, AnOperationOfEc2) {
  const auto response = call_ec2(
      "DescribeRegions&Filter.1.Name=opt-in-status&Filter.1.Value.1=opted-in&RegionName.1=us-east-1&"
      "RegionName.2="
      "eu-west-1&AllRegions=true");
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_THAT(response.body,
              HasSubstr("<DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15\">"));
  EXPECT_THAT(response.body, HasSubstr("<requestId>"));
  EXPECT_THAT(response.body, HasSubstr("<regionInfo><item><optInStatus>opted-in</optInStatus>"
                                       "<regionName>us-east-1</regionName></item><item>"));
  EXPECT_THAT(harness.authoriser.asked, ElementsAre("ec2:DescribeRegions *"));
}

TEST_F(ModelsTest, ErrorsOfEc2HaveItsShape) {
  auto missing = call_ec2("StopInstances&InstanceId.1=i-0");
  EXPECT_EQ(missing.status, 400);
  EXPECT_THAT(missing.body,
              HasSubstr("<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>The "
                        "instance ID 'i-0' does not exist</Message></Error></Errors><RequestID>"));
  harness.authoriser.denied = {"ec2:StopInstances arn:aws:ec2:us-east-1:123456789012:instance/i-1"};
  auto denied = call_ec2("StopInstances&InstanceId.1=i-1");
  EXPECT_EQ(denied.status, 403) << denied.body;
  EXPECT_THAT(denied.body, HasSubstr("<Code>UnauthorizedOperation</Code>"));
  auto unbuilt = call_ec2("RunInstances&MinCount=1");
  EXPECT_EQ(unbuilt.status, 501);
  EXPECT_THAT(unbuilt.body, HasSubstr("ec2:RunInstances is not implemented"));
}

// One operation, by each of the protocols that its service's model names.
TEST_F(ModelsTest, AnOperationOfCloudWatchInEachOfItsProtocols) {
  std::string body;
  codec::CborWriter out(body);
  out.map(1);
  out.text("Namespace");
  out.text("N");
  const auto cbor =
      harness.call("monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/ListMetrics",
                   {{"smithy-protocol", "rpc-v2-cbor"}, {"content-type", "application/cbor"}}, body);
  EXPECT_EQ(cbor.status, 200) << cbor.body;
  EXPECT_THAT(cbor.body, HasSubstr("MetricName\x61N"));
  const auto json = harness.call("monitoring", "POST", "/",
                                 {{"x-amz-target", "GraniteServiceVersion20100801.ListMetrics"},
                                  {"content-type", "application/x-amz-json-1.0"}},
                                 R"({"Namespace": "N"})");
  EXPECT_EQ(json.body, R"({"Metrics":[{"MetricName":"N"}]})");
  const auto query =
      harness.call("monitoring", "POST", "/", {{"content-type", "application/x-www-form-urlencoded"}},
                   "Action=ListMetrics&Version=2010-08-01&Namespace=N");
  EXPECT_THAT(query.body, HasSubstr("<Metrics><member><MetricName>N</MetricName></member></Metrics>"));
}

}  // namespace
}  // namespace mekong::wire
