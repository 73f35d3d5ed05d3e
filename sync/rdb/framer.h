#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "sync/base/bytes.h"
#include "sync/base/units.h"
#include "sync/rdb/format.h"
#include "sync/rdb/walk.h"

namespace lockstep::rdb {

/// One key. `value` is the serialised value exactly as it stands in the file: what stands in a DUMP
/// payload between the type byte and the footer.
struct Entry {
  DbIndex db{};
  Bytes key{};
  std::optional<ExpireAt> expire_at{};
  std::optional<uint64_t> idle_s{};  ///< LRU idle time, seconds
  std::optional<uint8_t> freq{};     ///< LFU counter
  ValueType type = 0;
  Bytes value{};
};

/// A key whose value is larger than FramerOptions::value_bytes_max: announced once, without value.
/// BigPart events follow, each a whole number of elements, then BigEnd. Values that cannot be cut
/// (packed structures, compressed strings, module values) come whole as an Entry, whatever their
/// size.
struct BigBegin {
  Entry entry;
};
/// `raw` holds elements of one section as they stand in the file, decode with decode_part().
/// `first` is the index of the first element in it, counted within the section's run. Of a
/// quicklist the elements are its nodes; of a string they are its bytes, so `first` is a byte
/// position. A part is at most part_bytes_max long, unless it is one element that is longer.
struct BigPart {
  ValueType type = 0;
  Section section = Section::string_value;
  Bytes raw{};
  uint64_t first = 0;
  uint64_t count = 0;
  int64_t base_expire_ms = 0;  ///< what the expiries of hash_metadata fields count from
};
struct BigEnd {};
inline constexpr size_t part_bytes_max = 1 << 20;

/// "REDIS0011", "VALKEY080".
struct Header {
  uint32_t version = 0;
  bool valkey = false;
};
/// repl-stream-db, lua, redis-ver, …
struct Aux {
  Bytes name{};
  Bytes value{};
};
struct DbSize {
  DbIndex db{};
  uint64_t keys = 0;
  uint64_t expires = 0;
};
/// One library, FUNCTION2.
struct Function {
  Bytes code{};
};
/// What a module wrote beside the keys: its name (9 characters), and all behind the opcode as it
/// stands.
struct ModuleAux {
  Bytes raw{};
  Bytes module{};
};
struct SlotInfo {
  uint64_t slot = 0;
  uint64_t keys = 0;
  uint64_t expires = 0;
};
/// Valkey 9: the server was taking over these slots (pairs of len, first and last) when it saved,
/// and the file holds keys of them that it does not serve yet.
struct SlotImport {
  Bytes job{};
  Bytes raw_ranges{};
  uint64_t ranges = 0;
};
/// The file is complete and its checksum right (or absent: written with rdbchecksum no).
struct End {
  bool checksum_present = false;
};
struct NeedMore {};

using Event = std::variant<NeedMore, Header, Aux, DbSize, Function, ModuleAux, SlotInfo, SlotImport,
                           Entry, BigBegin, BigPart, BigEnd, End>;

struct FramerOptions {
  bool verify_checksum = true;
  /// Values up to this are framed in one piece; the caller must be able to hold that many bytes
  /// (plus the key). Strings, and elements of collections, may be larger only where they cannot be
  /// cut.
  size_t value_bytes_max = 64ull << 20;
};

/// Splits an RDB stream into keys and opcodes without building any value. No I/O.
///
/// next() takes the unconsumed input. It returns NeedMore (call again with the same bytes and more
/// behind them; needed() says how many at least) or one event with views into the input, and
/// consumed() says how many bytes the caller drops before the next call (none after NeedMore).
/// Views live until the next call. Once End has been returned the bytes behind it are not looked
/// at. Throws FormatError with the offset in the file on anything unknown or damaged: opcode, type,
/// length, checksum; the framer is of no use after that.
class Framer {
 public:
  explicit Framer(FramerOptions options = {});
  Event next(Bytes input);
  size_t consumed() const { return consumed_; }
  /// At least this many bytes in total must be in the next call's input (a hint; 0 if unknown).
  size_t needed() const { return needed_; }
  /// Bytes of the file before the input of the next call.
  uint64_t offset() const { return offset_; }
  /// Of the header, once it has been returned.
  Header header() const { return header_; }

 private:
  enum class Phase : uint8_t { header, items, big_string, big_value, ended };

  /// How far the value at hand has been skipped, kept over NeedMore so that no byte is skipped
  /// twice.
  struct Progress {
    Walk walk{};
    Run run{};
    size_t bytes = 0;
    bool active = false;
  };

  Event read_header(Cursor cursor);
  Event read_item(Cursor cursor);
  Event read_opcode(Cursor& cursor, uint8_t opcode, DbIndex db);
  Event read_function(Cursor& cursor);
  Event read_module_aux(Cursor& cursor);
  Event read_slot_import(Cursor& cursor);
  Event read_end(Cursor& cursor);
  Event read_key(Cursor& cursor, Entry& entry);
  Event read_value(Cursor& cursor, Entry& entry);
  Event begin_big_string(Cursor& cursor, Entry& entry, uint64_t length);
  Event begin_big_value(Cursor& cursor, Entry& entry);
  Event next_string_part();
  Event next_value_part();
  Event value_part(size_t start, Progress& trial, uint64_t first);
  bool skip_value(Cursor& cursor);
  bool takes_prefix(Cursor& cursor, uint8_t opcode, Entry& entry);

  /// The event's end: everything up to the cursor is consumed.
  Event done(const Cursor& cursor, Event event);
  /// Nothing is consumed; throws if the cursor found the bytes bad.
  Event more(const Cursor& cursor);
  Event whole(const Cursor& cursor, Event event) {
    return cursor.ok() ? done(cursor, std::move(event)) : more(cursor);
  }
  void consume(size_t count);
  [[noreturn]] void fail(size_t position, const std::string& problem) const;

  FramerOptions options_;
  Bytes input_{};
  size_t consumed_ = 0;
  size_t needed_ = 0;
  uint64_t offset_ = 0;
  Header header_;
  DbIndex db_;
  Phase phase_ = Phase::header;
  Progress progress_;
  ValueType big_type_ = 0;
  uint64_t big_first_ = 0;
  uint64_t big_left_ = 0;  ///< bytes of a big string that are still to come
  uint64_t crc_ = 0;       ///< of everything consumed and the next crc_ahead_ bytes
  size_t crc_ahead_ = 0;
  std::string scratch_[2];
};

}  // namespace lockstep::rdb
