// The data folder: what lies where, and the small files that commands read (all 0600, in a 0700 folder).
#pragma once
#include <memory>
#include <string>

#include "base/result.h"
#include "os/clock.h"
#include "os/files.h"
#include "os/random.h"
#include "os/tls_authority.h"

namespace mekong::app {

inline constexpr std::string_view truststore_password =
    "changeit";  // Java's own default; it protects no secret

// What a running or stopped server left for the commands (server.json).
struct ServerNote {
  std::string endpoint, region, version, advertise;
  int64_t pid = 0;
  template <class F>
  void each_field(F&& f) {
    f("Endpoint", endpoint), f("Region", region), f("Version", version), f("Advertise", advertise),
        f("Pid", pid);
  }
};

class DataFolder {
 public:
  DataFolder(os::Files& files, std::string path) : files_(files), path_(std::move(path)) {}
  const std::string& path() const { return path_; }
  std::string meta() const { return path_ + "/meta"; }
  std::string log() const { return path_ + "/log"; }
  std::string blobs() const { return path_ + "/blobs"; }
  std::string job_output() const { return path_ + "/jobs"; }
  std::string control_token() const { return path_ + "/control-token"; }
  // The accounts with their root keys (AccountNotes, JSON): what `mekong env` prints when no server runs.
  std::string root_credentials() const { return path_ + "/root-credentials.json"; }
  std::string authority_certificate() const { return path_ + "/ca.pem"; }
  std::string authority_key() const { return path_ + "/ca-key.pem"; }
  std::string ca_bundle() const { return path_ + "/ca-bundle.pem"; }
  std::string truststore() const { return path_ + "/truststore.jks"; }

  Status make();
  // Taken before anything else is touched, by a server and by each command that changes the folder or wants
  // it to stand still. Nobody else has it while the result lives. Error: "InUse".
  Result<std::shared_ptr<const void>> hold() const;
  // The same for a command, which makes nothing where no data is: "NotInitialised".
  Result<std::shared_ptr<const void>> hold_existing() const;
  // For a command, beside that: all that servers of releases before hold. "NotInitialised": no metadata.
  Result<std::shared_ptr<const void>> hold_meta() const;
  Error no_data() const;
  // The authority (made at first use), and a certificate for this start's names. Writes the bundle (public
  // roots and ours) and Java's truststore again each time.
  Result<os::CertificateAndKey> certificate(const std::vector<std::string>& names, const os::Clock& clock,
                                            os::Random& random);
  // A secret that proves to the server that a command may read this folder. Made at first use.
  Result<std::string> token(os::Random& random);
  Status write_note(const ServerNote& note);
  Status write_root_credentials(const std::string& accounts);
  Result<ServerNote> note() const;

 private:
  Result<os::CertificateAndKey> authority(const os::Clock& clock, os::Random& random);
  Status write_trust(const std::string& bundle, const os::Clock& clock);
  os::Files& files_;
  std::string path_;
};

}  // namespace mekong::app
