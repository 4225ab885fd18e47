#include <algorithm>

#include <fmt/format.h>

#include "services/emr_serverless/pages.h"
#include "services/emr_serverless/service.h"
#include "services/emr_serverless/shapes.h"

namespace mekong::emr_serverless {

Result<wire::CreateApplicationResponse> EmrServerless::create_application(
    api::Context& ctx, const wire::CreateApplicationRequest& request) {
  MEKONG_TRY_ASSIGN(auto record, application_from(request));
  record.request_hash = request_hash(record);
  MEKONG_TRY_ASSIGN(const auto known, records_.token(ctx.scope(), "CreateApplication", request.client_token));
  if (known) {
    MEKONG_TRY_ASSIGN(const auto made, records_.application(ctx.scope(), *known));
    if (made.request_hash != record.request_hash) {
      return Error{"ConflictException", "The client token was used for another request."};
    }
    return wire::CreateApplicationResponse{made.id, made.name, made.arn};
  }
  record.account = ctx.account.value;
  record.region = ctx.region.value;
  record.id = new_id();
  record.arn =
      fmt::format("arn:aws:emr-serverless:{}:{}:/applications/{}", record.region, record.account, record.id);
  record.state = "CREATED";
  record.created_ms = record.updated_ms = clock_.wall_ms();
  const auto added = records_.add(record, request.client_token);
  if (!added.ok() && added.error().code == "ConditionFailed") {
    return Error{"ConflictException", "Another request with this client token is in progress."};
  }
  if (!added.ok()) return added.error();
  return wire::CreateApplicationResponse{record.id, record.name, record.arn};
}

Result<wire::GetApplicationResponse> EmrServerless::get_application(
    api::Context& ctx, const wire::GetApplicationRequest& request) {
  MEKONG_TRY_ASSIGN(const auto record, records_.application(ctx.scope(), request.application_id));
  return wire::GetApplicationResponse{application_shape(record)};
}

Result<wire::UpdateApplicationResponse> EmrServerless::update_application(
    api::Context& ctx, const wire::UpdateApplicationRequest& request) {
  MEKONG_TRY_ASSIGN(
      const auto changed, records_.update(ctx.scope(), request.application_id, [&](auto& record) {
        if (record.state != "CREATED" && record.state != "STOPPED") {
          return Status(
              Error{"ValidationException",
                    fmt::format("Application {} is {}; it must be CREATED or STOPPED to be updated.",
                                record.id, record.state)});
        }
        record.updated_ms = clock_.wall_ms();
        return change_application(request, record);
      }));
  return wire::UpdateApplicationResponse{application_shape(changed)};
}

Result<wire::ListApplicationsResponse> EmrServerless::list_applications(
    api::Context& ctx, const wire::ListApplicationsRequest& request) {
  MEKONG_TRY_ASSIGN(auto records, records_.applications(ctx.scope()));
  if (request.states && !request.states->empty()) {
    std::erase_if(records, [&](const auto& record) {
      return std::find(request.states->begin(), request.states->end(), record.state) == request.states->end();
    });
  }
  wire::ListApplicationsResponse out;
  MEKONG_TRY_ASSIGN(out.next_token, take_page(records, request.next_token, request.max_results));
  for (const auto& record : records) out.applications.push_back(application_summary(record));
  return out;
}

Result<wire::StartApplicationResponse> EmrServerless::start_application(
    api::Context& ctx, const wire::StartApplicationRequest& request) {
  MEKONG_TRY(records_.update(ctx.scope(), request.application_id, [&](Application& record) -> Status {
    if (record.state == "TERMINATED") {
      return Error{"ValidationException", fmt::format("Application {} is terminated.", record.id)};
    }
    if (record.state == "STARTED") return ok();
    mark_started(record, clock_);
    return ok();
  }));
  return wire::StartApplicationResponse{};
}

Result<wire::StopApplicationResponse> EmrServerless::stop_application(
    api::Context& ctx, const wire::StopApplicationRequest& request) {
  MEKONG_TRY_ASSIGN(const auto runs, records_.runs(ctx.scope(), request.application_id));
  MEKONG_TRY(records_.update(ctx.scope(), request.application_id, [&](Application& record) -> Status {
    if (record.state == "TERMINATED") {
      return Error{"ValidationException", fmt::format("Application {} is terminated.", record.id)};
    }
    if (!std::all_of(runs.begin(), runs.end(), is_terminal)) {
      return Error{"ValidationException",
                   fmt::format("Application {} has job runs that have not ended.", record.id)};
    }
    record.state = "STOPPED";
    record.state_details = "";
    record.updated_ms = clock_.wall_ms();
    return ok();
  }));
  return wire::StopApplicationResponse{};
}

Result<wire::DeleteApplicationResponse> EmrServerless::delete_application(
    api::Context& ctx, const wire::DeleteApplicationRequest& request) {
  MEKONG_TRY(records_.update(ctx.scope(), request.application_id, [&](Application& record) -> Status {
    if (record.state == "TERMINATED") return ok();
    if (record.state != "CREATED" && record.state != "STOPPED") {
      return Error{"ValidationException",
                   fmt::format("Application {} is {}; it must be CREATED or STOPPED to be deleted.",
                               record.id, record.state)};
    }
    record.state = "TERMINATED";
    record.updated_ms = clock_.wall_ms();
    return ok();
  }));
  return wire::DeleteApplicationResponse{};
}

Status EmrServerless::change_tags(const Scope& scope, std::string_view arn, const ChangeTags& change) {
  const auto prefix =
      fmt::format("arn:aws:emr-serverless:{}:{}:/applications/", scope.region.value, scope.account.value);
  const auto not_found = Error{"ResourceNotFoundException", fmt::format("Resource {} does not exist", arn)};
  if (!arn.starts_with(prefix)) return not_found;
  const auto rest = arn.substr(prefix.size());
  constexpr std::string_view runs = "/jobruns/";
  const auto at = rest.find(runs);
  if (at == std::string_view::npos) {
    const auto updated =
        records_.update(scope, rest, [&](Application& record) { return change(record.tags); });
    return updated.ok() ? ok() : Status(updated.error());
  }
  const RunKey key{scope, std::string(rest.substr(0, at)), std::string(rest.substr(at + runs.size()))};
  const auto updated = records_.update(key, [&](JobRun& record) { return change(record.tags); });
  return updated.ok() ? ok() : Status(updated.error());
}

Result<wire::TagResourceResponse> EmrServerless::tag_resource(api::Context& ctx,
                                                              const wire::TagResourceRequest& request) {
  constexpr size_t tags_max = 50;
  MEKONG_TRY(change_tags(ctx.scope(), request.resource_arn, [&](auto& tags) -> Status {
    for (const auto& [name, value] : request.tags) tags[name] = value;
    if (tags.size() > tags_max) return Error{"ValidationException", "A resource has at most 50 tags."};
    return ok();
  }));
  return wire::TagResourceResponse{};
}

Result<wire::UntagResourceResponse> EmrServerless::untag_resource(api::Context& ctx,
                                                                  const wire::UntagResourceRequest& request) {
  MEKONG_TRY(change_tags(ctx.scope(), request.resource_arn, [&](auto& tags) {
    for (const auto& name : request.tag_keys) tags.erase(name);
    return ok();
  }));
  return wire::UntagResourceResponse{};
}

Result<wire::ListTagsForResourceResponse> EmrServerless::list_tags_for_resource(
    api::Context& ctx, const wire::ListTagsForResourceRequest& request) {
  wire::ListTagsForResourceResponse out;
  MEKONG_TRY(change_tags(ctx.scope(), request.resource_arn, [&](auto& tags) {
    out.tags = tags;
    return ok();
  }));
  return out;
}

}  // namespace mekong::emr_serverless
