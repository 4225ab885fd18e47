// The few primitives that signatures and tokens need. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace mekong::iam {

// Without padding or with it; none for a character outside the alphabet.
std::optional<std::string> from_base64url(std::string_view text);

// AES-256-GCM: nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes). `key` 32 bytes, `bound` is authenticated, not
// stored.
std::string seal(std::string_view key, std::string_view nonce, std::string_view plain,
                 std::string_view bound);
std::optional<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view bound);

// A key of a JSON Web Key Set (RFC 7518 section 6): members as they stand there, base64url.
struct PublicKey {
  std::string type;               // "RSA" or "EC"
  std::string modulus, exponent;  // RSA
  std::string curve, x, y;        // EC: "P-256", "P-384"
};
// Whether `signature` (RFC 7518: raw bytes) is the key's over `text`. `algorithm`: RS256, RS384, RS512,
// ES256, ES384; false for others, "none" among them, and for one that does not fit the key.
bool signed_by(const PublicKey& key, std::string_view algorithm, std::string_view text,
               std::string_view signature);

}  // namespace mekong::iam
