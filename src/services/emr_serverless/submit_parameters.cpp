#include "services/emr_serverless/submit_parameters.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace mekong::emr_serverless {

namespace {

using std::string_view_literals::operator""sv;

// Options that name a conf: https://spark.apache.org/docs/3.5.1/submitting-applications.html and
// SparkSubmitArguments of Spark 3.5.1.
constexpr std::array conf_options = {
    std::pair{"--driver-memory"sv, "spark.driver.memory"sv},
    std::pair{"--driver-cores"sv, "spark.driver.cores"sv},
    std::pair{"--executor-memory"sv, "spark.executor.memory"sv},
    std::pair{"--executor-cores"sv, "spark.executor.cores"sv},
    std::pair{"--num-executors"sv, "spark.executor.instances"sv},
    std::pair{"--driver-class-path"sv, "spark.driver.extraClassPath"sv},
    std::pair{"--driver-java-options"sv, "spark.driver.extraJavaOptions"sv},
    std::pair{"--driver-library-path"sv, "spark.driver.extraLibraryPath"sv},
};
constexpr std::array value_options = {"--archives"sv, "--class"sv,    "--exclude-packages"sv,
                                      "--files"sv,    "--jars"sv,     "--name"sv,
                                      "--packages"sv, "--py-files"sv, "--repositories"sv};
constexpr std::array switches = {"--verbose"sv, "-v"sv};
constexpr std::array refused = {"--master"sv,         "--deploy-mode"sv, "--proxy-user"sv,
                                "--principal"sv,      "--keytab"sv,      "--queue"sv,
                                "--kill"sv,           "--status"sv,      "--supervise"sv,
                                "--remote"sv,         "--help"sv,        "-h"sv,
                                "--version"sv,        "--usage-error"sv, "--total-executor-cores"sv,
                                "--properties-file"sv};

Error invalid(std::string message) {
  return Error{"ValidationException", std::move(message)};
}

template <class Names>
bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Status add_conf(SubmitParameters& out, std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == 0 || equals == std::string_view::npos) {
    return invalid(fmt::format("Spark config without '=': {}", assignment));
  }
  out.confs.emplace_back(assignment.substr(0, equals), assignment.substr(equals + 1));
  return ok();
}

// Takes quoted or escaped text at `i` into `word`; `i` then stands behind it.
Status take_quoted(std::string_view text, size_t& i, std::string& word) {
  const char quote = text[i++];
  for (; i < text.size() && text[i] != quote; ++i) {
    const bool escape = quote == '"' && text[i] == '\\' && i + 1 < text.size() &&
                        std::string_view("\"\\$`").find(text[i + 1]) != std::string_view::npos;
    if (escape) ++i;
    word += text[i];
  }
  if (i == text.size())
    return invalid(fmt::format("sparkSubmitParameters: no closing quotation mark {}", quote));
  ++i;
  return ok();
}

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
      ++i;
      continue;
    }
    in_word = true;
    if (c == '\'' || c == '"') {
      MEKONG_TRY(take_quoted(text, i, word));
    } else if (c == '\\' && i + 1 < text.size()) {
      word += text[i + 1];
      i += 2;
    } else {
      word += c;
      ++i;
    }
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

std::optional<std::string> SubmitParameters::conf(std::string_view name) const {
  for (auto it = confs.rbegin(); it != confs.rend(); ++it) {
    if (it->first == name) return it->second;
  }
  return std::nullopt;
}

Result<SubmitParameters> parse_submit_parameters(std::string_view text) {
  MEKONG_TRY_ASSIGN(const auto words, split_words(text));
  SubmitParameters out;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string option = words[i];
    std::optional<std::string> value;
    if (const auto equals = option.find('='); option.starts_with("--") && equals != std::string::npos) {
      value = option.substr(equals + 1);
      option.resize(equals);
    }
    if (contains(refused, option)) {
      return invalid(fmt::format("sparkSubmitParameters: {} cannot be set for a job run.", option));
    }
    if (contains(switches, option) && !value) {
      out.options.push_back(option);
      continue;
    }
    const auto* named = std::find_if(conf_options.begin(), conf_options.end(),
                                     [&](const auto& pair) { return pair.first == option; });
    const bool is_conf = option == "--conf" || option == "-c";
    if (!is_conf && named == conf_options.end() && !contains(value_options, option)) {
      return invalid(fmt::format("sparkSubmitParameters: unrecognized option: {}", words[i]));
    }
    if (!value) {
      if (++i == words.size()) {
        return invalid(fmt::format("sparkSubmitParameters: missing argument for option: {}", option));
      }
      value = words[i];
    }
    if (is_conf) {
      MEKONG_TRY(add_conf(out, *value));
    } else if (named != conf_options.end()) {
      out.confs.emplace_back(named->second, *value);
    } else {
      out.options.push_back(option);
      out.options.push_back(*value);
    }
  }
  return out;
}

}  // namespace mekong::emr_serverless
