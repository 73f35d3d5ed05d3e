#include "sync/base/error.h"
#include "sync/rdb/digest.h"
#include "sync/rdb/object.h"

// The first byte is the value's type. Decoding gives a value or a FormatError, never anything else,
// and an equal object for equal bytes.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lockstep;
  if (size == 0) return 0;
  const Bytes value(reinterpret_cast<const char*>(data) + 1, size - 1);
  bool digested = false;
  try {
    rdb::value_digest(data[0], value);
    digested = true;
    rdb::decode_object(data[0], value);
  } catch (const FormatError& error) {
    LOCKSTEP_ASSERT(!digested && error.offset() <= value.size());
  }
  return 0;
}
