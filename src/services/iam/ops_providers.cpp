// OpenID Connect and SAML providers.
#include <algorithm>

#include "codec/xml.h"
#include "services/iam/service.h"
#include "services/iam/shared.h"

namespace mekong::iam {
namespace {

constexpr size_t client_ids_max = 100, thumbprints_max = 5;
constexpr std::string_view https = "https://";

Error invalid_input(std::string message) {
  return {"InvalidInput", std::move(message), 400};
}

Status check_thumbprints(const std::vector<std::string>& thumbprints) {
  if (thumbprints.size() > thumbprints_max)
    return invalid_input("Thumbprint list must contain fewer than 5 entries.");
  for (const std::string& thumbprint : thumbprints) {
    auto bytes = codec::hex_decode(thumbprint);
    if (!bytes || bytes->size() != 20)
      return invalid_input("Thumbprint " + thumbprint + " is no SHA-1 hash.");
  }
  return ok();
}

Status check_metadata(const std::string& document) {
  auto root = codec::parse_xml(document);
  if (root.ok() && root->name == "EntityDescriptor") return ok();
  return invalid_input("Could not parse metadata");
}

Status refuse_encryption(std::string_view operation, bool given) {
  if (!given) return ok();
  return Error{"NotImplemented", std::string(operation) + ": assertion encryption is not built", 501};
}

Status add_client_id(std::vector<std::string>& client_ids, const std::string& id) {
  if (std::find(client_ids.begin(), client_ids.end(), id) != client_ids.end()) return ok();
  if (client_ids.size() >= client_ids_max) {
    return Error{"LimitExceeded", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100", 409};
  }
  client_ids.push_back(id);
  return ok();
}

}  // namespace

Result<IdentityProviderPtr> Service::provider(api::Context& ctx, const std::string& arn, bool saml,
                                              ConditionContext extra) const {
  auto found = directory_.find_provider(arn);
  if (found && (found->account != ctx.account.value || found->saml != saml)) found = nullptr;
  if (found) add_resource_tags(extra, found->tags);
  MEKONG_TRY(ctx.authorise(arn, std::move(extra)));
  if (found) return found;
  return Error{"NoSuchEntity",
               (saml ? "Manifest not found for arn " : "OpenIDConnect Provider not found for arn ") + arn,
               404};
}

Status Service::change_provider(api::Context& ctx, const std::string& arn, bool saml,
                                const std::function<Status(IdentityProvider&)>& change,
                                ConditionContext extra) {
  MEKONG_TRY(provider(ctx, arn, saml, std::move(extra)));
  return directory_.change_provider(arn, change);
}

Result<wire::CreateOpenIDConnectProviderResponse> Service::create_open_id_connect_provider(
    api::Context& ctx, const wire::CreateOpenIDConnectProviderRequest& request) {
  std::string_view url = request.url;
  const bool secure = url.starts_with(https);
  if (secure) url.remove_prefix(https.size());
  IdentityProvider made{.account = ctx.account.value, .url = std::string(url)};
  made.arn = "arn:aws:iam::" + made.account + ":oidc-provider/" + made.url;
  MEKONG_TRY(ctx.authorise(made.arn, api::request_tags(tags_of(request.tags))));
  if (!secure || url.empty() || url.find_first_of("?#") != std::string_view::npos) {
    return Error{"InvalidInput", "Invalid Open ID Connect Provider URL", 400};
  }
  for (const std::string& id : request.client_id_list.value_or(std::vector<std::string>{})) {
    MEKONG_TRY(add_client_id(made.client_ids, id));
  }
  if (request.thumbprint_list) made.thumbprints = *request.thumbprint_list;
  MEKONG_TRY(check_thumbprints(made.thumbprints));
  if (request.tags) MEKONG_TRY(add_tags(made.tags, *request.tags));
  MEKONG_TRY_ASSIGN(auto kept, directory_.create_provider(std::move(made)));
  wire::CreateOpenIDConnectProviderResponse out{.open_id_connect_provider_arn = kept->arn};
  if (!kept->tags.empty()) out.tags = tag_shapes(kept->tags);
  return out;
}

Result<wire::GetOpenIDConnectProviderResponse> Service::get_open_id_connect_provider(
    api::Context& ctx, const wire::GetOpenIDConnectProviderRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, provider(ctx, request.open_id_connect_provider_arn, false));
  wire::GetOpenIDConnectProviderResponse out{
      found->url, found->client_ids, found->thumbprints, api::Timestamp{found->created_ms}, {}};
  if (!found->tags.empty()) out.tags = tag_shapes(found->tags);
  return out;
}

Result<wire::DeleteOpenIDConnectProviderResponse> Service::delete_open_id_connect_provider(
    api::Context& ctx, const wire::DeleteOpenIDConnectProviderRequest& request) {
  MEKONG_TRY(provider(ctx, request.open_id_connect_provider_arn, false));
  MEKONG_TRY(directory_.delete_provider(request.open_id_connect_provider_arn));
  return wire::DeleteOpenIDConnectProviderResponse{};
}

Result<wire::AddClientIDToOpenIDConnectProviderResponse> Service::add_client_id_to_open_id_connect_provider(
    api::Context& ctx, const wire::AddClientIDToOpenIDConnectProviderRequest& request) {
  MEKONG_TRY(change_provider(ctx, request.open_id_connect_provider_arn, false, [&](IdentityProvider& p) {
    return add_client_id(p.client_ids, request.client_id);
  }));
  return wire::AddClientIDToOpenIDConnectProviderResponse{};
}

Result<wire::RemoveClientIDFromOpenIDConnectProviderResponse>
Service::remove_client_id_from_open_id_connect_provider(
    api::Context& ctx, const wire::RemoveClientIDFromOpenIDConnectProviderRequest& request) {
  MEKONG_TRY(change_provider(ctx, request.open_id_connect_provider_arn, false, [&](IdentityProvider& p) {
    std::erase(p.client_ids, request.client_id);
    return ok();
  }));
  return wire::RemoveClientIDFromOpenIDConnectProviderResponse{};
}

Result<wire::UpdateOpenIDConnectProviderThumbprintResponse>
Service::update_open_id_connect_provider_thumbprint(
    api::Context& ctx, const wire::UpdateOpenIDConnectProviderThumbprintRequest& request) {
  MEKONG_TRY(
      change_provider(ctx, request.open_id_connect_provider_arn, false, [&](IdentityProvider& p) -> Status {
        MEKONG_TRY(check_thumbprints(request.thumbprint_list));
        p.thumbprints = request.thumbprint_list;
        return ok();
      }));
  return wire::UpdateOpenIDConnectProviderThumbprintResponse{};
}

Result<wire::ListOpenIDConnectProvidersResponse> Service::list_open_id_connect_providers(
    api::Context& ctx, const wire::ListOpenIDConnectProvidersRequest&) {
  wire::ListOpenIDConnectProvidersResponse out;
  out.open_id_connect_provider_list.emplace();
  for (const auto& found : directory_.providers(ctx.account, false)) {
    out.open_id_connect_provider_list->push_back({found->arn});
  }
  return out;
}

Result<wire::CreateSAMLProviderResponse> Service::create_saml_provider(
    api::Context& ctx, const wire::CreateSAMLProviderRequest& request) {
  MEKONG_TRY(
      refuse_encryption("CreateSAMLProvider", request.assertion_encryption_mode || request.add_private_key));
  IdentityProvider made{
      .account = ctx.account.value, .saml = true, .metadata = request.saml_metadata_document};
  made.arn = "arn:aws:iam::" + made.account + ":saml-provider/" + request.name;
  made.url = request.name;
  MEKONG_TRY(ctx.authorise(made.arn, api::request_tags(tags_of(request.tags))));
  MEKONG_TRY(check_metadata(made.metadata));
  if (request.tags) MEKONG_TRY(add_tags(made.tags, *request.tags));
  MEKONG_TRY_ASSIGN(auto kept, directory_.create_provider(std::move(made)));
  wire::CreateSAMLProviderResponse out{.saml_provider_arn = kept->arn};
  if (!kept->tags.empty()) out.tags = tag_shapes(kept->tags);
  return out;
}

Result<wire::GetSAMLProviderResponse> Service::get_saml_provider(
    api::Context& ctx, const wire::GetSAMLProviderRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, provider(ctx, request.saml_provider_arn, true));
  wire::GetSAMLProviderResponse out{.saml_provider_uuid = found->id,
                                    .saml_metadata_document = found->metadata,
                                    .create_date = api::Timestamp{found->created_ms}};
  if (!found->tags.empty()) out.tags = tag_shapes(found->tags);
  return out;
}

