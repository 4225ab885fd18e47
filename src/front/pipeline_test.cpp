// The pipeline with generated services: every protocol, its errors and its permissions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/harness.h"
#include "api/telemetry.h"
#include "codec/digests.h"
#include "codec/text.h"
#include "front/test_services.h"

namespace mekong::front {
namespace {

using api::Headers;
using testing::ElementsAre;
using testing::HasSubstr;

class PipelineTest : public testing::Test {
 protected:
  TestGlue glue;
  TestSts sts;
  TestEmr emr;
  TestS3 s3;
  api::Harness harness{{bind(glue), bind(sts), bind(emr), bind(s3)}};

  api::Response call_glue(const std::string& operation, const std::string& body) {
    return harness.call("glue", "POST", "/", {{"x-amz-target", "AWSGlue." + operation}}, body);
  }
  api::Response call_sts(const std::string& form) {
    return harness.call("sts", "POST", "/", {{"content-type", "application/x-www-form-urlencoded"}}, form);
  }
};

std::string header(const api::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (codec::equal_no_case(key, name)) return value;
  }
  return "";
}

TEST_F(PipelineTest, JsonRoundTrip) {
  auto made =
      call_glue("CreateDatabase", R"({"DatabaseInput":{"Name":"db","Parameters":{"a":"b"}},"Unknown":1})");
  EXPECT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.body, "{}");
  EXPECT_EQ(header(made, "content-type"), "application/x-amz-json-1.1");
  EXPECT_FALSE(header(made, "x-amzn-requestid").empty());
  auto got = call_glue("GetDatabase", R"({"Name":"db"})");
  EXPECT_EQ(got.body, R"({"Database":{"Name":"db","Parameters":{"a":"b"},"CreateTime":1767323045.5}})");
}

TEST_F(PipelineTest, DenialIsToldInTheWordsOfAws) {
  harness.authoriser.denied = {"glue:GetDatabase arn:aws:glue:::database/db"};
  auto response = call_glue("GetDatabase", R"({"Name":"db"})");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(
      response.body,
      R"({"__type":"AccessDeniedException","message":"User: arn:aws:iam::123456789012:user/test is not )"
      R"(authorized to perform: glue:GetDatabase on resource: )"
      R"(arn:aws:glue:::database/db because no identity-based policy allows the )"
      R"(glue:GetDatabase action"})");
  EXPECT_EQ(glue.calls, 0);
  // What is counted and logged bears the name that the client was told.
  EXPECT_THAT(harness.pipeline.telemetry().prometheus(),
              HasSubstr(R"(operation="GetDatabase",code="AccessDeniedException"} 1)"));
}

TEST_F(PipelineTest, ErrorsKeepTheShapeOfTheModel) {
  auto response = call_glue("GetDatabase", R"({"Name":"none"})");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, R"({"__type":"EntityNotFoundException","Message":"Database none not found."})");
}

TEST_F(PipelineTest, ValidationSpeaksLikeTheServices) {
  auto missing = call_glue("CreateDatabase", "{}");
  EXPECT_THAT(missing.body,
              HasSubstr("1 validation error detected: Value null at 'databaseInput' failed to satisfy "
                        "constraint: Member must not be null"));
  auto nested = call_glue("CreateDatabase", R"({"DatabaseInput":{}})");
  EXPECT_THAT(nested.body, HasSubstr("'databaseInput.name'"));
  auto empty = call_glue("GetDatabase", R"({"Name":""})");
  EXPECT_THAT(empty.body,
              HasSubstr("Value '' at 'name' failed to satisfy constraint: Member must have length greater "
                        "than or equal to 1"));
  auto wrong = call_glue("GetDatabase", R"({"Name":5})");
  EXPECT_THAT(wrong.body, HasSubstr("NUMBER_VALUE can not be converted to String"));
  EXPECT_THAT(wrong.body, HasSubstr("SerializationException"));
  EXPECT_EQ(glue.calls, 0);
}

