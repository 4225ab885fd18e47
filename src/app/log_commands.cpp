#include <cstdio>
#include <string>

#include "app/commands.h"
#include "app/control.h"
#include "codec/record.h"

namespace mekong::app {
namespace {

constexpr int64_t ask_every_ms = 300;

Result<LogPage> page_of(const DataFolder& folder, os::Files& files, const std::string& query) {
  MEKONG_TRY_ASSIGN(const auto body, ask_server(folder, files, "/_mekong/logs?" + query, ""));
  return codec::decode_record<LogPage>(body);
}

}  // namespace

int print_logs(const std::string& data, int64_t lines, bool follow) {
  os::PosixFiles files;
  DataFolder folder(files, data);
  auto network = os::make_network(1);
  auto page = page_of(folder, files, "lines=" + std::to_string(lines));
  if (!page.ok()) return fail(page.error());
  while (true) {
    for (const auto& line : page->lines) std::printf("%s\n", line.c_str());
    std::fflush(stdout);
    if (!follow) return 0;
    if (page->lines.empty()) (void)network->sleep(ask_every_ms).get();
    page = page_of(folder, files, "after=" + std::to_string(page->next));
    if (!page.ok()) return 0;  // the server ended
  }
}

}  // namespace mekong::app
