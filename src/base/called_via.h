// Condition keys of a request that a service makes for its caller, with the caller's permissions. The
// caller's address is not among them, as in AWS.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html
#pragma once
#include <array>
#include <string_view>

#include "base/authoriser.h"

namespace mekong {

class CalledVia final : public ConditionSource {
 public:
  // "athena.amazonaws.com"; must outlive it.
  explicit constexpr CalledVia(std::string_view service) : service_(service) {}
  bool supply(std::string_view key, ConditionValues& values) const override {
    if (key == "aws:viaawsservice") {
      values.emplace_back("true");
    } else if (key.starts_with(keys[1])) {
      values.emplace_back(service_);
    } else {
      return false;
    }
    return true;
  }
  void each_key(const std::function<void(std::string_view key)>& visit) const override {
    for (const std::string_view key : keys) visit(key);
  }

 private:
  static constexpr std::array<std::string_view, 4> keys = {"aws:viaawsservice", "aws:calledvia",
                                                           "aws:calledviafirst", "aws:calledvialast"};
  std::string_view service_;
};

}  // namespace mekong
