#include "sync/base/error.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace lockstep {

FormatError::FormatError(uint64_t offset, const std::string& context)
    : std::runtime_error(fmt::format("{} at offset {}", context, offset)), offset_(offset) {}

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
  std::abort();
}

}  // namespace lockstep
