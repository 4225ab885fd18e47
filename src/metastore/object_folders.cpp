#include "metastore/object_folders.h"

#include <functional>

namespace mekong::metastore {
namespace {

// The prefix of what lies in the folder; it ends with a slash, so that "t" does not reach into "t2".
Result<objects::Location> folder_of(const std::string& location) {
  MEKONG_TRY_ASSIGN(auto folder, objects::parse_location(location));
  while (folder.key.ends_with('/')) folder.key.pop_back();
  if (folder.key.empty()) {
    return Error{"InvalidInputException",
                 "the location " + location + " is a whole bucket: nothing is removed"};
  }
  folder.key += '/';
  return folder;
}

Status each_object(const objects::ObjectAccess& access, const objects::Location& folder,
                   const std::function<Status(const objects::Object&)>& visit) {
  objects::ListRequest request;
  request.bucket = folder.bucket;
  request.prefix = folder.key;
  while (true) {
    MEKONG_TRY_ASSIGN(const auto page, access.list(request));
    for (const auto& object : page.objects) MEKONG_TRY(visit(object));
    if (!page.truncated) return ok();
    request.after = page.next_after;
  }
}

}  // namespace

Status ObjectFolders::supports(const std::string& location) const {
  auto folder = folder_of(location);
  if (folder.ok()) return ok();
  if (folder.error().code != "InvalidS3Location") return folder.error();
  return Error{"NotImplemented", "data at " + location + " is out of the metastore's reach: only s3:// is"};
}

Status ObjectFolders::remove(const PrincipalPtr& principal, const std::string& location) {
  const objects::ObjectAccess access(store_, authoriser_, principal);
  MEKONG_TRY_ASSIGN(const auto folder, folder_of(location));
  return each_object(access, folder,
                     [&](const objects::Object& object) { return access.remove(object.bucket, object.key); });
}

Status ObjectFolders::copy(const PrincipalPtr& principal, const std::string& from, const std::string& to) {
  const objects::ObjectAccess access(store_, authoriser_, principal);
  MEKONG_TRY_ASSIGN(const auto source, folder_of(from));
  MEKONG_TRY_ASSIGN(const auto target, folder_of(to));
  return each_object(access, source, [&](const objects::Object& listed) -> Status {
    MEKONG_TRY_ASSIGN(const auto object, access.head(listed.bucket, listed.key));
    MEKONG_TRY(access.copy(object, target.bucket, target.key + listed.key.substr(source.key.size())));
    return ok();
  });
}

}  // namespace mekong::metastore
