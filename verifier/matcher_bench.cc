// How much memory and time it takes to bring two equal sides together. Arguments: millions of keys
// on each side, bound of the memory in MB. Run one row at a time: the peak is the process's.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include "verifier/matcher.h"

namespace lockstep::verifier {
namespace {

double peak_mb() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1000;
}

void two_equal_sides(benchmark::State& state) {
  const Side source(SideName::source), target(SideName::target);
  const uint64_t keys = static_cast<uint64_t>(state.range(0)) * 1'000'000;
  for (auto _ : state) {
    Matcher matcher({.memory_bytes = static_cast<size_t>(state.range(1)) * 1'000'000});
    char name[32];
    for (uint64_t i = 0; i < keys; ++i) {
      for (const Side* side : {&source, &target}) {
        // The other side's order is another one.
        const uint64_t number = side == &source ? i : (i * 7919 + 13) % keys;
        KeySeen seen;
        seen.key =
            Bytes(name, static_cast<size_t>(fmt::format_to(name, "key:{:09}", number) - name));
        seen.digest = number;
        matcher.add(*side, 0, seen);
      }
    }
    const auto candidates = matcher.take_candidates();
    if (!candidates.empty() || matcher.distinct() != keys) state.SkipWithError("not equal");
    state.counters["spilled_MB"] = static_cast<double>(matcher.spilled_bytes()) / 1e6;
  }
  state.counters["peak_MB"] = peak_mb();
  state.SetItemsProcessed(static_cast<int64_t>(2 * keys));
}
BENCHMARK(two_equal_sides)
    ->Args({1, 256})
    ->Args({20, 256})
    ->Args({100, 256})
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace lockstep::verifier
