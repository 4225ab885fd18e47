#include "app/data_folder.h"

#include <algorithm>

#include "codec/record.h"
#include "meta/verify.h"

namespace mekong::app {
namespace {
constexpr std::string_view public_roots = "/etc/ssl/certs/ca-certificates.crt";
}

Status DataFolder::make() {
  MEKONG_TRY_ASSIGN(const bool exists, files_.exists(path_));
  if (exists) return ok();
  MEKONG_TRY(files_.make_directories(path_, 0700));
  return files_.sync_directory(path_.substr(0, std::max<size_t>(path_.rfind('/'), 1)));
}

Result<std::shared_ptr<const void>> DataFolder::hold() const {
  return meta::hold_folder(path_);
}

Result<std::shared_ptr<const void>> DataFolder::hold_existing() const {
  for (const char* part : {"/meta", "/restoring", "/snapshots"}) {
    MEKONG_TRY_ASSIGN(const bool exists, files_.exists(path_ + part));
    if (exists) return hold();
  }
  return no_data();
}

Result<std::shared_ptr<const void>> DataFolder::hold_meta() const {
  MEKONG_TRY_ASSIGN(const bool exists, files_.exists(meta()));
  if (!exists) return no_data();
  return meta::hold_folder(meta());
}

Error DataFolder::no_data() const {
  return {"NotInitialised", "no data in " + path_ + " yet: start it with  mekong serve --data " + path_};
}

Result<os::CertificateAndKey> DataFolder::authority(const os::Clock& clock, os::Random& random) {
  const std::string certificate_path = authority_certificate(), key_path = authority_key();
  MEKONG_TRY_ASSIGN(const bool exists, files_.exists(certificate_path));
  if (exists) {
    MEKONG_TRY_ASSIGN(auto certificate, files_.read_file(certificate_path));
    MEKONG_TRY_ASSIGN(auto key, files_.read_file(key_path));
    os::CertificateAndKey found{std::move(certificate), std::move(key)};
    if (auto good = os::check_authority(found); !good.ok()) {
      return Error{good.error().code, certificate_path + ", " + key_path + ": " + good.error().message};
    }
    return found;
  }
  MEKONG_TRY_ASSIGN(auto made, os::make_authority("Mekong local CA", clock.wall_ms() / 1000, random));
  MEKONG_TRY(files_.write_file_durably(key_path, made.key_pem));
  MEKONG_TRY(
      files_.write_file_durably(certificate_path, made.certificate_pem));  // last: its presence means both
  return made;
}

Result<os::CertificateAndKey> DataFolder::certificate(const std::vector<std::string>& names,
                                                      const os::Clock& clock, os::Random& random) {
  MEKONG_TRY_ASSIGN(const auto root, authority(clock, random));
  std::string bundle = root.certificate_pem;
  if (auto roots = files_.read_file(std::string(public_roots)); roots.ok()) bundle += *roots;
  MEKONG_TRY(write_trust(bundle, clock));
  return os::issue_server_certificate(root, names, clock.wall_ms() / 1000, random);
}

// A truststore takes a second's twentieth to make: only when what is trusted has changed. The bundle is
// written last, so that it stands for both.
Status DataFolder::write_trust(const std::string& bundle, const os::Clock& clock) {
  MEKONG_TRY_ASSIGN(const bool made, files_.exists(truststore()));
  if (made) {
    const auto written = files_.read_file(ca_bundle());
    if (written.ok() && *written == bundle) return ok();
  }
  MEKONG_TRY_ASSIGN(const auto store, os::make_java_truststore(bundle, truststore_password, clock.wall_ms()));
  MEKONG_TRY(files_.write_file_durably(truststore(), store));
  return files_.write_file_durably(ca_bundle(), bundle);
}

Result<std::string> DataFolder::token(os::Random& random) {
  MEKONG_TRY_ASSIGN(const bool exists, files_.exists(control_token()));
  if (exists) return files_.read_file(control_token());
  std::string made = random.hex(48);
  MEKONG_TRY(files_.write_file_durably(control_token(), made));
  return made;
}

Status DataFolder::write_note(const ServerNote& note) {
  return files_.write_file_durably(path_ + "/server.json", codec::encode_record(note));
}

Status DataFolder::write_root_credentials(const std::string& accounts) {
  if (const auto written = files_.read_file(root_credentials()); written.ok() && *written == accounts)
    return ok();
  return files_.write_file_durably(root_credentials(), accounts);
}

Result<ServerNote> DataFolder::note() const {
  MEKONG_TRY_ASSIGN(const std::string text, files_.read_file(path_ + "/server.json"));
  return codec::decode_record<ServerNote>(text);
}

}  // namespace mekong::app
