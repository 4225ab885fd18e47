#include "os/asio_acceptor.h"

namespace mekong::os {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

Error listen_error(const error_code& code, const ListenOptions& options) {
  const std::string where = options.host + ":" + std::to_string(options.port);
  if (code == asio::error::address_in_use) return {"AddressInUse", where + " is in use by another program"};
  if (code == asio::error::access_denied) return {"PermissionDenied", "no right to listen on " + where};
  return {"AddressNotAvailable", where + ": " + code.message()};
}

}  // namespace

Status Acceptor::listen() {
  error_code code;
  const auto address = asio::ip::make_address(options.host, code);
  if (code) return listen_error(code, options);
  const tcp::endpoint at(address, options.port);
  socket.open(at.protocol(), code);
  if (!code) socket.set_option(tcp::acceptor::reuse_address(true), code);
  if (!code) socket.bind(at, code);
  if (!code) socket.listen(asio::socket_base::max_listen_connections, code);
  if (code) return listen_error(code, options);
  return ok();
}

uint16_t Acceptor::port() const {
  error_code ignored;
  return socket.local_endpoint(ignored).port();
}

void Acceptor::start() {
  loop.post([self = shared_from_this()] { self->wait(); });
}

void Acceptor::close() {
  loop.post([self = shared_from_this()] {
    error_code ignored;
    self->socket.close(ignored);
  });
}

void Acceptor::wait() {
  if (!socket.is_open()) return;
  Loop& loop = next_loop();
  socket.async_accept(
      loop.context(), [self = shared_from_this(), &loop](const error_code& code, tcp::socket peer) {
        if (code == asio::error::operation_aborted || !self->socket.is_open()) return;
        if (code) return self->wait_later();  // no descriptor or memory left: do not spin
        if (self->open < self->options.connections_max) {
          ++self->open;
          auto connection =
              std::make_shared<AsioConnection>(loop, std::move(peer), [self] { --self->open; }, self->uid);
          spawn(loop, serve(self, std::move(connection)));
        }
        self->wait();
      });
}

void Acceptor::wait_later() {
  pause.expires_after(std::chrono::milliseconds(50));
  pause.async_wait([self = shared_from_this()](const error_code&) { self->wait(); });
}

Task<void> Acceptor::serve(std::shared_ptr<Acceptor> self, std::shared_ptr<AsioConnection> connection) {
  auto ready = co_await connection->accept_handshake(self->options);
  if (ready.ok()) co_await self->accept(connection);
  connection->close();
}

}  // namespace mekong::os
