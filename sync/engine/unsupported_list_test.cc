#include "sync/engine/unsupported_list.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <set>
#include <sstream>

#include "fixtures/run.h"
#include "fixtures/run_files.h"
#include "sync/base/error.h"
#include "sync/engine/engine.h"

namespace lockstep::engine {
namespace {

class unsupported_list : public testing::Test {
 protected:
  void add(int first, int count) {
    const fence::UnsupportedValue why(fence::Unsupported::streams, "a stream");
    for (int i = first; i < first + count; ++i)
      keys_.add(DbIndex{0}, "key" + std::to_string(i), why);
  }
  std::vector<UnsupportedList::Part> parts() const { return {{"source", "target", &keys_}}; }
  std::string path() const { return directory_.path() / "list.jsonl"; }
  /// The lines of the file; each must be there once.
  size_t listed() const {
    std::istringstream lines(fixtures::read_text(path()));
    std::set<std::string> seen;
    for (std::string line; std::getline(lines, line);)
      EXPECT_TRUE(seen.insert(line).second) << line;
    return seen.size();
  }

  fixtures::TemporaryDirectory directory_;
  UnsupportedKeys keys_{OnUnsupported::report};
};

TEST_F(unsupported_list, is_written_between_the_work_of_others) {
  constexpr int count = 20'000;
  add(0, count);
  boost::asio::io_context io;
  UnsupportedList list(path());
  bool written = false;
  boost::asio::co_spawn(io, list.refresh(parts()), [&](std::exception_ptr) { written = true; });
  int turns = 0, added = count;
  const auto others = [&]() -> boost::asio::awaitable<void> {
    while (!written) {
      ++turns;
      if (turns < 20) add(std::exchange(added, added + count / 10), count / 10);
      co_await boost::asio::post(io, boost::asio::use_awaitable);
    }
  };
  boost::asio::co_spawn(io, others(), boost::asio::detached);
  io.run();
  EXPECT_GT(turns, 50);
  EXPECT_GE(listed(), static_cast<size_t>(count));
  list.finish(parts());
  EXPECT_EQ(listed(), keys_.size());
}

TEST_F(unsupported_list, a_failure_is_no_end) {
  const std::string missing = directory_.path() / "missing";
  UnsupportedList list(missing + "/list.jsonl");
  add(0, 10);
  EXPECT_THROW(list.require_place(), UserError);
  fixtures::run(list.refresh(parts()));
  EXPECT_THROW(list.finish(parts()), UserError);
  std::filesystem::create_directory(missing);
  list.require_place();
  list.finish(parts());
  EXPECT_TRUE(std::filesystem::exists(missing + "/list.jsonl"));
}

// Before anything else, so also before a copy of hours.
TEST_F(unsupported_list, has_a_place_before_anybody_is_connected) {
  boost::asio::io_context io;
  SyncOptions options;
  options.from = options.to = {"redis://127.0.0.1:1"};
  options.unsupported = OnUnsupported::report;
  options.unsupported_list = directory_.path() / "missing" / "list.jsonl";
  Engine engine(io.get_executor(), options);
  std::string why;
  boost::asio::co_spawn(io, engine.run(), [&](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::exception& failure) {
      why = failure.what();
    }
  });
  io.run();
  EXPECT_NE(why.find("--unsupported-list"), std::string::npos) << why;
}

}  // namespace
}  // namespace lockstep::engine
