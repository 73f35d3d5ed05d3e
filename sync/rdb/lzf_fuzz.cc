#include "sync/base/error.h"
#include "sync/rdb/lzf.h"

// The first two bytes are the length that the rest shall expand to.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lockstep;
  if (size < 3) return 0;
  const uint64_t length = data[0] | uint64_t{data[1]} << 8;
  const Bytes compressed(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (!rdb::lzf_length_possible(compressed.size(), length)) return 0;
  std::string out;
  if (rdb::lzf_expand(compressed, length, out)) LOCKSTEP_ASSERT(out.size() == length);
  return 0;
}
