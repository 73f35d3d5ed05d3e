#pragma once

#include <charconv>
#include <cstdint>
#include <optional>

#include "sync/base/bytes.h"

namespace lockstep::commands {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// `text` in any case is `word`, which is lower case.
constexpr bool is_word(Bytes text, Bytes word) {
  if (text.size() != word.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (lower(text[i]) != word[i]) return false;
  }
  return true;
}

/// A decimal integer as servers accept it, or nothing.
inline std::optional<int64_t> to_integer(Bytes text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

}  // namespace lockstep::commands
