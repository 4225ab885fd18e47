#include "base/arn.h"

namespace mekong {

std::optional<Arn> Arn::parse(std::string_view text) {
  Arn arn;
  std::string scheme;
  for (std::string* part : {&scheme, &arn.partition, &arn.service, &arn.region, &arn.account}) {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    *part = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  arn.resource = text;
  if (scheme != "arn" || arn.partition.empty() || arn.service.empty() || arn.resource.empty()) {
    return std::nullopt;
  }
  return arn;
}

std::optional<std::string> Arn::name_of(std::string_view kind) const {
  const bool is_kind =
      resource.size() > kind.size() + 1 && resource.starts_with(kind) && resource[kind.size()] == '/';
  return is_kind ? std::optional(resource.substr(kind.size() + 1)) : std::nullopt;
}

}  // namespace mekong
