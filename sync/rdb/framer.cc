#include "sync/rdb/framer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sync/base/error.h"
#include "sync/rdb/crc64.h"
#include "sync/rdb/module_id.h"

namespace lockstep::rdb {
namespace {

constexpr size_t magic_bytes = 9;
/// Checksums are computed in steps of this, ahead of what is consumed: short pieces would cost
/// more.
constexpr size_t crc_step_bytes = 64 << 10;
/// No packed structure or compressed string of a server is longer; a length beyond it is damage.
constexpr uint64_t piece_bytes_max = (4ull << 30) + (1 << 20);
constexpr int prefixes_max = 16;
constexpr uint32_t version_min = 5;

bool can_be_cut(const TypeInfo& info) {
  return info.layout == Layout::counted || info.layout == Layout::based_counted ||
         info.layout == Layout::stream;
}

uint32_t version_of(Bytes digits) {
  uint32_t version = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), version);
  return error == std::errc{} && end == digits.end() ? version : 0;
}

}  // namespace

Framer::Framer(FramerOptions options) : options_(options) {}

Event Framer::next(Bytes input) {
  input_ = input;
  consumed_ = needed_ = 0;
  switch (phase_) {
    case Phase::header:
      return read_header(Cursor(input));
    case Phase::items:
      return read_item(Cursor(input));
    case Phase::big_string:
      return next_string_part();
    case Phase::big_value:
      return next_value_part();
    case Phase::ended:
      break;
  }
  return End{};
}

void Framer::fail(size_t position, const std::string& problem) const {
  throw FormatError(offset_ + position, "RDB: " + problem);
}

Event Framer::done(const Cursor& cursor, Event event) {
  consume(cursor.position());
  return event;
}

Event Framer::more(const Cursor& cursor) {
  if (cursor.problem()) fail(cursor.position(), cursor.problem());
  if (cursor.missing() > piece_bytes_max)
    fail(cursor.position(), fmt::format("a length beyond the end by {} bytes", cursor.missing()));
  needed_ = input_.size() + cursor.missing();
  return NeedMore{};
}

void Framer::consume(size_t count) {
  if (options_.verify_checksum && crc_ahead_ < count) {
    const size_t until = std::max(count, std::min(input_.size(), crc_ahead_ + crc_step_bytes));
    crc_ = crc64(crc_, input_.substr(crc_ahead_, until - crc_ahead_));
    crc_ahead_ = until;
  }
  crc_ahead_ -= std::min(crc_ahead_, count);
  consumed_ = count;
  offset_ += count;
  progress_.active = false;
}

Event Framer::read_header(Cursor cursor) {
  const Bytes magic = cursor.take(magic_bytes);
  if (!cursor.ok()) {
    const size_t known = std::min<size_t>(input_.size(), 5);
    if (input_.substr(0, known) != Bytes("REDIS").substr(0, known) &&
        input_.substr(0, known) != Bytes("VALKE").substr(0, known))
      fail(0, "this is no RDB file: its first bytes are " + printable(input_, magic_bytes));
    return more(cursor);
  }
  const bool valkey = magic.starts_with("VALKEY");
  if (!valkey && !magic.starts_with("REDIS"))
    fail(0, "this is no RDB file: its first bytes are " + printable(magic));
  const uint32_t version = version_of(magic.substr(valkey ? 6 : 5));
  if (version == 0) fail(5, "a header without version: " + printable(magic));
  if (version < version_min)
    fail(5, fmt::format("version {}, which has no checksum (older than Redis 2.6)", version));
  header_ = {version, valkey};
  phase_ = Phase::items;
  return done(cursor, header_);
}

/// Opcodes that belong to the key behind them, or to the items behind them (the database).
bool Framer::takes_prefix(Cursor& cursor, uint8_t opcode, Entry& entry) {
  switch (opcode) {
    case opcode_expiretime_ms:
      entry.expire_at = ExpireAt{cursor.fixed<int64_t>()};
      return true;
    case opcode_expiretime:
      entry.expire_at = ExpireAt{int64_t{cursor.fixed<int32_t>()} * 1000};
      return true;
    case opcode_freq:
      entry.freq = cursor.u8();
      return true;
    case opcode_idle:
      entry.idle_s = cursor.length();
      return true;
    case opcode_selectdb:
      entry.db = DbIndex{static_cast<uint32_t>(cursor.length())};
      return true;
    default:
      return false;
  }
}

