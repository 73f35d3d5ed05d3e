#include "sync/rdb/framer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/rdb/crc64.h"

namespace lockstep::rdb {
namespace {

using namespace std::string_literals;

std::string with_checksum(std::string file) {
  file.push_back('\xff');
  const uint64_t crc = crc64(0, file);
  file.append(reinterpret_cast<const char*>(&crc), sizeof crc);
  return file;
}

std::string text(const Entry& e) {
  return "entry " + std::to_string(e.db.value) + " " + std::string(e.key) + " type " +
         std::to_string(e.type) + " " + printable(e.value) +
         (e.expire_at ? " at " + std::to_string(e.expire_at->ms) : "") +
         (e.idle_s ? " idle " + std::to_string(*e.idle_s) : "") +
         (e.freq ? " freq " + std::to_string(*e.freq) : "");
}
std::string text(const Header& h) {
  return "header " + std::to_string(h.version) + (h.valkey ? " valkey" : "");
}
std::string text(const Aux& a) { return "aux " + std::string(a.name) + "=" + std::string(a.value); }
std::string text(const DbSize& d) {
  return "dbsize " + std::to_string(d.db.value) + " " + std::to_string(d.keys) + " " +
         std::to_string(d.expires);
}
std::string text(const Function& f) { return "function " + std::string(f.code); }
std::string text(const ModuleAux& m) { return "module aux " + std::string(m.module); }
std::string text(const SlotInfo& s) { return "slot info " + std::to_string(s.slot); }
std::string text(const SlotImport& s) { return "slot import " + std::to_string(s.ranges); }
std::string text(const BigBegin& b) { return "big " + text(b.entry); }
std::string text(const BigPart& p) {
  return "part " + std::to_string(p.first) + "+" + std::to_string(p.count) + " " + printable(p.raw);
}
std::string text(const BigEnd&) { return "big end"; }
std::string text(const End& e) { return e.checksum_present ? "end" : "end without checksum"; }
std::string text(const NeedMore&) { return "need more"; }

/// All events of `file` when its bytes arrive in chunks of these lengths (the last repeats).
std::vector<std::string> frame(Bytes file, const std::vector<size_t>& chunks,
                               FramerOptions options = {}) {
  std::vector<std::string> events;
  Framer framer(options);
  size_t start = 0, end = 0, chunk = 0;
  for (;;) {
    const Event event = framer.next(file.substr(start, end - start));
    if (!std::holds_alternative<NeedMore>(event))
      events.push_back(std::visit([](const auto& e) { return text(e); }, event));
    if (std::holds_alternative<End>(event)) return events;
    start += framer.consumed();
    EXPECT_EQ(framer.offset(), start);
    if (!std::holds_alternative<NeedMore>(event)) continue;
    if (end == file.size()) return events.push_back("need more"), events;
    end = std::min(file.size(), end + chunks[std::min(chunk++, chunks.size() - 1)]);
  }
}

std::vector<std::string> frame(Bytes file) { return frame(file, {file.size()}); }

const std::string small_file = with_checksum("REDIS0011"s +
                                             "\xfa\x09redis-ver\x05"
                                             "7.2.0" +
                                             "\xfa\x04"
                                             "bits\xc0\x40" +
                                             "\xf5\x03lib" + "\xfe\x00"s + "\xfb\x02\x01" +
                                             "\xfc\x01\x02\x03\x04\x05\x06\x07\x08"s + "\xf9\x05" +
                                             "\x00\x01k\x02vv"s + "\xf8\x41\x00"s +
                                             "\x01\x02li\x02\x01"
                                             "a\x01"
                                             "b" +
                                             "\xfe\x03" + "\x02\x01s\x01\xc1\x10\x00"s +
                                             "\x05\x01z\x01\x01m\x00\x00\x00\x00\x00\x00\xf0\x3f"s);

const std::vector<std::string> small_events = {
    "header 11",
    "aux redis-ver=7.2.0",
    "aux bits=64",
    "function lib",
    "dbsize 0 2 1",
    "entry 0 k type 0 \\x02vv at 578437695752307201 freq 5",
    "entry 0 li type 1 \\x02\\x01a\\x01b idle 256",
    "entry 3 s type 2 \\x01\\xc1\\x10\\x00",
    "entry 3 z type 5 \\x01\\x01m\\x00\\x00\\x00\\x00\\x00\\x00\\xf0?",
    "end"};

TEST(Framer, SplitsAFileIntoItsItems) { EXPECT_EQ(frame(small_file), small_events); }

RC_GTEST_PROP(Framer, DoesNotMindHowTheBytesArrive, ()) {
  const auto chunks =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 40)));
  RC_ASSERT(frame(small_file, chunks) == small_events);
}

