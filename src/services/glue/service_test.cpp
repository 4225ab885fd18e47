#include "services/glue/service.h"

#include <gtest/gtest.h>

#include <set>

namespace mekong::glue {
namespace {

// Allows all but what is on the list, and remembers what was asked.
class Asked final : public Authoriser {
 public:
  Decision decide(const AuthorisationRequest& request) const override {
    asked.insert(std::string(request.action) + " " + std::string(request.resource));
    return {!denied.contains(std::string(request.resource)), ""};
  }
  mutable std::set<std::string> asked;
  std::set<std::string> denied;
};

class GlueTest : public ::testing::Test {
 protected:
  api::Context& as(const std::string& operation) {
    ctx = {};
    auto principal = std::make_shared<Principal>();
    principal->account = AccountId("111122223333");
    principal->arn = "arn:aws:iam::111122223333:user/a";
    ctx.principal = principal;
    ctx.account = principal->account;
    ctx.region = Region("us-east-1");
    ctx.operation = operation;
    ctx.action = "glue:" + operation;
    ctx.authoriser = &authoriser;
    return ctx;
  }
  static model::TableInput input(std::string name) {
    model::TableInput table;
    table.name = std::move(name);
    table.storage_descriptor.emplace();
    table.storage_descriptor->columns = {{{"ID", "bigint"}}};
    table.partition_keys = {{{"year", "int"}}};
    return table;
  }
  void make_table(const std::string& name) {
    model::CreateDatabaseRequest database;
    database.database_input.name = "Sales";
    (void)service.create_database(as("CreateDatabase"), database).ok();
    model::CreateTableRequest request;
    request.database_name = "sales";
    request.table_input = input(name);
    ASSERT_TRUE(service.create_table(as("CreateTable"), request).ok());
  }

