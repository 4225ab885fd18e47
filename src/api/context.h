// What a handler knows about the call besides its input.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/types.h"
#include "base/authoriser.h"
#include "base/ids.h"
#include "base/result.h"

namespace mekong::api {

struct Context {
  PrincipalPtr principal;
  AccountId account;  // the caller's
  Region region;
  std::string request_id;
  std::string service, operation;  // "glue", "CreateTable"
  std::string source_ip, user_agent;
  bool secure = false;  // came over TLS
  // Request headers, lower case; for the few services that define behaviour by a header outside their model.
  const std::vector<std::pair<std::string, std::string>>* headers = nullptr;

  const Authoriser* authoriser = nullptr;
  std::string action;                      // the operation's IAM action
  ConditionContext conditions;             // those of the operation's line
  const ConditionSource* known = nullptr;  // of the request: aws:SourceIp, aws:SecureTransport …
  bool authorised = false;                 // set by the pipeline, or by authorise()
  // Of the last denial: what sts:DecodeAuthorizationMessage reads; goes out as a header of the refusal.
  mutable std::string denial_message;

  Scope scope() const { return {account, region}; }
  // For operations with resource=handler: the operation's own action on `resource`.
  Status authorise(std::string_view resource, ConditionContext extra = {});
  // For a further action (dependent permissions).
  Status authorise_action(std::string_view action, std::string_view resource,
                          ConditionContext extra = {}) const;
};

}  // namespace mekong::api
