// Statements that write files: CREATE TABLE AS, INSERT INTO, UNLOAD. The files are committed only after the
// worker has written the last of them, the catalogue is changed after that.
#include <fmt/format.h>

#include "services/athena/projection.h"
#include "services/athena/result_files.h"
#include "services/athena/session.h"

namespace mekong::athena {
namespace {

constexpr const char* parquet_serde = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe";
constexpr const char* text_serde = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe";
constexpr const char* json_serde = "org.openx.data.jsonserde.JsonSerDe";

std::string property(const std::map<std::string, std::string>& properties, const std::string& name,
                     std::string otherwise = "") {
  const auto found = properties.find(name);
  return found == properties.end() ? std::move(otherwise) : found->second;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(c));
  return text;
}

// Of CREATE TABLE AS and UNLOAD.
sql::Output output_of(const sql::Statement& statement) {
  sql::Output output;
  output.format = upper(property(statement.properties, "format", "PARQUET"));
  output.compression = upper(property(statement.properties, "compression"));
  for (const char* name : {"write_compression", "parquet_compression"}) {
    if (output.compression.empty()) output.compression = upper(property(statement.properties, name));
  }
  output.delimiter = property(statement.properties, "field_delimiter");
  output.keys = statement.partitioned_by;
  return output;
}

catalog::StorageDescriptor storage_of(const sql::Output& output) {
  catalog::StorageDescriptor storage;
  storage.input_format = "org.apache.hadoop.mapred.TextInputFormat";
  storage.output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat";
  if (output.format == "PARQUET") {
    storage.input_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat";
    storage.output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat";
    storage.serde.library = parquet_serde;
  } else if (output.format == "JSON") {
    storage.serde.library = json_serde;
  } else {
    storage.serde.library = text_serde;
    const auto delimiter = output.delimiter.empty() ? std::string("\x01") : output.delimiter;
    storage.serde.parameters = {{"field.delim", delimiter}, {"serialization.format", delimiter}};
  }
  return storage;
}

// How files of a table are written.
Result<sql::Output> output_for(const catalog::Table& table) {
  sql::Output output;
  const auto& serde = table.storage->serde;
  for (const char* name : {"parquet.compression", "write.compression", "parquet_compression"}) {
    if (output.compression.empty()) output.compression = upper(property(table.parameters, name));
  }
  const auto library = catalog::fold_name(serde.library);
  if (library.find("parquet") != std::string::npos) return output;
  if (library.find("jsonserde") != std::string::npos) {
    output.format = "JSON";
  } else if (library.find("lazysimpleserde") != std::string::npos) {
    output.format = "TEXTFILE";
    output.delimiter = property(serde.parameters, "field.delim");
  } else {
    return Error{"NotImplemented", "INSERT INTO a table of " + serde.library + " is not implemented"};
  }
  return output;
}

// The columns of `table` with the query's column that fills each.
Result<std::vector<sql::TableColumn>> filled_columns(const catalog::Table& table,
                                                     const std::vector<sql::TableColumn>& named) {
  std::vector<sql::TableColumn> found;
  for (const auto* columns : {&table.storage->columns, &table.partition_keys}) {
    for (const auto& column : *columns) found.push_back({column.name, column.type, "", 0});
  }
  if (named.empty()) {
    for (size_t i = 0; i < found.size(); ++i) found[i].source = static_cast<int32_t>(i + 1);
    return found;
  }
  for (size_t i = 0; i < named.size(); ++i) {
    const auto same = [&](const sql::TableColumn& column) { return column.name == named[i].name; };
    const auto at = std::find_if(found.begin(), found.end(), same);
    if (at == found.end() || at->source > 0) {
      return Error{"COLUMN_NOT_FOUND", fmt::format("line 1:1: Insert column name does not exist in target "
                                                   "table, or is named twice: {}",
                                                   named[i].name)};
    }
    at->source = static_cast<int32_t>(i + 1);
  }
  return found;
}

}  // namespace