Event Framer::read_item(Cursor cursor) {
  Entry entry{.db = db_};
  for (int prefixes = 0;; ++prefixes) {
    const char* mark = cursor.mark();
    const uint8_t opcode = cursor.u8();
    if (takes_prefix(cursor, opcode, entry)) {
      if (prefixes == prefixes_max) fail(cursor.position(), "too many opcodes before a key");
      if (!cursor.ok()) return more(cursor);
      continue;
    }
    if (!cursor.ok()) return more(cursor);
    entry.type = opcode;
    if (opcode < opcode_first) return read_key(cursor, entry);
    if (entry.expire_at || entry.freq || entry.idle_s)
      fail(static_cast<size_t>(mark - input_.data()), "an expiry or idle time without its key");
    return read_opcode(cursor, opcode, entry.db);
  }
}

Event Framer::read_opcode(Cursor& cursor, uint8_t opcode, DbIndex db) {
  db_ = db;
  switch (opcode) {
    case opcode_eof:
      return read_end(cursor);
    case opcode_aux: {
      const Bytes name = cursor.text(scratch_[0]);
      return whole(cursor, Aux{name, cursor.text(scratch_[1])});
    }
    case opcode_resizedb: {
      const uint64_t keys = cursor.length();
      return whole(cursor, DbSize{db, keys, cursor.length()});
    }
    case opcode_slot_info: {
      const uint64_t slot = cursor.length(), keys = cursor.length();
      return whole(cursor, SlotInfo{slot, keys, cursor.length()});
    }
    case opcode_function2:
      return whole(cursor, Function{cursor.text(scratch_[0])});
    case opcode_module_aux:
      return read_module_aux(cursor);
    case opcode_slot_import:
      if (header_.valkey) return read_slot_import(cursor);
      fail(cursor.position() - 1, "metadata of a key (opcode 243), which is not supported");
    case opcode_function_pre_ga:
      fail(cursor.position() - 1, "a function of a Redis 7.0 release candidate (opcode 246)");
    default:
      fail(cursor.position() - 1, fmt::format("unknown opcode {}", opcode));
  }
}

Event Framer::read_module_aux(Cursor& cursor) {
  const char* start = cursor.mark();
  const uint64_t id = cursor.length();
  if (cursor.ok()) cursor.rewind(start);
  // The id and the items stand as in a value; the first item says when the module wrote them.
  Walk walk(7);
  Run run;
  while (walk.next(cursor, run)) skip_elements(cursor, run, walk.info());
  module_name(id, scratch_[0]);
  return whole(cursor, ModuleAux{cursor.since(start), scratch_[0]});
}

Event Framer::read_slot_import(Cursor& cursor) {
  const Bytes job = cursor.text(scratch_[0]);
  const uint64_t ranges = cursor.length();
  const char* start = cursor.mark();
  for (uint64_t i = 0; i < ranges && cursor.ok(); ++i) cursor.length(), cursor.length();
  return whole(cursor, SlotImport{job, cursor.since(start), ranges});
}

Event Framer::read_end(Cursor& cursor) {
  const size_t end = cursor.position();
  const auto expected = cursor.fixed<uint64_t>();
  if (!cursor.ok()) return more(cursor);
  consume(end);
  const uint64_t actual = crc64_undo(crc_, input_.substr(end, crc_ahead_));
  if (options_.verify_checksum && expected != 0 && actual != expected)
    fail(0, fmt::format("the file's checksum is {:016x}, but its bytes make {:016x}", expected,
                        actual));
  phase_ = Phase::ended;
  consumed_ += sizeof expected;
  offset_ += sizeof expected;
  return End{.checksum_present = expected != 0};
}

Event Framer::read_key(Cursor& cursor, Entry& entry) {
  const TypeInfo& info = type_info(entry.type);
  if (info.layout == Layout::unknown || !type_fits_version(info, header_.valkey))
    fail(cursor.position() - 1,
         fmt::format("unknown value type {} (RDB version {})", entry.type, header_.version));
  entry.key = cursor.text(scratch_[0]);
  if (!cursor.ok()) return more(cursor);
  return read_value(cursor, entry);
}

