#include "verifier/snapshot_parser.h"

#include "sync/base/error.h"

namespace lockstep::verifier {

namespace {

constexpr size_t value_bytes_max = 16 << 20;
/// Piecewise digests of a HyperLogLog would not mask its cache; none is larger than this.
static_assert(value_bytes_max > 16 * 1024);

}  // namespace

struct SnapshotParser::BigValue {
  BigValue(const rdb::Entry& entry, std::optional<uint64_t> at)
      : db(entry.db),
        key(entry.key),
        kind(*rdb::kind_of(entry.type)),
        expire_at(entry.expire_at),
        offset(at),
        elements(kind) {}

  uint64_t digest() const {
    return kind == rdb::Kind::string ? text.finish().low : elements.finish().low;
  }

  DbIndex db;
  std::string key;
  rdb::Kind kind;
  std::optional<ExpireAt> expire_at;
  std::optional<uint64_t> offset;
  rdb::Digester elements;
  rdb::StringDigester text;
};

SnapshotParser::SnapshotParser(OnKey on_key, ParserOptions options)
    : on_key_(std::move(on_key)),
      options_(options),
      framer_({.value_bytes_max = value_bytes_max}) {}

SnapshotParser::~SnapshotParser() = default;

size_t SnapshotParser::consume(Bytes input) {
  const size_t unframed = accept(input, 0);
  const size_t start = frame(input, unframed);
  ready_ -= start - unframed;
  if (!done_ && transfer_.snapshot_done())
    throw FormatError(framer_.offset() + ready_, "RDB: the snapshot ends too early");
  needed_ = std::max(framer_.needed(), ready_ + 1);
  return start;
}

/// Lets the transfer say which bytes behind the first `ready_` are the snapshot's. The header comes
/// before all of them, so that they stay together. Returns where they begin.
size_t SnapshotParser::accept(Bytes input, size_t start) {
  while (!transfer_.snapshot_done()) {
    const psync::Transfer::Piece piece = transfer_.next(input.substr(start + ready_));
    if (piece.kind == psync::Transfer::Kind::snapshot) {
      ready_ += piece.data.size();
      if (piece.consumed == 0) break;
    } else {
      if (piece.consumed == 0) break;
      LOCKSTEP_ASSERT(ready_ == 0);
      start += piece.consumed;
    }
  }
  return start;
}

size_t SnapshotParser::frame(Bytes input, size_t start) {
  const size_t end = start + ready_;
  while (!done_) {
    entry_offset_ = framer_.offset();
    const rdb::Event event = framer_.next(input.substr(start, end - start));
    if (std::holds_alternative<rdb::NeedMore>(event)) break;
    handle(event);
    start += framer_.consumed();
  }
  return start;
}

void SnapshotParser::handle(const rdb::Event& event) {
  if (const auto* entry = std::get_if<rdb::Entry>(&event)) return on_entry(*entry);
  if (const auto* begin = std::get_if<rdb::BigBegin>(&event)) return on_big_begin(begin->entry);
  if (const auto* part = std::get_if<rdb::BigPart>(&event)) return on_big_part(*part);
  if (std::holds_alternative<rdb::BigEnd>(event)) return on_big_end();
  if (const auto* size = std::get_if<rdb::DbSize>(&event)) keys_expected_ += size->keys;
  functions_ += std::holds_alternative<rdb::Function>(event) ? 1 : 0;
  done_ = std::holds_alternative<rdb::End>(event);
}

bool SnapshotParser::wanted(const rdb::Entry& entry) {
  if (!options_.scope) return true;
  if (!options_.scope->takes(*rdb::kind_of(entry.type))) return false;
  const Take take = options_.scope->take(entry.db, entry.key);
  population_ += take == Take::no ? 0 : 1;
  return take == Take::yes;
}

std::optional<uint64_t> SnapshotParser::entry_offset() const {
  return options_.with_offsets ? std::optional(entry_offset_) : std::nullopt;
}

void SnapshotParser::on_entry(const rdb::Entry& entry) {
  if (!wanted(entry)) return;
  on_key_({.db = entry.db,
           .key = entry.key,
           .kind = *rdb::kind_of(entry.type),
           .digest = rdb::value_digest(entry.type, entry.value).low,
           .expire_at = entry.expire_at,
           .offset = entry_offset()});
}

void SnapshotParser::on_big_begin(const rdb::Entry& entry) {
  if (wanted(entry)) big_ = std::make_unique<BigValue>(entry, entry_offset());
}

void SnapshotParser::on_big_part(const rdb::BigPart& part) {
  if (!big_) return;
  if (big_->kind == rdb::Kind::string) {
    big_->text.add(part.raw);
  } else {
    rdb::decode_part(part, big_->elements);
  }
}

void SnapshotParser::on_big_end() {
  if (!big_) return;
  on_key_({.db = big_->db,
           .key = big_->key,
           .kind = big_->kind,
           .digest = big_->digest(),
           .expire_at = big_->expire_at,
           .offset = big_->offset});
  big_.reset();
}

}  // namespace lockstep::verifier
