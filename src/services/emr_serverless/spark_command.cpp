#include "services/emr_serverless/spark_command.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace mekong::emr_serverless {

namespace {

using Confs = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view glue_factory =
    "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory";
constexpr std::array factory_confs = {"spark.hadoop.hive.metastore.client.factory.class",
                                      "hive.metastore.client.factory.class",
                                      "spark.hive.metastore.client.factory.class"};
// Spark's off-heap, the metaspace, code and stacks beside the heap.
constexpr uint64_t beside_heap_bytes = 3ULL << 30;

// What a job may override: written to spark-defaults.conf.
Confs default_confs(const Config& config, const JobRun& run, const std::string& folder) {
  return {
      {"spark.sql.catalogImplementation", "hive"},
      {"spark.hadoop.hive.metastore.uris", config.metastore_uri},
      {"spark.sql.warehouse.dir", fmt::format("s3://mekong-warehouse-{}/", run.account)},
      {"spark.hadoop.fs.s3.impl", "org.apache.hadoop.fs.s3a.S3AFileSystem"},
      {"spark.hadoop.fs.s3n.impl", "org.apache.hadoop.fs.s3a.S3AFileSystem"},
      // No fs.AbstractFileSystem.s3.impl: S3A's answers to s3a:// only, and without one Structured Streaming
      // keeps its checkpoint through the FileSystem API, the same calls on S3.
      {"spark.hadoop.fs.s3a.endpoint", config.endpoint},
      {"spark.hadoop.fs.s3a.endpoint.region", run.region},
      {"spark.hadoop.fs.s3a.path.style.access", "true"},
      {"spark.hadoop.fs.s3a.connection.ssl.enabled", config.endpoint.starts_with("https") ? "true" : "false"},
      // One folder in /tmp for all users is Hadoop's and Hive's default: the second job could not write to
      // it.
      {"spark.hadoop.hadoop.tmp.dir", folder + "/tmp/hadoop"},
      {"spark.hadoop.fs.s3a.buffer.dir", folder + "/tmp/s3a"},
      {"spark.hadoop.hive.exec.scratchdir", folder + "/tmp/hive"},
      {"spark.hadoop.hive.exec.local.scratchdir", folder + "/tmp/hive-local"},
      {"spark.hadoop.hive.downloaded.resources.dir", folder + "/tmp/hive-resources"},
  };
}

// What it may not: the last on the command line, so that they win.
Confs platform_confs(const Config& config, const Attempt& attempt) {
  const auto driver_class_path = attempt.parameters.conf("spark.driver.extraClassPath");
  return {
      {"spark.driver.memory", fmt::format("{}m", attempt.fit.heap_bytes >> 20)},
      {"spark.jars.ivy", attempt.place.folder + "/.ivy2"},
      {"spark.driver.extraClassPath",
       config.spark.platform_jars + "/*" + (driver_class_path ? ":" + *driver_class_path : "")},
      {"spark.ui.port", std::to_string(attempt.ui_port)},
      {"spark.port.maxRetries", "64"},
      {"spark.ui.proxyBase", std::string(dashboard_prefix) + attempt.dashboard_token},
      {"spark.authenticate", "true"},  // with a secret that Spark makes for itself, where all is one JVM
      {"spark.driver.bindAddress", "127.0.0.1"},
      {"spark.driver.host", "127.0.0.1"},
  };
}

std::string java_options(const Config& config, const std::string& folder) {
  std::string out = "-Djava.io.tmpdir=" + folder + "/tmp -Duser.home=" + folder;
  if (!config.truststore.empty()) {
    out += " -Djavax.net.ssl.trustStore=" + folder + "/truststore.jks";
    if (!config.truststore_password.empty()) {
      out += " -Djavax.net.ssl.trustStorePassword=" + config.truststore_password;
    }
  }
  return out;
}

// A line of spark-defaults.conf (java.util.Properties): backslashes are doubled, line ends escaped.
std::string property_line(std::string_view name, std::string_view value) {
  std::string out(name);
  out += ' ';
  for (const char c : value) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '\n';
}

std::map<std::string, std::string> environment(const Config& config, const Attempt& attempt) {
  const auto& folder = attempt.place.folder;
  std::map<std::string, std::string> out = {
      {"JAVA_HOME", config.spark.java_home},
      {"SPARK_HOME", config.spark.spark_home},
      {"SPARK_CONF_DIR", folder + "/conf"},
      {"SPARK_LOCAL_IP", "127.0.0.1"},
      {"SPARK_LOCAL_DIRS", folder + "/tmp"},
      {"PYSPARK_PYTHON", config.spark.python},
      {"PYTHONUNBUFFERED", "1"},
      {"TZ", "UTC"},  // as on EMR: a timestamp without zone means the same on every machine
      {"JAVA_TOOL_OPTIONS", java_options(config, folder)},
      {"AWS_REGION", attempt.run.region},
      {"AWS_DEFAULT_REGION", attempt.run.region},
      {"AWS_ENDPOINT_URL", config.endpoint},
  };
  // https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/jobs-spark.html
  constexpr std::string_view driver_env = "spark.emr-serverless.driverEnv.";
  const auto take = [&](const std::string& name, const std::string& value) {
    if (name.starts_with(driver_env)) out[name.substr(driver_env.size())] = value;
  };
  for (const auto& [name, value] : attempt.parameters.confs) take(name, value);
  return out;
}

}  // namespace

