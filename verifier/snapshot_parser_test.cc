#include "verifier/snapshot_parser.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <fstream>

#include "sync/base/error.h"

namespace lockstep::verifier {
namespace {

using Seen = std::vector<std::tuple<uint32_t, std::string, uint64_t, int64_t>>;

/// Feeds `data` in pieces of `sizes` (over and over), as a socket would.
Seen parse(Bytes data, const std::vector<size_t>& sizes) {
  Seen seen;
  SnapshotParser parser([&](const KeySeen& key) {
    seen.emplace_back(key.db.value, key.key, key.digest, key.expire_at.value_or(ExpireAt{-1}).ms);
  });
  std::string buffer;
  for (size_t i = 0; !parser.done(); ++i) {
    if (data.empty()) throw FormatError(0, "the input is over");
    const size_t size = std::min(sizes[i % sizes.size()], data.size());
    buffer += data.substr(0, size);
    data.remove_prefix(size);
    buffer.erase(0, parser.consume(buffer));
  }
  return seen;
}

/// Files that servers saved: named by their magic. (Others there are damaged.)
std::vector<std::string> files() {
  std::vector<std::string> result;
  for (const auto& entry : std::filesystem::directory_iterator("sync/rdb/corpus/framer_fuzz")) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("REDIS") && !name.starts_with("VALKEY")) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    result.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return result;
}

std::string sized(const std::string& file) {
  return "\n$" + std::to_string(file.size()) + "\r\n" + file + "*1\r\n$4\r\nPING\r\n";
}

std::string until_mark(const std::string& file) {
  const std::string mark(40, 'm');
  return "$EOF:" + mark + "\r\n" + file + mark + "*1\r\n$4\r\nPING\r\n";
}

RC_GTEST_PROP(SnapshotParser, any_chunking_equals_the_whole, ()) {
  const auto all = files();
  RC_ASSERT(!all.empty());
  const std::string file = *rc::gen::elementOf(all);
  const auto sizes =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 300)));
  const Seen whole = parse(sized(file), {file.size() + 100});
  RC_ASSERT(!whole.empty());
  RC_ASSERT(parse(sized(file), sizes) == whole);
  RC_ASSERT(parse(until_mark(file), sizes) == whole);
}

TEST(SnapshotParser, ACutSnapshotIsAnError) {
  for (const std::string& file : files()) {
    EXPECT_THROW(parse(sized(file.substr(0, file.size() - 12)), {64}), FormatError);
    EXPECT_THROW(parse(until_mark(file.substr(0, file.size() / 2)), {64}), FormatError);
  }
}

TEST(SnapshotParser, AChangedByteIsAnError) {
  for (std::string file : files()) {
    file[file.size() / 2] ^= 4;
    EXPECT_THROW(parse(sized(file), {4096}), FormatError);
  }
}

TEST(SnapshotParser, AnErrorInsteadOfASnapshotIsSaid) {
  EXPECT_THROW(parse("-ERR no\r\n", {100}), FormatError);
}

}  // namespace
}  // namespace lockstep::verifier
