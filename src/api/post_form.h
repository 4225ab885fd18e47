// S3's PostObject: a browser's form, taken as the PutObject that it stands for. The policy and its signature
// are checked before any byte of the file is read; what the file may weigh, while it is.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
#pragma once
#include <string>
#include <vector>

#include "api/pipeline.h"
#include "api/post_policy.h"
#include "api/types.h"
#include "codec/form_data.h"

namespace mekong::api {

// `path` at the host that the client named; the path alone where it named none.
std::string absolute_url(const std::string* host, bool secure, std::string_view path);

// POST of multipart/form-data without a query.
bool is_post_form(const RequestHead& head);

// Used by one coroutine; the references must outlive it. As a BodyReader it is the file.
class PostForm final : public BodyReader {
 public:
  PostForm(RawBody& raw, const RequestHead& head, Executor& pool);

  // Reads up to the file. Errors: "MalformedPOSTRequest", "MaxPostPreDataLengthExceeded", "InvalidArgument",
  // "IncorrectNumberOfFilesInPostRequest", "MissingContentLength", those of the wire.
  Task<Status> read_fields(std::string bucket);
  // Unsigned where it has neither a policy nor a signature.
  bool is_signed() const;
  // Views of the fields.
  iam::SignedForm signed_part() const;
  // Errors: "InvalidPolicyDocument", "AccessDenied".
  Status check_policy(int64_t now_ms);
  // The fields as PutObject's headers. Errors: "NotImplemented" with a field that asks for what is not built.
  Result<RequestHead> as_put() const;
  const std::string& bucket() const { return *field("bucket"); }
  const std::string& key() const { return *field("key"); }
  // PutObject's reply as the form wants it: success_action_status, success_action_redirect.
  Response reply(Response put) const;

  Task<Result<std::string>> read() override;
  // At most, while it is being read; exact at its end.
  int64_t length() const override { return form_.done() ? seen_bytes_ : head_.content_length; }
  const std::vector<std::pair<std::string, std::string>>& trailers() const override { return none_; }

 private:
  const std::string* field(const std::string& name) const;
  Task<Status> more();
  Status take_fields(std::string bucket);
  std::string location() const;

  RawBody& raw_;
  const RequestHead& head_;
  Executor& pool_;
  codec::FormReader form_;
  FormFields fields_;
  PostPolicy policy_;
  int64_t seen_bytes_ = 0;
  bool drained_ = false;
  std::vector<std::pair<std::string, std::string>> none_;
};

}  // namespace mekong::api
