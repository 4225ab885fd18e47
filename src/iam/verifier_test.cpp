#include "iam/verifier.h"

#include <filesystem>
#include <fstream>
#include <memory_resource>
#include <sstream>

#include "iam/test_support.h"

namespace mekong::iam {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Request {
  std::string method, path, query, body;
  Headers headers;
};

// A .req file: request line, headers (folded lines go on), blank line, body.
Request parse_request(const std::string& text) {
  Request out;
  std::istringstream in(text);
  std::string line;
  std::getline(in, line);
  const size_t first = line.find(' '), last = line.rfind(' ');
  out.method = line.substr(0, first);
  const std::string target = line.substr(first + 1, last - first - 1);
  const size_t question = target.find('?');
  out.path = target.substr(0, question);
  if (question != std::string::npos) out.query = target.substr(question + 1);
  while (std::getline(in, line) && !line.empty()) {
    if (line[0] == ' ') {
      out.headers.back().second += line;
      continue;
    }
    const size_t colon = line.find(':');
    out.headers.emplace_back(codec::lower_case(line.substr(0, colon)), line.substr(colon + 1));
  }
  out.body.assign(std::istreambuf_iterator<char>(in), {});
  return out;
}

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t at = text.find(begin) + begin.size();
  return text.substr(at, end.empty() ? std::string::npos : text.find(end, at) - at);
}

// As the verifier computes it, of the suite's key and scope.
std::string signature_of(const Request& request, const std::string& signed_headers) {
  std::pmr::monotonic_buffer_resource memory;
  std::pmr::string canonical(&memory);
  sigv4::Names names(&memory);
  sigv4::split_names(signed_headers, names);
  const std::string hash = codec::hex_encode(codec::sha256(request.body));
  EXPECT_TRUE(sigv4::canonical_request(
      {request.method, request.path, request.query, request.headers, signed_headers, names, hash},
      canonical));
  return sign(test_secret, "20150830T123600Z", "20150830/us-east-1/service/aws4_request",
              std::string(canonical));
}

struct VerifierTest : IamFixture {
  Result<Authentication> authenticate(const Request& r, bool allow_anonymous = false) {
    const std::string hash = codec::hex_encode(codec::sha256(r.body));
    return iam->authenticator().authenticate({r.method, r.path, r.query, r.headers, hash}, allow_anonymous);
  }
  std::string code(const Request& r) {
    auto result = authenticate(r);
    return result.ok() ? "ok" : result.error().code;
  }
  Request presigned(const std::string& service, const std::string& expires, std::string extra = "") {
    const std::string scope = "20150830/us-east-1/" + service + "/aws4_request";
    Request r{.method = "GET", .path = "/bucket/a%20b", .headers = {{"host", "h:1"}}};
    r.query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2F" +
              service + "%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=" + expires +
              "&X-Amz-SignedHeaders=host" + extra;
    const std::string canonical = "GET\n/bucket/a%20b\n" + r.query + "\nhost:h:1\n\nhost\nUNSIGNED-PAYLOAD";
    r.query += "&X-Amz-Signature=" + sign(test_secret, "20150830T123600Z", scope, canonical);
    return r;
  }
};

TEST_F(VerifierTest, Sigv4Suite) {
  const std::filesystem::path suite = MEKONG_SOURCE_DIR "/../shared/conformance/sigv4";
  if (!std::filesystem::exists(suite)) GTEST_SKIP() << "the SigV4 suite is not here";
  int verified = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(suite)) {
    if (entry.path().extension() != ".authz") continue;
    const std::string name = entry.path().stem();
    auto path = entry.path();
    Request request = parse_request(read_file(path.replace_extension(".req")));
    const std::string authorization = read_file(entry.path());
    request.headers.emplace_back("authorization", authorization);
    SCOPED_TRACE(name);
    if (authorization.find("x-amz-security-token") != std::string::npos) {
      const std::string canonical = read_file(path.replace_extension(".creq"));
      if (code(request) == "SignatureDoesNotMatch")  // the token is for the client to add
        request.headers.emplace_back("x-amz-security-token",
                                     between(canonical, "x-amz-security-token:", "\n"));
      // The token belongs to no session of ours; the signature is right all the same.
      EXPECT_EQ(code(request), "InvalidClientTokenId");
      EXPECT_EQ(signature_of(request, between(authorization, "SignedHeaders=", ",")),
                between(authorization, "Signature=", ""));
      ++verified;
      continue;
    }
    EXPECT_EQ(code(request), "ok");
    request.headers.back().second.back() ^= 1;
    EXPECT_EQ(code(request), "SignatureDoesNotMatch");
    ++verified;
  }
  EXPECT_GE(verified, 30);
}

