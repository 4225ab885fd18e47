// What the three families of handlers share: shapes of replies, paging, changes that roles and users have
// alike.
#pragma once
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "codec/text.h"
#include "gen/iam/types.h"
#include "iam/records.h"

namespace mekong::iam {

namespace wire = gen::iam;

inline constexpr int32_t page_items_default = 100;
inline constexpr size_t tags_max = 50;
inline constexpr size_t attached_policies_max = 10;

wire::Role role_shape(const Role& role);
wire::User user_shape(const User& user);
std::vector<wire::Tag> tag_shapes(const std::map<std::string, std::string>& tags);
std::vector<wire::AttachedPolicy> attached_shapes(const Identity& identity);
// IAM answers documents percent-encoded.
std::string document_shape(const std::string& document);

Status add_tags(std::map<std::string, std::string>& tags, const std::vector<wire::Tag>& added);
Status put_inline(Identity& identity, const std::string& name, const std::string& document);
Status delete_inline(Identity& identity, const std::string& name);
Result<std::string> find_inline(const Identity& identity, const std::string& name);
Status attach(Identity& identity, const std::string& arn);
Status detach(Identity& identity, const std::string& arn);

// Fills `target` with the page after `request`'s marker. `items` in any order; a marker is the name it
// stopped at, so entries that come or go between two pages neither repeat nor hide others.
template <class Request, class Response, class Item, class Name>
Status paginate(const Request& request, std::vector<Item> items, std::vector<Item>& target,
                Response& response, Name name) {
  std::sort(items.begin(), items.end(), [&](const Item& a, const Item& b) { return name(a) < name(b); });
  if (request.marker) {
    auto after = codec::base64_decode(*request.marker);
    if (!after) return Error{"InvalidInput", "Marker is invalid: take it from the page before.", 400};
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

}  // namespace mekong::iam
