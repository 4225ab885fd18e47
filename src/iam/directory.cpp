#include "iam/directory.h"

#include <algorithm>

#include "codec/hash.h"
#include "iam/directory_errors.h"
#include "iam/managed_policies.h"

namespace mekong::iam {
namespace {

constexpr std::string_view base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view secret_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view server_record = "secret";

}  // namespace

const AwsManagedPolicy* find_aws_managed_policy(std::string_view arn) {
  const auto* end = aws_managed_policies + aws_managed_policy_count;
  const auto* at =
      std::lower_bound(aws_managed_policies, end, arn,
                       [](const AwsManagedPolicy& p, std::string_view wanted) { return p.arn < wanted; });
  return at != end && at->arn == arn ? at : nullptr;
}

std::optional<ArnName> parse_iam_arn(std::string_view arn, std::string_view type) {
  constexpr std::string_view head = "arn:aws:iam::";
  if (!arn.starts_with(head)) return std::nullopt;
  arn.remove_prefix(head.size());
  const size_t colon = arn.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  ArnName out{AccountId(std::string(arn.substr(0, colon))), {}, {}};
  arn.remove_prefix(colon + 1);
  if (!arn.starts_with(type) || arn.size() <= type.size() || arn[type.size()] != '/') return std::nullopt;
  arn.remove_prefix(type.size());
  const size_t slash = arn.rfind('/');
  out.path = arn.substr(0, slash + 1);
  out.name = arn.substr(slash + 1);
  return out;
}

Directory::Directory(meta::Store& store, os::Clock& clock, os::Random& random)
    : store_(store),
      clock_(clock),
      random_(random),
      accounts_(store, "account/"),
      users_(store, "user/"),
      groups_(store, "group/"),
      roles_(store, "role/"),
      profiles_(store, "instance-profile/"),
      policies_(store, "policy/"),
      keys_(store, "key/"),
      providers_(store, "provider/"),
      server_(store, "server/") {}

Status Directory::load() {
  MEKONG_TRY(accounts_.load());
  MEKONG_TRY(users_.load());
  MEKONG_TRY(groups_.load());
  MEKONG_TRY(roles_.load());
  MEKONG_TRY(profiles_.load());
  MEKONG_TRY(policies_.load());
  MEKONG_TRY(keys_.load());
  MEKONG_TRY(providers_.load());
  MEKONG_TRY(server_.load());
  if (server_.find(std::string(server_record)) == nullptr) {
    AccessKey fresh{
        .id = std::string(server_record), .secret = random_.hex(64), .created_ms = clock_.wall_ms()};
    MEKONG_TRY(server_.put(fresh.id, fresh));
  }
  server_secret_ = codec::sha256(server_.find(std::string(server_record))->secret);
  return ok();
}

std::string Directory::new_id(std::string_view prefix) {
  return std::string(prefix) + random_.from_alphabet(base32, 17);
}

template <class T>
Table<T>& Directory::table() {
  if constexpr (std::is_same_v<T, User>) return users_;
  if constexpr (std::is_same_v<T, Group>) return groups_;
  if constexpr (std::is_same_v<T, Role>) return roles_;
  if constexpr (std::is_same_v<T, InstanceProfile>) return profiles_;
  if constexpr (std::is_same_v<T, ManagedPolicy>) return policies_;
}

template <class T>
Ptr<T> Directory::find(const AccountId& account, const std::string& name) const {
  auto found = table<T>().find(key_of(account, name));
  return found && found->name == name ? found : nullptr;
}

template <class T>
std::vector<Ptr<T>> Directory::list(const AccountId& account) const {
  return table<T>().list(account.value + "/");
}

template <class T>
Status Directory::change(const AccountId& account, const std::string& name,
                         const std::function<Status(T&)>& change) {
  std::lock_guard lock(write_mutex_);
  auto found = find<T>(account, name);
  if (!found) return no_such(T::kind, name);
  T record = *found;
  MEKONG_TRY(change(record));
  return table<T>().put(key_of(account, name), std::move(record));
}

// Under write_mutex_.
template <class T>
Result<Ptr<T>> Directory::add(T record, size_t quota, const char* quota_name) {
  const AccountId account(record.account);
  const std::string key = key_of(account, record.name);
  if (table<T>().find(key)) return exists(T::kind, record.name);
  if (list<T>(account).size() >= quota) return over_quota(quota_name, quota);
  record.id = new_id(T::id_prefix);
  record.created_ms = clock_.wall_ms();
  MEKONG_TRY(table<T>().put(key, std::move(record)));
  return table<T>().find(key);
}

// Under write_mutex_.
template <class T>
Status Directory::rename(Change& change, const T& from, const Rename& to) {
  T record = from;
  const AccountId account(from.account);
  record.path = to.path.value_or(from.path);
  record.name = to.name.value_or(from.name);
  const std::string old_key = key_of(account, from.name), new_key = key_of(account, record.name);
  if (old_key != new_key) {
    if (table<T>().find(new_key)) return exists(T::kind, record.name);
    table<T>().remove(change, old_key);
  }
  table<T>().put(change, new_key, std::move(record));
  return ok();
}

#define MEKONG_DIRECTORY_OF(T)                                                    \
  template Ptr<T> Directory::find<T>(const AccountId&, const std::string&) const; \
  template std::vector<Ptr<T>> Directory::list<T>(const AccountId&) const;        \
  template Status Directory::change<T>(const AccountId&, const std::string&,      \
                                       const std::function<Status(T&)>&);         \
  template Result<Ptr<T>> Directory::add<T>(T, size_t, const char*);              \
  template Table<T>& Directory::table<T>();
MEKONG_DIRECTORY_OF(User)
MEKONG_DIRECTORY_OF(Group)
MEKONG_DIRECTORY_OF(Role)
MEKONG_DIRECTORY_OF(InstanceProfile)
MEKONG_DIRECTORY_OF(ManagedPolicy)
#undef MEKONG_DIRECTORY_OF
template Status Directory::rename<User>(Change&, const User&, const Rename&);
template Status Directory::rename<Group>(Change&, const Group&, const Rename&);

std::vector<Account> Directory::accounts() const {
  std::vector<Account> out;
  for (const auto& account : accounts_.list("")) out.push_back(*account);
  return out;
}

std::optional<Account> Directory::find_account(const AccountId& id) const {
  auto found = accounts_.find(id.value);
  return found ? std::optional(*found) : std::nullopt;
}

Result<RootCredentials> Directory::create_account(const std::string& name) {
  std::lock_guard lock(write_mutex_);
  for (const auto& known : accounts_.list("")) {
    if (known->name == name) return exists("Account", name);
  }
  Account account{.id = {}, .name = name, .created_ms = clock_.wall_ms()};
  do {
    account.id = random_.from_alphabet("123456789", 1) + random_.from_alphabet("0123456789", 11);
  } while (accounts_.find(account.id) != nullptr);
  MEKONG_TRY_ASSIGN(const AccessKey key, new_key(AccountId(account.id), ""));
  Change change;
  keys_.put(change, key.id, key);
  accounts_.put(change, account.id, account);
  MEKONG_TRY(change.commit(store_));
  return RootCredentials{account, key.id, key.secret};
}

Result<RootCredentials> Directory::root_credentials(const std::string& account_name) const {
  for (const auto& account : accounts_.list("")) {
    if (account->name != account_name) continue;
    for (const auto& key : keys(AccountId(account->id), "")) {
      if (key->active) return RootCredentials{*account, key->id, key->secret};
    }
  }
  return no_such("account", account_name);
}

Status Directory::set_alias(const AccountId& id, const std::string& alias) {
  std::lock_guard lock(write_mutex_);
  auto found = accounts_.find(id.value);
  if (!found) return no_such("account", id.value);
  for (const auto& other : accounts_.list("")) {
    if (!alias.empty() && other->alias == alias && other->id != id.value) {
      return Error{"EntityAlreadyExists", "The account alias " + alias + " already exists.", 409};
    }
  }
  Account account = *found;
  account.alias = alias;
  return accounts_.put(id.value, std::move(account));
}

Status Directory::set_password_policy(const AccountId& id, const std::optional<PasswordPolicy>& policy) {
  std::lock_guard lock(write_mutex_);
  auto found = accounts_.find(id.value);
  if (!found) return no_such("account", id.value);
  if (!policy && !found->password_policy) return no_such("account policy", "PasswordPolicy");
  Account account = *found;
  account.password_policy = policy;
  return accounts_.put(id.value, std::move(account));
}

RolePtr Directory::find_role_by_arn(std::string_view arn) const {
  auto parsed = parse_iam_arn(arn, Role::type);
  if (!parsed) return nullptr;
  auto role = find<Role>(parsed->account, parsed->name);
  return role && role->arn() == arn ? role : nullptr;
}

bool Directory::may_be_named(std::string_view principal) const {
  constexpr std::string_view user_head = "arn:aws:iam::", session_head = "arn:aws:sts::";
  const auto is_account = [](std::string_view text) {
    return text.size() == 12 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  };
  if (principal == "*" || is_account(principal)) return true;
  const bool session = principal.starts_with(session_head);
  const bool shaped = session || principal.starts_with(user_head);
  if (!shaped || principal.find_first_of("*?") != std::string_view::npos) return false;
  const std::string_view rest = principal.substr(user_head.size());
  if (rest.size() < 14 || rest[12] != ':' || !is_account(rest.substr(0, 12))) return false;
  const AccountId account{std::string(rest.substr(0, 12))};
  const std::string_view what = rest.substr(13);
  if (what == "root" || !find_account(account)) return true;
  if (session) {
    constexpr std::string_view role = "assumed-role/";
    if (!what.starts_with(role)) return what.starts_with("federated-user/");
    const std::string_view name = what.substr(role.size());
    return find_role(account, std::string(name.substr(0, name.find('/')))) != nullptr;
  }
  if (find_role_by_arn(principal)) return true;
  const auto user = parse_iam_arn(principal, User::type);
  const auto found = user ? find_user(account, user->name) : nullptr;
  return found && found->arn() == principal;
}

AccessKeyPtr Directory::find_key(const std::string& access_key_id) const {
  return keys_.find(access_key_id);
}

std::vector<AccessKeyPtr> Directory::keys(const AccountId& account, const std::string& user) const {
  auto all = keys_.list("");
  std::erase_if(all,
                [&](const AccessKeyPtr& key) { return key->account != account.value || key->user != user; });
  return all;
}

// Under write_mutex_.
Result<AccessKey> Directory::new_key(const AccountId& account, const std::string& user) {
  AccessKey key{.id = "AKIA" + random_.from_alphabet(base32, 16),
                .secret = random_.from_alphabet(secret_alphabet, 40),
                .account = account.value,
                .user = user,
                .created_ms = clock_.wall_ms()};
  if (keys_.find(key.id) != nullptr) return Error{"ServiceFailure", "Two access keys came out equal.", 500};
  return key;
}

IdentityProviderPtr Directory::find_provider(const std::string& arn) const {
  return providers_.find(arn);
}

std::vector<IdentityProviderPtr> Directory::providers(const AccountId& account, bool saml) const {
  auto all = providers_.list("");
  std::erase_if(all, [&](const auto& p) { return p->account != account.value || p->saml != saml; });
  return all;
}

}  // namespace mekong::iam
