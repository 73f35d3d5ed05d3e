#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sync/base/units.h"
#include "sync/engine/fence_book.h"
#include "sync/engine/options.h"
#include "sync/fence/rebuild.h"

namespace lockstep::engine {

enum class State : uint8_t { initialising, synchronising, failed, finished };
const char* state_name(State state);

/// What a target cannot hold.
struct UnsupportedStatus {
  static constexpr size_t examples_max = 20;
  struct Key {
    DbIndex db;
    std::string key;
    fence::Unsupported reason;
  };
  uint64_t keys = 0;                                                   ///< now
  uint64_t streams = 0, field_expiry = 0, modules = 0, databases = 0;  ///< of them
  uint64_t functions = 0;                                              ///< libraries
  uint64_t commands = 0;  ///< of the stream, on such keys
  std::vector<Key> examples{};
};

struct LinkStatus {
  std::string source;
  std::string target;
  std::string phase;
  std::string replid;
  Offset source_offset;  ///< the source's master_repl_offset when it was last asked (every second)
  Offset received_offset;
  Offset applied_offset;
  int64_t delay_ms = 0;
  uint64_t bytes_received = 0;
  uint64_t snapshot_bytes = 0;
  uint64_t snapshot_bytes_total = 0;  ///< 0: the source does not say (diskless)
  uint64_t keys_loaded = 0;
  uint64_t keys_total = 0;  ///< by the source's INFO when the copy began
  uint64_t restored = 0, plain = 0, rebuilt = 0;
  uint64_t commands = 0, transactions = 0, transactions_split = 0, merged_sets = 0, splits = 0,
           fences = 0, dropped = 0;
  uint64_t rewritten = 0;  ///< commands that the target does not know, sent as others
  uint64_t unknown = 0;    ///< such commands whose keys were read again instead
  UnsupportedStatus unsupported{};
  uint64_t reconnects = 0;
  /// While held: keys that a fence has brought to a later offset than the link's. The target holds
  /// them as the source had them then.
  std::vector<FenceBook::Ahead> ahead{};
  uint64_t spool_bytes = 0, spool_disk_bytes = 0;
};

/// The hold that somebody has asked for with a lease, and those before it.
struct HoldStatus {
  uint64_t id = 0;  ///< 0: none now
  int64_t lease_left_ms = 0;
  uint64_t count = 0;    ///< so far
  uint64_t expired = 0;  ///< of them, ended by their lease
  int64_t longest_ms = 0;
};

struct Status {
  State state = State::initialising;
  std::string error;
  bool held = false;
  HoldStatus hold;
  ExpiryMode expiry = ExpiryMode::replica;
  int64_t expiry_grace_ms = 0;  ///< the target's expiries are later by this until finalized
  bool caught_up = false;       ///< every link streams and has applied all it has received, and its
                                ///< source's offset of a second ago
  int64_t uptime_ms = 0;
  uint64_t recoveries = 0;  ///< times the target refused something or went away and was settled
  uint64_t failed_requests = 0;
  std::string last_failure;
  uint64_t memory_peak_bytes = 0;
  OnUnsupported unsupported = OnUnsupported::stop;
  std::string unsupported_list;  ///< the file; empty: none
  std::vector<LinkStatus> links;
};

/// The sum over the links.
UnsupportedStatus unsupported_in(const Status& status);

std::string to_json(const Status& status);
/// Prometheus text exposition format 0.0.4.
std::string to_prometheus(const Status& status);
/// VmHWM of this process.
uint64_t memory_peak_bytes();

}  // namespace lockstep::engine
