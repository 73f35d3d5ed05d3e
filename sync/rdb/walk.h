#pragma once

#include <cstdint>

#include "sync/rdb/cursor.h"
#include "sync/rdb/format.h"

namespace lockstep::rdb {

/// So many elements of one section, side by side.
struct Run {
  Section section = Section::string_value;
  uint64_t left = 0;
  int64_t base_expire_ms = 0;  ///< hash_pair_after
  uint64_t module_opcode = 0;  ///< module_item
};

/// Leads through the runs of a value: reads the counts between them, and leaves the elements to the
/// caller. Resumable: when the cursor runs short, nothing has changed and next() may be called
/// again.
class Walk {
 public:
  explicit Walk(ValueType type = 0) : info_(&type_info(type)) {}
  const TypeInfo& info() const { return *info_; }
  /// Puts the next run into `run`; false at the end of the value, or at the cursor's fault.
  /// REQUIRES: the elements of the run before have been read.
  bool next(Cursor& cursor, Run& run);

 private:
  enum class Step : uint8_t {
    start,
    info,
    groups,
    group,
    pending,
    consumers,
    consumer,
    theirs,
    end
  };

  bool next_plain(Cursor& cursor, Run& run);
  bool next_stream(Cursor& cursor, Run& run);
  bool next_module(Cursor& cursor, Run& run);
  /// Gives a run of `count`, unless the cursor failed before.
  bool give(Cursor& cursor, Run& run, Section section, uint64_t count, Step then);

  const TypeInfo* info_;
  Step step_ = Step::start;
  uint64_t groups_ = 0;
  uint64_t consumers_ = 0;
};

/// Skips elements of the run, all or until the cursor fails; `run.left` and the cursor then stand
/// at the first element that was not skipped whole. Returns how many were.
uint64_t skip_elements(Cursor& cursor, Run& run, const TypeInfo& info);

}  // namespace lockstep::rdb
