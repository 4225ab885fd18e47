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
constexpr size_t line_bytes_max = 512u << 20;
constexpr int64_t frame_bytes_max = 256 << 20;

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
  std::vector<std::string> parameters;
  std::vector<Table> tables;
  std::vector<FileEntry> files;
  int64_t scanned_bytes_max = 0;
  std::optional<Output> output;
  template <class F>
  void each_field(F&& f) {
    f("op", op), f("sql", sql), f("database", database), f("parameters", parameters), f("tables", tables);
    f("files", files), f("scanned_bytes_max", scanned_bytes_max), f("output", output);
  }
};

struct ColumnsReply {
  std::vector<ResultColumn> columns;
  template <class F>
  void each_field(F&& f) {
    f("columns", columns);
  }
};

struct FileReply {
  OutputFile file;
  template <class F>
  void each_field(F&& f) {
    f("file", file);
  }
};

struct PruneReply {
  std::vector<std::vector<int64_t>> kept;
  template <class F>
  void each_field(F&& f) {
    f("kept", kept);
  }
};

Error worker_lost() {
  return {"WorkerLost", "The query's worker process ended before the query did."};
}

std::string text_of(const codec::Json& json, std::string_view name) {
  const auto* found = json.find(name);
  return found != nullptr ? found->string : std::string();
}

int64_t number_of(const codec::Json& json, std::string_view name) {
  const auto* found = json.find(name);
  return found != nullptr ? found->integer : 0;
}

