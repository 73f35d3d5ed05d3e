#pragma once

#include <initializer_list>
#include <span>
#include <string>

#include "sync/resp/value.h"

namespace lockstep::resp {

/// Appends `args` to `out` as a multibulk request.
void append_command(std::string& out, std::span<const Bytes> args);
void append_command(std::string& out, std::initializer_list<Bytes> args);
/// Pieces for a caller that writes a request argument by argument: header of `count` arguments,
/// then each argument.
void append_array_header(std::string& out, size_t count);
void append_bulk(std::string& out, Bytes text);
/// Appends a reply of any type, as a RESP3 server would.
void append_value(std::string& out, const Value& value);

}  // namespace lockstep::resp