TEST(Framer, TakesOneByteAtATime) { EXPECT_EQ(frame(small_file, {1}), small_events); }

TEST(Framer, FindsAFlippedBitAnywhere) {
  for (size_t at = 0; at < small_file.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = small_file;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      try {
        ASSERT_EQ(frame(damaged).back(), "need more") << "byte " << at << " bit " << bit;
      } catch (const FormatError& error) {
        ASSERT_LE(error.offset(), damaged.size());
      }
    }
}

TEST(Framer, NeverEndsATruncatedFile) {
  for (size_t length = 0; length < small_file.size(); ++length)
    EXPECT_EQ(frame(Bytes(small_file).substr(0, length)).back(), "need more") << length;
}

TEST(Framer, SaysHowManyBytesAValueNeeds) {
  Framer framer;
  const std::string file = "REDIS0011"s + "\x00\x01k\x80\x00\x01\x00\x00"s;
  framer.next(file);
  const Bytes rest = Bytes(file).substr(framer.consumed());
  EXPECT_TRUE(std::holds_alternative<NeedMore>(framer.next(rest)));
  EXPECT_EQ(framer.needed(), rest.size() + 0x10000);
}

TEST(Framer, CutsAHugeString) {
  const std::string file =
      with_checksum("REDIS0011"s + "\x00\x01k\x40\xc8"s + std::string(200, 'x'));
  const auto events = frame(file, {20, 50}, {.value_bytes_max = 100});
  ASSERT_GT(events.size(), 4u);
  EXPECT_EQ(events[1], "big entry 0 k type 0 ");
  EXPECT_EQ(events[2], "part 0+6 xxxxxx");
  EXPECT_EQ(events[3], "part 6+50 " + std::string(50, 'x'));
  EXPECT_EQ(events[events.size() - 2], "big end");
  EXPECT_EQ(events.back(), "end");
}

TEST(Framer, WaitsForTheWholeLengthOfAHugeString) {
  const std::string file =
      with_checksum("REDIS0011"s + "\x00\x01k\x41\x04"s + std::string(260, 'x'));
  const auto events = frame(file, {1}, {.value_bytes_max = 100});
  EXPECT_EQ(std::count(events.begin(), events.end(), "big end"), 1);
  EXPECT_EQ(events[events.size() - 3], "part 259+1 x");
}

TEST(Framer, CutsAHugeListBetweenItsElements) {
  std::string file = "REDIS0011"s + "\x01\x01l\x40\xc8"s;
  for (int i = 0; i < 200; ++i) file += "\x03" + std::to_string(100 + i);
  file = with_checksum(file + "\x00\x01k\x01v"s);
  const auto events = frame(file, {30, 7, 90}, {.value_bytes_max = 100});
  EXPECT_EQ(events[1], "big entry 0 l type 1 ");
  EXPECT_EQ(events[2].substr(0, 9), "part 0+28");
  EXPECT_EQ(events[3].substr(0, 16), "part 28+22 \\x031");
  EXPECT_EQ(events[events.size() - 3], "big end");
  EXPECT_EQ(events[events.size() - 2], "entry 0 k type 0 \\x01v");
  EXPECT_EQ(events.back(), "end");
}

TEST(Framer, AcceptsAFileWithoutChecksum) {
  EXPECT_EQ(frame("REDIS0011\xff"s + std::string(8, '\0')).back(), "end without checksum");
}

TEST(Framer, LooksAtNothingBehindTheEnd) {
  EXPECT_EQ(frame(small_file + std::string(100'000, 'x')), small_events);
}

TEST(Framer, RefusesWhatItDoesNotKnow) {
  EXPECT_THROW(frame("HTTP/1.1 400 Bad Request"), FormatError);
  EXPECT_THROW(frame("RESP"), FormatError);
  EXPECT_THROW(frame("REDIS0004\xff"), FormatError);
  for (const char* item : {"\x06\x01k", "\x08\x01k", "\x16\x01k", "\xf3\x01", "\xf6\x01", "\xf2"})
    try {
      frame("REDIS0011"s + item);
      ADD_FAILURE() << printable(item);
    } catch (const FormatError& error) {
      EXPECT_EQ(error.offset(), 9u) << error.what();
    }
  EXPECT_THROW(frame("VALKEY080\x18\x01k"), FormatError);
}

}  // namespace
}  // namespace lockstep::rdb
