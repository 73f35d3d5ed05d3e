#include "verifier/scan_batch.h"

#include <gtest/gtest.h>

namespace lockstep::verifier {
namespace {

ScannedKey key(const std::string& name, uint64_t bytes = 0) {
  return {.name = name, .bytes = bytes};
}

/// The commands of a request, a word each.
std::vector<std::string> words(const ScanBatch& batch) {
  std::vector<std::string> result;
  const std::string& text = batch.requests;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find("\r\n", at);
    const size_t number = std::stoul(text.substr(at + 1, end - at - 1));
    const bool bulk = text[at] == '$';
    at = end + 2;
    if (!bulk) continue;
    result.push_back(text.substr(at, number));
    at += number + 2;
  }
  return result;
}

TEST(ScanBatch, StringsComeByOneMgetAndTheRestByDump) {
  ScanQueues queues;
  for (const char* name : {"a", "b"}) queues.unread.push_back(key(name));
  queues.unsized.push_back(key("c"));
  queues.sized.push_back(key("d", 100));
  ScanBatch batch;
  fill_batch(batch, queues, {}, 10);
  EXPECT_EQ(words(batch), (std::vector<std::string>{"MGET", "a", "b", "MEMORY", "USAGE", "c",
                                                    "DUMP", "d", "INFO", "keyspace"}));
  EXPECT_EQ(batch.replies, 4u);
  EXPECT_EQ(batch.commands, 5u);
  EXPECT_EQ(queues.size(), 0u);
}

TEST(ScanBatch, ExpiriesAreAskedOnceAndBetweenTimesWhereTheyAreRelative) {
  ScanQueues queues;
  for (size_t i = 0; i < expiries_between_times + 1; ++i)
    queues.unread.push_back(key("k" + std::to_string(i)));
  queues.sized.push_back(key("d", 1));
  queues.sized.back().expiry_known = true;
  ScanBatch batch;
  fill_batch(batch, queues, {.expiries = true, .absolute = false}, 100);
  const auto sent = words(batch);
  EXPECT_EQ(std::count(sent.begin(), sent.end(), "PTTL"),
            static_cast<long>(expiries_between_times) + 1);
  EXPECT_EQ(std::count(sent.begin(), sent.end(), "TIME"), 3);
  EXPECT_EQ(sent.front(), "TIME");
  EXPECT_EQ(std::count(sent.begin(), sent.end(), "INFO"), 0);
}

TEST(ScanBatch, NoMoreThanSomeMegabytesAtOnceButAlwaysSomething) {
  ScanQueues queues;
  for (int i = 0; i < 10; ++i) queues.sized.push_back(key("k", 3 << 20));
  queues.sized.front().bytes = 100 << 20;
  ScanBatch batch;
  fill_batch(batch, queues, {}, 100);
  EXPECT_EQ(batch.dumps.size(), 1u);
  ScanBatch next;
  fill_batch(next, queues, {}, 100);
  EXPECT_EQ(next.dumps.size(), 2u);
}

TEST(ScanBatch, OfAClusterAnMgetForEachSlot) {
  ScanQueues queues;
  for (const char* name : {"{a}1", "b", "{a}2"}) queues.unread.push_back(key(name));
  ScanBatch batch;
  fill_batch(batch, queues, {.by_slot = true}, 100);
  ASSERT_EQ(batch.mgets.size(), 2u);
  EXPECT_EQ(batch.mgets[0].size() + batch.mgets[1].size(), 3u);
}

TEST(ScanBatch, ATimeToLiveBecomesAnExpiry) {
  ScannedKey relative = key("k");
  relative.expire_at = ExpireAt{500};
  make_absolute(relative, 1'000'000, 1'000'003);
  EXPECT_EQ(relative.expire_at, ExpireAt{1'000'501});
  ScannedKey lasting = key("l");
  make_absolute(lasting, 1'000'000, 1'000'000);
  EXPECT_FALSE(lasting.expire_at);
}

}  // namespace
}  // namespace lockstep::verifier
