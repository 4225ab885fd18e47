// The local certificate authority: one EC P-256 root a data folder, server certificates for the names handed
// out, and a Java truststore that holds the public roots beside it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/random.h"

namespace mekong::os {

struct CertificateAndKey {
  std::string certificate_pem;  // a server's: leaf first, then the authority
  std::string key_pem;          // secret
};

// Valid for 10 years from `now_s` (seconds since the epoch, wall clock). Errors: "TlsFailed".
Result<CertificateAndKey> make_authority(std::string_view common_name, int64_t now_s, Random& random);

// Whether the certificate is whole, signed by itself, and its key the one beside it. Errors: "TlsFailed".
Status check_authority(const CertificateAndKey& authority);

// A server certificate for `names` (DNS names, with or without a leading "*.", and IP addresses), valid for a
// year from an hour ago, signed by `authority`. Errors: "TlsFailed".
Result<CertificateAndKey> issue_server_certificate(const CertificateAndKey& authority,
                                                   const std::vector<std::string>& names, int64_t now_s,
                                                   Random& random);

// A truststore in Java's JKS format with every certificate of the PEM text; `password` protects its integrity
// only. Format: sun.security.provider.JavaKeyStore (magic 0xFEEDFEED, version 2, trusted-certificate entries,
// SHA-1 digest keyed with the password and "Mighty Aphrodite"). Errors: "TlsFailed" where the PEM holds no
// certificate.
Result<std::string> make_java_truststore(std::string_view certificates_pem, std::string_view password,
                                         int64_t now_ms);

}  // namespace mekong::os
