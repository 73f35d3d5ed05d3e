#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sync/rdb/decode.h"
#include "sync/rdb/packed.h"

namespace lockstep::rdb {

/// Reads the entries of one node of a stream (t_stream.c). Its listpack begins with a master entry:
///
///   count deleted fields field* 0
///   { flags ms seq (relative to the node's id) [fields] { [field] value } items }
///
/// An entry with flag 2 has the master's fields and carries only values.
class StreamNodeReader {
 public:
  /// Calls on_stream_entry for each live entry. Returns what is wrong with the node, or nullptr.
  const char* read(Bytes id, Bytes listpack, Visitor& visitor);

 private:
  bool read_master(ListpackReader& reader);
  bool read_entry(ListpackReader& reader, const Item& flags, StreamId base, Visitor& visitor);
  bool read_fields(ListpackReader& reader, bool of_master);
  void give(StreamId id, Visitor& visitor);

  std::vector<Item> master_;
  std::vector<Item> items_;  ///< field, value, field, value, …
  std::vector<std::pair<Bytes, Bytes>> pairs_;
  std::vector<Digits> digits_;
};

}  // namespace lockstep::rdb
