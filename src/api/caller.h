// Calls from one service to another inside of the process: the same checks as a request's (constraints, the
// caller's permissions, iam:PassRole), without sockets, signatures and wire formats. Generated clients
// (gen/<service>/client.h) stand before it.
#pragma once
#include <string>

#include "api/context.h"
#include "api/shape.h"
#include "api/value.h"

namespace mekong::api {

// On whose behalf.
struct CallFrom {
  PrincipalPtr principal;
  Region region;
  std::string source_ip, user_agent;
  bool secure = true;
  std::string via = {};  // "glue.amazonaws.com": who calls for the principal, where it does not itself

  // Of a handler that calls on for its own caller.
  static CallFrom context(const Context& ctx) {
    return {ctx.principal,  ctx.region, ctx.source_ip,
            ctx.user_agent, ctx.secure, ctx.service + ".amazonaws.com"};
  }
};

// Any thread; blocks for as long as the handler does, so never on an I/O thread.
class Caller {
 public:
  virtual ~Caller() = default;
  // `operation` of `table`; `input` its input's struct. Gives its output's struct. Errors: as a client of the
  // service would see them, under the codes that the service's handlers use; "NotImplemented" for operations
  // whose request body streams.
  virtual Result<Value> call(const CallFrom& from, const ServiceTable& table, const Operation& operation,
                             const void* input) const = 0;
  // What a client fills an idempotency token with that its caller left out.
  virtual std::string idempotency_token() const = 0;
};

// Where `input` lacks its idempotency token; null where it has one, or the operation none.
inline const Member* missing_token(const Operation& operation, const void* input) {
  for (size_t i = 0; i < operation.input->member_count; ++i) {
    const Member& member = operation.input->members[i];
    if (!member.idempotency_token) continue;
    const auto* text = static_cast<const std::string*>(member.get(input));
    return text == nullptr || text->empty() ? &member : nullptr;
  }
  return nullptr;
}

template <class Out, class In>
Result<Out> call_in_process(const Caller& caller, const CallFrom& from, const ServiceTable& table,
                            const Operation& operation, const In& input) {
  Result<Value> output = Error{};
  if (const Member* token = missing_token(operation, &input)) {
    In filled = input;
    *static_cast<std::string*>(token->set(&filled)) = caller.idempotency_token();
    output = caller.call(from, table, operation, &filled);
  } else {
    output = caller.call(from, table, operation, &input);
  }
  if (!output.ok()) return std::move(output).error();
  return std::move(*static_cast<Out*>(output->get()));
}

}  // namespace mekong::api
