#pragma once

#include "sync/base/bytes.h"
#include "sync/base/units.h"

namespace lockstep::cluster {

/// The part of a key that decides its slot: between the first '{' and the next '}' if that is not
/// empty, else the whole key.
Bytes hash_tag(Bytes key);
/// CRC16 (XMODEM) of the hash tag, modulo 16384.
Slot slot_of(Bytes key);

}  // namespace lockstep::cluster
