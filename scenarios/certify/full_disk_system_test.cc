// `lockstep certify --out` on a disk that is soon full.

#include <gtest/gtest.h>
#include <sys/mount.h>

#include "fixtures/program.h"
#include "fixtures/run.h"
#include "fixtures/run_files.h"

namespace lockstep::scenarios::certify {
namespace {

/// A file system in memory.
class SmallDisk {
 public:
  explicit SmallDisk(const char* options)
      : mounted_(mount("none", directory_.path().c_str(), "tmpfs", 0, options) == 0) {}
  ~SmallDisk() {
    if (mounted_) umount2(directory_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  std::string path() const { return directory_.path(); }

 private:
  fixtures::TemporaryDirectory directory_;
  bool mounted_;
};

TEST(FullDisk, EndsTheRunAndIsNamed) {
  for (const char* size : {"size=8k", "size=100k"}) {
    const SmallDisk disk(size);
    if (!disk.mounted()) GTEST_SKIP() << "Skipped: this user may not mount a small file system";
    const fixtures::Outcome outcome = fixtures::run(fixtures::run_lockstep(
        {"certify", "--from", "default", "--to", "default", "--topology", "standalone,cluster",
         "--families", "strings", "--out", disk.path() + "/out"},
        std::chrono::seconds(100)));
    EXPECT_EQ(outcome.status, 2) << size << outcome.out << outcome.err;
    EXPECT_NE((outcome.out + outcome.err).find("No space left on device"), std::string::npos)
        << size << outcome.out << outcome.err;
  }
}

}  // namespace
}  // namespace lockstep::scenarios::certify
