#include "services/athena/projection.h"

#include <gtest/gtest.h>

namespace mekong::athena {
namespace {

constexpr int64_t now_ms = 1'709'208'000'000;  // 2024-02-29 12:00:00

catalog::Table table_with(catalog::Parameters parameters, std::vector<std::string> keys = {"k"}) {
  catalog::Table table;
  table.storage.emplace().location = "s3://b/t";
  for (const auto& key : keys) table.partition_keys.push_back({key, "string", "", {}});
  table.parameters = std::move(parameters);
  return table;
}

// The values of the one key, or the error's code.
std::vector<std::string> values(catalog::Parameters parameters) {
  const auto found = projected_partitions(table_with(std::move(parameters)), now_ms);
  if (!found.ok()) return {found.error().code};
  std::vector<std::string> out;
  for (const auto& partition : *found) out.push_back(partition.values[0]);
  return out;
}

using Texts = std::vector<std::string>;

TEST(Projection, Enumerations) {
  EXPECT_EQ(values({{"projection.k.type", "enum"}, {"projection.k.values", "a, b,c"}}),
            (Texts{"a", "b", "c"}));
  EXPECT_EQ(values({{"projection.k.type", "enum"}}), Texts{"INVALID_TABLE_PROPERTY"});
}

TEST(Projection, Integers) {
  EXPECT_EQ(values({{"projection.k.type", "integer"},
                    {"projection.k.range", "8,12"},
                    {"projection.k.interval", "2"},
                    {"projection.k.digits", "3"}}),
            (Texts{"008", "010", "012"}));
  EXPECT_EQ(values({{"projection.k.type", "integer"}, {"projection.k.range", "-1,1"}}),
            (Texts{"-1", "0", "1"}));
  EXPECT_EQ(values({{"projection.k.type", "integer"}, {"projection.k.range", "0,9999999999"}}),
            Texts{"NotImplemented"});
  EXPECT_EQ(values({{"projection.k.type", "integer"}, {"projection.k.range", "x,1"}}),
            Texts{"INVALID_TABLE_PROPERTY"});
}

Texts dates(const std::string& format, const std::string& range, catalog::Parameters more = {}) {
  more["projection.k.type"] = "date";
  more["projection.k.format"] = format;
  more["projection.k.range"] = range;
  return values(std::move(more));
}

TEST(Projection, Dates) {
  EXPECT_EQ(dates("yyyy/MM/dd", "2024/02/27,NOW"), (Texts{"2024/02/27", "2024/02/28", "2024/02/29"}));
  EXPECT_EQ(dates("yyyy-MM-dd", "NOW-1DAY,NOW+1DAYS"), (Texts{"2024-02-28", "2024-02-29", "2024-03-01"}));
  EXPECT_EQ(dates("yyyy-MM", "2023-12,NOW"), (Texts{"2023-12", "2024-01", "2024-02"}));
  EXPECT_EQ(dates("yyyy-MM-dd-HH", "2024-02-29-10,NOW"),
            (Texts{"2024-02-29-10", "2024-02-29-11", "2024-02-29-12"}));
  EXPECT_EQ(dates("yyyyMMdd'T'HH", "20240229T11,NOW"), (Texts{"20240229T11", "20240229T12"}));
  EXPECT_EQ(dates("yyyy-MM-dd", "2024-01-31,2024-04-01",
                  {{"projection.k.interval", "1"}, {"projection.k.interval.unit", "MONTHS"}}),
            (Texts{"2024-01-31", "2024-02-29", "2024-03-31"}));
  EXPECT_EQ(dates("yyyy-MM-dd", "NOW-3YEARS,NOW-3YEARS"), Texts{"2021-02-28"});
}

TEST(Projection, DatesThatCannotBeRead) {
  EXPECT_EQ(dates("yyyy MMM", "2024 Jan,NOW"), Texts{"NotImplemented"});
  for (const char* range : {"2024/02/27,NOW", "NOW", "NOW-DAYS,NOW", "NOW,NOW+1MOON", "2024-13-01,NOW", ""}) {
    EXPECT_EQ(dates("yyyy-MM-dd", range), Texts{"INVALID_TABLE_PROPERTY"}) << range;
  }
}

TEST(Projection, InjectedIsNotBuilt) {
  EXPECT_EQ(values({{"projection.k.type", "injected"}}), Texts{"NotImplemented"});
}

TEST(Projection, LocationsOfAllCombinations) {
  catalog::Parameters parameters = {{"projection.r.type", "enum"},
                                    {"projection.r.values", "us,eu"},
                                    {"projection.n.type", "integer"},
                                    {"projection.n.range", "1,2"}};
  auto found = projected_partitions(table_with(parameters, {"r", "n"}), now_ms);
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 4u);
  EXPECT_EQ((*found)[3].storage->location, "s3://b/t/r=eu/n=2/");
  parameters["storage.location.template"] = "s3://logs/${n}/x/${r}";
  found = projected_partitions(table_with(parameters, {"r", "n"}), now_ms);
  EXPECT_EQ((*found)[1].values, (Texts{"us", "2"}));
  EXPECT_EQ((*found)[1].storage->location, "s3://logs/2/x/us/");
}

}  // namespace
}  // namespace mekong::athena
