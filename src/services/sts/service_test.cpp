#include "services/sts/service.h"

#include "api/test_support.h"

namespace mekong::sts {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string role_arn = "arn:aws:iam::123456789012:role/r";

struct StsTest : api::QueryFixture {
  StsTest() { serve("sts", wire::bind(service)); }
  Keys new_user(const std::string& name, const std::string& policy) {
    iam::User user;
    user.account = iam::test_account.value;
    user.name = name;
    if (!policy.empty()) user.inline_policies["p"] = policy;
    EXPECT_TRUE(iam->directory().create_user(user).ok());
    auto key = iam->directory().create_key(iam::test_account, name);
    return {(*key)->id, (*key)->secret, ""};
  }
  Keys keys_in(const std::string& reply) {
    return {element(reply, "AccessKeyId"), element(reply, "SecretAccessKey"), element(reply, "SessionToken")};
  }
  iam::WebIdentities identities{iam->directory(), clock, [](const auto&, const auto&) -> Result<std::string> {
                                  return Error{"ConnectionFailed", "no network here"};
                                }};
  Service service{iam->directory(), iam->sessions(), iam->decisions(), identities};
};

TEST_F(StsTest, WhoAmI) {
  EXPECT_EQ(element(call("GetCallerIdentity", {}), "Arn"), "arn:aws:iam::123456789012:root");
  const Keys bob = new_user("bob", "");
  EXPECT_EQ(element(call("GetCallerIdentity", {}, bob), "Arn"), "arn:aws:iam::123456789012:user/bob");
  EXPECT_THAT(call("GetCallerIdentity", {}, {bob.id, "wrong", ""}), StartsWith("403"));
}

TEST_F(StsTest, AssumedRoleIsThatRole) {
  make_role("r", R"({"AWS":"arn:aws:iam::123456789012:user/bob"})");
  const Keys bob = new_user("bob", "");
  const std::string made = call("AssumeRole", {{"RoleArn", role_arn}, {"RoleSessionName", "session"}}, bob);
  ASSERT_THAT(made, StartsWith("200"));
  EXPECT_EQ(element(made, "Expiration"), "2015-08-30T13:36:00Z");
  const Keys session = keys_in(made);
  EXPECT_THAT(session.id, StartsWith("ASIA"));
  EXPECT_EQ(element(call("GetCallerIdentity", {}, session), "Arn"),
            "arn:aws:sts::123456789012:assumed-role/r/session");
  EXPECT_EQ(element(call("GetSessionToken", {}, session), "Code"), "AccessDenied");
  clock.advance_ms(3'600'000);
  EXPECT_EQ(element(call("GetCallerIdentity", {}, session), "Code"), "ExpiredToken");
}

TEST_F(StsTest, TrustMustAllow) {
  make_role("r", R"({"Service":"emr-serverless.amazonaws.com"})");
  const std::string everything =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})";
  const Keys bob = new_user("bob", everything);
  for (const Keys& keys : {Keys{}, bob}) {
    const std::string reply =
        call("AssumeRole", {{"RoleArn", role_arn}, {"RoleSessionName", "session"}}, keys);
    EXPECT_THAT(reply, StartsWith("403"));
    EXPECT_THAT(reply, HasSubstr("is not authorized to perform: sts:AssumeRole on resource: " + role_arn));
  }
  const std::string none =
      call("AssumeRole", {{"RoleArn", role_arn + "x"}, {"RoleSessionName", "session"}}, bob);
  EXPECT_EQ(element(none, "Code"), "AccessDenied");
}

TEST_F(StsTest, RootPrincipalDelegates) {
  make_role("r", R"({"AWS":"arn:aws:iam::123456789012:root"})");
  const Keys bob = new_user("bob", "");
  const Keys eve = new_user(
      "eve",
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}})");
  EXPECT_THAT(call("AssumeRole", {{"RoleArn", role_arn}, {"RoleSessionName", "session"}}, bob),
              StartsWith("403"));
  EXPECT_THAT(call("AssumeRole", {{"RoleArn", role_arn}, {"RoleSessionName", "session"}}, eve),
              StartsWith("200"));
  EXPECT_THAT(call("AssumeRole", {{"RoleArn", role_arn}, {"RoleSessionName", "session"}}), StartsWith("200"));
}

TEST_F(StsTest, ExternalIdAndDuration) {
  iam::Role role;
  role.account = iam::test_account.value;
  role.name = "r";
  role.trust = R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},)"
               R"("Action":"sts:AssumeRole",)"
               R"("Condition":{"StringEquals":{"sts:ExternalId":"secret"}}}})";
  ASSERT_TRUE(iam->directory().create_role(role).ok());
  api::QueryFixture::Parameters ask = {{"RoleArn", role_arn}, {"RoleSessionName", "session"}};
  EXPECT_THAT(call("AssumeRole", ask), StartsWith("403"));
  ask["ExternalId"] = "secret";
  EXPECT_THAT(call("AssumeRole", ask), StartsWith("200"));
  ask["DurationSeconds"] = "3601";
  EXPECT_EQ(element(call("AssumeRole", ask), "Code"), "ValidationError");
  ask["DurationSeconds"] = "899";
  EXPECT_EQ(element(call("AssumeRole", ask), "Code"), "ValidationError");
}

TEST_F(StsTest, SessionPolicyIsCheckedAndCarried) {
  make_role("r", R"({"AWS":"123456789012"})");
  api::QueryFixture::Parameters ask = {
      {"RoleArn", role_arn}, {"RoleSessionName", "session"}, {"Policy", "{}"}};
  EXPECT_EQ(element(call("AssumeRole", ask), "Code"), "MalformedPolicyDocument");
  ask["Policy"] =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}})";
  const Keys session = keys_in(call("AssumeRole", ask));
  auto opened = iam->sessions().open(session.id, session.token);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->principal->session_policies, std::vector{ask["Policy"]});
  ask["SourceIdentity"] = "x-y";
  EXPECT_EQ(element(call("AssumeRole", ask), "Code"), "AccessDenied");  // the trust policy lets nobody set it
  ask.erase("SourceIdentity");
  ask["TokenCode"] = "123456";
  const std::string refused = call("AssumeRole", ask);
  EXPECT_THAT(refused, StartsWith("501"));
  EXPECT_THAT(refused, HasSubstr("TokenCode"));
}

TEST_F(StsTest, GetSessionTokenIsTheUserItself) {
  const Keys bob = new_user("bob", "");
  const Keys session = keys_in(call("GetSessionToken", {}, bob));
  EXPECT_EQ(element(call("GetCallerIdentity", {}, session), "Arn"), "arn:aws:iam::123456789012:user/bob");
  const Keys without_token{session.id, session.secret, ""};
  EXPECT_EQ(element(call("GetCallerIdentity", {}, without_token), "Code"), "InvalidClientTokenId");
}

}  // namespace
}  // namespace mekong::sts
