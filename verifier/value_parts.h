#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sync/rdb/object.h"
#include "verifier/explain.h"

namespace lockstep::verifier {

/// One element of a value, with what it is found by on the other side.
struct ValuePart {
  std::string order;  ///< parts of both sides with the same belong together; sorted by it
  std::string name;   ///< for a person
  std::string text;
  std::optional<ExpireAt> expire_at{};
  bool known = true;  ///< false: this version of the format does not tell
};

/// Every element of a value, sorted by `order`.
std::vector<ValuePart> value_parts(const rdb::Object& object);

/// A payload of DUMP as far as it can be understood.
struct DecodedValue {
  std::string type;  ///< "string", …, or why it cannot be decoded
  uint64_t elements = 0;
  std::optional<rdb::Object> object;
};
DecodedValue decode_payload(Bytes payload);

}  // namespace lockstep::verifier
