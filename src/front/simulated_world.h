// One service behind the pipeline and the server in a simulated world, for tests. The caller is always the
// same user, allowed everything.
#pragma once
#include <memory>

#include "api/harness.h"
#include "front/server.h"
#include "os/simulation.h"

namespace mekong::front {

// Of a request to S3 that the world's authenticator takes.
constexpr const char* s3_authorization =
    "Authorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, SignedHeaders=h, "
    "Signature=0\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n";

template <class S3>
struct SimulatedWorld {
  explicit SimulatedWorld(uint64_t seed)
      : simulation(seed),
        pipeline({bind(s3)}, authenticator, authoriser, simulation.executor(), simulation.clock(),
                 simulation.random(), null_logger(), {}),
        server(simulation.network(), pipeline, {}, simulation.executor(), simulation.clock(), null_logger(),
               {}) {
    Principal user;
    user.kind = PrincipalKind::user;
    user.account = AccountId("123456789012");
    user.arn = "arn:aws:iam::123456789012:user/test";
    authenticator.principal = std::make_shared<const Principal>(user);
  }

  os::Simulation simulation;
  S3 s3;
  api::TrustingAuthenticator authenticator;
  api::ListedAuthoriser authoriser;
  api::Pipeline pipeline;
  Server server;
};

}  // namespace mekong::front
