#pragma once

#include <cstdint>
#include <string>

namespace lockstep::rdb {

/// The nine characters of a module type's name, from its id: 54 bits of name, 10 of its version.
inline void module_name(uint64_t id, std::string& name) {
  constexpr char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  name.resize(9);
  for (int i = 0; i < 9; ++i) name[i] = characters[(id >> (58 - 6 * i)) & 63];
}

}  // namespace lockstep::rdb
