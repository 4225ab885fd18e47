// For tests of query services: signed calls through the real pipeline, without sockets.
#pragma once
#include <map>

#include "api/pipeline.h"
#include "base/thread_pool.h"
#include "iam/test_support.h"

namespace mekong::api {

struct QueryFixture : iam::IamFixture {
  struct Keys {
    std::string id = iam::test_key, secret = iam::test_secret, token;
  };
  using Parameters = std::map<std::string, std::string>;

  // `service`: the signing name; `binding`: bind(the service).
  void serve(std::string service, ServiceBinding binding) {
    service_ = std::move(service);
    std::vector<ServiceBinding> services;
    services.push_back(std::move(binding));
    pipeline_ = std::make_unique<Pipeline>(std::move(services), iam->authenticator(), iam->authoriser(),
                                           pool_, clock, random, null_logger(), Pipeline::Options{});
  }

  // "200 <body>" or "403 …": the status first, so that one comparison shows both.
  std::string call(const std::string& action, Parameters parameters, const Keys& keys) {
    parameters["Action"] = action;
    parameters["Version"] = service_ == "iam" ? "2010-05-08" : "2011-06-15";
    std::string body;
    for (const auto& [name, value] : parameters) {
      body += (body.empty() ? "" : "&") + codec::percent_encode(name) + "=" + codec::percent_encode(value);
    }
    const std::string date = codec::format_amz_date(clock.wall_ms());
    RequestHead head{.method = "POST", .raw_path = "/", .content_length = static_cast<int64_t>(body.size())};
    head.headers = {{"host", "localhost"},
                    {"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
                    {"x-amz-date", date}};
    std::string names = "host;x-amz-date", lines = "host:localhost\nx-amz-date:" + date + "\n";
    if (!keys.token.empty()) {
      head.headers.emplace_back("x-amz-security-token", keys.token);
      names += ";x-amz-security-token";
      lines += "x-amz-security-token:" + keys.token + "\n";
    }
    const std::string scope = date.substr(0, 8) + "/us-east-1/" + service_ + "/aws4_request";
    const std::string canonical =
        "POST\n/\n\n" + lines + "\n" + names + "\n" + codec::hex_encode(codec::sha256(body));
    head.headers.emplace_back(
        "authorization", "AWS4-HMAC-SHA256 Credential=" + keys.id + "/" + scope + ", SignedHeaders=" + names +
                             ", Signature=" + iam::sign(keys.secret, date, scope, canonical));
    OneBody raw(body);
    auto response = sync_wait(pipeline_->handle(head, raw));
    return std::to_string(response.status) + " " + response.body;
  }
  std::string call(const std::string& action, Parameters parameters) {
    return call(action, std::move(parameters), Keys{});
  }
  // The text of the first element of that name.
  static std::string element(const std::string& xml, const std::string& name) {
    const size_t begin = xml.find("<" + name + ">");
    if (begin == std::string::npos) return "";
    const size_t from = begin + name.size() + 2;
    return xml.substr(from, xml.find("</" + name + ">", from) - from);
  }

 private:
  class OneBody final : public RawBody {
   public:
    explicit OneBody(std::string body) : body_(std::move(body)) {}
    Task<Result<std::string>> read() override { co_return std::exchange(body_, {}); }

   private:
    std::string body_;
  };

  ThreadPool pool_{"test", 1};
  std::string service_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace mekong::api
