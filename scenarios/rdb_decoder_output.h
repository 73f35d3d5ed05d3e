#pragma once

#include "scenarios/contents.h"
#include "sync/base/bytes.h"

namespace lockstep::scenarios {

/// Puts together what the RDB decoder (ci/rdb-decoder) writes of one file in three forms, none of
/// which tells all: `rows` (its command memory, CSV) has every key in the file's order with
/// database and type; `commands` (aof) has the values byte by byte, as commands in the same order;
/// `objects` (json, a line each) has of streams the groups, and which entries are deleted. Throws
/// FormatError where they do not fit each other. taken_ms stays 0.
///
/// What these do not tell, and so nobody sees who compares by them: the order of an entry's fields
/// and a field's name that it has twice; texts of groups and consumers that are not UTF-8;
/// functions; expiries after the year 2262, which the decoder wraps round.
Contents read_decoder_output(Bytes rows, Bytes commands, Bytes objects);

/// Whether some of the rows are streams: only then objects are needed.
bool has_streams(Bytes rows);

}  // namespace lockstep::scenarios
