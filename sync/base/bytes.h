#pragma once

#include <string>
#include <string_view>

namespace lockstep {

/// A view of binary data that somebody else owns. Keys and values are arbitrary bytes.
using Bytes = std::string_view;

/// `data` as a person can read it on one line: printable ASCII as is, the rest as \xNN, cut after
/// `length_max` input bytes with an ellipsis.
std::string printable(Bytes data, size_t length_max = 128);

}  // namespace lockstep
