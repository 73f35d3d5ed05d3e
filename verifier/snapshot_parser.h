#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "sync/psync/transfer.h"
#include "sync/rdb/digest.h"
#include "sync/rdb/framer.h"
#include "verifier/scope.h"

namespace lockstep::verifier {

/// One key as a reader met it. Views live for the call.
struct KeySeen {
  DbIndex db;
  Bytes key;
  rdb::Kind kind = rdb::Kind::string;
  uint64_t digest = 0;  ///< 64 bits of rdb::value_digest()
  std::optional<ExpireAt> expire_at;
  std::optional<uint64_t> offset{};  ///< where it stands in its file
};
using OnKey = std::function<void(const KeySeen&)>;

struct ParserOptions {
  const Scope* scope = nullptr;  ///< which keys are given; null: all
  bool with_offsets = false;     ///< of keys in the snapshot
};

/// What a replication link delivers → keys with their digests. No I/O. Values above 16 MB are
/// digested in pieces.
class SnapshotParser {
 public:
  explicit SnapshotParser(OnKey on_key, ParserOptions options = {});
  ~SnapshotParser();

  /// Takes the bytes received and not yet consumed; returns how many of them to drop. Throws
  /// FormatError, also if the snapshot ends before its end mark.
  size_t consume(Bytes input);
  /// So many bytes must be there before the next call gets further (a hint).
  size_t needed() const { return needed_; }
  bool done() const { return done_; }

  /// Keys that the sample was drawn from, met since the last call.
  uint64_t take_population() { return std::exchange(population_, 0); }
  /// Bytes of the snapshot that have been framed.
  uint64_t offset() const { return framer_.offset(); }
  uint64_t keys_expected() const { return keys_expected_; }
  uint64_t functions() const { return functions_; }
  uint32_t rdb_version() const { return framer_.header().version; }

 private:
  struct BigValue;

  size_t accept(Bytes input, size_t start);
  size_t frame(Bytes input, size_t start);
  void handle(const rdb::Event& event);
  bool wanted(const rdb::Entry& entry);
  std::optional<uint64_t> entry_offset() const;
  void on_entry(const rdb::Entry& entry);
  void on_big_begin(const rdb::Entry& entry);
  void on_big_part(const rdb::BigPart& part);
  void on_big_end();

  OnKey on_key_;
  ParserOptions options_;
  psync::Transfer transfer_;
  rdb::Framer framer_;
  std::unique_ptr<BigValue> big_;
  size_t ready_ = 0;  ///< bytes in front of the input that belong to the snapshot
  size_t needed_ = 0;
  uint64_t entry_offset_ = 0;
  uint64_t population_ = 0;
  uint64_t keys_expected_ = 0;
  uint64_t functions_ = 0;
  bool done_ = false;
};

}  // namespace lockstep::verifier
