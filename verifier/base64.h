#pragma once

#include <optional>
#include <string>

#include "sync/base/bytes.h"

namespace lockstep::verifier {

/// As RFC 4648 says, with padding.
std::string base64(Bytes data);
/// nullopt: it is not such a text.
std::optional<std::string> from_base64(Bytes text);

}  // namespace lockstep::verifier
