// Queries: from the tables of the catalogue to the descriptors of their files, as far as the caller may read
// them, and from the worker's rows to the file of the result.
#include <fmt/format.h>

#include "codec/json.h"
#include "codec/text.h"
#include "services/athena/projection.h"
#include "services/athena/result_files.h"
#include "services/athena/session.h"

namespace mekong::athena {
namespace {

constexpr size_t files_max = 3000;  // descriptors of one query
constexpr int views_deep_max = 16;
constexpr size_t write_bytes = 1 << 20;

bool is_hidden(std::string_view key, std::string_view folder) {
  auto rest = key.substr(folder.size());
  while (!rest.empty()) {
    if (rest.front() == '_' || rest.front() == '.') return true;
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return false;
    rest.remove_prefix(slash + 1);
  }
  return true;  // the name of a folder
}

std::string parameter(const catalog::Table& table, const std::string& name) {
  const auto found = table.parameters.find(name);
  return found == table.parameters.end() ? "" : catalog::fold_name(found->second);
}

Status readable(const catalog::Table& table) {
  if (!table.storage) return Error{"HIVE_INVALID_METADATA", "Table " + table.name + " has no location"};
  for (const char* name : {"table_type", "spark.sql.sources.provider"}) {
    const auto kind = parameter(table, name);
    if (kind == "iceberg" || kind == "delta" || kind == "hudi") {
      return Error{"NotImplemented", "reading a table of " + kind + " is not implemented"};
    }
  }
  // A table of Spark's own keeps its format and its columns elsewhere than in the serde.
  const auto provider = parameter(table, "spark.sql.sources.provider");
  if (!provider.empty() && provider != "parquet" && provider != "hive") {
    return Error{"NotImplemented", "reading a table of Spark's provider " + provider + " is not implemented"};
  }
  return ok();
}

std::vector<sql::TableColumn> columns_of(const std::vector<catalog::Column>& columns) {
  std::vector<sql::TableColumn> found;
  for (const auto& column : columns) found.push_back({column.name, column.type, "", 0});
  return found;
}

// Spark keeps the real provider beside a serde of its own.
std::string serde_of(const catalog::StorageDescriptor& storage, const catalog::Table& table) {
  if (parameter(table, "spark.sql.sources.provider") == "parquet") return "parquet";
  return storage.serde.library;
}

}  // namespace

Result<ViewText> view_text(const catalog::Table& view) {
  constexpr std::string_view head = "/* Presto View: ", tail = " */";
  std::string_view text = view.view_original_text;
  if (!text.starts_with(head) || !text.ends_with(tail)) {
    return Error{"NotImplemented", "reading a view of another engine (" + view.name + ") is not implemented"};
  }
  text = text.substr(head.size(), text.size() - head.size() - tail.size());
  const auto bytes = codec::base64_decode(text);
  const auto json = bytes ? codec::parse_json(*bytes) : Result<codec::Json>(Error{"InvalidJson", ""});
  const auto* sql = json.ok() ? json->find("originalSql") : nullptr;
  if (sql == nullptr) return Error{"INVALID_VIEW", "The view " + view.name + " cannot be read"};
  const auto* schema = json->find("schema");
  return ViewText{sql->string, schema != nullptr ? schema->string : std::string()};
}

Status Session::add_group(const catalog::StorageDescriptor& storage, const catalog::Table& table,
                          sql::FileGroup group, Source& source, sql::Query& query) {
  group.format.serde = serde_of(storage, table);
  group.format.properties = storage.serde.parameters;
  const auto skip = table.parameters.find("skip.header.line.count");
  if (skip != table.parameters.end()) group.format.properties.insert(*skip);
  MEKONG_TRY_ASSIGN(auto place, objects::parse_location(storage.location));
  if (!place.key.empty()) place.key = as_folder(place.key);
  objects::ListRequest request{.bucket = place.bucket, .prefix = place.key, .delimiter = "", .after = ""};
  for (;;) {
    MEKONG_TRY_ASSIGN(const auto page, access_.list(request));
    for (const auto& entry : page.objects) {
      if (entry.size_bytes == 0 || is_hidden(entry.key, place.key)) continue;
      if (query.files.size() >= files_max) {
        return Error{"NotImplemented", "a query over more than 3000 files is not implemented"};
      }
      MEKONG_TRY_ASSIGN(const auto object, access_.head(entry.bucket, entry.key));
      sql::InputFile file;
      file.name = fmt::format("{}/{}", query.files.size(), entry.key.substr(entry.key.rfind('/') + 1));
      MEKONG_TRY_ASSIGN(file.descriptors, access_.open_descriptors(object));
      for (const auto& piece : object.pieces) file.sizes.push_back(piece.size_bytes);
      group.files.push_back(file.name);
      query.files.push_back(std::move(file));
    }
    if (!page.truncated) break;
    request.after = page.next_after;
  }
  if (!group.files.empty()) source.table.groups.push_back(std::move(group));
  return ok();
}

Status Session::add_source(const sql::TableName& name, int depth) {
  if (!seen_.insert(name).second) return ok();
  if (name.database == "information_schema") return add_information(name);
  MEKONG_TRY_ASSIGN(auto definition, table("glue:GetTable", name));
  if (definition.type == "VIRTUAL_VIEW") return add_view(name, definition, depth);
  MEKONG_TRY(readable(definition));
  Source source;
  source.table.database = name.database;
  source.table.table = name.table;
  source.table.columns = columns_of(definition.storage->columns);
  source.table.keys = columns_of(definition.partition_keys);
  source.definition = std::move(definition);
  if (!source.table.keys.empty()) MEKONG_TRY(add_partitions_of(source));
  sources_.push_back(std::move(source));
  return ok();
}

Status Session::add_view(const sql::TableName& name, const catalog::Table& view, int depth) {
  if (depth >= views_deep_max)
    return Error{"VIEW_IS_RECURSIVE", "The view " + view.name + " is nested too deeply"};
  MEKONG_TRY_ASSIGN(const auto text, view_text(view));
  MEKONG_TRY_ASSIGN(const auto statement, worker_.parse(text.sql, text.schema));
  if (statement.operation != "select") return Error{"INVALID_VIEW", "The view " + view.name + " is no query"};
  for (const auto& table : statement.tables) MEKONG_TRY(add_source(table, depth + 1));
  Source source;
  source.table.database = name.database;
  source.table.table = name.table;
  source.table.view_sql = statement.sql;
  sources_.push_back(std::move(source));
  return ok();
}

Status Session::add_partitions_of(Source& source) {
  const sql::TableName name{source.table.database, source.table.table};
  if (is_projected(source.definition)) {
    MEKONG_TRY_ASSIGN(source.partitions, projected_partitions(source.definition, engines_.clock.wall_ms()));
  } else {
    MEKONG_TRY(may("glue:GetPartitions", name));
    MEKONG_TRY_ASSIGN(source.partitions, all_partitions(name));
  }
  for (const auto& partition : source.partitions) source.table.groups.push_back({partition.values, {}, {}});
  return ok();
}

// Drops the partitions that no use of their table can need.
Status Session::prune() {
  std::vector<sql::Table> tables;
  std::vector<Source*> sources;
  for (auto& source : sources_) {
    if (source.partitions.empty()) continue;
    tables.push_back(source.table);
    sources.push_back(&source);
  }
  if (tables.empty()) return ok();
  MEKONG_TRY_ASSIGN(const auto kept, worker_.prune(tables));
  for (size_t i = 0; i < sources.size(); ++i) {
    std::vector<catalog::Partition> left;
    for (const int64_t index : kept[i]) left.push_back(std::move(sources[i]->partitions[index]));
    sources[i]->partitions = std::move(left);
  }
  return ok();
}

Status Session::add_files(Source& source, sql::Query& query) {
  source.table.groups.clear();
  if (!source.table.view_sql.empty() || source.table.rows) return ok();
  const auto& table = source.definition;
  if (source.table.keys.empty()) return add_group(*table.storage, table, {}, source, query);
  for (const auto& partition : source.partitions) {
    const auto& storage = partition.storage ? *partition.storage : *table.storage;
    MEKONG_TRY(add_group(storage, table, {partition.values, {}, {}}, source, query));
  }
  return ok();
}

Result<sql::Query> Session::load(const sql::Statement& statement) {
  sources_.clear();
  seen_.clear();
  for (const auto& name : statement.tables) MEKONG_TRY(add_source(name, 0));
  MEKONG_TRY(prune());
  sql::Query query;
  query.sql = statement.sql;
  query.scanned_bytes_max = execution_.scanned_bytes_max;
  for (auto& source : sources_) {
    MEKONG_TRY(add_files(source, query));
    query.tables.push_back(std::move(source.table));
  }
  execution_.planning_ms = engines_.clock.wall_ms() - execution_.started_ms;
  return query;
}

Status Session::select(const sql::Statement& statement) {
  MEKONG_TRY_ASSIGN(const auto query, load(statement));
  MEKONG_TRY_ASSIGN(const auto place, objects::parse_location(execution_.output_location));
  objects::PutOptions options;
  options.headers["Content-Type"] = "text/csv";
  MEKONG_TRY_ASSIGN(const auto writer, access_.writer(place.bucket, place.key, std::move(options)));
  std::string csv;
  const auto flush = [&](size_t least) -> Status {
    if (csv.size() < least) return ok();
    execution_.output_bytes += static_cast<int64_t>(csv.size());
    MEKONG_TRY(writer->append(csv));
    csv.clear();
    return ok();
  };
  sql::ResultSink sink;
  sink.columns = [&](const std::vector<sql::ResultColumn>& columns) -> Status {
    execution_.columns = columns;
    sql::ResultRow header;
    for (const auto& column : columns) header.push_back(column.name);
    append_csv(csv, header);
    return ok();
  };
  sink.row = [&](const sql::ResultRow& row) -> Status {
    append_csv(csv, row);
    return flush(write_bytes);
  };
  MEKONG_TRY_ASSIGN(const auto outcome, worker_.run(query, sink));
  execution_.scanned_bytes = outcome.scanned_bytes;
  execution_.output_rows = outcome.rows;
  MEKONG_TRY(flush(0));
  // The result last: whoever sees it finds its description, too.
  MEKONG_TRY(access_.put(place.bucket, place.key + ".metadata", metadata_file(execution_.columns)));
  MEKONG_TRY(writer->commit());
  return ok();
}

}  // namespace mekong::athena
