// Values as commands: a copy made by them is the same value, by the server's own digest and by its
// DUMP.

#include <gtest/gtest.h>

#include <algorithm>

#include "fixtures/test_server.h"
#include "sync/base/error.h"
#include "sync/fence/rebuild.h"
#include "sync/rdb/dump_payload.h"
#include "sync/rdb/object.h"
#include "sync/rdb/test_values.h"

namespace lockstep::fence {
namespace {

using fixtures::TestServer;

std::string info_field(TestServer& server, const std::string& name) {
  const std::string info = server.call({"INFO", "server"}).text;
  const size_t at = info.find(name + ":");
  if (at == std::string::npos) return "";
  const size_t start = at + name.size() + 1;
  return info.substr(start, info.find('\r', start) - start);
}

/// XCLAIM makes no pending entry whose entry is gone.
void drop_pending_without_entry(rdb::Object& object) {
  auto* stream = std::get_if<rdb::Stream>(&object);
  if (!stream) return;
  const auto gone = [&](rdb::StreamId id) {
    return std::ranges::find(stream->entries, id, &rdb::StreamEntry::id) == stream->entries.end();
  };
  for (auto& group : stream->groups) {
    std::erase_if(group.pending, [&](const auto& entry) { return gone(entry.id); });
    for (auto& consumer : group.consumers) std::erase_if(consumer.pending, gone);
  }
}

rdb::Object dumped(TestServer& server, const std::string& key) {
  const std::string dump = server.call({"DUMP", key}).text;
  const rdb::DumpView view = rdb::parse_dump_payload(dump);
  rdb::Object object = rdb::decode_object(view.type, view.value);
  drop_pending_without_entry(object);
  return object;
}

class RebuildOn : public testing::TestWithParam<std::string> {
 protected:
  RebuildOn() {
    rdb::fill(server, random);
    rdb::fill_expiring(server, random);
    options =
        rebuild_options(info_field(server, "redis_version"), info_field(server, "valkey_version"));
  }

  void send(Bytes command) {
    const resp::Value reply = server.pipeline(command, 1).front();
    ASSERT_FALSE(reply.is_error()) << reply.text << ": " << printable(command);
  }

  rdb::Random random{7};
  TestServer server{GetParam(), {}};
  RebuildOptions options;
};

TEST_P(RebuildOn, MakesTheSameValue) {
  for (const std::string& key : rdb::keys_of(server)) {
    const std::string dump = server.call({"DUMP", key}).text;
    const rdb::DumpView view = rdb::parse_dump_payload(dump);
    const bool expires = server.call({"PTTL", key}).integer > 0;
    const auto at = expires ? std::optional(ExpireAt{4000000000123}) : std::nullopt;
    rebuild_value("copy", view.type, view.value, at, options,
                  [&](Bytes command) { send(command); });
    EXPECT_TRUE(rdb::same_value(dumped(server, "copy"), dumped(server, key))) << key;
    EXPECT_EQ(server.call({"PTTL", "copy"}).integer > 0, expires);
    if (rdb::kind_of(view.type) == rdb::Kind::stream) continue;  // pending entries, see above
    const resp::Value digests = server.ask({"DEBUG", "DIGEST-VALUE", key, "copy"});
    if (digests.is_error()) continue;  // before 5.0
    EXPECT_EQ(digests.items[0].text, digests.items[1].text) << key;
  }
}

INSTANTIATE_TEST_SUITE_P(Server, RebuildOn, testing::ValuesIn(fixtures::test_servers()),
                         [](const auto& tested) { return "n" + std::to_string(tested.index); });

std::vector<std::string> commands_for(rdb::ValueType type, Bytes value,
                                      RebuildOptions options = {}) {
  std::vector<std::string> commands;
  rebuild_value("k", type, value, {}, options, [&](Bytes c) { commands.emplace_back(c); });
  return commands;
}

TEST(Rebuild, SendsBoundedBatches) {
  std::string list = "\x80";
  const uint32_t count = __builtin_bswap32(20000);
  list.append(reinterpret_cast<const char*>(&count), 4);
  for (int i = 0; i < 20000; ++i) list += "\x14" + std::string(20, 'x');
  const auto commands = commands_for(1, list);
  EXPECT_GT(commands.size(), 5u);
  for (const std::string& command : commands) EXPECT_LT(command.size(), rebuild_bytes_max + 200);
}

TEST(Rebuild, CutsALongString) {
  std::string text = "\x80";
  const uint32_t length = __builtin_bswap32(3 << 20);
  text.append(reinterpret_cast<const char*>(&length), 4).append(3 << 20, 'x');
  EXPECT_EQ(commands_for(0, text).size(), 4u);  // DEL, SET, APPEND, APPEND
}

TEST(Rebuild, RefusesWhatTheTargetCannotHold) {
  const Bytes hash(
      "\x01\x01"
      "f"
      "\x01"
      "v"
      "\x01\x00\x00\x00\x00\x00\x00\x00",
      13);
  EXPECT_EQ(commands_for(22, hash).size(), 3u);  // DEL, HMSET, HPEXPIREAT
  EXPECT_THROW(commands_for(22, hash, {.hash_field_expiry = false}), UserError);
}

}  // namespace
}  // namespace lockstep::fence
