#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "verifier/readers.h"
#include "verifier/reply_reader.h"
#include "verifier/scan_batch.h"

namespace lockstep::verifier {

/// Where a scan of a node gives what it finds.
struct ScanTo {
  OnKey on_key;
  OnName on_unreadable;
  ReadCounters& counters;
  std::function<void()> on_page;
};

/// Reads one database of a node by the cheapest exact way. Strings come by MGET, whose null says
/// that a key is none; the others by DUMP, after MEMORY USAGE has said that they are not too big
/// for it. Two batches are on their way: while the replies to one are taken
/// in, the server works on the next, which is composed as soon as its SCAN is answered.
class DatabaseScan {
 public:
  /// All outlive it. The node's connection is in that database and used by nobody else.
  DatabaseScan(Side& side, size_t node, DbIndex db, const Scope& scope, ScanTo& to,
               ScanPosition& position);

  asio::awaitable<void> run();

 private:
  /// What a SCAN gave. Its keys are handed on together, and in the order of the pages, so that a
  /// cursor tells what has been.
  struct Page {
    std::string cursor;      ///< that gave it
    size_t outstanding = 0;  ///< keys that are still to be read
    uint64_t population = 0;
    uint64_t bytes = 0;
    ScannedKeys read{};
    std::vector<std::string> unreadable{};
  };

  ScanBatch compose();
  void append_scan(ScanBatch& batch) const;
  asio::awaitable<void> send(ScanBatch& batch);
  asio::awaitable<void> read_page();
  asio::awaitable<void> read_values(ScanBatch& batch);
  asio::awaitable<void> read_expiries(ScanBatch& batch);
  asio::awaitable<int64_t> read_time();
  asio::awaitable<void> read_mget(ScannedKeys keys);
  asio::awaitable<void> read_sizes(ScannedKeys keys);
  asio::awaitable<void> read_dumps(ScannedKeys keys);
  asio::awaitable<void> read_info();
  asio::awaitable<uint64_t> digest_pieces();
  asio::awaitable<void> digest_payload_pieces(ScannedKey key);
  asio::awaitable<Reply> expect(resp::Type type, const char* command);
  asio::awaitable<std::string> whole_text(Reply reply);
  asio::awaitable<void> read_big();
  asio::awaitable<void> read_big_key(ScannedKey key);
  asio::awaitable<bool> read_big_expiry(ScannedKey& key);

  void enqueue(ScannedKey key);
  void take_payload(ScannedKey key, Bytes payload);
  void look_at_sizes_first();
  void settle_read(bool with_expiries);
  void finish(ScannedKey key);
  void drop(const ScannedKey& key) { --page_of(key).outstanding, advance(); }
  void give_up(const ScannedKey& key);
  void advance();
  void give(const Page& page);
  Page& page_of(const ScannedKey& key) { return pages_[key.page - first_page_]; }
  void count(const ScannedKey& key, size_t bytes) {
    page_of(key).bytes += bytes;
    batch_bytes_ += bytes;
  }
  [[noreturn]] void refuse(const ScannedKey& key, Bytes error) const;

  Side& side_;
  size_t index_;
  Node& node_;
  DbIndex db_;
  const Scope& scope_;
  ScanTo& to_;
  ScanPosition& position_;
  ReplyReader reader_;
  ReadingWays ways_;
  ScanQueues queues_;
  std::string cursor_;  ///< of the next SCAN
  bool more_ = true;    ///< it leads on
  size_t page_keys_max_;
  size_t page_keys_;
  std::deque<Page> pages_;
  uint64_t first_page_ = 0;  ///< number of the first of pages_
  uint64_t next_page_ = 0;
  ScannedKeys read_;  ///< of this batch: whether they have an expiry is told at its end
  size_t batch_bytes_ = 0;
};

}  // namespace lockstep::verifier
