// Filter expressions over partition values, as GetPartitions and the metastore's get_partitions_by_filter
// take: comparisons (= == <> != < <= > >=), [NOT] IN, [NOT] BETWEEN … AND …, [NOT] LIKE, IS [NOT] NULL, AND,
// OR, NOT and parentheses; a literal may stand on either side. Values compare by the type of their column:
// integers and decimals as numbers, everything else as text (dates and timestamps are written so that text
// order is time order). Source: Glue's GetPartitions (SQL LIKE), Hive's Filter.g (LIKE takes a Java regular
// expression's "." and ".*").
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/types.h"

namespace mekong::catalog {

enum class FilterDialect { glue, hive };

// The text that stands for NULL among partition values.
inline constexpr std::string_view null_partition = "__HIVE_DEFAULT_PARTITION__";

class PartitionFilter {
 public:
  // Fails with "InvalidInputException": a syntax error, or a name that is no partition key.
  static Result<PartitionFilter> parse(std::string_view text, const std::vector<Column>& keys,
                                       FilterDialect dialect);
  PartitionFilter(PartitionFilter&&) noexcept;
  PartitionFilter& operator=(PartitionFilter&&) noexcept;
  ~PartitionFilter();

  // `values`: one for each key. Immutable: any thread.
  bool matches(const std::vector<std::string>& values) const;

  struct Node;

 private:
  explicit PartitionFilter(std::unique_ptr<Node> root);
  std::unique_ptr<Node> root_;
};

}  // namespace mekong::catalog
