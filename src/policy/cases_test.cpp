// The tables in cases/: conditions, matching, documents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>

#include "policy/evaluate.h"

namespace mekong::policy {
namespace {

struct Row {
  std::string topic;
  std::vector<std::string> cells;
  std::string line;
};

std::vector<Row> read_rows(const std::string& file, size_t cells) {
  std::ifstream in(MEKONG_SOURCE_DIR "/src/policy/cases/" + file);
  std::vector<Row> rows;
  std::string topic;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    if (line[0] == '#') {
      topic = line.substr(1);
      continue;
    }
    Row row{topic, {}, line};
    size_t at = 0;
    while (row.cells.size() + 1 < cells) {
      const size_t bar = line.find(" | ", at);
      EXPECT_NE(bar, std::string::npos) << line;
      if (bar == std::string::npos) return rows;
      row.cells.push_back(line.substr(at, bar - at));
      at = bar + 3;
    }
    row.cells.push_back(line.substr(at));
    rows.push_back(std::move(row));
  }
  return rows;
}

const ConditionContext request_keys = {
    {"aws:username", {"bob"}}, {"aws:PrincipalTag/team", {"red"}}, {"s3:prefix", {"a*"}}};

Outcome outcome_of(const std::string& statement, const std::string& action, const std::string& resource,
                   const Context& context) {
  auto parsed =
      parse_document(R"({"Version":"2012-10-17","Statement":)" + statement + "}", DocumentKind::identity);
  EXPECT_TRUE(parsed.ok()) << statement << ": " << parsed.error().message;
  if (!parsed.ok()) return Outcome::explicit_deny;
  Documents documents;
  documents.identity.push_back({"p", *parsed});
  const Principal bob{.kind = PrincipalKind::user, .account = AccountId("111111111111")};
  return evaluate({bob, action, resource, context}, documents).outcome;
}

TEST(Cases, Conditions) {
  const auto rows = read_rows("conditions.txt", 4);
  ASSERT_GE(rows.size(), 220u);
  for (const Row& row : rows) {
    SCOPED_TRACE(row.topic + ": " + row.line);
    Context context(request_keys);
    if (row.cells[2] != "absent") {
      std::vector<std::string> values;
      const boost::json::value list = boost::json::parse(row.cells[2]);
      for (const auto& value : list.as_array()) {
        values.emplace_back(value.as_string());
      }
      context.set("test:Key", std::move(values));
    }
    const std::string statement = R"({"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{")" +
                                  row.cells[0] + R"(":{"test:key":)" + row.cells[1] + "}}}";
    const bool allowed = outcome_of(statement, "a:b", "*", context) == Outcome::allowed;
    EXPECT_EQ(allowed ? "yes" : "no", row.cells[3]);
  }
}

TEST(Cases, Matching) {
  const auto rows = read_rows("matching.txt", 4);
  ASSERT_GE(rows.size(), 55u);
  for (const Row& row : rows) {
    SCOPED_TRACE(row.topic + ": " + row.line);
    const bool by_action = row.cells[0] == "action";
    auto statement = [&](const std::string& prefix) {
      return by_action
                 ? R"({"Effect":"Allow","Resource":"*",")" + prefix + R"(Action":")" + row.cells[1] + "\"}"
                 : R"({"Effect":"Allow","Action":"*",")" + prefix + R"(Resource":")" + row.cells[1] + "\"}";
    };
    const std::string action = by_action ? row.cells[2] : "a:b";
    const std::string resource = by_action ? "arn:aws:s3:::b" : row.cells[2];
    const Context context(request_keys);
    const bool listed = outcome_of(statement(""), action, resource, context) == Outcome::allowed;
    EXPECT_EQ(listed ? "yes" : "no", row.cells[3]);
    if (row.cells[1].find("nothing}") != std::string::npos) continue;  // without a value neither form matches
    const bool others = outcome_of(statement("Not"), action, resource, context) == Outcome::allowed;
    EXPECT_EQ(others ? "no" : "yes", row.cells[3]) << "Not… is the opposite";
  }
}

TEST(Cases, Documents) {
  const auto rows = read_rows("documents.txt", 3);
  ASSERT_GE(rows.size(), 60u);
  for (const Row& row : rows) {
    SCOPED_TRACE(row.topic + ": " + row.line);
    const DocumentKind kind = row.cells[0] == "identity" ? DocumentKind::identity
                              : row.cells[0] == "trust"  ? DocumentKind::trust
                                                         : DocumentKind::resource;
    auto parsed = parse_document(row.cells[2], kind);
    EXPECT_EQ(parsed.ok(), row.cells[1] == "good");
    if (parsed.ok()) continue;
    EXPECT_EQ(parsed.error().code, "MalformedPolicyDocument");
    EXPECT_THAT(parsed.error().message, testing::HasSubstr(row.cells[1]));
  }
}

}  // namespace
}  // namespace mekong::policy
