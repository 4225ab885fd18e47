// The Authoriser: gathers the documents that stand on a request and asks policy. Deny by default.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/authoriser.h"
#include "base/logging.h"
#include "iam/decision_log.h"
#include "iam/directory.h"
#include "iam/standing.h"
#include "policy/evaluate.h"

namespace mekong::iam {

// What stands on a resource besides the caller's own policies, as a bucket's policy does. The decider asks
// for each request that does not bring it along. Any thread; may read storage.
class ResourcePolicies {
 public:
  struct Standing {
    AccountId owner;
    std::string policy;  // as far as it is the caller's business; empty: none
  };
  virtual ~ResourcePolicies() = default;
  // Nothing: there is no such resource, or no policy can stand on it.
  virtual std::optional<Standing> of(const Principal& caller, std::string_view action,
                                     std::string_view resource) const = 0;
};

// Where nothing is kept that policies could stand on: tools, and tests of other things.
class NoResourcePolicies final : public ResourcePolicies {
 public:
  std::optional<Standing> of(const Principal&, std::string_view, std::string_view) const override {
    return std::nullopt;
  }
};
inline constexpr NoResourcePolicies no_resource_policies;

class Decider final : public Authoriser {
 public:
  // `logger` is told of denials that have no request id; those that have one are their face's to tell.
  Decider(const Directory& directory, const ResourcePolicies& resources, os::Clock& clock, DecisionLog& log,
          Logger& logger)
      : resources_(resources), clock_(clock), log_(log), logger_(logger), standing_(directory) {}
  Decision decide(const AuthorisationRequest& request) const override;

 private:
  // What is asked, with what stands on the resource.
  struct Asked {
    const AuthorisationRequest& request;
    std::string_view owner, policy;
  };
  // The documents live as long as the verdict that speaks of them, and stay where they are.
  struct Judged {
    Judged() = default;
    Judged(const Judged&) = delete;
    Judged& operator=(const Judged&) = delete;

    DocumentsPtr standing = {};
    std::vector<policy::NamedDocument> session = {};
    policy::NamedDocument resource = {};
    policy::Verdict verdict = {};
    std::string reason = {};  // of a denial
  };
  Decision decide_on(const Asked& asked) const;
  void judge(const Asked& asked, const policy::Context& context, Judged& judged) const;
  Status find_documents(const Asked& asked, Judged& found) const;
  void tell_denial(const Asked& asked, const Judged& judged, const std::string& reason) const;
  void explain(const Asked& asked, const Judged& judged, const policy::Context& context,
               Decision& decision) const;
  Result<DocumentsPtr> standing_of(const Principal& principal) const;
  Result<DocumentsPtr> of_issuer(const Principal& principal) const;

  const ResourcePolicies& resources_;
  os::Clock& clock_;
  DecisionLog& log_;
  Logger& logger_;
  StandingPolicies standing_;
  const DocumentsPtr nothing_ = std::make_shared<const policy::Documents>();
};

}  // namespace mekong::iam
