#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "verifier/compare.h"
#include "verifier/journal.h"

namespace lockstep::verifier {

struct UndoOptions {
  std::filesystem::path journal;
  std::vector<std::string> to;  ///< empty: as the journal says
  bool force = false;           ///< also keys that were changed since
  bool dry_run = false;
};

struct UndoReport {
  uint64_t restored = 0;
  uint64_t already = 0;              ///< as before the repair
  uint64_t changed = 0;              ///< by somebody else since the repair; left as they are
  std::vector<std::string> samples;  ///< of these, printable
};

/// What undo does about one key, which is `now` so. Sans-io.
enum class UndoStep : uint8_t { restore, nothing, changed };
UndoStep undo_step(const JournalEntry& entry, const Reading& now);
/// The same of a library of functions; nullopt: it is not there.
UndoStep undo_library_step(const JournalEntry& entry, const std::optional<std::string>& code);

/// Puts back what a repair overwrote or removed, the last first. Blocking. Throws UserError,
/// ConnectionError.
UndoReport undo(const UndoOptions& options);

}  // namespace lockstep::verifier
