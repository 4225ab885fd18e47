#include "catalog/partition_filter.h"

#include <gtest/gtest.h>

namespace mekong::catalog {
namespace {

const std::vector<Column> keys = {{.name = "year", .type = "int"}, {.name = "city", .type = "string"}};

bool matches(std::string_view text, const std::vector<std::string>& values,
             FilterDialect dialect = FilterDialect::glue) {
  auto filter = PartitionFilter::parse(text, keys, dialect);
  EXPECT_TRUE(filter.ok()) << text << ": " << (filter.ok() ? "" : filter.error().message);
  return filter.ok() && filter->matches(values);
}

TEST(PartitionFilter, NumbersCompareAsNumbersAndTextAsText) {
  EXPECT_TRUE(matches("year > 9", {"10", "x"}));
  EXPECT_FALSE(matches("year = '09'", {"10", "x"}));
  EXPECT_TRUE(matches("year = '09'", {"9", "x"}));
  EXPECT_TRUE(matches("city < 'b'", {"1", "abc"}));
  EXPECT_TRUE(matches("9007199254740993 = year", {"9007199254740993", ""}));
  EXPECT_FALSE(matches("year = 9007199254740993", {"9007199254740992", ""}));
}

TEST(PartitionFilter, CombinesWithPrecedence) {
  EXPECT_TRUE(matches("year = 1 OR year = 2 AND city = 'x'", {"1", "y"}));
  EXPECT_FALSE(matches("(year = 1 OR year = 2) AND city = 'x'", {"1", "y"}));
  EXPECT_TRUE(matches("NOT (year = 2) and year between 1 and 3", {"3", "y"}));
  EXPECT_TRUE(matches("city NOT IN ('a', 'b')", {"3", "c"}));
  EXPECT_FALSE(matches("city IN ('a', 'it''s')", {"3", "its"}));
}

TEST(PartitionFilter, LikeFollowsTheDialect) {
  EXPECT_TRUE(matches("city LIKE 'ber%n'", {"1", "berlin"}));
  EXPECT_FALSE(matches("city LIKE 'ber.*n'", {"1", "berlin"}));
  EXPECT_TRUE(matches("city like \"ber.*\"", {"1", "berlin"}, FilterDialect::hive));
}

TEST(PartitionFilter, NullIsUnknown) {
  const std::string null(null_partition);
  EXPECT_FALSE(matches("city <> 'a'", {"1", null}));
  EXPECT_FALSE(matches("NOT (city = 'a')", {"1", null}));
  EXPECT_TRUE(matches("city IS NULL", {"1", null}));
  EXPECT_FALSE(matches("city IS NOT NULL", {"1", null}));
}

TEST(PartitionFilter, RefusesWhatItCannotRead) {
  for (std::string_view text : {"", "year", "year =", "year = 'x'", "month = 1", "year = 1 year = 2",
                                "city = 'a", "year = city", "(year = 1", "city in ()", "year not = 1"}) {
    auto filter = PartitionFilter::parse(text, keys, FilterDialect::glue);
    EXPECT_FALSE(filter.ok()) << text;
  }
  EXPECT_FALSE(PartitionFilter::parse(std::string(5000, '('), keys, FilterDialect::hive).ok());
}

}  // namespace
}  // namespace mekong::catalog
