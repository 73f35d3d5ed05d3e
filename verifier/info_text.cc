#include "verifier/info_text.h"

#include <algorithm>
#include <charconv>

namespace lockstep::verifier {

namespace {

template <class Number>
Number to_number(Bytes text) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Bytes next_line(Bytes& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  Bytes line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

Bytes info_field(Bytes info, Bytes field) {
  while (!info.empty()) {
    const Bytes line = next_line(info);
    if (line.size() > field.size() && line.starts_with(field) && line[field.size()] == ':')
      return line.substr(field.size() + 1);
  }
  return {};
}

uint64_t info_number(Bytes info, Bytes field) {
  return to_number<uint64_t>(info_field(info, field));
}

std::vector<DbKeys> info_keyspace(Bytes info) {
  std::vector<DbKeys> result;
  while (!info.empty()) {
    const Bytes line = next_line(info);
    const size_t at = line.find(":keys=");
    if (!line.starts_with("db") || at == Bytes::npos) continue;
    const size_t expires = line.find(",expires=");
    result.push_back({DbIndex{to_number<uint32_t>(line.substr(2))},
                      to_number<uint64_t>(line.substr(at + 6)),
                      expires == Bytes::npos ? 0 : to_number<uint64_t>(line.substr(expires + 9))});
  }
  return result;
}

}  // namespace lockstep::verifier
