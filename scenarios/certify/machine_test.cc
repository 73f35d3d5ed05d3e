#include "scenarios/certify/machine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <thread>

namespace lockstep::scenarios::certify {
namespace {

/// A file system of our own, with 8 GiB of memory of which 4 are free.
class ThisMachine : public ::testing::Test {
 protected:
  void SetUp() override {
    write("proc/meminfo", "MemTotal:        8388608 kB\nMemAvailable:    4194304 kB\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }

  std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("machine-" + std::to_string(::getpid()));
};

constexpr uint64_t gib = uint64_t{1} << 30;

TEST_F(ThisMachine, WithoutLimits) {
  const Machine machine = this_machine(root_);
  EXPECT_EQ(machine.cores, std::max(1u, std::thread::hardware_concurrency()));
  EXPECT_EQ(machine.memory_bytes, 8 * gib);
  EXPECT_EQ(machine.memory_available_bytes, 4 * gib);
  EXPECT_NE(machine.text.find(", 8.6 GB, Linux "), std::string::npos) << machine.text;
  write("sys/fs/cgroup/cpu.max", "max 100000\n");
  write("sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(this_machine(root_).cores, machine.cores);
  EXPECT_EQ(this_machine(root_).memory_bytes, 8 * gib);
}

TEST_F(ThisMachine, InAContainer) {
  write("sys/fs/cgroup/cpu.max", "50000 100000\n");
  write("sys/fs/cgroup/memory.max", std::to_string(2 * gib));
  write("sys/fs/cgroup/memory.current", std::to_string(gib + 5));
  write("sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 5\n");
  const Machine machine = this_machine(root_);
  EXPECT_EQ(machine.cores, 1u);
  EXPECT_EQ(machine.memory_bytes, 2 * gib);
  EXPECT_EQ(machine.memory_available_bytes, gib);
}

TEST_F(ThisMachine, InAContainerOfTheFirstVersion) {
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", std::to_string(3 * gib));
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", std::to_string(2 * gib));
  const Machine machine = this_machine(root_);
  EXPECT_EQ(machine.cores, 1u);
  EXPECT_EQ(machine.memory_bytes, 3 * gib);
  EXPECT_EQ(machine.memory_available_bytes, gib);
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(this_machine(root_).cores, std::max(1u, std::thread::hardware_concurrency()));
}

/// This one: something is known of it.
TEST(ThisMachineItself, HasMemory) {
  const Machine machine = this_machine();
  EXPECT_GT(machine.memory_available_bytes, 0u);
  EXPECT_LE(machine.memory_available_bytes, machine.memory_bytes);
}

}  // namespace
}  // namespace lockstep::scenarios::certify
