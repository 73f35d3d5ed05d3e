#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "verifier/side.h"
#include "verifier/snapshot_parser.h"

namespace lockstep::verifier {

/// A key on its way through a scan.
struct ScannedKey {
  std::string name;
  uint64_t page = 0;   ///< number of the SCAN that gave it
  uint64_t bytes = 0;  ///< of its value in memory; 0: not known
  bool no_string = false;
  bool whole = false;  ///< big, but only DUMP shows all of it
  bool expiry_known = false;
  std::optional<ExpireAt> expire_at{};
  rdb::Kind kind = rdb::Kind::string;  ///< once it has been read
  uint64_t digest = 0;
};
using ScannedKeys = std::vector<ScannedKey>;

/// How the cheapest exact read of each key is put together; what a node refuses is switched off.
struct ReadingWays {
  bool mget = true;          ///< strings come by MGET, and null says that a key is no string
  bool sizes = true;         ///< MEMORY USAGE comes before DUMP
  bool sizes_first = false;  ///< and before MGET: there are big strings
  bool expiries = false;     ///< the database has keys with an expiry
  bool absolute = true;      ///< PEXPIRETIME; else PTTL between TIMEs
  bool by_slot = false;      ///< an MGET for each slot: a cluster
};

/// Keys by what must be asked of them next.
struct ScanQueues {
  std::deque<ScannedKey> unread;   ///< MGET
  std::deque<ScannedKey> unsized;  ///< MEMORY USAGE
  std::deque<ScannedKey> sized;    ///< DUMP
  ScannedKeys big;                 ///< to be read in pieces
  size_t size() const { return unread.size() + unsized.size() + sized.size(); }
};

/// What is sent to a node at once; the replies come in this order:
///
///     SCAN | expiries | MGET … | MEMORY USAGE … | DUMP … | INFO keyspace
struct ScanBatch {
  bool scan = false;
  bool expiries = false;  ///< of all keys of mgets and dumps whose expiry is not known
  std::vector<ScannedKeys> mgets;
  ScannedKeys sizes;
  ScannedKeys dumps;
  bool info = false;
  std::string requests;
  std::chrono::steady_clock::time_point sent{};
  size_t commands = 0;  ///< an MGET counts as many as it has keys
  size_t replies = 0;   ///< headers of arrays, and what is in them, are one

  bool empty() const { return replies == 0; }
};

/// PTTL was computed between the two times: the expiry is right to half of what lies between them,
/// as a rule exact.
void make_absolute(ScannedKey& key, int64_t before_ms, int64_t after_ms);

/// So many expiries are asked between two TIMEs.
inline constexpr size_t expiries_between_times = 16;

/// Takes from the queues what one batch may hold, so that its replies stay near a few megabytes as
/// far as sizes are known, and writes the requests behind `batch.requests`.
void fill_batch(ScanBatch& batch, ScanQueues& queues, const ReadingWays& ways, size_t keys_max);

}  // namespace lockstep::verifier
