// Any bytes as a policy document, and the rest as what is asked of it: refused by name, or evaluated; what is
// accepted once is accepted as stored; and no document of a stranger allows what it also denies.
// Input: the document, a zero byte, action, a zero byte, resource.
#include <cstdint>

#include "policy/evaluate.h"

namespace mekong::policy {
namespace {

std::string_view take(std::string_view& text) {
  const auto out = text.substr(0, text.find('\0'));
  text.remove_prefix(std::min(text.size(), out.size() + 1));
  return out;
}

void check(std::string_view input) {
  const auto json = take(input), action = take(input), resource = take(input);
  Context context;
  context.set("aws:username", {"bob"});
  context.set("aws:sourceip", {"127.0.0.1"});
  context.set("s3:prefix", {std::string(input.substr(0, 100))});
  const Principal principal{.kind = PrincipalKind::user,
                            .account = AccountId("111111111111"),
                            .arn = "arn:aws:iam::111111111111:user/bob"};
  for (auto kind : {DocumentKind::identity, DocumentKind::trust, DocumentKind::resource}) {
    const auto parsed = parse_document(json, kind);
    if (!parsed.ok()) {
      if (parsed.error().code != "MalformedPolicyDocument") __builtin_trap();
      continue;
    }
    if (!parse_document(json, DocumentKind::stored).ok()) __builtin_trap();
    Documents documents;
    if (kind == DocumentKind::identity) {
      documents.identity = {{"p", *parsed}};
    } else {
      documents.resource = NamedDocument{"p", *parsed};
    }
    const auto verdict = evaluate({principal, action, resource, context}, documents);
    if ((verdict.outcome == Outcome::allowed) != denial_reason(verdict, action).empty()) __builtin_trap();
    if (kind != DocumentKind::identity) continue;
    documents.identity.push_back(
        {"deny", *parse_document(R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*",)"
                                 R"("Resource":"*"}})",
                                 DocumentKind::identity)});
    if (evaluate({principal, action, resource, context}, documents).outcome != Outcome::explicit_deny)
      __builtin_trap();
  }
}

}  // namespace
}  // namespace mekong::policy

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  mekong::policy::check({reinterpret_cast<const char*>(data), size_bytes});
  return 0;
}
