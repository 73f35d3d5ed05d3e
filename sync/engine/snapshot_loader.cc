#include "sync/engine/snapshot_loader.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "sync/base/error.h"
#include "sync/engine/clock.h"
#include "sync/rdb/dump_payload.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {

namespace {

constexpr uint32_t batch_pairs_max = 32;
constexpr size_t batch_bytes_max = 64 * 1024;
constexpr rdb::ValueType string_type = 0;

/// A length-prefixed or integer-encoded RDB string as its bytes; false for a compressed one.
/// See rdbGenericLoadStringObject() in the servers' rdb.c.
bool plain_text(Bytes value, std::string& text) {
  if (value.empty()) return false;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(value[i]); };
  size_t header = 0;
  switch (byte(0) >> 6) {
    case 0:
      header = 1;
      break;
    case 1:
      header = 2;
      break;
    case 2:
      header = byte(0) == 0x80 ? 5 : 9;
      break;
    default:
      break;
  }
  if (header > 0) {
    if (value.size() < header) return false;
    text.assign(value.substr(header));
    return true;
  }
  const size_t width = byte(0) == 0xc0 ? 1 : byte(0) == 0xc1 ? 2 : byte(0) == 0xc2 ? 4 : 0;
  if (width == 0 || value.size() != width + 1) return false;
  uint32_t number = 0;
  for (size_t i = 0; i < width; ++i) number |= static_cast<uint32_t>(byte(i + 1)) << (8 * i);
  const int32_t signed_number = width == 1   ? static_cast<int8_t>(number)
                                : width == 2 ? static_cast<int16_t>(number)
                                             : static_cast<int32_t>(number);
  text = fmt::format("{}", signed_number);
  return true;
}

/// From a library's first line, "#!lua name=mylib" (functions.c, functionExtractLibMetaData()).
std::string library_name(Bytes code) {
  constexpr Bytes label = " name=";
  const Bytes line = code.substr(0, code.find('\n'));
  const size_t at = line.find(label);
  if (at == Bytes::npos) return {};
  const Bytes name = line.substr(at + label.size());
  return std::string(name.substr(0, name.find_first_of(" \r")));
}

}  // namespace

SnapshotLoader::SnapshotLoader(Target& target, uint16_t link, LoaderOptions options,
                               ScriptStore& scripts, UnsupportedKeys& unsupported)
    : target_(target),
      link_(link),
      options_(options),
      scripts_(scripts),
      unsupported_(unsupported),
      values_(target, link, unsupported) {}

void SnapshotLoader::on_entry(const rdb::Entry& entry) {
  ++counters_.keys;
  const bool there = entry.db.value < target_.abilities().databases;
  if (there && plain_string(entry)) return add_plain(entry);
  const Unit unit{.link = link_, .kind = UnitKind::restore, .db = entry.db, .end = offset_};
  count(values_.write(entry, options_.expiry_grace.count(), unit, offset_));
}

void SnapshotLoader::count(ValueWriter::Form form) {
  switch (form) {
    case ValueWriter::Form::payload:
      ++counters_.restored;
      break;
    case ValueWriter::Form::commands:
      ++counters_.rebuilt;
      break;
    case ValueWriter::Form::left_out:
      ++counters_.left_out;
      break;
  }
}

bool SnapshotLoader::plain_string(const rdb::Entry& entry) {
  return entry.type == string_type && !entry.expire_at &&
         entry.value.size() <= options_.plain_string_bytes_max && plain_text(entry.value, text_);
}

void SnapshotLoader::end_unit(TargetNode& node, DbIndex db, uint32_t replies, UnitKind kind) {
  node.end_unit({.replies = replies, .link = link_, .kind = kind, .db = db, .end = offset_});
}

void SnapshotLoader::add_plain(const rdb::Entry& entry) {
  ++counters_.plain;
  if (target_.clustered()) {
    TargetNode& node = target_.node_of_key(entry.key);
    resp::append_command(node.begin_unit(entry.db, offset_, link_), {"SET", entry.key, text_});
    return end_unit(node, entry.db, 1, UnitKind::restore);
  }
  if (batch_pairs_ > 0 && batch_db_ != entry.db) flush();
  batch_db_ = entry.db;
  resp::append_bulk(batch_, entry.key);
  resp::append_bulk(batch_, text_);
  if (++batch_pairs_ == batch_pairs_max || batch_.size() >= batch_bytes_max) flush();
}

void SnapshotLoader::flush() {
  if (batch_pairs_ == 0) return;
  TargetNode& node = target_.node(0);
  std::string& out = node.begin_unit(batch_db_, offset_, link_);
  resp::append_array_header(out, 1 + 2 * batch_pairs_);
  resp::append_bulk(out, "MSET");
  out.append(batch_);
  end_unit(node, batch_db_, 1, UnitKind::restore);
  batch_.clear();
  batch_pairs_ = 0;
}

std::set<std::string> SnapshotLoader::forget() {
  batch_.clear();
  batch_pairs_ = 0;
  big_.reset();
  stream_db_ = DbIndex{0};
  counters_ = {};
  return std::exchange(libraries_, {});
}

void SnapshotLoader::on_function(Bytes code) {
  if (!target_.abilities().functions()) {
    ++counters_.functions_left_out;
    return unsupported_.add_function();
  }
  ++counters_.functions;
  libraries_.insert(library_name(code));
  for (size_t i = 0; i < target_.node_count(); ++i) {
    TargetNode& node = target_.node(i);
    resp::append_command(node.begin_unit(DbIndex{0}, offset_, link_),
                         {"FUNCTION", "LOAD", "REPLACE", code});
    end_unit(node, DbIndex{0}, 1, UnitKind::control);
  }
}

void SnapshotLoader::on_aux(Bytes name, Bytes value) {
  if (name == "repl-stream-db") {
    const char* end = value.data() + value.size();
    if (std::from_chars(value.data(), end, stream_db_.value).ptr != end)
      throw UserError(
          fmt::format("the source's snapshot says that its stream begins in database "
                      "\"{}\", which is not a number",
                      printable(value, 40)));
  }
  if (name == "lua") scripts_.add(value);
}

}  // namespace lockstep::engine
