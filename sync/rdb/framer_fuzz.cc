#include <optional>

#include "sync/base/error.h"
#include "sync/rdb/digest.h"
#include "sync/rdb/framer.h"

// Any bytes give events, NeedMore or a FormatError; one byte more at a time gives the same as all
// at once.

namespace lockstep::rdb {
namespace {

/// Where a file ended, and how; of a complete one also the sum of its values' digests.
struct Framed {
  uint64_t end = 0;
  Digest128 sum;
  bool operator==(const Framed&) const = default;
};
constexpr Framed cut_off{uint64_t{1} << 62, {}}, damaged{uint64_t{1} << 63, {}};

/// The digests of all values, whole ones and those that come in parts alike.
class Values {
 public:
  void take(const Event& event) {
    if (const auto* entry = std::get_if<Entry>(&event)) {
      sum_ += value_digest(entry->type, entry->value);
    } else if (const auto* begin = std::get_if<BigBegin>(&event)) {
      kind_ = *kind_of(begin->entry.type);
      text_.emplace();
      elements_.emplace(kind_);
    } else if (const auto* part = std::get_if<BigPart>(&event)) {
      kind_ == Kind::string ? text_->add(part->raw) : decode_part(*part, *elements_);
    } else if (std::holds_alternative<BigEnd>(event)) {
      sum_ += kind_ == Kind::string ? text_->finish() : elements_->finish();
    }
  }
  Digest128 sum() const { return sum_; }

 private:
  Digest128 sum_;
  Kind kind_ = Kind::string;
  std::optional<StringDigester> text_;
  std::optional<Digester> elements_;
};

/// Frames `file`, its bytes arriving in steps; decodes everything.
Framed frame(Bytes file, size_t step) {
  Framer framer({.verify_checksum = false, .value_bytes_max = 64});
  Values values;
  bool undecodable = false;
  size_t start = 0, end = 0;
  try {
    for (;;) {
      const Event event = framer.next(file.substr(start, end - start));
      start += framer.consumed();
      if (std::holds_alternative<End>(event))
        return {start, undecodable ? Digest128() : values.sum()};
      try {
        values.take(event);
      } catch (const FormatError&) {
        undecodable = true;  // framed, and its contents damaged: the framer goes on
      }
      if (!std::holds_alternative<NeedMore>(event)) continue;
      // Of a value that is cut off, more parts may have been given when less of it was there.
      if (end == file.size()) return cut_off;
      end = std::min(file.size(), end + step);
    }
  } catch (const FormatError&) {
    return damaged;
  }
}

}  // namespace
}  // namespace lockstep::rdb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const lockstep::Bytes file(reinterpret_cast<const char*>(data), size);
  const auto whole = lockstep::rdb::frame(file, size + 1);
  LOCKSTEP_ASSERT(lockstep::rdb::frame(file, 1 + size % 13) == whole);
  return 0;
}