// Whatever letter or digit is changed, in any part of any request of the suite, it is refused.
TEST_F(VerifierTest, Sigv4SuiteWithAnyByteChanged) {
  const std::filesystem::path suite = MEKONG_SOURCE_DIR "/../shared/conformance/sigv4";
  if (!std::filesystem::exists(suite)) GTEST_SKIP() << "the SigV4 suite is not here";
  int changed = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(suite)) {
    if (entry.path().extension() != ".authz") continue;
    auto path = entry.path();
    Request request = parse_request(read_file(path.replace_extension(".req")));
    request.headers.emplace_back("authorization", read_file(entry.path()));
    if (code(request) != "ok") continue;  // a token of no session of ours
    std::vector<std::string*> parts = {&request.method, &request.query, &request.body};
    // What ".." takes away is no part of what is asked for.
    if (request.path.find("..") == std::string::npos) parts.push_back(&request.path);
    for (auto& [_, value] : request.headers) parts.push_back(&value);
    for (std::string* part : parts) {
      for (char& c : *part) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) continue;
        c ^= 1;
        EXPECT_NE(code(request), "ok") << entry.path().stem() << ": " << *part;
        c ^= 1;
        ++changed;
      }
    }
  }
  EXPECT_GT(changed, 5000);
}

TEST_F(VerifierTest, AKeyThatIsTurnedOffIsRefusedAtOnce) {
  const Request request = presigned("s3", "60");
  EXPECT_EQ(code(request), "ok");
  ASSERT_TRUE(iam->directory().set_key_active(test_account, "", test_key, false).ok());
  EXPECT_EQ(code(request), "InvalidAccessKeyId");
  ASSERT_TRUE(iam->directory().set_key_active(test_account, "", test_key, true).ok());
  EXPECT_EQ(code(request), "ok");
}

TEST_F(VerifierTest, SigV4aFailsByName) {
  Request header{.method = "GET", .path = "/", .headers = {{"host", "h"}}};
  header.headers.emplace_back("authorization",
                              "AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/20150830/s3/aws4_request");
  EXPECT_EQ(code(header), "NotImplemented");
  Request query{.method = "GET",
                .path = "/",
                .query = "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256",
                .headers = {{"host", "h"}}};
  EXPECT_EQ(code(query), "NotImplemented");
}

// The chain of the AWS SDK for Go's own test of its stream signer.
TEST(EventSignature, IsThatOfTheSdk) {
  const sigv4::Credential credential{"AKID", "19700101", "us-east-1", "transcribestreaming"};
  Authentication auth;
  auth.scope = credential.scope();
  auth.signing_key = sigv4::signing_key("SECRET", credential);
  std::string previous = codec::hex_encode("foobarbazqux");
  const auto next = [&](const std::string& bytes, const std::string& second) {
    const auto hash = codec::hex_encode(codec::sha256(bytes));
    return previous = event_signature(auth, "19700101T0000" + second + "Z", previous, hash, hash);
  };
  EXPECT_EQ(next("foo", "10"), "e3a136405ec1152f62136742efd41f8639cd647a1cf21fab12aedb22cccd8999");
  EXPECT_EQ(next("bar", "20"), "92a6ad677e839d3003672cb2cefc71ef80d42e8cb300fefce0807e8398c74068");
  EXPECT_EQ(next("baz", "30"), "46d6660bd40f2ff5d6246a347895cabe7f4e89d9e1f4c6dad6dabdc801923be1");
  EXPECT_EQ(next("", "30"), "492bcb3e21de447c85f8a9bef6c0eb833e992e405b9b3584be84edaccc5aad18");
}

// A stream that outlasts its day: what comes after midnight has the new day's key and scope.
TEST(EventSignature, IsThatOfItsOwnDay) {
  sigv4::Credential credential{"AKID", "19700101", "us-east-1", "transcribestreaming"};
  Authentication auth;
  auth.scope = credential.scope();
  auth.signing_key = sigv4::signing_key("SECRET", credential);
  auth.key_of_day = [credential](std::string_view day) {
    auto of_day = credential;
    of_day.date = day;
    return sigv4::signing_key("SECRET", of_day);
  };
  Authentication tomorrow;
  credential.date = "19700102";
  tomorrow.scope = credential.scope();
  tomorrow.signing_key = sigv4::signing_key("SECRET", credential);
  EXPECT_EQ(event_signature(auth, "19700102T000001Z", "previous", "headers", "payload"),
            event_signature(tomorrow, "19700102T000001Z", "previous", "headers", "payload"));
  EXPECT_NE(event_signature(auth, "19700101T235959Z", "previous", "headers", "payload"),
            event_signature(tomorrow, "19700101T235959Z", "previous", "headers", "payload"));
}

