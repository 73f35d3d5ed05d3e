#include "sync/base/error.h"
#include "sync/rdb/dump_payload.h"

// What parses is what we would have made of its parts; what we make parses.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lockstep;
  const Bytes payload(reinterpret_cast<const char*>(data), size);
  std::string made;
  try {
    const rdb::DumpView view = rdb::parse_dump_payload(payload);
    rdb::append_dump_payload(made, view.type, view.value, view.version);
    LOCKSTEP_ASSERT(made == payload);
  } catch (const FormatError&) {
  }
  made.clear();
  rdb::append_dump_payload(made, 0, payload, 11);
  LOCKSTEP_ASSERT(rdb::parse_dump_payload(made).value == payload);
  return 0;
}
