#include "api/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>

#include "api/body.h"
#include "api/call.h"
#include "api/post_form.h"
#include "api/presigned.h"
#include "api/telemetry.h"
#include "api/whole_body.h"
#include "base/memory_only.h"
#include "codec/gzip.h"
#include "codec/text.h"

namespace mekong::api {

const std::string* find_header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (codec::equal_no_case(key, name)) return &value;
  }
  return nullptr;
}

struct Pipeline::Parts {
  mutable Telemetry telemetry;
  std::vector<ServiceBinding> services;
  std::vector<RestRouter> routers;  // by index of services
  const iam::Authenticator& authenticator;
  const Authoriser& authoriser;
  Executor& pool;
  const os::Clock& clock;
  os::Random& random;
  Logger& logger;
  Options options;
  Validator validator;
  struct Name {
    std::string_view text;
    bool shared = false;  // with another service
  };
  std::vector<Name> signing_names;  // by index of services
  mutable StrangersMemory strangers_memory{options.strangers_max_bytes};

  Status find_service(Call& call) const;
  Status authenticate(Call& call, std::string_view body_sha256) const;
  Task<Result<Response>> run(Call& call, RawBody& raw) const;
  Task<Result<Response>> run_form(Call& call, RawBody& raw) const;
  Task<Result<Response>> invoke(Call& call, const Value& input, BodyReader& body) const;
  bool stays(const Call& call) const;
  Task<Result<Value>> call_with_whole(Call& call, const Value& input, BodyReader& body) const;
  Result<Response> look(Call& call, const Value& input) const;
  Result<Response> encode(Call& call, Result<Value> output) const;
  Result<Value> call_inside(Call& call, const Operation& operation, const void* input) const;
  Response finish(const Call& call, Response response) const;
  Response fail(Call& call, Error error) const;
  void tell(const Call& call, Response& response, int64_t started_ns) const;
};

