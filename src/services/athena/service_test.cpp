#include "services/athena/service.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "blob/store.h"
#include "meta/full_disk.h"
#include "os/files.h"
#include "services/athena/result_files.h"

namespace mekong::athena {
namespace {

class DenyList final : public Authoriser {
 public:
  Decision decide(const AuthorisationRequest& request) const override {
    return {!denied.contains(std::string(request.action)), "because a test says so"};
  }
  std::set<std::string> denied;
};

// The word of the seed document, character by character.
constexpr const char* seed_query = R"(SELECT
    DATE_TRUNC('minute', date) AS minute_window,
    ROUND(SUM(total_amount), 2) AS total_amount
FROM
    emrblog.sales_order_data
WHERE
    DATE_TRUNC('day', date) = CURRENT_DATE
GROUP BY
    DATE_TRUNC('minute', date)
ORDER BY  
    minute_window DESC;
)";

class AthenaTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "mekong-athena-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    auto opened = blob::open_store(files_, clock_, random_, *meta_, null_logger(),
                                   {.folder = folder_ + "/blobs", .grace_ms = 0, .collect_interval_ms = 0});
    ASSERT_TRUE(opened.ok());
    blobs_ = std::move(opened).value();
    store_ = objects::make_store(*meta_, *blobs_, clock_, random_);
    const Scope scope{AccountId("111122223333"), Region("us-east-1")};
    ASSERT_TRUE(store_->create_bucket({"bkt", scope.account, scope.region, 1}).ok());
    workers_ = std::make_unique<sql::Workers>(
        sql::Config{python_, std::string(MEKONG_SOURCE_DIR) + "/workers/sql_worker.py", {}, {}}, *processes_);
    serve(*meta_);
    auto principal = std::make_shared<Principal>();
    principal->account = scope.account;
    principal->arn = "arn:aws:iam::111122223333:user/a";
    context_.principal = principal;
    context_.account = scope.account;
    context_.region = scope.region;
    context_.authoriser = &authoriser_;
    context_.action = "athena:Any";
  }
  void serve(meta::Store& meta) {
    service_ = std::make_unique<Service>(
        Engines{*store_, catalog_, *workers_, authoriser_, clock_, random_, null_logger()}, meta);
    ASSERT_TRUE(service_->start().ok());
  }
  void TearDown() override {
    service_.reset();
    std::filesystem::remove_all(folder_);
  }

  // Parquet that DuckDB writes from `select`, as the table emrblog.sales_order_data.
  void make_table(const std::string& select) {
    const std::string file = folder_ + "/t.parquet";
    os::ProcessSpec writer;
    writer.argv = {python_, "-c",
                   "import duckdb; duckdb.sql(\"SET TimeZone='UTC'; COPY (" + select + ") TO '" + file +
                       "' (FORMAT parquet)\")"};
    auto process = processes_->spawn(writer);
    ASSERT_TRUE(process.ok()) << process.error().message;
    ASSERT_EQ((*process)->exited().get().code, 0);
    std::stringstream bytes;
    bytes << std::ifstream(file, std::ios::binary).rdbuf();
    const objects::ObjectAccess access(*store_, authoriser_, context_.principal);
    ASSERT_TRUE(access.put("bkt", "sales/part-0.parquet", bytes.str()).ok());
    ASSERT_TRUE(access.put("bkt", "sales/_SUCCESS", "not parquet").ok());
    ASSERT_TRUE(access.put("bkt", "sales/_temporary/0/part", "not parquet").ok());
    catalog::Database database;
    database.name = "emrblog";
    ASSERT_TRUE(catalog_.create_database(context_.scope(), database).ok());
    catalog::Table table;
    table.database = "emrblog";
    table.name = "sales_order_data";
    table.storage.emplace().location = "s3://bkt/sales";
    table.storage->serde.library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe";
    table.storage->columns = {{"date", "timestamp", "", {}}, {"total_amount", "double", "", {}}};
    ASSERT_TRUE(catalog_.create_table(context_.scope(), table).ok());
  }

  Result<std::string> begin(const std::string& sql, const std::string& token = "") {
    model::StartQueryExecutionInput request;
    request.query_string = sql;
    if (!token.empty()) request.client_request_token = token;
    request.result_configuration.emplace().output_location = "s3://bkt/results/";
    auto started = service_->start_query_execution(context_, request);
    if (!started.ok()) return started.error();
    return *started->query_execution_id;
  }
  // The id of one that a kill left.
  std::string left_running() {
    Execution left;
    left.account = "111122223333";
    left.region = "us-east-1";
    left.id = "11111111-1111-1111-1111-111111111111";
    left.work_group = "primary";
    left.state = "RUNNING";
    EXPECT_TRUE(Records(*meta_).add(left, "", "").ok());
    return left.id;
  }
  model::QueryExecution look(const std::string& id) {
    return *service_->get_query_execution(context_, {id})->query_execution;
  }
  model::QueryExecution finish(const std::string& id) {
    service_->settle();
    return look(id);
  }
  model::QueryExecution run(const std::string& sql) {
    auto id = begin(sql);
    return id.ok() ? finish(*id) : model::QueryExecution{};
  }
  std::vector<std::string> texts(const std::string& id) {
    auto results = service_->get_query_results(context_, {id, {}, {}, {}});
    std::vector<std::string> found;
    if (!results.ok()) return {results.error().message};
    for (const auto& row : *results->result_set->rows) {
      for (const auto& value : *row.data) found.push_back(value.var_char_value.value_or("(null)"));
    }
    return found;
  }

  std::string folder_;
  const std::string python_ =
      std::string(std::getenv("MEKONG_DEPS") ? std::getenv("MEKONG_DEPS") : "") + "/athena-venv/bin/python";
  os::PosixFiles files_;
  os::SystemClock clock_;
  os::SystemRandom random_;
  DenyList authoriser_;
  std::unique_ptr<os::Processes> processes_ = os::make_processes();
  std::unique_ptr<meta::Store> meta_ = meta::make_memory_store();
  std::unique_ptr<blob::Store> blobs_;
  std::unique_ptr<objects::Store> store_;
  catalog::Catalog catalog_{*meta_, clock_, random_};
  std::unique_ptr<sql::Workers> workers_;
  std::unique_ptr<Service> service_;
  api::Context context_;
};

