#include "verifier/base64.h"

#include <cstdint>

namespace lockstep::verifier {

namespace {

constexpr Bytes digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64(Bytes data) {
  std::string out;
  out.reserve((data.size() + 2) / 3 * 4);
  for (size_t i = 0; i < data.size(); i += 3) {
    const auto byte = [&](size_t at) {
      return at < data.size() ? static_cast<unsigned char>(data[at]) : 0u;
    };
    const uint32_t group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out += digits[group >> 18];
    out += digits[group >> 12 & 63];
    out += i + 1 < data.size() ? digits[group >> 6 & 63] : '=';
    out += i + 2 < data.size() ? digits[group & 63] : '=';
  }
  return out;
}

std::optional<std::string> from_base64(Bytes text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t group = 0;
    for (size_t at = i; at < i + 4; ++at) {
      const bool padded = at + padding >= text.size();
      const size_t digit = padded ? 0 : digits.find(text[at]);
      if (digit == Bytes::npos) return std::nullopt;
      group = group << 6 | static_cast<uint32_t>(digit);
    }
    out += {static_cast<char>(group >> 16), static_cast<char>(group >> 8 & 255),
            static_cast<char>(group & 255)};
  }
  for (size_t i = 0; i < padding; ++i) out.pop_back();
  return out;
}

}  // namespace lockstep::verifier
