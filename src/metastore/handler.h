// The metastore's methods, in Hive 2.3's semantics, on the catalogue. Every method asks for the Glue
// permission that it stands for before it looks at anything. One handler serves one connection; calls come
// one at a time.
#pragma once
#include <string>
#include <vector>

#include "gen/metastore/ThriftHiveMetastore.h"
#include "metastore/convert.h"
#include "metastore/session.h"

namespace mekong::metastore {

using Names = std::vector<std::string>;

class Handler final : public thrift::ThriftHiveMetastoreIf {
 public:
  explicit Handler(Session session) : session_(std::move(session)) {}

  // The server and its settings (misc.cpp)
  void getName(std::string& out) override { out = "Mekong metastore"; }
  void getVersion(std::string& out) override { out = "2.3.9"; }
  int64_t aliveSince() override { return 0; }
  void shutdown() override {}  // Hive's client says good-bye so; the server goes on
  void getMetaConf(std::string& out, const std::string& key) override;
  void setMetaConf(const std::string& key, const std::string& value) override;
  void get_config_value(std::string& out, const std::string& name, const std::string& fallback) override;
  // A name that the client gives itself proves nothing and is not used.
  void set_ugi(Names& out, const std::string& user, const Names& groups) override { out = {user}; }

  // databases.cpp
  void create_database(const thrift::Database& database) override;
  void get_database(thrift::Database& out, const std::string& name) override;
  void drop_database(const std::string& name, bool delete_data, bool cascade) override;
  void get_databases(Names& out, const std::string& pattern) override;
  void get_all_databases(Names& out) override { get_databases(out, "*"); }
  void alter_database(const std::string& name, const thrift::Database& database) override;

  // tables.cpp
  using Context = thrift::EnvironmentContext;
  void create_table(const thrift::Table& table) override;
  void create_table_with_environment_context(const thrift::Table& table, const Context&) override {
    create_table(table);
  }
  void drop_table(const std::string& database, const std::string& name, bool delete_data) override;
  void drop_table_with_environment_context(const std::string& database, const std::string& name,
                                           bool delete_data, const Context&) override {
    drop_table(database, name, delete_data);
  }
  void alter_table(const std::string& database, const std::string& name, const thrift::Table& table) override;
  void alter_table_with_environment_context(const std::string& database, const std::string& name,
                                            const thrift::Table& table, const Context& context) override;
  void get_table(thrift::Table& out, const std::string& database, const std::string& name) override;
  void get_table_req(thrift::GetTableResult& out, const thrift::GetTableRequest& request) override;
  void get_table_objects_by_name(std::vector<thrift::Table>& out, const std::string& database,
                                 const Names& names) override;
  void get_table_objects_by_name_req(thrift::GetTablesResult& out,
                                     const thrift::GetTablesRequest& request) override;
  void get_tables(Names& out, const std::string& database, const std::string& pattern) override;
  void get_tables_by_type(Names& out, const std::string& database, const std::string& pattern,
                          const std::string& type) override;
  void get_table_meta(std::vector<thrift::TableMeta>& out, const std::string& database_pattern,
                      const std::string& table_pattern, const Names& types) override;
  void get_all_tables(Names& out, const std::string& database) override { get_tables(out, database, "*"); }
  void get_fields(std::vector<thrift::FieldSchema>& out, const std::string& database,
                  const std::string& name) override;
  void get_schema(std::vector<thrift::FieldSchema>& out, const std::string& database,
                  const std::string& name) override;

