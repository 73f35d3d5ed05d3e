#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "sync/base/units.h"
#include "sync/rdb/digest.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

/// A key as a server holds it, told by its digest.
struct HeldState {
  std::optional<rdb::Digest128> digest;  ///< nullopt: absent
  std::optional<ExpireAt> expire_at;
};
/// Throws FormatError if the payload cannot be understood.
HeldState held_state(const std::optional<std::string>& payload, std::optional<ExpireAt> expire_at);

/// A library of functions, by its code.
HeldState library_state(const std::optional<std::string>& code);

/// One write of a repair: what was there before, and what is there afterwards.
struct JournalEntry {
  DbIndex db;
  std::string key;
  DiffClass diff_class = DiffClass::value;
  std::optional<std::string> old_payload;  ///< nullopt: absent; of a library of functions its code
  std::optional<ExpireAt> old_expire_at;
  HeldState written;
  std::string node;  ///< label; empty: the one that serves the key
};

/// repair.jsonl: a line of where, then a line for each write, on the disk before the write is sent.
class JournalWriter {
 public:
  /// The first of repair.jsonl, repair-2.jsonl, … that is not there yet. Throws UserError.
  JournalWriter(const std::filesystem::path& directory,
                const std::vector<std::string>& target_urls);
  ~JournalWriter();
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;

  void add(const JournalEntry& entry);
  /// Returns when all that was added is on the disk. Throws UserError.
  void sync();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  std::string pending_;
};

/// Reads a journal from its end to its beginning. A last line without its end was never acted on
/// and is left out.
class JournalReader {
 public:
  /// Throws UserError (bad_arguments) if it is no journal.
  explicit JournalReader(const std::filesystem::path& path);
  const std::vector<std::string>& target_urls() const { return target_urls_; }
  size_t size() const { return lines_.size(); }
  /// nullopt at the beginning. Throws UserError that names the line if it is damaged.
  std::optional<JournalEntry> previous();

 private:
  std::filesystem::path path_;
  std::ifstream file_;
  std::vector<std::string> target_urls_;
  std::vector<uint64_t> lines_;  ///< where those not yet read begin
};

}  // namespace lockstep::verifier