namespace {

constexpr int64_t small_body_bytes = 64 << 10;
constexpr size_t stranger_body_bytes = 128 << 10;  // of requests that nobody signed

bool signed_request(const Call& call) {
  if (find_header(call.head.headers, "authorization") != nullptr) return true;
  return std::any_of(call.query.begin(), call.query.end(), [](const auto& pair) {
    return pair.first == "X-Amz-Signature" || pair.first == "Signature";
  });
}

iam::SignedRequest signed_part(const RequestHead& head) {
  return {head.method, head.raw_path, head.raw_query, head.headers};
}

// S3 itself, whose host names may hold a bucket: not all that speaks rest-xml.
bool serves_buckets(const Call& call) {
  return call.protocol == Protocol::rest_xml && std::string_view(call.table().endpoint_prefix) == "s3";
}

bool any_anonymous(const ServiceBinding& service) {
  return std::any_of(service.operations.begin(), service.operations.end(),
                     [](const auto& binding) { return binding.operation->anonymous; });
}

// Of an unsigned request: a form is for the service with unsigned actions, everything else could only be S3.
bool claims_unsigned(const ServiceBinding& service, const RequestHead& head) {
  const auto* type = find_header(head.headers, "content-type");
  bool form = type != nullptr && type->starts_with("application/x-www-form-urlencoded");
  if (service.table->protocol == Protocol::query) return form && any_anonymous(service);
  return service.table->protocol == Protocol::rest_xml && !form;
}

// How well a request fits a service; negative: not at all. The credential's scope is the client's word and
// decides; services that share a signing name (ses, sesv2; s3, s3control) are told apart by the headers that
// their routes ask for, by target, host and path.
int fit(const ServiceBinding& service, const RestRouter& router, const Call& call, std::string_view scope) {
  const auto& table = *service.table;
  const auto* target = find_header(call.head.headers, "x-amz-target");
  const bool targeted = target != nullptr && *table.target_prefix != 0 &&
                        target->starts_with(std::string(table.target_prefix) + ".");
  const bool named = *table.endpoint_prefix != 0 && service_label(call.head) == table.endpoint_prefix;
  const bool chosen = !scope.empty()      ? scope == table.signing_name
                      : target != nullptr ? targeted
                                          : named || claims_unsigned(service, call.head);
  if (!chosen) return -1;
  const auto route = router.match(call.head.method, call.head.raw_path, call.query, call.head.headers);
  return (route && route->by_header ? 16 : 0) + (targeted ? 8 : 0) + (named ? 4 : 0) + (route ? 2 : 0);
}

void stream_events(const Call& call, void* output, Response& response) {
  const auto& operation = *call.operation->operation;
  auto initial = initial_response(call.protocol, operation, output);
  std::erase_if(response.headers, [](const auto& header) { return header.first == "Content-Type"; });
  response.headers.emplace_back("Content-Type", "application/vnd.amazon.eventstream");
  response.stream =
      event_body(call.protocol, operation, call.operation->take_events(output), std::move(initial));
}

bool is_nobody(const iam::Authentication& auth) {
  return auth.principal == nullptr || auth.principal->kind == PrincipalKind::anonymous;
}

// Signed frames around the body of an operation that takes no events are the client's mistake: the bytes
// inside of them are not what it was asked for.
Status refuse_stray_events(const Call& call) {
  if (call.auth.body != iam::BodySignature::signed_events) return {};
  if (call.operation->operation->event_input != nullptr) return {};
  return Error{"InvalidRequest",
               "STREAMING-AWS4-HMAC-SHA256-EVENTS is not a value of x-amz-content-sha256 for " +
                   call.operation_name + ", which takes no events."};
}

// What is called. What nobody signed and the service that takes unsigned requests does not know may have been
// meant for any other: it is told to sign.
Status find_called(Call& call, std::string_view target, const std::string& raw_path, std::string_view body) {
  auto found = find_operation(call, target, raw_path, body);
  if (found.ok()) found = bind_operation(call);
  if (found.ok()) return found;
  if (!is_nobody(call.auth) || found.error().code == "NotImplemented") return found;
  return Error{"MissingAuthenticationToken", "Missing Authentication Token"};
}

// "gzip", also as the last of several codings; what stands before it is the sender's own business.
bool is_gzip(const Headers& headers) {
  const auto* coding = find_header(headers, "content-encoding");
  if (coding == nullptr) return false;
  const auto comma = coding->rfind(',');
  const auto last =
      comma == std::string::npos ? std::string_view(*coding) : std::string_view(*coding).substr(comma + 1);
  return codec::equal_no_case(codec::trim(last), "gzip");
}

// A body that was read whole, unpacked where it is compressed (the signature covers it packed).
Status unpack(const Headers& headers, size_t max_bytes, std::string& body) {
  if (body.empty() || !is_gzip(headers)) return {};
  auto unpacked = codec::gunzip(body, max_bytes);
  if (unpacked.ok()) {
    body = std::move(*unpacked);
    return {};
  }
  if (unpacked.error().code == "TooLarge")
    return Error{"RequestEntityTooLarge", "The request body is too large once it is unpacked.", 413};
  return Error{"SerializationException", "The request body is not gzip, as Content-Encoding says."};
}

// A small body is read where its handler ran, and goes out with the head. What cannot be read at all is left
// for the stream to fail with, as a large one would.
Status take_small_body(Response& response) {
  if (!response.stream || response.stream->length() < 0 || response.stream->length() > small_body_bytes)
    return {};
  const auto length = static_cast<size_t>(response.stream->length());
  std::string whole;
  while (whole.size() < length) {
    auto piece = response.stream->read();
    if (!piece.ok() && whole.empty() && piece.error().code != MemoryOnly::code) return {};
    if (!piece.ok()) return std::move(piece).error();
    if (piece->empty()) return Error{"InternalFailure", "The body ended before its end."};
    whole.empty() ? void(whole = std::move(*piece)) : void(whole += *piece);
  }
  response.body = std::move(whole);
  response.stream.reset();
  return {};
}

}  // namespace

