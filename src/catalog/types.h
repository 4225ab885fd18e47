// Glue's data model as plain values: databases, tables, partitions, functions.
// Names are lower case (the catalogue folds them, as Glue does). An empty string or map means "not given", so
// a reader sees absent what the writer left out. Times are wall-clock milliseconds; 0: never. Source: the
// Glue API reference, "Catalog".
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mekong::catalog {

using Parameters = std::map<std::string, std::string>;

struct Column {
  std::string name, type, comment;  // type in Hive's words: bigint, array<string>, decimal(10,2)
  Parameters parameters;
  template <class F>
  void each_field(F&& f) {
    f("Name", name), f("Type", type), f("Comment", comment), f("Parameters", parameters);
  }
};

struct SortColumn {
  std::string column;
  int32_t order = 1;  // 1 ascending, 0 descending
  template <class F>
  void each_field(F&& f) {
    f("Column", column), f("SortOrder", order);
  }
};

struct SerDe {
  std::string name, library;  // library: the Java class
  Parameters parameters;
  template <class F>
  void each_field(F&& f) {
    f("Name", name), f("SerializationLibrary", library), f("Parameters", parameters);
  }
};

struct SkewedInfo {
  std::vector<std::string> columns, values;
  Parameters locations;  // value → location
  template <class F>
  void each_field(F&& f) {
    f("SkewedColumnNames", columns), f("SkewedColumnValues", values);
    f("SkewedColumnValueLocationMaps", locations);
  }
};

struct StorageDescriptor {
  std::vector<Column> columns;  // without the partition keys
  std::string location;         // a folder, e.g. s3://bucket/prefix/
  std::string input_format, output_format;
  bool compressed = false;
  int32_t bucket_count = 0;  // -1 or 0: not bucketed
  SerDe serde;
  std::vector<std::string> bucket_columns;
  std::vector<SortColumn> sort_columns;
  Parameters parameters;
  std::optional<SkewedInfo> skewed;
  bool stored_as_sub_directories = false;
  template <class F>
  void each_field(F&& f) {
    f("Columns", columns), f("Location", location), f("InputFormat", input_format);
    f("OutputFormat", output_format), f("Compressed", compressed), f("NumberOfBuckets", bucket_count);
    f("SerdeInfo", serde), f("BucketColumns", bucket_columns), f("SortColumns", sort_columns);
    f("Parameters", parameters), f("SkewedInfo", skewed);
    f("StoredAsSubDirectories", stored_as_sub_directories);
  }
};

struct Database {
  std::string name, description, location;
  Parameters parameters;
  std::string owner;       // the metastore protocol's owner name; Glue has none
  std::string owner_kind;  // USER, ROLE, GROUP
  int64_t create_ms = 0;
  std::string uid;  // the catalogue's own; a database made anew under an old name has another
  Parameters tags;
  template <class F>
  void each_field(F&& f) {
    f("Name", name), f("Description", description), f("LocationUri", location), f("Parameters", parameters);
    f("Owner", owner), f("OwnerKind", owner_kind), f("CreateTime", create_ms), f("Uid", uid);
    f("Tags", tags);
  }
};

struct Table {
  std::string name, database, description, owner;
  int64_t create_ms = 0, update_ms = 0, last_access_ms = 0, last_analyzed_ms = 0;
  int32_t retention_s = 0;
  std::optional<StorageDescriptor> storage;
  std::vector<Column> partition_keys;
  std::string view_original_text, view_expanded_text;
  std::string type;  // EXTERNAL_TABLE, MANAGED_TABLE, VIRTUAL_VIEW …
  Parameters parameters;
  std::string created_by;  // ARN of the maker
  int64_t version = 0;     // grows by one with each update
  std::string uid;         // survives a rename
  template <class F>
  void each_field(F&& f) {
    f("Name", name), f("DatabaseName", database), f("Description", description), f("Owner", owner);
    f("CreateTime", create_ms), f("UpdateTime", update_ms), f("LastAccessTime", last_access_ms);
    f("LastAnalyzedTime", last_analyzed_ms), f("Retention", retention_s), f("StorageDescriptor", storage);
    f("PartitionKeys", partition_keys), f("ViewOriginalText", view_original_text);
    f("ViewExpandedText", view_expanded_text), f("TableType", type), f("Parameters", parameters);
    f("CreatedBy", created_by), f("VersionId", version), f("Uid", uid);
  }
};

struct Partition {
  std::vector<std::string> values;  // one for each partition key, in their order
  int64_t create_ms = 0, last_access_ms = 0, last_analyzed_ms = 0;
  std::optional<StorageDescriptor> storage;
  Parameters parameters;
  template <class F>
  void each_field(F&& f) {
    f("Values", values), f("CreationTime", create_ms), f("LastAccessTime", last_access_ms);
    f("LastAnalyzedTime", last_analyzed_ms), f("StorageDescriptor", storage), f("Parameters", parameters);
  }
};

struct FunctionResource {
  std::string type, uri;  // type: JAR, FILE, ARCHIVE
  template <class F>
  void each_field(F&& f) {
    f("ResourceType", type), f("Uri", uri);
  }
};

struct UserFunction {
  std::string name, database, class_name, owner, owner_kind;
  int64_t create_ms = 0;
  std::vector<FunctionResource> resources;
  template <class F>
  void each_field(F&& f) {
    f("FunctionName", name), f("DatabaseName", database), f("ClassName", class_name), f("OwnerName", owner);
    f("OwnerType", owner_kind), f("CreateTime", create_ms), f("ResourceUris", resources);
  }
};

}  // namespace mekong::catalog
