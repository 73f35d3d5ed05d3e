#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sync/commands/commands.h"
#include "sync/engine/fence_book.h"
#include "sync/engine/script_store.h"
#include "sync/engine/server_info.h"
#include "sync/engine/target.h"
#include "sync/engine/unsupported.h"
#include "sync/resp/parser.h"

namespace lockstep::engine {

struct PlannerOptions {
  std::chrono::milliseconds expiry_grace{
      0};                 ///< added to every expiry (mode `replica`), 0 in mode `exact`
  bool publish = false;   ///< forward PUBLISH
  bool only_link = true;  ///< the source is one server: FLUSHALL may be forwarded as it is
  size_t transaction_bytes_max = 64 << 20;  ///< a larger transaction is applied command by command
};

struct PlannerCounters {
  uint64_t commands = 0;
  uint64_t transactions = 0;
  uint64_t transactions_split =
      0;  ///< not applied as one: several slots, too large, or with a command that cannot be inside
  uint64_t splits = 0;   ///< multi-key commands sent by slot
  uint64_t fences = 0;   ///< keys that had to be read again
  uint64_t dropped = 0;  ///< commands whose effect a fence had already brought
  uint64_t rewritten_expiries = 0;
  uint64_t rewritten = 0;    ///< commands that the target does not know, sent as others
  uint64_t unknown = 0;      ///< commands that the target does not know, whose keys were read again
  uint64_t left_out = 0;     ///< commands on what the target cannot hold
  uint64_t merged_sets = 0;  ///< SETs that went as one MSET with others
  uint64_t publishes_dropped = 0;
};

/// Decides what becomes of each command of one link's stream and appends it to the target's nodes:
/// forwarded as received where possible, else rewritten, split by slot, or given to the fence book.
/// Awaits nothing; the link does what a Step asks for.
class StreamPlanner {
 public:
  enum class Step {
    done,         ///< planned
    fence_first,  ///< touches a key that waits for its fence, or too many wait: fence, then plan it
                  ///< again
    flush,        ///< FLUSHALL, FLUSHDB: with nothing else under way
    flush_owned,  ///< the same of one of several sources: remove what this one owned
    swap,         ///< SWAPDB: with nothing else under way, and once
    function_gone,   ///< FUNCTION DELETE, FLUSH or RESTORE: remove the libraries that no source has
    load_functions,  ///< FUNCTION RESTORE of a payload that the target does not load: read them at
                     ///< the source
    ask_keys,        ///< not in the table: ask the source for its keys, fence them
    exploded,        ///< a transaction that cannot be one: plan take_exploded() one by one
  };

  StreamPlanner(Target& target, uint16_t link, PlannerOptions options, FenceBook& fences,
                ScriptStore& scripts, UnsupportedKeys& unsupported);

  /// Before the stream begins.
  void set_source(const ServerInfo& source);
  /// Database the stream begins in (repl-stream-db of the RDB) and the offset before its first
  /// byte.
  void start(DbIndex db, Offset offset);
  /// `raw` is the command as received, `end` the link's offset behind it, `now_ms` the source's
  /// clock when it came.
  Step plan(std::span<const Bytes> args, Bytes raw, Offset end, int64_t now_ms);
  /// The same for a run of plain SETs at the beginning of `stream`, whose first byte is at offset
  /// `begin`: they go as one MSET. Returns the bytes planned; 0: begins with something else, or
  /// something is under way that needs each command by itself.
  size_t plan_plain_sets(Bytes stream, Offset begin);
  /// The commands of a transaction that is applied one by one, whole requests one behind the other.
  std::string take_exploded() { return std::move(exploded_); }
  void end_exploded() { exploding_ = false; }
  /// What the Step of the last command asked for is done; until then it does not count as settled.
  void step_done() { awaited_ = false; }
  /// Sends a flush to all nodes.
  void flush(Bytes name);

