#include "iam/iam.h"

#include "iam/managed_policies.h"
#include "iam/test_support.h"

namespace mekong::iam {
namespace {

const std::string everything =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})";
const std::string read_only =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}})";

struct IamTest : IamFixture {
  bool allowed(const Principal& principal, std::string_view action) {
    return iam->authoriser()
        .decide({.principal = principal, .action = action, .resource = "arn:aws:s3:::b/k"})
        .allowed;
  }
  SessionCredentials session(const RolePtr& role, std::vector<std::string> policies = {}) {
    return iam->sessions().issue({.role = role,
                                  .account = test_account,
                                  .session_name = "s",
                                  .policies = std::move(policies),
                                  .duration_s = 900});
  }
  Status set_policy(const std::string& role, const std::string& document) {
    return iam->directory().change<Role>(test_account, role, [&](Role& r) {
      r.inline_policies["p"] = document;
      return ok();
    });
  }
  std::string open_code(const SessionCredentials& credentials) {
    auto opened = iam->sessions().open(credentials.access_key_id, credentials.session_token);
    return opened.ok() ? "ok" : opened.error().code;
  }
};

TEST_F(IamTest, policy_change_visible_to_next_request) {
  const auto credentials = session(make_role("r", R"({"AWS":"123456789012"})"));
  EXPECT_FALSE(allowed(*credentials.principal, "s3:GetObject"));
  ASSERT_TRUE(set_policy("r", everything).ok());
  EXPECT_TRUE(allowed(*credentials.principal, "s3:PutObject"));
  ASSERT_TRUE(set_policy("r", read_only).ok());
  EXPECT_FALSE(allowed(*credentials.principal, "s3:PutObject"));
  EXPECT_TRUE(allowed(*credentials.principal, "s3:GetObject"));
}

TEST_F(IamTest, SessionPolicyAndBoundaryNarrow) {
  auto role = make_role("r", R"({"AWS":"123456789012"})");
  ASSERT_TRUE(set_policy("r", everything).ok());
  EXPECT_TRUE(allowed(*session(role).principal, "s3:PutObject"));
  EXPECT_FALSE(allowed(*session(role, {read_only}).principal, "s3:PutObject"));
  EXPECT_TRUE(allowed(*session(role, {read_only}).principal, "s3:GetObject"));
  ASSERT_TRUE(iam->directory()
                  .change<Role>(test_account, "r",
                                [](Role& r) {
                                  r.boundary = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
                                  return ok();
                                })
                  .ok());
  EXPECT_FALSE(allowed(*session(role).principal, "s3:PutObject"));
  EXPECT_TRUE(allowed(*session(role).principal, "s3:GetObject"));
}

TEST_F(IamTest, SessionsSurviveARestartAndEnd) {
  const auto credentials = session(make_role("r", R"({"AWS":"123456789012"})"));
  restart();
  auto opened = iam->sessions().open(credentials.access_key_id, credentials.session_token);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->secret, credentials.secret_access_key);
  EXPECT_EQ(opened->principal->arn, "arn:aws:sts::123456789012:assumed-role/r/s");
  clock.advance_ms(900'000);
  EXPECT_EQ(open_code(credentials), "ExpiredToken");
  EXPECT_FALSE(allowed(*opened->principal, "s3:GetObject"));
}

TEST_F(IamTest, TokenIsBoundToItsKeyAndUntouched) {
  auto credentials = session(make_role("r", R"({"AWS":"123456789012"})"));
  auto other = credentials;
  other.access_key_id = "ASIAAAAAAAAAAAAAAAAA";
  EXPECT_EQ(open_code(other), "InvalidClientTokenId");
  for (size_t i = 0; i < credentials.session_token.size(); i += 7) {
    auto bad = credentials;
    bad.session_token[i] = bad.session_token[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(open_code(bad), "InvalidClientTokenId") << i;
  }
}

TEST_F(IamTest, RoleMadeAnewIsAnotherRole) {
  const auto credentials = session(make_role("r", R"({"AWS":"123456789012"})"));
  ASSERT_TRUE(iam->directory().delete_role(test_account, "r").ok());
  EXPECT_EQ(open_code(credentials), "InvalidClientTokenId");
  make_role("r", R"({"AWS":"123456789012"})");
  ASSERT_TRUE(set_policy("r", everything).ok());
  EXPECT_EQ(open_code(credentials), "InvalidClientTokenId");
  EXPECT_FALSE(allowed(*credentials.principal, "s3:GetObject"));
}

TEST_F(IamTest, ServicesNeedTheTrust) {
  auto role = make_role("jobs", R"({"Service":"emr-serverless.amazonaws.com"})");
  const std::string emr = "emr-serverless.amazonaws.com";
  EXPECT_TRUE(iam->sessions().assume_for_service(role->arn(), {emr, "j", ""}, 900).ok());
  auto other = iam->sessions().assume_for_service(role->arn(), {"glue.amazonaws.com", "j", ""}, 900);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, "AccessDenied");
  auto none = iam->sessions().assume_for_service("arn:aws:iam::123456789012:role/no", {emr, "j", ""}, 9);
  EXPECT_EQ(none.error().code, "NoSuchEntity");
}

