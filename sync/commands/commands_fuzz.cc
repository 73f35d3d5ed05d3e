// Any request: finding it, its keys, its replay class, its parts and its rewrites stay within its
// arguments. The input is the request, arguments ended by newlines.
#include <cstddef>
#include <cstdint>

#include "sync/base/error.h"
#include "sync/commands/commands.h"

namespace lockstep::commands {
namespace {

std::vector<Bytes> arguments(Bytes text) {
  std::vector<Bytes> args;
  for (size_t end = text.find('\n'); end != Bytes::npos; end = text.find('\n')) {
    args.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  args.push_back(text);
  return args;
}

Slot by_first_byte(Bytes key) { return {static_cast<uint16_t>(key.empty() ? 0 : key[0] & 3)}; }

void check_keys(const Spec& spec, std::span<const Bytes> args) {
  std::vector<KeyRef> keys;
  const bool found = find_keys(spec, args, keys);
  LOCKSTEP_ASSERT(found || keys.empty());
  for (const KeyRef& key : keys) LOCKSTEP_ASSERT(key.argument > 0 && key.argument < args.size());
  const auto single = single_key(spec, args);
  LOCKSTEP_ASSERT(!single || (keys.size() == 1 && keys[0] == *single));
}

void check_parts(const Spec& spec, std::span<const Bytes> args) {
  size_t count = 0;
  size_t parts = 0;
  const bool split =
      split_by_slot(spec, args, by_first_byte, [&](Slot, std::span<const Bytes> part) {
        count += part.size() - 1;
        ++parts;
      });
  LOCKSTEP_ASSERT(split ? count == args.size() - 1 && parts > 0 : parts == 0);
}

void check_rewrite(const Spec& spec, std::span<const Bytes> args, bool pxat) {
  std::string out;
  const ExpiryRewrite rewrite{
      .now_ms = 1700000000000, .grace_ms = 1000, .target_supports_pxat = pxat};
  const size_t count = rewrite_expiry(spec, args, rewrite, out);
  LOCKSTEP_ASSERT(count <= 2 && (count == 0) == out.empty());
}

}  // namespace
}  // namespace lockstep::commands

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lockstep::commands;
  const auto args = arguments({reinterpret_cast<const char*>(data), size});
  const Spec* spec = find(args);
  if (spec == nullptr) return 0;
  check_keys(*spec, args);
  check_parts(*spec, args);
  check_rewrite(*spec, args, true);
  check_rewrite(*spec, args, false);
  replay(*spec, args);
  return 0;
}