  std::unique_ptr<meta::Store> store = meta::make_memory_store();
  os::ManualClock clock{1'700'000'000'000};
  os::SeededRandom random{1};
  catalog::Catalog catalog{*store, clock, random};
  Service service{catalog};
  Asked authoriser;
  api::Context ctx;
};

TEST_F(GlueTest, TableRoundTrip) {
  make_table("Orders");
  model::GetTableRequest get;
  get.database_name = "SALES";
  get.name = "ORDERS";
  auto table = service.get_table(as("GetTable"), get);
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->table->name, "orders");
  EXPECT_EQ(table->table->storage_descriptor->columns->at(0).name, "ID");
  EXPECT_FALSE(table->table->description.has_value());
  EXPECT_EQ(table->table->version_id, "0");
  EXPECT_EQ(table->table->create_time->ms, 1'700'000'000'000);
}

TEST_F(GlueTest, NoSpellingWalksAroundADeny) {
  make_table("secret");
  authoriser.denied = {"arn:aws:glue:us-east-1:111122223333:table/sales/secret"};
  model::GetTableRequest get;
  get.database_name = "Sales";
  get.name = "SECRET";
  EXPECT_EQ(service.get_table(as("GetTable"), get).error().code, "AccessDenied");
  EXPECT_TRUE(authoriser.asked.contains("glue:GetTable arn:aws:glue:us-east-1:111122223333:database/sales"));
  model::GetTablesRequest list;
  list.database_name = "sales";
  EXPECT_TRUE(service.get_tables(as("GetTables"), list)->table_list->empty());
  model::DeleteDatabaseRequest drop;
  drop.name = "sales";
  EXPECT_EQ(service.delete_database(as("DeleteDatabase"), drop).error().code, "AccessDenied");
}

TEST_F(GlueTest, WhatIsNotBuiltFailsByName) {
  make_table("orders");
  model::CreateTableRequest request;
  request.database_name = "sales";
  request.table_input = input("x");
  request.table_input->target_table.emplace();
  auto refused = service.create_table(as("CreateTable"), request);
  EXPECT_EQ(refused.error().code, "NotImplemented");
  EXPECT_EQ(refused.error().message, "CreateTable: parameter TableInput.TargetTable is not implemented");
  model::GetDatabaseRequest elsewhere;
  elsewhere.name = "sales";
  elsewhere.catalog_id = "999999999999";
  EXPECT_EQ(service.get_database(as("GetDatabase"), elsewhere).error().code, "NotImplemented");
}

TEST_F(GlueTest, TagsAreAskedForOnTheFoldedDatabase) {
  make_table("orders");
  model::TagResourceRequest tag;
  tag.resource_arn = "arn:aws:glue:us-east-1:111122223333:database/SALES";
  tag.tags_to_add = {{"team", "a"}};
  EXPECT_TRUE(service.tag_resource(as("TagResource"), tag).ok());
  EXPECT_TRUE(
      authoriser.asked.contains("glue:TagResource arn:aws:glue:us-east-1:111122223333:database/sales"));
  EXPECT_EQ(catalog.get_database(ctx.scope(), "sales")->tags, tag.tags_to_add);
  authoriser.denied = {"arn:aws:glue:us-east-1:111122223333:database/sales"};
  EXPECT_EQ(service.tag_resource(as("TagResource"), tag).error().code, "AccessDenied");
  authoriser.denied = {};
  model::GetTagsRequest elsewhere{"arn:aws:glue:us-east-1:999999999999:database/sales"};
  EXPECT_EQ(service.get_tags(as("GetTags"), elsewhere).error().code, "EntityNotFoundException");
  elsewhere.resource_arn = "arn:aws:glue:us-east-1:111122223333:catalog";
  EXPECT_EQ(service.get_tags(as("GetTags"), elsewhere).error().code, "InvalidInputException");
}

TEST_F(GlueTest, PartitionsPageWithAnOpaqueToken) {
  make_table("orders");
  model::BatchCreatePartitionRequest create;
  create.database_name = "sales";
  create.table_name = "orders";
  for (int year = 2000; year < 2030; ++year) {
    model::PartitionInput partition;
    partition.values = {{std::to_string(year)}};
    create.partition_input_list.push_back(partition);
  }
  ASSERT_TRUE(service.batch_create_partition(as("BatchCreatePartition"), create).ok());
  auto again = service.batch_create_partition(as("BatchCreatePartition"), create);
  EXPECT_EQ(again->errors->size(), 30u);
  EXPECT_EQ(again->errors->at(0).error_detail->error_code, "AlreadyExistsException");
  model::GetPartitionsRequest get;
  get.database_name = "sales";
  get.table_name = "orders";
  get.expression = "year >= 2010";
  get.max_results = 7;
  size_t found = 0;
  do {
    auto page = service.get_partitions(as("GetPartitions"), get);
    ASSERT_TRUE(page.ok()) << page.error().message;
    found += page->partitions->size();
    get.next_token = page->next_token;
  } while (get.next_token);
  EXPECT_EQ(found, 20u);
  get.next_token = "!!";
  EXPECT_EQ(service.get_partitions(as("GetPartitions"), get).error().code, "InvalidInputException");
}

TEST_F(GlueTest, TablePatternsAndVersions) {
  make_table("orders");
  make_table("people");
  model::GetTablesRequest list;
  list.database_name = "sales";
  list.expression = "ord*";
  EXPECT_EQ(service.get_tables(as("GetTables"), list)->table_list->size(), 1u);
  model::UpdateTableRequest update;
  update.database_name = "sales";
  update.table_input = input("orders");
  update.version_id = "0";
  ASSERT_TRUE(service.update_table(as("UpdateTable"), update).ok());
  EXPECT_EQ(service.update_table(as("UpdateTable"), update).error().code, "ConcurrentModificationException");
  model::GetTableVersionsRequest versions;
  versions.database_name = "sales";
  versions.table_name = "orders";
  EXPECT_EQ(service.get_table_versions(as("GetTableVersions"), versions)->table_versions->size(), 2u);
}

}  // namespace
}  // namespace mekong::glue
