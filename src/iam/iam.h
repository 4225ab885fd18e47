// Identity, all of it, for app to build once and hand around by its interfaces.
#pragma once
#include <memory>

#include "iam/authenticator.h"
#include "iam/decider.h"
#include "iam/decision_log.h"
#include "iam/directory.h"
#include "iam/kafka_login.h"
#include "iam/sessions.h"
#include "iam/usage.h"
#include "iam/verifier.h"

namespace mekong::iam {

class Iam {
 public:
  struct Config {
    std::string first_account = "default";
    bool well_known_test_pair = false;  // --dev
    Logger* logger = nullptr;           // not owned; null: nothing is told
  };
  // `store` needs the family "iam". Blocks on reads and, at first start, on the commits that make the
  // server's secret and the first account with its root key (see Directory::root_credentials). References
  // outlive it.
  static Result<std::unique_ptr<Iam>> open(meta::Store& store, const ResourcePolicies& resources,
                                           os::Clock& clock, os::Random& random, const Config& config) {
    std::unique_ptr<Iam> iam(new Iam(store, resources, clock, random, config));
    MEKONG_TRY(iam->directory_.load());
    MEKONG_TRY(iam->usage_.load());
    if (iam->directory_.accounts().empty()) MEKONG_TRY(iam->directory_.create_account(config.first_account));
    return iam;
  }

  Directory& directory() { return directory_; }
  Usage& usage() { return usage_; }           // flush() it now and then, and at the end
  Sessions& sessions() { return sessions_; }  // also the RoleSessions of jobs
  DecisionLog& decisions() { return decisions_; }
  const Authoriser& authoriser() const { return decider_; }
  const Authenticator& authenticator() const { return verifier_; }
  const KafkaLogin& kafka_login() const { return kafka_login_; }

 private:
  Iam(meta::Store& store, const ResourcePolicies& resources, os::Clock& clock, os::Random& random,
      const Config& config)
      : directory_(store, clock, random),
        usage_(store, clock),
        sessions_(directory_, clock, random),
        decisions_(directory_.server_secret(), random),
        decider_(directory_, resources, clock, decisions_,
                 config.logger != nullptr ? *config.logger : null_logger()),
        verifier_(directory_, sessions_, usage_, clock, {config.well_known_test_pair}),
        kafka_login_(verifier_, clock) {}

  Directory directory_;
  Usage usage_;
  Sessions sessions_;
  DecisionLog decisions_;
  Decider decider_;
  Verifier verifier_;
  IamKafkaLogin kafka_login_;
};

}  // namespace mekong::iam