TEST_F(AthenaTest, TheSeedQueryRunsWordForWord) {
  make_table(
      "SELECT date_trunc('day', now()::TIMESTAMP) + INTERVAL 83 MINUTE AS date, "
      "unnest([10.25, 20.5])::DOUBLE AS total_amount "
      "UNION ALL SELECT TIMESTAMP '2001-01-01', 5.0");
  const auto execution = run(seed_query);
  ASSERT_EQ(*execution.status->state, "SUCCEEDED") << execution.status->state_change_reason.value_or("");
  const auto found = texts(*execution.query_execution_id);
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0], "minute_window");
  EXPECT_EQ(found[1], "total_amount");
  EXPECT_EQ(found[2].substr(10), " 01:23:00.000");
  EXPECT_EQ(found[3], "30.75");
  EXPECT_GT(*execution.statistics->data_scanned_in_bytes, 0);
  EXPECT_EQ(*execution.statement_type, "DML");
  EXPECT_EQ(*execution.result_configuration->output_location,
            "s3://bkt/results/" + *execution.query_execution_id + ".csv");
  RecordProperty("engine_ms", static_cast<int>(*execution.statistics->engine_execution_time_in_millis));
  const auto second = run(seed_query);
  RecordProperty("second_ms", static_cast<int>(*second.statistics->engine_execution_time_in_millis));
}

TEST_F(AthenaTest, WhatTheCallerMayNotReadFailsTheQuery) {
  make_table("SELECT now()::TIMESTAMP AS date, 1.0::DOUBLE AS total_amount");
  for (const char* action : {"glue:GetTable", "s3:GetObject", "s3:ListBucket", "s3:PutObject"}) {
    authoriser_.denied = {action};
    const auto execution = run(seed_query);
    EXPECT_EQ(*execution.status->state, "FAILED") << action;
    EXPECT_NE(execution.status->state_change_reason->find(action), std::string::npos)
        << *execution.status->state_change_reason;
  }
}

TEST_F(AthenaTest, TheWorkerOpensNoFileOfTheMachine) {
  for (const char* sql : {"SELECT * FROM read_parquet('/etc/passwd')", "SELECT * FROM \"/etc/passwd\"",
                          "SELECT * FROM read_text('/etc/passwd')", "COPY (SELECT 1) TO '/tmp/x'",
                          "ATTACH '/tmp/x.db'", "SELECT 1; SELECT 2", "SELECT * FROM glob('/*')"}) {
    EXPECT_EQ(*run(sql).status->state, "FAILED") << sql;
  }
  EXPECT_EQ(*run("SELECT 1").status->state, "SUCCEEDED");  // not for want of a worker
}

TEST_F(AthenaTest, UnnamedColumnsNullsAndQuotes) {
  const auto execution = run("SELECT 1, 'a\"b,c', CAST(NULL AS varchar) AS n, 1e10");
  ASSERT_EQ(*execution.status->state, "SUCCEEDED") << execution.status->state_change_reason.value_or("");
  EXPECT_EQ(texts(*execution.query_execution_id),
            (std::vector<std::string>{"_col0", "_col1", "n", "_col3", "1", "a\"b,c", "(null)", "1.0E10"}));
}

