// Tags. Of what the catalogue holds Glue tags databases only.
// https://docs.aws.amazon.com/glue/latest/dg/monitor-tags.html
#include <fmt/format.h>

#include "base/arn.h"
#include "services/glue/convert.h"
#include "services/glue/service.h"

namespace mekong::glue {
namespace {

// The database that an ARN names, once the caller may do the operation on it; its tags are among the
// conditions.
Result<catalog::Database> tagged(api::Context& ctx, const catalog::Catalog& catalog, const std::string& text,
                                 ConditionContext extra = {}) {
  const auto arn = Arn::parse(text);
  if (!arn || arn->service != "glue") {
    return Error{"InvalidInputException", fmt::format("'{}' is no ARN of Glue.", text)};
  }
  const bool ours = arn->account == ctx.account.value && arn->region == ctx.region.value;
  const auto name = arn->name_of("database");
  Result<catalog::Database> database =
      Error{"EntityNotFoundException", fmt::format("Entity not found: {}", text)};
  if (ours && name) database = catalog.get_database(ctx.scope(), *name);
  if (database.ok()) extra.merge(api::resource_tags(database->tags));
  MEKONG_TRY(ctx.authorise(catalog::fold_name(text), std::move(extra)));
  for (const char* kind : {"catalog", "table", "userDefinedFunction"}) {
    if (arn->resource == kind || arn->name_of(kind)) {
      return Error{"InvalidInputException", fmt::format("A {} has no tags: {}", kind, text)};
    }
  }
  return database;
}

}  // namespace

Status check_tags(const api::Tags& tags) {
  auto invalid = [](std::string message) { return Error{"InvalidInputException", std::move(message)}; };
  switch (api::check_tags(tags)) {
    case api::TagFault::reserved:
      return invalid("Tag keys must not begin with aws:.");
    case api::TagFault::key:
      return invalid("A tag key is not valid.");
    case api::TagFault::value:
      return invalid("A tag value is not valid.");
    case api::TagFault::none:
      break;
  }
  if (tags.size() <= api::tags_max) return ok();
  return invalid(fmt::format("A resource has at most {} tags.", api::tags_max));
}

Result<model::TagResourceResponse> Service::tag_resource(api::Context& ctx,
                                                         const model::TagResourceRequest& request) {
  MEKONG_TRY_ASSIGN(const auto database,
                    tagged(ctx, catalog_, request.resource_arn, api::request_tags(request.tags_to_add)));
  MEKONG_TRY(check_tags(request.tags_to_add));
  MEKONG_TRY(catalog_.change_tags(ctx.scope(), database.name, [&](api::Tags& tags) {
    for (const auto& [key, value] : request.tags_to_add) tags[key] = value;
    return check_tags(tags);
  }));
  return model::TagResourceResponse{};
}

Result<model::UntagResourceResponse> Service::untag_resource(api::Context& ctx,
                                                             const model::UntagResourceRequest& request) {
  MEKONG_TRY_ASSIGN(const auto database,
                    tagged(ctx, catalog_, request.resource_arn, api::tag_keys(request.tags_to_remove)));
  MEKONG_TRY(catalog_.change_tags(ctx.scope(), database.name, [&](api::Tags& tags) {
    for (const auto& key : request.tags_to_remove) tags.erase(key);
    return ok();
  }));
  return model::UntagResourceResponse{};
}

Result<model::GetTagsResponse> Service::get_tags(api::Context& ctx, const model::GetTagsRequest& request) {
  MEKONG_TRY_ASSIGN(auto database, tagged(ctx, catalog_, request.resource_arn));
  return model::GetTagsResponse{std::move(database.tags)};
}

}  // namespace mekong::glue
