#include "sql/worker.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace mekong::sql {
namespace {

constexpr uid_t nobody = 65534;

// A folder with a worker's script, gone with the test.
class Folder {
 public:
  Folder() { EXPECT_NE(::mkdtemp(path_.data()), nullptr); }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  std::string script(const std::string& text) const {
    std::ofstream(path_ + "/worker.py") << text;
    return path_ + "/worker.py";
  }

 private:
  std::string path_ = std::filesystem::temp_directory_path() / "mekong-sql-XXXXXX";
};

std::string real_python() {
  const char* deps = std::getenv("MEKONG_DEPS");
  return std::string(deps != nullptr ? deps : "") + "/athena-venv/bin/python";
}

// The real worker, as the server starts it.
class RealWorkerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(real_python())) GTEST_SKIP() << "no " << real_python();
    config_.python = real_python();
    config_.script = MEKONG_SOURCE_DIR "/workers/sql_worker.py";
    if (::geteuid() == 0) config_.uid = config_.gid = nobody;
  }
  std::shared_ptr<Worker> take() {
    workers_ = std::make_unique<Workers>(config_, *processes_);
    auto worker = workers_->take();
    EXPECT_TRUE(worker.ok()) << worker.error().message;
    return worker.ok() ? *worker : nullptr;
  }
  // The error's code, or all values.
  std::string run(const std::string& sql) { return run_on(take(), sql); }
  static std::string run_on(const std::shared_ptr<Worker>& worker, const std::string& sql) {
    if (worker == nullptr) return "no worker";
    Query query;
    query.sql = sql;
    std::string values;
    ResultSink sink;
    sink.columns = [](const std::vector<ResultColumn>&) { return ok(); };
    sink.row = [&](const ResultRow& row) {
      for (const auto& value : row) values += value.value_or("null") + " ";
      return ok();
    };
    const auto outcome = worker->run(query, sink);
    return outcome.ok() ? values : outcome.error().code;
  }
  std::unique_ptr<os::Processes> processes_ = os::make_processes();
  Config config_;
  std::unique_ptr<Workers> workers_;
};

// A checkout in a private home: only the server's own account can walk to the script.
TEST_F(RealWorkerTest, TheScriptMayLieInAPrivateFolder) {
  Folder home;  // mode 0700
  std::filesystem::copy(MEKONG_SOURCE_DIR "/workers", home.path() + "/workers",
                        std::filesystem::copy_options::recursive);
  config_.script = home.path() + "/workers/sql_worker.py";
  // Without the right to mount there is nothing to be hidden.
  if (::geteuid() == 0) config_.hidden = {"/tmp", "/var/tmp"};
  const auto worker = take();
  ASSERT_NE(worker, nullptr);
  const auto statement = worker->parse("SELECT 1", "default");
  EXPECT_TRUE(statement.ok()) << statement.error().message;
}

// Past the translation, which knows Athena's functions only: these are DuckDB's own words, whose settings
// that would refuse them are not even set. What holds is the process's filter of calls. The name of each list
// is that of docs/isolation.md.
struct Attack {
  const char* name;
  std::vector<const char*> statements;
};

