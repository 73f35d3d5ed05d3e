#pragma once

#include <cstdint>
#include <optional>

#include "sync/base/bytes.h"
#include "sync/base/units.h"
#include "sync/rdb/format.h"

namespace lockstep::verifier {

enum class SideName : uint8_t { source, target };

inline constexpr uint32_t node_max = 2047;
/// Of entries that hold whole keys: longer names do not exist (the servers' limit for a string).
inline constexpr size_t name_bytes_max = 512ull << 20;

/// What is kept of a key until it can be compared with the other side's.
struct KeyEntry {
  DbIndex db;
  Bytes key;
  uint64_t digest = 0;
  rdb::Kind kind = rdb::Kind::string;
  std::optional<ExpireAt> expire_at;  ///< saturates some 8,900 years after the epoch
  uint32_t node = 0;
  bool unread = false;             ///< its value could not be read: it must be read again
  std::optional<uint64_t> offset;  ///< where it stands in the file that it was read from

  /// 64 bits that stand for the key and its database.
  uint64_t hash() const;
  bool same_key(const KeyEntry& other) const { return db == other.db && key == other.key; }
};

uint64_t hash_key(DbIndex db, Bytes key);

// The bytes of an entry, 16 beside the name, the numbers of variable length and, of a file's, the
// offset:
//
//     | digest 8 | expiry 48 bits · node 11 · kind 3 · from a file 1 · unread 1 | db | length |
//     | name | offset |

/// At most so many bytes are written for it.
size_t entry_bytes_max(const KeyEntry& entry);
/// Returns the end.
char* write_entry(char* to, const KeyEntry& entry);
/// Returns the end; the entry's key points into `from`. REQUIRES: bytes of write_entry().
const char* read_entry(const char* from, KeyEntry& entry);

}  // namespace lockstep::verifier