TEST_F(PipelineTest, WhatIsNotBuiltFailsByName) {
  auto listed = call_glue("CreateCrawler", "{}");
  EXPECT_EQ(listed.status, 501);
  EXPECT_THAT(listed.body, HasSubstr("glue:CreateCrawler is not implemented"));
  auto unknown = call_glue("Nonsense", "{}");
  EXPECT_EQ(unknown.status, 400);
  EXPECT_THAT(unknown.body, HasSubstr("UnknownOperationException"));
  auto service =
      harness.call("dynamodb", "POST", "/", {{"x-amz-target", "DynamoDB_20120810.ListTables"}}, "{}");
  EXPECT_EQ(service.status, 501);
  EXPECT_THAT(service.body, HasSubstr("'dynamodb' is not implemented"));
  auto website = harness.call("s3", "PUT", "/bucket?website", {}, "");
  EXPECT_EQ(website.status, 501);
  EXPECT_THAT(website.body, HasSubstr("<Message>s3:PutBucketWebsite is not implemented"));
}

TEST_F(PipelineTest, AConfigurationWithoutItsIdIsAList) {
  EXPECT_THAT(harness.call("s3", "GET", "/bucket?analytics", {}, "").body,
              HasSubstr("s3:ListBucketAnalyticsConfigurations is not"));
  EXPECT_THAT(harness.call("s3", "GET", "/bucket?analytics&id=1", {}, "").body,
              HasSubstr("s3:GetBucketAnalyticsConfiguration is not"));
}

TEST_F(PipelineTest, MalformedNumbersOfS3AreNamed) {
  auto response = harness.call("s3", "GET", "/bucket?list-type=2&max-keys=many", {}, "");
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body,
              HasSubstr("<Code>InvalidArgument</Code><Message>Provided max-keys not an integer or within "
                        "integer range</Message><ArgumentName>max-keys</ArgumentName>"
                        "<ArgumentValue>many</ArgumentValue>"));
  EXPECT_THAT(harness.call("s3", "GET", "/bucket?list-type=2&max-keys=99999999999", {}, "").body,
              HasSubstr("<Code>InvalidArgument</Code>"));
}

TEST_F(PipelineTest, BodiesOfS3ThatWantAChecksumHaveARightOne) {
  const std::string body = "<Delete><Object><Key>k</Key></Object></Delete>";
  auto remove = [&](Headers headers) {
    return harness.call("s3", "POST", "/bucket?delete", std::move(headers), body).body;
  };
  auto sum = [&](const char* algorithm) {
    return codec::base64_encode(codec::digest_of(algorithm, body).value());
  };
  EXPECT_THAT(remove({}), HasSubstr("<Code>InvalidRequest</Code><Message>Missing required header"));
  EXPECT_THAT(remove({{"content-md5", "XUFAKrxLKna5cZ2REBfFkg=="}}), HasSubstr("<Code>BadDigest</Code>"));
  EXPECT_THAT(remove({{"content-md5", "x"}}), HasSubstr("<Code>InvalidDigest</Code>"));
  EXPECT_THAT(remove({{"x-amz-checksum-crc32", "AAAAAA=="}}), HasSubstr("<Code>BadDigest</Code>"));
  EXPECT_THAT(remove({{"x-amz-checksum-crc32", "AAAA"}}), HasSubstr("<Code>InvalidRequest</Code>"));
  for (const char* name : {"crc32", "crc32c", "crc64nvme", "sha1", "sha256"}) {
    std::string upper = name;
    for (char& c : upper) c = static_cast<char>(toupper(c));
    EXPECT_THAT(remove({{std::string("x-amz-checksum-") + name, sum(upper.c_str())}}),
                HasSubstr("<Code>NotImplemented</Code>"))  // by the handler of this test's service
        << name;
  }
  EXPECT_THAT(remove({{"content-md5", sum("MD5")}}), HasSubstr("<Code>NotImplemented</Code>"));
}

