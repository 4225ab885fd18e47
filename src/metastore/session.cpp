#include "metastore/session.h"

#include <fmt/format.h>

namespace mekong::metastore {
namespace {

template <class E>
[[noreturn]] void raise(const Error& error, std::string text) {
  E exception;
  exception.message = std::move(text);
  throw exception;
}

std::string coded(const Error& error) {
  return error.code + ": " + error.message;
}

}  // namespace

Session::Session(const Shared& shared, Result<PrincipalPtr> principal)
    : shared_(shared), principal_(std::move(principal)) {}

const PrincipalPtr& Session::principal() const {
  if (principal_.ok()) return *principal_;
  throw_meta({"AccessDenied", "the caller is not authenticated: " + principal_.error().message});
}

Scope Session::scope() const {
  return {principal()->account, shared_.region};
}

std::vector<std::string> Session::resources(const Target& target) const {
  const std::string base =
      fmt::format("arn:aws:glue:{}:{}:", shared_.region.value, principal()->account.value);
  std::vector<std::string> arns = {base + "catalog"};
  const std::string database = catalog::fold_name(target.database);
  if (!database.empty()) arns.push_back(base + "database/" + database);
  if (!target.table.empty()) {
    arns.push_back(base + "table/" + database + "/" + catalog::fold_name(target.table));
  }
  if (!target.function.empty()) {
    arns.push_back(base + "userDefinedFunction/" + database + "/" + catalog::fold_name(target.function));
  }
  return arns;
}

Decision Session::decide(std::string_view action, const std::string& resource) const {
  return shared_.authoriser.decide({.principal = *principal(), .action = action, .resource = resource});
}

bool Session::may(std::string_view action, const Target& target) const {
  for (const auto& resource : resources(target)) {
    if (!decide(action, resource).allowed) return false;
  }
  return true;
}

void Session::allow(std::string_view action, const Target& target) const {
  for (const auto& resource : resources(target)) {
    const Decision decision = decide(action, resource);
    if (decision.allowed) continue;
    throw_meta({"AccessDenied", fmt::format("User: {} is not authorized to perform: {} on resource: {} {}",
                                            principal()->arn, action, resource, decision.reason)});
  }
}

std::string Session::database_location(const catalog::Database& database) const {
  if (!database.location.empty()) return database.location;
  std::string warehouse = shared_.warehouse;
  const std::string_view account = "{account}";
  if (const auto at = warehouse.find(account); at != std::string::npos) {
    warehouse.replace(at, account.size(), principal()->account.value);
  }
  return database.name == "default" ? warehouse : warehouse + "/" + database.name + ".db";
}

void throw_meta(const Error& error) {
  raise<thrift::MetaException>(error, coded(error));
}

void throw_read(const Error& error) {
  if (error.code == "EntityNotFoundException") raise<thrift::NoSuchObjectException>(error, error.message);
  throw_meta(error);
}

void throw_create(const Error& error) {
  if (error.code == "EntityNotFoundException") raise<thrift::NoSuchObjectException>(error, error.message);
  throw_add(error);
}

void throw_add(const Error& error) {
  if (error.code == "AlreadyExistsException") raise<thrift::AlreadyExistsException>(error, error.message);
  if (error.code == "InvalidInputException" || error.code == "EntityNotFoundException") {
    raise<thrift::InvalidObjectException>(error, error.message);
  }
  throw_meta(error);
}

void throw_alter(const Error& error) {
  if (error.code == "EntityNotFoundException" || error.code == "AlreadyExistsException" ||
      error.code == "InvalidInputException") {
    raise<thrift::InvalidOperationException>(error, error.message);
  }
  throw_meta(error);
}

}  // namespace mekong::metastore
