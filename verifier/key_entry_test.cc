#include "verifier/key_entry.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace lockstep::verifier {
namespace {

RC_GTEST_PROP(KeyEntry, is_read_as_it_was_written, ()) {
  KeyEntry entry;
  const auto key = *rc::gen::arbitrary<std::string>();
  entry.key = key;
  entry.db = DbIndex{*rc::gen::arbitrary<uint32_t>()};
  entry.digest = *rc::gen::arbitrary<uint64_t>();
  entry.kind = static_cast<rdb::Kind>(*rc::gen::inRange(0, 7));
  entry.node = *rc::gen::inRange<uint32_t>(0, node_max + 1);
  entry.unread = *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>()) entry.expire_at = ExpireAt{*rc::gen::inRange(0ll, 1ll << 47)};
  if (*rc::gen::arbitrary<bool>()) entry.offset = *rc::gen::arbitrary<uint64_t>();
  std::vector<char> bytes(entry_bytes_max(entry));
  const char* end = write_entry(bytes.data(), entry);
  RC_ASSERT(end <= bytes.data() + bytes.size());
  KeyEntry read;
  RC_ASSERT(read_entry(bytes.data(), read) == end);
  RC_ASSERT(read.same_key(entry));
  RC_ASSERT(read.digest == entry.digest);
  RC_ASSERT(read.kind == entry.kind);
  RC_ASSERT(read.node == entry.node);
  RC_ASSERT(read.unread == entry.unread);
  RC_ASSERT(read.expire_at == entry.expire_at);
  RC_ASSERT(read.offset == entry.offset);
}

TEST(KeyEntry, FarExpiriesSaturateAndStayExpiries) {
  KeyEntry entry, read;
  entry.key = "k";
  entry.expire_at = ExpireAt{INT64_MAX};
  char bytes[64];
  write_entry(bytes, entry);
  read_entry(bytes, read);
  ASSERT_TRUE(read.expire_at);
  EXPECT_GT(read.expire_at->ms, 1ll << 47);
  EXPECT_EQ(read.node, 0u);
}

TEST(HashKey, SameNameInAnotherDatabaseIsAnotherKey) {
  EXPECT_NE(hash_key(DbIndex{0}, "k"), hash_key(DbIndex{1}, "k"));
}

}  // namespace
}  // namespace lockstep::verifier
