#include "services/s3/service.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <set>

#include "api/pipeline.h"
#include "base/memory_only.h"
#include "base/thread_pool.h"
#include "codec/hash.h"
#include "codec/text.h"
#include "codec/xml.h"
#include "meta/forwarding_store.h"

namespace mekong::s3 {
namespace {

constexpr const char* account = "000000000001";

class FakeAuthenticator final : public iam::Authenticator {
 public:
  Result<iam::Authentication> authenticate(const iam::SignedRequest&, bool) const override {
    iam::Authentication authentication;
    auto principal = std::make_shared<Principal>();
    principal->kind = PrincipalKind::user;
    principal->account = AccountId(caller);
    principal->arn = "arn:aws:iam::" + caller + ":user/test";
    authentication.principal = principal;
    authentication.region = Region("us-east-1");
    authentication.service = "s3";
    authentication.body = body;
    return authentication;
  }
  std::string caller = account;
  iam::BodySignature body = iam::BodySignature::unsigned_payload;
};

class FakeAuthoriser final : public Authoriser {
 public:
  Decision decide(const AuthorisationRequest& request) const override {
    bool refused =
        denied.contains(std::string(request.action)) || denied.contains(std::string(request.resource));
    return {.allowed = !refused, .reason = ""};
  }
  std::set<std::string> denied;  // actions and resources
};

class FakeBody final : public api::RawBody {
 public:
  explicit FakeBody(std::string bytes) : bytes_(std::move(bytes)) {}
  Task<Result<std::string>> read() override {
    auto chunk = bytes_.substr(0, 100'000);
    bytes_.erase(0, chunk.size());
    co_return chunk;
  }

 private:
  std::string bytes_;
};

// Tells where a commit came from; has everything on disk, or lets commits fail as if somebody came between.
class WatchedStore final : public meta::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<std::optional<std::string>> get(std::string_view family, std::string_view key) const override {
    if (on_disk && MemoryOnly::on()) return MemoryOnly::would_wait();
    return inner_.get(family, key);
  }
  Future<Status> commit(meta::Batch batch) override {
    committed_on = Executor::current();
    if (failing == 0) return inner_.commit(std::move(batch));
    --failing;
    return Future<Status>::ready(Error{"ConditionFailed", "on purpose"});
  }
  std::atomic<bool> on_disk = false;
  std::atomic<int> failing = 0;
  std::atomic<Executor*> committed_on = nullptr;
};

Task<api::Response> handle_on(Executor& home, const api::Pipeline& pipeline, const api::RequestHead& head,
                              api::RawBody& raw) {
  co_await resume_on(home);
  auto response = co_await pipeline.handle(head, raw);
  co_return response;
}

struct Reply {
  int status = 0;
  api::Headers headers;
  std::string body;
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (codec::equal_no_case(key, name)) return value;
    }
    return "(none)";
  }
  std::string code() const {
    auto root = codec::parse_xml(body);
    const auto* code = root.ok() ? root->child("Code") : nullptr;
    return std::to_string(status) + (code != nullptr ? " " + code->text : "");
  }
};

// The text of every element `name` in a body.
std::string texts(const codec::XmlNode& node, std::string_view name) {
  std::string found = node.name == name ? node.text + " " : "";
  for (const auto& child : node.children) found += texts(child, name);
  return found;
}
std::string texts(const Reply& reply, std::string_view name) {
  auto root = codec::parse_xml(reply.body);
  return root.ok() ? texts(*root, name) : "(no xml)";
}

class S3ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "mekong-s3-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    auto opened = blob::open_store(files_, clock_, random_, watched_, null_logger(),
                                   {.folder = folder_ + "/blobs", .grace_ms = 0, .collect_interval_ms = 0});
    ASSERT_TRUE(opened.ok());
    blobs_ = std::move(opened).value();
    store_ = objects::make_store(watched_, *blobs_, clock_, random_);
    service_ = std::make_unique<S3Service>(*store_, [](std::string_view) { return true; });
    pipeline_ =
        std::make_unique<api::Pipeline>(std::vector{model::bind(*service_)}, authenticator_, authoriser_,
                                        pool_, clock_, random_, null_logger(), api::Pipeline::Options{});
    EXPECT_EQ(send("PUT", "/bucket").status, 200);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Reply send(const std::string& method, const std::string& path, const std::string& body = "",
             api::Headers headers = {}) {
    auto query = path.find('?');
    api::RequestHead head{.method = method, .raw_path = path.substr(0, query)};
    if (query != std::string::npos) head.raw_query = path.substr(query + 1);
    headers.emplace_back(
        "authorization",
        "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, "
        "Signature=00");
    headers.emplace_back("host", "127.0.0.1:4566");
    head.headers = std::move(headers);
    head.content_length = static_cast<int64_t>(body.size());
    FakeBody raw(body);
    auto response = sync_wait(arrives_on_ != nullptr ? handle_on(*arrives_on_, *pipeline_, head, raw)
                                                     : pipeline_->handle(head, raw));
    Reply reply{.status = response.status, .headers = response.headers, .body = response.body};
    while (response.stream) {
      auto chunk = response.stream->read();
      EXPECT_TRUE(chunk.ok());
      if (!chunk.ok() || chunk->empty()) break;
      reply.body += *chunk;
    }
    return reply;
  }
  std::string create_upload(const std::string& key, api::Headers headers = {}) {
    auto id = texts(send("POST", "/bucket/" + key + "?uploads", "", std::move(headers)), "UploadId");
    return id.substr(0, id.size() - 1);
  }
  static std::string complete_body(const std::vector<std::string>& etags) {
    std::string body = "<CompleteMultipartUpload>";
    for (size_t i = 0; i < etags.size(); ++i) {
      body +=
          "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" + etags[i] + "</ETag></Part>";
    }
    return body + "</CompleteMultipartUpload>";
  }

  std::string folder_;
  os::PosixFiles files_;
  os::ManualClock clock_{1'700'000'000'000};
  os::SeededRandom random_{7};
  std::unique_ptr<meta::Store> meta_ = meta::make_memory_store();
  WatchedStore watched_{*meta_};
  std::unique_ptr<blob::Store> blobs_;
  std::unique_ptr<objects::Store> store_;
  std::unique_ptr<S3Service> service_;
  FakeAuthenticator authenticator_;
  FakeAuthoriser authoriser_;
  ThreadPool pool_{"s3", 2};
  ThreadPool io_{"io", 1};
  Executor* arrives_on_ = nullptr;  // null: the pool
  std::unique_ptr<api::Pipeline> pipeline_;
};

