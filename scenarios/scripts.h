#pragma once

#include <string>
#include <string_view>

namespace lockstep::scenarios {

/// The text of a script that forms name as $lua:NAME. Asserts that there is one.
std::string_view script(std::string_view name);
/// Its SHA1 in hexadecimal, as EVALSHA wants it.
std::string script_digest(std::string_view name);

}  // namespace lockstep::scenarios