TEST_F(VerifierTest, AStreamOfEventsHasAKeyForEachDay) {
  const std::string payload = "STREAMING-AWS4-HMAC-SHA256-EVENTS",
                    names = "host;x-amz-content-sha256;x-amz-date";
  sigv4::Credential credential{"AKIDEXAMPLE", "20150830", "us-east-1", "transcribe"};
  Request request{.method = "POST", .path = "/stream"};
  request.headers = {{"host", "h"}, {"x-amz-content-sha256", payload}, {"x-amz-date", "20150830T123600Z"}};
  const std::string canonical = "POST\n/stream\n\nhost:h\nx-amz-content-sha256:" + payload +
                                "\nx-amz-date:20150830T123600Z\n\n" + names + "\n" + payload;
  request.headers.emplace_back(
      "authorization",
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" + credential.scope() + ", SignedHeaders=" + names +
          ", Signature=" + sign(test_secret, "20150830T123600Z", credential.scope(), canonical));
  const auto auth = authenticate(request);
  ASSERT_TRUE(auth.ok()) << auth.error().message;
  credential.date = "20150831";
  ASSERT_TRUE(auth->key_of_day);
  EXPECT_EQ(auth->key_of_day("20150831"), sigv4::signing_key(test_secret, credential));
}

TEST_F(VerifierTest, PresignedStrictly) {
  EXPECT_EQ(code(presigned("s3", "60")), "ok");
  for (const char* expires : {"-1", "604801", "99999999999999999999", "6 0", "", "0x10"}) {
    EXPECT_EQ(code(presigned("s3", expires)), "AuthorizationQueryParametersError") << expires;
  }
  EXPECT_EQ(code(presigned("s3", "60", "&X-Amz-Expires=600")), "AuthorizationQueryParametersError");
  Request swapped = presigned("s3", "60");
  swapped.method = "PUT";
  EXPECT_EQ(code(swapped), "SignatureDoesNotMatch");
  Request longer = presigned("s3", "60");
  longer.query += "&versionId=1";
  EXPECT_EQ(code(longer), "SignatureDoesNotMatch");
  Request header = presigned("s3", "60");
  header.headers.emplace_back("x-amz-acl", "public-read");
  EXPECT_EQ(code(header), "AccessDenied");
  Request twice = presigned("s3", "60");
  twice.headers.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=x");
  EXPECT_EQ(code(twice), "InvalidArgument");
  const Request good = presigned("s3", "60");
  clock.advance_ms(61'000);
  EXPECT_EQ(code(good), "AccessDenied");
}

TEST_F(VerifierTest, EveryByteOfThePresignedQueryCounts) {
  const Request good = presigned("s3", "60");
  for (size_t i = 0; i < good.query.size(); ++i) {
    Request bad = good;
    bad.query[i] = bad.query[i] == 'Q' ? 'R' : 'Q';
    // An escape of the same character in the other case is the same request.
    EXPECT_NE(code(bad), "ok") << i;
  }
}

// Its C and C++ producers sign what they set, hop by hop headers and a Host without the port among them, but
// not their session token.
TEST_F(VerifierTest, kinesis_videos_producers_do_not_sign_their_token) {
  const auto session = iam->sessions().issue({.account = test_account});
  const auto other = iam->sessions().issue({.account = test_account});
  const auto request_to = [&](const std::string& service, const std::string& token) {
    Request r{.method = "POST",
              .path = "/putMedia",
              .headers = {{"connection", "keep-alive"},
                          {"host", "h"},
                          {"transfer-encoding", "chunked"},
                          {"x-amz-date", "20150830T123600Z"}}};
    const std::string names = "connection;host;transfer-encoding;x-amz-date";
    const std::string scope = "20150830/us-east-1/" + service + "/aws4_request";
    std::string canonical = "POST\n/putMedia\n\n";
    for (const auto& [name, value] : r.headers) canonical += name + ":" + value + "\n";
    canonical += "\n" + names + "\n" + codec::hex_encode(codec::sha256(""));
    r.headers.emplace_back("x-amz-security-token", token);
    r.headers.emplace_back(
        "authorization",
        "AWS4-HMAC-SHA256 Credential=" + session.access_key_id + "/" + scope + ", SignedHeaders=" + names +
            ", Signature=" + sign(session.secret_access_key, "20150830T123600Z", scope, canonical));
    return r;
  };
  EXPECT_EQ(code(request_to("kinesisvideo", session.session_token)), "ok");
  EXPECT_EQ(code(request_to("kinesisvideo", other.session_token)), "InvalidClientTokenId");
  EXPECT_EQ(code(request_to("kinesisvideo", "x")), "InvalidClientTokenId");
  EXPECT_EQ(code(request_to("kinesis", session.session_token)), "AccessDenied");
  Request rewritten = request_to("kinesisvideo", session.session_token);
  rewritten.headers[1].second = "h:4566";
  EXPECT_EQ(code(rewritten), "SignatureDoesNotMatch");
}

TEST_F(VerifierTest, SkewAndUnknownKeys) {
  const std::string scope = "20150830/us-east-1/glue/aws4_request";
  Request r{.method = "POST", .path = "/", .headers = {{"host", "h"}, {"x-amz-date", "20150830T123600Z"}}};
  const std::string canonical = "POST\n/\n\nhost:h\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" +
                                codec::hex_encode(codec::sha256(""));
  auto authorization = [&](const std::string& key) {
    return "AWS4-HMAC-SHA256 Credential=" + key + "/" + scope +
           ", SignedHeaders=host;x-amz-date, Signature=" +
           sign(test_secret, "20150830T123600Z", scope, canonical);
  };
  r.headers.emplace_back("authorization", authorization(test_key));
  EXPECT_EQ(code(r), "ok");
  Request extra = r;
  extra.headers.emplace_back("x-amz-target", "AWSGlue.DropAll");
  EXPECT_EQ(code(extra), "AccessDenied");
  Request unknown = r;
  unknown.headers.back().second = authorization("AKIAUNKNOWN");
  EXPECT_EQ(code(unknown), "InvalidClientTokenId");
  Request test_pair = r;
  test_pair.headers.back().second = authorization("test");
  EXPECT_EQ(code(test_pair), "InvalidClientTokenId");  // only where --dev says so
  Request none = r;
  none.headers.pop_back();
  EXPECT_EQ(code(none), "MissingAuthenticationToken");
  auto anonymous = authenticate(none, true);
  ASSERT_TRUE(anonymous.ok());
  EXPECT_EQ(anonymous->principal->kind, PrincipalKind::anonymous);
  clock.advance_ms(5 * 60'000 + 1);
  EXPECT_EQ(code(r), "SignatureDoesNotMatch");
}

// The example of S3's guide "Signature calculations: transferring payload in multiple chunks".
TEST(ChunkSignature, AsInTheGuideOfS3) {
  Authentication auth{.amz_date = "20130524T000000Z", .scope = "20130524/us-east-1/s3/aws4_request"};
  auth.signing_key = sigv4::signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                        {"AKIAIOSFODNN7EXAMPLE", "20130524", "us-east-1", "s3"});
  const std::string first =
      chunk_signature(auth, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
                      codec::hex_encode(codec::sha256(std::string(65536, 'a'))));
  EXPECT_EQ(first, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
  const std::string second =
      chunk_signature(auth, first, codec::hex_encode(codec::sha256(std::string(1024, 'a'))));
  EXPECT_EQ(second, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
}

TEST_F(VerifierTest, a_form_is_as_old_as_its_signing_key_at_most) {
  const std::string policy = "e30=", date = "20150830T123600Z";
  const std::string credential = test_key + "/20150830/us-east-1/s3/aws4_request";
  const std::string key = sigv4::signing_key(test_secret, *sigv4::parse_credential(credential));
  const std::string signature = codec::hex_encode(codec::hmac_sha256(key, policy));
  const auto code = [&](const SignedForm& form) {
    const auto got = iam->authenticator().authenticate_form(form);
    return got.ok() ? got->principal->arn : got.error().code;
  };
  const SignedForm good{policy, sigv4::algorithm, credential, date, "", signature};
  EXPECT_EQ(code(good), "arn:aws:iam::123456789012:root");
  SignedForm changed = good;
  changed.policy = "e30";
  EXPECT_EQ(code(changed), "SignatureDoesNotMatch");
  changed = good;
  changed.policy = "";
  EXPECT_EQ(code(changed), "InvalidArgument");
  clock.advance_ms(-15 * 60'000 - 1);
  EXPECT_EQ(code(good), "AccessDenied");  // from the future
  clock.advance_ms(15 * 60'000 + 1 + 7LL * 24 * 3'600'000);
  EXPECT_EQ(code(good), "arn:aws:iam::123456789012:root");
  clock.advance_ms(1);
  EXPECT_EQ(code(good), "AccessDenied");
}

}  // namespace
}  // namespace mekong::iam
