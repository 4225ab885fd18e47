// Table data in the object store: s3://, s3a:// and s3n:// locations, as the caller. A location that is a
// whole bucket is refused, so that no DROP TABLE empties one.
#pragma once
#include "metastore/folders.h"
#include "objects/objects.h"

namespace mekong::metastore {

class ObjectFolders final : public Folders {
 public:
  ObjectFolders(objects::Store& store, const Authoriser& authoriser)
      : store_(store), authoriser_(authoriser) {}
  Status supports(const std::string& location) const override;
  Status remove(const PrincipalPtr& principal, const std::string& location) override;
  Status copy(const PrincipalPtr& principal, const std::string& from, const std::string& to) override;

 private:
  objects::Store& store_;
  const Authoriser& authoriser_;
};

}  // namespace mekong::metastore