Status Session::check_empty(const std::string& location, const std::string& what) const {
  MEKONG_TRY_ASSIGN(const auto place, objects::parse_location(location));
  MEKONG_TRY_ASSIGN(
      const auto found,
      access_.list(
          {.bucket = place.bucket, .prefix = place.key, .delimiter = "", .after = "", .max_keys = 1}));
  if (found.objects.empty()) return ok();
  return Error{"HIVE_PATH_ALREADY_EXISTS",
               fmt::format("Target directory for {} already exists: {}", what, location)};
}

Status Session::open_file(const sql::OutputFile& file, const Target& target) {
  if (file.values.size() != target.keys.size()) return Error{"WorkerLost", "a file without its partition"};
  Written one;
  one.values = file.values;
  const auto known = target.folders.find(file.values);
  one.folder = known != target.folders.end() ? known->second : target.location;
  if (known == target.folders.end()) {
    for (size_t i = 0; i < target.keys.size(); ++i) {
      one.folder += target.keys[i] + "=" + escape_partition(file.values[i]) + "/";
    }
  }
  auto unique = engines_.random.uuid();
  std::erase(unique, '-');
  one.name = execution_.id + "_" + unique + file.ending;
  MEKONG_TRY_ASSIGN(const auto place, objects::parse_location(one.folder + one.name));
  MEKONG_TRY_ASSIGN(one.writer, access_.writer(place.bucket, place.key));
  written_.push_back(std::move(one));
  return ok();
}

Status Session::finish_files(const Target& target, int64_t rows) {
  if (rows == 0 && target.keys.empty()) written_.clear();  // no empty file
  for (auto& file : written_) MEKONG_TRY(file.writer->commit());
  return ok();
}

// Runs the query into files below the target's location. Answers with its columns, keys last.
Result<std::vector<sql::ResultColumn>> Session::write(const sql::Statement& statement, const Target& target) {
  MEKONG_TRY_ASSIGN(auto query, load(statement));
  query.output = target.output;
  std::vector<sql::ResultColumn> columns;
  sql::ResultSink sink;
  sink.columns = [&](const std::vector<sql::ResultColumn>& found) -> Status {
    columns = found;
    return ok();
  };
  sink.file = [&](const sql::OutputFile& file) { return open_file(file, target); };
  sink.bytes = [&](const std::string& bytes) -> Status {
    if (written_.empty()) return Error{"WorkerLost", "bytes without a file"};
    execution_.output_bytes += static_cast<int64_t>(bytes.size());
    return written_.back().writer->append(bytes);
  };
  MEKONG_TRY_ASSIGN(const auto outcome, worker_.run(query, sink));
  execution_.scanned_bytes = outcome.scanned_bytes;
  execution_.output_rows = execution_.updated_rows = outcome.rows;
  MEKONG_TRY(finish_files(target, outcome.rows));
  return columns;
}

// The list of what was written, beside where a result would be.
Status Session::write_manifest(const std::string& base) {
  execution_.columns = {{"rows", "bigint", 19, 0}};
  execution_.output_location = base;
  execution_.manifest_location = base + "-manifest.csv";
  std::string text;
  for (const auto& file : written_) append_line(text, file.folder + file.name);
  MEKONG_TRY_ASSIGN(const auto place, objects::parse_location(base));
  MEKONG_TRY(access_.put(place.bucket, place.key + ".metadata", metadata_file(execution_.columns)));
  return access_.put(place.bucket, place.key + "-manifest.csv", text);
}

Status Session::add_new_partitions(const sql::TableName& name, const catalog::StorageDescriptor& storage,
                                   const Target& target) {
  std::vector<catalog::Partition> made;
  for (const auto& file : written_) {
    if (target.keys.empty() || target.folders.contains(file.values)) continue;
    auto& partition = made.emplace_back();
    partition.values = file.values;
    partition.storage = storage;
    partition.storage->location = file.folder;
  }
  if (made.empty()) return ok();
  MEKONG_TRY(may("glue:BatchCreatePartition", name));
  return engines_.catalog.create_partitions(scope_, {name.database, name.table}, std::move(made), true);
}

