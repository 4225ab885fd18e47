#include "api/telemetry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mekong::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class Pieces final : public BodySource {
 public:
  Result<std::string> read() override { return left_-- > 0 ? std::string(100, 'x') : std::string(); }
  int64_t length() const override { return 300; }

 private:
  int left_ = 3;
};

class TelemetryTest : public testing::Test {
 protected:
  Operation put{.name = "Put"}, get{.name = "Get"};
  ServiceTable table{.name = "widgets"};
  OperationBinding put_binding{.operation = &put}, get_binding{.operation = &get};
  Telemetry telemetry{{ServiceBinding{&table, nullptr, {put_binding, get_binding}}}};
};

TEST_F(TelemetryTest, CountsWhatWasCalled) {
  telemetry.record({&table, &put, "", 3'000'000, 10, 20});
  telemetry.record({&table, &put, "Throttled", 20'000'000'000, 1, 2});
  const auto text = telemetry.prometheus();
  EXPECT_THAT(text, HasSubstr("mekong_requests_total{service=\"widgets\",operation=\"Put\"} 2\n"));
  EXPECT_THAT(
      text,
      HasSubstr(R"(mekong_request_errors_total{service="widgets",operation="Put",code="Throttled"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(seconds_bucket{service="widgets",operation="Put",le="0.0025"} 0)"));
  EXPECT_THAT(text, HasSubstr(R"(seconds_bucket{service="widgets",operation="Put",le="0.005"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(seconds_bucket{service="widgets",operation="Put",le="10"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(seconds_bucket{service="widgets",operation="Put",le="+Inf"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(duration_seconds_sum{service="widgets",operation="Put"} 20.003)"));
  EXPECT_THAT(text, HasSubstr(R"(mekong_request_bytes_total{service="widgets",operation="Put"} 11)"));
  EXPECT_THAT(text, HasSubstr(R"(mekong_response_bytes_total{service="widgets",operation="Put"} 22)"));
  EXPECT_THAT(text, Not(HasSubstr("Get")));
}

TEST_F(TelemetryTest, WhatIsNotListedIsOther) {
  telemetry.record({&table, nullptr, "NotImplemented", 1, 0, 0});
  telemetry.record({nullptr, nullptr, "AccessDenied", 1, 0, 0});
  const auto text = telemetry.prometheus();
  EXPECT_THAT(text, HasSubstr(R"(mekong_requests_total{service="widgets",operation="other"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(mekong_requests_total{service="none",operation="other"} 1)"));
}

TEST_F(TelemetryTest, CodesAreBounded) {
  for (int i = 0; i < 1000; ++i) telemetry.record({&table, &get, "Code" + std::to_string(i), 1, 0, 0});
  const auto text = telemetry.prometheus();
  EXPECT_THAT(text, HasSubstr(R"(operation="Get",code="other"} 936)"));
  EXPECT_LT(text.size(), 20'000u);
}

TEST_F(TelemetryTest, StreamsAreCountedAsTheyAreTaken) {
  telemetry.record({&table, &get, "", 1, 0, 0});
  auto source = telemetry.counted(std::make_unique<Pieces>(), &table, &get);
  EXPECT_EQ(source->length(), 300);
  EXPECT_EQ(sync_wait(source->next())->size(), 100u);
  EXPECT_EQ(source->read()->size(), 100u);
  EXPECT_THAT(telemetry.prometheus(),
              HasSubstr(R"(mekong_response_bytes_total{service="widgets",operation="Get"} 200)"));
}

}  // namespace
}  // namespace mekong::api
