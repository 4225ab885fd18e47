#include "objects/digests.h"

#include "base/crc32c.h"
#include "codec/hash.h"

namespace mekong::objects {
namespace {

class Crc final : public Digest {
 public:
  explicit Crc(uint32_t (*step)(std::string_view, uint32_t)) : step_(step) {}
  void update(std::string_view bytes) override { crc_ = step_(bytes, crc_); }
  std::string finish() override {
    std::string raw(4, '\0');
    for (size_t i = 0; i < 4; ++i) raw[i] = static_cast<char>(crc_ >> (24 - 8 * i));
    return raw;
  }

 private:
  uint32_t (*step_)(std::string_view, uint32_t);
  uint32_t crc_ = 0;
};

class Hash final : public Digest {
 public:
  explicit Hash(codec::Hasher::Algorithm algorithm) : hasher_(algorithm) {}
  void update(std::string_view bytes) override { hasher_.update(bytes); }
  std::string finish() override { return hasher_.finish(); }

 private:
  codec::Hasher hasher_;
};

}  // namespace

Result<std::unique_ptr<Digest>> make_digest(const std::string& algorithm) {
  using enum codec::Hasher::Algorithm;
  std::unique_ptr<Digest> digest;
  if (algorithm == "MD5") digest = std::make_unique<Hash>(md5);
  if (algorithm == "CRC32") digest = std::make_unique<Crc>(&codec::crc32);
  if (algorithm == "CRC32C") digest = std::make_unique<Crc>(&crc32c);
  if (algorithm == "SHA1") digest = std::make_unique<Hash>(sha1);
  if (algorithm == "SHA256") digest = std::make_unique<Hash>(sha256);
  if (!digest)
    return Error{"NotImplemented", "The checksum algorithm " + algorithm + " is not implemented", 501};
  return digest;
}

Result<std::string> digest_of(const std::string& algorithm, std::string_view bytes) {
  MEKONG_TRY_ASSIGN(auto digest, make_digest(algorithm));
  digest->update(bytes);
  return digest->finish();
}

}  // namespace mekong::objects
