// One client's connection: who it is, what it may, and the answers' errors in the protocol's words.
// Inside this module a refused call is an exception of the protocol, because Thrift's dispatcher takes
// answers only so; none leaves the module.
#pragma once
#include <string>
#include <string_view>

#include "base/authoriser.h"
#include "base/ids.h"
#include "catalog/catalog.h"
#include "gen/metastore/ThriftHiveMetastore.h"
#include "metastore/folders.h"

namespace mekong::metastore {

// What every connection shares.
struct Shared {
  catalog::Catalog& catalog;
  const Authoriser& authoriser;
  Folders& folders;
  const os::Clock& clock;
  Region region;
  std::string warehouse;  // "{account}" stands for the caller's account; no slash at its end
};

// What a Glue permission is asked on; with a table, its database and the catalogue are asked, too.
struct Target {
  std::string database, table, function;
};

class Session {
 public:
  // `principal`: who called, or why that is unknown; then every call is refused with that text.
  Session(const Shared& shared, Result<PrincipalPtr> principal);

  // Throws MetaException when the caller is unknown or may not do `action` ("glue:GetTable") on the target.
  void allow(std::string_view action, const Target& target) const;
  bool may(std::string_view action, const Target& target) const;

  const PrincipalPtr& principal() const;  // throws MetaException when unknown
  Scope scope() const;
  catalog::Catalog& catalog() const { return shared_.catalog; }
  Folders& folders() const { return shared_.folders; }
  const os::Clock& clock() const { return shared_.clock; }
  // Where a database's tables go when it names no place: warehouse/name.db, `default`: the warehouse itself.
  std::string database_location(const catalog::Database& database) const;

 private:
  Decision decide(std::string_view action, const std::string& resource) const;
  std::vector<std::string> resources(const Target& target) const;
  const Shared& shared_;
  Result<PrincipalPtr> principal_;
};

// The protocol's exception for an error, by the kind of method: each declares other ones.
[[noreturn]] void throw_meta(const Error& error);  // MetaException for everything
[[noreturn]] void throw_read(const Error& error);  // + NoSuchObjectException
[[noreturn]] void throw_create(
    const Error& error);                          // + AlreadyExists-, InvalidObject-, NoSuchObjectException
[[noreturn]] void throw_add(const Error& error);  // + AlreadyExists-, InvalidObjectException
[[noreturn]] void throw_alter(
    const Error& error);  // InvalidOperationException for what is not there or taken

using Thrower = void (*)(const Error&);

template <class T>
T value_or_throw(Result<T> result, Thrower thrower) {
  if (!result.ok()) thrower(result.error());
  return std::move(result).value();
}
inline void ok_or_throw(const Status& status, Thrower thrower) {
  if (!status.ok()) thrower(status.error());
}

}  // namespace mekong::metastore
