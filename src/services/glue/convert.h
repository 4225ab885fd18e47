// Glue's wire structs ↔ the catalogue's types, and what every operation needs: its permission, its page, what
// it refuses by name.
#pragma once
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/context.h"
#include "api/tags.h"
#include "catalog/catalog.h"
#include "gen/glue/types.h"

namespace re2 {
class RE2;
}

namespace mekong::glue {

namespace model = gen::glue;

// The operation's permission, on the catalogue, the database and what is in it. `catalog_id`: refused unless
// it is the caller's account. `extra`: condition keys of the request.
struct Target {
  std::string database, table, function;
};
Status authorise(api::Context& ctx, const std::optional<std::string>& catalog_id, const Target& target,
                 const ConditionContext& extra = {});

// Whether the caller may do the operation on one table of a listing.
bool may_see(const api::Context& ctx, const catalog::Table& table);

// Fails with "NotImplemented" and the parameter's name for the first that is given.
Status refuse(const api::Context& ctx, std::initializer_list<std::pair<bool, std::string_view>> given);

// Fails with "InvalidInputException" for tags that break the rules, or are too many.
Status check_tags(const api::Tags& tags);

// Fails with "InvalidInputException" for a token that this service has not handed out.
Result<catalog::PageRequest> page_of(const std::optional<std::string>& token, std::optional<int32_t> max,
                                     size_t fallback);
std::optional<std::string> token_of(const std::string& next);

// A name filter: a regular expression, in which a lone '*' is anything. "InvalidInputException" when it is
// none.
class NamePattern {
 public:
  static Result<NamePattern> parse(const std::optional<std::string>& text);
  bool matches(const std::string& name) const;

 private:
  std::shared_ptr<const re2::RE2> regex_;  // none: everything
};

Result<catalog::Database> from_model(const api::Context& ctx, const model::DatabaseInput& input);
Result<catalog::Table> from_model(const api::Context& ctx, const model::TableInput& input);
Result<catalog::Partition> from_model(const api::Context& ctx, const model::PartitionInput& input);
Result<catalog::UserFunction> from_model(const api::Context& ctx,
                                         const model::UserDefinedFunctionInput& input);

model::Database to_model(const api::Context& ctx, const catalog::Database& database);
model::Table to_model(const api::Context& ctx, const catalog::Table& table);
model::Partition to_model(const api::Context& ctx, const catalog::TableName& name,
                          const catalog::Partition& partition);
model::UserDefinedFunction to_model(const api::Context& ctx, const catalog::UserFunction& function);
model::ErrorDetail to_model(const Error& error);

}  // namespace mekong::glue
