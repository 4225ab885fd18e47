// Flipped bits at random places of every file that the store reads: each is named by verify(), or changes
// nothing that is read. MEKONG_META_SEED=n runs one seed again; in the tier `full` every bit has its turn.
#include "meta/verify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "meta/record_file.h"
#include "meta/rocksdb_store.h"
#include "os/memory_files.h"

namespace mekong::meta {
namespace {

const std::string folder = "/data/meta";

// Some tables (each opening writes what the journal held to one), and a journal that is not yet in one.
void write(os::MemoryFiles& files) {
  ASSERT_TRUE(files.make_directories("/data").ok());
  for (int life = 0; life < 3; ++life) {
    auto store = open_rocksdb_on(files, folder, {"a", "b"}, Durability::sync);
    ASSERT_TRUE(store.ok()) << store.error().message;
    for (int i = 0; i < 40; ++i) {
      Batch batch;
      batch.put("a", "key" + std::to_string(life * 100 + i), std::string(static_cast<size_t>(i), 'x'));
      batch.put("b", "key" + std::to_string(i), "value" + std::to_string(life));
      if (i == 0) batch.put("b", "large" + std::to_string(life), std::string(2000, 'x'));
      ASSERT_TRUE((*store)->commit(std::move(batch)).get().ok());
    }
  }
}

// All there is; "error" where reading failed.
std::string content_of(const Store& store) {
  std::string all;
  for (const char* family : {"a", "b"}) {
    const auto page = store.scan(family, {});
    if (!page.ok()) return "error";
    for (const auto& entry : *page) all += entry.key + "=" + entry.value + "\n";
  }
  return all;
}

bool names_damage(const Verification& found) {
  return std::any_of(found.findings.begin(), found.findings.end(),
                     [](const Finding& one) { return one.flaw == Flaw::damaged; });
}

TEST(MetaVerifyTest, bitflips_are_named_or_harmless) {
  const char* given = std::getenv("MEKONG_META_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("MEKONG_META_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  os::MemoryFiles files;
  write(files);
  Verification clean;
  const uint64_t before = files.changes();
  ASSERT_TRUE(verify(files, folder, clean).ok());
  EXPECT_EQ(files.changes(), before) << "verify() has changed something";
  for (const auto& one : clean.findings) ADD_FAILURE() << one.file << ": " << one.what;
  const std::string truth = content_of(**open_read_only(files, folder));
  ASSERT_GT(truth.size(), 1000u);
  struct Bit {
    std::string path;
    uint64_t at;
    int bit;
  };
  std::vector<Bit> bits;
  for (const auto all = files.list(folder); const auto& entry : *all) {
    const bool read = entry.name.ends_with(".sst") || entry.name.ends_with(".blob") ||
                      entry.name.ends_with(".log") || entry.name.starts_with("MANIFEST-") ||
                      entry.name == "CURRENT";
    if (!read) continue;
    const std::string path = folder + "/" + entry.name;
    const uint64_t size_bits = files.read_file(path)->size() * 8;
    for (uint64_t i = 0; i < size_bits; ++i) bits.push_back({path, i / 8, static_cast<int>(i % 8)});
  }
  const auto of_large_values = [](const Bit& one) { return one.path.ends_with(".blob"); };
  ASSERT_TRUE(std::any_of(bits.begin(), bits.end(), of_large_values)) << "no file of large values";
  std::shuffle(bits.begin(), bits.end(), random);
  const char* tier = std::getenv("MEKONG_TIER");
  if (tier == nullptr || std::string_view(tier) != "full") bits.resize(200);
  size_t named = 0;
  for (const auto& [path, at, bit] : bits) {
    SCOPED_TRACE(path + " byte " + std::to_string(at) + " bit " + std::to_string(bit));
    files.flip_bit(path, at, bit);
    Verification found;
    ASSERT_TRUE(verify(files, folder, found).ok());
    const bool damage = names_damage(found);
    if (damage) ++named;
    const auto store = open_read_only(files, folder);
    const std::string content = store.ok() ? content_of(**store) : "error";
    if (!damage) EXPECT_EQ(content, truth) << "not named, and not harmless";
    files.flip_bit(path, at, bit);
    if (testing::Test::HasFailure()) break;
  }
  std::printf("%zu of %zu named\n", named, bits.size());
  EXPECT_GT(named, bits.size() * 3 / 4);
}

// Each bit of the last 200 bytes: the end of the properties, the metaindex and the footer. One of them is
// interpreted before its sum is checked, and a table without it ended the process.
TEST(MetaVerifyTest, every_bitflip_at_a_tables_end_is_named_or_harmless) {
  os::MemoryFiles files;
  write(files);
  const std::string truth = content_of(**open_read_only(files, folder));
  std::string path;
  for (const auto all = files.list(folder); const auto& entry : *all) {
    if (entry.name.ends_with(".sst")) path = folder + "/" + entry.name;
  }
  const uint64_t size = files.read_file(path)->size();
  int named = 0, properties = 0;
  for (uint64_t at = size - 200; at < size; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      SCOPED_TRACE(path + " byte " + std::to_string(at) + " bit " + std::to_string(bit));
      files.flip_bit(path, at, bit);
      Verification found;
      ASSERT_TRUE(verify(files, folder, found).ok());
      const bool damage = names_damage(found);
      named += damage;
      properties += std::any_of(found.findings.begin(), found.findings.end(), [](const Finding& one) {
        return one.what.find("the properties of") != std::string::npos;
      });
      if (!damage) EXPECT_EQ(content_of(**open_read_only(files, folder)), truth);
      files.flip_bit(path, at, bit);
    }
  }
  EXPECT_GT(named, 1500);
  EXPECT_GE(properties, 1) << "the flag of the properties is not where it was looked for";
}

TEST(MetaVerifyTest, a_torn_record_is_told_from_a_damaged_one) {
  os::MemoryFiles files;
  write(files);
  std::string journal;
  for (const auto all = files.list(folder); const auto& entry : *all) {
    if (entry.name.ends_with(".log")) journal = *files.read_file(folder + "/" + entry.name);
  }
  ASSERT_GT(journal.size(), 500u);
  using Kind = RecordFileEnd::Kind;
  EXPECT_EQ(examine_record_file(journal).kind, Kind::whole);
  EXPECT_EQ(examine_record_file(journal.substr(0, journal.size() - 3)).kind, Kind::torn);
  std::string damaged = journal;
  damaged[20] ^= 1;
  EXPECT_EQ(examine_record_file(damaged).kind, Kind::damaged);
  EXPECT_EQ(examine_record_file(damaged).offset, 0u);
  // A length that leads past the end, or a type with a longer head: RocksDB would take the last one for torn.
  const uint64_t last = examine_record_file(journal.substr(0, journal.size() - 1)).offset;
  for (const uint64_t record : {uint64_t{0}, last}) {
    for (int bit = 0; bit < 7 * 8; ++bit) {
      damaged = journal;
      damaged[record + static_cast<uint64_t>(bit / 8)] ^= static_cast<char>(1 << bit % 8);
      const auto end = examine_record_file(damaged);
      EXPECT_EQ(end.kind, Kind::damaged) << "record " << record << " bit " << bit;
      EXPECT_EQ(end.offset, record) << "bit " << bit;
    }
  }
}

// As a crash image of a real file system had it: of its full length, and a sector in it never written.
TEST(MetaVerifyTest, a_last_record_with_a_sector_of_zeros_is_torn_and_cut) {
  for (const bool another : {false, true}) {
    os::MemoryFiles files;
    write(files);
    const std::string truth = content_of(**open_read_only(files, folder));
    {
      auto store = open_rocksdb_on(files, folder, {"a", "b"}, Durability::sync);
      ASSERT_TRUE(store.ok());
      ASSERT_TRUE((*store)->commit(std::move(Batch().put("a", "torn", std::string(3000, 'x')))).get().ok());
      if (another) ASSERT_TRUE((*store)->commit(std::move(Batch().put("a", "good", "x"))).get().ok());
    }
    for (const auto all = files.list(folder); const auto& entry : *all) {
      const std::string path = folder + "/" + entry.name;
      if (!entry.name.ends_with(".log") || files.read_file(path)->size() < 3000) continue;
      auto file = *files.open(path, os::OpenMode::write);
      ASSERT_TRUE(file->write(1024, std::string(512, '\0')).ok());
    }
    Verification found;
    ASSERT_TRUE(verify(files, folder, found).ok());
    ASSERT_FALSE(found.findings.empty());
    EXPECT_EQ(found.findings[0].flaw, another ? Flaw::damaged : Flaw::unfinished) << found.findings[0].what;
    const auto store = open_rocksdb_on(files, folder, {"a", "b"}, Durability::sync);
    ASSERT_EQ(store.ok(), !another);
    if (another) continue;
    EXPECT_EQ(content_of(**store), truth);
  }
}

TEST(MetaVerifyTest, a_read_only_store_takes_nothing) {
  os::MemoryFiles files;
  write(files);
  const auto store = open_read_only(files, folder);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ((*store)->commit(std::move(Batch().put("a", "k", "v"))).get().error().code, "ReadOnly");
}

}  // namespace
}  // namespace mekong::meta
