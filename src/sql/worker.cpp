#include "sql/worker.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "codec/json.h"
#include "codec/record.h"
#include "os/descriptors.h"

namespace mekong::sql {
namespace {

constexpr size_t descriptors_a_message = 100;
constexpr int child_channel = 3, child_folder = 4;

struct FileEntry {
  std::string name;
  std::vector<uint64_t> sizes;
  template <class F>
  void each_field(F&& f) {
    f("name", name), f("sizes", sizes);
  }
};

struct Request {
  std::string op, sql, database;
  std::vector<Table> tables;
  std::vector<FileEntry> files;
  template <class F>
  void each_field(F&& f) {
    f("op", op), f("sql", sql), f("database", database), f("tables", tables), f("files", files);
  }
};

struct ColumnsReply {
  std::vector<ResultColumn> columns;
  template <class F>
  void each_field(F&& f) {
    f("columns", columns);
  }
};

Error worker_lost() {
  return {"WorkerLost", "The query's worker process ended before the query did."};
}

std::string text_of(const codec::Json& json, std::string_view name) {
  const auto* found = json.find(name);
  return found != nullptr ? found->string : std::string();
}

bool flag_of(const codec::Json& json, std::string_view name) {
  const auto* found = json.find(name);
  return found != nullptr && found->boolean;
}

// The reply, or the error that it carries.
Result<codec::Json> checked(const std::string& line) {
  auto json = codec::parse_json(line);
  if (!json.ok()) return worker_lost();
  if (const auto* error = json->find("error")) {
    return Error{text_of(*error, "code"), text_of(*error, "message")};
  }
  return json;
}

Status give_rows(const codec::Json& rows, const ResultSink& sink) {
  ResultRow row;
  for (const auto& values : rows.array) {
    row.clear();
    for (const auto& value : values.array) {
      row.push_back(value.is_null() ? std::nullopt : std::optional(value.string));
    }
    MEKONG_TRY(sink.row(row));
  }
  return ok();
}

}  // namespace

InputFile::~InputFile() {
  for (int descriptor : descriptors) os::close_descriptor(descriptor);
}

Status Worker::send(const std::string& line, const std::vector<int>& descriptors) {
  const auto sent = channel_.send(line, descriptors);
  return sent.ok() ? ok() : Status(worker_lost());
}

Result<std::string> Worker::receive() {
  auto line = channel_.read_line();
  if (line.ok() && !ready_) {  // the first line says that the worker is up
    ready_ = true;
    line = channel_.read_line();
  }
  if (!line.ok()) return worker_lost();
  return line;
}

Result<Statement> Worker::parse(const std::string& text, const std::string& database) {
  Request request{.op = "parse", .sql = text, .database = database, .tables = {}, .files = {}};
  MEKONG_TRY(send(codec::encode_record(request) + "\n"));
  MEKONG_TRY_ASSIGN(const auto line, receive());
  MEKONG_TRY_ASSIGN(const auto json, checked(line));
  Statement statement;
  statement.is_query = text_of(json, "kind") == "query";
  statement.sql = text_of(json, "sql");
  statement.operation = text_of(json, "op");
  statement.target = {text_of(json, "database"), text_of(json, "table")};
  statement.if_exists = flag_of(json, "exists");
  statement.cascade = flag_of(json, "cascade");
  if (const auto* tables = json.find("tables")) {
    for (const auto& pair : tables->array) {
      if (pair.array.size() != 2) return worker_lost();
      statement.tables.push_back({pair.array[0].string, pair.array[1].string});
    }
  }
  return statement;
}

Status Worker::run(const Query& query, const ResultSink& sink) {
  Request request{.op = "run", .sql = query.sql, .database = "", .tables = query.tables, .files = {}};
  std::vector<int> descriptors;
  for (const auto& file : *query.files) {
    request.files.push_back({file.name, file.sizes});
    for (int descriptor : file.descriptors) {
      descriptors.push_back(descriptor);
      if (descriptors.size() < descriptors_a_message) continue;
      MEKONG_TRY(send("\n", descriptors));
      descriptors.clear();
    }
  }
  if (!descriptors.empty()) MEKONG_TRY(send("\n", descriptors));
  MEKONG_TRY(send(codec::encode_record(request) + "\n"));
  for (;;) {
    MEKONG_TRY_ASSIGN(const auto line, receive());
    MEKONG_TRY_ASSIGN(const auto json, checked(line));
    if (flag_of(json, "done")) return ok();
    if (const auto* rows = json.find("rows")) MEKONG_TRY(give_rows(*rows, sink));
    if (json.find("columns") != nullptr) {
      MEKONG_TRY_ASSIGN(const auto reply, codec::decode_record<ColumnsReply>(line));
      MEKONG_TRY(sink.columns(reply.columns));
    }
  }
}

void Worker::kill() {
  process_->signal(SIGKILL);
}

Workers::Workers(Config config, os::Processes& processes)
    : config_(std::move(config)), processes_(processes) {
  if (auto first = start(); first.ok()) ahead_ = std::move(*first);  // else the first query says why
}

Result<std::shared_ptr<Worker>> Workers::start() {
  // The worker's account may not be able to walk to the script, say in root's home: it is given the folder.
  const std::filesystem::path script = config_.script;
  MEKONG_TRY_ASSIGN(const int folder, os::open_folder_descriptor(script.parent_path()));
  auto ends = os::make_channel();
  if (!ends.ok()) {
    os::close_descriptor(folder);
    return ends.error();
  }
  os::ProcessSpec spec;
  spec.argv = {config_.python, "-B",
               "/proc/self/fd/" + std::to_string(child_folder) + "/" + script.filename().string(),
               std::to_string(child_channel)};
  spec.environment = {{"LANG", "C.UTF-8"}, {"PYTHONDONTWRITEBYTECODE", "1"}};
  spec.uid = config_.uid;
  spec.gid = config_.gid;
  spec.memory_bytes_max = config_.memory_bytes_max;
  // What it says before it dies belongs into our log.
  spec.descriptors = {{STDERR_FILENO, STDERR_FILENO}, {child_channel, ends->child}, {child_folder, folder}};
  auto process = processes_.spawn(spec);
  os::close_descriptor(ends->child);
  os::close_descriptor(folder);
  if (!process.ok()) {
    os::close_descriptor(ends->ours);
    return process.error();
  }
  return std::make_shared<Worker>(std::move(*process), ends->ours);
}

Result<std::shared_ptr<Worker>> Workers::take() {
  std::shared_ptr<Worker> taken;
  {
    std::lock_guard lock(mutex_);
    taken = std::move(ahead_);
    ahead_ = nullptr;
  }
  if (!taken) {
    MEKONG_TRY_ASSIGN(taken, start());
  }
  // One for the next query; that it cannot be started now is the next query's error.
  if (auto next = start(); next.ok()) {
    std::lock_guard lock(mutex_);
    ahead_ = std::move(*next);
  }
  return taken;
}

}  // namespace mekong::sql