TEST_F(PipelineTest, AHostNamesTheServiceOfAnUnsignedRequest) {
  auto sts =
      harness.call("", "GET", "/?Action=GetCallerIdentity", {{"host", "sts.us-east-2.localhost:4566"}}, "");
  EXPECT_THAT(sts.body, HasSubstr("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"));
  EXPECT_THAT(sts.body, HasSubstr("MissingAuthenticationToken"));
  auto glue = harness.call("", "POST", "/", {{"host", "glue.us-east-2.amazonaws.com"}}, "");
  EXPECT_THAT(glue.body, HasSubstr("\"__type\":\"MissingAuthenticationTokenException\""));
  for (const char* host : {"sts.s3.us-east-2.localhost", "127.0.0.1:4566", "localhost", "b.s3.localhost"}) {
    auto s3 = harness.call("", "GET", "/k", {{"host", host}}, "");
    EXPECT_THAT(s3.body, HasSubstr("<Error><Code>AccessDenied</Code>")) << host;
  }
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST_F(PipelineTest, HostileJsonIsRefusedByName) {
  const std::string name = R"({"DatabaseInput":{"Name":"a","Parameters":)";
  for (const auto& body : {repeated("[", 200'000), repeated("{\"a\":", 200'000),
                           name + repeated("[", 600) + repeated("]", 600) + "}}", name + "{\"a\":1e999999}}}",
                           name + "{\"a\":\"\xff\"}}}", name + "{\"a\":\"\\ud800\"}}}", name + "5}}",
                           std::string("\0\0", 2), std::string("{\"a\":tru"), std::string("\xef\xbb\xbf")}) {
    auto response = call_glue("CreateDatabase", body);
    EXPECT_EQ(response.status, 400) << body.substr(0, 80);
    EXPECT_THAT(response.body, HasSubstr("SerializationException")) << body.substr(0, 80);
  }
  EXPECT_EQ(glue.calls, 0);
}

TEST_F(PipelineTest, HostileXmlIsRefusedByName) {
  const std::string bomb =
      "<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>"
      "<CompleteMultipartUpload><Part><ETag>&b;</ETag></Part></CompleteMultipartUpload>";
  for (const auto& body :
       {bomb, std::string("<!DOCTYPE d SYSTEM \"file:///etc/passwd\"><CompleteMultipartUpload/>"),
        repeated("<a>", 100'000), repeated("<a>", 300) + repeated("</a>", 300),
        std::string("<CompleteMultipartUpload><Part></CompleteMultipartUpload>"),
        std::string("<CompleteMultipartUpload><Part><PartNumber>1e9</PartNumber></Part>"
                    "</CompleteMultipartUpload>"),
        std::string("<CompleteMultipartUpload><Part><ETag>\xff</ETag></Part></CompleteMultipartUpload>"),
        std::string("no xml")}) {
    auto response = harness.call("s3", "POST", "/bucket/key?uploadId=u", {}, body);
    EXPECT_EQ(response.status, 400) << body.substr(0, 80);
    EXPECT_THAT(response.body, HasSubstr("<Code>MalformedXML</Code>")) << body.substr(0, 80);
  }
}

TEST_F(PipelineTest, HostileFormsAreRefusedByName) {
  const std::string role =
      "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&RoleSessionName=xx";
  EXPECT_THAT(call_sts(role + "&DurationSeconds=99999999999999999999").body,
              HasSubstr("<Code>MalformedInput</Code>"));
  EXPECT_THAT(call_sts(role + "&X=%FF").body, HasSubstr("<Code>MalformedInput</Code>"));
  EXPECT_THAT(call_sts(role + "&X=%zz").body, HasSubstr("<Code>MalformedInput</Code>"));
  EXPECT_THAT(call_sts("Action=" + std::string(100'000, 'x')).body, HasSubstr("<Code>InvalidAction</Code>"));
  // Places in a list that skip ahead are not there: nothing is made for them.
  EXPECT_EQ(call_sts(role + "&Tags.member.4000000000.Key=a&Tags.member.4000000000.Value=b").status, 200);
  EXPECT_EQ(sts.tags, "");
}

TEST_F(PipelineTest, SignatureVersionTwoIsRefusedInS3sWords) {
  constexpr auto kWords = "<Message>The authorization mechanism you have provided is not supported.";
  auto presigned =
      harness.call("", "GET", "/bucket/k?AWSAccessKeyId=AKIA&Signature=x%3D&Expires=1767323045", {}, "");
  EXPECT_EQ(presigned.status, 400);
  EXPECT_THAT(presigned.body, HasSubstr(kWords));
  auto header = harness.call("", "GET", "/bucket/k", {{"authorization", "AWS AKIA:xxxx"}}, "");
  EXPECT_THAT(header.body, HasSubstr(kWords));
}

TEST_F(PipelineTest, StrangersHaveLittleMemory) {
  api::Pipeline::Options options;
  options.strangers_max_bytes = 100'000;
  api::Harness small{{bind(glue), bind(sts)}, options};
  auto create = [&](size_t bytes) {
    return small.call("glue", "POST", "/", {{"x-amz-target", "AWSGlue.CreateDatabase"}},
                      R"({"DatabaseInput":{"Name":"db"}})" + std::string(bytes, ' '));
  };
  EXPECT_EQ(create(300'000).status, 503);
  EXPECT_THAT(create(300'000).body, HasSubstr("SlowDown"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(create(200'000).status, 200) << "what was taken is given back";
  auto unsigned_form = small.call("", "POST", "/", {{"content-type", "application/x-www-form-urlencoded"}},
                                  "Action=GetCallerIdentity&x=" + std::string(200'000, 'x'));
  EXPECT_GE(unsigned_form.status, 400);
}

TEST_F(PipelineTest, QueryRoundTrip) {
  auto response = call_sts("Action=GetCallerIdentity&Version=2011-06-15");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(
      response.body,
      HasSubstr("<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
                "<GetCallerIdentityResult><UserId></UserId><Account>123456789012</Account><Arn>"
                "arn:aws:iam::123456789012:user/test</Arn></GetCallerIdentityResult><ResponseMetadata>"));
}

TEST_F(PipelineTest, QueryReadsListsAndStructures) {
  auto response = call_sts(
      "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&RoleSessionName=session"
      "&Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.2.Key=b&Tags.member.2.Value=2");
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(sts.tags, "a=1 b=2 ");
}

TEST_F(PipelineTest, QueryErrors) {
  auto response = call_sts("Action=AssumeRole&RoleArn=x");
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body,
              HasSubstr("<Type>Sender</Type><Code>ValidationError</Code><Message>1 validation error"));
  EXPECT_THAT(call_sts("Action=Nope").body, HasSubstr("<Code>InvalidAction</Code>"));
}

TEST_F(PipelineTest, AHandlerThatForgetsToAuthoriseIsAnInternalError) {
  sts.forget = true;
  auto response =
      call_sts("Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&RoleSessionName=xx");
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, HasSubstr("<Code>InternalFailure</Code>"));
}

TEST_F(PipelineTest, RestJsonLabelsBodyAndPassRole) {
  auto response = harness.call(
      "emr-serverless", "POST", "/applications/00abc/jobruns", {},
      R"({"clientToken":"t","executionRoleArn":"arn:aws:iam::123456789012:role/job","name":"n"})");
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_THAT(response.body, HasSubstr(R"("applicationId":"00abc")"));
  EXPECT_THAT(harness.authoriser.asked,
              ElementsAre("emr-serverless:StartJobRun "
                          "arn:aws:emr-serverless:us-east-1:123456789012:/applications/00abc",
                          "iam:PassRole arn:aws:iam::123456789012:role/job"));
  EXPECT_THAT(harness.authoriser.last_context["iam:PassedToService"],
              ElementsAre("emr-serverless.amazonaws.com"));
}

TEST_F(PipelineTest, RestJsonErrorHasItsTypeInAHeader) {
  auto response = harness.call("emr-serverless", "GET", "/applications/none", {}, "");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(header(response, "x-amzn-errortype"), "ResourceNotFoundException");
  harness.authoriser.denied = {"emr-serverless:ListApplications *"};
  EXPECT_EQ(harness.call("emr-serverless", "GET", "/applications", {}, "").status, 403);
}

TEST_F(PipelineTest, S3StreamsBothWays) {
  auto put = harness.call("s3", "PUT", "/b/dir/k%20x", {{"x-amz-meta-colour", "red"}}, "hello");
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(header(put, "etag"), "\"5\"");
  auto get = harness.call("s3", "GET", "/dir/k%20x", {{"host", "b.s3.localhost:9000"}}, "");
  EXPECT_FALSE(get.stream);  // it leaves with the head
  EXPECT_EQ(get.body, "hello");
  EXPECT_EQ(header(get, "x-amz-meta-colour"), "red");
  EXPECT_FALSE(header(get, "x-amz-request-id").empty());
}

TEST_F(PipelineTest, LargeBodiesStream) {
  const std::string large(100'000, 'x');
  EXPECT_EQ(harness.call("s3", "PUT", "/b/k", {}, large).status, 200);
  auto get = harness.call("s3", "GET", "/b/k", {}, "");
  ASSERT_TRUE(get.stream);
  EXPECT_EQ(*get.stream->read(), large);
}

TEST_F(PipelineTest, WhatIsNotInMemoryIsAskedForAgain) {
  (void)harness.call("s3", "PUT", "/b/k", {}, "hello");
  s3.on_disk = true;
  auto get = harness.call("s3", "GET", "/b/k", {}, "");
  EXPECT_EQ(get.status, 200);
  EXPECT_EQ(get.body, "hello");
  EXPECT_EQ(s3.refusals, 1);
}

TEST_F(PipelineTest, S3ErrorsAndXmlReplies) {
  auto missing = harness.call("s3", "GET", "/b/none", {}, "");
  EXPECT_EQ(missing.status, 404);
  EXPECT_THAT(missing.body,
              HasSubstr("<Error><Code>NoSuchKey</Code><Message>The specified key does not exist."));
  (void)harness.call("s3", "PUT", "/b/k", {}, "hello");
  auto list = harness.call("s3", "GET", "/b?list-type=2&prefix=k", {}, "");
  EXPECT_THAT(
      list.body,
      HasSubstr(
          "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Contents><Key>k</Key>"));
  EXPECT_THAT(harness.authoriser.last_context["s3:prefix"], ElementsAre("k"));
  auto place = harness.call("s3", "GET", "/b?location", {}, "");
  EXPECT_THAT(place.body, HasSubstr("<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                                    "eu-west-1</LocationConstraint>"));
}

TEST_F(PipelineTest, S3ReadsXmlBodies) {
  auto response =
      harness.call("s3", "POST", "/b/k?uploadId=u", {},
                   "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part><ETag>e"
                   "1</ETag><PartNumber>1</PartNumber></Part><Part><ETag>e2</ETag><PartNumber>2</PartNumber>"
                   "</Part></CompleteMultipartUpload>");
  EXPECT_THAT(response.body, HasSubstr("<ETag>e1e2</ETag>")) << response.body;
  EXPECT_THAT(harness.call("s3", "POST", "/b/k?uploadId=u", {}, "<oops").body,
              HasSubstr("<Code>MalformedXML</Code>"));
}

TEST_F(PipelineTest, UnsignedRequestsAreRefused) {
  EXPECT_EQ(harness.call("", "GET", "/b/k", {}, "").status, 403);
  EXPECT_THAT(harness.call("", "POST", "/", {{"x-amz-target", "AWSGlue.GetDatabases"}}, "{}").body,
              HasSubstr("MissingAuthenticationTokenException"));
}

TEST_F(PipelineTest, ContentMd5IsHeldAgainstTheBody) {
  auto bad = harness.call("s3", "PUT", "/b/k", {{"content-md5", "XUFAKrxLKna5cZ2REBfFkA=="}}, "other");
  EXPECT_THAT(bad.body, HasSubstr("<Code>BadDigest</Code>"));
  auto good = harness.call("s3", "PUT", "/b/k", {{"content-md5", "XUFAKrxLKna5cZ2REBfFkg=="}}, "hello");
  EXPECT_EQ(good.status, 200) << good.body;
}

TEST_F(PipelineTest, ABodyThatIsTooLargeIsRefused) {
  api::Harness small({bind(glue)}, {.body_max_bytes = 10});
  auto response =
      small.call("glue", "POST", "/", {{"x-amz-target", "AWSGlue.GetDatabase"}}, R"({"Name":"database"})");
  EXPECT_EQ(response.status, 413);
}

TEST_F(PipelineTest, OnlyAHandlerThatNeverWaitsRunsWhereTheRequestArrived) {
  ThreadPool io("io", 1);
  Promise<bool> done;
  io.post([&] { done.set(call_sts("Action=GetCallerIdentity&Version=2011-06-15").status == 200); });
  EXPECT_TRUE(done.future().get());
  EXPECT_EQ(sts.seen_on, &io);
  Promise<bool> waited;
  io.post([&] {
    waited.set(
        call_sts("Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::1:role/r&RoleSessionName=ss")
            .status == 200);
  });
  EXPECT_TRUE(waited.future().get());
  EXPECT_EQ(sts.seen_on, &harness.pool);
}

TEST_F(PipelineTest, SignedEventsAreForOperationsThatTakeEvents) {
  harness.authenticator.body = iam::BodySignature::signed_events;
  const auto put = harness.call("s3", "PUT", "/b/k", {}, "frames");
  EXPECT_EQ(put.status, 400);
  EXPECT_THAT(put.body, HasSubstr("<Code>InvalidRequest</Code>"));
  EXPECT_THAT(put.body, HasSubstr("for PutObject, which takes no events"));
  EXPECT_TRUE(s3.objects.empty());
  EXPECT_THAT(call_glue("GetDatabase", R"({"Name":"db"})").body, HasSubstr("InvalidRequest"));
  EXPECT_EQ(glue.calls, 0);
  EXPECT_EQ(call_sts("Action=GetCallerIdentity&Version=2011-06-15").status, 400);
}

}  // namespace
}  // namespace mekong::front
