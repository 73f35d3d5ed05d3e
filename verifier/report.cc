#include <numeric>

#include "verifier/verify.h"

namespace lockstep::verifier {

const char* diff_class_name(DiffClass diff_class) {
  static constexpr const char* names[diff_class_count] = {"misplaced",    "missing", "extra",
                                                          "type",         "value",   "metadata",
                                                          "field_expiry", "expiry",  "function"};
  return names[static_cast<size_t>(diff_class)];
}

const char* explained_name(Explained explained) {
  static constexpr const char* names[explained_count] = {"", "evicted", "unsupported"};
  return names[static_cast<size_t>(explained)];
}

const char* verdict_name(Verdict verdict) {
  static constexpr const char* names[] = {"equal", "different", "unknown"};
  return names[static_cast<size_t>(verdict)];
}

uint64_t VerifyReport::difference_count() const {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

ExitCode VerifyReport::exit_code() const {
  switch (verdict) {
    case Verdict::equal:
      return ExitCode::ok;
    case Verdict::different:
      return ExitCode::different;
    case Verdict::unknown:
      break;
  }
  return ExitCode::unknown;
}

}  // namespace lockstep::verifier
