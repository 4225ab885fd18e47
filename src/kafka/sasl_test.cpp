#include "kafka/sasl.h"

#include <gtest/gtest.h>

#include "kafka/errors.h"

namespace mekong::kafka {
namespace {

namespace proto = gen::kafka_protocol;

// Takes "good" and "other" as logins of two users, until one hour from the epoch.
class FakeLogin final : public iam::KafkaLogin {
 public:
  Result<Session> aws_msk_iam(std::string_view payload, const std::vector<std::string>&) const override {
    if (payload != "good" && payload != "other") return Error{"SignatureDoesNotMatch", "no"};
    auto principal = std::make_shared<Principal>();
    principal->arn = "arn:aws:iam::123456789012:user/" + std::string(payload);
    return Session{principal, Region("us-east-1"), 3'600'000};
  }
  Result<Session> oauthbearer(std::string_view token) const override { return aws_msk_iam(token, {}); }
};

class SaslTest : public testing::Test {
 protected:
  int16_t handshake(const std::string& mechanism, int16_t version = 1) {
    return on_->handshake({.mechanism = mechanism}, version).error_code;
  }
  proto::SaslAuthenticateResponse authenticate(const std::string& bytes) {
    return on_->authenticate({.auth_bytes = bytes});
  }

  FakeLogin login_;
  os::ManualClock clock_{600'000};
  os::SeededRandom random_{1};
  bool may_connect_ = true;
  static constexpr int64_t kMaxMs = 12LL * 3600 * 1000;
  SaslSession make(const Region& region, int64_t session_max_ms) {
    return SaslSession(
        {login_, clock_, random_, {"localhost"}, region, session_max_ms, [this](const Principal&) {
           return may_connect_;
         }});
  }
  SaslSession sasl_ = make(Region("us-east-1"), kMaxMs);
  SaslSession* on_ = &sasl_;
};

TEST_F(SaslTest, iam_is_answered_with_exactly_version_and_request_id) {
  EXPECT_EQ(handshake("AWS_MSK_IAM"), NONE);
  auto reply = authenticate("good");
  EXPECT_EQ(reply.error_code, NONE);
  EXPECT_TRUE(reply.auth_bytes.starts_with(R"({"version":"2020_10_22","request-id":")"));
  EXPECT_EQ(std::count(reply.auth_bytes.begin(), reply.auth_bytes.end(), ':'), 2);
  EXPECT_EQ(reply.session_lifetime_ms, 3'000'000);
  EXPECT_FALSE(sasl_.failed());
}

TEST_F(SaslTest, msk_iam_token_wrong_region) {
  SaslSession elsewhere = make(Region("eu-west-1"), kMaxMs);
  for (const char* mechanism : {"AWS_MSK_IAM", "OAUTHBEARER"}) {
    elsewhere.handshake({.mechanism = mechanism}, 1);
    EXPECT_EQ(elsewhere
                  .authenticate({.auth_bytes = "n,,\x01"
                                               "auth=Bearer good\x01\x01"})
                  .error_code,
              SASL_AUTHENTICATION_FAILED);
  }
  elsewhere.handshake({.mechanism = "AWS_MSK_IAM"}, 1);
  EXPECT_EQ(elsewhere.authenticate({.auth_bytes = "good"}).error_code, SASL_AUTHENTICATION_FAILED);
  EXPECT_EQ(elsewhere.principal(), nullptr);
}

TEST_F(SaslTest, authenticate_needs_a_handshake) {
  EXPECT_EQ(authenticate("good").error_code, ILLEGAL_SASL_STATE);
  EXPECT_TRUE(sasl_.failed());
  EXPECT_EQ(sasl_.principal(), nullptr);
}

TEST_F(SaslTest, other_mechanisms_are_refused_and_ours_named) {
  auto reply = sasl_.handshake({.mechanism = "PLAIN"}, 1);
  EXPECT_EQ(reply.error_code, UNSUPPORTED_SASL_MECHANISM);
  EXPECT_EQ(reply.mechanisms, (std::vector<std::string>{"AWS_MSK_IAM", "OAUTHBEARER"}));
  EXPECT_TRUE(sasl_.failed());
}

TEST_F(SaslTest, a_wrong_signature_tells_nothing_but_denied) {
  handshake("AWS_MSK_IAM");
  auto reply = authenticate("bad");
  EXPECT_EQ(reply.error_code, SASL_AUTHENTICATION_FAILED);
  EXPECT_TRUE(reply.error_message->ends_with("]: Access denied"));
  EXPECT_EQ(reply.error_message->find("Signature"), std::string::npos);
  EXPECT_NE(sasl_.failure().find("SignatureDoesNotMatch"), std::string::npos);
}

TEST_F(SaslTest, who_may_not_connect_is_denied) {
  may_connect_ = false;
  handshake("AWS_MSK_IAM");
  EXPECT_EQ(authenticate("good").error_code, SASL_AUTHENTICATION_FAILED);
  EXPECT_EQ(sasl_.principal(), nullptr);
}

TEST_F(SaslTest, oauth_success_is_empty) {
  handshake("OAUTHBEARER");
  auto reply = authenticate(
      "n,,\x01"
      "auth=Bearer good\x01\x01");
  EXPECT_EQ(reply.error_code, NONE);
  EXPECT_EQ(reply.auth_bytes, "");
  EXPECT_NE(sasl_.principal(), nullptr);
}

TEST_F(SaslTest, oauth_failure_is_an_error_at_once) {
  handshake("OAUTHBEARER");
  EXPECT_EQ(authenticate("n,,\x01"
                         "auth=Bearer bad\x01\x01")
                .error_code,
            SASL_AUTHENTICATION_FAILED);
  EXPECT_TRUE(sasl_.failed());
  EXPECT_EQ(sasl_.principal(), nullptr);
}

TEST_F(SaslTest, a_session_ends_unless_renewed_by_the_same_principal) {
  handshake("AWS_MSK_IAM");
  authenticate("good");
  clock_.advance_ms(2'999'999);
  EXPECT_FALSE(sasl_.expired());
  clock_.advance_ms(1);
  EXPECT_TRUE(sasl_.expired());
}

TEST_F(SaslTest, a_login_that_outlives_the_clusters_sessions_ends_with_them) {
  SaslSession brief = make(Region("us-east-1"), 5'000);
  on_ = &brief;
  handshake("AWS_MSK_IAM");
  EXPECT_EQ(authenticate("good").session_lifetime_ms, 5'000);
  clock_.advance_ms(4'000);
  handshake("AWS_MSK_IAM");
  EXPECT_EQ(authenticate("good").session_lifetime_ms, 5'000);  // renewed from now on
  clock_.advance_ms(4'999);
  EXPECT_FALSE(brief.expired());
  clock_.advance_ms(1);
  EXPECT_TRUE(brief.expired());
}

TEST_F(SaslTest, an_expired_token_does_not_renew_a_session) {
  handshake("AWS_MSK_IAM");
  authenticate("good");
  handshake("AWS_MSK_IAM");
  EXPECT_TRUE(sasl_.between_steps());
  EXPECT_EQ(authenticate("bad").error_code, SASL_AUTHENTICATION_FAILED);
  EXPECT_TRUE(sasl_.failed());  // and the connection goes, though the first session would have lasted
}

TEST_F(SaslTest, sasl_reauth_downgrade_by_another_mechanism) {
  handshake("AWS_MSK_IAM");
  authenticate("good");
  EXPECT_EQ(handshake("OAUTHBEARER"), ILLEGAL_SASL_STATE);
  EXPECT_TRUE(sasl_.failed());
}

TEST_F(SaslTest, the_principal_cannot_change) {
  handshake("AWS_MSK_IAM");
  authenticate("good");
  EXPECT_EQ(handshake("AWS_MSK_IAM"), NONE);
  EXPECT_EQ(authenticate("good").error_code, NONE);
  handshake("AWS_MSK_IAM");
  auto reply = authenticate("other");
  EXPECT_EQ(reply.error_code, SASL_AUTHENTICATION_FAILED);
  EXPECT_EQ(reply.error_message, "Cannot change principals during re-authentication");
  EXPECT_TRUE(sasl_.failed());
}

TEST_F(SaslTest, bearer_tokens_are_cut_out_of_the_message) {
  EXPECT_EQ(oauth_bearer_token("n,a=user,\x01"
                               "auth=Bearer abc\x01"
                               "x=y\x01\x01"),
            "abc");
  EXPECT_EQ(oauth_bearer_token("n,,\x01\x01"), "");
  EXPECT_EQ(oauth_bearer_token(""), "");
}

}  // namespace
}  // namespace mekong::kafka
