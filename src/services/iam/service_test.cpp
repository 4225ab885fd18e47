#include "services/iam/service.h"

#include "api/test_support.h"

namespace mekong::iam {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string trust =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},)"
    R"("Action":"sts:AssumeRole"}})";
const std::string read_only = R"({"Version":"2012-10-17","Statement":{"Effect":"Allow",)"
                              R"("Action":["s3:Get*","iam:GetRole"],"Resource":"*"}})";

struct ServiceTest : api::QueryFixture {
  ServiceTest() { serve("iam", wire::bind(service)); }
  std::string create_role(const std::string& name, const std::string& path = "/") {
    return call("CreateRole", {{"RoleName", name}, {"Path", path}, {"AssumeRolePolicyDocument", trust}});
  }
  Keys new_user(const std::string& name) {
    EXPECT_THAT(call("CreateUser", {{"UserName", name}}), StartsWith("200"));
    const std::string made = call("CreateAccessKey", {{"UserName", name}});
    return {element(made, "AccessKeyId"), element(made, "SecretAccessKey"), ""};
  }
  Service service{iam->directory(), iam->usage(), clock};
};

TEST_F(ServiceTest, RoleFromBirthToDeath) {
  const std::string made = create_role("r", "/team/");
  EXPECT_THAT(made, StartsWith("200 "));
  EXPECT_EQ(element(made, "Arn"), "arn:aws:iam::123456789012:role/team/r");
  EXPECT_THAT(element(made, "RoleId"), StartsWith("AROA"));
  EXPECT_THAT(create_role("R"), StartsWith("409"));
  EXPECT_EQ(element(create_role("R"), "Code"), "EntityAlreadyExists");
  const std::string got = call("GetRole", {{"RoleName", "r"}});
  EXPECT_EQ(codec::percent_decode(element(got, "AssumeRolePolicyDocument")), trust);
  EXPECT_EQ(element(got, "CreateDate"), "2015-08-30T12:36:00Z");

  EXPECT_THAT(call("PutRolePolicy", {{"RoleName", "r"}, {"PolicyName", "p"}, {"PolicyDocument", read_only}}),
              StartsWith("200"));
  EXPECT_EQ(codec::percent_decode(
                element(call("GetRolePolicy", {{"RoleName", "r"}, {"PolicyName", "p"}}), "PolicyDocument")),
            read_only);
  EXPECT_EQ(element(call("DeleteRole", {{"RoleName", "r"}}), "Code"), "DeleteConflict");
  EXPECT_THAT(call("DeleteRolePolicy", {{"RoleName", "r"}, {"PolicyName", "p"}}), StartsWith("200"));
  EXPECT_THAT(call("DeleteRole", {{"RoleName", "r"}}), StartsWith("200"));
  const std::string gone = call("GetRole", {{"RoleName", "r"}});
  EXPECT_THAT(gone, StartsWith("404"));
  EXPECT_EQ(element(gone, "Code"), "NoSuchEntity");
}

TEST_F(ServiceTest, AttachedPolicies) {
  create_role("r");
  const std::string made = call("CreatePolicy", {{"PolicyName", "mine"}, {"PolicyDocument", read_only}});
  const std::string arn = element(made, "Arn");
  EXPECT_EQ(arn, "arn:aws:iam::123456789012:policy/mine");
  EXPECT_THAT(element(made, "PolicyId"), StartsWith("ANPA"));
  const std::string aws = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
  for (const std::string& policy : {arn, aws}) {
    EXPECT_THAT(call("AttachRolePolicy", {{"RoleName", "r"}, {"PolicyArn", policy}}), StartsWith("200"));
  }
  EXPECT_EQ(element(call("AttachRolePolicy", {{"RoleName", "r"}, {"PolicyArn", aws + "x"}}), "Code"),
            "NoSuchEntity");
  const std::string listed = call("ListAttachedRolePolicies", {{"RoleName", "r"}});
  EXPECT_THAT(listed, HasSubstr("<PolicyArn>" + aws));
  EXPECT_THAT(listed, HasSubstr("<PolicyArn>" + arn));
  EXPECT_EQ(element(call("GetPolicy", {{"PolicyArn", arn}}), "AttachmentCount"), "1");
  EXPECT_EQ(element(call("DeletePolicy", {{"PolicyArn", arn}}), "Code"), "DeleteConflict");
  EXPECT_THAT(call("DetachRolePolicy", {{"RoleName", "r"}, {"PolicyArn", arn}}), StartsWith("200"));
  EXPECT_THAT(call("DeletePolicy", {{"PolicyArn", arn}}), StartsWith("200"));
  EXPECT_EQ(element(call("DeletePolicy", {{"PolicyArn", aws}}), "Code"), "NoSuchEntity");
}

