// For tests of services: requests through the pipeline without sockets and signatures. Header only; nothing
// but tests includes it.
#pragma once
#include <memory>
#include <set>

#include "api/pipeline.h"
#include "base/thread_pool.h"

namespace mekong::api {

// Every request comes from `principal`; the credential scope is what the request says.
class TrustingAuthenticator final : public iam::Authenticator {
 public:
  PrincipalPtr principal;
  iam::BodySignature body = iam::BodySignature::unsigned_payload;
  Result<iam::Authentication> authenticate(const iam::SignedRequest& request,
                                           bool allow_anonymous) const override {
    iam::Authentication auth;
    auth.principal = principal;
    auth.region = Region("us-east-1");
    auth.body = body;
    bool any = false;
    for (const auto& [name, value] : request.headers) any = any || name == "authorization";
    if (any) return auth;
    if (!allow_anonymous) return Error{"MissingAuthenticationToken", "Missing Authentication Token"};
    auth.principal = std::make_shared<const Principal>();
    return auth;
  }
};

// Allows everything that is not in `denied` ("action resource"); remembers what was asked.
class ListedAuthoriser final : public Authoriser {
 public:
  std::set<std::string> denied;
  mutable std::vector<std::string> asked;
  mutable ConditionContext last_context;
  Decision decide(const AuthorisationRequest& request) const override {
    auto key = std::string(request.action) + " " + std::string(request.resource);
    asked.push_back(key);
    last_context = request.context;
    if (request.known != nullptr) {
      request.known->each_key([&](std::string_view key) {
        ConditionValues values;
        request.known->supply(key, values);
        if (!values.empty()) last_context[std::string(key)].assign(values.begin(), values.end());
      });
    }
    return {request.principal.kind != PrincipalKind::anonymous && !denied.contains(key), ""};
  }
};

class Harness {
 public:
  explicit Harness(std::vector<ServiceBinding> services, Pipeline::Options options = {})
      : pipeline(std::move(services), authenticator, authoriser, pool, clock, random, null_logger(),
                 std::move(options)) {
    Principal user;
    user.kind = PrincipalKind::user;
    user.account = AccountId("123456789012");
    user.arn = "arn:aws:iam::123456789012:user/test";
    authenticator.principal = std::make_shared<const Principal>(user);
  }

  // `service`: of the credential scope; empty: unsigned. Header names in lower case.
  Response call(const std::string& service, const std::string& method, const std::string& target,
                Headers headers, const std::string& body) {
    RequestHead head;
    head.method = method;
    head.raw_path = target.substr(0, target.find('?'));
    if (head.raw_path.size() < target.size()) head.raw_query = target.substr(head.raw_path.size() + 1);
    head.headers = std::move(headers);
    if (!service.empty()) {
      head.headers.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/us-east-1/" +
                                                     service +
                                                     "/aws4_request, SignedHeaders=host, Signature=0");
    }
    head.content_length = static_cast<int64_t>(body.size());
    head.source_ip = "127.0.0.1";
    StringBody reader(body);
    return sync_wait(pipeline.handle(head, reader));
  }

  class StringBody final : public RawBody {
   public:
    explicit StringBody(std::string text) : text_(std::move(text)) {}
    Task<Result<std::string>> read() override { co_return std::exchange(text_, {}); }

   private:
    std::string text_;
  };

  ThreadPool pool{"handlers", 2};
  TrustingAuthenticator authenticator;
  ListedAuthoriser authoriser;
  os::ManualClock clock{1'767'323'045'000};
  os::SeededRandom random{1};
  Pipeline pipeline;
};

}  // namespace mekong::api
