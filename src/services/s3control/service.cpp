#include "services/s3control/service.h"

namespace mekong::s3control {
namespace {

// An account's settings are its own: no policy opens them to another.
Status check_account(const api::Context& ctx, const std::string& account) {
  if (account == ctx.account.value) return ok();
  return Error{"AccessDenied", "Access Denied", 403};
}

}  // namespace

Result<model::GetPublicAccessBlockOutput> Service::get_public_access_block(
    api::Context& ctx, const model::GetPublicAccessBlockRequest& request) {
  MEKONG_TRY(check_account(ctx, request.account_id));
  MEKONG_TRY_ASSIGN(const auto block, store_.account_block(ctx.account));
  if (!block) {
    return Error{"NoSuchPublicAccessBlockConfiguration",
                 "The public access block configuration was not found",
                 404,
                 {{"AccountId", request.account_id}}};
  }
  return model::GetPublicAccessBlockOutput{model::PublicAccessBlockConfiguration{
      block->block_acls, block->ignore_acls, block->block_policy, block->restrict_buckets}};
}

Result<model::PutPublicAccessBlockResponse> Service::put_public_access_block(
    api::Context& ctx, const model::PutPublicAccessBlockRequest& request) {
  MEKONG_TRY(check_account(ctx, request.account_id));
  const auto& wanted = request.public_access_block_configuration;
  MEKONG_TRY(store_.set_account_block(
      ctx.account, objects::PublicAccessBlock{wanted.block_public_acls.value_or(false),
                                              wanted.ignore_public_acls.value_or(false),
                                              wanted.block_public_policy.value_or(false),
                                              wanted.restrict_public_buckets.value_or(false)}));
  return model::PutPublicAccessBlockResponse{};
}

Result<model::DeletePublicAccessBlockResponse> Service::delete_public_access_block(
    api::Context& ctx, const model::DeletePublicAccessBlockRequest& request) {
  MEKONG_TRY(check_account(ctx, request.account_id));
  MEKONG_TRY(store_.set_account_block(ctx.account, std::nullopt));
  return model::DeletePublicAccessBlockResponse{};
}

}  // namespace mekong::s3control
