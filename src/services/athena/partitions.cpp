// Partitions: added, dropped, found in S3, shown.
#include <fmt/format.h>

#include "services/athena/session.h"

namespace mekong::athena {
namespace {

// The values of all keys, in their order.
Result<std::vector<std::string>> values_of(const catalog::Table& table, const sql::PartitionSpec& spec) {
  std::vector<std::string> values;
  for (const auto& key : table.partition_keys) {
    const auto found = spec.values.find(key.name);
    if (found != spec.values.end()) values.push_back(found->second);
  }
  if (values.size() == table.partition_keys.size() && values.size() == spec.values.size()) return values;
  return Error{"SemanticException", "Partition spec does not name just the partition keys of " + table.name};
}

bool matches(const catalog::Table& table, const catalog::Partition& partition,
             const sql::PartitionSpec& spec) {
  for (size_t i = 0; i < table.partition_keys.size(); ++i) {
    const auto found = spec.values.find(table.partition_keys[i].name);
    if (found != spec.values.end() && found->second != partition.values[i]) return false;
  }
  return true;
}

bool has_only_keys(const catalog::Table& table, const sql::PartitionSpec& spec) {
  for (const auto& [name, value] : spec.values) {
    const auto same = [&name](const catalog::Column& key) { return key.name == name; };
    if (std::none_of(table.partition_keys.begin(), table.partition_keys.end(), same)) return false;
  }
  return true;
}

Error not_partitioned(const catalog::Table& table) {
  return {"SemanticException", "Table " + table.name + " is not a partitioned table"};
}

// Of "k=v/k2=v2/", where the names are those of the keys.
std::optional<std::vector<std::string>> values_of_path(const catalog::Table& table, std::string_view path) {
  std::vector<std::string> values;
  for (const auto& key : table.partition_keys) {
    const auto end = path.find('/');
    const auto part = path.substr(0, end);
    const auto equals = part.find('=');
    if (end == std::string_view::npos || equals == std::string_view::npos) return std::nullopt;
    if (catalog::fold_name(part.substr(0, equals)) != key.name) return std::nullopt;
    values.push_back(unescape_partition(part.substr(equals + 1)));
    path.remove_prefix(end + 1);
  }
  return values;
}

}  // namespace

std::string escape_partition(std::string_view text) {
  constexpr std::string_view special = "\"#%'*/:=?\\\x7f{}[]^";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || special.find(c) != std::string_view::npos) {
      out += fmt::format("%{:02X}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::string unescape_partition(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && std::isxdigit(text[i + 1]) && std::isxdigit(text[i + 2])) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string partition_path(const std::vector<catalog::Column>& keys, const std::vector<std::string>& values) {
  std::string out;
  for (size_t i = 0; i < keys.size() && i < values.size(); ++i) {
    out += fmt::format("{}{}={}", i > 0 ? "/" : "", keys[i].name, escape_partition(values[i]));
  }
  return out;
}

Result<std::vector<catalog::Partition>> Session::all_partitions(const sql::TableName& name) const {
  std::vector<catalog::Partition> found;
  catalog::PartitionQuery query;
  query.page.limit = 1000;
  do {
    MEKONG_TRY_ASSIGN(auto page,
                      engines_.catalog.list_partitions(scope_, {name.database, name.table}, query));
    for (auto& partition : page.items) found.push_back(std::move(partition));
    query.page.after = page.next;
  } while (!query.page.after.empty());
  return found;
}

Status Session::add_partitions(const sql::Statement& statement) {
  const auto name = full_name(statement.target);
  MEKONG_TRY_ASSIGN(const auto found, table("glue:GetTable", name));
  MEKONG_TRY(may("glue:BatchCreatePartition", name));
  if (found.partition_keys.empty() || !found.storage) return not_partitioned(found);
  std::vector<catalog::Partition> made;
  for (const auto& spec : statement.partitions) {
    auto& partition = made.emplace_back();
    MEKONG_TRY_ASSIGN(partition.values, values_of(found, spec));
    partition.storage = found.storage;
    partition.storage->location =
        as_folder(found.storage->location) + partition_path(found.partition_keys, partition.values);
    if (!spec.location.empty()) partition.storage->location = spec.location;
    MEKONG_TRY(objects::parse_location(partition.storage->location));
  }
  MEKONG_TRY(engines_.catalog.create_partitions(scope_, {name.database, name.table}, std::move(made),
                                                statement.if_exists));
  return write_lines({}, {});
}

Status Session::drop_partitions(const sql::Statement& statement) {
  const auto name = full_name(statement.target);
  MEKONG_TRY_ASSIGN(const auto found, table("glue:GetTable", name));
  MEKONG_TRY(may("glue:DeletePartition", name));
  if (found.partition_keys.empty()) return not_partitioned(found);
  MEKONG_TRY_ASSIGN(const auto partitions, all_partitions(name));
  std::set<std::vector<std::string>> dropped;
  for (const auto& spec : statement.partitions) {
    if (!has_only_keys(found, spec)) return values_of(found, spec).error();
    bool any = false;
    for (const auto& partition : partitions) {
      if (!matches(found, partition, spec)) continue;
      dropped.insert(partition.values);
      any = true;
    }
    if (!any && !statement.if_exists) return Error{"SemanticException", "Partition not found"};
  }
  for (const auto& values : dropped) {
    const auto done = engines_.catalog.delete_partition(scope_, {name.database, name.table}, values);
    if (!done.ok() && done.error().code != "EntityNotFoundException") return done;
  }
  return write_lines({}, {});
}

// The folders just `levels` below a location, as paths that end in "/".
Result<std::vector<std::string>> Session::folders_below(const std::string& location, size_t levels) const {
  MEKONG_TRY_ASSIGN(auto place, objects::parse_location(as_folder(location)));
  std::vector<std::string> folders = {""};
  for (size_t level = 0; level < levels; ++level) {
    std::vector<std::string> next;
    for (const auto& folder : folders) {
      objects::ListRequest request{
          .bucket = place.bucket, .prefix = place.key + folder, .delimiter = "/", .after = ""};
      bool more = true;
      while (more) {
        MEKONG_TRY_ASSIGN(const auto page, access_.list(request));
        for (const auto& prefix : page.common_prefixes) next.push_back(prefix.substr(place.key.size()));
        request.after = page.next_after;
        more = page.truncated;
      }
    }
    folders = std::move(next);
  }
  return folders;
}

Status Session::repair(const sql::Statement& statement) {
  const auto name = full_name(statement.target);
  MEKONG_TRY_ASSIGN(const auto found, table("glue:GetTable", name));
  MEKONG_TRY(may("glue:GetPartitions", name));
  MEKONG_TRY(may("glue:BatchCreatePartition", name));
  if (found.partition_keys.empty() || !found.storage) return not_partitioned(found);
  std::set<std::vector<std::string>> known;
  MEKONG_TRY_ASSIGN(const auto partitions, all_partitions(name));
  for (const auto& partition : partitions) known.insert(partition.values);
  MEKONG_TRY_ASSIGN(const auto folders, folders_below(found.storage->location, found.partition_keys.size()));
  std::vector<catalog::Partition> made;
  std::vector<std::string> lines;
  std::string missing = "Partitions not in metastore:";
  for (const auto& folder : folders) {
    const auto values = values_of_path(found, folder);
    if (!values || !known.insert(*values).second) continue;
    auto& partition = made.emplace_back();
    partition.values = *values;
    partition.storage = found.storage;
    partition.storage->location = as_folder(found.storage->location) + folder;
    const auto path = partition_path(found.partition_keys, *values);
    missing += fmt::format("\t{}:{}", found.name, path);
    lines.push_back(fmt::format("Repair: Added partition to metastore {}:{}", found.name, path));
  }
  if (made.empty()) return write_lines({}, {});
  lines.insert(lines.begin(), missing);
  MEKONG_TRY(engines_.catalog.create_partitions(scope_, {name.database, name.table}, std::move(made), true));
  return write_lines({"result"}, lines);
}

Status Session::show_partitions(const sql::Statement& statement) {
  const auto name = full_name(statement.target);
  MEKONG_TRY_ASSIGN(const auto found, table("glue:GetTable", name));
  MEKONG_TRY(may("glue:GetPartitions", name));
  if (found.partition_keys.empty()) return not_partitioned(found);
  MEKONG_TRY_ASSIGN(const auto partitions, all_partitions(name));
  std::vector<std::string> lines;
  for (const auto& partition : partitions) {
    lines.push_back(partition_path(found.partition_keys, partition.values));
  }
  return write_lines({"partition"}, lines);
}

}  // namespace mekong::athena
