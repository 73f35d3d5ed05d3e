#include "sync/engine/value_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sync/base/error.h"
#include "sync/engine/clock.h"
#include "sync/rdb/cursor.h"
#include "sync/rdb/dump_payload.h"
#include "sync/rdb/module_id.h"
#include "sync/resp/encoder.h"
#include "sync/resp/parser.h"

namespace lockstep::engine {

namespace {

using commands::Option;

constexpr size_t commands_kept_max = 1 << 20;

/// The module type that made a value of type module_2.
std::string module_of(Bytes value) {
  rdb::Cursor cursor(value);
  std::string name;
  rdb::module_name(cursor.length(), name);
  return name;
}

bool is_module(rdb::ValueType type) { return rdb::type_info(type).layout == rdb::Layout::module; }

int64_t to_number(Bytes text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// What append_payload() wrote, read again.
struct Written {
  std::string key;
  std::optional<ExpireAt> expire_at;
  rdb::DumpView payload;
};

Written parse_written(Bytes requests) {
  Written written;
  resp::CommandParser parser;
  while (!requests.empty()) {
    const auto length = parser.parse(requests);
    LOCKSTEP_ASSERT(length.has_value());
    const auto& args = parser.args();
    if (args[0] == "RESTORE") {
      written.key = args[1];
      written.payload = rdb::parse_dump_payload(args[3]);
      if (args.back() == "ABSTTL") written.expire_at = ExpireAt{to_number(args[2])};
    } else if (args[0] == "PEXPIREAT") {
      written.expire_at = ExpireAt{to_number(args[2])};
    }
    requests.remove_prefix(*length);
  }
  return written;
}

}  // namespace

ValueWriter::ValueWriter(Target& target, uint16_t link, UnsupportedKeys& unsupported)
    : target_(target), link_(link), unsupported_(unsupported) {}

fence::RebuildOptions ValueWriter::rebuild_options(int64_t grace_ms) const {
  const TargetAbilities& abilities = target_.abilities();
  return {.streams = abilities.streams(),
          .hash_field_expiry = abilities.field_expiry(),
          .stream_counters = abilities.dialect.has(Option::stream_counters),
          .create_consumer = abilities.dialect.has(Option::create_consumer),
          .expiry_grace_ms = grace_ms};
}

std::optional<rdb::LoadableForm> ValueWriter::payload_for(const rdb::Entry& entry,
                                                          uint16_t payload_version) {
  if (is_module(entry.type)) {
    if (!target_.abilities().modules || refused_modules_.contains(module_of(entry.value)))
      return {};
  } else if (refused_types_[entry.type]) {
    return {};
  } else if (rdb::has_field_expiries(entry.type) && !target_.abilities().field_expiry()) {
    // A server of another family may have the number of the RDB version that brought the type, and
    // not the type.
    return {};
  }
  if (payload_version > 0 && !rdb::kind_of(entry.type))
    return rdb::LoadableForm{entry.type, entry.value, payload_version};
  return rdb::loadable_form(entry.type, entry.value, target_.abilities().loadable, scratch_);
}

ValueWriter::Form ValueWriter::write(const rdb::Entry& entry, int64_t grace_ms, Unit unit,
                                     Offset before, uint16_t payload_version) {
  unit.failed = unit.exec = false;
  unit.replies = 0;
  unit.db = entry.db;
  try {
    require_database(entry);
    const auto payload = payload_for(entry, payload_version);
    if (!payload) make_commands(entry, grace_ms, unit);
    unsupported_.remove(entry.db, entry.key);
    TargetNode& node = target_.node_of_key(entry.key);
    std::string& out = node.begin_unit(entry.db, before, link_);
    payload ? append_payload(entry, *payload, grace_ms, out, unit) : void(out.append(commands_));
    node.end_unit(unit);
    return payload ? Form::payload : Form::commands;
  } catch (const fence::UnsupportedValue& why) {
    leave_out(entry.db, entry.key, why, unit, before);
    return Form::left_out;
  }
}

void ValueWriter::require_database(const rdb::Entry& entry) const {
  if (entry.db.value >= target_.abilities().databases) throw no_database(entry.db, entry.key);
}

fence::UnsupportedValue ValueWriter::no_database(DbIndex db, Bytes key) const {
  return {
      fence::Unsupported::database,
      fmt::format("{} is in database {}, and the target {} has only {}", printable(key), db.value,
                  target_.clustered() ? "cluster" : "server", target_.abilities().databases)};
}

void ValueWriter::note_presence(DbIndex db, Bytes key, bool present) {
  present ? unsupported_.add(db, key, no_database(db, key)) : unsupported_.remove(db, key);
}

/// Whole before any of it is sent: it may turn out that the target cannot hold it.
void ValueWriter::make_commands(const rdb::Entry& entry, int64_t grace_ms, Unit& unit) {
  if (commands_.capacity() > commands_kept_max) commands_ = {};
  commands_.clear();
  fence::rebuild_value(std::string(entry.key), entry.type, entry.value, entry.expire_at,
                       rebuild_options(grace_ms), [&](Bytes command) {
                         commands_.append(command);
                         ++unit.replies;
                       });
}

void ValueWriter::append_payload(const rdb::Entry& entry, const rdb::LoadableForm& form,
                                 int64_t grace_ms, std::string& out, Unit& unit) const {
  const commands::Dialect& dialect = target_.abilities().dialect;
  const bool replace = dialect.has(Option::restore_replace);
  const bool absolute = entry.expire_at && dialect.has(Option::restore_absttl);
  const bool relative = entry.expire_at && !absolute;
  const int64_t at = entry.expire_at ? entry.expire_at->ms + grace_ms : 0;
  const int64_t ttl = relative ? at - target_.now_ms() : at;
  if (!replace) {
    resp::append_command(out, {"MULTI"});
    resp::append_command(out, {"DEL", entry.key});
  }
  resp::append_array_header(out, 4 + (replace ? 1 : 0) + (absolute ? 1 : 0));
  resp::append_bulk(out, "RESTORE");
  resp::append_bulk(out, entry.key);
  resp::append_bulk(out, fmt::format_int(entry.expire_at ? std::max<int64_t>(1, ttl) : 0).c_str());
  fmt::format_to(std::back_inserter(out), "${}\r\n", rdb::dump_payload_size(form.value));
  rdb::append_dump_payload(out, form.type, form.value, form.version);
  out.append("\r\n");
  if (replace) resp::append_bulk(out, "REPLACE");
  if (absolute) resp::append_bulk(out, "ABSTTL");
  if (relative) resp::append_command(out, {"PEXPIREAT", entry.key, fmt::format_int(at).c_str()});
  if (!replace) resp::append_command(out, {"EXEC"});
  unit.exec = !replace;
  unit.replies = 1 + (replace ? 0 : 3) + (relative ? 1 : 0);
}

void ValueWriter::remove(DbIndex db, Bytes key, Unit unit, Offset before) {
  unsupported_.remove(db, key);
  append_removal(db, key, unit, before);
}

void ValueWriter::append_removal(DbIndex db, Bytes key, Unit unit, Offset before) {
  if (db.value >= target_.abilities().databases) return;
  const bool unlink = target_.abilities().dialect.knows("unlink");
  TargetNode& node = target_.node_of_key(key);
  resp::append_command(node.begin_unit(db, before, link_), {unlink ? "UNLINK" : "DEL", key});
  unit.db = db;
  unit.replies = 1;
  unit.failed = unit.exec = false;
  node.end_unit(unit);
}

void ValueWriter::leave_out(DbIndex db, Bytes key, const fence::UnsupportedValue& why, Unit unit,
                            Offset before) {
  unsupported_.add(db, key, why);
  append_removal(db, key, unit, before);
}

void ValueWriter::refuse(Bytes requests) { refuse_type(parse_written(requests).payload); }

void ValueWriter::refuse_type(const rdb::DumpView& payload) {
  if (is_module(payload.type))
    refused_modules_.insert(module_of(payload.value));
  else
    refused_types_.set(payload.type);
}

ValueWriter::Form ValueWriter::write_refused(Bytes requests, const Unit& unit, Offset before) {
  const Written written = parse_written(requests);
  refuse_type(written.payload);
  rdb::Entry entry{.db = unit.db, .key = written.key, .expire_at = written.expire_at};
  entry.type = written.payload.type;
  entry.value = written.payload.value;
  // What was written has the grace already.
  return write(entry, 0, unit, before);
}

}  // namespace lockstep::engine
