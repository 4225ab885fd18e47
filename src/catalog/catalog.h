// The catalogue: one truth about databases, tables and partitions, under the Glue API, the Hive metastore
// protocol and Athena. It authorises nobody: each face asks before it calls.
//
// State is kept in meta, by account and region. Every write is one atomic batch, guarded by conditions on
// what it was decided from, and durable when the call returns. Reads see the newest committed state. Threads:
// any pool thread; calls block for a commit, never on an I/O thread. Errors, in Glue's words:
// "EntityNotFoundException", "AlreadyExistsException", "InvalidInputException",
// "ConcurrentModificationException" (somebody else changed the same thing again and again, or the version
// given is not the newest one), and what meta reports.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "catalog/partition_filter.h"
#include "catalog/types.h"
#include "meta/store.h"
#include "os/clock.h"
#include "os/random.h"

namespace mekong::catalog {

// The meta family that `open_rocksdb` must be told of.
inline constexpr std::string_view meta_family = "catalog";

struct TableName {
  std::string database, table;
};

// Where a listing goes on: `after` is `next` of the page before, empty for the first.
struct PageRequest {
  std::string after;
  size_t limit = 100;
};

template <class T>
struct Page {
  std::vector<T> items;
  std::string next;  // empty: this was the last page
};

// One part of a table's partitions, for readers that list in parallel: partition p belongs to segment
// hash(p) % total.
struct Segment {
  int32_t number = 0, total = 1;
};

struct PartitionQuery {
  std::vector<std::string> prefix;          // values of the first keys; empty: all partitions
  const PartitionFilter* filter = nullptr;  // none: all
  std::optional<Segment> segment;
  PageRequest page;
};

struct UpdateTableOptions {
  bool keep_old_version = true;             // the old definition stays readable by table_versions
  std::optional<int64_t> expected_version;  // fails with ConcurrentModificationException on any other
  bool keep_create_time = true;
};

// A partition that could not be written, and why.
struct PartitionError {
  std::vector<std::string> values;
  Error error;
};

class Catalog {
 public:
  Catalog(meta::Store& store, const os::Clock& clock, os::Random& random);

  // Databases. `default` is there in every account and region: made at its first use.
  Status create_database(const Scope& scope, Database database);
  Result<Database> get_database(const Scope& scope, std::string_view name) const;
  Result<Page<Database>> list_databases(const Scope& scope, const PageRequest& page) const;
  // Replaces the definition; what else there is of it (its tags) stays.
  Status update_database(const Scope& scope, std::string_view name, Database database);
  // In one step with what was read: `change` may be called again, and fails with errors of its own.
  Status change_tags(const Scope& scope, std::string_view name,
                     const std::function<Status(Parameters&)>& change);
  // With everything inside, as Glue does; a face that wants an empty database looks first.
  Status delete_database(const Scope& scope, std::string_view name);

  // Tables.
  Status create_table(const Scope& scope, Table table);
  Result<Table> get_table(const Scope& scope, const TableName& name) const;
  Result<Page<Table>> list_tables(const Scope& scope, std::string_view database,
                                  const PageRequest& page) const;
  // Replaces the definition; a new name in `table` renames, partitions and versions stay.
  Status update_table(const Scope& scope, const TableName& name, Table table,
                      const UpdateTableOptions& options = {});
  Status delete_table(const Scope& scope, const TableName& name);
  // Newest first, the current one included.
  Result<Page<Table>> table_versions(const Scope& scope, const TableName& name,
                                     const PageRequest& page) const;

  // Partitions. A write of many is one batch: all or nothing, unless it says otherwise.
  Status create_partitions(const Scope& scope, const TableName& name, std::vector<Partition> partitions,
                           bool skip_existing = false);
  // Writes those that can be written; the others come back by name.
  Result<std::vector<PartitionError>> create_each_partition(const Scope& scope, const TableName& name,
                                                            std::vector<Partition> partitions);
  Result<Partition> get_partition(const Scope& scope, const TableName& name,
                                  const std::vector<std::string>& values) const;
  // Those of `values` that exist, in their order.
  Result<std::vector<Partition>> get_partitions(const Scope& scope, const TableName& name,
                                                const std::vector<std::vector<std::string>>& values) const;
  // In the order of their values.
  Result<Page<Partition>> list_partitions(const Scope& scope, const TableName& name,
                                          const PartitionQuery& query) const;
  // Replaces the partition at `values`; other values in `partition` rename it.
  Status update_partition(const Scope& scope, const TableName& name, const std::vector<std::string>& values,
                          Partition partition);
  Status delete_partition(const Scope& scope, const TableName& name, const std::vector<std::string>& values);

  // Functions.
  Status create_function(const Scope& scope, UserFunction function);
  Result<UserFunction> get_function(const Scope& scope, std::string_view database,
                                    std::string_view name) const;
  Result<Page<UserFunction>> list_functions(const Scope& scope, std::string_view database,
                                            const PageRequest& page) const;
  Status update_function(const Scope& scope, std::string_view database, std::string_view name,
                         UserFunction function);
  Status delete_function(const Scope& scope, std::string_view database, std::string_view name);

 private:
  // A record with the bytes it was read from: the condition for a write that was decided from it.
  template <class T>
  struct Stored {
    T value;
    std::string key, bytes;
  };

  Result<Stored<Database>> read_database(const Scope& scope, std::string_view name) const;
  Result<Stored<Database>> make_default_database(const Scope& scope) const;
  Result<Stored<Table>> read_table(const Scope& scope, const TableName& name) const;
  Result<Stored<Partition>> read_partition(const Stored<Table>& table,
                                           const std::vector<std::string>& values) const;
  Status commit(meta::Batch batch) const;
  Status delete_prefix(const std::string& prefix) const;
  Result<meta::Batch> partitions_batch(const Stored<Table>& table, std::vector<Partition>& partitions,
                                       bool skip_existing) const;

  meta::Store& store_;
  const os::Clock& clock_;
  os::Random& random_;
};

// ASCII lower case, as Glue folds names.
std::string fold_name(std::string_view name);

}  // namespace mekong::catalog
