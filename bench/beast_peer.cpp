// The least that Boost.Beast can do with a request: read it, drop it, answer "ok". No identity, no routes, no
// limits: what is left of the front's time beside it is what Mekong does. Usage: beast_peer PORT THREADS
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)) {
    buffer_.reserve(sizeof(bytes_));  // else it reads half a KiB at a time
    socket_.set_option(tcp::no_delay(true));
  }

  void read_head() {
    parser_.emplace();
    parser_->body_limit(boost::none);
    http::async_read_header(socket_, buffer_, *parser_, [self = shared_from_this()](auto failed, size_t) {
      if (!failed) self->read_body();
    });
  }

 private:
  void read_body() {
    if (parser_->is_done()) return answer();
    auto& body = parser_->get().body();
    body.data = bytes_;
    body.size = sizeof(bytes_);
    http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](auto failed, size_t) {
      if (!failed || failed == http::error::need_buffer) self->read_body();
    });
  }
  void answer() {
    reply_ = {http::status::ok, 11};
    reply_.body() = "ok";
    reply_.prepare_payload();
    http::async_write(socket_, reply_, [self = shared_from_this()](auto failed, size_t) {
      if (!failed) self->read_head();
    });
  }

  tcp::socket socket_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::buffer_body>> parser_;
  http::response<http::string_body> reply_;
  char bytes_[256 << 10];
};

void accept(tcp::acceptor& acceptor, std::vector<std::unique_ptr<asio::io_context>>& loops, size_t next) {
  acceptor.async_accept(*loops[next % loops.size()], [&, next](auto failed, tcp::socket socket) {
    if (failed) return;
    auto session = std::make_shared<Session>(std::move(socket));
    asio::post(*loops[next % loops.size()], [session] { session->read_head(); });
    accept(acceptor, loops, next + 1);
  });
}

int main(int, char** words) {
  std::vector<std::unique_ptr<asio::io_context>> loops;
  for (int i = 0; i < std::atoi(words[2]); ++i) loops.push_back(std::make_unique<asio::io_context>(1));
  tcp::acceptor acceptor(*loops[0],
                         {asio::ip::address_v4::loopback(), static_cast<uint16_t>(std::atoi(words[1]))});
  accept(acceptor, loops, 0);
  std::vector<std::thread> threads;
  for (auto& loop : loops) {
    threads.emplace_back([&loop] {
      auto guard = asio::make_work_guard(*loop);
      loop->run();
    });
  }
  for (auto& thread : threads) thread.join();
}
