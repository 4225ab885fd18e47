#include "codec/digests.h"

#include <array>

#include "base/crc32c.h"
#include "codec/hash.h"

namespace mekong::codec {
namespace {

// Reflected polynomials. CRC64NVME: NVM Express NVM command set specification 1.0d, section 5.2.1.3.4.
constexpr uint64_t crc32_polynomial = 0xEDB88320;
constexpr uint64_t crc32c_polynomial = 0x82F63B78;
constexpr uint64_t crc64nvme_polynomial = 0x9A6C9329AC4BC9B5;

constexpr std::array<std::array<uint64_t, 256>, 8> make_crc64_tables() {
  std::array<std::array<uint64_t, 256>, 8> tables{};
  for (uint64_t i = 0; i < 256; ++i) {
    uint64_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? crc64nvme_polynomial : 0);
    tables[0][i] = crc;
  }
  for (size_t slice = 1; slice < 8; ++slice) {
    for (size_t i = 0; i < 256; ++i) {
      uint64_t before = tables[slice - 1][i];
      tables[slice][i] = tables[0][before & 0xFF] ^ (before >> 8);
    }
  }
  return tables;
}

std::string big_endian(uint64_t number, size_t bytes) {
  std::string raw(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) raw[i] = static_cast<char>(number >> (8 * (bytes - 1 - i)));
  return raw;
}

uint64_t read_big_endian(std::string_view raw) {
  uint64_t number = 0;
  for (unsigned char byte : raw) number = number << 8 | byte;
  return number;
}

// Eight bytes a step ("slicing by 8").
class Crc64Nvme final : public Digest {
 public:
  void update(std::string_view bytes) override {
    static constexpr auto tables = make_crc64_tables();
    uint64_t crc = ~crc_;
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    size_t left = bytes.size();
    for (; left >= 8; left -= 8, at += 8) {
      uint64_t next = 0;
      for (size_t i = 0; i < 8; ++i) {
        next ^= tables[7 - i][(crc >> (8 * i) & 0xFF) ^ at[i]];
      }
      crc = next;
    }
    for (; left > 0; --left, ++at) crc = tables[0][(crc ^ *at) & 0xFF] ^ (crc >> 8);
    crc_ = ~crc;
  }
  std::string finish() override { return big_endian(crc_, 8); }

 private:
  uint64_t crc_ = 0;
};

// A linear map of a checksum's bits: column i is what bit i becomes.
using BitMap = std::array<uint64_t, 64>;

uint64_t mapped(const BitMap& map, uint64_t bits) {
  uint64_t sum = 0;
  for (size_t i = 0; bits != 0; bits >>= 1, ++i) sum ^= (bits & 1) != 0 ? map[i] : 0;
  return sum;
}

BitMap squared(const BitMap& map) {
  BitMap square{};
  for (size_t i = 0; i < 64; ++i) square[i] = mapped(map, map[i]);
  return square;
}

// As zlib's crc32_combine: the first checksum is carried over `second_bytes` zero bytes.
uint64_t combine_crc(uint64_t polynomial, uint64_t first, uint64_t second, uint64_t second_bytes) {
  BitMap zeros{};
  zeros[0] = polynomial;
  for (size_t i = 1; i < 64; ++i) zeros[i] = uint64_t{1} << (i - 1);
  for (int i = 0; i < 3; ++i) zeros = squared(zeros);
  for (; second_bytes != 0; second_bytes >>= 1, zeros = squared(zeros)) {
    if ((second_bytes & 1) != 0) first = mapped(zeros, first);
  }
  return first ^ second;
}

class Crc final : public Digest {
 public:
  explicit Crc(uint32_t (*step)(std::string_view, uint32_t)) : step_(step) {}
  void update(std::string_view bytes) override { crc_ = step_(bytes, crc_); }
  std::string finish() override { return big_endian(crc_, 4); }

 private:
  uint32_t (*step_)(std::string_view, uint32_t);
  uint32_t crc_ = 0;
};

class Hash final : public Digest {
 public:
  explicit Hash(Hasher::Algorithm algorithm) : hasher_(algorithm) {}
  void update(std::string_view bytes) override { hasher_.update(bytes); }
  std::string finish() override { return hasher_.finish(); }

 private:
  Hasher hasher_;
};

}  // namespace

Result<std::unique_ptr<Digest>> make_digest(const std::string& algorithm) {
  using enum Hasher::Algorithm;
  std::unique_ptr<Digest> digest;
  if (algorithm == "MD5") digest = std::make_unique<Hash>(md5);
  if (algorithm == "CRC32") digest = std::make_unique<Crc>(&crc32);
  if (algorithm == "CRC32C") digest = std::make_unique<Crc>(&crc32c);
  if (algorithm == "CRC64NVME") digest = std::make_unique<Crc64Nvme>();
  if (algorithm == "SHA1") digest = std::make_unique<Hash>(sha1);
  if (algorithm == "SHA256") digest = std::make_unique<Hash>(sha256);
  if (!digest)
    return Error{"NotImplemented", "The checksum algorithm " + algorithm + " is not implemented", 501};
  return digest;
}

Result<std::string> combine(const std::string& algorithm, std::string_view first, std::string_view second,
                            uint64_t second_bytes) {
  uint64_t polynomial = 0;
  if (algorithm == "CRC32") polynomial = crc32_polynomial;
  if (algorithm == "CRC32C") polynomial = crc32c_polynomial;
  if (algorithm == "CRC64NVME") polynomial = crc64nvme_polynomial;
  if (polynomial == 0) {
    return Error{"NotImplemented", "Full object checksums of parts are not implemented for " + algorithm,
                 501};
  }
  return big_endian(combine_crc(polynomial, read_big_endian(first), read_big_endian(second), second_bytes),
                    first.size());
}

Result<std::string> digest_of(const std::string& algorithm, std::string_view bytes) {
  MEKONG_TRY_ASSIGN(auto digest, make_digest(algorithm));
  digest->update(bytes);
  return digest->finish();
}

}  // namespace mekong::codec
