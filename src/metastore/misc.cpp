#include "metastore/handler.h"

namespace mekong::metastore {

void Handler::getMetaConf(std::string& out, const std::string& key) {
  session_.principal();
  throw_meta({"NotImplemented", "the metastore has no setting " + key});
}

void Handler::setMetaConf(const std::string& key, const std::string& value) {
  session_.principal();
  throw_meta({"NotImplemented", "the metastore has no setting " + key});
}

void Handler::get_config_value(std::string& out, const std::string& name, const std::string& fallback) {
  session_.principal();
  out = name == "hive.exec.default.partition.name" ? std::string(catalog::null_partition) : fallback;
}

void Handler::create_function(const thrift::Function& function) {
  session_.allow("glue:CreateUserDefinedFunction", {.database = function.dbName});
  ok_or_throw(catalog().create_function(scope(), from_thrift(function)), throw_create);
}

void Handler::drop_function(const std::string& database, const std::string& name) {
  session_.allow("glue:DeleteUserDefinedFunction", {.database = database, .function = name});
  ok_or_throw(catalog().delete_function(scope(), database, name), throw_read);
}

void Handler::alter_function(const std::string& database, const std::string& name,
                             const thrift::Function& function) {
  session_.allow("glue:UpdateUserDefinedFunction", {.database = database, .function = name});
  ok_or_throw(catalog().update_function(scope(), database, name, from_thrift(function)), throw_alter);
}

void Handler::get_functions(Names& out, const std::string& database, const std::string& pattern) {
  session_.allow("glue:GetUserDefinedFunctions", {.database = database});
  catalog::PageRequest page;
  do {
    auto found = catalog().list_functions(scope(), database, page);
    if (!found.ok() && found.error().code == "EntityNotFoundException") return;
    const auto functions = value_or_throw(std::move(found), throw_meta);
    for (const auto& function : functions.items) {
      if (matches_pattern(pattern, function.name)) out.push_back(function.name);
    }
    page.after = functions.next;
  } while (!page.after.empty());
}

void Handler::get_function(thrift::Function& out, const std::string& database, const std::string& name) {
  session_.allow("glue:GetUserDefinedFunction", {.database = database, .function = name});
  auto function = catalog().get_function(scope(), database, name);
  if (!function.ok() && function.error().code == "EntityNotFoundException") {
    // Clients know an absent function by these words (Spark's HiveShim does).
    throw_read({"EntityNotFoundException", "Function " + database + "." + name + " does not exist"});
  }
  out = to_thrift(value_or_throw(std::move(function), throw_read));
}

// Hive's client asks for all of them when it starts; one who may see no functions has none to load.
void Handler::get_all_functions(thrift::GetAllFunctionsResponse& out) {
  session_.principal();
  out.__isset.functions = true;
  for (const auto& database : databases()) {
    if (!session_.may("glue:GetUserDefinedFunctions", {.database = database.name})) continue;
    Names names;
    get_functions(names, database.name, "*");
    for (const auto& name : names) {
      auto function = catalog().get_function(scope(), database.name, name);
      if (function.ok()) out.functions.push_back(to_thrift(*function));
    }
  }
}

}  // namespace mekong::metastore
