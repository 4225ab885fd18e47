// AWS Glue's Data Catalog: databases, tables, partitions, functions, as json 1.1 on the shared catalogue.
// Names fold to lower case before a permission is asked on them, so that no spelling walks around a Deny.
#pragma once
#include "catalog/catalog.h"
#include "gen/glue/service.h"

namespace mekong::glue {

namespace model = gen::glue;

class Service final : public model::Service {
 public:
  explicit Service(catalog::Catalog& catalog) : catalog_(catalog) {}

#include "gen/glue/operations.inc"

 private:
  catalog::Catalog& catalog_;
};

}  // namespace mekong::glue
