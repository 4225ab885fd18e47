#include "metastore/convert.h"

#include <fmt/format.h>

#include "catalog/catalog.h"

namespace mekong::metastore {
namespace {

int32_t seconds(int64_t ms) {
  return static_cast<int32_t>(ms / 1000);
}
int64_t millis(int32_t s) {
  return int64_t{s} * 1000;
}

std::vector<catalog::Column> columns_from(const std::vector<thrift::FieldSchema>& fields) {
  std::vector<catalog::Column> columns;
  columns.reserve(fields.size());
  for (const auto& field : fields) {
    columns.push_back({.name = field.name, .type = field.type, .comment = field.comment});
  }
  return columns;
}

Result<catalog::StorageDescriptor> storage_from(const thrift::StorageDescriptor& sd) {
  if (!sd.skewedInfo.skewedColNames.empty()) {
    return Error{"NotImplemented", "skewed tables (SkewedInfo) are not implemented"};
  }
  catalog::StorageDescriptor storage;
  storage.columns = columns_from(sd.cols);
  storage.location = sd.location;
  storage.input_format = sd.inputFormat;
  storage.output_format = sd.outputFormat;
  storage.compressed = sd.compressed;
  storage.bucket_count = sd.numBuckets;
  storage.serde = {sd.serdeInfo.name, sd.serdeInfo.serializationLib, sd.serdeInfo.parameters};
  storage.bucket_columns = sd.bucketCols;
  for (const auto& order : sd.sortCols) storage.sort_columns.push_back({order.col, order.order});
  storage.parameters = sd.parameters;
  storage.stored_as_sub_directories = sd.storedAsSubDirectories;
  return storage;
}

thrift::StorageDescriptor storage_to(const catalog::StorageDescriptor& storage) {
  thrift::StorageDescriptor sd;
  sd.cols = to_thrift(storage.columns);
  if (!storage.location.empty()) sd.__set_location(storage.location);
  if (!storage.input_format.empty()) sd.__set_inputFormat(storage.input_format);
  if (!storage.output_format.empty()) sd.__set_outputFormat(storage.output_format);
  sd.compressed = storage.compressed;
  sd.numBuckets = storage.bucket_count;
  if (!storage.serde.name.empty()) sd.serdeInfo.__set_name(storage.serde.name);
  if (!storage.serde.library.empty()) sd.serdeInfo.__set_serializationLib(storage.serde.library);
  sd.serdeInfo.parameters = storage.serde.parameters;
  sd.bucketCols = storage.bucket_columns;
  for (const auto& sort : storage.sort_columns) {
    thrift::Order order;
    order.col = sort.column;
    order.order = sort.order;
    sd.sortCols.push_back(std::move(order));
  }
  sd.parameters = storage.parameters;
  sd.__set_skewedInfo({});
  sd.__set_storedAsSubDirectories(storage.stored_as_sub_directories);
  return sd;
}

std::string owner_kind(thrift::PrincipalType::type type) {
  switch (type) {
    case thrift::PrincipalType::ROLE:
      return "ROLE";
    case thrift::PrincipalType::GROUP:
      return "GROUP";
    default:
      return "USER";
  }
}

thrift::PrincipalType::type owner_type(const std::string& kind) {
  if (kind == "ROLE") return thrift::PrincipalType::ROLE;
  return kind == "GROUP" ? thrift::PrincipalType::GROUP : thrift::PrincipalType::USER;
}

bool says_external(const catalog::Parameters& parameters) {
  const auto found = parameters.find("EXTERNAL");
  return found != parameters.end() && catalog::fold_name(found->second) == "true";
}

}  // namespace

catalog::Database from_thrift(const thrift::Database& database) {
  catalog::Database made;
  made.name = database.name;
  made.description = database.description;
  made.location = database.locationUri;
  made.parameters = database.parameters;
  made.owner = database.ownerName;
  if (database.__isset.ownerType) made.owner_kind = owner_kind(database.ownerType);
  return made;
}

thrift::Database to_thrift(const catalog::Database& database, std::string location) {
  thrift::Database made;
  made.name = database.name;
  made.__set_description(database.description);
  made.locationUri = std::move(location);
  made.parameters = database.parameters;
  if (!database.owner.empty()) made.__set_ownerName(database.owner);
  if (!database.owner_kind.empty()) made.__set_ownerType(owner_type(database.owner_kind));
  return made;
}

Result<catalog::Table> from_thrift(const thrift::Table& table) {
  if (table.temporary) return Error{"NotImplemented", "temporary tables are kept by the client, not here"};
  catalog::Table made;
  made.name = table.tableName;
  made.database = table.dbName;
  made.owner = table.owner;
  made.create_ms = millis(table.createTime);
  made.last_access_ms = millis(table.lastAccessTime);
  made.retention_s = table.retention;
  MEKONG_TRY_ASSIGN(made.storage, storage_from(table.sd));
  made.partition_keys = columns_from(table.partitionKeys);
  made.parameters = table.parameters;
  made.view_original_text = table.viewOriginalText;
  made.view_expanded_text = table.viewExpandedText;
  made.type = table.tableType;
  // Hive's own rule: the parameter decides between the two.
  if (made.type == "MANAGED_TABLE" && says_external(made.parameters)) made.type = "EXTERNAL_TABLE";
  if (made.type == "EXTERNAL_TABLE" && !says_external(made.parameters)) made.type = "MANAGED_TABLE";
  return made;
}

thrift::Table to_thrift(const catalog::Table& table) {
  thrift::Table made;
  made.tableName = table.name;
  made.dbName = table.database;
  if (!table.owner.empty()) made.__set_owner(table.owner);
  made.createTime = seconds(table.create_ms);
  made.lastAccessTime = seconds(table.last_access_ms);
  made.retention = table.retention_s;
  made.sd = storage_to(table.storage.value_or(catalog::StorageDescriptor{}));
  made.partitionKeys = to_thrift(table.partition_keys);
  made.parameters = table.parameters;
  if (!table.view_original_text.empty()) made.__set_viewOriginalText(table.view_original_text);
  if (!table.view_expanded_text.empty()) made.__set_viewExpandedText(table.view_expanded_text);
  made.tableType = table.type.empty() ? "EXTERNAL_TABLE" : table.type;
  if (made.tableType == "EXTERNAL_TABLE") made.parameters["EXTERNAL"] = "TRUE";
  return made;
}

Result<catalog::Partition> from_thrift(const thrift::Partition& partition) {
  catalog::Partition made;
  made.values = partition.values;
  made.create_ms = millis(partition.createTime);
  made.last_access_ms = millis(partition.lastAccessTime);
  MEKONG_TRY_ASSIGN(made.storage, storage_from(partition.sd));
  made.parameters = partition.parameters;
  return made;
}

thrift::Partition to_thrift(const catalog::Partition& partition, const catalog::Table& table) {
  thrift::Partition made;
  made.values = partition.values;
  made.dbName = table.database;
  made.tableName = table.name;
  made.createTime = seconds(partition.create_ms);
  made.lastAccessTime = seconds(partition.last_access_ms);
  if (partition.storage) {
    made.sd = storage_to(*partition.storage);
  } else if (table.storage) {
    made.sd = storage_to(*table.storage);
  }
  made.parameters = partition.parameters;
  return made;
}

catalog::UserFunction from_thrift(const thrift::Function& function) {
  catalog::UserFunction made;
  made.name = function.functionName;
  made.database = function.dbName;
  made.class_name = function.className;
  made.owner = function.ownerName;
  made.owner_kind = owner_kind(function.ownerType);
  for (const auto& uri : function.resourceUris) {
    const char* type = uri.resourceType == thrift::ResourceType::JAR    ? "JAR"
                       : uri.resourceType == thrift::ResourceType::FILE ? "FILE"
                                                                        : "ARCHIVE";
    made.resources.push_back({type, uri.uri});
  }
  return made;
}

thrift::Function to_thrift(const catalog::UserFunction& function) {
  thrift::Function made;
  made.functionName = function.name;
  made.dbName = function.database;
  made.className = function.class_name;
  if (!function.owner.empty()) made.__set_ownerName(function.owner);
  made.__set_ownerType(owner_type(function.owner_kind));
  made.createTime = seconds(function.create_ms);
  made.functionType = thrift::FunctionType::JAVA;
  for (const auto& resource : function.resources) {
    thrift::ResourceUri uri;
    uri.resourceType = resource.type == "JAR"    ? thrift::ResourceType::JAR
                       : resource.type == "FILE" ? thrift::ResourceType::FILE
                                                 : thrift::ResourceType::ARCHIVE;
    uri.uri = resource.uri;
    made.resourceUris.push_back(std::move(uri));
  }
  return made;
}

std::vector<thrift::FieldSchema> to_thrift(const std::vector<catalog::Column>& columns) {
  std::vector<thrift::FieldSchema> fields;
  fields.reserve(columns.size());
  for (const auto& column : columns) {
    thrift::FieldSchema field;
    field.name = column.name;
    field.type = column.type;
    if (!column.comment.empty()) field.__set_comment(column.comment);
    fields.push_back(std::move(field));
  }
  return fields;
}

bool is_managed(const catalog::Table& table) {
  return table.type == "MANAGED_TABLE" && !says_external(table.parameters);
}

}  // namespace mekong::metastore
