#include "app/adapters.h"

#include "kafka/cluster.h"

namespace mekong::app {
namespace {

// A folder's keys all begin with its name and a slash: "a/b" is no part of "a/bc".
Result<objects::Location> folder_of(const std::string& location) {
  auto parsed = objects::parse_location(location);
  if (!parsed.ok()) return Error{"NotImplemented", "locations other than s3://: " + location};
  if (!parsed->key.empty() && parsed->key.back() != '/') parsed->key += '/';
  return parsed;
}

}  // namespace

Status KafkaHost::open(const msk::ClusterRecord& cluster) {
  kafka::ClusterSpec spec;
  spec.arn = cluster.arn;
  spec.name = cluster.name;
  spec.uuid = cluster.uuid;
  spec.account = AccountId(cluster.account);
  spec.region = Region(cluster.region);
  spec.bind_host = bind_host_;
  spec.advertised_host = advertised_host_;
  spec.port = static_cast<uint16_t>(cluster.port);
  spec.listener_names = listener_names_;
  const auto opened = broker_.open_cluster(spec);
  if (!opened.ok()) return opened.error();
  return ok();
}

Result<std::vector<msk::Topic>> KafkaHost::topics(const std::string& arn) {
  MEKONG_TRY_ASSIGN(const auto found, broker_.topics(arn));
  std::vector<msk::Topic> out;
  for (const auto& topic : found) out.push_back({topic->name, topic->partitions, kafka::kBrokerId});
  return out;
}

// The bucket's setting or its account's: the stricter of the two. One that cannot be read is strict.
bool BucketPolicies::restricts_strangers(const objects::Bucket& bucket) const {
  if (bucket.public_access_block && bucket.public_access_block->restrict_buckets) return true;
  const auto account = store_.account_block(bucket.owner);
  return !account.ok() || (account->has_value() && (*account)->restrict_buckets);
}

std::optional<iam::ResourcePolicies::Standing> BucketPolicies::of(const Principal& caller,
                                                                  std::string_view action,
                                                                  std::string_view resource) const {
  constexpr std::string_view prefix = "arn:aws:s3:::";
  // Of a name that is taken CreateBucket says so itself.
  if (!resource.starts_with(prefix) || action == "s3:CreateBucket") return std::nullopt;
  resource.remove_prefix(prefix.size());
  const auto found = store_.shared_bucket(resource.substr(0, resource.find('/')));
  if (!found.ok() && found.error().code == "NoSuchBucket") return std::nullopt;
  // One that cannot be read is nobody's.
  if (!found.ok()) return Standing{AccountId("unknown"), ""};
  const auto& bucket = *found;
  const bool own = caller.account == bucket->owner;
  const bool stranger = !own && caller.kind != PrincipalKind::service;
  const bool restricted = stranger && bucket->policy_is_public && restricts_strangers(*bucket);
  // The owner's root can always mend a policy that locks everybody out.
  const bool mends =
      own && caller.kind == PrincipalKind::root &&
      (action == "s3:GetBucketPolicy" || action == "s3:PutBucketPolicy" || action == "s3:DeleteBucketPolicy");
  if (restricted || mends) return Standing{bucket->owner, ""};
  return Standing{bucket->owner, bucket->policy};
}

Status ObjectFolders::supports(const std::string& location) const {
  const auto parsed = folder_of(location);
  if (!parsed.ok()) return parsed.error();
  return ok();
}

Status ObjectFolders::remove(const PrincipalPtr& principal, const std::string& location) {
  MEKONG_TRY_ASSIGN(const auto folder, folder_of(location));
  const objects::ObjectAccess access(store_, authoriser_, principal);
  objects::ListRequest request{.bucket = folder.bucket, .prefix = folder.key};
  while (true) {
    MEKONG_TRY_ASSIGN(const auto page, access.list(request));
    for (const auto& object : page.objects) MEKONG_TRY(access.remove(folder.bucket, object.key));
    if (!page.truncated) return ok();
    request.after = page.next_after;
  }
}

Status ObjectFolders::copy(const PrincipalPtr& principal, const std::string& from, const std::string& to) {
  MEKONG_TRY_ASSIGN(const auto source, folder_of(from));
  MEKONG_TRY_ASSIGN(const auto target, folder_of(to));
  const objects::ObjectAccess access(store_, authoriser_, principal);
  objects::ListRequest request{.bucket = source.bucket, .prefix = source.key};
  while (true) {
    MEKONG_TRY_ASSIGN(const auto page, access.list(request));
    for (const auto& listed : page.objects) {
      MEKONG_TRY_ASSIGN(const auto object, access.head(source.bucket, listed.key));
      const std::string key = target.key + listed.key.substr(source.key.size());
      const std::string resource = "arn:aws:s3:::" + target.bucket + "/" + key;
      const auto decision = authoriser_.decide({*principal, "s3:PutObject", resource});
      if (!decision.allowed) return Error{"AccessDenied", decision.reason};
      MEKONG_TRY(store_.copy(object, target.bucket, key, std::nullopt));
    }
    if (!page.truncated) return ok();
    request.after = page.next_after;
  }
}

}  // namespace mekong::app