const Attack attacks[] = {
    {"sql_file_functions",
     {"SELECT * FROM read_text('/etc/passwd')",
      "SELECT * FROM read_blob('/proc/self/maps')",
      "SELECT * FROM read_csv('/etc/passwd')",
      "SELECT * FROM read_csv_auto('/etc/passwd', delim=':')",
      "SELECT * FROM read_json('/etc/passwd')",
      "SELECT * FROM read_json_auto('/etc/passwd')",
      "SELECT * FROM read_json_objects('/etc/passwd')",
      "SELECT * FROM read_ndjson('/etc/passwd')",
      "SELECT * FROM read_ndjson_objects('/etc/passwd')",
      "SELECT * FROM read_parquet('/etc/passwd')",
      "SELECT * FROM parquet_scan('/etc/passwd')",
      "SELECT * FROM parquet_metadata('/etc/passwd')",
      "SELECT * FROM parquet_schema('/etc/passwd')",
      "SELECT * FROM parquet_file_metadata('/etc/passwd')",
      "SELECT * FROM parquet_kv_metadata('/etc/passwd')",
      "SELECT * FROM parquet_bloom_probe('/etc/passwd', 'a', 1)",
      "SELECT * FROM sniff_csv('/etc/passwd')",
      "SELECT * FROM '/etc/passwd'",
      "SELECT * FROM '/etc/passwd.csv'",
      "SELECT getenv('PATH')",
      "SELECT * FROM read_text('object://absent')"}},
    {"copy_to",
     {"COPY (SELECT 1) TO '/tmp/mekong-escaped'", "COPY (SELECT 1) TO '/tmp/mekong-escaped' (FORMAT parquet)",
      "COPY (SELECT 1) TO '/tmp/mekong-escaped' (FORMAT json)", "COPY (SELECT 1) TO '/dev/stderr'",
      "COPY (SELECT 1) TO 'object://out'", "EXPORT DATABASE '/tmp/mekong-escaped'",
      "IMPORT DATABASE '/tmp/mekong-escaped'"}},
    {"attach",
     {"ATTACH '/tmp/mekong-escaped.db'", "ATTACH '/etc/passwd' (READ_ONLY)",
      "ATTACH 'https://example.com/a.db'", "SELECT * FROM read_duckdb('/tmp/mekong-escaped.db')"}},
    {"install_load",
     {"INSTALL httpfs", "FORCE INSTALL httpfs", "LOAD httpfs", "LOAD '/tmp/mekong.duckdb_extension'",
      "INSTALL '/tmp/mekong.duckdb_extension'", "UPDATE EXTENSIONS"}},
    {"httpfs_metadata",
     {"SELECT * FROM read_text('http://169.254.169.254/latest/meta-data/')",
      "SELECT * FROM read_text('http://127.0.0.1:4566/_mekong/health')",
      "SELECT * FROM 's3://bucket/key.parquet'", "SELECT * FROM read_csv('https://127.0.0.1/x.csv')",
      "CREATE SECRET (TYPE s3, KEY_ID 'a', SECRET 'b')"}},
    {"glob",
     {"SELECT * FROM glob('/etc/*')", "SELECT * FROM glob('/proc/self/fd/*')",
      "SELECT * FROM read_text('/etc/pass*')", "SELECT * FROM read_csv(['/etc/*', '/root/*'])"}},
    {"symlink",
     {"SELECT * FROM read_text('/proc/self/root/etc/passwd')", "SELECT * FROM read_text('/proc/self/cwd/x')",
      "SELECT * FROM read_blob('/proc/self/environ')", "SELECT * FROM read_text('/proc/self/fd/1')",
      "SELECT * FROM read_text('../../../../etc/passwd')", "SELECT * FROM read_text('file:///etc/passwd')"}},
    {"config_unlock",
     {"SET lock_configuration=false", "RESET lock_configuration", "SET memory_limit='64GB'", "SET threads=64",
      "SET temp_directory='/tmp'", "SET allow_unsigned_extensions=true", "SET extension_directory='/tmp'",
      "SET autoinstall_known_extensions=true", "SET secret_directory='/tmp'",
      "SET enable_external_access=true", "SET log_query_path='/tmp/mekong-escaped'",
      "PRAGMA enable_profiling='json'", "PRAGMA profiling_output='/tmp/mekong-escaped'"}}};

TEST_F(RealWorkerTest, DuckDbOpensNothing) {
  for (const auto& attack : attacks) {
    const auto worker = take();
    for (const char* sql : attack.statements) {
      const auto found = run_on(worker, sql);  // an error, or no row: each value would end with a blank
      EXPECT_EQ(found.find(' '), std::string::npos) << attack.name << ": " << sql << ": " << found;
      EXPECT_FALSE(attack.name == std::string("config_unlock") && found.empty()) << sql << " was taken";
    }
    EXPECT_EQ(run_on(worker, "SELECT 7"), "7 ") << attack.name;  // it was alive for all of them
  }
  EXPECT_FALSE(std::filesystem::exists("/tmp/mekong-escaped"));
  EXPECT_FALSE(std::filesystem::exists("/tmp/mekong-escaped.db"));
}

