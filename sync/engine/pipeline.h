#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sync/cluster/topology.h"
#include "sync/engine/options.h"
#include "sync/engine/source_link.h"
#include "sync/engine/status.h"
#include "sync/engine/target.h"
#include "sync/engine/unsupported_list.h"

namespace lockstep::engine {

/// The source deployment as it was found: one shard for a standalone server, one for each primary
/// of a cluster, one for each server of a fleet.
struct Source {
  std::vector<net::Endpoint> shards;
  std::vector<std::vector<std::pair<Slot, Slot>>> slots;  ///< by shard; empty ranges: not a cluster
  bool clustered = false;
};

/// One source deployment into one target deployment: the links, the target, and what belongs to
/// both.
///
/// A full copy starts from nothing each time this is made. What a later run could resume from
/// (replid, applied offset) is known per link, see SourceLink::applied(); nothing is written to the
/// target for it yet.
class Pipeline : public OwnershipOracle {
 public:
  Pipeline(asio::any_io_executor executor, const SyncOptions& options, net::Endpoint target);

  /// Connects to the target and prechecks; the target is not changed. `source` was found by
  /// find_source().
  asio::awaitable<void> prepare(Source source);
  /// Opens the links. After this the source makes a snapshot.
  asio::awaitable<void> open();
  /// Runs until close() or a failure.
  asio::awaitable<void> run();
  void close();

  bool streaming() const;
  /// Nothing more is sent to the target until release(); what is under way is waited for by
  /// await_held().
  void begin_hold();
  asio::awaitable<void> await_held();
  void release();
  bool held() const { return held_; }
  /// Of a held pipeline: lets each link's stream be applied up to its offset exactly (links without
  /// one stay about where they are) and holds there. Throws UserError if a link cannot stand there,
  /// or the hold is released meanwhile.
  asio::awaitable<void> advance(std::vector<std::optional<Offset>> offsets);
  /// Waits until everything that the source had written when this was called is applied.
  asio::awaitable<void> catch_up();
  /// catch_up(), exact expiries, catch_up(): afterwards the target is what the source is, if
  /// clients have stopped writing there.
  asio::awaitable<void> finalize();
  /// Lets what was received be applied, at most for `bound`.
  asio::awaitable<void> drain(std::chrono::milliseconds bound);
  /// Asks every source for its offset.
  asio::awaitable<void> refresh_source_offsets();

  void report(Status& status) const;
  /// What the target cannot hold, by link.
  std::vector<UnsupportedList::Part> unsupported() const;
  Target& target() { return target_; }
  std::vector<std::unique_ptr<SourceLink>>& links() { return links_; }
  const Source& source() const { return source_; }
  const SyncOptions& options() const { return options_; }
  bool closed() const { return closed_; }
  asio::awaitable<std::vector<std::string>> not_elsewhere(uint16_t link, DbIndex db,
                                                          std::vector<std::string> keys) override;
  asio::awaitable<std::set<std::string>> libraries(std::optional<uint16_t> except) override;

 private:
  LinkOptions link_options(size_t shard) const;
  asio::awaitable<std::vector<Offset>> ask_offsets();
  asio::awaitable<void> await_progress();
  void require_hold(uint64_t number) const;
  void shut_gate();
  void open_gate();
  bool standing() const;
  asio::awaitable<void> wait_applied(std::vector<Offset> offsets);

  asio::any_io_executor executor_;
  const SyncOptions& options_;
  Target target_;
  net::Endpoint target_endpoint_;
  ScriptStore scripts_;
  Source source_;
  std::vector<std::unique_ptr<SourceLink>> links_;
  std::vector<Offset> source_offsets_;
  std::unique_ptr<TaskGroup> tasks_;
  bool held_ = false;
  uint64_t hold_number_ = 0;  ///< changes when a hold begins and when it ends
  bool gate_shut_ = false;    ///< by the hold: not while it advances
  bool closed_ = false;
};

/// Finds the shards behind --from and checks them against the declared topology. Throws UserError.
asio::awaitable<Source> find_source(std::vector<net::Endpoint> from, std::string declared);

}  // namespace lockstep::engine
