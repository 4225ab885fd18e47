#include "api/post_form.h"

#include <algorithm>

#include "codec/text.h"
#include "codec/xml.h"

namespace mekong::api {
namespace {

constexpr size_t fields_bytes_max = 20 << 10;
constexpr std::string_view filename_variable = "${filename}";

Error invalid_argument(std::string message, const std::string& name) {
  return {"InvalidArgument", std::move(message), 400, {{"ArgumentName", name}, {"ArgumentValue", ""}}};
}

// Fields that are a header of PutObject by another name or by their own. Others that are not S3's are the
// author's own business.
constexpr std::string_view plain_headers[] = {
    "cache-control", "content-disposition", "content-encoding", "content-type", "expires", "content-md5"};
constexpr std::string_view amz_headers[] = {"x-amz-storage-class", "x-amz-website-redirect-location",
                                            "x-amz-sdk-checksum-algorithm", "x-amz-checksum-algorithm"};
constexpr std::string_view amz_families[] = {"x-amz-meta-", "x-amz-checksum-", "x-amz-server-side-encryption",
                                             "x-amz-object-lock-"};
constexpr std::string_view amz_form[] = {"x-amz-algorithm", "x-amz-credential", "x-amz-date",
                                         "x-amz-security-token", "x-amz-signature"};

template <class List>
bool holds(const List& list, std::string_view name) {
  return std::ranges::find(list, name) != std::end(list);
}

bool is_header(std::string_view name) {
  return holds(plain_headers, name) || holds(amz_headers, name) ||
         std::ranges::any_of(amz_families, [&](auto family) { return name.starts_with(family); });
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; });
}

bool is_url(std::string_view text) {
  return (text.starts_with("http://") || text.starts_with("https://")) && !has_control(text) &&
         text.find(' ') == std::string_view::npos;
}

// Of a whole path only its last name.
std::string base_name(const std::string& filename) {
  return filename.substr(filename.find_last_of("/\\") + 1);  // npos + 1: all of it
}

}  // namespace

std::string absolute_url(const std::string* host, bool secure, std::string_view path) {
  if (host == nullptr) return std::string(path);
  return (secure ? "https://" : "http://") + *host + std::string(path);
}

bool is_post_form(const RequestHead& head) {
  const auto* type = find_header(head.headers, "content-type");
  return head.method == "POST" && head.raw_query.empty() && type != nullptr &&
         codec::form_boundary(*type).has_value();
}

PostForm::PostForm(RawBody& raw, const RequestHead& head, Executor& pool)
    : raw_(raw),
      head_(head),
      pool_(pool),
      form_(codec::form_boundary(*find_header(head.headers, "content-type")).value_or(""), fields_bytes_max) {
}

const std::string* PostForm::field(const std::string& name) const {
  const auto at = fields_.find(name);
  return at == fields_.end() ? nullptr : &at->second;
}

// At least one more piece of the wire; at its end the form must have ended.
Task<Status> PostForm::more() {
  auto piece = co_await raw_.read();
  if (!piece.ok()) co_return std::move(piece).error();
  drained_ = piece->empty();
  if (drained_ && !form_.done())
    co_return Error{"MalformedPOSTRequest",
                    "The body of your POST request is not well-formed multipart/form-data.", 400};
  co_return form_.add(*piece);
}

Task<Status> PostForm::read_fields(std::string bucket) {
  if (head_.content_length < 0)
    co_return Error{"MissingContentLength", "You must provide the Content-Length HTTP header.", 411};
  while (!form_.at_file()) {
    auto task = more();
    auto got = co_await task;
    MEKONG_CO_TRY(std::move(got));
  }
  co_return take_fields(std::move(bucket));
}

Status PostForm::take_fields(std::string bucket) {
  fields_["bucket"] = std::move(bucket);
  for (const auto& [name, value] : form_.fields()) {
    const std::string lower = codec::lower_case(name);
    if (lower == "bucket") continue;  // the path says it
    if (!fields_.emplace(lower, value).second)
      return invalid_argument("The field '" + name + "' came twice.", name);
  }
  const std::string* key = field("key");
  if (key == nullptr || key->empty())
    return invalid_argument(
        "Bucket POST must contain a field named 'key'. If it is specified, please check the order of the "
        "fields.",
        "key");
  if (!form_.has_file())
    return Error{"IncorrectNumberOfFilesInPostRequest", "POST requires exactly one file upload per request.",
                 400};
  if (const size_t at = key->find(filename_variable); at != std::string::npos)
    fields_["key"].replace(at, filename_variable.size(), base_name(form_.filename()));
  return ok();
}

bool PostForm::is_signed() const {
  return std::ranges::any_of(fields_, [](const auto& one) {
    return one.first == "policy" || holds(amz_form, one.first) || one.first == "signature" ||
           one.first == "awsaccesskeyid";
  });
}