TEST_F(RealWorkerTest, SqlSettingsLeakNothingOfTheServer) {
  const auto worker = take();
  for (const char* sql :
       {"SELECT list(name || value)::VARCHAR FROM duckdb_settings()",
        "SELECT list(path)::VARCHAR FROM duckdb_databases()", "SELECT count(*) FROM duckdb_secrets()",
        "SELECT count(*) FROM duckdb_temporary_files()",
        "SELECT list(install_path)::VARCHAR FROM duckdb_extensions() WHERE installed"}) {
    const auto found = run_on(worker, sql);
    for (const std::string& told :
         {std::filesystem::path(config_.script).parent_path().string(), config_.python, std::string("AKIA"),
          std::string("/root"), std::string("/home/")})
      EXPECT_EQ(found.find(told), std::string::npos) << sql << ": " << found;
  }
}

// sql_temp_disk: what does not fit into memory has no files to go to.
TEST_F(RealWorkerTest, NothingSpillsToADisk) {
  EXPECT_EQ(
      run("SELECT max(x) FROM (SELECT row_number() OVER (ORDER BY hash(i)) x FROM range(60000000) t(i))"),
      "EXCEEDED_LOCAL_MEMORY_LIMIT");
}

TEST_F(RealWorkerTest, MemoryHasAnEnd) {
  EXPECT_EQ(run("SELECT list(i) FROM range(1000000000) t(i)"), "EXCEEDED_LOCAL_MEMORY_LIMIT");
}

TEST_F(RealWorkerTest, TheProcessHasAnEndOfMemory) {
  config_.memory_bytes_max = 350u << 20;  // below what DuckDB allows itself
  const auto found = run("SELECT list(i) FROM range(1000000000) t(i)");
  EXPECT_TRUE(found == "EXCEEDED_LOCAL_MEMORY_LIMIT" || found == "WorkerLost" ||
              found == "GENERIC_INTERNAL_ERROR")
      << found;
}

TEST_F(RealWorkerTest, TimeHasAnEnd) {  // sql_endless
  config_.statement_ms_max = 1'000;
  EXPECT_EQ(run("WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a FROM r) SELECT count(*) FROM r"),
            "EXCEEDED_TIME_LIMIT");
  EXPECT_EQ(run("SELECT count(*) FROM range(10000000) a(i), range(10000000) b(j) WHERE sqrt(i * j) = 0.5"),
            "EXCEEDED_TIME_LIMIT");
}

TEST_F(RealWorkerTest, AKilledWorkerIsLostAndTheNextOneServes) {
  const auto worker = take();
  ASSERT_NE(worker, nullptr);
  worker->kill();
  EXPECT_EQ(worker->parse("SELECT 1", "").error().code, "WorkerLost");
  const auto next = workers_->take();
  ASSERT_TRUE(next.ok());
  EXPECT_TRUE((*next)->parse("SELECT 1", "").ok());
}