TEST_F(ServiceTest, policies_that_grant_a_service) {
  create_role("r");
  call("PutRolePolicy", {{"RoleName", "r"}, {"PolicyName", "inline"}, {"PolicyDocument", read_only}});
  call("AttachRolePolicy",
       {{"RoleName", "r"}, {"PolicyArn", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}});
  const std::string arn = "arn:aws:iam::123456789012:role/r";
  auto granting = [&](const std::string& service, const std::string& of) {
    return call("ListPoliciesGrantingServiceAccess", {{"Arn", of}, {"ServiceNamespaces.member.1", service}});
  };
  const std::string s3 = granting("s3", arn);
  EXPECT_THAT(s3, HasSubstr("<PolicyArn>arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"));
  EXPECT_EQ(element(s3, "EntityType"), "ROLE");
  EXPECT_EQ(element(s3, "EntityName"), "r");
  EXPECT_EQ(element(granting("iam", arn), "PolicyName"), "inline");
  EXPECT_THAT(granting("sqs", arn), testing::Not(HasSubstr("PolicyName")));
  const std::string others = R"({"Version":"2012-10-17","Statement":[)"
                             R"({"Effect":"Allow","NotAction":["sqs:*","s3:Get*"],"Resource":"*"},)"
                             R"({"Effect":"Deny","Action":"sqs:*","Resource":"*"}]})";
  call("PutRolePolicy", {{"RoleName", "r"}, {"PolicyName", "others"}, {"PolicyDocument", others}});
  EXPECT_THAT(granting("s3", arn), HasSubstr("<PolicyName>others"));
  EXPECT_THAT(granting("sqs", arn), testing::Not(HasSubstr("PolicyName")));
  EXPECT_EQ(element(granting("s3", arn + "x"), "Code"), "NoSuchEntity");
  EXPECT_EQ(element(granting("s3", "arn:aws:iam::123456789012:role/path/r"), "Code"), "NoSuchEntity");
  EXPECT_EQ(element(granting("s3", "arn:aws:iam::123456789012:policy/r"), "Code"), "InvalidInput");
}

TEST_F(ServiceTest, bad_policy_refused_at_write) {
  const std::string bad =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Maybe","Action":"*","Resource":"*"}})";
  const std::string reply = call("CreatePolicy", {{"PolicyName", "bad"}, {"PolicyDocument", bad}});
  EXPECT_THAT(reply, StartsWith("400"));
  EXPECT_EQ(element(reply, "Code"), "MalformedPolicyDocument");
  create_role("r");
  EXPECT_EQ(
      element(call("PutRolePolicy", {{"RoleName", "r"}, {"PolicyName", "p"}, {"PolicyDocument", trust}}),
              "Code"),
      "MalformedPolicyDocument");
  EXPECT_EQ(
      element(call("UpdateAssumeRolePolicy", {{"RoleName", "r"}, {"PolicyDocument", read_only}}), "Code"),
      "MalformedPolicyDocument");
}

TEST_F(ServiceTest, Paging) {
  for (const char* name : {"a", "b", "c"}) create_role(name);
  std::string page = call("ListRoles", {{"MaxItems", "2"}});
  EXPECT_EQ(element(page, "IsTruncated"), "true");
  EXPECT_THAT(page, testing::Not(HasSubstr("<RoleName>c")));
  page = call("ListRoles", {{"MaxItems", "2"}, {"Marker", element(page, "Marker")}});
  EXPECT_EQ(element(page, "IsTruncated"), "false");
  EXPECT_EQ(element(page, "RoleName"), "c");
}

TEST_F(ServiceTest, UsersAreDeniedByDefaultAndByName) {
  const Keys bob = new_user("bob");
  const std::string denied = call("GetRole", {{"RoleName", "r"}}, bob);
  EXPECT_THAT(denied, StartsWith("403"));
  EXPECT_EQ(element(denied, "Code"), "AccessDenied");
  EXPECT_THAT(
      denied,
      HasSubstr("User: arn:aws:iam::123456789012:user/bob is not authorized to perform: iam:GetRole on "
                "resource: arn:aws:iam::123456789012:role/r because no identity-based policy allows "
                "the iam:GetRole action"));
  create_role("r");
  EXPECT_THAT(
      call("PutUserPolicy", {{"UserName", "bob"}, {"PolicyName", "p"}, {"PolicyDocument", read_only}}),
      StartsWith("200"));
  EXPECT_THAT(call("GetRole", {{"RoleName", "r"}}, bob), StartsWith("200"));
  EXPECT_THAT(call("DeleteRole", {{"RoleName", "r"}}, bob), StartsWith("403"));
  EXPECT_THAT(call("DeleteAccessKey", {{"UserName", "bob"}, {"AccessKeyId", bob.id}}), StartsWith("200"));
  EXPECT_EQ(element(call("GetRole", {{"RoleName", "r"}}, bob), "Code"), "InvalidClientTokenId");
}

TEST_F(ServiceTest, UnbuiltOperationFailsByName) {
  const std::string reply = call("CreateLoginProfile", {{"UserName", "u"}, {"Password", "p"}});
  EXPECT_THAT(reply, StartsWith("501"));
  EXPECT_THAT(reply, HasSubstr("CreateLoginProfile"));
}

}  // namespace
}  // namespace mekong::iam