Status Pipeline::Parts::find_service(Call& call) const {
  const auto wanted = scope_service(call.head, call.query);
  const auto choose = [&](size_t i) {
    call.service = &services[i];
    call.router = &routers[i];
  };
  size_t of_that_name = 0;
  for (size_t i = 0; i < services.size() && !wanted.empty(); ++i) {
    if (wanted != signing_names[i].text) continue;
    if (signing_names[i].shared && !routers[i].reaches(call.head.raw_path)) continue;
    ++of_that_name;
    choose(i);
  }
  // One that alone has the scope's name needs no further look.
  int best = -1;
  for (size_t i = 0; i < services.size() && of_that_name != 1; ++i) {
    const int own = fit(services[i], routers[i], call, wanted);
    if (own <= best) continue;
    best = own;
    choose(i);
  }
  if (call.service != nullptr) {
    call.protocol = spoken(call.table(), call.head.headers);
    return {};
  }
  if (wanted.empty()) return Error{"MissingAuthenticationToken", "Missing Authentication Token", 403};
  return Error{"NotImplemented", "The service '" + wanted + "' is not implemented by this server.", 501};
}

Status Pipeline::Parts::authenticate(Call& call, std::string_view body_sha256) const {
  bool anonymous = !signed_request(call) && any_anonymous(*call.service);
  auto request = signed_part(call.received);
  request.body_sha256 = body_sha256;
  auto auth = authenticator.authenticate(request, anonymous);
  if (!auth.ok()) return std::move(auth).error();
  call.auth = std::move(auth).value();
  if (call.auth.service.empty() || call.auth.service == call.table().signing_name) return {};
  return Error{"SignatureDoesNotMatch", std::string("Credential should be scoped to correct service: '") +
                                            call.table().signing_name + "'."};
}

Result<Response> Pipeline::Parts::encode(Call& call, Result<Value> output) const {
  const auto& binding = *call.operation;
  if (!output.ok()) return std::move(output).error();
  if (!call.context.authorised) {
    logger.error("api", "handler did not authorise", {{"operation", call.operation_name}});
    return Error{"InternalFailure", "The request was not authorised by its handler."};
  }
  auto response =
      encode_output(call.protocol, call.table(), *binding.operation, output->get(), call.request_id);
  if (binding.take_body != nullptr) {
    response.stream = binding.take_body(output->get());
    MEKONG_TRY(take_small_body(response));
  }
  if (binding.take_events != nullptr) stream_events(call, output->get(), response);
  return response;
}

// The whole of it here, as far as it waits for nothing; else WouldWait.
Result<Response> Pipeline::Parts::look(Call& call, const Value& input) const {
  const MemoryOnly scope;
  return encode(call, call.operation->call(call.service->service, call.context, input.get()));
}

// Whether a streaming operation's small body is read first, and handled where the request arrived. Not of
// clients that wait to be told that it is wanted, nor of nobody, whose bytes are not kept.
bool Pipeline::Parts::stays(const Call& call) const {
  return call.operation->call_streaming != nullptr && call.operation->operation->never_waits &&
         &call.home != &pool && !is_nobody(call.auth) && find_header(call.head.headers, "expect") == nullptr;
}

Task<Result<Value>> Pipeline::Parts::call_with_whole(Call& call, const Value& input, BodyReader& body) const {
  const auto& binding = *call.operation;
  auto all = co_await read_all(body, small_body_bytes);
  co_await resume_on(call.home);
  if (!all.ok()) co_return std::move(all).error();
  WholeBody whole(std::move(*all), body);
  auto here =
      binding.call_streaming(call.service->service, call.context, *binding.operation, input.get(), whole);
  auto output = co_await here;
  if (output.ok() || output.error().code != MemoryOnly::code) co_return output;
  co_await resume_on(pool);
  whole.let_wait();
  auto again =
      binding.call_streaming(call.service->service, call.context, *binding.operation, input.get(), whole);
  output = co_await again;
  co_return output;
}

Task<Result<Response>> Pipeline::Parts::invoke(Call& call, const Value& input, BodyReader& body) const {
  const auto& binding = *call.operation;
  call.context.operation = binding.operation->name;
  MEKONG_CO_TRY(authorise(call, input.get()));
  if (stays(call)) {
    auto task = call_with_whole(call, input, body);
    auto output = co_await task;
    co_return encode(call, std::move(output));
  }
  if (binding.operation->never_waits && binding.call != nullptr) {
    auto response = look(call, input);
    if (response.ok() || response.error().code != MemoryOnly::code) co_return response;
  }
  co_await resume_on(pool);
  if (binding.call_streaming == nullptr) {
    co_return encode(call, binding.call(call.service->service, call.context, input.get()));
  }
  auto task =
      binding.call_streaming(call.service->service, call.context, *binding.operation, input.get(), body);
  auto output = co_await task;
  co_await resume_on(pool);
  co_return encode(call, std::move(output));
}

