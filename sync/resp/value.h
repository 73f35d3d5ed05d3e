#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sync/base/bytes.h"

namespace lockstep::resp {

/// RESP2 and RESP3 message types by their first byte
/// (https://redis.io/docs/reference/protocol-spec).
enum class Type : char {
  simple_string = '+',
  error = '-',
  integer = ':',
  bulk_string = '$',
  array = '*',
  null = '_',
  boolean = '#',
  real = ',',
  big_number = '(',
  bulk_error = '!',
  verbatim = '=',
  map = '%',
  set = '~',
  attribute = '|',
  push = '>',
};

/// One message, owned. RESP2's null bulk and null array have type `null`. A map's items alternate
/// key, value. Attributes are dropped by the parser.
struct Value {
  Type type = Type::null;
  std::string text = {};  ///< strings, errors, big numbers, verbatim (without its 4-byte format)
  int64_t integer = 0;    ///< integer, boolean (0 or 1)
  double number = 0;      ///< real
  std::vector<Value> items = {};  ///< array, set, push, map

  bool is_null() const { return type == Type::null; }
  bool is_error() const { return type == Type::error || type == Type::bulk_error; }
  bool is_ok() const { return type == Type::simple_string && text == "OK"; }
  /// The first word of an error, "MOVED", "ERR", …; empty for anything else.
  Bytes error_code() const;
  friend bool operator==(const Value&, const Value&) = default;
};

}  // namespace lockstep::resp