// The reply, or the error that it carries.
Result<codec::Json> checked(const std::string& line) {
  auto json = codec::parse_json(line);
  if (!json.ok() || json->kind != codec::Json::Kind::object) return worker_lost();
  if (const auto* error = json->find("error")) {
    auto code = text_of(*error, "code");
    if (code.empty()) return worker_lost();
    return Error{std::move(code), text_of(*error, "message")};
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

// The other end cannot be trusted with anything from here on.
Error Worker::lost(const Error& error) {
  kill();
  if (error.code != "TimedOut") return worker_lost();
  return {"EXCEEDED_TIME_LIMIT",
          fmt::format("Query exceeded the time limit of {} seconds", statement_ms_max_ / 1000)};
}

Status Worker::send(const std::string& line, const std::vector<int>& descriptors) {
  const auto sent = channel_.send(line, descriptors);
  return sent.ok() ? ok() : Status(lost(sent.error()));
}

Result<std::string> Worker::receive() {
  auto line = channel_.read_line(line_bytes_max);
  if (!line.ok()) return lost(line.error());
  return line;
}

Status Worker::ready(int64_t ms_max) {
  channel_.set_time_limit(ms_max);
  MEKONG_TRY_ASSIGN(const auto line, receive());
  MEKONG_TRY(checked(line));
  channel_.set_time_limit(statement_ms_max_);
  return ok();
}

Result<Statement> Worker::parse(const std::string& text, const std::string& database,
                                const std::vector<std::string>& parameters) {
  Request request{.op = "parse", .sql = text, .database = database, .parameters = parameters};
  MEKONG_TRY(send(codec::encode_record(request) + "\n"));
  MEKONG_TRY_ASSIGN(const auto line, receive());
  MEKONG_TRY(checked(line));
  auto statement = codec::decode_record<Statement>(line);
  if (!statement.ok() || statement->operation.empty()) return worker_lost();
  return statement;
}

Result<std::vector<std::vector<int64_t>>> Worker::prune(const std::vector<Table>& tables) {
  Request request{.op = "prune", .tables = tables};
  MEKONG_TRY(send(codec::encode_record(request) + "\n"));
  MEKONG_TRY_ASSIGN(const auto line, receive());
  MEKONG_TRY(checked(line));
  auto reply = codec::decode_record<PruneReply>(line);
  if (!reply.ok() || reply->kept.size() != tables.size()) return worker_lost();
  for (size_t i = 0; i < tables.size(); ++i) {
    const auto groups = static_cast<int64_t>(tables[i].groups.size());
    for (const int64_t index : reply->kept[i]) {
      if (index < 0 || index >= groups) return worker_lost();
    }
  }
  return std::move(reply->kept);
}

Status Worker::send_files(const Query& query) {
  std::vector<int> descriptors;
  for (const auto& file : query.files) {
    for (int descriptor : file.descriptors) {
      descriptors.push_back(descriptor);
      if (descriptors.size() < descriptors_a_message) continue;
      MEKONG_TRY(send("\n", descriptors));
      descriptors.clear();
    }
  }
  return descriptors.empty() ? ok() : send("\n", descriptors);
}

Status Worker::give(const codec::Json& json, const std::string& line, const ResultSink& sink) {
  if (const auto* rows = json.find("rows"); rows != nullptr && sink.row) return give_rows(*rows, sink);
  if (json.find("columns") != nullptr) {
    MEKONG_TRY_ASSIGN(const auto reply, codec::decode_record<ColumnsReply>(line));
    return sink.columns(reply.columns);
  }
  if (json.find("file") != nullptr && sink.file) {
    MEKONG_TRY_ASSIGN(const auto reply, codec::decode_record<FileReply>(line));
    return sink.file(reply.file);
  }
  const int64_t size_bytes = number_of(json, "bytes");
  if (size_bytes <= 0 || size_bytes > frame_bytes_max || !sink.bytes) return worker_lost();
  const auto bytes = channel_.read_bytes(static_cast<size_t>(size_bytes));
  return bytes.ok() ? sink.bytes(*bytes) : Status(lost(bytes.error()));
}

Result<Outcome> Worker::run(const Query& query, const ResultSink& sink) {
  Request request{.op = "run", .sql = query.sql, .tables = query.tables};
  request.scanned_bytes_max = query.scanned_bytes_max;
  request.output = query.output;
  for (const auto& file : query.files) request.files.push_back({file.name, file.sizes});
  MEKONG_TRY(send_files(query));
  MEKONG_TRY(send(codec::encode_record(request) + "\n"));
  for (;;) {
    MEKONG_TRY_ASSIGN(const auto line, receive());
    MEKONG_TRY_ASSIGN(const auto json, checked(line));
    if (const auto* done = json.find("done"); done != nullptr && done->boolean) {
      return Outcome{number_of(json, "rows"), number_of(json, "scanned_bytes")};
    }
    MEKONG_TRY(give(json, line, sink));
  }
}

void Worker::kill() {
  process_->signal(SIGKILL);
}

Workers::Workers(Config config, os::Processes& processes)
    : config_(std::move(config)), processes_(processes) {
  if (config_.hidden.empty()) return;
  os::ProcessSpec attempt;
  attempt.argv = {"/bin/true"};
  attempt.hidden = config_.hidden;
  const auto made = processes_.spawn(attempt);
  if (!made.ok() && made.error().code == "EPERM") config_.hidden.clear();
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
  spec.hidden = config_.hidden;
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
  return std::make_shared<Worker>(std::move(*process), ends->ours, config_.statement_ms_max);
}

Result<std::shared_ptr<Worker>> Workers::take() {
  std::shared_ptr<Worker> taken;
  {
    std::lock_guard lock(mutex_);
    taken = std::move(ahead_);
    ahead_ = nullptr;
  }
  if (!taken || !taken->ready(config_.start_ms_max).ok()) {
    MEKONG_TRY_ASSIGN(taken, start());
    MEKONG_TRY(taken->ready(config_.start_ms_max));
  }
  // One for the next query; that it cannot be started now is the next query's error.
  if (auto next = start(); next.ok()) {
    std::lock_guard lock(mutex_);
    ahead_ = std::move(*next);
  }
  return taken;
}

}  // namespace mekong::sql