Task<Result<Response>> Pipeline::Parts::run(Call& call, RawBody& raw) const {
  auto query = codec::parse_query(call.head.raw_query, true);
  if (!query) co_return Error{"InvalidRequest", "The query string is not properly encoded."};
  call.query = std::move(*query);
  MEKONG_CO_TRY(find_service(call));
  MEKONG_CO_TRY(refuse_old_signatures(call));
  if (serves_buckets(call) && is_post_form(call.head)) {
    auto form = run_form(call, raw);
    co_return co_await form;
  }
  HeldBody held(raw, strangers_memory);
  std::string body_sha256;
  if (iam::body_needed_first(signed_part(call.received))) {
    auto all = co_await held.hold(options.body_max_bytes);
    co_await resume_on(call.home);
    if (!all.ok()) co_return std::move(all).error();
    body_sha256 = std::move(*all);
  }
  MEKONG_CO_TRY(authenticate(call, body_sha256));
  MEKONG_CO_TRY(call.amended);
  held.caller_known();
  const bool from_body = call.protocol == Protocol::query || call.protocol == Protocol::ec2;
  const auto* target = find_header(call.head.headers, "x-amz-target");
  auto raw_path = serves_buckets(call) ? path_style(call.head, options.bucket_domains) : call.head.raw_path;
  if (!from_body) {
    MEKONG_CO_TRY(find_called(call, target == nullptr ? "" : *target, raw_path, ""));
    MEKONG_CO_TRY(refuse_stray_events(call));
  }
  const bool streaming = !from_body && call.operation->call_streaming != nullptr;
  CheckedBody body(held, call.head, call.auth, streaming && !stays(call) ? pool : call.home);
  std::string whole;
  const bool unknown = is_nobody(call.auth);
  if (!unknown) held.read_ahead();
  if (!streaming) {
    if (unknown) held.kept_by_reader();
    auto all = co_await read_all(body, unknown ? stranger_body_bytes : options.body_max_bytes);
    if (!all.ok()) co_return std::move(all).error();
    whole = std::move(*all);
    if (call.protocol == Protocol::rest_xml &&
        (call.operation->operation->checksum_required || !body.trailers().empty()))
      MEKONG_CO_TRY(check_sums(call.head.headers, body.trailers(), whole));
    MEKONG_CO_TRY(unpack(call.head.headers, options.body_max_bytes, whole));
  }
  if (from_body) {
    MEKONG_CO_TRY(find_called(call, "", raw_path, whole));
    MEKONG_CO_TRY(refuse_stray_events(call));
  }
  if (unknown && !call.operation->operation->anonymous) {
    co_return Error{"MissingAuthenticationToken", "Missing Authentication Token"};
  }
  fill_context(call, authoriser, clock.wall_ms());
  auto input = decode(call, validator, whole);
  if (!input.ok()) co_return std::move(input).error();
  auto response = co_await invoke(call, *input, body);
  co_return response;
}

