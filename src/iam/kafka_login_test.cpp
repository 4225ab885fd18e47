#include "iam/kafka_login.h"

#include "iam/test_support.h"

namespace mekong::iam {
namespace {

using Fields = std::map<std::string, std::string>;

struct KafkaLoginTest : IamFixture {
  std::string key = test_key, secret = test_secret, token;

  std::string signature(const std::string& host, const std::string& region, const std::string& expires) {
    const std::string scope = "20150830/" + region + "/kafka-cluster/aws4_request";
    std::string canonical =
        "GET\n/\nAction=kafka-cluster%3AConnect&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" +
        codec::percent_encode(key + "/" + scope) + "&X-Amz-Date=20150830T123600Z&X-Amz-Expires=" + expires;
    if (!token.empty()) canonical += "&X-Amz-Security-Token=" + codec::percent_encode(token);
    canonical +=
        "&X-Amz-SignedHeaders=host\nhost:" + host + "\n\nhost\n" + codec::hex_encode(codec::sha256(""));
    return sign(secret, "20150830T123600Z", scope, canonical);
  }
  Fields payload(const std::string& host, const std::string& region = "us-east-1",
                 const std::string& expires = "900") {
    Fields out = {{"version", "2020_10_22"},
                  {"host", host},
                  {"user-agent", "aws-msk-iam-auth/2.2.0"},
                  {"action", "kafka-cluster:Connect"},
                  {"x-amz-algorithm", "AWS4-HMAC-SHA256"},
                  {"x-amz-credential", key + "/20150830/" + region + "/kafka-cluster/aws4_request"},
                  {"x-amz-date", "20150830T123600Z"},
                  {"x-amz-signedheaders", "host"},
                  {"x-amz-expires", expires},
                  {"x-amz-signature", signature(host, region, expires)}};
    if (!token.empty()) out["x-amz-security-token"] = token;
    return out;
  }
  static std::string json(const Fields& fields) {
    std::string out = "{";
    for (const auto& [name, value] : fields) {
      if (out.size() > 1) out += ',';
      codec::record::write_string(out, name);
      out += ':';
      codec::record::write_string(out, value);
    }
    return out + "}";
  }
  bool logs_in(const Fields& fields, const std::vector<std::string>& names = {"localhost"}) {
    return iam->kafka_login().aws_msk_iam(json(fields), names).ok();
  }
  std::string url(const std::string& host, const std::string& region, const std::string& expires = "900",
                  const std::string& after = "&User-Agent=aws-msk-iam-sasl-signer-python%2F1.0.1") {
    const std::string scope =
        codec::percent_encode(key + "/20150830/" + region + "/kafka-cluster/aws4_request");
    std::string out = "https://" + host +
                      "/?Action=kafka-cluster%3AConnect&X-Amz-Algorithm=AWS4-HMAC-SHA256" +
                      "&X-Amz-Credential=" + scope + "&X-Amz-Date=20150830T123600Z&X-Amz-Expires=" + expires +
                      "&X-Amz-SignedHeaders=host";
    if (!token.empty()) out += "&X-Amz-Security-Token=" + codec::percent_encode(token);
    return out + "&X-Amz-Signature=" + signature(host, region, expires) + after;
  }
  bool bears(const std::string& signed_url) {
    std::string text = codec::base64_encode(signed_url);
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    while (text.ends_with('=')) text.pop_back();
    return iam->kafka_login().oauthbearer(text).ok();
  }
};

TEST_F(KafkaLoginTest, GoodPayload) {
  auto session = iam->kafka_login().aws_msk_iam(json(payload("localhost")), {"other", "localhost"});
  ASSERT_TRUE(session.ok()) << session.error().message;
  EXPECT_EQ(session->principal->arn, "arn:aws:iam::123456789012:root");
  EXPECT_EQ(session->region.value, "us-east-1");
  EXPECT_EQ(session->expires_ms, test_now_ms + 12 * 3'600'000);
  EXPECT_TRUE(logs_in(payload("localhost", "us-east-1", "899")));
}

TEST_F(KafkaLoginTest, msk_iam_token_replay) {
  const Fields good = payload("localhost");
  EXPECT_TRUE(logs_in(good));
  EXPECT_FALSE(logs_in(good, {"broker-2"}));  // at another listener
  clock.advance_ms(900'000 + 1);
  EXPECT_FALSE(logs_in(good));  // later
}

TEST_F(KafkaLoginTest, msk_iam_token_expired) {
  EXPECT_FALSE(logs_in(payload("localhost", "us-east-1", "901")));
  EXPECT_FALSE(logs_in(payload("localhost", "us-east-1", "-1")));
  const Fields one_second = payload("localhost", "us-east-1", "1");
  EXPECT_TRUE(logs_in(one_second));
  clock.advance_ms(1'001);
  EXPECT_FALSE(logs_in(one_second));
  clock.advance_ms(-3'600'000);
  EXPECT_FALSE(logs_in(payload("localhost")));  // from the future
}

TEST_F(KafkaLoginTest, msk_iam_token_wrong_host) {
  Fields moved = payload("localhost");
  moved["host"] = "broker-2";
  EXPECT_FALSE(logs_in(moved, {"localhost", "broker-2"}));
  EXPECT_FALSE(bears(url("kafka.us-east-1.amazonaws.com.evil.com", "us-east-1")));
  EXPECT_FALSE(bears(url("sts.us-east-1.amazonaws.com", "us-east-1")));
}

TEST_F(KafkaLoginTest, msk_iam_token_wrong_region) {
  const std::string host = "boot-abc.c1.kafka-serverless.eu-west-1.amazonaws.com";
  EXPECT_TRUE(logs_in(payload(host, "eu-west-1"), {host}));
  EXPECT_FALSE(logs_in(payload(host, "us-east-1"), {host}));
  EXPECT_TRUE(bears(url("kafka.eu-west-1.amazonaws.com", "eu-west-1")));
  EXPECT_FALSE(bears(url("kafka.eu-west-1.amazonaws.com", "us-east-1")));
}

TEST_F(KafkaLoginTest, msk_iam_token_user_agent_unsigned) {
  const std::string host = "kafka.us-east-1.amazonaws.com";
  EXPECT_TRUE(bears(url(host, "us-east-1")));
  EXPECT_TRUE(bears(url(host, "us-east-1", "900", "")));
  EXPECT_FALSE(bears(url(host, "us-east-1", "900", "&Other=1")));  // nothing else may be added
  EXPECT_FALSE(bears(url(host, "us-east-1", "900", "&Action=kafka-cluster:Connect")));
  EXPECT_FALSE(bears(url(host, "us-east-1", "901")));
}

TEST_F(KafkaLoginTest, TamperedMember) {
  for (const auto& entry : payload("localhost")) {
    if (entry.first == "user-agent") continue;  // not signed
    Fields bad = payload("localhost");
    bad[entry.first].back() ^= 1;
    EXPECT_FALSE(logs_in(bad)) << entry.first;
    Fields absent = payload("localhost");
    absent.erase(entry.first);
    EXPECT_FALSE(logs_in(absent)) << entry.first;
  }
  Fields more = payload("localhost");
  more["surprise"] = "1";
  EXPECT_FALSE(logs_in(more));
  EXPECT_FALSE(iam->kafka_login().aws_msk_iam("", {"localhost"}).ok());
  EXPECT_FALSE(iam->kafka_login().aws_msk_iam("[]", {"localhost"}).ok());
  EXPECT_FALSE(iam->kafka_login().oauthbearer("!!").ok());
}

TEST_F(KafkaLoginTest, SessionEndsWithItsCredentials) {
  auto role = make_role("r", R"({"AWS":"123456789012"})");
  auto made =
      iam->sessions().issue({.role = role, .account = test_account, .session_name = "s", .duration_s = 1800});
  key = made.access_key_id, secret = made.secret_access_key, token = made.session_token;
  auto session = iam->kafka_login().aws_msk_iam(json(payload("localhost")), {"localhost"});
  ASSERT_TRUE(session.ok()) << session.error().message;
  EXPECT_EQ(session->principal->arn, "arn:aws:sts::123456789012:assumed-role/r/s");
  EXPECT_EQ(session->expires_ms, test_now_ms + 1'800'000);
  EXPECT_TRUE(bears(url("kafka.us-east-1.amazonaws.com", "us-east-1")));
}

}  // namespace
}  // namespace mekong::iam