Status Session::create_table_as(const sql::Statement& statement) {
  const auto name = full_name(statement.target);
  MEKONG_TRY(may("glue:CreateTable", name));
  const auto known = table("glue:GetTable", name);
  if (known.ok() && statement.if_exists) return write_manifest(folder_ + "tables/" + execution_.id);
  if (known.ok()) {
    return Error{"TABLE_ALREADY_EXISTS", fmt::format("line 1:1: Table 'awsdatacatalog.{}.{}' already exists",
                                                     name.database, name.table)};
  }
  if (known.error().code != "TABLE_NOT_FOUND") return known.error();
  if (!engines_.catalog.get_database(scope_, name.database).ok()) {
    return Error{"SCHEMA_NOT_FOUND", fmt::format("line 1:1: Schema '{}' does not exist", name.database)};
  }
  MEKONG_TRY_ASSIGN(const auto group, records_.find<WorkGroup>(scope_, execution_.work_group));
  const bool enforced = group && group->enforced && !group->output_location.empty();
  if (enforced && !statement.location.empty()) {
    return Error{"INVALID_TABLE_PROPERTY",
                 "The Create Table As Select query failed because it was submitted with an "
                 "'external_location' property to an Athena Workgroup that enforces a centralized output "
                 "location for all queries."};
  }
  const auto base = folder_ + "tables/" + execution_.id;
  Target target{as_folder(statement.location.empty() ? base : statement.location),
                statement.partitioned_by,
                {},
                output_of(statement)};
  MEKONG_TRY(check_empty(target.location, fmt::format("table '{}.{}'", name.database, name.table)));
  MEKONG_TRY_ASSIGN(const auto columns, write(statement, target));
  catalog::Table made;
  made.database = name.database;
  made.name = name.table;
  made.description = statement.comment;
  made.type = "EXTERNAL_TABLE";
  made.parameters = {{"EXTERNAL", "TRUE"}, {"has_encrypted_data", "false"}};
  if (target.output.format == "PARQUET") made.parameters["classification"] = "parquet";
  made.storage = storage_of(target.output);
  made.storage->location = target.location;
  const size_t plain = columns.size() - target.keys.size();
  for (size_t i = 0; i < columns.size(); ++i) {
    auto& part = i < plain ? made.storage->columns : made.partition_keys;
    part.push_back({columns[i].name, columns[i].hive, "", {}});
  }
  const auto storage = *made.storage;
  MEKONG_TRY(engines_.catalog.create_table(scope_, std::move(made)));
  MEKONG_TRY(add_new_partitions(name, storage, target));
  return write_manifest(base);
}

Status Session::insert(const sql::Statement& statement) {
  const auto name = full_name(statement.target);
  MEKONG_TRY_ASSIGN(const auto into, table("glue:GetTable", name));
  if (into.type == "VIRTUAL_VIEW" || !into.storage) {
    return Error{"NOT_SUPPORTED", "line 1:1: Inserting into views is not supported"};
  }
  if (is_projected(into)) {
    return Error{"NotImplemented", "INSERT INTO a table with partition projection is not implemented"};
  }
  Target target;
  target.location = as_folder(into.storage->location);
  MEKONG_TRY_ASSIGN(target.output, output_for(into));
  MEKONG_TRY_ASSIGN(target.output.columns, filled_columns(into, statement.columns));
  for (const auto& key : into.partition_keys) target.keys.push_back(key.name);
  target.output.keys = target.keys;
  if (!target.keys.empty()) {
    MEKONG_TRY(may("glue:GetPartitions", name));
    MEKONG_TRY_ASSIGN(const auto partitions, all_partitions(name));
    for (const auto& partition : partitions) {
      if (partition.storage) target.folders[partition.values] = as_folder(partition.storage->location);
    }
  }
  MEKONG_TRY(write(statement, target));
  MEKONG_TRY(add_new_partitions(name, *into.storage, target));
  return write_manifest(folder_ + execution_.id);
}

Status Session::unload(const sql::Statement& statement) {
  if (!statement.properties.contains("format")) {
    return Error{"SYNTAX_ERROR", "line 1:1: UNLOAD needs the property 'format'"};
  }
  const Target target{as_folder(statement.location), statement.partitioned_by, {}, output_of(statement)};
  MEKONG_TRY(check_empty(target.location, "UNLOAD"));
  MEKONG_TRY(write(statement, target));
  return write_manifest(folder_ + execution_.id);
}

}  // namespace mekong::athena
