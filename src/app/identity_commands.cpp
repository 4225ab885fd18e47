#include <cstdio>

#include "app/commands.h"
#include "app/control.h"
#include "app/identity_routes.h"
#include "codec/record.h"
#include "codec/time.h"

namespace mekong::app {
namespace {

void print_decision(const iam::Explained& decision) {
  const std::string which = decision.request_id.empty() ? "" : decision.request_id + "  ";
  const std::string times = decision.times > 1 ? ", " + std::to_string(decision.times) + " times" : "";
  std::printf("%s  %s%s%s\n  who       %s\n  what      %s\n  on what   %s\n",
              codec::format_iso8601(decision.at_ms).c_str(), which.c_str(), decision.outcome.c_str(),
              times.c_str(), decision.principal_arn.empty() ? "anonymous" : decision.principal_arn.c_str(),
              decision.action.c_str(), decision.resource.c_str());
  if (!decision.policy.empty()) {
    std::printf("  by        %s policy %s%s%s\n", decision.source.c_str(), decision.policy.c_str(),
                decision.sid.empty() ? "" : ", statement ", decision.sid.c_str());
  }
  if (!decision.reason.empty()) std::printf("  reason    %s\n", decision.reason.c_str());
}

}  // namespace

int why(const std::string& data, const std::string& request_id, bool json) {
  os::PosixFiles files;
  const DataFolder folder(files, data);
  const auto answer = ask_server(folder, files, "/_mekong/why?id=" + request_id, "");
  if (!answer.ok()) return fail(answer.error());
  const auto note = codec::decode_record<WhyNote>(*answer);
  if (!note.ok()) return fail(note.error());
  if (json) std::printf("%s\n", answer->c_str());
  if (!json) {
    for (const auto& decision : note->decisions) print_decision(decision);
    if (note->decisions.empty()) std::puts("nothing was denied since the server started");
  }
  return 0;
}

int record_policy(const std::string& data, bool on) {
  os::PosixFiles files;
  const DataFolder folder(files, data);
  const auto answer = ask_server(folder, files, "/_mekong/policy", on ? "record" : "stop");
  if (!answer.ok()) return fail(answer.error());
  std::puts(on ? "recording what each principal does" : "recording ended");
  return 0;
}

int write_policy(const std::string& data, const std::string& principal) {
  os::PosixFiles files;
  const DataFolder folder(files, data);
  const auto answer = ask_server(folder, files, "/_mekong/policy", "");
  if (!answer.ok()) return fail(answer.error());
  const auto note = codec::decode_record<PolicyNote>(*answer);
  if (!note.ok()) return fail(note.error());
  if (principal.empty()) {
    for (const auto& [arn, document] : note->policies)
      std::printf("# %s\n%s\n", arn.c_str(), document.c_str());
    return 0;
  }
  const auto found = note->policies.find(principal);
  if (found == note->policies.end()) {
    return fail(Error{"NothingRecorded", "nothing was recorded of " + principal});
  }
  std::printf("%s\n", found->second.c_str());
  return 0;
}

}  // namespace mekong::app
