#include "sync/rdb/lzf.h"

#include <liblzf/lzf.h>

#include <limits>

namespace lockstep::rdb {

bool lzf_expand(Bytes compressed, uint64_t length, std::string& out) {
  constexpr uint64_t length_max = std::numeric_limits<unsigned>::max();
  if (compressed.empty() || compressed.size() > length_max || length > length_max) return false;
  out.resize(length);
  return lzf_decompress(compressed.data(), static_cast<unsigned>(compressed.size()), out.data(),
                        static_cast<unsigned>(length)) == length;
}

}  // namespace lockstep::rdb
