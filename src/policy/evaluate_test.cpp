#include "policy/evaluate.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace mekong::policy {
namespace {

Principal principal_named(const std::string& kind) {
  Principal p{.kind = PrincipalKind::user,
              .account = AccountId("111111111111"),
              .arn = "arn:aws:iam::111111111111:user/bob"};
  if (kind == "role") {
    p.kind = PrincipalKind::role_session;
    p.arn = "arn:aws:sts::111111111111:assumed-role/r/s";
    p.role_arn = "arn:aws:iam::111111111111:role/r";
  } else if (kind == "root") {
    p.kind = PrincipalKind::root;
    p.arn = "arn:aws:iam::111111111111:root";
  } else if (kind.starts_with("federated")) {
    p.kind = PrincipalKind::federated_user;
    p.issuer_arn = kind.ends_with("root") ? "arn:aws:iam::111111111111:root" : p.arn;
    p.arn = "arn:aws:sts::111111111111:federated-user/f";
  } else if (kind == "service") {
    p = {.kind = PrincipalKind::service, .arn = "emr-serverless.amazonaws.com"};
  } else if (kind == "anonymous") {
    p = {};
  }
  return p;
}

struct Case {
  std::string name, principal = "user", action, resource, outcome, source, decided;
  bool policy_required = false, cross_account = false;
  ConditionContext context;
  Documents documents;
};

// Named by its place among its like, from 1.
NamedDocument document(const std::string& json, DocumentKind kind, size_t before = 0) {
  auto parsed = parse_document(json, kind);
  EXPECT_TRUE(parsed.ok()) << json << "\n" << parsed.error().message;
  return {std::to_string(before + 1), parsed.ok() ? *parsed : std::make_shared<const Document>()};
}

void read_context(Case& test, const std::string& text) {
  const size_t equals = text.find(" = ");
  auto& values = test.context[text.substr(0, equals)];
  std::string rest = text.substr(equals + 3);
  for (size_t bar = rest.find(" | "); bar != std::string::npos; bar = rest.find(" | ")) {
    values.push_back(rest.substr(0, bar));
    rest.erase(0, bar + 3);
  }
  values.push_back(rest);
}

void read_line(Case& test, const std::string& word, const std::string& rest) {
  if (word == "principal")
    test.principal = rest;
  else if (word == "action")
    test.action = rest;
  else if (word == "resource")
    test.resource = rest;
  else if (word == "cross-account")
    test.cross_account = true;
  else if (word == "resource-policy-required")
    test.policy_required = true;
  else if (word == "context")
    read_context(test, rest);
  else if (word == "identity")
    test.documents.identity.push_back(document(rest, DocumentKind::identity, test.documents.identity.size()));
  else if (word == "boundary")
    test.documents.boundary = document(rest, DocumentKind::identity);
  else if (word == "session")
    test.documents.session.push_back(document(rest, DocumentKind::identity, test.documents.session.size()));
  else if (word == "resource-policy")
    test.documents.resource = document(rest, DocumentKind::stored);
  else if (word == "expect")
    std::istringstream(rest) >> test.outcome >> test.source >> test.decided;
  else
    ADD_FAILURE() << "unknown word " << word;
}

std::vector<Case> read_cases() {
  std::ifstream file(MEKONG_SOURCE_DIR "/src/policy/cases/evaluation.txt");
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::string word = line.substr(0, line.find(' '));
    const std::string rest = word.size() < line.size() ? line.substr(word.size() + 1) : "";
    if (word == "case")
      cases.push_back({.name = rest});
    else
      read_line(cases.back(), word, rest);
  }
  return cases;
}

std::string outcome_name(Outcome outcome) {
  return outcome == Outcome::allowed ? "allow" : outcome == Outcome::explicit_deny ? "explicit" : "implicit";
}

std::string source_name(Source source) {
  constexpr const char* names[] = {"none", "identity", "boundary", "session", "resource"};
  return names[static_cast<size_t>(source)];
}

TEST(Evaluate, Cases) {
  const auto cases = read_cases();
  ASSERT_GE(cases.size(), 30u);
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    const Principal principal = principal_named(test.principal);
    const Context context(test.context);
    const Verdict verdict =
        evaluate({principal, test.action, test.resource, context, test.policy_required, test.cross_account},
                 test.documents);
    std::string got = outcome_name(verdict.outcome) + " " + source_name(verdict.source);
    if (!verdict.policy.empty())
      got += " " + std::string(verdict.policy) + ":" + std::to_string(verdict.statement + 1);
    EXPECT_EQ(got, test.outcome + " " + test.source + (test.decided.empty() ? "" : " " + test.decided));
  }
}

TEST(Evaluate, SaysWhyInTheWordsOfAws) {
  EXPECT_EQ(denial_reason({Outcome::implicit_deny, Source::identity, "", ""}, "s3:GetObject"),
            "because no identity-based policy allows the s3:GetObject action");
  EXPECT_EQ(denial_reason({Outcome::explicit_deny, Source::identity, "", ""}, "s3:GetObject"),
            "with an explicit deny in an identity-based policy");
  EXPECT_EQ(denial_reason({Outcome::explicit_deny, Source::resource, "", ""}, "s3:GetObject"),
            "with an explicit deny in a resource-based policy");
  EXPECT_EQ(denial_reason({Outcome::implicit_deny, Source::boundary, "", ""}, "s3:GetObject"),
            "because no permissions boundary allows the s3:GetObject action");
  EXPECT_EQ(denial_reason({Outcome::explicit_deny, Source::session, "", ""}, "s3:GetObject"),
            "with an explicit deny in a session policy");
  EXPECT_EQ(denial_reason({Outcome::allowed, Source::identity, "", ""}, "s3:GetObject"), "");
}

TEST(Document, BadPolicyRefusedAtWrite) {
  const std::string head =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*")";
  const std::vector<std::string> bad = {
      "",
      "[]",
      "{}",
      R"({"Version":"2013-01-01","Statement":[]})",
      head + R"(,"Surprise":1}})",
      head + R"(,"Condition":{"StringResembles":{"aws:x":"y"}}}})",
      head + R"(,"Condition":{"NumericEquals":{"aws:x":"y"}}}})",
      head + R"(,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}}})",
      head + R"(,"Principal":"*"}})",
      head + R"(,"NotAction":"s3:*"}})",
      R"({"Statement":{"Effect":"allow","Action":"s3:*","Resource":"*"}})",
      R"({"Statement":{"Effect":"Allow","Action":"GetObject","Resource":"*"}})",
      R"({"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}})",
      R"({"Statement":{"Effect":"Allow","Action":"s3:*"}})",
      R"({"Statement":{"Effect":"Allow","Resource":"*"}})",
  };
  for (const std::string& json : bad) {
    auto parsed = parse_document(json, DocumentKind::identity);
    ASSERT_FALSE(parsed.ok()) << json;
    EXPECT_EQ(parsed.error().code, "MalformedPolicyDocument");
  }
  EXPECT_TRUE(parse_document(head + "}}", DocumentKind::identity).ok());
  EXPECT_FALSE(parse_document(head + "}}", DocumentKind::trust).ok());
}

}  // namespace
}  // namespace mekong::policy
