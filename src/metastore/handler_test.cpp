#include "metastore/handler.h"

#include <gtest/gtest.h>

#include <set>

namespace mekong::metastore {
namespace {

class Rules final : public Authoriser {
 public:
  Decision decide(const AuthorisationRequest& request) const override {
    return {!denied.contains(std::string(request.action) + " " + std::string(request.resource)),
            "because of a test"};
  }
  std::set<std::string> denied;
};

class Remembered final : public Folders {
 public:
  Status supports(const std::string& location) const override {
    return location.starts_with("s3://") ? ok() : Status(Error{"NotImplemented", "no data at " + location});
  }
  Status remove(const PrincipalPtr&, const std::string& location) override {
    removed.insert(location);
    return ok();
  }
  Status copy(const PrincipalPtr&, const std::string& from, const std::string& to) override {
    copied.insert(from + " " + to);
    return ok();
  }
  std::set<std::string> removed, copied;
};

PrincipalPtr somebody() {
  auto principal = std::make_shared<Principal>();
  principal->account = AccountId("111122223333");
  principal->arn = "arn:aws:sts::111122223333:assumed-role/job/1";
  return principal;
}

class HandlerTest : public ::testing::Test {
 protected:
  HandlerTest() {
    thrift::Database database;
    database.name = "sales";
    handler.create_database(database);
  }
  static thrift::Table table(const std::string& name, bool external = false) {
    thrift::Table made;
    made.dbName = "sales";
    made.tableName = name;
    made.tableType = external ? "EXTERNAL_TABLE" : "MANAGED_TABLE";
    if (external) made.parameters["EXTERNAL"] = "TRUE";
    made.partitionKeys.resize(1);
    made.partitionKeys[0].name = "city";
    made.partitionKeys[0].type = "string";
    return made;
  }
  thrift::Partition partition(const std::string& table, const std::string& city) {
    thrift::Partition made;
    made.dbName = "sales";
    made.tableName = table;
    made.values = {city};
    return made;
  }
  thrift::Table read(const std::string& name) {
    thrift::Table out;
    handler.get_table(out, "sales", name);
    return out;
  }