TEST_F(IamTest, confused_deputy_is_held_by_the_trust) {
  Role role;
  role.account = test_account.value;
  role.name = "guarded";
  role.trust =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow",)"
      R"("Principal":{"Service":"emr-serverless.amazonaws.com"},)"
      R"("Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"},)"
      R"("ArnLike":{"aws:SourceArn":"arn:aws:emr-serverless:*:123456789012:/applications/*"}}}})";
  ASSERT_TRUE(iam->directory().create_role(role).ok());
  auto assumed = [&](const std::string& source) {
    return iam->sessions()
        .assume_for_service(role.arn(), {"emr-serverless.amazonaws.com", "j", source}, 900)
        .ok();
  };
  EXPECT_TRUE(assumed("arn:aws:emr-serverless:us-east-1:123456789012:/applications/00a"));
  EXPECT_FALSE(assumed("arn:aws:emr-serverless:us-east-1:999999999999:/applications/00a"));
  EXPECT_FALSE(assumed("arn:aws:glue:us-east-1:123456789012:job/x"));
  EXPECT_FALSE(assumed(""));
}

TEST_F(IamTest, DenialsThatNoRequestNamesAreCountedAndRemembered) {
  const auto credentials = session(make_role("r", R"({"AWS":"123456789012"})"));
  const auto ask = [&](std::string_view action, std::string_view request_id) {
    const auto decision = iam->authoriser().decide({.principal = *credentials.principal,
                                                    .action = action,
                                                    .resource = "arn:aws:s3:::b/k",
                                                    .request_id = request_id});
    EXPECT_FALSE(decision.allowed);
    EXPECT_EQ(decision.encoded_message.empty(), request_id.empty());
    clock.advance_ms(1);
  };
  for (int i = 0; i < 3; ++i) ask("s3:GetObject", "");
  ask("s3:PutObject", "");
  ask("s3:DeleteObject", "one");
  ask("s3:GetObject", "");
  const auto denials = iam->decisions().denials(10);
  ASSERT_EQ(denials.size(), 3u);
  EXPECT_EQ(denials[0].action, "s3:PutObject");
  EXPECT_EQ(denials[1].request_id, "one");
  EXPECT_EQ(denials[2].action, "s3:GetObject");
  EXPECT_EQ(denials[2].times, 4);
  EXPECT_EQ(iam->decisions().denials(1).at(0).action, "s3:GetObject");
  EXPECT_EQ(iam->decisions().of_request("one").size(), 1u);
}

TEST_F(IamTest, TheOldestDecisionsAreWrittenOver) {
  const auto root = principal_of_key(iam->directory(), *iam->directory().find_key(test_key));
  for (int i = 0; i < 8200; ++i) {
    const std::string id = std::to_string(i);
    (void)iam->authoriser().decide(
        {.principal = *root, .action = "s3:GetObject", .resource = "arn:aws:s3:::b/" + id, .request_id = id});
  }
  EXPECT_TRUE(iam->decisions().of_request("7").empty());
  EXPECT_EQ(iam->decisions().of_request("8").at(0).resource, "arn:aws:s3:::b/8");
  EXPECT_EQ(iam->decisions().of_request("8199").at(0).resource, "arn:aws:s3:::b/8199");
}

TEST_F(IamTest, RootMayInItsOwnAccountOnly) {
  const auto root = principal_of_key(iam->directory(), *iam->directory().find_key(test_key));
  EXPECT_TRUE(allowed(*root, "s3:DeleteBucket"));
  AuthorisationRequest elsewhere{
      .principal = *root, .action = "s3:GetObject", .resource = "arn:aws:s3:::b/k"};
  elsewhere.resource_account = AccountId("999999999999");
  EXPECT_FALSE(iam->authoriser().decide(elsewhere).allowed);
}

TEST_F(IamTest, UnreadableResourcePolicyDenies) {
  const auto root = principal_of_key(iam->directory(), *iam->directory().find_key(test_key));
  AuthorisationRequest request{.principal = *root, .action = "s3:GetObject", .resource = "arn:aws:s3:::b/k"};
  request.resource_policy = R"({"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*",)"
                            R"("Condition":{"StringResembles":{"aws:x":"y"}}}})";
  EXPECT_FALSE(iam->authoriser().decide(request).allowed);
}

TEST_F(IamTest, NamesAndConflicts) {
  auto& directory = iam->directory();
  auto role = make_role("Role", R"({"AWS":"123456789012"})");
  EXPECT_TRUE(role->id.starts_with("AROA"));
  Role twin = *role;
  twin.name = "rOLE";
  EXPECT_EQ(directory.create_role(twin).error().code, "EntityAlreadyExists");
  EXPECT_EQ(directory.find_role(test_account, "role"), nullptr);  // role_arn_case_twist
  auto policy = directory.create_policy({.account = test_account.value, .name = "mine"}, everything);
  ASSERT_TRUE(policy.ok());
  const std::string arn = (*policy)->arn();
  ASSERT_TRUE(
      directory.change<Role>(test_account, "Role", [&](Role& r) { return r.attached.push_back(arn), ok(); })
          .ok());
  EXPECT_EQ(directory.delete_policy(arn).error().code, "DeleteConflict");
  EXPECT_EQ(directory.delete_role(test_account, "Role").error().code, "DeleteConflict");
  restart();
  EXPECT_EQ(iam->directory().attachments(test_account, arn), 1);
  EXPECT_EQ(iam->directory().policy_in_force(arn)->document, everything);
}

TEST_F(IamTest, AnAccountsPasswordPolicyIsKeptUntilItIsTakenAway) {
  const auto kept = [&] { return iam->directory().find_account(test_account)->password_policy; };
  EXPECT_FALSE(kept());  // of an account of before there were any
  EXPECT_EQ(iam->directory().set_password_policy(test_account, std::nullopt).error().code, "NoSuchEntity");
  ASSERT_TRUE(iam->directory().set_password_policy(test_account, PasswordPolicy{.length_min = 14}).ok());
  ASSERT_TRUE(iam->directory().set_alias(test_account, "alias").ok());
  restart();
  ASSERT_TRUE(kept());
  EXPECT_EQ(kept()->length_min, 14);
  EXPECT_FALSE(kept()->hard_expiry);
  ASSERT_TRUE(iam->directory().set_password_policy(test_account, std::nullopt).ok());
  EXPECT_FALSE(kept());
  EXPECT_EQ(iam->directory().set_password_policy(AccountId("999999999999"), PasswordPolicy{}).error().code,
            "NoSuchEntity");
}

TEST_F(IamTest, AwsManagedPoliciesAreTrueDocuments) {
  ASSERT_GT(aws_managed_policy_count, 1000u);
  for (size_t i = 0; i < aws_managed_policy_count; ++i) {
    const auto& policy = aws_managed_policies[i];
    EXPECT_EQ(find_aws_managed_policy(policy.arn), &policy);
    auto parsed = policy::parse_document(policy.document, policy::DocumentKind::stored);
    EXPECT_TRUE(parsed.ok()) << policy.arn << ": " << (parsed.ok() ? "" : parsed.error().message);
  }
  EXPECT_NE(find_aws_managed_policy("arn:aws:iam::aws:policy/AdministratorAccess"), nullptr);
  EXPECT_EQ(find_aws_managed_policy("arn:aws:iam::aws:policy/NoSuch"), nullptr);
}

TEST(IamOpen, FirstStartMakesAnAccountAndItsRootKey) {
  auto store = meta::make_memory_store();
  os::ManualClock clock(test_now_ms);
  os::SeededRandom random(1);
  auto first = Iam::open(*store, no_resource_policies, clock, random, {.first_account = "main"});
  ASSERT_TRUE(first.ok());
  auto root = (*first)->directory().root_credentials("main");
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(root->account.id.size(), 12u);
  EXPECT_EQ(root->access_key_id.size(), 20u);
  EXPECT_TRUE(root->access_key_id.starts_with("AKIA"));
  EXPECT_EQ(root->secret_access_key.size(), 40u);
  auto again = Iam::open(*store, no_resource_policies, clock, random, {.first_account = "main"});
  EXPECT_EQ((*again)->directory().root_credentials("main")->access_key_id, root->access_key_id);
  EXPECT_EQ((*again)->directory().accounts().size(), 1u);
  EXPECT_EQ((*again)->directory().create_account("main").error().code, "EntityAlreadyExists");
}

}  // namespace
}  // namespace mekong::iam
