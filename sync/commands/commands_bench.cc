// What the planner pays for each command of a stream.
#include <benchmark/benchmark.h>

#include "sync/commands/commands.h"

namespace lockstep::commands {
namespace {

const std::vector<std::vector<Bytes>> requests = {
    {"SET", "key:1", "value"},        {"HSET", "key:2", "field", "value"},
    {"incrby", "key:3", "1"},         {"PEXPIREAT", "key:4", "1700000000000"},
    {"ZADD", "key:5", "1", "member"}, {"XGROUP", "CREATECONSUMER", "key:6", "group", "consumer"},
    {"DEL", "key:7", "key:8"},        {"SUNIONSTORE", "key:9", "key:10", "key:11"},
};

void find_and_keys(benchmark::State& state) {
  std::vector<KeyRef> keys;
  for (auto _ : state) {
    for (const auto& request : requests) {
      benchmark::DoNotOptimize(find_keys(*find(request), request, keys));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(requests.size()));
}
BENCHMARK(find_and_keys);

void find_only(benchmark::State& state) {
  for (auto _ : state) {
    for (const auto& request : requests) benchmark::DoNotOptimize(find(request));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(requests.size()));
}
BENCHMARK(find_only);

void replay_class(benchmark::State& state) {
  for (auto _ : state) {
    for (const auto& request : requests) benchmark::DoNotOptimize(replay(*find(request), request));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(requests.size()));
}
BENCHMARK(replay_class);

void rewrite(benchmark::State& state) {
  const std::vector<Bytes> request = {"SET", "key:1", "value", "EX", "100"};
  std::string out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(
        rewrite_expiry(*find(request), request, {1700000000000, 1000, true}, out));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(rewrite);

}  // namespace
}  // namespace lockstep::commands
