// Writes down how a job run becomes a spark-submit: command line, environment, files. Pure functions.
#pragma once
#include "jobs/supervisor.h"
#include "services/emr_serverless/config.h"
#include "services/emr_serverless/records.h"
#include "services/emr_serverless/sizes.h"
#include "services/emr_serverless/submit_parameters.h"

namespace mekong::emr_serverless {

// What a job asks for: its spark-defaults, then sparkSubmitParameters, which win. Error
// "ValidationException": a metastore client factory other than the Glue Data Catalog's, a setting that only
// this platform may make, sizes that are none.
Result<SubmitParameters> effective_parameters(const std::map<std::string, std::string>& spark_defaults,
                                              std::string_view submit_parameters);

struct Attempt {
  const JobRun& run;
  const SubmitParameters& parameters;
  const Fit& fit;
  const jobs::Place& place;
  std::string dashboard_token;
  uint16_t ui_port = 0;  // Spark takes the next free one from here
};

// Of all processes of a job together.
uint64_t memory_bytes_max(const Fit& fit);

inline constexpr std::string_view dashboard_prefix = "/_mekong/dashboards/";

jobs::Spec spark_submit_spec(const Config& config, const Attempt& attempt);

// The release labels that this platform runs, by the Spark that is installed.
bool is_supported_release(std::string_view release_label);

// "Exception in thread …", "pyspark.errors…: …": the last line of the driver's stderr that names an
// exception, with the last cause that is given for it; or an empty string.
std::string last_exception(std::string_view stderr_tail);

// "…Successfully started service 'SparkUI' on port 20417." → 20417.
std::optional<uint16_t> find_ui_port(std::string_view stderr_text);

}  // namespace mekong::emr_serverless
