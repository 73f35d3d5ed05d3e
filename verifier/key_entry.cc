#include "verifier/key_entry.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "sync/base/error.h"

namespace lockstep::verifier {

namespace {

constexpr int expiry_shift = 16;
constexpr int node_shift = 5;
constexpr int kind_shift = 2;
constexpr uint64_t from_file_bit = 2;
constexpr uint64_t unread_bit = 1;
constexpr int64_t expiry_max = (int64_t{1} << 48) - 2;
constexpr size_t number_bytes_max = 10;

uint64_t pack(const KeyEntry& entry) {
  LOCKSTEP_ASSERT(entry.node <= node_max);
  const uint64_t expiry =
      entry.expire_at
          ? static_cast<uint64_t>(std::clamp<int64_t>(entry.expire_at->ms, 0, expiry_max)) + 1
          : 0;
  return expiry << expiry_shift | static_cast<uint64_t>(entry.node) << node_shift |
         static_cast<uint64_t>(entry.kind) << kind_shift | (entry.offset ? from_file_bit : 0) |
         (entry.unread ? unread_bit : 0);
}

void unpack(uint64_t packed, KeyEntry& entry) {
  const uint64_t expiry = packed >> expiry_shift;
  entry.expire_at = std::nullopt;
  if (expiry > 0) entry.expire_at = ExpireAt{static_cast<int64_t>(expiry - 1)};
  entry.node = static_cast<uint32_t>(packed >> node_shift) & node_max;
  entry.kind = static_cast<rdb::Kind>((packed >> kind_shift) & 7);
  entry.unread = (packed & unread_bit) != 0;
}

char* write_number(char* to, uint64_t number) {
  for (; number >= 0x80; number >>= 7) *to++ = static_cast<char>(number | 0x80);
  *to++ = static_cast<char>(number);
  return to;
}

const char* read_number(const char* from, uint64_t& number) {
  number = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*from++);
    number |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return from;
  }
}

}  // namespace

uint64_t hash_key(DbIndex db, Bytes key) {
  return XXH3_64bits_withSeed(key.data(), key.size(), db.value);
}

uint64_t KeyEntry::hash() const { return hash_key(db, key); }

size_t entry_bytes_max(const KeyEntry& entry) {
  return sizeof(uint64_t) * 2 + number_bytes_max * 3 + entry.key.size();
}

char* write_entry(char* to, const KeyEntry& entry) {
  const uint64_t words[2] = {entry.digest, pack(entry)};
  std::memcpy(to, words, sizeof words);
  to = write_number(to + sizeof words, entry.db.value);
  to = write_number(to, entry.key.size());
  std::memcpy(to, entry.key.data(), entry.key.size());
  to += entry.key.size();
  return entry.offset ? write_number(to, *entry.offset) : to;
}

const char* read_entry(const char* from, KeyEntry& entry) {
  uint64_t words[2];
  std::memcpy(words, from, sizeof words);
  entry.digest = words[0];
  unpack(words[1], entry);
  uint64_t db = 0, length = 0, offset = 0;
  from = read_number(from + sizeof words, db);
  from = read_number(from, length);
  entry.db = DbIndex{static_cast<uint32_t>(db)};
  entry.key = Bytes(from, length);
  from += length;
  entry.offset = std::nullopt;
  if ((words[1] & from_file_bit) == 0) return from;
  from = read_number(from, offset);
  entry.offset = offset;
  return from;
}

}  // namespace lockstep::verifier
