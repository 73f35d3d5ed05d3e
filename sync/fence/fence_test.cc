#include "sync/fence/fence.h"

#include <gtest/gtest.h>

#include "sync/fence/read_codec.h"

namespace lockstep::fence {
namespace {

using resp::Type;
using resp::Value;

Value bulk(std::string text) { return {.type = Type::bulk_string, .text = std::move(text)}; }
Value integer(int64_t number) { return {.type = Type::integer, .integer = number}; }
Value queued() { return {.type = Type::simple_string, .text = "QUEUED"}; }
Value error(std::string text) { return {.type = Type::error, .text = std::move(text)}; }
Value array(std::vector<Value> items) { return {.type = Type::array, .items = std::move(items)}; }
Value time_at(int64_t us) {
  return array({bulk(std::to_string(us / 1'000'000)), bulk(std::to_string(us % 1'000'000))});
}
const Value info = bulk(
    "# Replication\r\nrole:master\r\nsecond_repl_offset:-1\r\nmaster_repl_offset:77\r\nx:1\r\n");

std::vector<Value> replies(std::vector<Value> items) {
  std::vector<Value> all(items.size() + 1, queued());
  all.push_back(array(std::move(items)));
  return all;
}

Read parse(const std::vector<Value>& all) {
  const ReadForm form{.expiry = all.size() == 5 ? ExpiryForm::pexpiretime : ExpiryForm::time_pttl};
  EXPECT_EQ(all.size(), reply_count(form));
  return parse_read(all, "k", form, "h:1");
}

TEST(Read, TakesWhatTheServerSays) {
  const Read read = parse(replies({integer(1234), bulk("payload"), info}));
  EXPECT_EQ(read.key.dump_payload, "payload");
  EXPECT_EQ(read.key.expire_at, ExpireAt{1234});
  EXPECT_EQ(read.key.offset, Offset{77});
  EXPECT_TRUE(read.exact);
  EXPECT_EQ(parse(replies({integer(-1), bulk("p"), info})).key.expire_at, std::nullopt);
}

TEST(Read, AScriptAnswersInOneReply) {
  const ReadForm form{.expiry = ExpiryForm::pexpiretime, .script = true};
  ASSERT_EQ(reply_count(form), 1u);
  std::vector<Value> all{array({integer(1234), bulk("payload"), info})};
  const Read read = parse_read(all, "k", form, "h:1");
  EXPECT_EQ(read.key.dump_payload, "payload");
  EXPECT_EQ(read.key.expire_at, ExpireAt{1234});
  EXPECT_EQ(read.key.offset, Offset{77});
  all[0] = error("OOM command not allowed when used memory > 'maxmemory'.");
  EXPECT_THROW(parse_read(all, "k", form, "h:1"), SourceFull);
  all[0] = array({integer(1234), bulk("payload")});
  EXPECT_THROW(parse_read(all, "k", form, "h:1"), FormatError);
}

TEST(Read, AnAbsentKeyHasAnOffsetToo) {
  const Read read = parse(replies({integer(-2), Value{}, info}));
  EXPECT_EQ(read.key.dump_payload, std::nullopt);
  EXPECT_EQ(read.key.offset, Offset{77});
}

TEST(Read, TimeAndPttlAreExactWithinAMillisecond) {
  const Read exact =
      parse(replies({time_at(5'000'100), integer(300), time_at(5'000'900), bulk("p"), info}));
  EXPECT_EQ(exact.key.expire_at, ExpireAt{5300});
  EXPECT_TRUE(exact.exact);
  const Read latest =
      parse(replies({time_at(5'000'900), integer(300), time_at(5'001'000), bulk("p"), info}));
  EXPECT_EQ(latest.key.expire_at, ExpireAt{5301});
  EXPECT_FALSE(latest.exact);
}

TEST(Read, AMovedKeyNamesItsNode) {
  std::vector<Value> all(5, queued());
  all[1] = error("MOVED 5 10.0.0.2:7000");
  all[4] = error("EXECABORT Transaction discarded because of previous errors.");
  try {
    parse(all);
    FAIL();
  } catch (const KeyMoved& moved) {
    EXPECT_EQ(moved.redirect().host, "10.0.0.2");
    EXPECT_FALSE(moved.redirect().ask);
  }
}

TEST(Read, ErrorsThatMayPassAreConnectionErrors) {
  for (const char* text : {"LOADING x", "CLUSTERDOWN x", "MASTERDOWN x", "TRYAGAIN x"}) {
    std::vector<Value> all(5, queued());
    all[0] = error(text);
    EXPECT_THROW(parse(all), ConnectionError) << text;
  }
}

TEST(Read, ARefusalNamesTheRule) {
  const auto all = replies({integer(1), error("NOPERM this user has no permissions"), info});
  try {
    parse(all);
    FAIL();
  } catch (const UserError& refused) {
    EXPECT_NE(std::string(refused.what()).find("+dump"), std::string::npos);
  }
}

TEST(Read, RefusesRepliesOfAnotherShape) {
  EXPECT_THROW(parse(replies({integer(1), bulk("p"), bulk("master_repl_offset:x\r\n")})),
               FormatError);
  EXPECT_THROW(parse(replies({integer(1), bulk("p"), bulk("")})), FormatError);
  std::vector<Value> all(5, queued());
  EXPECT_THROW(parse(all), FormatError);
  EXPECT_THROW(parse(replies({array({}), integer(300), array({}), bulk("p"), info})), FormatError);
}

std::string written(const FencedKey& key, const RestoreForm& form, size_t replies_expected) {
  std::string out;
  EXPECT_EQ(append_write(out, key, form, std::chrono::milliseconds(5), 100), replies_expected);
  std::string words;
  for (size_t at = 0; at < out.size();) {
    const size_t end = out.find("\r\n", at);
    const std::string line = out.substr(at, end - at);
    at = end + 2;
    if (!line.starts_with('*') && !line.starts_with('$'))
      words += words.empty() ? line : " " + line;
  }
  return words;
}

TEST(Write, UsesTheFormOfTheTarget) {
  const FencedKey key{.key = "k", .dump_payload = "p", .expire_at = ExpireAt{1000}, .offset = {}};
  EXPECT_EQ(written(key, {}, 1), "RESTORE k 1005 p REPLACE ABSTTL");
  EXPECT_EQ(written(key, {.absttl = false}, 1), "RESTORE k 905 p REPLACE");
  EXPECT_EQ(written(key, {.replace = false, .absttl = false}, 2), "DEL k RESTORE k 905 p");
}

TEST(Write, NoExpiryIsZeroAndAPastOneIsNot) {
  FencedKey key{.key = "k", .dump_payload = "p", .expire_at = {}, .offset = {}};
  EXPECT_EQ(written(key, {}, 1), "RESTORE k 0 p REPLACE");
  key.expire_at = ExpireAt{20};
  EXPECT_EQ(written(key, {.absttl = false}, 1), "RESTORE k 1 p REPLACE");
}

TEST(Write, AnAbsentKeyIsRemoved) {
  const FencedKey key{.key = "k", .dump_payload = {}, .expire_at = {}, .offset = {}};
  EXPECT_EQ(written(key, {}, 1), "DEL k");
  EXPECT_EQ(written(key, {.replace = false, .unlink = true}, 1), "UNLINK k");
}

}  // namespace
}  // namespace lockstep::fence