  /// Up to here everything has been handed to the nodes.
  Offset settled() const;
  bool in_transaction() const { return in_transaction_; }
  /// True once after REPLCONF GETACK.
  bool take_ack_wanted() { return std::exchange(ack_wanted_, false); }
  DbIndex db() const { return db_; }
  const PlannerCounters& counters() const { return counters_; }
  PlannerCounters& counters() { return counters_; }

 private:
  struct Request {
    const commands::Spec* spec = nullptr;
    std::span<const Bytes> args;
    Bytes raw;
  };
  /// The part of a transaction that goes to one slot (or to the only node).
  struct Group {
    TargetNode* node = nullptr;
    std::string requests;
    uint32_t commands = 0;
    bool needs_key = false;  ///< has a command of which needs_its_key() is true
    bool needs_fields = false;
    bool claims = false;  ///< has an XCLAIM whose reply must be looked at
    DbIndex first_db;
    DbIndex db;
  };

  Step plan_one(const Request& request);
  Step plan_keys(const Request& request);
  Step plan_routed(const Request& request);
  bool fits(const Request& request);
  bool loads(Bytes payload) const;
  void plan_unknown(const Request& request);
  bool touches_unsupported(const Request& request) const;
  void plan_unsupported(const Request& request);
  bool simple() const;
  Step plan_without_keys(const Request& request);
  Step plan_script_scope(const Request& request);
  Step plan_flush(const Request& request);
  Step select(const Request& request);
  void split(const Request& request);
  void fence_written(const Request& request);
  void fence_both_databases(const Request& request, DbIndex other);
  void add_pending(DbIndex db, Bytes key);
  /// Offset before what is applied in one piece: the command, or its transaction.
  Offset begin_of_unit() const {
    return in_transaction_ || exploding_ ? transaction_begin_ : before_;
  }
  /// Offset that is applied with the unit being made. Parts of a transaction that is applied one by
  /// one add nothing to it: when all of them are answered, settled() counts.
  Offset end_of_unit() const { return exploding_ ? transaction_begin_ : end_; }
  bool touches_pending(const Request& request) const;
  bool covered(Bytes key) const;
  bool covered_by_fence(const Request& request) const;
  void drop_covered(const Request& request);
  void emit(TargetNode& node, Slot slot, const Request& request);
  uint32_t encode(const commands::Spec& spec, std::span<const Bytes> args, Bytes raw);
  void append(TargetNode& node, Slot slot, Bytes request, uint32_t replies,
              const commands::Spec& spec);
  bool db_there() const { return db_.value < target_.abilities().databases; }
  void broadcast(Bytes raw);
  Step plan_function(const Request& request);
  bool is_random_script(const Request& request) const;
  Step plan_random_script(const Request& request);
  void publish(const Request& request);
  void prepare_script(TargetNode& node, const Request& request);

  Step begin_transaction(Offset end);
  Step queue(Bytes raw);
  Step end_transaction(bool exec);
  Step explode();
  bool awkward(const Request& request);
  bool each_queued(const std::function<bool(const Request&)>& visit);
  void plan_transaction();
  void send_groups();

  Target& target_;
  uint16_t link_;
  PlannerOptions options_;
  FenceBook& fences_;
  ScriptStore& scripts_;
  UnsupportedKeys& unsupported_;
  commands::Dialect dialect_;  ///< the target's

  DbIndex db_;
  Offset before_;  ///< before the command being planned
  Offset end_;     ///< behind it
  int64_t now_ms_ = 0;
  std::vector<commands::KeyRef> keys_;
  std::string rewritten_;
  commands::Requests adapted_;  ///< with fit_: what fits() found
  commands::Fit fit_ = commands::Fit::as_is;

  bool in_transaction_ = false;
  bool exploding_ = false;
  bool grouping_ = false;
  bool awaited_ = false;
  Offset transaction_begin_;
  std::string queued_;  ///< the commands between MULTI and EXEC, as received
  std::vector<std::pair<uint32_t, Group>> groups_;  ///< by slot, in order of first use
  std::string exploded_;
  bool ack_wanted_ = false;
  PlannerCounters counters_;
};

}  // namespace lockstep::engine
