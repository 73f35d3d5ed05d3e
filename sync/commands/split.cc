#include <algorithm>

#include "sync/commands/commands.h"

namespace lockstep::commands {
namespace {

struct Placed {
  Slot slot;
  size_t argument;
};

std::vector<Placed> place(const std::vector<KeyRef>& keys, std::span<const Bytes> args,
                          Slot (*slot_of)(Bytes)) {
  std::vector<Placed> placed;
  placed.reserve(keys.size());
  for (const KeyRef& key : keys) placed.push_back({slot_of(args[key.argument]), key.argument});
  std::ranges::stable_sort(placed, {}, &Placed::slot);
  return placed;
}

}  // namespace

bool split_by_slot(const Spec& spec, std::span<const Bytes> args, Slot (*slot_of)(Bytes),
                   const SplitSink& sink) {
  std::vector<KeyRef> keys;
  if (spec.split == Split::none || !find_keys(spec, args, keys)) return false;
  const size_t step = spec.split == Split::per_pair ? 2 : 1;
  const std::vector<Placed> placed = place(keys, args, slot_of);
  std::vector<Bytes> part;
  for (size_t i = 0; i < placed.size();) {
    const Slot slot = placed[i].slot;
    part.assign(1, args[0]);
    for (; i < placed.size() && placed[i].slot == slot; ++i) {
      const auto piece = args.subspan(placed[i].argument, step);
      part.insert(part.end(), piece.begin(), piece.end());
    }
    sink(slot, part);
  }
  return true;
}

}  // namespace lockstep::commands