iam::SignedForm PostForm::signed_part() const {
  const auto text = [this](const char* name) {
    const std::string* value = field(name);
    return value == nullptr ? std::string_view() : std::string_view(*value);
  };
  return {text("policy"),     text("x-amz-algorithm"),      text("x-amz-credential"),
          text("x-amz-date"), text("x-amz-security-token"), text("x-amz-signature")};
}

Status PostForm::check_policy(int64_t now_ms) {
  const std::string* encoded = field("policy");
  if (encoded == nullptr) return Error{"AccessDenied", "Access Denied", 403};
  const auto json = codec::base64_decode(*encoded);
  if (!json) return Error{"InvalidPolicyDocument", "Invalid Policy: Invalid Base64.", 400};
  MEKONG_TRY_ASSIGN(policy_, parse_post_policy(*json));
  return check_post_policy(policy_, fields_, now_ms);
}

Result<RequestHead> PostForm::as_put() const {
  RequestHead put{.method = "PUT",
                  .raw_path = head_.raw_path,
                  .raw_query = "",
                  .headers = {},
                  .content_length = head_.content_length,
                  .source_ip = head_.source_ip,
                  .secure = head_.secure,
                  .tls_version = head_.tls_version};
  for (const char* name : {"host", "user-agent", "referer"}) {
    if (const auto* value = find_header(head_.headers, name)) put.headers.emplace_back(name, *value);
  }
  for (const auto& [name, value] : fields_) {
    const bool s3s = name.starts_with("x-amz-") || name == "tagging";
    if (!is_header(name) && name != "acl") {
      if (s3s && !holds(amz_form, name))
        return Error{"NotImplemented", "The form field " + name + " is not implemented", 501};
      continue;
    }
    if (has_control(value)) return invalid_argument("The field '" + name + "' is no header.", name);
    put.headers.emplace_back(name == "acl" ? "x-amz-acl" : name, value);
  }
  return put;
}

Task<Result<std::string>> PostForm::read() {
  while (!drained_) {
    std::string piece = form_.take_file();
    seen_bytes_ += static_cast<int64_t>(piece.size());
    if (seen_bytes_ > policy_.bytes_max)
      co_return Error{"EntityTooLarge",
                      "Your proposed upload exceeds the maximum allowed size",
                      400,
                      {{"ProposedSize", std::to_string(seen_bytes_)},
                       {"MaxSizeAllowed", std::to_string(policy_.bytes_max)}}};
    if (!piece.empty()) co_return piece;
    auto task = more();
    auto got = co_await task;
    co_await resume_on(pool_);
    MEKONG_CO_TRY(std::move(got));
  }
  if (seen_bytes_ < policy_.bytes_min)
    co_return Error{"EntityTooSmall",
                    "Your proposed upload is smaller than the minimum allowed size",
                    400,
                    {{"ProposedSize", std::to_string(seen_bytes_)},
                     {"MinSizeAllowed", std::to_string(policy_.bytes_min)}}};
  co_return std::string();
}

std::string PostForm::location() const {
  std::string path = head_.raw_path;
  if (!path.ends_with('/')) path += '/';
  return absolute_url(find_header(head_.headers, "host"), head_.secure,
                      path + codec::percent_encode(key(), true));
}

Response PostForm::reply(Response put) const {
  std::erase_if(put.headers, [](const auto& header) {
    return header.first == "Content-Type" || header.first == "Content-Length";
  });
  const auto* etag_header = find_header(put.headers, "ETag");
  const std::string etag = etag_header == nullptr ? "" : *etag_header;
  const std::string* redirect = field("success_action_redirect");
  if (redirect == nullptr) redirect = field("redirect");
  if (redirect != nullptr && is_url(*redirect)) {
    put.status = 303;
    put.headers.emplace_back("Location", *redirect + (redirect->find('?') == std::string::npos ? "?" : "&") +
                                             "bucket=" + codec::percent_encode(bucket()) +
                                             "&key=" + codec::percent_encode(key()) +
                                             "&etag=" + codec::percent_encode(etag));
    return put;
  }
  put.headers.emplace_back("Location", location());
  const std::string* status = field("success_action_status");
  put.status = status != nullptr && *status == "200"   ? 200
               : status != nullptr && *status == "201" ? 201
                                                       : 204;
  if (put.status != 201) return put;
  put.headers.emplace_back("Content-Type", "application/xml");
  codec::XmlWriter xml(put.body);
  xml.declaration();
  xml.begin("PostResponse");
  xml.element("Location", location());
  xml.element("Bucket", bucket());
  xml.element("Key", key());
  xml.element("ETag", etag);
  xml.end();
  return put;
}

}  // namespace mekong::api