  // partition_reads.cpp
  using Partitions = std::vector<thrift::Partition>;
  void get_partition(thrift::Partition& out, const std::string& database, const std::string& table,
                     const Names& values) override;
  void get_partition_with_auth(thrift::Partition& out, const std::string& database, const std::string& table,
                               const Names& values, const std::string&, const Names&) override {
    get_partition(out, database, table, values);
  }
  void get_partition_by_name(thrift::Partition& out, const std::string& database, const std::string& table,
                             const std::string& name) override;
  void get_partitions(Partitions& out, const std::string& database, const std::string& table,
                      int16_t max) override {
    get_partitions_ps(out, database, table, {}, max);
  }
  void get_partitions_with_auth(Partitions& out, const std::string& database, const std::string& table,
                                int16_t max, const std::string&, const Names&) override {
    get_partitions_ps(out, database, table, {}, max);
  }
  void get_partition_names(Names& out, const std::string& database, const std::string& table,
                           int16_t max) override;
  void get_partitions_ps(Partitions& out, const std::string& database, const std::string& table,
                         const Names& values, int16_t max) override;
  void get_partitions_ps_with_auth(Partitions& out, const std::string& database, const std::string& table,
                                   const Names& values, int16_t max, const std::string&,
                                   const Names&) override {
    get_partitions_ps(out, database, table, values, max);
  }
  void get_partition_names_ps(Names& out, const std::string& database, const std::string& table,
                              const Names& values, int16_t max) override;
  void get_partitions_by_filter(Partitions& out, const std::string& database, const std::string& table,
                                const std::string& filter, int16_t max) override;
  int32_t get_num_partitions_by_filter(const std::string& database, const std::string& table,
                                       const std::string& filter) override;
  void get_partitions_by_names(Partitions& out, const std::string& database, const std::string& table,
                               const Names& names) override;

  // partition_writes.cpp
  void add_partition(thrift::Partition& out, const thrift::Partition& partition) override;
  void add_partition_with_environment_context(thrift::Partition& out, const thrift::Partition& partition,
                                              const Context&) override {
    add_partition(out, partition);
  }
  int32_t add_partitions(const Partitions& partitions) override;
  void add_partitions_req(thrift::AddPartitionsResult& out,
                          const thrift::AddPartitionsRequest& request) override;
  bool drop_partition(const std::string& database, const std::string& table, const Names& values,
                      bool delete_data) override;
  bool drop_partition_with_environment_context(const std::string& database, const std::string& table,
                                               const Names& values, bool delete_data,
                                               const Context&) override {
    return drop_partition(database, table, values, delete_data);
  }
  void drop_partitions_req(thrift::DropPartitionsResult& out,
                           const thrift::DropPartitionsRequest& request) override;
  void alter_partition(const std::string& database, const std::string& table,
                       const thrift::Partition& partition) override;
  void alter_partition_with_environment_context(const std::string& database, const std::string& table,
                                                const thrift::Partition& partition, const Context&) override {
    alter_partition(database, table, partition);
  }
  void alter_partitions(const std::string& database, const std::string& table,
                        const Partitions& partitions) override;
  void alter_partitions_with_environment_context(const std::string& database, const std::string& table,
                                                 const Partitions& partitions, const Context&) override {
    alter_partitions(database, table, partitions);
  }
  void rename_partition(const std::string& database, const std::string& table, const Names& values,
                        const thrift::Partition& partition) override;
  bool partition_name_has_valid_characters(const Names& values, bool throw_exception) override;

  // misc.cpp: functions
  void create_function(const thrift::Function& function) override;
  void drop_function(const std::string& database, const std::string& name) override;
  void alter_function(const std::string& database, const std::string& name,
                      const thrift::Function& function) override;
  void get_functions(Names& out, const std::string& database, const std::string& pattern) override;
  void get_function(thrift::Function& out, const std::string& database, const std::string& name) override;
  void get_all_functions(thrift::GetAllFunctionsResponse& out) override;

 private:
  catalog::Catalog& catalog() const { return session_.catalog(); }
  Scope scope() const { return session_.scope(); }
  std::vector<catalog::Database> databases() const;
  std::vector<catalog::Table> tables(const std::string& database) const;
  // A table read under the permission for its partitions.
  catalog::Table table_for(std::string_view action, const std::string& database,
                           const std::string& name) const;
  using Visit = std::function<void(catalog::Partition)>;
  void each_partition(const catalog::Table& table, const Names& prefix,
                      const catalog::PartitionFilter* filter, int32_t max, const Visit& visit) const;
  std::vector<catalog::Partition> to_add(const catalog::Table& table, const Partitions& partitions) const;
  void drop_values(const catalog::Table& table, const Names& values, bool delete_data) const;
  // Removes data once the catalogue has let go of it.
  void remove_data(const std::vector<std::string>& locations) const;

  Session session_;
};

}  // namespace mekong::metastore
