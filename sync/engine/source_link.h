#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sync/engine/fence_book.h"
#include "sync/engine/server_info.h"
#include "sync/engine/snapshot_loader.h"
#include "sync/engine/spool.h"
#include "sync/engine/stream_planner.h"
#include "sync/engine/target.h"
#include "sync/fence/fence.h"
#include "sync/psync/replica_link.h"

namespace lockstep::engine {

struct LinkOptions {
  net::Endpoint source;
  uint16_t id = 0;
  std::vector<std::pair<Slot, Slot>> slots;  ///< what this shard owns; empty: not a cluster
  SpoolOptions spool;
  PlannerOptions planner;
  OnUnsupported unsupported = OnUnsupported::stop;
  /// The target held nothing before: what this link's keys are there may be removed for another
  /// copy.
  bool target_was_empty = false;
  std::chrono::milliseconds retry_for{std::chrono::hours(12)};
};

enum class LinkPhase : uint8_t { connecting, waiting, loading, streaming, stopped };
const char* phase_name(LinkPhase phase);

/// What the sources hold, for sources that share nothing but the target.
class OwnershipOracle {
 public:
  virtual ~OwnershipOracle() = default;
  /// The keys among `keys` that no other source holds.
  virtual asio::awaitable<std::vector<std::string>> not_elsewhere(
      uint16_t link, DbIndex db, std::vector<std::string> keys) = 0;
  /// The names of the function libraries that any source has; but that of link `except`.
  virtual asio::awaitable<std::set<std::string>> libraries(std::optional<uint16_t> except) = 0;
};

/// From a reply of FUNCTION LIST.
std::set<std::string> library_names(const resp::Value& list);

/// One source shard: its replication link, spool, snapshot and stream.
///
///     socket → receive() → [ spool ] → consume(): snapshot → SnapshotLoader, stream →
///     StreamPlanner → target nodes
///
/// receive() drains the socket whatever the target does; acknowledge() tells the source once a
/// second how far we are.
class SourceLink {
 public:
  SourceLink(asio::any_io_executor executor, LinkOptions options, Target& target,
             ScriptStore& scripts, OwnershipOracle& oracle);

  /// Connects and shakes hands: after this the source is making a snapshot, and the target has not
  /// been touched.
  asio::awaitable<void> open();
  /// Runs until close().
  asio::awaitable<void> run();
  void close();

  const LinkOptions& options() const { return options_; }
  LinkPhase phase() const { return phase_; }
  std::string replid() const { return start_.replid.value; }
  Offset received() const { return received_; }
  Offset applied() const;
  /// How long ago the oldest byte not yet applied came; 0 if there is none.
  std::chrono::milliseconds delay() const;
  uint64_t bytes_received() const { return bytes_received_; }
  uint64_t snapshot_bytes() const { return snapshot_bytes_; }
  /// What the source had when the copy began, for the progress.
  uint64_t keys_total() const { return keys_total_; }
  std::optional<uint64_t> snapshot_size() const { return transfer_.snapshot_size(); }
  uint64_t reconnects() const { return reconnects_; }
  const Spool& spool() const { return spool_; }
  const LoaderCounters& loader() const { return loader_.counters(); }
  const PlannerCounters& planner() const { return planner_.counters(); }
  const UnsupportedKeys& unsupported() const { return unsupported_; }
  /// Plans the stream up to this offset exactly, then stands there until go_on(); without one it
  /// stands as soon as it can. Streaming links only.
  void stop_at(std::optional<Offset> offset);
  void go_on();
  /// All that is before the stop has been handed to the target, its fences too.
  bool standing() const { return standing_; }
  /// Why the place where it stands is not the one that was asked for; empty: it is.
  std::string stop_problem() const;
  /// Keys whose value on the target is newer than the place where this link stands.
  std::vector<FenceBook::Ahead> ahead() const { return fences_.ahead_of(parsed_); }
  /// Waiters on this link's phase.
  bool streaming() const { return phase_ == LinkPhase::streaming; }

  /// A request to this link's source, over the connection that fences use.
  asio::awaitable<resp::Value> ask_source(std::vector<std::string> request);
  asio::awaitable<std::vector<resp::Value>> ask_source_many(std::string requests, size_t count);
  asio::awaitable<ServerInfo> source_info();

 private:
  struct Arrival {
    Offset offset;
    int64_t at_ms = 0;
  };

  asio::awaitable<void> receive();
  asio::awaitable<void> reconnect(std::string reason);
  void accept_bytes(Bytes data);
  void note_arrival();
  asio::awaitable<void> acknowledge();
  asio::awaitable<void> send_ack();

  /// Of receive(): the link is lost during the full copy. Returns when the consumer has begun
  /// another one, or throws what the user is told where that cannot be.
  asio::awaitable<void> give_up_copy(std::string reason);
  std::string why_no_other_copy() const;
  /// Of the consumer: connects for another copy, and removes what the lost one has written.
  asio::awaitable<void> begin_copy_again();
  void forget_lost_copy();
  asio::awaitable<std::unique_ptr<psync::ReplicaLink>> open_again();
  asio::awaitable<void> remove_lost_copy();
  asio::awaitable<void> require_only_copied_keys();
  asio::awaitable<void> learn_source();
  /// ReplicaLink::open(), which close() ends.
  asio::awaitable<std::unique_ptr<psync::ReplicaLink>> shake_hands(
      psync::HandshakeOptions handshake);

