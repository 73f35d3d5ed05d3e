#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sync/resp/value.h"

namespace lockstep::resp {

/// Bounds on what a peer may make us hold. Exceeding one is a FormatError.
struct Limits {
  size_t bulk_bytes_max = 1ull << 30;   ///< one string
  size_t elements_max = 1ull << 27;     ///< direct elements of one aggregate
  size_t line_bytes_max = 64 * 1024;    ///< a simple string, an error, a number, an inline command
  size_t depth_max = 32;                ///< nesting
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
  const std::vector<Node>& nodes() const { return nodes_; }
  /// An owning copy of the message just parsed.
  Value value() const;

 private:
  Limits limits_;
  std::vector<Node> nodes_;
  // The owner of this module adds what resuming needs.
};

/// Incremental parser of the commands in a replication stream: multibulk requests, and inline
/// commands (split at spaces, quotes as the servers' sdssplitargs). Same protocol as Parser. An empty line
/// ("\n", the keep-alive of a server that is busy) is a command of no arguments.
class CommandParser {
 public:
  explicit CommandParser(Limits limits = {}) : limits_(limits) {}
  std::optional<size_t> parse(Bytes input);
  /// Views into the input (for quoted inline commands, into the parser).
  const std::vector<Bytes>& args() const { return args_; }

 private:
  Limits limits_;
  std::vector<Bytes> args_;
};

}  // namespace lockstep::resp
