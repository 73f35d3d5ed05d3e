#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sync/resp/value.h"

namespace lockstep::resp {

/// Bounds on what a peer may make us hold. Exceeding one is a FormatError.
struct Limits {
  size_t bulk_bytes_max = 1ull << 30;  ///< one string
  size_t elements_max = 1ull << 27;    ///< elements of one message, nested ones included
  size_t line_bytes_max = 64 * 1024;   ///< a simple string, an error, a number, an inline command
  size_t depth_max = 32;               ///< nesting
};

/// A node of a parsed message, in preorder. Views point into the input that was parsed.
struct Node {
  Type type = Type::null;
  Bytes text;
  int64_t integer = 0;
  double number = 0;
  size_t child_count = 0;  ///< direct children (a map of n pairs: 2n)
};

/// Incremental parser of replies (RESP2 and RESP3). No I/O, no copies.
///
/// parse() takes the unconsumed input, beginning at the start of a message. When more bytes are
/// needed it returns nullopt and remembers how far it came: call again with the same bytes (which
/// may have moved in memory) and more behind them. When a message is complete it returns its length
/// and nodes() is valid until the input changes. Throws FormatError on anything that is not RESP;
/// the parser is unusable then.
class Parser {
 public:
  explicit Parser(Limits limits = {}) : limits_(limits) {}
  std::optional<size_t> parse(Bytes input);
  /// parse() has seen the beginning of a message and waits for the rest.
  bool in_message() const { return !complete_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  /// An owning copy of the message just parsed.
  Value value() const;
  /// After nullopt: the next call's input must have at least this many bytes to get further.
  size_t needed() const { return needed_; }

 private:
  struct Open {
    size_t node;       ///< index of the aggregate
    size_t remaining;  ///< children not yet complete
  };

  void begin_or_resume(Bytes input);
  bool read_node(Bytes input);
  bool read_line_node(Bytes input, Type type);
  bool read_bulk_node(Bytes input, Type type);
  bool read_aggregate_node(Bytes input, Type type);
  void set_line_value(Node& node, Bytes line);
  std::optional<int64_t> read_length(Bytes input, size_t& at);
  void node_complete();
  bool need(size_t bytes);
  [[noreturn]] void fail(const char* context) const;

  Limits limits_;
  std::vector<Node> nodes_;
  std::vector<Open> open_;      // aggregates whose children are still coming, outermost first
  const char* base_ = nullptr;  // where the input was when nodes_ were made
  size_t at_ = 0;               // first byte of the next node's header
  size_t line_scanned_ = 0;     // no '\n' between at_ and here
  size_t needed_ = 1;
  size_t length_ = 0;    // of the complete message
  uint64_t offset_ = 0;  // of the input in everything parsed so far
  bool complete_ = true;
};

/// Incremental parser of the commands in a replication stream: multibulk requests, and inline
/// commands (split at spaces, quotes as the servers' sdssplitargs). Same protocol as Parser. An
/// empty line
/// ("\n", the keep-alive of a server that is busy) is a command of no arguments.
class CommandParser {
 public:
  explicit CommandParser(Limits limits = {}) : limits_(limits) {}
  std::optional<size_t> parse(Bytes input);
  /// parse() has seen the beginning of a command and waits for the rest.
  bool in_command() const { return !complete_; }
  /// Views into the input (for quoted inline commands, into the parser).
  const std::vector<Bytes>& args() const { return args_; }
  /// After nullopt: the next call's input must have at least this many bytes to get further.
  size_t needed() const { return needed_; }

 private:
  void begin_or_resume(Bytes input);
  bool read_count(Bytes input);
  bool read_argument(Bytes input);
  std::optional<size_t> parse_inline(Bytes input);
  void split_inline(Bytes line);
  std::optional<size_t> finish(size_t length);
  bool need(size_t bytes);
  [[noreturn]] void fail(const char* context) const;

  Limits limits_;
  std::vector<Bytes> args_;
  std::string unquoted_;        // what args_ of an inline command point into
  const char* base_ = nullptr;  // where the input was when args_ were made
  size_t at_ = 0;               // first byte of the next argument's header
  size_t args_expected_ = 0;
  size_t line_scanned_ = 0;  // of an inline command: no '\n' before here
  size_t needed_ = 1;
  size_t length_ = 0;    // of the complete command
  uint64_t offset_ = 0;  // of the input in everything parsed so far
  bool complete_ = true;
};

}  // namespace lockstep::resp