// Programs that do not keep to the words.
class BadWorkerTest : public testing::Test {
 protected:
  // A worker that is up, then answers each line by `body` (Python; `line` and the socket `s`).
  Result<std::shared_ptr<Worker>> start(const std::string& body, const std::string& greeting = "{}") {
    config_.script = folder_.script(
        "import os, socket, sys, time\n"
        "s = socket.socket(fileno=int(sys.argv[1]))\n"
        "s.sendall(b'''" +
        greeting +
        "\\n''')\n"
        "for line in s.makefile('rb'):\n"
        "    " +
        body + "\n");
    workers_ = std::make_unique<Workers>(config_, *processes_);
    return workers_->take();
  }
  std::string parse(const std::string& body) {
    auto worker = start(body);
    if (!worker.ok()) return "start: " + worker.error().code;
    const auto statement = (*worker)->parse("SELECT 1", "");
    return statement.ok() ? statement->operation : statement.error().code;
  }
  std::string run(const std::string& body) {
    auto worker = start(body);
    if (!worker.ok()) return "start: " + worker.error().code;
    ResultSink sink;
    sink.columns = [](const std::vector<ResultColumn>&) { return ok(); };
    sink.row = [](const ResultRow&) { return ok(); };
    const auto outcome = (*worker)->run(Query{}, sink);
    return outcome.ok() ? std::to_string(outcome->rows) : outcome.error().code;
  }
  Folder folder_;
  std::unique_ptr<os::Processes> processes_ = os::make_processes();
  Config config_{.python = "/usr/bin/python3"};
  std::unique_ptr<Workers> workers_;
};

TEST_F(BadWorkerTest, AMissingFolderIsTheQuerysError) {
  Workers workers({.python = "/usr/bin/python3", .script = "/nonexistent/worker.py", .uid = {}, .gid = {}},
                  *processes_);
  auto worker = workers.take();
  ASSERT_FALSE(worker.ok());
  EXPECT_EQ(worker.error().code, "ENOENT");
}

TEST_F(BadWorkerTest, AnswersAreRead) {
  EXPECT_EQ(parse(R"(s.sendall(b'{"operation":"select","sql":"SELECT 1"}\n'))"), "select");
  EXPECT_EQ(run(R"(s.sendall(b'{"columns":[]}\n{"rows":[["a",null]]}\n{"done":true,"rows":1}\n'))"), "1");
}

// A container without the right to mount.
class NoMounts final : public os::Processes {
 public:
  explicit NoMounts(os::Processes& real) : real_(real) {}
  Result<std::unique_ptr<os::Process>> spawn(const os::ProcessSpec& spec) override {
    if (!spec.hidden.empty()) return Error{"EPERM", "unshare"};
    return real_.spawn(spec);
  }

 private:
  os::Processes& real_;
};

TEST_F(BadWorkerTest, WithoutMountsFoldersAreSeenAndQueriesRun) {
  NoMounts processes(*processes_);
  config_.script =
      folder_.script("import socket, sys\nsocket.socket(fileno=int(sys.argv[1])).sendall(b'{}\\n')\n");
  config_.hidden = {folder_.path()};
  Workers workers(config_, processes);
  EXPECT_TRUE(workers.take().ok());
  EXPECT_TRUE(workers.hidden().empty());
}

TEST_F(BadWorkerTest, HiddenFoldersAreEmpty) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const std::string look =
      "import os; s.sendall(b'{\"operation\":\"%d files\"}\\n' % len(os.listdir('" + folder_.path() + "')))";
  EXPECT_EQ(parse(look), "1 files");  // its script
  config_.hidden = {folder_.path()};
  EXPECT_EQ(parse(look), "0 files");
}

TEST_F(BadWorkerTest, OneThatDies) {
  EXPECT_EQ(parse("os._exit(0)"), "WorkerLost");
  EXPECT_EQ(run("os.abort()"), "WorkerLost");
  config_.script = folder_.script("raise SystemExit('no library')");
  workers_ = std::make_unique<Workers>(config_, *processes_);
  EXPECT_EQ(workers_->take().error().code, "WorkerLost");
}

