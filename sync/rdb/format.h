#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace lockstep::rdb {

// The grammar, as rdb.c of the servers writes it. All sizes in bytes; `len` and `string` as below.
//
//   file     = magic item* 255 crc64 (8, little endian; 0: none was made)
//   magic    = "REDIS" 4 digits | "VALKEY" 3 digits
//   item     = opcode … | prefix* type key value      prefix: 252, 253 (expiry), 248, 249, 254
//   (database) len      = 00xxxxxx | 01xxxxxx + 1 | 0x80 + 4 | 0x81 + 8      (big endian) string =
//   len bytes | 0xC0 + 1 | 0xC1 + 2 | 0xC2 + 4 (integer, little endian)
//            | 0xC3 len(compressed) len(expanded) LZF bytes
//   value    = by the type's layout, see `type_table`

/// The value types of an RDB file by their type byte.
using ValueType = uint8_t;

enum class Kind : uint8_t { string, list, set, hash, zset, stream, module };

/// What may stand where a type byte is expected.
enum Opcode : uint8_t {
  opcode_first = 242,
  opcode_update = 242,           // a command amid the snapshot, Valkey 81: not supported
  opcode_slot_import = 243,      // Valkey 80; in a Redis 13 file: metadata of a key, not supported
  opcode_slot_info = 244,        // RDB_OPCODE_SLOT_INFO
  opcode_function2 = 245,        // RDB_OPCODE_FUNCTION2
  opcode_function_pre_ga = 246,  // only release candidates of 7.0
  opcode_module_aux = 247,       // RDB_OPCODE_MODULE_AUX
  opcode_idle = 248,
  opcode_freq = 249,
  opcode_aux = 250,
  opcode_resizedb = 251,
  opcode_expiretime_ms = 252,
  opcode_expiretime = 253,
  opcode_selectdb = 254,
  opcode_eof = 255,
};

/// The kind of thing a value's elements are. A value is a sequence of runs of elements, each run of
/// one section; a framer skips elements, a decoder reads them.
enum class Section : uint8_t {
  string_value,     // string
  list_item,        // string
  set_member,       // string
  hash_pair,        // string string
  hash_pair_at,     // string string expiry(8, -1: none)
  hash_pair_after,  // len(0: no expiry, else 1 + ms after the value's base) string string
  zset_text,        // string, length (1; 253 nan, 254 inf, 255 -inf), digits
  zset_binary,      // string double(8)
  list_ziplist,     // all that follow: one string that holds a packed structure
  set_intset,
  set_listpack,
  zset_ziplist,
  zset_listpack,
  hash_zipmap,
  hash_ziplist,
  hash_listpack,
  hash_listpack_ex,  // base expiry(8) string: a listpack of field, value, expiry in ms (0: none)
  list_node,         // len(1: plain, 2: listpack) string
  stream_node,       // string (16: the master id, big endian) string (listpack)
  stream_info,       // len(length) id, from version 2 on: id(first) id(max deleted) len(added)
  stream_group,      // string id, from version 2 on: len(entries read)
  stream_pending,    // id(16, big endian) time(8) len(deliveries)
  stream_consumer,   // string time(8), from version 3 on: time(8)
  stream_consumer_pending,  // id(16)
  module_item,              // len(1 signed, 2 unsigned, 3 float, 4 double, 5 string) and its value
};

/// How the runs of a value follow each other.
enum class Layout : uint8_t {
  unknown,
  one,            // one element
  counted,        // len, so many elements
  based_counted,  // base expiry(8), len, so many elements
  stream,         // nodes, info, groups with their pending entries, consumers and theirs: see Walk
  module,         // len(id), items, len(0)
};

/// One row for each value type.
struct TypeInfo {
  const char* name = nullptr;  ///< upstream: RDB_TYPE_ and this in upper case
  Layout layout = Layout::unknown;
  Section section = Section::string_value;
  Kind kind = Kind::string;
  uint16_t version = 0;  ///< the lowest RDB version that has it
  uint8_t stream_version = 0;
};

inline constexpr std::array<TypeInfo, 26> type_table = {{
    {"string", Layout::one, Section::string_value, Kind::string, 1},
    {"list", Layout::counted, Section::list_item, Kind::list, 1},
    {"set", Layout::counted, Section::set_member, Kind::set, 1},
    {"zset", Layout::counted, Section::zset_text, Kind::zset, 1},
    {"hash", Layout::counted, Section::hash_pair, Kind::hash, 1},
    {"zset_2", Layout::counted, Section::zset_binary, Kind::zset, 8},
    {},  // module_pre_ga: nothing says where it ends
    {"module_2", Layout::module, Section::module_item, Kind::module, 8},
    {},
    {"hash_zipmap", Layout::one, Section::hash_zipmap, Kind::hash, 2},
    {"list_ziplist", Layout::one, Section::list_ziplist, Kind::list, 2},
    {"set_intset", Layout::one, Section::set_intset, Kind::set, 2},
    {"zset_ziplist", Layout::one, Section::zset_ziplist, Kind::zset, 2},
    {"hash_ziplist", Layout::one, Section::hash_ziplist, Kind::hash, 4},
    {"list_quicklist", Layout::counted, Section::list_ziplist, Kind::list, 7},
    {"stream_listpacks", Layout::stream, Section::stream_node, Kind::stream, 9, 1},
    {"hash_listpack", Layout::one, Section::hash_listpack, Kind::hash, 10},
    {"zset_listpack", Layout::one, Section::zset_listpack, Kind::zset, 10},
    {"list_quicklist_2", Layout::counted, Section::list_node, Kind::list, 10},
    {"stream_listpacks_2", Layout::stream, Section::stream_node, Kind::stream, 10, 2},
    {"set_listpack", Layout::one, Section::set_listpack, Kind::set, 11},
    {"stream_listpacks_3", Layout::stream, Section::stream_node, Kind::stream, 11, 3},
    {"hash_2", Layout::counted, Section::hash_pair_at, Kind::hash, 80},  // Valkey's
    {},  // Redis 7.4 release candidates; Valkey 81 gave the number another meaning
    {"hash_metadata", Layout::based_counted, Section::hash_pair_after, Kind::hash, 12},
    {"hash_listpack_ex", Layout::one, Section::hash_listpack_ex, Kind::hash, 12},
}};

/// The row of a type; one with Layout::unknown if we do not know it.
constexpr const TypeInfo& type_info(ValueType type) {
  constexpr size_t no_type = 8;
  return type_table[type < type_table.size() ? type : no_type];
}

/// A hash whose fields may have an expiry each.
constexpr bool has_field_expiries(ValueType type) {
  const Section section = type_info(type).section;
  return section == Section::hash_pair_at || section == Section::hash_pair_after ||
         section == Section::hash_listpack_ex;
}

/// Redis took 12 to 79 and Valkey 80 on, so a type number can mean two things.
constexpr bool valkey_version(uint32_t version) { return version >= 80; }
constexpr bool type_fits_version(const TypeInfo& info, bool valkey) {
  return info.version < 12 || valkey_version(info.version) == valkey;
}

}  // namespace lockstep::rdb
