// What a handler knows about the call besides its input.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/authoriser.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/task.h"

namespace mekong::api {

struct Timestamp {
  int64_t ms = 0;  // since the epoch, UTC
  auto operator<=>(const Timestamp&) const = default;
};

struct Document {
  std::string json;
};

// A request body as it arrives. Read by one coroutine; each read resumes on the handler pool.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next bytes, already unchunked and verified as far as that is possible; empty at the end, when the
  // whole body has been checked (hash, chunk signatures, trailer). Errors: "IncompleteBody",
  // "XAmzContentSHA256Mismatch", "SignatureDoesNotMatch", "RequestTimeout".
  virtual Task<Result<std::string>> read() = 0;
  virtual int64_t length() const = 0;  // decoded length if it was announced, else -1
  // Trailing headers (x-amz-checksum-*), lower case; complete once read() returned empty.
  virtual const std::vector<std::pair<std::string, std::string>>& trailers() const = 0;
};

// A reply body that the front pulls as fast as the client reads. Read on the handler pool.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual Result<std::string> read() = 0;  // empty at the end
  virtual int64_t length() const = 0;      // exact, or -1: sent chunked
};
using BodySourcePtr = std::unique_ptr<BodySource>;

struct Context {
  PrincipalPtr principal;
  AccountId account;  // the caller's
  Region region;
  std::string request_id;
  std::string service, operation;  // "glue", "CreateTable"
  std::string source_ip, user_agent;
  bool secure = false;  // came over TLS
  // Request headers, lower case; for the few services that define behaviour by a header outside their model.
  const std::vector<std::pair<std::string, std::string>>* headers = nullptr;

  const Authoriser* authoriser = nullptr;
  std::string action;       // the operation's IAM action
  bool authorised = false;  // set by the pipeline, or by authorise()

  Scope scope() const { return {account, region}; }
  // For operations with resource=handler: the operation's own action on `resource`.
  Status authorise(std::string_view resource, ConditionContext extra = {});
  // For a further action (dependent permissions).
  Status authorise_action(std::string_view action, std::string_view resource, ConditionContext extra = {}) const;
};

}  // namespace mekong::api