  std::unique_ptr<meta::Store> store = meta::make_memory_store();
  os::ManualClock clock{1'700'000'000'000};
  os::SeededRandom random{1};
  catalog::Catalog catalog{*store, clock, random};
  Rules rules;
  Remembered folders;
  Shared shared{catalog, rules, folders, clock, Region("us-east-1"), "s3://house-{account}"};
  Handler handler{Session(shared, somebody())};
};

TEST_F(HandlerTest, LocationsAreFilledInAsHiveDoes) {
  thrift::Database fallback;
  handler.get_database(fallback, "default");
  EXPECT_EQ(fallback.locationUri, "s3://house-111122223333");
  handler.create_table(table("Orders"));
  EXPECT_EQ(read("orders").sd.location, "s3://house-111122223333/sales.db/orders");
  thrift::Partition added;
  handler.add_partition(added, partition("orders", "a/b"));
  EXPECT_EQ(added.sd.location, "s3://house-111122223333/sales.db/orders/city=a%2Fb");
  Names names;
  handler.get_partition_names(names, "sales", "orders", -1);
  EXPECT_EQ(names, Names{"city=a%2Fb"});
  handler.get_partition_by_name(added, "sales", "orders", "city=a%2Fb");
  EXPECT_EQ(added.values, Names{"a/b"});
}

TEST_F(HandlerTest, DataGoesWithManagedTablesOnly) {
  handler.create_table(table("kept", true));
  handler.drop_table("sales", "kept", true);
  EXPECT_TRUE(folders.removed.empty());
  handler.create_table(table("orders"));
  handler.drop_table("sales", "orders", false);
  EXPECT_TRUE(folders.removed.empty());
  handler.create_table(table("orders"));
  handler.drop_table("sales", "orders", true);
  EXPECT_EQ(folders.removed, std::set<std::string>{"s3://house-111122223333/sales.db/orders/"});
  auto elsewhere = table("elsewhere");
  elsewhere.sd.location = "hdfs://x/y";
  handler.create_table(elsewhere);
  EXPECT_THROW(handler.drop_table("sales", "elsewhere", true), thrift::MetaException);
  EXPECT_EQ(read("elsewhere").sd.location, "hdfs://x/y") << "refused before anything was dropped";
}

TEST_F(HandlerTest, RenameMovesAManagedTable) {
  handler.create_table(table("orders"));
  auto renamed = read("orders");
  renamed.tableName = "moved";
  handler.alter_table("sales", "orders", renamed);
  EXPECT_EQ(read("moved").sd.location, "s3://house-111122223333/sales.db/moved");
  EXPECT_EQ(folders.copied.size(), 1u);
  EXPECT_EQ(folders.removed.size(), 1u);
  EXPECT_THROW(read("orders"), thrift::NoSuchObjectException);
}

TEST_F(HandlerTest, EveryCallAsksAndDenialsSayWhat) {
  handler.create_table(table("secret"));
  rules.denied = {"glue:GetTable arn:aws:glue:us-east-1:111122223333:table/sales/secret"};
  try {
    read("SECRET");
    FAIL() << "answered";
  } catch (const thrift::MetaException& refused) {
    EXPECT_EQ(
        refused.message,
        "AccessDenied: User: arn:aws:sts::111122223333:assumed-role/job/1 is not authorized to perform: "
        "glue:GetTable on resource: arn:aws:glue:us-east-1:111122223333:table/sales/secret because of a "
        "test");
  }
  Handler stranger{Session(shared, Error{"NotFound", "uid 7 runs no job"})};
  Names names;
  EXPECT_THROW(stranger.get_all_databases(names), thrift::MetaException);
  thrift::GetAllFunctionsResponse functions;
  EXPECT_THROW(stranger.get_all_functions(functions), thrift::MetaException);
  std::string value;
  EXPECT_THROW(stranger.get_config_value(value, "a", "b"), thrift::MetaException);
}

TEST_F(HandlerTest, ErrorsAreThoseOfEachMethod) {
  handler.create_table(table("orders"));
  EXPECT_THROW(handler.create_table(table("orders")), thrift::AlreadyExistsException);
  EXPECT_THROW(handler.drop_database("sales", true, false), thrift::InvalidOperationException);
  EXPECT_THROW(handler.drop_database("default", true, true), thrift::MetaException);
  EXPECT_THROW(handler.alter_table("sales", "absent", table("absent")), thrift::InvalidOperationException);
  thrift::Function function;
  try {
    handler.get_function(function, "sales", "up");
    FAIL() << "answered";
  } catch (const thrift::NoSuchObjectException& absent) {
    EXPECT_EQ(absent.message, "Function sales.up does not exist");
  }
  auto skewed = table("skewed");
  skewed.sd.__set_skewedInfo({});
  skewed.sd.skewedInfo.skewedColNames = {"city"};
  EXPECT_THROW(handler.create_table(skewed), thrift::MetaException);
}

TEST_F(HandlerTest, FiltersAndPartialValues) {
  handler.create_table(table("orders"));
  thrift::AddPartitionsRequest request;
  request.dbName = "sales";
  request.tblName = "orders";
  request.parts = {partition("orders", "a"), partition("orders", "b"), partition("orders", "ab")};
  thrift::AddPartitionsResult result;
  handler.add_partitions_req(result, request);
  EXPECT_EQ(result.partitions.size(), 3u);
  std::vector<thrift::Partition> found;
  handler.get_partitions_by_filter(found, "sales", "orders", "city like \"a.*\"", -1);
  EXPECT_EQ(found.size(), 2u);
  Names names;
  handler.get_partition_names_ps(names, "sales", "orders", {""}, 2);
  EXPECT_EQ(names.size(), 2u);
  EXPECT_THROW(handler.add_partitions_req(result, request), thrift::AlreadyExistsException);
  request.ifNotExists = true;
  handler.add_partitions_req(result, request);
}

TEST(Patterns, AreHives) {
  EXPECT_TRUE(matches_pattern("*", "x"));
  EXPECT_TRUE(matches_pattern("sal*|ord*", "ORDERS"));
  EXPECT_TRUE(matches_pattern("o.*s", "orders"));
  EXPECT_FALSE(matches_pattern("sal*", "orders"));
}

}  // namespace
}  // namespace mekong::metastore
