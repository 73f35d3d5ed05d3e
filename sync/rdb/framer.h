#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "sync/base/bytes.h"
#include "sync/base/units.h"

namespace lockstep::rdb {

/// The value types of an RDB file by their type byte, see format.h.
using ValueType = uint8_t;

/// One key. `value` is the serialised value exactly as it stands in the file: what stands in a DUMP
/// payload between the type byte and the footer.
struct Entry {
  DbIndex db;
  Bytes key;
  std::optional<ExpireAt> expire_at;
  std::optional<uint64_t> idle_s;   ///< LRU idle time, seconds
  std::optional<uint8_t> freq;      ///< LFU counter
  ValueType type = 0;
  Bytes value;
};

/// A key whose value is larger than FramerOptions::value_bytes_max: announced once, without value.
/// BigPart events follow, each a whole number of elements, then BigEnd.
struct BigBegin { Entry entry; };
/// `raw` holds elements as they stand in the file, decode with decode_part(). `first` is the index of
/// the first element in it.
struct BigPart { ValueType type = 0; Bytes raw; uint64_t first = 0; uint64_t count = 0; };
struct BigEnd {};

struct Header { uint32_t version = 0; bool valkey = false; };   ///< "REDIS0011", "VALKEY080"
struct Aux { Bytes name; Bytes value; };                         ///< repl-stream-db, lua, redis-ver, …
struct DbSize { DbIndex db; uint64_t keys = 0; uint64_t expires = 0; };
struct Function { Bytes code; };                                 ///< one library, FUNCTION2
struct ModuleAux { Bytes raw; Bytes module; };
struct SlotInfo { uint64_t slot = 0; uint64_t keys = 0; uint64_t expires = 0; };
/// The file is complete and its checksum right (or absent: written with rdbchecksum no).
struct End { bool checksum_present = false; };
struct NeedMore {};

using Event = std::variant<NeedMore, Header, Aux, DbSize, Function, ModuleAux, SlotInfo, Entry,
                           BigBegin, BigPart, BigEnd, End>;

struct FramerOptions {
  bool verify_checksum = true;
  /// Values up to this are framed in one piece; the caller must be able to hold that many bytes (plus the key).
  size_t value_bytes_max = 64ull << 20;
};

/// Splits an RDB stream into keys and opcodes without building any value. No I/O.
///
/// next() takes the unconsumed input. It returns NeedMore (call again with the same bytes and more
/// behind them; needed() says how many at least) or one event with views into the input, and
/// consumed() says how many bytes the caller drops before the next call. Once End has been
/// returned the bytes behind it are not looked at. Throws FormatError with the offset in the file on
/// anything unknown or damaged: opcode, type, length, checksum.
class Framer {
 public:
  explicit Framer(FramerOptions options = {});
  Event next(Bytes input);
  size_t consumed() const;
  /// At least this many bytes in total must be in the next call's input (a hint; 0 if unknown).
  size_t needed() const;
  /// Bytes of the file before the input of the next call.
  uint64_t offset() const;
};

}  // namespace lockstep::rdb