Result<wire::UpdateSAMLProviderResponse> Service::update_saml_provider(
    api::Context& ctx, const wire::UpdateSAMLProviderRequest& request) {
  MEKONG_TRY(refuse_encryption("UpdateSAMLProvider", request.assertion_encryption_mode ||
                                                         request.add_private_key ||
                                                         request.remove_private_key));
  MEKONG_TRY(change_provider(ctx, request.saml_provider_arn, true, [&](IdentityProvider& p) -> Status {
    if (!request.saml_metadata_document) return ok();
    MEKONG_TRY(check_metadata(*request.saml_metadata_document));
    p.metadata = *request.saml_metadata_document;
    return ok();
  }));
  return wire::UpdateSAMLProviderResponse{request.saml_provider_arn};
}

Result<wire::DeleteSAMLProviderResponse> Service::delete_saml_provider(
    api::Context& ctx, const wire::DeleteSAMLProviderRequest& request) {
  MEKONG_TRY(provider(ctx, request.saml_provider_arn, true));
  MEKONG_TRY(directory_.delete_provider(request.saml_provider_arn));
  return wire::DeleteSAMLProviderResponse{};
}

Result<wire::ListSAMLProvidersResponse> Service::list_saml_providers(api::Context& ctx,
                                                                     const wire::ListSAMLProvidersRequest&) {
  wire::ListSAMLProvidersResponse out;
  out.saml_provider_list.emplace();
  for (const auto& found : directory_.providers(ctx.account, true)) {
    out.saml_provider_list->push_back({found->arn, {}, api::Timestamp{found->created_ms}});
  }
  return out;
}

