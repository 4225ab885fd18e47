// The server's paths that explain its decisions: /_mekong/why and /_mekong/policy. Both take the token of the
// data folder.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "app/routes.h"
#include "base/executor.h"
#include "iam/decision_log.h"

namespace mekong::app {

class IdentityRoutes {
 public:
  IdentityRoutes(iam::DecisionLog& decisions, Executor& pool, std::string control_token)
      : decisions_(decisions), pool_(pool), control_token_(std::move(control_token)) {}
  void add_to(front::InternalRoutes& routes);

 private:
  // GET ?id=REQUEST-ID: the decisions of that request, in order; 404 "NoSuchRequest". Without an id: the last
  // denials, the latest last.
  Task<api::Response> why(const front::HttpRequest& request);
  // GET: the least policies of what was recorded. POST with "record" or "stop" as the body.
  Task<api::Response> policy(const front::HttpRequest& request);

  iam::DecisionLog& decisions_;
  Executor& pool_;
  std::string control_token_;
};

// What `mekong why` and `mekong policy write` print.
struct WhyNote {
  std::vector<iam::Explained> decisions;
  template <class F>
  void each_field(F&& f) {
    f("Decisions", decisions);
  }
};
struct PolicyNote {
  bool recording = false;
  std::map<std::string, std::string> policies;  // ARN of the user, role or root → document
  template <class F>
  void each_field(F&& f) {
    f("Recording", recording), f("Policies", policies);
  }
};

}  // namespace mekong::app