// A form is PutObject by another way: its own signature and policy, then as any other.
Task<Result<Response>> Pipeline::Parts::run_form(Call& call, RawBody& raw) const {
  call.operation_name = "PutObject";
  MEKONG_CO_TRY(bind_operation(call));
  auto path = path_style(call.head, options.bucket_domains);
  auto bucket = codec::percent_decode(std::string_view(path).substr(1, path.find_last_not_of('/')));
  if (!bucket || bucket->empty() || bucket->find('/') != std::string::npos)
    co_return Error{"MethodNotAllowed", "The specified method is not allowed against this resource.", 405};
  if (signed_request(call))
    co_return Error{"InvalidArgument", "Only one auth mechanism allowed: the form's or the request's.", 400};
  HeldBody held(raw, strangers_memory);
  held.kept_by_reader();
  PostForm form(held, call.head, pool);
  auto read = form.read_fields(std::move(*bucket));
  auto fields = co_await read;
  co_await resume_on(call.home);
  MEKONG_CO_TRY(std::move(fields));
  if (form.is_signed()) {
    MEKONG_CO_TRY_ASSIGN(call.auth, authenticator.authenticate_form(form.signed_part()));
    if (call.auth.service != call.table().signing_name)
      co_return Error{"SignatureDoesNotMatch", "Credential should be scoped to the service 's3'.", 403};
    MEKONG_CO_TRY(form.check_policy(clock.wall_ms()));
  } else {
    call.auth.principal = std::make_shared<Principal>();
  }
  held.caller_known();
  MEKONG_CO_TRY_ASSIGN(const RequestHead head, form.as_put());
  Call put{.head = head, .home = call.home, .request_id = call.request_id};
  put.protocol = call.protocol;
  put.service = call.service;
  put.operation = call.operation;
  put.operation_name = call.operation_name;
  put.labels = {{"Bucket", form.bucket()}, {"Key", form.key()}};
  put.auth = call.auth;
  fill_context(put, authoriser, clock.wall_ms());
  auto input = decode(put, validator, "");
  if (!input.ok()) co_return std::move(input).error();
  auto invoked = invoke(put, *input, form);
  auto response = co_await invoked;
  call.context.denial_message = put.context.denial_message;
  if (!response.ok()) co_return response;
  co_return form.reply(std::move(*response));
}

Response Pipeline::Parts::finish(const Call& call, Response response) const {
  bool s3 = call.service != nullptr && call.table().protocol == Protocol::rest_xml;
  response.headers.emplace_back(s3 ? "x-amz-request-id" : "x-amzn-RequestId", call.request_id);
  if (s3) response.headers.emplace_back("x-amz-id-2", call.request_id);
  return response;
}

Response Pipeline::Parts::fail(Call& call, Error error) const {
  const auto target = call.error_target();
  auto told = outward(error);
  if (told.code != error.code || error.code == "InternalFailure") {
    logger.error("api", "internal failure",
                 {{"operation", call.operation_name},
                  {"request_id", call.request_id},
                  {"code", error.code},
                  {"reason", error.message}});
  }
  error = std::move(told);
  call.error_code = wire_code(target, error.code);
  const bool denied = !call.context.denial_message.empty() && error.code.starts_with("AccessDenied");
  if (denied) {
    logger.info(
        "api", "denied",
        {{"request_id", call.request_id}, {"operation", call.operation_name}, {"why", error.message}});
  }
  auto response = error_response(target, std::move(error), call.request_id);
  if (denied) response.headers.emplace_back("x-mekong-authorization-message", call.context.denial_message);
  return response;
}

// Counts the request, and logs it where that is wanted.
void Pipeline::Parts::tell(const Call& call, Response& response, int64_t started_ns) const {
  const int64_t duration_ns = clock.monotonic_ns() - started_ns;
  const ServiceTable* table = call.service == nullptr ? nullptr : call.service->table;
  const Operation* operation = call.operation == nullptr ? nullptr : call.operation->operation;
  telemetry.record({table, operation, call.error_code, duration_ns,
                    std::max<int64_t>(0, call.head.content_length),
                    static_cast<int64_t>(response.body.size())});
  if (response.stream != nullptr)
    response.stream = telemetry.counted(std::move(response.stream), table, operation);
  const bool slow = options.slow_request_ms > 0 && duration_ns >= options.slow_request_ms * 1'000'000;
  if (!slow && !options.access_log) return;
  logger.write(slow ? Level::warn : Level::info, "api", slow ? "slow request" : "request",
               {{"request_id", call.request_id},
                {"service", table == nullptr ? "" : table->name},
                {"operation", call.operation_name},
                {"status", std::to_string(response.status)},
                {"code", call.error_code},
                {"caller", call.auth.principal == nullptr ? "" : call.auth.principal->arn},
                {"source", call.head.source_ip},
                {"ms", fmt::format("{:.1f}", static_cast<double>(duration_ns) / 1e6)}});
}