TEST_F(S3ServiceTest, buckets) {
  EXPECT_EQ(send("HEAD", "/bucket").header("x-amz-bucket-region"), "us-east-1");
  EXPECT_EQ(send("PUT", "/bucket").status, 200);
  EXPECT_EQ(send("PUT", "/Bad_Name").code(), "400 InvalidBucketName");
  EXPECT_EQ(send("GET", "/nowhere").code(), "404 NoSuchBucket");
  EXPECT_EQ(texts(send("GET", "/"), "Name"), "bucket ");
  std::string configuration =
      "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></"
      "CreateBucketConfiguration>";
  EXPECT_EQ(send("PUT", "/eu-bucket", configuration).status, 200);
  EXPECT_EQ(texts(send("GET", "/eu-bucket?location"), "LocationConstraint"), "eu-west-1 ");
  EXPECT_EQ(texts(send("GET", "/bucket?location"), "LocationConstraint"), " ");
  EXPECT_EQ(send("PUT", "/eu-bucket").code(), "409 BucketAlreadyOwnedByYou");
  EXPECT_EQ(send("DELETE", "/eu-bucket").status, 204);
  EXPECT_EQ(send("GET", "/bucket?website").code(), "501 NotImplemented");
}

TEST_F(S3ServiceTest, small_bodies_are_put_where_they_arrive) {
  arrives_on_ = &io_;
  auto small = send("PUT", "/bucket/k", "hello");
  EXPECT_EQ(small.header("etag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  EXPECT_EQ(watched_.committed_on, &io_);
  EXPECT_EQ(send("GET", "/bucket/k").body, "hello");
  EXPECT_EQ(send("PUT", "/bucket/k", "again").status, 200);
  EXPECT_EQ(send("GET", "/bucket/k").body, "again");
  EXPECT_EQ(send("PUT", "/bucket/empty", "").status, 200);
  EXPECT_EQ(watched_.committed_on, &io_);
  EXPECT_EQ(send("PUT", "/bucket/k", "other", {{"content-md5", "XUFAKrxLKna5cZ2REBfFkg=="}}).code(),
            "400 BadDigest");
  EXPECT_EQ(send("PUT", "/bucket/k", "other", {{"x-amz-checksum-crc32", "AAAAAA=="}}).code(),
            "400 BadDigest");
  EXPECT_EQ(send("PUT", "/bucket/k", "other", {{"if-none-match", "*"}}).code(), "412 PreconditionFailed");
  EXPECT_EQ(send("PUT", "/nowhere/k", "other").code(), "404 NoSuchBucket");
  EXPECT_EQ(send("GET", "/bucket/k").body, "again");
}

TEST_F(S3ServiceTest, what_would_wait_is_put_on_the_pool) {
  arrives_on_ = &io_;
  const std::string in_a_file(40'000, 'f'), streamed(100'000, 's');
  const auto put = [&](const std::string& body, api::Headers headers = {}) {
    watched_.committed_on = nullptr;
    EXPECT_EQ(send("PUT", "/bucket/k", body, std::move(headers)).status, 200);
    EXPECT_EQ(send("GET", "/bucket/k").body, body);
    EXPECT_EQ(watched_.committed_on, &pool_);
  };
  put(in_a_file);
  put(streamed);
  put("wanted?", {{"expect", "100-continue"}});
  watched_.on_disk = true;
  put("over what is on disk");
  watched_.on_disk = false;
  watched_.failing = 1;  // the first attempt, made on the I/O thread
  put("somebody came between");
  EXPECT_EQ(watched_.failing, 0);
}

TEST_F(S3ServiceTest, tags_of_a_bucket_are_replaced_as_a_whole) {
  auto put = [&](const std::string& tags) {
    const std::string body = "<Tagging><TagSet>" + tags + "</TagSet></Tagging>";
    return send("PUT", "/bucket?tagging", body, {{"content-md5", codec::base64_encode(codec::md5(body))}})
        .code();
  };
  const std::string a = "<Tag><Key>a</Key><Value>1</Value></Tag>";
  const std::string b = "<Tag><Key>b</Key><Value></Value></Tag>";
  EXPECT_EQ(send("GET", "/bucket?tagging").code(), "404 NoSuchTagSet");
  EXPECT_EQ(put(a + b), "200");
  EXPECT_EQ(texts(send("GET", "/bucket?tagging"), "Key"), "a b ");
  EXPECT_EQ(put(b), "200");
  EXPECT_EQ(put(a + a), "400 InvalidTag");
  EXPECT_EQ(put("<Tag><Key>aws:a</Key><Value></Value></Tag>"), "400 InvalidTag");
  std::string many;
  for (int i = 0; i < 51; ++i) many += "<Tag><Key>k" + std::to_string(i) + "</Key><Value/></Tag>";
  EXPECT_EQ(put(many), "400 BadRequest");
  EXPECT_EQ(texts(send("GET", "/bucket?tagging"), "Key"), "b ");
  authoriser_.denied = {"s3:PutBucketTagging"};  // which taking them away asks for, too
  EXPECT_EQ(send("DELETE", "/bucket?tagging").code(), "403 AccessDenied");
  authoriser_.denied = {};
  EXPECT_EQ(send("DELETE", "/bucket?tagging").status, 204);
  EXPECT_EQ(send("DELETE", "/bucket?tagging").status, 204);
  EXPECT_EQ(send("GET", "/bucket?tagging").code(), "404 NoSuchTagSet");
  EXPECT_EQ(send("GET", "/nowhere?tagging").code(), "404 NoSuchBucket");
  EXPECT_EQ(send("PUT", "/bucket?tagging", "<Tagging/>").code(), "400 InvalidRequest");  // no checksum
}

// Whether it may is the authoriser's word, which here says yes to everything.
TEST_F(S3ServiceTest, another_account_keeps_no_policy) {
  authenticator_.caller = "000000000002";
  EXPECT_EQ(send("GET", "/bucket?policy").code(), "405 MethodNotAllowed");
  EXPECT_EQ(send("DELETE", "/bucket?policy").code(), "405 MethodNotAllowed");
  EXPECT_EQ(send("PUT", "/bucket").code(), "409 BucketAlreadyExists");
  EXPECT_EQ(texts(send("GET", "/"), "Name"), "");
}

TEST_F(S3ServiceTest, objects_with_their_headers) {
  auto put = send("PUT", "/bucket/a%20b/c", "hello",
                  {{"content-type", "text/plain"},
                   {"x-amz-meta-who", "me"},
                   {"content-encoding", "aws-chunked,gzip"},
                   {"expires", "Wed, 21 Oct 2015 07:28:00 GMT"}});
  EXPECT_EQ(put.status, 200);
  EXPECT_EQ(put.header("etag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  auto get = send("GET", "/bucket/a%20b/c");
  EXPECT_EQ(get.body, "hello");
  EXPECT_EQ(get.header("content-type"), "text/plain");
  EXPECT_EQ(get.header("content-encoding"), "gzip");
  EXPECT_EQ(get.header("x-amz-meta-who"), "me");
  EXPECT_EQ(get.header("expires"), "Wed, 21 Oct 2015 07:28:00 GMT");
  EXPECT_EQ(get.header("last-modified"), "Tue, 14 Nov 2023 22:13:20 GMT");
  EXPECT_EQ(get.header("accept-ranges"), "bytes");
  auto head = send("HEAD", "/bucket/a%20b/c?response-content-type=text%2Fhtml");
  EXPECT_EQ(head.header("content-length"), "5");
  EXPECT_EQ(head.header("content-type"), "text/html");
  EXPECT_EQ(send("GET", "/bucket/missing").code(), "404 NoSuchKey");
  EXPECT_EQ(send("DELETE", "/bucket/a%20b/c").status, 204);
  EXPECT_EQ(send("HEAD", "/bucket/a%20b/c").status, 404);
}

TEST_F(S3ServiceTest, a_missing_key_is_denied_to_who_may_not_list) {
  authoriser_.denied = {"s3:ListBucket"};
  EXPECT_EQ(send("GET", "/bucket/missing").code(), "403 AccessDenied");
  EXPECT_EQ(send("HEAD", "/bucket/missing").status, 403);
}

TEST_F(S3ServiceTest, ranges) {
  send("PUT", "/bucket/key", "0123456789");
  auto range = [&](const std::string& value) { return send("GET", "/bucket/key", "", {{"range", value}}); };
  EXPECT_EQ(range("bytes=2-4").body, "234");
  EXPECT_EQ(range("bytes=2-4").status, 206);
  EXPECT_EQ(range("bytes=2-4").header("content-range"), "bytes 2-4/10");
  EXPECT_EQ(range("bytes=8-").body, "89");
  EXPECT_EQ(range("bytes=-3").body, "789");
  EXPECT_EQ(range("bytes=5-100").header("content-range"), "bytes 5-9/10");
  EXPECT_EQ(range("bytes=10-").code(), "416 InvalidRange");
  EXPECT_EQ(range("bytes=-0").code(), "416 InvalidRange");
  EXPECT_EQ(range("bytes=4-2").status, 200);
  EXPECT_EQ(range("lines=1-2").body, "0123456789");
  EXPECT_EQ(send("HEAD", "/bucket/key", "", {{"range", "bytes=0-0"}}).header("content-length"), "1");
}

TEST_F(S3ServiceTest, read_conditions) {
  auto etag = send("PUT", "/bucket/key", "x").header("etag");
  auto get = [&](const std::string& name, const std::string& value) {
    return send("GET", "/bucket/key", "", {{name, value}}).status;
  };
  EXPECT_EQ(get("if-match", etag), 200);
  EXPECT_EQ(get("if-match", "\"other\""), 412);
  EXPECT_EQ(get("if-none-match", etag), 304);
  EXPECT_EQ(send("GET", "/bucket/key", "", {{"if-none-match", etag}}).header("etag"), etag);
  EXPECT_EQ(get("if-none-match", "\"other\""), 200);
  EXPECT_EQ(get("if-modified-since", "Tue, 14 Nov 2023 22:13:20 GMT"), 304);
  EXPECT_EQ(get("if-modified-since", "Tue, 14 Nov 2023 22:13:19 GMT"), 200);
  EXPECT_EQ(get("if-unmodified-since", "Tue, 14 Nov 2023 22:13:19 GMT"), 412);
}

TEST_F(S3ServiceTest, write_conditions_and_checks) {
  EXPECT_EQ(send("PUT", "/bucket/key", "1", {{"if-none-match", "*"}}).status, 200);
  EXPECT_EQ(send("PUT", "/bucket/key", "2", {{"if-none-match", "*"}}).code(), "412 PreconditionFailed");
  EXPECT_EQ(send("PUT", "/bucket/none", "2", {{"if-match", "\"x\""}}).code(), "404 NoSuchKey");
  EXPECT_EQ(send("PUT", "/bucket/bad", "2", {{"content-md5", "XUFAKrxLKna5cZ2REBfFkg=="}}).code(),
            "400 BadDigest");
  EXPECT_EQ(send("PUT", "/bucket/bad", "2", {{"x-amz-checksum-crc32", "AAAAAA=="}}).code(), "400 BadDigest");
  EXPECT_EQ(send("PUT", "/bucket/" + std::string(1025, 'k'), "2").code(), "400 KeyTooLongError");
  EXPECT_EQ(send("PUT", "/bucket/bad", "2", {{"x-amz-meta-a", std::string(3000, 'x')}}).code(),
            "400 MetadataTooLarge");
  EXPECT_EQ(send("GET", "/bucket/bad").code(), "404 NoSuchKey");
  auto put = send("PUT", "/bucket/sum", "hello", {{"x-amz-checksum-crc32", "NhCmhg=="}});
  EXPECT_EQ(put.header("x-amz-checksum-crc32"), "NhCmhg==");
  auto head = send("HEAD", "/bucket/sum", "", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(head.header("x-amz-checksum-crc32"), "NhCmhg==");
}

TEST_F(S3ServiceTest, what_is_not_built_is_refused_by_name) {
  for (api::Headers headers : std::vector<api::Headers>{{{"x-amz-server-side-encryption", "AES256"}},
                                                        {{"x-amz-tagging", "a=b"}},
                                                        {{"x-amz-storage-class", "GLACIER"}},
                                                        {{"x-amz-object-lock-mode", "GOVERNANCE"}},
                                                        {{"x-amz-checksum-sha512", "AAAA"}}}) {
    EXPECT_EQ(send("PUT", "/bucket/key", "x", headers).code(), "501 NotImplemented") << headers[0].first;
  }
  EXPECT_EQ(send("PUT", "/bucket/key", "x", {{"x-amz-grant-read", "id=x"}}).code(),
            "400 AccessControlListNotSupported");
  EXPECT_EQ(send("PUT", "/bucket/key", "x", {{"x-amz-acl", "public-read"}}).code(),
            "400 AccessControlListNotSupported");
  EXPECT_EQ(send("GET", "/bucket/key?versionId=abc").code(), "501 NotImplemented");
  EXPECT_EQ(send("PUT", "/bucket/key", "x", {{"x-amz-expected-bucket-owner", "000000000009"}}).code(),
            "403 AccessDenied");
}

TEST_F(S3ServiceTest, trailer_checksum) {
  authenticator_.body = iam::BodySignature::unsigned_chunks_trailer;
  auto chunked = [&](const std::string& sum) {
    return send("PUT", "/bucket/key", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:" + sum + "\r\n\r\n",
                {{"x-amz-trailer", "x-amz-checksum-crc32"},
                 {"x-amz-decoded-content-length", "5"},
                 {"content-encoding", "aws-chunked"},
                 {"x-amz-sdk-checksum-algorithm", "CRC32"}});
  };
  EXPECT_EQ(chunked("AAAAAA==").code(), "400 BadDigest");
  EXPECT_EQ(chunked("NhCmhg==").code(), "200");
  authenticator_.body = iam::BodySignature::unsigned_payload;
  auto get = send("GET", "/bucket/key");
  EXPECT_EQ(get.body, "hello");
  EXPECT_EQ(get.header("content-encoding"), "(none)");
}

TEST_F(S3ServiceTest, listings) {
  for (std::string key : {"a", "b/1", "b/2", "c%2Bd%20e"}) send("PUT", "/bucket/" + key, key);
  EXPECT_EQ(texts(send("GET", "/bucket?list-type=2"), "Key"), "a b/1 b/2 c+d e ");
  EXPECT_EQ(texts(send("GET", "/bucket?list-type=2&encoding-type=url"), "Key"), "a b/1 b/2 c%2Bd%20e ");
  auto page = send("GET", "/bucket?list-type=2&delimiter=%2F&max-keys=2");
  EXPECT_EQ(texts(page, "Key"), "a ");
  EXPECT_EQ(texts(page, "Prefix"), " b/ ");
  EXPECT_EQ(texts(page, "IsTruncated"), "true ");
  EXPECT_EQ(texts(page, "KeyCount"), "2 ");
  auto token = texts(page, "NextContinuationToken");
  token = codec::percent_encode(token.substr(0, token.size() - 1));
  EXPECT_EQ(texts(send("GET", "/bucket?list-type=2&delimiter=%2F&continuation-token=" + token), "Key"),
            "c+d e ");
  EXPECT_EQ(send("GET", "/bucket?list-type=2&continuation-token=%21").code(), "400 InvalidArgument");
  EXPECT_EQ(texts(send("GET", "/bucket?prefix=b%2F&marker=b%2F1"), "Key"), "b/2 ");
  EXPECT_EQ(texts(send("GET", "/bucket?delimiter=%2F&max-keys=2"), "NextMarker"), "b/ ");
}

TEST_F(S3ServiceTest, delete_objects_reports_each_key) {
  for (std::string key : {"a", "b", "kept"}) send("PUT", "/bucket/" + key, key);
  authoriser_.denied = {"arn:aws:s3:::bucket/kept"};
  std::string body =
      "<Delete><Object><Key>a</Key></Object><Object><Key>kept</Key></Object><Object><Key>missing</Key></"
      "Object>"
      "<Object><Key>b</Key><VersionId>v1</VersionId></Object></Delete>";
  auto reply =
      send("POST", "/bucket?delete", body, {{"content-md5", codec::base64_encode(codec::md5(body))}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(texts(reply, "Key"), "a missing kept b ");
  EXPECT_EQ(texts(reply, "Code"), "AccessDenied NotImplemented ");
  EXPECT_EQ(texts(send("GET", "/bucket"), "Key"), "b kept ");
}

TEST_F(S3ServiceTest, metadata_that_is_not_ascii_travels_in_encoded_words) {
  constexpr auto kWord = "=?UTF-8?B?w4RNw4Ra?=";
  send("PUT", "/bucket/k", "", {{"x-amz-meta-name", kWord}, {"x-amz-meta-raw", "\xc4"}});
  auto head = send("HEAD", "/bucket/k");
  EXPECT_EQ(head.header("x-amz-meta-name"), kWord);
  EXPECT_EQ(head.header("x-amz-meta-raw"), "=?UTF-8?B?w4Q=?=");
  EXPECT_EQ(store_->head("bucket", "k")->metadata.at("name"), "ÄMÄZ");
}

TEST_F(S3ServiceTest, copies) {
  send("PUT", "/bucket/from", "hello", {{"x-amz-meta-a", "1"}});
  auto copy = [&](const std::string& to, api::Headers headers) {
    headers.emplace_back("x-amz-copy-source", "/bucket/from");
    return send("PUT", "/bucket/" + to, "", headers);
  };
  auto reply = copy("to", {});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(texts(reply, "ETag"), "\"5d41402abc4b2a76b9719d911017c592\" ");
  EXPECT_EQ(send("GET", "/bucket/to").header("x-amz-meta-a"), "1");
  EXPECT_EQ(copy("from", {}).code(), "400 InvalidRequest");
  EXPECT_EQ(copy("from", {{"x-amz-metadata-directive", "REPLACE"}, {"x-amz-meta-a", "2"}}).status, 200);
  EXPECT_EQ(send("GET", "/bucket/from").header("x-amz-meta-a"), "2");
  EXPECT_EQ(copy("to", {{"x-amz-copy-source-if-none-match", "*"}}).code(), "412 PreconditionFailed");
  for (std::string bad : {"/", "bucket", "bucket/", "%zz"}) {
    EXPECT_EQ(send("PUT", "/bucket/to", "", {{"x-amz-copy-source", bad}}).code(), "400 InvalidArgument")
        << bad;
  }
  EXPECT_EQ(send("PUT", "/bucket/to", "", {{"x-amz-copy-source", "bucket/none"}}).code(), "404 NoSuchKey");
}

TEST_F(S3ServiceTest, copy_part_source_auth) {
  send("PUT", "/bucket/secret", "hello");
  authoriser_.denied = {"arn:aws:s3:::bucket/secret"};
  api::Headers source = {{"x-amz-copy-source", "bucket/secret"}};
  EXPECT_EQ(send("PUT", "/bucket/to", "", source).code(), "403 AccessDenied");
  auto id = create_upload("big");
  EXPECT_EQ(send("PUT", "/bucket/big?partNumber=1&uploadId=" + id, "", source).code(), "403 AccessDenied");
}

TEST_F(S3ServiceTest, one_copy_takes_five_gib_at_most) {
  const auto of_copies = [&](const std::string& key, const std::string& source, int32_t count) {
    const auto part = store_->head("bucket", source);
    const auto upload = store_->create_upload("bucket", key, {});
    std::vector<objects::CompletedPart> parts;
    for (int32_t i = 1; i <= count; ++i) {
      parts.push_back({i, store_->copy_part({"bucket", key, upload->id}, i, *part, {})->etag});
    }
    EXPECT_TRUE(store_->complete_upload({"bucket", key, upload->id}, parts, {}).ok());
  };
  send("PUT", "/bucket/5mib", std::string(5 << 20, 'a'));
  of_copies("160mib", "5mib", 32);
  of_copies("5gib", "160mib", 32);
  of_copies("more", "160mib", 33);
  const auto at = "/bucket/to?partNumber=1&uploadId=" + create_upload("to");
  const auto copy = [&](const std::string& to, const std::string& source, const std::string& range = "") {
    api::Headers headers = {{"x-amz-copy-source", "bucket/" + source}};
    if (!range.empty()) headers.emplace_back("x-amz-copy-source-range", range);
    return send("PUT", to, "", headers).code();
  };
  EXPECT_EQ(copy(at, "5gib"), "200");
  EXPECT_EQ(copy(at, "more"), "400 InvalidRequest");
  EXPECT_EQ(copy(at, "more", "bytes=0-5368709120"), "400 InvalidRequest");
  EXPECT_EQ(copy(at, "more", "bytes=0-9"), "200");
  EXPECT_EQ(copy("/bucket/to", "5gib"), "200");
  EXPECT_EQ(copy("/bucket/to", "more"), "400 InvalidRequest");
}

TEST_F(S3ServiceTest, multipart) {
  auto id = create_upload("big", {{"x-amz-meta-a", "1"}, {"x-amz-checksum-algorithm", "CRC32"}});
  auto at = [&](int number) {
    return "/bucket/big?partNumber=" + std::to_string(number) + "&uploadId=" + id;
  };
  auto first = send("PUT", at(1), std::string(5 << 20, 'a')).header("etag");
  send("PUT", "/bucket/source", "0123456789");
  auto copied = send("PUT", at(2), "",
                     {{"x-amz-copy-source", "bucket/source"}, {"x-amz-copy-source-range", "bytes=2-4"}});
  auto second = texts(copied, "ETag");
  second.pop_back();
  EXPECT_EQ(send("PUT", at(3), "", {{"x-amz-copy-source", "bucket/source"}, {"x-amz-copy-source-range", "2"}})
                .code(),
            "400 InvalidArgument");
  EXPECT_EQ(texts(send("GET", "/bucket/big?max-parts=1&uploadId=" + id), "NextPartNumberMarker"), "1 ");
  EXPECT_EQ(texts(send("GET", "/bucket?uploads"), "UploadId"), id + " ");
  auto done = send("POST", "/bucket/big?uploadId=" + id, complete_body({first, second}));
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_TRUE(texts(done, "ETag").ends_with("-2\" "));
  EXPECT_EQ(send("GET", "/bucket/big?partNumber=2").body, "234");
  EXPECT_EQ(send("GET", "/bucket/big?partNumber=2").header("x-amz-mp-parts-count"), "2");
  EXPECT_EQ(send("GET", "/bucket/big?partNumber=3").code(), "416 InvalidPartNumber");
  EXPECT_EQ(send("HEAD", "/bucket/big").header("content-length"), std::to_string((5 << 20) + 3));
  auto other = create_upload("other");
  EXPECT_EQ(send("DELETE", "/bucket/other?uploadId=" + other).status, 204);
  EXPECT_EQ(send("DELETE", "/bucket/other?uploadId=" + other).code(), "404 NoSuchUpload");
}

TEST_F(S3ServiceTest, pages_have_a_size) {
  for (std::string bad : {"0", "-1", "10001"}) {
    const auto refused = send("GET", "/?max-buckets=" + bad);
    EXPECT_EQ(refused.code(), "400 InvalidArgument") << bad;
    EXPECT_EQ(texts(refused, "ArgumentName") + texts(refused, "ArgumentValue"), "max-buckets " + bad + " ");
  }
  EXPECT_EQ(texts(send("GET", "/?max-buckets=1"), "Name"), "bucket ");
  const auto id = create_upload("k");
  send("PUT", "/bucket/o", "");
  for (const auto& [path, name] : std::vector<std::pair<std::string, std::string>>{
           {"/bucket?max-keys=-1", "max-keys"},
           {"/bucket?list-type=2&max-keys=-1", "max-keys"},
           {"/bucket?versions&max-keys=-1", "max-keys"},
           {"/bucket?uploads&max-uploads=-1", "max-uploads"},
           {"/bucket/k?max-parts=-1&uploadId=" + id, "max-parts"},
           {"/bucket/k?part-number-marker=-1&uploadId=" + id, "part-number-marker"}}) {
    const auto refused = send("GET", path);
    EXPECT_EQ(refused.code(), "400 InvalidArgument") << path;
    EXPECT_EQ(texts(refused, "ArgumentName") + texts(refused, "ArgumentValue"), name + " -1 ") << path;
  }
}

TEST_F(S3ServiceTest, an_upload_is_completed_again_with_the_same_answer) {
  const auto id = create_upload("k");
  const auto etag = send("PUT", "/bucket/k?partNumber=1&uploadId=" + id, "hello").header("etag");
  const auto complete = [&](const std::string& part, const std::string& bytes) {
    return send("POST", "/bucket/k?uploadId=" + id, complete_body({part}), {{"x-amz-mp-object-size", bytes}});
  };
  EXPECT_EQ(complete("\"x\"", "4").code(), "400 InvalidPart");
  EXPECT_EQ(complete(etag, "4").code(), "400 InvalidRequest");
  EXPECT_TRUE(texts(complete(etag, "4"), "Message").ends_with(": 5 "));
  const auto first = complete(etag, "5");
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(texts(complete(etag, "5"), "ETag"), texts(first, "ETag"));
}

TEST_F(S3ServiceTest, times_in_bodies_are_whole_seconds) {
  constexpr auto kThen = "2023-11-14T22:13:20.000Z ";
  for (int64_t ms : {0, 678}) {
    clock_.advance_ms(ms);
    send("DELETE", "/other");
    send("PUT", "/other");
    send("PUT", "/bucket/k", "");
    for (std::string path : {"/bucket", "/bucket?list-type=2", "/bucket?versions"})
      EXPECT_EQ(texts(send("GET", path), "LastModified"), kThen) << path;
    const auto copied = send("PUT", "/bucket/k", "",
                             {{"x-amz-copy-source", "bucket/k"}, {"x-amz-metadata-directive", "REPLACE"}});
    EXPECT_EQ(texts(copied, "LastModified"), kThen);
    EXPECT_TRUE(texts(send("GET", "/"), "CreationDate").ends_with(kThen));
    const auto id = create_upload("k");
    send("PUT", "/bucket/k?partNumber=1&uploadId=" + id, "");
    EXPECT_EQ(texts(send("GET", "/bucket/k?uploadId=" + id), "LastModified"), kThen);
    EXPECT_EQ(texts(send("GET", "/bucket?uploads"), "Initiated"), kThen);
    send("DELETE", "/bucket/k?uploadId=" + id);
  }
}

TEST_F(S3ServiceTest, parts_of_objects_are_partial_content) {
  const api::Headers mode = {{"x-amz-checksum-mode", "ENABLED"}};
  send("PUT", "/bucket/one", "12345678", {{"x-amz-checksum-crc32", "muDarw=="}});
  const auto one = send("GET", "/bucket/one?partNumber=1", "", mode);
  EXPECT_EQ(one.status, 206) << one.body;
  EXPECT_EQ(one.header("content-range"), "bytes 0-7/8");
  EXPECT_EQ(one.header("x-amz-checksum-crc32"), "muDarw==");
  EXPECT_EQ(one.header("x-amz-mp-parts-count"), "(none)");
  EXPECT_EQ(send("HEAD", "/bucket/one?partNumber=1").status, 206);
  const auto two = send("GET", "/bucket/one?partNumber=2");
  EXPECT_EQ(two.code(), "416 InvalidPartNumber");
  EXPECT_EQ(texts(two, "ActualPartCount") + texts(two, "PartNumberRequested"), "1 2 ");
  send("PUT", "/bucket/empty", "");
  EXPECT_EQ(send("GET", "/bucket/empty?partNumber=1").status, 200);
  EXPECT_EQ(send("GET", "/bucket/empty?partNumber=1").header("content-range"), "(none)");

  const auto id = create_upload("big", {{"x-amz-checksum-algorithm", "CRC32"}});
  const auto put = [&](int number, const std::string& bytes) {
    return send("PUT", "/bucket/big?partNumber=" + std::to_string(number) + "&uploadId=" + id, bytes)
        .header("etag");
  };
  const auto done = send("POST", "/bucket/big?uploadId=" + id,
                         complete_body({put(1, std::string(5 << 20, 'a')), put(2, "12345678")}));
  ASSERT_EQ(done.status, 200) << done.body;
  const auto part = send("GET", "/bucket/big?partNumber=2", "", mode);
  EXPECT_EQ(part.header("x-amz-checksum-crc32"), "muDarw==");
  EXPECT_EQ(part.header("x-amz-checksum-type"), "COMPOSITE");
  EXPECT_EQ(part.header("x-amz-mp-parts-count"), "2");
  const auto empty = create_upload("nothing");
  const auto etag = send("PUT", "/bucket/nothing?partNumber=1&uploadId=" + empty, "").header("etag");
  EXPECT_EQ(send("POST", "/bucket/nothing?uploadId=" + empty, complete_body({etag})).status, 200);
  EXPECT_EQ(send("GET", "/bucket/nothing?partNumber=1").header("content-range"), "(none)");
}

TEST_F(S3ServiceTest, a_plus_is_a_space_outside_of_paths) {
  send("PUT", "/bucket/a%20b", "space");
  send("PUT", "/bucket/a+b", "plus");
  const auto copied = [&](const std::string& source) {
    EXPECT_EQ(send("PUT", "/bucket/to", "", {{"x-amz-copy-source", source}}).status, 200);
    return send("GET", "/bucket/to").body;
  };
  EXPECT_EQ(copied("bucket/a+b"), "space");
  EXPECT_EQ(copied("bucket/a%2Bb"), "plus");
  EXPECT_EQ(texts(send("GET", "/bucket?prefix=a+"), "Key"), "a b ");
  EXPECT_EQ(texts(send("GET", "/bucket?prefix=a%2B"), "Key"), "a+b ");
}

TEST_F(S3ServiceTest, a_storage_class_is_a_change_of_a_copy_onto_itself) {
  send("PUT", "/bucket/k", "hello");
  const auto copy = [&](const std::string& storage_class) {
    return send("PUT", "/bucket/k", "",
                {{"x-amz-copy-source", "bucket/k"}, {"x-amz-storage-class", storage_class}})
        .code();
  };
  EXPECT_EQ(copy("STANDARD"), "200");
  EXPECT_EQ(copy("GLACIER"), "501 NotImplemented");
}

TEST_F(S3ServiceTest, a_marker_inside_of_a_group_passes_it) {
  for (std::string key : {"f/a/1", "f/a/2", "f/b/1", "f/c"}) send("PUT", "/bucket/" + key, "");
  const auto list = [&](const std::string& marker) {
    const auto page = send("GET", "/bucket?prefix=f/&delimiter=/&marker=" + marker);
    return texts(page, "Key") + texts(page, "Prefix");
  };
  EXPECT_EQ(list("f/a/1"), "f/c f/ f/b/ ");
  EXPECT_EQ(list("f/a/"), "f/c f/ f/b/ ");
  EXPECT_EQ(list("f/b/2"), "f/c f/ ");
  EXPECT_EQ(list("f/"), "f/c f/ f/a/ f/b/ ");
  EXPECT_EQ(list("e/a"), "f/c f/ f/a/ f/b/ ");
}

TEST_F(S3ServiceTest, a_range_of_another_state_is_the_whole) {
  const auto etag = send("PUT", "/bucket/k", "0123456789").header("etag");
  const auto get = [&](const std::string& if_range) {
    return send("GET", "/bucket/k", "", {{"range", "bytes=2-4"}, {"if-range", if_range}}).body;
  };
  EXPECT_EQ(get(etag), "234");
  EXPECT_EQ(get("\"other\""), "0123456789");
  EXPECT_EQ(get("W/" + etag), "0123456789");  // weak: says nothing of bytes
  EXPECT_EQ(get("Tue, 14 Nov 2023 22:13:20 GMT"), "234");
  EXPECT_EQ(get("Tue, 14 Nov 2023 22:13:21 GMT"), "0123456789");
  EXPECT_EQ(get("yesterday"), "0123456789");
  const auto past = send("GET", "/bucket/k", "", {{"range", "bytes=20-"}, {"if-range", "\"other\""}});
  EXPECT_EQ(past.status, 200);
}

TEST_F(S3ServiceTest, what_completes_an_upload) {
  const auto id = create_upload("a%20b/c");
  const auto at = "/bucket/a%20b/c?uploadId=" + id;
  const auto etag = send("PUT", at + "&partNumber=1", "hello").header("etag");
  EXPECT_EQ(send("POST", at).code(), "400 MalformedXML");
  const auto none = send("POST", at, "<CompleteMultipartUpload/>");
  EXPECT_EQ(none.code(), "400 InvalidRequest");
  EXPECT_EQ(texts(none, "Message"), "You must specify at least one part ");
  EXPECT_EQ(send("POST", at, complete_body({etag}), {{"if-match", "*"}}).code(), "501 NotImplemented");
  const auto done = send("POST", at, complete_body({etag}));
  EXPECT_EQ(texts(done, "Location"), "http://127.0.0.1:4566/bucket/a%20b/c ");
}

TEST_F(S3ServiceTest, write_conditions_that_s3_has_not) {
  const auto etag = send("PUT", "/bucket/k", "1").header("etag");
  const api::Headers any = {{"if-match", "*"}}, both = {{"if-match", etag}, {"if-none-match", "*"}};
  for (auto headers : {any, both}) {
    const auto put = send("PUT", "/bucket/k", "2", headers);
    EXPECT_EQ(put.code(), "501 NotImplemented");
    EXPECT_EQ(texts(put, "Header"), headers.size() == 1 ? "If-Match " : "If-None-Match ");
    headers.emplace_back("x-amz-copy-source", "bucket/k");
    EXPECT_EQ(send("PUT", "/bucket/to", "", headers).code(), "501 NotImplemented");
  }
}

TEST_F(S3ServiceTest, objects_have_no_tags) {
  send("PUT", "/bucket/k", "");
  const auto put = [&](const std::string& tags) {
    const std::string body = "<Tagging><TagSet>" + tags + "</TagSet></Tagging>";
    return send("PUT", "/bucket/k?tagging", body, {{"content-md5", codec::base64_encode(codec::md5(body))}})
        .code();
  };
  const auto none = send("GET", "/bucket/k?tagging");
  EXPECT_EQ(none.status, 200) << none.body;
  EXPECT_EQ(texts(none, "TagSet") + texts(none, "Key"), " ");
  EXPECT_EQ(put(""), "200");
  EXPECT_EQ(put("<Tag><Key>a</Key><Value>1</Value></Tag>"), "501 NotImplemented");
  EXPECT_EQ(send("DELETE", "/bucket/k?tagging").status, 204);
  EXPECT_EQ(send("GET", "/bucket/k").status, 200);
  for (std::string method : {"GET", "DELETE"})
    EXPECT_EQ(send(method, "/bucket/none?tagging").code(), "404 NoSuchKey");
}

// SDKs that read as they go (Java's first) want to know of what list the entries are.
TEST_F(S3ServiceTest, lists_say_what_they_are_before_their_entries) {
  for (std::string key : {"a", "b/1"}) send("PUT", "/bucket/" + key, "");
  const auto names = [&](const std::string& path) {
    std::vector<std::string> found;
    const auto root = codec::parse_xml(send("GET", path).body);
    if (!root.ok()) return found;
    for (const auto& child : root->children) found.push_back(child.name);
    return found;
  };
  using Names = std::vector<std::string>;
  for (const auto& [path, entry] :
       std::vector<std::pair<std::string, std::string>>{{"/bucket?delimiter=/", "Contents"},
                                                        {"/bucket?list-type=2&delimiter=/", "Contents"},
                                                        {"/bucket?versions&delimiter=/", "Version"}}) {
    const auto children = names(path);
    ASSERT_GE(children.size(), 5u) << path;
    EXPECT_EQ(Names(children.end() - 2, children.end()), (Names{entry, "CommonPrefixes"})) << path;
    EXPECT_EQ(Names(children.begin(), children.begin() + 2), (Names{"Name", "Prefix"})) << path;
  }
  EXPECT_EQ(names("/"), (Names{"Owner", "Buckets"}));
}

TEST_F(S3ServiceTest, composite_checksums_and_their_type) {
  const auto id = create_upload("k", {{"x-amz-checksum-algorithm", "CRC32"}});
  const auto at = "/bucket/k?uploadId=" + id;
  const auto etag = send("PUT", at + "&partNumber=1", "hello").header("etag");
  EXPECT_EQ(texts(send("GET", at), "ChecksumType"), "COMPOSITE ");
  EXPECT_EQ(texts(send("GET", "/bucket?uploads"), "ChecksumType"), "COMPOSITE ");
  EXPECT_EQ(send("POST", at, complete_body({etag}), {{"x-amz-checksum-type", "FULL_OBJECT"}}).code(),
            "400 InvalidRequest");
  EXPECT_EQ(send("POST", at, complete_body({etag}), {{"x-amz-checksum-type", "COMPOSITE"}}).code(), "200");
  const auto whole = send("HEAD", "/bucket/k", "", {{"x-amz-checksum-mode", "ENABLED"}});
  const auto sum = whole.header("x-amz-checksum-crc32");
  EXPECT_TRUE(sum.ends_with("-1")) << sum;
  const auto attributes = send("GET", "/bucket/k?attributes", "", {{"x-amz-object-attributes", "Checksum"}});
  EXPECT_EQ(texts(attributes, "ChecksumCRC32"), sum.substr(0, sum.size() - 2) + " ");
  const auto copied = send("PUT", "/bucket/to", "", {{"x-amz-copy-source", "bucket/k"}});
  EXPECT_EQ(texts(copied, "ChecksumType"), "COMPOSITE ");
}

TEST_F(S3ServiceTest, checksums_that_do_not_belong_together) {
  const auto id = create_upload("k", {{"x-amz-checksum-algorithm", "SHA256"}});
  const auto at = "/bucket/k?partNumber=1&uploadId=" + id;
  EXPECT_EQ(send("PUT", at, "hello", {{"x-amz-checksum-crc32", "NhCmhg=="}}).code(), "400 InvalidRequest");
  EXPECT_EQ(send("PUT", at, "hello", {{"x-amz-sdk-checksum-algorithm", "CRC32"}}).code(),
            "400 InvalidRequest");
  EXPECT_EQ(send("PUT", at, "hello").code(), "200");
  const api::Headers both = {{"x-amz-checksum-crc32", "NhCmhg=="}, {"x-amz-checksum-crc32c", "mnG7TA=="}};
  EXPECT_EQ(send("PUT", "/bucket/two", "hello", both).code(), "400 InvalidRequest");
}

TEST_F(S3ServiceTest, presigned_parameters_are_headers) {
  const std::string url =
      "/bucket/k?X-Amz-Credential=AK%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=00&";
  EXPECT_EQ(send("PUT", url + "x-amz-meta-who=me&If-None-Match=%2A", "1").status, 200);
  EXPECT_EQ(send("GET", "/bucket/k").header("x-amz-meta-who"), "me");
  EXPECT_EQ(send("PUT", url + "If-None-Match=%2A", "2").code(), "412 PreconditionFailed");
  EXPECT_EQ(send("PUT", url + "x-amz-server-side-encryption=AES256", "2").code(), "501 NotImplemented");
  EXPECT_EQ(send("PUT", url + "x-amz-meta-a=1%0D%0Ab", "2").code(), "400 InvalidArgument");
  EXPECT_EQ(send("PUT", url + "x-amz-copy-source=bucket%2Fk&x-amz-metadata-directive=REPLACE").status, 200);
  EXPECT_EQ(send("GET", "/bucket/k").header("x-amz-meta-who"), "(none)");
}

}  // namespace
}  // namespace mekong::s3
