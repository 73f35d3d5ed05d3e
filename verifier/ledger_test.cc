#include "verifier/ledger.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace lockstep::verifier {
namespace {

std::string name(int i, size_t bytes) { return std::to_string(i) + std::string(bytes, 'x'); }

void add(Ledger& ledger, const std::string& key) {
  KeyEntry entry;
  entry.key = key;
  ledger.add(entry, entry.hash());
}

/// How many keys there are of each length.
std::map<size_t, int> lengths(const Ledger& ledger) {
  std::map<size_t, int> result;
  for (size_t i = 0; i < Ledger::partition_count; ++i) {
    ledger.read(i, [&](Bytes entries, bool) {
      KeyEntry entry;
      for (const char* at = entries.data(); at != entries.data() + entries.size();) {
        at = read_entry(at, entry);
        ++result[entry.key.size()];
      }
    });
  }
  return result;
}

/// Longer than a block: what small names have left free is no room for them.
TEST(Ledger, LongNamesSpillToo) {
  constexpr size_t memory_bytes = 16 << 20;
  constexpr size_t long_bytes = 100'000, short_bytes = 100;
  constexpr int long_names = 400, short_names = 120'000;
  Ledger ledger(memory_bytes, std::filesystem::temp_directory_path());
  for (int i = 0; i < short_names; ++i) add(ledger, name(100'000 + i, short_bytes));
  ledger.write_out();  // their blocks are free now
  size_t most = 0;
  for (int i = 0; i < long_names; ++i) {
    add(ledger, name(100'000 + i, long_bytes));
    add(ledger, name(300'000 + i, short_bytes));
    most = std::max(most, ledger.memory_bytes());
  }
  EXPECT_LE(most, memory_bytes);
  EXPECT_GT(ledger.spilled_bytes(), long_names * long_bytes / 2);
  const std::map<size_t, int> expected{{short_bytes + 6, short_names + long_names},
                                       {long_bytes + 6, long_names}};
  EXPECT_EQ(lengths(ledger), expected);
}

}  // namespace
}  // namespace lockstep::verifier
