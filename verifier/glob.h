#pragma once

#include "sync/base/bytes.h"

namespace lockstep::verifier {

/// Whether a pattern of SCAN and KEYS takes a name: * ? [a-z] [^a-z] and \ before what stands for
/// itself, with the servers' reading of what is malformed (util.c, stringmatchlen()).
bool glob_match(Bytes pattern, Bytes text);

}  // namespace lockstep::verifier
