// What a text in Athena's dialect asks for, and what a query reads and writes: the words between the server
// and a worker (workers/sql_worker.py). Plain values.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace mekong::sql {

struct TableName {
  std::string database, table;
  template <class F>
  void each_field(F&& f) {
    f("database", database), f("table", table);
  }
  friend auto operator<=>(const TableName&, const TableName&) = default;
};

struct TableColumn {
  std::string name, type, comment;  // type in Hive's words
  int32_t source = 0;  // of what is written: the query's column that fills it, from 1; 0: it is null
  template <class F>
  void each_field(F&& f) {
    f("name", name), f("type", type), f("comment", comment), f("source", source);
  }
};

struct Format {
  std::string serde, input_format, output_format;  // Java classes
  std::map<std::string, std::string> properties;
  template <class F>
  void each_field(F&& f) {
    f("serde", serde), f("input_format", input_format), f("output_format", output_format);
    f("properties", properties);
  }
};

struct PartitionSpec {
  std::map<std::string, std::string> values;
  std::string location;
  template <class F>
  void each_field(F&& f) {
    f("values", values), f("location", location);
  }
};

struct Statement {
  // With a query: select, create_table_as, insert, unload, create_view.
  // Else: create_database, drop_database, create_table, drop_table, drop_view, add_columns, replace_columns,
  // add_partitions, drop_partitions, set_location, set_properties, repair, describe, show_databases,
  // show_tables, show_views, show_columns, show_partitions, show_properties, show_create_table,
  // show_create_view, prepare, execute, deallocate.
  std::string operation;
  std::string sql;                // the query, for Worker::run
  std::vector<TableName> tables;  // what the query reads, each once
  TableName target;
  bool if_exists = false;  // IF [NOT] EXISTS was said
  bool cascade = false, replace = false;
  std::vector<TableColumn> columns, keys;
  Format format;
  std::string location, comment, pattern, name, text;
  std::map<std::string, std::string> properties;
  std::vector<std::string> partitioned_by, parameters;
  std::vector<PartitionSpec> partitions;
  template <class F>
  void each_field(F&& f) {
    f("operation", operation), f("sql", sql), f("tables", tables), f("target", target);
    f("if_exists", if_exists), f("cascade", cascade), f("replace", replace), f("columns", columns);
    f("keys", keys), f("format", format), f("location", location), f("comment", comment);
    f("pattern", pattern), f("name", name), f("text", text), f("properties", properties);
    f("partitioned_by", partitioned_by), f("parameters", parameters), f("partitions", partitions);
  }
};

// Files that share their partition values and their format.
struct FileGroup {
  std::vector<std::string> values;  // one a key
  std::vector<std::string> files;   // names in InputFile
  Format format;                    // serde and properties count
  template <class F>
  void each_field(F&& f) {
    f("values", values), f("files", files), f("format", format);
  }
};

struct Table {
  std::string database, table;
  std::vector<TableColumn> columns, keys;
  std::vector<FileGroup> groups;
  std::optional<std::vector<std::vector<std::string>>> rows;  // instead of files; an empty text is null
  std::string view_sql;  // a view: its query as parse() gave it; the tables that it reads come before it
  template <class F>
  void each_field(F&& f) {
    f("database", database), f("table", table), f("columns", columns), f("keys", keys), f("groups", groups);
    f("rows", rows), f("view_sql", view_sql);
  }
};

// An object as one or more descriptors. Owns and closes them.
struct InputFile {
  InputFile() = default;
  InputFile(InputFile&& other) noexcept = default;
  ~InputFile();
  std::string name;
  std::vector<int> descriptors;
  std::vector<uint64_t> sizes;
};

// Files to be written instead of rows to be given.
struct Output {
  std::string format = "PARQUET";    // or JSON, TEXTFILE
  std::string compression;           // GZIP where empty
  std::string delimiter;             // TEXTFILE
  std::vector<std::string> keys;     // the last columns: one file for each of their values
  std::vector<TableColumn> columns;  // of the table to write into, keys last; empty: those of the query
  template <class F>
  void each_field(F&& f) {
    f("format", format), f("compression", compression), f("delimiter", delimiter), f("keys", keys);
    f("columns", columns);
  }
};

struct ResultColumn {
  std::string name, type;  // type in Athena's words
  int32_t precision = 0, scale = 0;
  std::string hive, trino;  // the type of a table's column that keeps it (empty: none does); as views name it
  template <class F>
  void each_field(F&& f) {
    f("name", name), f("type", type), f("precision", precision), f("scale", scale), f("hive", hive);
    f("trino", trino);
  }
};

using ResultRow = std::vector<std::optional<std::string>>;  // as Athena prints values; none: null

struct OutputFile {
  std::vector<std::string> values;  // of the keys
  std::string ending;               // of its name: ".gz" …
  template <class F>
  void each_field(F&& f) {
    f("values", values), f("ending", ending);
  }
};

// What comes back, in order: columns once, then rows; or with an Output each file and then its bytes. A
// refusal ends the query with that error.
struct ResultSink {
  std::function<Status(const std::vector<ResultColumn>&)> columns;
  std::function<Status(const ResultRow&)> row;
  std::function<Status(const OutputFile&)> file;
  std::function<Status(const std::string&)> bytes;
};

struct Query {
  std::string sql;
  std::vector<Table> tables;
  std::vector<InputFile> files;
  int64_t scanned_bytes_max = 0;  // "BytesScannedLimitExceeded" beyond; 0: none
  std::optional<Output> output;
};

struct Outcome {
  int64_t rows = 0;  // given or written
  int64_t scanned_bytes = 0;
};

}  // namespace mekong::sql