Event Framer::read_value(Cursor& cursor, Entry& entry) {
  const char* start = cursor.mark();
  if (entry.type == 0) {
    Cursor peek(cursor.rest());
    const uint64_t length = peek.length();  // Bad for integers and compressed strings: never cut.
    if (peek.ok() && length > options_.value_bytes_max)
      return begin_big_string(cursor, entry, length);
  }
  if (!progress_.active) progress_ = {.walk = Walk(entry.type), .active = true};
  cursor.skip(progress_.bytes);
  const bool complete = skip_value(cursor);
  entry.value = cursor.since(start);
  if (complete) {
    db_ = entry.db;
    return done(cursor, entry);
  }
  progress_.bytes = entry.value.size();
  if (progress_.bytes + cursor.missing() > options_.value_bytes_max &&
      can_be_cut(progress_.walk.info()) && !cursor.problem()) {
    Cursor again(input_);
    again.skip(static_cast<size_t>(start - input_.data()));
    return begin_big_value(again, entry);
  }
  return more(cursor);
}

/// True once the cursor stands behind the value; false if it ran short or found it bad.
bool Framer::skip_value(Cursor& cursor) {
  Walk& walk = progress_.walk;
  Run& run = progress_.run;
  do {
    if (run.left > 0) skip_elements(cursor, run, walk.info());
  } while (cursor.ok() && walk.next(cursor, run));
  return cursor.ok();
}

Event Framer::begin_big_string(Cursor& cursor, Entry& entry, uint64_t length) {
  db_ = entry.db;
  cursor.length();
  big_type_ = entry.type;
  big_left_ = length;
  big_first_ = 0;
  phase_ = Phase::big_string;
  return done(cursor, BigBegin{entry});
}

Event Framer::begin_big_value(Cursor& cursor, Entry& entry) {
  db_ = entry.db;
  entry.value = {};
  big_type_ = entry.type;
  big_first_ = 0;
  Event event = done(cursor, BigBegin{entry});
  progress_ = {.walk = Walk(entry.type)};
  phase_ = Phase::big_value;
  return event;
}

Event Framer::next_string_part() {
  Cursor cursor(input_);
  if (big_left_ == 0) {
    phase_ = Phase::items;
    return done(cursor, BigEnd{});
  }
  if (input_.empty()) return needed_ = 1, NeedMore{};
  const Bytes raw = cursor.take(std::min<uint64_t>({input_.size(), big_left_, part_bytes_max}));
  const uint64_t first = big_first_;
  big_first_ += raw.size();
  big_left_ -= raw.size();
  return done(cursor, BigPart{.type = big_type_, .raw = raw, .first = first, .count = raw.size()});
}

/// Works on a copy of the progress: only an event makes it true.
Event Framer::next_value_part() {
  Cursor cursor(input_);
  Progress trial = progress_;
  uint64_t first = big_first_;
  while (trial.run.left == 0) {
    if (!trial.walk.next(cursor, trial.run)) {
      if (!cursor.ok()) return more(cursor);
      phase_ = Phase::items;
      return done(cursor, BigEnd{});
    }
    first = 0;
  }
  return value_part(cursor.position(), trial, first);
}

Event Framer::value_part(size_t start, Progress& trial, uint64_t first) {
  const TypeInfo& info = trial.walk.info();
  Cursor cursor(input_.substr(0, start + part_bytes_max));
  cursor.skip(start);
  uint64_t count = skip_elements(cursor, trial.run, info);
  if (count == 0) {  // The next element may be longer than a part.
    cursor = Cursor(input_);
    cursor.skip(start);
    Run one = trial.run;
    one.left = 1;
    count = skip_elements(cursor, one, info);
    if (count == 0) return more(cursor);
    --trial.run.left;
  }
  const BigPart part{.type = big_type_,
                     .section = trial.run.section,
                     .raw = cursor.since(input_.data() + start),
                     .first = first,
                     .count = count,
                     .base_expire_ms = trial.run.base_expire_ms};
  consume(start + part.raw.size());
  progress_ = trial;
  big_first_ = first + count;
  return part;
}

}  // namespace lockstep::rdb
