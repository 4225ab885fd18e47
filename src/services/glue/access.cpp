// What every operation begins with: permission, parameters that are refused, pages, name patterns.
#include <fmt/format.h>
#include <re2/re2.h>

#include "codec/text.h"
#include "services/glue/convert.h"

namespace mekong::glue {

Status authorise(api::Context& ctx, const std::optional<std::string>& catalog_id, const Target& target,
                 const ConditionContext& extra) {
  if (catalog_id && *catalog_id != ctx.account.value) {
    return Error{
        "NotImplemented",
        fmt::format("{}: CatalogId of another account or catalog is not implemented", ctx.operation)};
  }
  const std::string base = fmt::format("arn:aws:glue:{}:{}:", ctx.region.value, ctx.account.value);
  const std::string database = catalog::fold_name(target.database);
  MEKONG_TRY(ctx.authorise(base + "catalog", extra));
  if (!database.empty()) MEKONG_TRY(ctx.authorise(base + "database/" + database, extra));
  if (!target.table.empty()) {
    MEKONG_TRY(ctx.authorise(base + "table/" + database + "/" + catalog::fold_name(target.table), extra));
  }
  if (!target.function.empty()) {
    MEKONG_TRY(ctx.authorise(
        base + "userDefinedFunction/" + database + "/" + catalog::fold_name(target.function), extra));
  }
  return ok();
}

bool may_see(const api::Context& ctx, const catalog::Table& table) {
  const std::string arn = fmt::format("arn:aws:glue:{}:{}:table/{}/{}", ctx.region.value, ctx.account.value,
                                      table.database, table.name);
  return ctx.authorise_action(ctx.action, arn).ok();
}

Status refuse(const api::Context& ctx, std::initializer_list<std::pair<bool, std::string_view>> given) {
  for (const auto& [is_given, name] : given) {
    if (is_given) {
      return Error{"NotImplemented", fmt::format("{}: parameter {} is not implemented", ctx.operation, name)};
    }
  }
  return ok();
}

Result<catalog::PageRequest> page_of(const std::optional<std::string>& token, std::optional<int32_t> max,
                                     size_t fallback) {
  catalog::PageRequest page;
  page.limit = max ? static_cast<size_t>(std::max(1, *max)) : fallback;
  if (!token || token->empty()) return page;
  auto after = codec::base64_decode(*token);
  if (!after) return Error{"InvalidInputException", "NextToken is not one that was handed out."};
  page.after = std::move(*after);
  return page;
}

std::optional<std::string> token_of(const std::string& next) {
  return next.empty() ? std::nullopt : std::optional(codec::base64_encode(next));
}

Result<NamePattern> NamePattern::parse(const std::optional<std::string>& text) {
  NamePattern pattern;
  if (!text || text->empty()) return pattern;
  std::string regex;
  for (char c : *text) {
    const char before = regex.empty() ? '^' : regex.back();
    if (c == '*' && std::string_view(".)]}").find(before) == std::string_view::npos) regex += '.';
    regex += c;
  }
  pattern.regex_ = std::make_shared<RE2>("(?i)" + regex, RE2::Quiet);
  if (!pattern.regex_->ok()) {
    return Error{"InvalidInputException", fmt::format("'{}' is no valid pattern.", *text)};
  }
  return pattern;
}

bool NamePattern::matches(const std::string& name) const {
  return !regex_ || RE2::FullMatch(name, *regex_);
}

}  // namespace mekong::glue
