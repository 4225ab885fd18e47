// What the families of handlers share: shapes of replies, paging, condition keys.
#pragma once
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/tags.h"
#include "codec/text.h"
#include "gen/iam/types.h"
#include "iam/records.h"
#include "services/iam/service.h"

namespace mekong::iam {

inline constexpr int32_t page_items_default = 100;

wire::User user_shape(const User& user);
wire::Group group_shape(const Group& group);
std::vector<wire::Tag> tag_shapes(const std::map<std::string, std::string>& tags);
std::vector<wire::AttachedPolicy> attached_shapes(const Identity& identity);
// IAM answers documents percent-encoded.
std::string document_shape(const std::string& document);
wire::PolicyVersion version_shape(const PolicyVersion& version, bool is_default);

// A request's tags, for api::request_tags. Of a key given twice the last: add_tags refuses it.
api::Tags tags_of(const std::optional<std::vector<wire::Tag>>& tags);
// "aws:ResourceTag/…" and "iam:ResourceTag/…", into `extra`.
void add_resource_tags(ConditionContext& extra, const std::map<std::string, std::string>& tags);

Status add_tags(std::map<std::string, std::string>& tags, const std::vector<wire::Tag>& added);
Status remove_tags(std::map<std::string, std::string>& tags, const std::vector<std::string>& keys);

inline Error invalid_marker() {
  return {"ValidationError", "Invalid Marker.", 400};
}

// Fills `target` with the page after `request`'s marker. `items` in any order; a marker is the name it
// stopped at, so entries that come or go between two pages neither repeat nor hide others.
template <class Request, class Response, class Item, class Name>
Status paginate(const Request& request, std::vector<Item> items, std::vector<Item>& target,
                Response& response, Name name) {
  std::sort(items.begin(), items.end(), [&](const Item& a, const Item& b) { return name(a) < name(b); });
  if (request.marker) {
    auto after = codec::base64_decode(*request.marker);
    if (!after) return invalid_marker();
    std::erase_if(items, [&](const Item& item) { return name(item) <= *after; });
  }
  const auto limit = static_cast<size_t>(request.max_items.value_or(page_items_default));
  response.is_truncated = items.size() > limit;
  if (*response.is_truncated) {
    items.resize(limit);
    response.marker = codec::base64_encode(name(items.back()));
  }
  target = std::move(items);
  return ok();
}

template <class T>
Result<Ptr<T>> Service::entity(api::Context& ctx, const std::string& name, ConditionContext extra) const {
  auto found = directory_.find<T>(ctx.account, name);
  const std::string unknown = "arn:aws:iam::" + ctx.account.value + ":" + T::type + "/" + name;
  if (found) add_resource_tags(extra, found->tags);
  if constexpr (requires { found->boundary; }) {
    if (found && !found->boundary.empty()) extra.try_emplace("iam:PermissionsBoundary", 1, found->boundary);
  }
  MEKONG_TRY(ctx.authorise(found ? found->arn() : unknown, std::move(extra)));
  if (found) return found;
  return Error{"NoSuchEntity", std::string("The ") + T::kind + " with name " + name + " cannot be found.",
               404};
}

template <class T>
Status Service::change(api::Context& ctx, const std::string& name, const std::function<Status(T&)>& change,
                       ConditionContext extra) {
  MEKONG_TRY_ASSIGN(auto found, entity<T>(ctx, name, std::move(extra)));
  if constexpr (std::is_same_v<T, Role>) {
    if (!found->linked_service.empty()) {
      return Error{"UnmodifiableEntity",
                   "Cannot perform the operation on the protected role '" + name +
                       "' - this role is only modifiable by AWS",
                   400};
    }
  }
  return directory_.change<T>(ctx.account, name, change);
}

}  // namespace mekong::iam