TEST_F(BadWorkerTest, OneThatHangs) {
  config_.statement_ms_max = 200;
  EXPECT_EQ(parse("time.sleep(60)"), "EXCEEDED_TIME_LIMIT");
  EXPECT_EQ(run(R"(s.sendall(b'{"rows":[["half of a line'); time.sleep(60))"), "EXCEEDED_TIME_LIMIT");
  // It does not even read what it is told.
  config_.script = folder_.script(
      "import socket, sys, time\ns = socket.socket(fileno=int(sys.argv[1]))\ns.sendall(b'{}\\n')\n"
      "time.sleep(60)\n");
  workers_ = std::make_unique<Workers>(config_, *processes_);
  auto worker = workers_->take();
  ASSERT_TRUE(worker.ok());
  EXPECT_EQ((*worker)->parse(std::string(8u << 20, ' '), "").error().code, "EXCEEDED_TIME_LIMIT");
  // It never says that it is up.
  config_.start_ms_max = 200;
  config_.script = folder_.script("import time\ntime.sleep(60)\n");
  workers_ = std::make_unique<Workers>(config_, *processes_);
  EXPECT_FALSE(workers_->take().ok());
}

TEST_F(BadWorkerTest, OneThatTalksNonsense) {
  for (const char* answer :
       {"nonsense", "[]", "{}", "null", R"({"error":"x"})", R"({"error":{}})", R"({"operation":5})",
        R"({"bytes":-1})", R"({"bytes":99999999999})", R"({"file":{}})", R"({"kept":[[0]]})", "\\xff\\xfe"}) {
    EXPECT_EQ(parse("s.sendall(b'''" + std::string(answer) + "\\n''')"), "WorkerLost") << answer;
    EXPECT_EQ(run("s.sendall(b'''" + std::string(answer) + "\\n''')"), "WorkerLost") << answer;
  }
}

TEST_F(BadWorkerTest, PartitionsThatAreNone) {
  Table table;
  table.database = "d";
  table.table = "t";
  table.keys = {{"k", "string", "", 0}};
  table.groups = {{{"a"}, {}, {}}, {{"b"}, {}, {}}};
  const std::pair<const char*, const char*> answers[] = {{"[[1]]", ""},
                                                         {"[[2]]", "WorkerLost"},
                                                         {"[[-1]]", "WorkerLost"},
                                                         {"[]", "WorkerLost"},
                                                         {"[[0],[0]]", "WorkerLost"}};
  for (const auto& [kept, code] : answers) {
    auto worker = start("s.sendall(b'{\"kept\":" + std::string(kept) + "}\\n')");
    ASSERT_TRUE(worker.ok());
    const auto found = (*worker)->prune({table});
    EXPECT_EQ(found.ok() ? "" : found.error().code, code) << kept;
  }
}

TEST_F(BadWorkerTest, ARefusalOfARowEndsTheQuery) {
  auto worker = start(R"(s.sendall(b'{"rows":[["a"]]}\n{"done":true}\n'))");
  ASSERT_TRUE(worker.ok());
  ResultSink sink;
  sink.row = [](const ResultRow&) { return Status(Error{"Full", "no room"}); };
  EXPECT_EQ((*worker)->run(Query{}, sink).error().code, "Full");
}

TEST_F(BadWorkerTest, BytesOfFilesArriveAsTheyAre) {
  auto worker = start(
      R"(s.sendall(b'{"columns":[]}\n{"file":{"values":["a"],"ending":".gz"}}\n{"bytes":5}\n')
    s.sendall(b'x\n\x00\xff{{"done":true,"rows":2,"scanned_bytes":7}\n'))");
  ASSERT_TRUE(worker.ok());
  std::string bytes;
  OutputFile opened;
  ResultSink sink;
  sink.columns = [](const std::vector<ResultColumn>&) { return ok(); };
  sink.file = [&](const OutputFile& file) {
    opened = file;
    return ok();
  };
  sink.bytes = [&](const std::string& more) {
    bytes += more;
    return ok();
  };
  const auto outcome = (*worker)->run(Query{}, sink);
  ASSERT_TRUE(outcome.ok()) << outcome.error().code;
  EXPECT_EQ(bytes, std::string("x\n\0\xff{", 5));
  EXPECT_EQ(opened.values, std::vector<std::string>{"a"});
  EXPECT_EQ(opened.ending, ".gz");
  EXPECT_EQ(outcome->rows, 2);
  EXPECT_EQ(outcome->scanned_bytes, 7);
}

}  // namespace
}  // namespace mekong::sql
