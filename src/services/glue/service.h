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

#define MEKONG_GLUE_OPERATION(Name, name) \
  Result<model::Name##Response> name(api::Context& ctx, const model::Name##Request& request) override;

  // ops_databases.cpp
  MEKONG_GLUE_OPERATION(CreateDatabase, create_database)
  MEKONG_GLUE_OPERATION(GetDatabase, get_database)
  MEKONG_GLUE_OPERATION(GetDatabases, get_databases)
  MEKONG_GLUE_OPERATION(UpdateDatabase, update_database)
  MEKONG_GLUE_OPERATION(DeleteDatabase, delete_database)
  // ops_tables.cpp
  MEKONG_GLUE_OPERATION(CreateTable, create_table)
  MEKONG_GLUE_OPERATION(GetTable, get_table)
  MEKONG_GLUE_OPERATION(GetTables, get_tables)
  MEKONG_GLUE_OPERATION(UpdateTable, update_table)
  MEKONG_GLUE_OPERATION(DeleteTable, delete_table)
  MEKONG_GLUE_OPERATION(BatchDeleteTable, batch_delete_table)
  MEKONG_GLUE_OPERATION(GetTableVersion, get_table_version)
  MEKONG_GLUE_OPERATION(GetTableVersions, get_table_versions)
  // ops_partitions.cpp
  MEKONG_GLUE_OPERATION(CreatePartition, create_partition)
  MEKONG_GLUE_OPERATION(BatchCreatePartition, batch_create_partition)
  MEKONG_GLUE_OPERATION(GetPartition, get_partition)
  MEKONG_GLUE_OPERATION(GetPartitions, get_partitions)
  MEKONG_GLUE_OPERATION(BatchGetPartition, batch_get_partition)
  MEKONG_GLUE_OPERATION(UpdatePartition, update_partition)
  MEKONG_GLUE_OPERATION(DeletePartition, delete_partition)
  MEKONG_GLUE_OPERATION(BatchDeletePartition, batch_delete_partition)
  // ops_functions.cpp
  MEKONG_GLUE_OPERATION(CreateUserDefinedFunction, create_user_defined_function)
  MEKONG_GLUE_OPERATION(GetUserDefinedFunction, get_user_defined_function)
  MEKONG_GLUE_OPERATION(GetUserDefinedFunctions, get_user_defined_functions)
  MEKONG_GLUE_OPERATION(UpdateUserDefinedFunction, update_user_defined_function)
  MEKONG_GLUE_OPERATION(DeleteUserDefinedFunction, delete_user_defined_function)
#undef MEKONG_GLUE_OPERATION

 private:
  catalog::Catalog& catalog_;
};

}  // namespace mekong::glue
