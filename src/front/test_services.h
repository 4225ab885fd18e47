// Small services behind generated tables, for the tests of pipeline and server.
#pragma once
#include <map>
#include <string>

#include "base/memory_only.h"
#include "gen/emr_serverless/twin.h"
#include "gen/glue/twin.h"
#include "gen/s3/twin.h"
#include "gen/sts/twin.h"

namespace mekong::front {

class TestGlue final : public gen::glue::Twin {
 public:
  int calls = 0;
  std::map<std::string, gen::glue::DatabaseInput> databases;
  Result<gen::glue::CreateDatabaseResponse> create_database(
      api::Context& ctx, const gen::glue::CreateDatabaseRequest& request) override {
    if (!ctx.authorised) MEKONG_TRY(ctx.authorise("arn:aws:glue:::database/" + request.database_input.name));
    ++calls;
    databases[request.database_input.name] = request.database_input;
    return gen::glue::CreateDatabaseResponse{};
  }
  Result<gen::glue::GetDatabaseResponse> get_database(api::Context& ctx,
                                                      const gen::glue::GetDatabaseRequest& request) override {
    if (!ctx.authorised) MEKONG_TRY(ctx.authorise("arn:aws:glue:::database/" + request.name));
    auto it = databases.find(request.name);
    if (it == databases.end()) {
      return Error{"EntityNotFoundException", "Database " + request.name + " not found."};
    }
    ++calls;
    gen::glue::Database database;
    database.name = it->second.name;
    database.parameters = it->second.parameters;
    database.create_time = api::Timestamp{1'767'323'045'500};
    gen::glue::GetDatabaseResponse response;
    response.database = database;
    return response;
  }
};

class TestSts final : public gen::sts::Twin {
 public:
  bool forget = false;
  std::string tags;
  Executor* seen_on = nullptr;  // the last handler
  Result<gen::sts::GetCallerIdentityResponse> get_caller_identity(
      api::Context& ctx, const gen::sts::GetCallerIdentityRequest&) override {
    seen_on = Executor::current();
    gen::sts::GetCallerIdentityResponse response;
    response.user_id = ctx.principal->user_id;
    response.account = ctx.account.value;
    response.arn = ctx.principal->arn;
    return response;
  }
  Result<gen::sts::AssumeRoleResponse> assume_role(api::Context& ctx,
                                                   const gen::sts::AssumeRoleRequest& request) override {
    seen_on = Executor::current();
    if (!forget) MEKONG_TRY(ctx.authorise(request.role_arn));
    if (request.tags) {
      for (const auto& tag : *request.tags) tags += tag.key + "=" + tag.value + " ";
    }
    return gen::sts::AssumeRoleResponse{};
  }
};

class TestEmr final : public gen::emr_serverless::Twin {
 public:
  Result<gen::emr_serverless::StartJobRunResponse> start_job_run(
      api::Context&, const gen::emr_serverless::StartJobRunRequest& request) override {
    return gen::emr_serverless::StartJobRunResponse{request.application_id, "run", "arn"};
  }
  Result<gen::emr_serverless::GetApplicationResponse> get_application(
      api::Context&, const gen::emr_serverless::GetApplicationRequest&) override {
    return Error{"ResourceNotFoundException", "no such application"};
  }
};

class StringSource final : public api::BodySource {
 public:
  StringSource(std::string text, int64_t length) : text_(std::move(text)), length_(length) {}
  Result<std::string> read() override { return std::exchange(text_, {}); }
  int64_t length() const override { return length_; }

 private:
  std::string text_;
  int64_t length_;
};

class TestS3 final : public gen::s3::Twin {
 public:
  struct Object {
    std::string data;
    std::optional<std::map<std::string, std::string>> metadata;
  };
  std::map<std::string, Object> objects;
  bool announce_length = true;
  bool on_disk = false;  // what is asked for
  int refusals = 0;

  Task<Result<gen::s3::PutObjectOutput>> put_object(api::Context&, const gen::s3::PutObjectRequest& request,
                                                    api::BodyReader& body) override {
    std::string data;
    while (true) {
      auto piece = co_await body.read();
      if (!piece.ok()) co_return std::move(piece).error();
      if (piece->empty()) break;
      data += *piece;
    }
    gen::s3::PutObjectOutput output;
    output.e_tag = "\"" + std::to_string(data.size()) + "\"";
    objects[request.key] = {std::move(data), request.metadata};
    co_return output;
  }
  Result<gen::s3::GetObjectOutput> get_object(api::Context&,
                                              const gen::s3::GetObjectRequest& request) override {
    if (on_disk && MemoryOnly::on()) {
      ++refusals;
      return MemoryOnly::would_wait();
    }
    auto it = objects.find(request.key);
    if (it == objects.end()) return Error{"NoSuchKey", "The specified key does not exist."};
    gen::s3::GetObjectOutput output;
    auto size = static_cast<int64_t>(it->second.data.size());
    output.content_length = size;
    output.metadata = it->second.metadata;
    output.body = std::make_unique<StringSource>(it->second.data, announce_length ? size : -1);
    return output;
  }
  Result<gen::s3::ListObjectsV2Output> list_objects_v2(api::Context&,
                                                       const gen::s3::ListObjectsV2Request&) override {
    gen::s3::ListObjectsV2Output output;
    output.contents.emplace();
    for (const auto& [key, object] : objects) output.contents->emplace_back().key = key;
    return output;
  }
  Result<gen::s3::GetBucketLocationOutput> get_bucket_location(
      api::Context&, const gen::s3::GetBucketLocationRequest&) override {
    gen::s3::GetBucketLocationOutput output;
    output.location_constraint = "eu-west-1";
    return output;
  }
  Result<gen::s3::HeadObjectOutput> head_object(api::Context&,
                                                const gen::s3::HeadObjectRequest& request) override {
    gen::s3::HeadObjectOutput output;
    output.content_length = static_cast<int64_t>(objects[request.key].data.size());
    return output;
  }
  Result<gen::s3::CompleteMultipartUploadOutput> complete_multipart_upload(
      api::Context&, const gen::s3::CompleteMultipartUploadRequest& request) override {
    gen::s3::CompleteMultipartUploadOutput output;
    output.e_tag = "";
    for (const auto& part : *request.multipart_upload->parts) *output.e_tag += *part.e_tag;
    return output;
  }
};

}  // namespace mekong::front
