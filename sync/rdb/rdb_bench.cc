#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "sync/rdb/crc64.h"
#include "sync/rdb/digest.h"
#include "sync/rdb/file_check.h"
#include "sync/rdb/framer.h"

// The file of the environment variable LOCKSTEP_RDB, from memory unless said otherwise.

namespace lockstep::rdb {
namespace {

const char* path() { return std::getenv("LOCKSTEP_RDB"); }

const std::string& file() {
  static const std::string bytes = [] {
    std::ostringstream text;
    if (path()) text << std::ifstream(path(), std::ios::binary).rdbuf();
    return text.str();
  }();
  return bytes;
}

/// Calls `use` with each entry of the file.
template <class Use>
void for_each_entry(bool verify_checksum, Use use) {
  Framer framer({.verify_checksum = verify_checksum});
  for (Bytes rest = file();;) {
    const Event event = framer.next(rest);
    if (std::holds_alternative<End>(event) || std::holds_alternative<NeedMore>(event)) return;
    if (const auto* entry = std::get_if<Entry>(&event)) use(*entry);
    rest.remove_prefix(framer.consumed());
  }
}

template <class Work>
void run(benchmark::State& state, Work work) {
  if (file().empty()) return state.SkipWithError("set LOCKSTEP_RDB to the path of an RDB file");
  for (auto _ : state) work();
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * file().size()));
}

void crc_by_tables(benchmark::State& state) {
  run(state, [] { benchmark::DoNotOptimize(crc64_tables(0, file())); });
}
void crc_carryless(benchmark::State& state) {
  run(state, [] { benchmark::DoNotOptimize(crc64_carryless(0, file())); });
}
void frame(benchmark::State& state) {
  run(state,
      [] { for_each_entry(false, [](const Entry& e) { benchmark::DoNotOptimize(e.type); }); });
}
void frame_and_check(benchmark::State& state) {
  run(state,
      [] { for_each_entry(true, [](const Entry& e) { benchmark::DoNotOptimize(e.type); }); });
}
void decode_all(benchmark::State& state) {
  Visitor nothing;
  run(state,
      [&] { for_each_entry(false, [&](const Entry& e) { decode(e.type, e.value, nothing); }); });
}
void digest_all(benchmark::State& state) {
  Digest128 sum;
  run(state,
      [&] { for_each_entry(true, [&](const Entry& e) { sum += value_digest(e.type, e.value); }); });
  benchmark::DoNotOptimize(sum);
}
/// Read from the disk or its cache, framed, checked: to hold against redis-check-rdb of the same
/// file.
void check_from_file(benchmark::State& state) {
  run(state, [] { benchmark::DoNotOptimize(check_file(path()).keys); });
}

BENCHMARK(crc_by_tables);
BENCHMARK(crc_carryless);
BENCHMARK(frame);
BENCHMARK(frame_and_check);
BENCHMARK(decode_all);
BENCHMARK(digest_all);
BENCHMARK(check_from_file);

}  // namespace
}  // namespace lockstep::rdb
