// Amazon resource names: arn:<partition>:<service>:<region>:<account>:<resource>.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace mekong {

struct Arn {
  std::string partition, service, region, account;  // region and account may be empty
  std::string resource;                             // all that follows, e.g. "cluster/name/uuid"

  // Nothing where the text has fewer parts, another beginning, or an empty resource.
  static std::optional<Arn> parse(std::string_view text);
  // The resource after `kind` and its slash; nothing for a resource of another kind.
  std::optional<std::string> name_of(std::string_view kind) const;
};

}  // namespace mekong
