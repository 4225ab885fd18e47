#include "catalog/catalog.h"

#include <gtest/gtest.h>

#include <thread>

namespace mekong::catalog {
namespace {

class CatalogTest : public ::testing::Test {
 protected:
  CatalogTest() { EXPECT_TRUE(catalog.create_database(scope, {.name = "Sales"}).ok()); }

  Table table(std::string name) const {
    Table made;
    made.name = std::move(name);
    made.database = "sales";
    made.storage.emplace();
    made.storage->columns = {{.name = "id", .type = "bigint"}};
    made.storage->location = "s3://bucket/t/";
    made.partition_keys = {{.name = "year", .type = "int"}, {.name = "city", .type = "string"}};
    return made;
  }
  static Partition partition(std::string year, std::string city) {
    Partition made;
    made.values = {std::move(year), std::move(city)};
    return made;
  }

  std::unique_ptr<meta::Store> store = meta::make_memory_store();
  os::ManualClock clock{1'700'000'000'000};
  os::SeededRandom random{1};
  Catalog catalog{*store, clock, random};
  Scope scope{AccountId("111122223333"), Region("us-east-1")};
  TableName name{"sales", "orders"};
};

TEST_F(CatalogTest, NamesFoldAndScopesAreApart) {
  EXPECT_EQ(catalog.get_database(scope, "SALES")->name, "sales");
  EXPECT_EQ(catalog.create_database(scope, {.name = "sAles"}).error().code, "AlreadyExistsException");
  Scope other{AccountId("111122223333"), Region("eu-west-1")};
  EXPECT_EQ(catalog.get_database(other, "sales").error().code, "EntityNotFoundException");
  EXPECT_EQ(catalog.list_databases(other, {})->items.size(), 1u);  // default
}

TEST_F(CatalogTest, TagsOutliveAnUpdateAndChangeInOneStep) {
  auto add = [](std::string key) {
    return [key](Parameters& tags) {
      tags[key] = "1";
      return ok();
    };
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back(
        [&, i] { EXPECT_TRUE(catalog.change_tags(scope, "Sales", add(std::to_string(i))).ok()); });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(catalog.update_database(scope, "sales", {.name = "sales", .description = "new"}).ok());
  EXPECT_EQ(catalog.get_database(scope, "sales")->tags.size(), 4u);
  EXPECT_EQ(catalog.change_tags(scope, "none", add("a")).error().code, "EntityNotFoundException");
}

TEST_F(CatalogTest, TableRoundTripKeepsEverything) {
  Table made = table("Orders");
  made.parameters = {{"spark.sql.sources.schema", "{\"type\":\"struct\"}"}};
  made.storage->serde = {.name = "", .library = "a.b.C", .parameters = {{"path", "x"}}};
  made.storage->sort_columns = {{.column = "id", .order = 0}};
  ASSERT_TRUE(catalog.create_table(scope, made).ok());
  auto read = catalog.get_table(scope, {"SALES", "ORDERS"});
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->name, "orders");
  EXPECT_EQ(read->parameters, made.parameters);
  EXPECT_EQ(read->storage->serde.parameters, made.storage->serde.parameters);
  EXPECT_EQ(read->storage->sort_columns.at(0).order, 0);
  EXPECT_EQ(read->create_ms, 1'700'000'000'000);
  EXPECT_EQ(catalog.create_table(scope, made).error().code, "AlreadyExistsException");
}

TEST_F(CatalogTest, RenameKeepsPartitionsAndVersions) {
  ASSERT_TRUE(catalog.create_table(scope, table("orders")).ok());
  ASSERT_TRUE(catalog.create_partitions(scope, name, {partition("1", "a")}).ok());
  ASSERT_TRUE(catalog.update_table(scope, name, table("renamed")).ok());
  EXPECT_FALSE(catalog.get_table(scope, name).ok());
  const TableName renamed{"sales", "renamed"};
  EXPECT_EQ(catalog.list_partitions(scope, renamed, {})->items.size(), 1u);
  auto versions = catalog.table_versions(scope, renamed, {});
  ASSERT_EQ(versions->items.size(), 2u);
  EXPECT_EQ(versions->items[0].version, 1);
  EXPECT_EQ(versions->items[1].name, "orders");
}

TEST_F(CatalogTest, UpdateWithAnOldVersionFails) {
  ASSERT_TRUE(catalog.create_table(scope, table("orders")).ok());
  UpdateTableOptions options;
  options.expected_version = 0;
  ASSERT_TRUE(catalog.update_table(scope, name, table("orders"), options).ok());
  EXPECT_EQ(catalog.update_table(scope, name, table("orders"), options).error().code,
            "ConcurrentModificationException");
}

TEST_F(CatalogTest, NothingReappearsAfterADrop) {
  ASSERT_TRUE(catalog.create_table(scope, table("orders")).ok());
  ASSERT_TRUE(catalog.create_partitions(scope, name, {partition("1", "a")}).ok());
  ASSERT_TRUE(catalog.delete_database(scope, "sales").ok());
  ASSERT_TRUE(catalog.create_database(scope, {.name = "sales"}).ok());
  EXPECT_TRUE(catalog.list_tables(scope, "sales", {})->items.empty());
  ASSERT_TRUE(catalog.create_table(scope, table("orders")).ok());
  EXPECT_TRUE(catalog.list_partitions(scope, name, {})->items.empty());
}

TEST_F(CatalogTest, PartitionsPageFilterAndSegment) {
  ASSERT_TRUE(catalog.create_table(scope, table("orders")).ok());
  std::vector<Partition> many;
  for (int i = 0; i < 2500; ++i) many.push_back(partition(std::to_string(i), i % 2 ? "odd" : "even"));
  ASSERT_TRUE(catalog.create_partitions(scope, name, many).ok());
  auto filter = PartitionFilter::parse("city = 'odd' and year >= 1000",
                                       catalog.get_table(scope, name)->partition_keys, FilterDialect::glue);
  PartitionQuery query;
  query.filter = &*filter;
  query.page.limit = 100;
  size_t found = 0;
  do {
    auto page = catalog.list_partitions(scope, name, query);
    ASSERT_TRUE(page.ok());
    found += page->items.size();
    query.page.after = page->next;
  } while (!query.page.after.empty());
  EXPECT_EQ(found, 750u);

  size_t segments = 0;
  for (int32_t i = 0; i < 3; ++i) {
    PartitionQuery part;
    part.segment = Segment{i, 3};
    part.page.limit = 5000;
    segments += catalog.list_partitions(scope, name, part)->items.size();
  }
  EXPECT_EQ(segments, 2500u);
  PartitionQuery prefix;
  prefix.prefix = {"77"};
  EXPECT_EQ(catalog.list_partitions(scope, name, prefix)->items.size(), 1u);
}

TEST_F(CatalogTest, PartitionErrorsAreNamedOneByOne) {
  ASSERT_TRUE(catalog.create_table(scope, table("orders")).ok());
  ASSERT_TRUE(catalog.create_partitions(scope, name, {partition("1", "a")}).ok());
  Partition wrong;
  wrong.values = {"1"};
  auto errors = catalog.create_each_partition(scope, name, {partition("1", "a"), partition("2", "b"), wrong});
  ASSERT_TRUE(errors.ok());
  ASSERT_EQ(errors->size(), 2u);
  EXPECT_EQ(errors->at(0).error.code, "AlreadyExistsException");
  EXPECT_EQ(errors->at(1).error.code, "InvalidInputException");
  EXPECT_TRUE(catalog.get_partition(scope, name, {"2", "b"}).ok());
  ASSERT_TRUE(catalog.update_partition(scope, name, {"2", "b"}, partition("3", "c")).ok());
  EXPECT_FALSE(catalog.get_partition(scope, name, {"2", "b"}).ok());
  ASSERT_TRUE(catalog.delete_partition(scope, name, {"3", "c"}).ok());
  EXPECT_EQ(catalog.delete_partition(scope, name, {"3", "c"}).error().code, "EntityNotFoundException");
}

TEST_F(CatalogTest, ConcurrentUpdatesAreAllCounted) {
  ASSERT_TRUE(catalog.create_table(scope, table("orders")).ok());
  std::vector<std::thread> threads;
  std::atomic<int> done = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        if (catalog.update_table(scope, name, table("orders")).ok()) ++done;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(catalog.get_table(scope, name)->version, done.load());
}

TEST_F(CatalogTest, Functions) {
  UserFunction function;
  function.name = "Up";
  function.database = "sales";
  function.class_name = "a.Up";
  ASSERT_TRUE(catalog.create_function(scope, function).ok());
  EXPECT_EQ(catalog.get_function(scope, "sales", "UP")->class_name, "a.Up");
  ASSERT_TRUE(catalog.delete_function(scope, "sales", "up").ok());
  EXPECT_EQ(catalog.get_function(scope, "sales", "up").error().code, "EntityNotFoundException");
}

}  // namespace
}  // namespace mekong::catalog
