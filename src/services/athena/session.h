// One statement as it runs: as its caller, who must be allowed to read the tables and the objects, to write
// the result and to change the catalogue. One thread at a time, which it blocks.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/authoriser.h"
#include "base/logging.h"
#include "catalog/catalog.h"
#include "objects/objects.h"
#include "os/clock.h"
#include "os/random.h"
#include "services/athena/records.h"
#include "sql/worker.h"

namespace mekong::athena {

struct Engines {
  objects::Store& objects;
  catalog::Catalog& catalog;
  sql::Workers& workers;
  const Authoriser& authoriser;
  const os::Clock& clock;
  os::Random& random;
  Logger& logger;
};

class Session {
 public:
  // Everything given must outlive it. What the statement brings is written into `execution`.
  Session(const Engines& engines, Records& records, Execution& execution, PrincipalPtr principal,
          sql::Worker& worker);
  // Errors: a reason as users of Athena know it, code and message.
  Status run();

 private:
  using Handler = Status (Session::*)(const sql::Statement&);
  struct Operation {
    Handler handler;
    const char* type;  // StatementType
  };
  static const std::map<std::string, Operation>& operations();

  // A table that a query reads, until its files are known.
  struct Source {
    sql::Table table;
    catalog::Table definition;
    std::vector<catalog::Partition> partitions;
  };
  // Files that are written and not yet to be seen.
  struct Written {
    std::vector<std::string> values;  // of the partition
    std::string folder, name;
    std::unique_ptr<objects::ObjectWriter> writer;
  };
  // Where a statement writes to, and how.
  struct Target {
    std::string location;  // a folder
    std::vector<std::string> keys;
    std::map<std::vector<std::string>, std::string> folders;  // of partitions that are there
    sql::Output output;
  };

  // session.cpp
  Status may(std::string_view action, const sql::TableName& name) const;
  Status may(std::string_view action, const std::string& resource) const;
  sql::TableName full_name(const sql::TableName& name) const;
  Result<catalog::Table> table(std::string_view action, const sql::TableName& name) const;
  Result<sql::Statement> parse();
  Status prepare(const sql::Statement& statement);
  Status deallocate(const sql::Statement& statement);
  Status write_lines(const std::vector<std::string>& columns, const std::vector<std::string>& lines);

  // queries.cpp
  Status select(const sql::Statement& statement);
  Result<sql::Query> load(const sql::Statement& statement);
  Status add_source(const sql::TableName& name, int depth);
  Status add_view(const sql::TableName& name, const catalog::Table& view, int depth);
  Status add_partitions_of(Source& source);
  Status prune();
  Status add_files(Source& source, sql::Query& query);
  Status add_group(const catalog::StorageDescriptor& storage, const catalog::Table& table,
                   sql::FileGroup group, Source& source, sql::Query& query);

  // information.cpp
  Status add_information(const sql::TableName& name);
  Result<std::vector<catalog::Table>> visible_tables(const std::vector<std::string>& databases) const;
  static void add_columns_of(const catalog::Table& table, std::vector<std::vector<std::string>>& rows);

  // writes.cpp
  Status create_table_as(const sql::Statement& statement);
  Status insert(const sql::Statement& statement);
  Status unload(const sql::Statement& statement);
  Result<std::vector<sql::ResultColumn>> write(const sql::Statement& statement, const Target& target);
  Status open_file(const sql::OutputFile& file, const Target& target);
  Status finish_files(const Target& target, int64_t rows);
  Status add_new_partitions(const sql::TableName& name, const catalog::StorageDescriptor& storage,
                            const Target& target);
  Status write_manifest(const std::string& base);
  Status check_empty(const std::string& location, const std::string& what) const;

  // ddl.cpp
  Status create_database(const sql::Statement& statement);
  Status drop_database(const sql::Statement& statement);
  Status create_table(const sql::Statement& statement);
  Status drop_table(const sql::Statement& statement);
  Status change_columns(const sql::Statement& statement);
  Status set_location(const sql::Statement& statement);
  Status set_properties(const sql::Statement& statement);
  Status create_view(const sql::Statement& statement);
  Status change_table(const sql::TableName& name, const std::function<Status(catalog::Table&)>& change);

  // partitions.cpp
  Status add_partitions(const sql::Statement& statement);
  Status drop_partitions(const sql::Statement& statement);
  Status repair(const sql::Statement& statement);
  Status show_partitions(const sql::Statement& statement);
  Result<std::vector<catalog::Partition>> all_partitions(const sql::TableName& name) const;
  Result<std::vector<std::string>> folders_below(const std::string& location, size_t levels) const;

  // show.cpp
  Status show_databases(const sql::Statement& statement);
  Status show_tables(const sql::Statement& statement);
  Status show_columns(const sql::Statement& statement);
  Status show_properties(const sql::Statement& statement);
  Status show_create(const sql::Statement& statement);
  Status describe(const sql::Statement& statement);

  const Engines& engines_;
  Records& records_;
  Execution& execution_;
  const std::string folder_;  // of results
  Scope scope_;
  objects::ObjectAccess access_;
  PrincipalPtr principal_;
  sql::Worker& worker_;
  std::vector<Source> sources_;
  std::set<sql::TableName> seen_;
  std::vector<Written> written_;
};

// "k=v" as Hive writes it into a path, and back.
std::string escape_partition(std::string_view text);
std::string unescape_partition(std::string_view text);
// "a=1/b=2"
std::string partition_path(const std::vector<catalog::Column>& keys, const std::vector<std::string>& values);
std::string as_folder(std::string location);
// The query and the schema of a view that Athena made. "NotImplemented": another engine's view.
struct ViewText {
  std::string sql, schema;
};
Result<ViewText> view_text(const catalog::Table& view);

}  // namespace mekong::athena
