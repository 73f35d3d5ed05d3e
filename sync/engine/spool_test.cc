#include "sync/engine/spool.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "sync/base/error.h"

namespace lockstep::engine {
namespace {

SpoolOptions small(uint64_t disk_bytes_max = 0) {
  return {.memory_bytes_max = 2 * Spool::chunk_bytes,
          .disk_bytes_max = disk_bytes_max,
          .directory = testing::TempDir()};
}

/// Bytes of a stream in which no two pieces of 8 are the same.
std::string stream_bytes(uint64_t begin, size_t count) {
  std::string out(count, '\0');
  for (size_t i = 0; i < count; ++i) {
    const uint64_t at = begin + i;
    out[i] = static_cast<char>((at / 8) >> (8 * (at % 8)));
  }
  return out;
}

RC_GTEST_PROP(spool, gives_back_what_came_in_its_order, ()) {
  Spool spool(small());
  uint64_t written = 0, taken = 0, disk_peak = 0;
  const auto take = [&] {
    std::string out = "before";
    const size_t n = spool.take(out);
    RC_ASSERT(out == "before" + stream_bytes(taken, n));
    RC_ASSERT((n == 0) == (written == taken));
    taken += n;
  };
  const int steps = *rc::gen::inRange(1, 60);
  for (int i = 0; i < steps; ++i) {
    const int step = *rc::gen::inRange(0, 12);
    if (step == 0) {
      spool.clear();
      taken = written;
    } else if (step < 5) {
      take();
    } else {
      const size_t n = *rc::gen::inRange<size_t>(0, Spool::chunk_bytes * 3 / 2);
      spool.append(stream_bytes(written, n));
      written += n;
    }
    disk_peak = std::max(disk_peak, spool.bytes_on_disk());
    RC_ASSERT(spool.bytes() == written - taken);
    // What is not on disk is in memory, and that is bounded.
    RC_ASSERT(spool.bytes() - spool.bytes_on_disk() <= 3 * Spool::chunk_bytes);
  }
  while (!spool.empty()) take();
  take();
  RC_ASSERT(taken == written);
  RC_ASSERT(spool.bytes_on_disk_peak() == disk_peak);
}

std::string failure_of(Spool& spool, uint64_t bytes) {
  try {
    for (uint64_t i = 0; i < bytes; i += Spool::chunk_bytes) {
      spool.append(stream_bytes(i, Spool::chunk_bytes));
    }
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(spool, that_reaches_its_bound_names_the_option) {
  Spool spool(small(4 << 20));
  const std::string failure = failure_of(spool, 8 << 20);
  EXPECT_NE(failure.find("--spool-disk-max"), std::string::npos) << failure;
}

TEST(spool, on_a_disk_that_takes_no_more_names_the_folder_and_the_way_out) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit bounded{.rlim_cur = 3 << 20, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &bounded), 0);
  Spool spool(small());
  const std::string failure = failure_of(spool, 8 << 20);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(failure.find(std::filesystem::path(testing::TempDir()).string()), std::string::npos)
      << failure;
  EXPECT_NE(failure.find("--spool-dir"), std::string::npos) << failure;
}

TEST(spool, in_a_folder_that_is_not_there_names_it) {
  SpoolOptions options = small();
  options.directory = "/nowhere/at/all";
  Spool spool(options);
  const std::string failure = failure_of(spool, 8 << 20);
  EXPECT_NE(failure.find("/nowhere/at/all"), std::string::npos) << failure;
}

}  // namespace
}  // namespace lockstep::engine