  asio::awaitable<void> consume();
  /// False: the copy is lost.
  asio::awaitable<bool> load_snapshot();
  asio::awaitable<bool> await_snapshot_end();
  bool load_event(const rdb::Event& event);
  asio::awaitable<void> apply_stream();
  asio::awaitable<void> apply_available();
  size_t apply_plain_sets();
  asio::awaitable<void> apply_step(StreamPlanner::Step step, std::vector<Bytes> args, Offset end);
  asio::awaitable<void> apply_exploded(Offset end);
  asio::awaitable<void> fill();
  asio::awaitable<void> stand();
  Bytes pending_bytes() const { return Bytes(work_).substr(work_read_); }
  /// Those of them that are before the stop.
  Bytes bytes_to_plan() const;
  bool stop_reached() const;
  /// The source's clock when the stream's byte before `end` came. For rising ends.
  int64_t came_at_ms(Offset end);

  asio::awaitable<void> fence_pending();
  asio::awaitable<void> note_presence(DbIndex db, std::vector<std::string> keys);
  asio::awaitable<void> fence_keys(DbIndex db, std::vector<std::string> keys, bool gate);
  asio::awaitable<std::vector<fence::FencedKey>> read_again(DbIndex db,
                                                            std::vector<std::string> keys);
  asio::awaitable<void> await_room(std::string key, bool gate);
  void write_fenced(DbIndex db, const fence::FencedKey& key);
  asio::awaitable<void> settle(std::vector<FailedUnit> units);
  std::set<std::pair<DbIndex, std::string>> known_keys(const FailedUnit& failed) const;
  std::string first_key(const FailedUnit& failed) const;
  uint32_t count_requests(Bytes requests) const;
  void resend(TargetNode& node, const FailedUnit& failed);
  asio::awaitable<void> fence_unknown(std::vector<Bytes> args);
  asio::awaitable<void> on_target(const char* what, std::function<asio::awaitable<void>()> work);
  asio::awaitable<void> flush(std::vector<Bytes> args);
  asio::awaitable<void> flush_database();
  asio::awaitable<void> flush_database_once(DbIndex db);
  void forget_unsupported(Bytes flush);
  asio::awaitable<void> swap_databases(std::vector<Bytes> args);
  asio::awaitable<void> swap_once(DbIndex a, DbIndex b, std::string marker);
  asio::awaitable<void> flush_owned(std::vector<Bytes> args);
  asio::awaitable<void> remove_owned(bool all);
  /// For work of on_target(): what may pass is a ConnectionError.
  asio::awaitable<ServerInfo> ask_target_info(net::Endpoint node);
  asio::awaitable<void> flush_owned_on(net::Endpoint node, DbIndex db);
  asio::awaitable<void> remove_flushed(net::Client& client, DbIndex db,
                                       std::vector<std::string> keys);
  asio::awaitable<void> remove_functions();
  asio::awaitable<void> load_functions();
  asio::awaitable<void> load_libraries(std::vector<std::string> codes);
  asio::awaitable<void> remove_keys(net::Client& client, std::vector<std::string> keys);
  asio::awaitable<void> lock_aux();
  asio::awaitable<net::Client*> connect_aux();
  void unlock_aux();
  asio::awaitable<void> remove_gone_libraries();
  asio::awaitable<void> remove_libraries(std::set<std::string> names);
  asio::awaitable<void> remove_library(net::Client& client, std::string name);
  bool owns_slot(Bytes key) const;
  asio::awaitable<void> measure_clock();

  asio::any_io_executor executor_;
  LinkOptions options_;
  Target& target_;
  ScriptStore& scripts_;
  OwnershipOracle& oracle_;
  LinkPhase phase_ = LinkPhase::connecting;
  bool closed_ = false;

  std::unique_ptr<psync::ReplicaLink> link_;
  psync::SyncStart start_;
  psync::Transfer transfer_;
  std::string carry_;
  Spool spool_;
  Wake spool_wake_;
  Wake copy_wake_;
  Offset received_;
  uint64_t bytes_received_ = 0;
  uint64_t snapshot_bytes_ = 0;
  uint64_t reconnects_ = 0;
  bool received_snapshot_ = false;
  bool copy_lost_ = false;
  unsigned copies_lost_ = 0;
  unsigned empty_copies_lost_ = 0;  ///< of which nothing had come
  uint64_t copied_keys_ = 0;        ///< by copies that are lost, and not removed yet
  std::set<std::string> copied_libraries_;
  uint64_t keys_total_ = 0;
  std::function<void()> end_handshake_;
  std::deque<Arrival> arrivals_;
  Arrival came_;  ///< what came_at_ms() has found last
  int64_t clock_offset_ms_ = 0;

  std::string work_;
  size_t work_read_ = 0;
  Offset parsed_;  ///< the stream's offset behind what the parser has consumed
  std::optional<Offset> stop_;
  bool stop_exactly_ = false;
  bool standing_ = false;
  Wake stop_wake_;
  resp::CommandParser parser_;
  rdb::Framer framer_;
  UnsupportedKeys unsupported_;
  SnapshotLoader loader_;
  FenceBook fences_;
  StreamPlanner planner_;
  std::unique_ptr<net::Client> aux_;
  bool aux_busy_ = false;
  bool acking_ = false;
  Wake aux_wake_;
  Wake closing_;
  Sleeper ack_pause_;
  Sleeper retry_pause_;
};

}  // namespace lockstep::engine
