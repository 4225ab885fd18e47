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

  // Of a handler that calls on for its own caller.
  static CallFrom context(const Context& ctx) {
    return {ctx.principal, ctx.region, ctx.source_ip, ctx.user_agent, ctx.secure};
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
};

template <class Out, class In>
Result<Out> call_in_process(const Caller& caller, const CallFrom& from, const ServiceTable& table,
                            const Operation& operation, const In& input) {
  auto output = caller.call(from, table, operation, &input);
  if (!output.ok()) return std::move(output).error();
  return std::move(*static_cast<Out*>(output->get()));
}

}  // namespace mekong::api