Result<wire::TagOpenIDConnectProviderResponse> Service::tag_open_id_connect_provider(
    api::Context& ctx, const wire::TagOpenIDConnectProviderRequest& request) {
  MEKONG_TRY(change_provider(
      ctx, request.open_id_connect_provider_arn, false,
      [&](IdentityProvider& p) { return add_tags(p.tags, request.tags); },
      api::request_tags(tags_of(request.tags))));
  return wire::TagOpenIDConnectProviderResponse{};
}

Result<wire::UntagOpenIDConnectProviderResponse> Service::untag_open_id_connect_provider(
    api::Context& ctx, const wire::UntagOpenIDConnectProviderRequest& request) {
  MEKONG_TRY(change_provider(
      ctx, request.open_id_connect_provider_arn, false,
      [&](IdentityProvider& p) { return remove_tags(p.tags, request.tag_keys); },
      api::tag_keys(request.tag_keys)));
  return wire::UntagOpenIDConnectProviderResponse{};
}

Result<wire::ListOpenIDConnectProviderTagsResponse> Service::list_open_id_connect_provider_tags(
    api::Context& ctx, const wire::ListOpenIDConnectProviderTagsRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, provider(ctx, request.open_id_connect_provider_arn, false));
  wire::ListOpenIDConnectProviderTagsResponse out;
  MEKONG_TRY(
      paginate(request, tag_shapes(found->tags), out.tags, out, [](const wire::Tag& t) { return t.key; }));
  return out;
}

Result<wire::TagSAMLProviderResponse> Service::tag_saml_provider(
    api::Context& ctx, const wire::TagSAMLProviderRequest& request) {
  MEKONG_TRY(change_provider(
      ctx, request.saml_provider_arn, true,
      [&](IdentityProvider& p) { return add_tags(p.tags, request.tags); },
      api::request_tags(tags_of(request.tags))));
  return wire::TagSAMLProviderResponse{};
}

Result<wire::UntagSAMLProviderResponse> Service::untag_saml_provider(
    api::Context& ctx, const wire::UntagSAMLProviderRequest& request) {
  MEKONG_TRY(change_provider(
      ctx, request.saml_provider_arn, true,
      [&](IdentityProvider& p) { return remove_tags(p.tags, request.tag_keys); },
      api::tag_keys(request.tag_keys)));
  return wire::UntagSAMLProviderResponse{};
}

Result<wire::ListSAMLProviderTagsResponse> Service::list_saml_provider_tags(
    api::Context& ctx, const wire::ListSAMLProviderTagsRequest& request) {
  MEKONG_TRY_ASSIGN(auto found, provider(ctx, request.saml_provider_arn, true));
  wire::ListSAMLProviderTagsResponse out;
  MEKONG_TRY(
      paginate(request, tag_shapes(found->tags), out.tags, out, [](const wire::Tag& t) { return t.key; }));
  return out;
}

}  // namespace mekong::iam