TEST_F(AthenaTest, DatabasesByStatement) {
  EXPECT_EQ(*run("CREATE DATABASE one").status->state, "SUCCEEDED");
  EXPECT_EQ(*run("CREATE DATABASE one").status->state, "FAILED");
  EXPECT_EQ(*run("CREATE DATABASE IF NOT EXISTS one").status->state, "SUCCEEDED");
  const auto shown = run("SHOW DATABASES");
  EXPECT_EQ(texts(*shown.query_execution_id), (std::vector<std::string>{"default", "one"}));
  EXPECT_EQ(*run("DROP DATABASE one").status->state, "SUCCEEDED");
  authoriser_.denied = {"glue:CreateDatabase"};
  EXPECT_EQ(*run("CREATE DATABASE two").status->state, "FAILED");
  EXPECT_NE(run("EXPLAIN SELECT 1").status->state_change_reason->find("NotImplemented"), std::string::npos);
}

TEST_F(AthenaTest, StopKillsTheWorkerAndTheNextQueryRuns) {
  const auto id = begin(
      "SELECT count(*) FROM UNNEST(sequence(1, 100000)) a(x) "
      "CROSS JOIN UNNEST(sequence(1, 100000)) b(y) WHERE sqrt(x * y) = 0.5");
  ASSERT_TRUE(id.ok());
  while (*look(*id).status->state == "QUEUED") std::this_thread::yield();
  ASSERT_TRUE(service_->stop_query_execution(context_, {*id}).ok());
  EXPECT_EQ(*finish(*id).status->state, "CANCELLED");
  EXPECT_EQ(*run("SELECT 1").status->state, "SUCCEEDED");
}

TEST_F(AthenaTest, ATokenStandsForOneQuery) {
  const std::string token(32, 't');
  const auto first = begin("SELECT 1", token);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*begin("SELECT 1", token), *first);
  EXPECT_EQ(begin("SELECT 2", token).error().code, "InvalidRequestException");
  finish(*first);
  EXPECT_EQ(service_->list_query_executions(context_, {})->query_execution_ids->size(), 1u);
}

TEST_F(AthenaTest, OnAFullDiskAQueryEndsOnceThereIsRoom) {
  meta::FullDisk disk(*meta_);
  serve(disk);
  const auto id = begin("SELECT 1");
  ASSERT_TRUE(id.ok());
  service_->settle();
  const auto more = begin("SELECT 2");
  ASSERT_TRUE(more.ok());
  disk.full = true;
  while (disk.refused == 0 && *look(*more).status->state != "SUCCEEDED") ::usleep(1'000);
  // One that a kill left is no reason not to start.
  const auto left = left_running();
  const int before = disk.refused;
  serve(disk);
  EXPECT_GT(disk.refused, before);
  EXPECT_EQ(*look(left).status->state, "RUNNING");
  ASSERT_EQ(service_->owed().size(), 1u);
  disk.full = false;
  service_->settle();
  EXPECT_EQ(*look(left).status->state, "FAILED");
  EXPECT_NE(*look(*more).status->state, "RUNNING");
  EXPECT_NE(*look(*more).status->state, "QUEUED");
  service_.reset();  // before its disk
}

TEST_F(AthenaTest, ARestartEndsWhatRan) {
  const auto left = left_running();
  ASSERT_TRUE(service_->start().ok());
  EXPECT_EQ(*look(left).status->state, "FAILED");
  EXPECT_NE(look(left).status->state_change_reason->find("restarted"), std::string::npos);
}

TEST_F(AthenaTest, AnEnforcedWorkGroupDecidesWhereResultsGo) {
  model::CreateWorkGroupInput group;
  group.name = "team";
  group.configuration.emplace().result_configuration.emplace().output_location = "s3://bkt/team/";
  ASSERT_TRUE(service_->create_work_group(context_, group).ok());
  EXPECT_EQ(service_->create_work_group(context_, group).error().code, "InvalidRequestException");
  model::StartQueryExecutionInput request;
  request.query_string = "SELECT 1";
  request.work_group = "team";
  request.result_configuration.emplace().output_location = "s3://bkt/mine/";
  const auto id = *service_->start_query_execution(context_, request)->query_execution_id;
  EXPECT_EQ(*finish(id).result_configuration->output_location, "s3://bkt/team/" + id + ".csv");
  request.work_group = "absent";
  EXPECT_EQ(service_->start_query_execution(context_, request).error().code, "InvalidRequestException");
}

TEST(ResultFiles, WhatIsWrittenReadsBack) {
  const sql::ResultRow row = {"a\nb", std::nullopt, "", "\"", std::nullopt};
  std::string text;
  append_csv(text, row);
  append_csv(text, row);
  size_t used = 0;
  EXPECT_EQ(take_csv(text, used, true), row);
  EXPECT_EQ(used, text.size() / 2);
  // A row that goes on in what was not read yet, wherever that is cut.
  for (size_t size = 0; size < used; ++size) {
    EXPECT_EQ(take_csv(std::string_view(text).substr(0, size), used, false), std::nullopt) << size;
  }
}

}  // namespace
}  // namespace mekong::athena
