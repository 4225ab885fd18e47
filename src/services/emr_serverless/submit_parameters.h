// sparkSubmitParameters: one string, split as a shell would and read as spark-submit does. Pure functions.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mekong::emr_serverless {

// Words of a POSIX shell without expansions: blanks separate, '…' is literal, "…" knows \" \\ \$ \`, a
// backslash outside of quotes keeps the next character. Error: "ValidationException" for an open quote.
Result<std::vector<std::string>> split_words(std::string_view text);

// spark-submit's options, --conf apart and the options that are only names for a conf turned into it.
struct SubmitParameters {
  std::vector<std::pair<std::string, std::string>> confs;  // in order; the last of a name counts
  std::vector<std::string> options;                        // all others, as given: "--packages", "a:b:1" …
  std::optional<std::string> conf(std::string_view name) const;
};

// Error: "ValidationException" for what spark-submit does not know, for options of other deployments
// (--master,
// --deploy-mode, --proxy-user, --kill …) and for a word that is no option: it would be taken for the program.
Result<SubmitParameters> parse_submit_parameters(std::string_view text);

}  // namespace mekong::emr_serverless
