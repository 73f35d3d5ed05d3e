#include "sync/rdb/format.h"

#include <algorithm>

#include "sync/rdb/decode.h"
#include "sync/rdb/dump_payload.h"

namespace lockstep::rdb {

std::optional<Kind> kind_of(ValueType type) {
  const TypeInfo& info = type_info(type);
  if (info.layout == Layout::unknown) return std::nullopt;
  return info.kind;
}

const char* kind_name(Kind kind) {
  constexpr std::array names = {"string", "list", "set", "hash", "zset", "stream", "module"};
  return names.at(static_cast<size_t>(kind));
}

std::optional<uint16_t> lowest_version_for(ValueType type) {
  const TypeInfo& info = type_info(type);
  if (info.layout == Layout::unknown) return std::nullopt;
  // Servers before 3.2 take no footer but their own, which was 6.
  return std::max<uint16_t>(info.version, 6);
}

}  // namespace lockstep::rdb
