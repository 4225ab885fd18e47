// The server: every engine and service built and wired, in the order in which they depend on each other.
// Reading server.cpp shows what Mekong is.
#pragma once
#include <memory>

#include "app/log_book.h"
#include "app/options.h"
#include "base/logging.h"
#include "base/result.h"

namespace mekong::app {

class Server {
 public:
  // Returns when every face answers. Errors: "Usage", "InUse" (the data folder), "AddressInUse",
  // "PermissionDenied" … `book`: what `logger` wrote, for `mekong logs`; both outlive the server.
  static Result<std::unique_ptr<Server>> start(const ServeOptions& options, Logger& logger,
                                               const LogBook& book);
  ~Server();
  std::string url() const;
  // A new certificate of the same authority for connections from now on: on SIGHUP, and every month by
  // itself.
  void renew_certificate();
  // Accepts no more, lets what runs end for at most `grace_ms`, closes the engines.
  void stop(int64_t grace_ms);

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace mekong::app
