// Inside os only: an Asio event loop on one thread, and the TLS context behind TlsServer.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <thread>

#include "base/executor.h"
#include "os/net.h"

namespace mekong::os {

class TlsServer {
 public:
  TlsServer() : context(boost::asio::ssl::context::tls_server) {}
  boost::asio::ssl::context context;
};

class Loop final : public Executor {
 public:
  Loop();
  ~Loop() override;
  void post(std::function<void()> work) override;
  boost::asio::io_context& context() { return context_; }

 private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  std::thread thread_;
};

}  // namespace mekong::os
