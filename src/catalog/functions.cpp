#include "catalog/catalog.h"
#include "catalog/keys.h"
#include "catalog/records.h"

namespace mekong::catalog {

Status Catalog::create_function(const Scope& scope, UserFunction function) {
  function.name = fold_name(function.name);
  MEKONG_TRY(check_name("Function", function.name));
  MEKONG_TRY_ASSIGN(auto database, read_database(scope, function.database));
  function.database = database.value.name;
  function.create_ms = clock_.wall_ms();
  const std::string key = keys::function(database.value.uid, function.name);
  meta::Batch batch;
  batch.expect_absent(meta_family, key).put(meta_family, key, codec::encode_record(function));
  Status done = commit(std::move(batch));
  if (!done.ok() && done.error().code == "ConditionFailed") return already_exists("Function already exists.");
  return done;
}

Result<UserFunction> Catalog::get_function(const Scope& scope, std::string_view database,
                                           std::string_view name) const {
  MEKONG_TRY_ASSIGN(auto owner, read_database(scope, database));
  const std::string folded = fold_name(name);
  MEKONG_TRY_ASSIGN(auto bytes, store_.get(meta_family, keys::function(owner.value.uid, folded)));
  if (!bytes) return not_found(fmt::format("Function {} not found.", folded));
  return codec::decode_record<UserFunction>(*bytes);
}

Result<Page<UserFunction>> Catalog::list_functions(const Scope& scope, std::string_view database,
                                                   const PageRequest& page) const {
  MEKONG_TRY_ASSIGN(auto owner, read_database(scope, database));
  return read_page<UserFunction>(store_, keys::functions(owner.value.uid), page);
}

Status Catalog::update_function(const Scope& scope, std::string_view database, std::string_view name,
                                UserFunction function) {
  if (fold_name(function.name) != fold_name(name)) {
    return invalid_input("A function cannot be renamed: the names differ.");
  }
  return retry_conflicts([&]() -> Status {
    MEKONG_TRY_ASSIGN(auto owner, read_database(scope, database));
    const std::string key = keys::function(owner.value.uid, fold_name(name));
    MEKONG_TRY_ASSIGN(auto bytes, store_.get(meta_family, key));
    if (!bytes) return not_found(fmt::format("Function {} not found.", name));
    MEKONG_TRY_ASSIGN(auto old, codec::decode_record<UserFunction>(*bytes));
    function.name = old.name;
    function.database = old.database;
    function.create_ms = old.create_ms;
    meta::Batch batch;
    batch.expect_value(meta_family, key, *bytes).put(meta_family, key, codec::encode_record(function));
    return commit(std::move(batch));
  });
}

Status Catalog::delete_function(const Scope& scope, std::string_view database, std::string_view name) {
  MEKONG_TRY_ASSIGN(auto owner, read_database(scope, database));
  const std::string key = keys::function(owner.value.uid, fold_name(name));
  MEKONG_TRY_ASSIGN(auto bytes, store_.get(meta_family, key));
  if (!bytes) return not_found(fmt::format("Function {} not found.", name));
  meta::Batch batch;
  batch.remove(meta_family, key);
  return commit(std::move(batch));
}

}  // namespace mekong::catalog