Result<SubmitParameters> effective_parameters(const std::map<std::string, std::string>& spark_defaults,
                                              std::string_view submit_parameters) {
  MEKONG_TRY_ASSIGN(auto parameters, parse_submit_parameters(submit_parameters));
  parameters.confs.insert(parameters.confs.begin(), spark_defaults.begin(), spark_defaults.end());
  for (const auto* name : factory_confs) {
    const auto factory = parameters.conf(name);
    if (factory && *factory != glue_factory) {
      return Error{
          "ValidationException",
          fmt::format("{}={}: the catalogue of this platform stands behind {}; leave the setting out or "
                      "name that class.",
                      name, *factory, glue_factory)};
    }
  }
  for (const auto* name : {"spark.master", "spark.submit.deployMode"}) {
    if (parameters.conf(name)) {
      return Error{"ValidationException", fmt::format("{} cannot be set for a job run.", name)};
    }
  }
  MEKONG_TRY_ASSIGN(const auto sizes, requested_sizes(parameters));
  static_cast<void>(sizes);  // checked only
  return parameters;
}

jobs::Spec spark_submit_spec(const Config& config, const Attempt& attempt) {
  const auto& run = attempt.run;
  const auto& folder = attempt.place.folder;
  jobs::Spec spec;
  spec.argv = {config.spark.spark_home + "/bin/spark-submit", "--master",
               fmt::format("local[{},4]", attempt.fit.cores)};
  spec.argv.insert(spec.argv.end(), attempt.parameters.options.begin(), attempt.parameters.options.end());
  const auto add_confs = [&](const Confs& confs) {
    for (const auto& [name, value] : confs) {
      spec.argv.push_back("--conf");
      spec.argv.push_back(name + "=" + value);
    }
  };
  add_confs(attempt.parameters.confs);
  add_confs(platform_confs(config, attempt));
  spec.argv.push_back(run.entry_point);
  spec.argv.insert(spec.argv.end(), run.arguments.begin(), run.arguments.end());

  auto& defaults = spec.files["conf/spark-defaults.conf"];
  for (const auto& [name, value] : default_confs(config, run, folder)) defaults += property_line(name, value);
  if (!config.truststore.empty()) spec.files["truststore.jks"] = config.truststore;
  if (!config.spark.maven_seed.empty()) spec.links[".m2/repository"] = config.spark.maven_seed;

  spec.environment = environment(config, attempt);
  if (!attempt.fit.note.empty()) spec.banner = attempt.fit.note + "\n";
  spec.role = {
      run.role_arn, "emr-serverless.amazonaws.com", run.id,
      "arn:aws:emr-serverless:" + run.region + ":" + run.account + ":/applications/" + run.application_id};
  spec.disk_bytes_max = attempt.fit.disk_bytes;
  spec.memory_bytes_max = memory_bytes_max(attempt.fit);
  spec.cpu_threads = static_cast<uint64_t>(attempt.fit.cores);
  return spec;
}

uint64_t memory_bytes_max(const Fit& fit) {
  return fit.heap_bytes + beside_heap_bytes;
}

bool is_supported_release(std::string_view release_label) {
  // Those of Spark 3.5.1:
  // https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/release-versions.html
  constexpr std::array labels = {"emr-7.2.0", "emr-7.3.0"};
  return std::find(labels.begin(), labels.end(), release_label) != labels.end();
}

std::string last_exception(std::string_view stderr_tail) {
  std::string found, cause;
  while (!stderr_tail.empty()) {
    const auto end = stderr_tail.find('\n');
    const auto line = stderr_tail.substr(0, end);
    stderr_tail = end == std::string_view::npos ? std::string_view() : stderr_tail.substr(end + 1);
    if (line.starts_with("\tat ") || line.starts_with(" ")) continue;
    const auto colon = line.find(':');
    const auto head = line.substr(0, colon);
    const bool named = head.ends_with("Exception") || head.ends_with("Error") || head.ends_with("Exit");
    if (line.starts_with("Exception in thread") || (named && head.find("INFO") == std::string_view::npos)) {
      found = line.substr(0, 1000);
      cause.clear();
    }
    if (line.starts_with("Caused by: ")) cause = line.substr(0, 1000);
  }
  return found.empty() || cause.empty() ? found : found + " " + cause;
}

std::optional<uint16_t> find_ui_port(std::string_view stderr_text) {
  constexpr std::string_view mark = "Successfully started service 'SparkUI' on port ";
  const auto at = stderr_text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const auto digits = stderr_text.substr(at + mark.size());
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end == digits.data() + digits.size() || *end != '.') return std::nullopt;
  return port;
}

}  // namespace mekong::emr_serverless
