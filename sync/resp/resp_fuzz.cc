// Both parsers: any split of the input gives the same messages, and the same error or none.
// The first byte of the input chooses the parser and the size of the pieces.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

#include "sync/base/error.h"
#include "sync/resp/parser.h"

namespace lockstep::resp {
namespace {

constexpr Limits limits{
    .bulk_bytes_max = 1 << 20, .elements_max = 1 << 16, .line_bytes_max = 4096, .depth_max = 16};

std::string described(const Parser& parser) {
  std::string out;
  for (const Node& node : parser.nodes()) {
    out += fmt::format("{} {} {} {} [{}]\n", static_cast<char>(node.type), node.integer,
                       node.number, node.child_count, node.text);
  }
  return out;
}

std::string described(const CommandParser& parser) {
  std::string out;
  for (Bytes arg : parser.args()) out += fmt::format("[{}] ", arg);
  return out + '\n';
}

/// What a parser makes of `input` when `step` more bytes are there at each call.
template <class AnyParser>
std::string outcome(Bytes input, size_t step) {
  AnyParser parser(limits);
  std::string out;
  size_t begin = 0;
  size_t end = 0;
  try {
    while (end < input.size()) {
      end = std::min(input.size(), end + step);
      while (const auto length = parser.parse(input.substr(begin, end - begin))) {
        LOCKSTEP_ASSERT(*length > 0 && *length <= end - begin);
        out += described(parser);
        begin += *length;
      }
      LOCKSTEP_ASSERT(parser.needed() > end - begin);
    }
    return out + "more";
  } catch (const FormatError& error) {
    return out + error.what();
  }
}

template <class AnyParser>
void check(Bytes input, size_t step) {
  LOCKSTEP_ASSERT(outcome<AnyParser>(input, step) == outcome<AnyParser>(input, input.size() + 1));
}

}  // namespace
}  // namespace lockstep::resp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lockstep;
  if (size == 0) return 0;
  const Bytes input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t step = 1 + (data[0] >> 1) % 16;
  if ((data[0] & 1) != 0) {
    resp::check<resp::CommandParser>(input, step);
  } else {
    resp::check<resp::Parser>(input, step);
  }
  return 0;
}