Pipeline::Pipeline(std::vector<ServiceBinding> services, const iam::Authenticator& authenticator,
                   const Authoriser& authoriser, Executor& pool, const os::Clock& clock, os::Random& random,
                   Logger& logger, Options options)
    : parts_(new Parts{Telemetry(services),
                       std::move(services),
                       {},
                       authenticator,
                       authoriser,
                       pool,
                       clock,
                       random,
                       logger,
                       std::move(options),
                       {},
                       {}}) {
  std::map<std::string_view, int> times;
  for (const auto& service : parts_->services) ++times[service.table->signing_name];
  for (const auto& service : parts_->services) {
    parts_->routers.emplace_back(*service.table);
    const std::string_view name = service.table->signing_name;
    parts_->signing_names.push_back({name, times[name] > 1});
  }
}

Pipeline::~Pipeline() = default;

Result<Value> Pipeline::Parts::call_inside(Call& call, const Operation& operation, const void* input) const {
  for (const auto& binding : call.service->operations) {
    if (binding.operation == &operation) call.operation = &binding;
  }
  call.operation_name = operation.name;
  if (call.operation == nullptr || call.operation->call == nullptr)
    return Error{"NotImplemented", std::string(operation.name) + " cannot be called inside of the server",
                 501};
  fill_context(call, authoriser, clock.wall_ms());
  call.context.operation = operation.name;
  Violations violations;
  if (call.table().protocol != Protocol::rest_xml) validator.check(*operation.input, input, violations);
  if (!violations.empty())
    return validation_error(call.table().protocol, call.table(), operation, violations);
  MEKONG_TRY(authorise(call, input));
  auto output = call.operation->call(call.service->service, call.context, input);
  if (output.ok() && !call.context.authorised)
    return Error{"InternalFailure", "The request was not authorised by its handler."};
  return output;
}

Result<Value> Pipeline::call(const CallFrom& from, const ServiceTable& table, const Operation& operation,
                             const void* input) const {
  const Parts& parts = *parts_;
  const int64_t started_ns = parts.clock.monotonic_ns();
  RequestHead head;
  head.source_ip = from.source_ip;
  head.secure = from.secure;
  head.headers = {{"user-agent", from.user_agent}};
  Call call{.head = head, .home = parts.pool, .request_id = parts.random.uuid()};
  call.auth.principal = from.principal;
  call.auth.region = from.region;
  call.via = from.via;
  for (const auto& service : parts.services) {
    if (service.table == &table) call.service = &service;
  }
  if (call.service == nullptr)
    return Error{"NotImplemented", std::string(table.name) + " is not served here", 501};
  auto output = parts.call_inside(call, operation, input);
  parts.telemetry.record({&table, &operation, output.ok() ? std::string_view() : output.error().code,
                          parts.clock.monotonic_ns() - started_ns, 0, 0});
  return output;
}

std::string Pipeline::idempotency_token() const {
  return parts_->random.uuid();
}

const Telemetry& Pipeline::telemetry() const {
  return parts_->telemetry;
}

Task<Response> Pipeline::handle(const RequestHead& head, RawBody& body) const {
  const Parts& parts = *parts_;
  // What is small is read and decided where it arrived; a handler that may wait goes to the pool.
  Executor* here = Executor::current();
  const bool small = here != nullptr && head.content_length >= 0 && head.content_length <= small_body_bytes;
  Executor& home = small ? *here : parts.pool;
  co_await resume_on(home);
  auto amended = with_headers_of_query(head);
  const RequestHead& meant = amended.ok() && *amended ? **amended : head;
  Call call{.head = meant, .home = home, .received = head, .amended = {}, .request_id = parts.random.uuid()};
  if (!amended.ok()) call.amended = std::move(amended).error();
  const int64_t started_ns = parts.clock.monotonic_ns();
  Result<Response> response = Error{};
  try {
    response = co_await parts.run(call, body);
  } catch (const std::exception& e) {
    // An exception means a bug or a lost resource: the caller learns only that it happened.
    parts.logger.error("api", "exception", {{"operation", call.operation_name}, {"what", e.what()}});
    response = Error{"InternalFailure", "An internal error occurred."};
  }
  auto reply = parts.finish(
      call, response.ok() ? std::move(*response) : parts.fail(call, std::move(response).error()));
  parts.tell(call, reply, started_ns);
  co_return reply;
}

}  // namespace mekong::api
