// Any bytes as the payload of both Kafka logins, and as the message around a bearer token: nobody has a key
// here, so nobody gets in.
#include <cstdint>

#include "iam/iam.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace mekong;
  static const auto store = meta::make_memory_store();
  static os::ManualClock clock(1'440'938'160'000);
  static os::SeededRandom random(7);
  static const auto iam = iam::Iam::open(*store, iam::no_resource_policies, clock, random, {});
  if (!iam.ok()) __builtin_trap();
  const std::string_view payload(reinterpret_cast<const char*>(data), size_bytes);
  const auto& login = (*iam)->kafka_login();
  for (const auto& outcome : {login.aws_msk_iam(payload, {"localhost"}), login.oauthbearer(payload)}) {
    if (outcome.ok() || outcome.error().code != "AccessDenied") __builtin_trap();
  }
  return 0;
}
