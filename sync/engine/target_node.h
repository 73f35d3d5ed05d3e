#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "sync/engine/unit.h"
#include "sync/engine/wake.h"
#include "sync/net/client.h"
#include "sync/resp/parser.h"

namespace lockstep::engine {

/// What a TargetNode tells its owner. All calls come from the node's own coroutines.
class NodeObserver {
 public:
  virtual ~NodeObserver() = default;
  /// A unit was refused or lost. It no longer counts as outstanding.
  virtual void on_unit_failed(FailedUnit failed) = 0;
  /// Whether a unit that was done just now may have read what an earlier one should have written.
  virtual bool doubts(const Unit& unit) const = 0;
  /// Such a unit; its request is that of a FailedUnit.
  virtual void on_unit_doubtful(FailedUnit done) = 0;
  /// The connection broke, whether anything was outstanding or not.
  virtual void on_down(const std::string& reason) = 0;
  /// Units were answered: offsets and room have changed.
  virtual void on_progress() = 0;
  /// A unit was appended and the node has its bound of outstanding bytes now.
  virtual void on_congested() = 0;
};

/// One target primary: a pipelined connection to which units are appended in order, whole buffers
/// per write, every reply read and counted.
///
///     append → [ current_ ] → write → [ sent_ : awaiting replies ] → dropped
///
/// Outstanding bytes are bounded by the callers, which stop appending while congested(). When the
/// connection breaks, all outstanding units are handed to the observer as failed with "CONNECTION
/// …" and the node stays down until revive(); a unit appended meanwhile fails at once.
class TargetNode {
 public:
  TargetNode(asio::any_io_executor executor, net::Endpoint endpoint, size_t link_count,
             size_t outstanding_bytes_max, NodeObserver& observer);
  TargetNode(const TargetNode&) = delete;
  TargetNode& operator=(const TargetNode&) = delete;

  /// Connects and logs in (again); throws what net::Client::connect throws. The connection before
  /// is ended on the server too: what it has not read of that yet would be done behind what is
  /// settled.
  asio::awaitable<void> revive();
  /// Reader and writer; ends when the connection breaks or close() is called. Run once after each
  /// revive().
  asio::awaitable<void> read_replies();
  asio::awaitable<void> write_requests();
  /// Ends for good.
  void close();
  /// Breaks the connection: what is outstanding is handed over as failed.
  void disconnect(const std::string& reason);

  /// The buffer a unit's request is appended to; follow with end_unit(). Nothing may be awaited
  /// between the two. `before` is the link's offset before the unit: what is applied when nothing
  /// older is outstanding.
  std::string& begin_unit(DbIndex db, Offset before, uint16_t link);
  void end_unit(Unit unit);

  bool up() const { return up_; }
  bool congested() const { return outstanding_bytes_ >= outstanding_bytes_max_; }
  bool idle() const { return units_.empty(); }
  const net::Endpoint& endpoint() const { return endpoint_; }
  uint64_t bytes_sent() const { return bytes_sent_; }
  uint64_t commands_done() const { return commands_done_; }
  size_t outstanding_bytes() const { return outstanding_bytes_; }

  /// The end offset of the last unit of this link that is answered, and of the last one appended.
  Offset acked(uint16_t link) const { return progress_[link].acked; }
  Offset appended(uint16_t link) const { return progress_[link].appended; }
  void forget_link(uint16_t link) { progress_[link] = {}; }
  bool outstanding(uint16_t link) const { return progress_[link].outstanding > 0; }

  /// SHA-1s of the scripts that this node is known to hold.
  std::unordered_set<std::string>& scripts() { return scripts_; }
  /// The unit that was appended last may leave another database selected than it began in.
  void forget_selected() { selected_.reset(); }

 private:
  struct LinkProgress {
    Offset acked;
    Offset appended;
    uint64_t outstanding = 0;
  };
  size_t consume_replies(Bytes input);
  void on_reply(bool error, Bytes text, int64_t integer, bool integer_reply);
  void scan_exec(const std::vector<resp::Node>& nodes);
  bool found_key_gone(const std::vector<resp::Node>& nodes) const;
  void finish_front();
  void note_executed(const Unit& unit, const std::string& error);
  std::optional<DbIndex> strayed_to(const Unit& unit) const;
  void fail_outstanding();
  asio::awaitable<void> end_predecessor();
  Bytes front_request() const;

  asio::any_io_executor executor_;
  net::Endpoint endpoint_;
  NodeObserver& observer_;
  size_t outstanding_bytes_max_;
  std::unique_ptr<net::Client> client_;
  int64_t client_id_ = 0;  ///< the server's number for this connection; 0: it does not tell
  std::string run_id_;     ///< of the server that told it
  bool up_ = false;
  bool closed_ = false;
  std::string down_reason_;
  std::optional<DbIndex> selected_;  ///< the database that a unit appended now will find
  DbIndex executed_;                 ///< the one that is selected behind what was answered last
  bool astray_ = false;              ///< a SELECT was refused, and what is outstanding came behind

  std::string current_;
  size_t current_begin_ = 0;  ///< where the unit being appended begins
  std::deque<std::string> sent_;
  std::deque<std::string> graveyard_;
  std::string spare_;
  size_t front_offset_ = 0;  ///< of the first unit in the oldest buffer
  std::deque<Unit> units_;
  std::string front_error_;
  size_t outstanding_bytes_ = 0;
  std::vector<LinkProgress> progress_;
  std::unordered_set<std::string> scripts_;

  resp::Parser parser_;
  Wake write_wake_;
  uint64_t bytes_sent_ = 0;
  uint64_t commands_done_ = 0;
};

}  // namespace lockstep::engine
