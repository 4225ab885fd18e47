#include "app/control.h"
#include "app/metadata.h"
#include "app/snapshots.h"

#include <charconv>

#include "codec/record.h"
#include "iam/iam.h"
#include "meta/store.h"
#include "os/net.h"

namespace mekong::app {
namespace {

struct Refusal {
  std::string code, message;
  template <class F>
  void each_field(F&& f) {
    f("Code", code), f("Message", message);
  }
};

// "http://host:port" of a local server; what is advertised need not resolve here.
Result<os::Endpoint> local_endpoint(const std::string& url) {
  const size_t colon = url.rfind(':');
  if (colon == std::string::npos) return Error{"NotRunning", "no endpoint is noted"};
  return os::Endpoint{"127.0.0.1", static_cast<uint16_t>(std::stoi(url.substr(colon + 1)))};
}

Task<Result<std::string>> exchange(os::Network& network, os::Endpoint to, std::string request,
                                   int64_t timeout_ms) {
  auto connected = co_await network.connect(to, 2000);
  if (!connected.ok()) co_return Error{"NotRunning", "no server answers: " + connected.error().message};
  const os::ConnectionPtr& connection = *connected;
  auto sent = co_await connection->write(request, timeout_ms);
  if (!sent.ok()) co_return std::move(sent).error();
  std::string reply;
  while (true) {
    auto more = co_await connection->read_some(64 << 10, timeout_ms);
    if (!more.ok() && more.error().code != "EndOfStream") co_return std::move(more).error();
    if (!more.ok()) break;
    reply += *more;
  }
  co_return reply;
}

// The server itself, when it does not run: the same directory over the same meta.
Result<std::unique_ptr<meta::Store>> open_meta(os::Files& files, const DataFolder& folder) {
  MEKONG_TRY_ASSIGN(const bool exists, files.exists(folder.meta()));
  if (!exists) return folder.no_data();
  return open_metadata(files, folder, {"iam"}, meta::Durability::sync);
}

}  // namespace

Result<Answer> call_server(const DataFolder& folder, os::Files& files, const Question& question) {
  auto note = folder.note();
  if (!note.ok()) return Error{"NotRunning", "no server has run on " + folder.path()};
  MEKONG_TRY_ASSIGN(const os::Endpoint to, local_endpoint(note->endpoint));
  MEKONG_TRY_ASSIGN(const std::string token, files.read_file(folder.control_token()));
  std::string request = question.method + " " + question.path +
                        " HTTP/1.1\r\nHost: localhost\r\nX-Mekong-Token: " + token +
                        "\r\nConnection: close\r\nContent-Length: " + std::to_string(question.body.size()) +
                        "\r\n\r\n" + question.body;
  auto network = os::make_network(1);
  MEKONG_TRY_ASSIGN(const std::string reply,
                    sync_wait(exchange(*network, to, std::move(request), question.timeout_ms)));
  const size_t head_end = reply.find("\r\n\r\n");
  int status = 0;
  if (head_end != std::string::npos && reply.size() >= 12) {
    std::from_chars(reply.data() + 9, reply.data() + 12, status);
  }
  if (status == 0) return Error{"NotRunning", "another program answers there"};
  return Answer{status, reply.substr(head_end + 4)};
}

Error refusal(const Answer& answer) {
  const auto refused = codec::decode_record<Refusal>(answer.body);
  if (!refused.ok()) return {"InternalFailure", "status " + std::to_string(answer.status)};
  return {refused->code, refused->message};
}

Result<std::string> ask_server(const DataFolder& folder, os::Files& files, const std::string& path,
                               const std::string& body) {
  MEKONG_TRY_ASSIGN(Answer answer, call_server(folder, files, {body.empty() ? "GET" : "POST", path, body}));
  if (answer.status != 200) return refusal(answer);
  return std::move(answer.body);
}

Result<AccountNotes> read_accounts(const std::string& data) {
  os::PosixFiles files;
  const DataFolder folder(files, data);
  auto answered = ask_server(folder, files, "/_mekong/accounts", "");
  if (answered.ok()) return codec::decode_record<AccountNotes>(*answered);
  if (answered.error().code != "NotRunning") return answered.error();
  const auto noted = files.read_file(folder.root_credentials());
  if (noted.ok()) return codec::decode_record<AccountNotes>(*noted);
  if (noted.error().code == "ENOENT") return folder.no_data();
  return noted.error();
}

Result<AccountNote> make_account(const std::string& data, const std::string& name) {
  os::PosixFiles files;
  DataFolder folder(files, data);
  auto answered = ask_server(folder, files, "/_mekong/accounts", name);
  if (answered.ok()) return codec::decode_record<AccountNote>(*answered);
  if (answered.error().code != "NotRunning") return answered.error();
  MEKONG_TRY_ASSIGN(const auto held, folder.hold_existing());
  MEKONG_TRY(finish_restore(files, folder));
  MEKONG_TRY_ASSIGN(const auto meta, open_meta(files, folder));
  os::SystemClock clock;
  os::SystemRandom random;
  MEKONG_TRY_ASSIGN(const auto iam, iam::Iam::open(*meta, iam::no_resource_policies, clock, random, {}));
  MEKONG_TRY_ASSIGN(const auto made, iam->directory().create_account(name));
  MEKONG_TRY(note_accounts(iam->directory(), folder));
  return note_of(made);
}

}  // namespace mekong::app
