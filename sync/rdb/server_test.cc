// Everything here is held against real servers: what they say of a key with their own commands,
// what they take with RESTORE, and what redis-check-rdb says of a file.

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "fixtures/test_server.h"
#include "sync/base/error.h"
#include "sync/rdb/digest.h"
#include "sync/rdb/dump_payload.h"
#include "sync/rdb/file_check.h"
#include "sync/rdb/object.h"
#include "sync/rdb/test_values.h"

namespace lockstep::rdb {
namespace {

std::vector<std::string> texts(const resp::Value& reply) {
  std::vector<std::string> all;
  for (const auto& item : reply.items) all.push_back(item.text);
  return all;
}

StreamId parse_id(Bytes text) {
  StreamId id;
  const size_t dash = text.find('-');
  std::from_chars(text.data(), text.data() + dash, id.ms);
  std::from_chars(text.data() + dash + 1, text.data() + text.size(), id.seq);
  return id;
}

/// The value as the server's own commands tell it.
Object asked_plain(TestServer& server, const std::string& key, Kind kind) {
  if (kind == Kind::string) return String{server.call({"GET", key}).text};
  if (kind == Kind::list) return List{texts(server.call({"LRANGE", key, "0", "-1"}))};
  if (kind == Kind::set) {
    Set set{texts(server.call({"SMEMBERS", key}))};
    std::sort(set.members.begin(), set.members.end());
    return set;
  }
  if (kind == Kind::hash) {
    Hash hash;
    const auto all = texts(server.call({"HGETALL", key}));
    for (size_t i = 0; i < all.size(); i += 2) {
      HashField field{all[i], all[i + 1]};
      const auto at = server.ask({"HPEXPIRETIME", key, "FIELDS", "1", all[i]});
      if (!at.is_error() && at.items[0].integer > 0)
        field.expire_at = ExpireAt{at.items[0].integer};
      hash.fields.push_back(field);
    }
    std::sort(hash.fields.begin(), hash.fields.end());
    return hash;
  }
  SortedSet zset;
  const auto all = texts(server.call({"ZRANGE", key, "0", "-1", "WITHSCORES"}));
  for (size_t i = 0; i < all.size(); i += 2)
    zset.members.push_back({all[i], std::strtod(all[i + 1].c_str(), nullptr) + 0.0});
  std::sort(zset.members.begin(), zset.members.end(),
            [](const auto& a, const auto& b) { return a.member < b.member; });
  return zset;
}

const resp::Value* field_of(const resp::Value& reply, Bytes name) {
  for (size_t i = 0; i + 1 < reply.items.size(); i += 2)
    if (reply.items[i].text == name) return &reply.items[i + 1];
  return nullptr;
}

std::vector<StreamEntry> asked_entries(TestServer& server, const std::string& key) {
  std::vector<StreamEntry> entries;
  for (const auto& item : server.call({"XRANGE", key, "-", "+"}).items) {
    StreamEntry entry{parse_id(item.items[0].text), {}};
    const auto all = texts(item.items[1]);
    for (size_t i = 0; i < all.size(); i += 2) entry.fields.emplace_back(all[i], all[i + 1]);
    entries.push_back(entry);
  }
  return entries;
}

Group asked_group(TestServer& server, const std::string& key, const resp::Value& about) {
  Group group{field_of(about, "name")->text, parse_id(field_of(about, "last-delivered-id")->text)};
  if (const auto* read = field_of(about, "entries-read"))
    group.entries_read = read->is_null() ? -1 : read->integer;
  for (const auto& item : server.call({"XINFO", "CONSUMERS", key, group.name}).items)
    group.consumers.push_back({field_of(item, "name")->text, {}});
  for (const auto& item : server.call({"XPENDING", key, group.name, "-", "+", "100000"}).items) {
    const StreamId id = parse_id(item.items[0].text);
    group.pending.push_back({id, 0, static_cast<uint64_t>(item.items[3].integer)});
    for (Consumer& consumer : group.consumers)
      if (consumer.name == item.items[1].text) consumer.pending.push_back(id);
  }
  return group;
}

Object asked_stream(TestServer& server, const std::string& key) {
  Stream stream{asked_entries(server, key), {}, {}};
  const auto about = server.call({"XINFO", "STREAM", key});
  stream.info.length = static_cast<uint64_t>(field_of(about, "length")->integer);
  stream.info.last_id = parse_id(field_of(about, "last-generated-id")->text);
  if (const auto* id = field_of(about, "max-deleted-entry-id"))
    stream.info.max_deleted_id = parse_id(id->text);
  if (const auto* id = field_of(about, "recorded-first-entry-id"))
    stream.info.first_id = parse_id(id->text);
  if (const auto* n = field_of(about, "entries-added"))
    stream.info.entries_added = static_cast<uint64_t>(n->integer);
  for (const auto& item : server.call({"XINFO", "GROUPS", key}).items)
    stream.groups.push_back(asked_group(server, key, item));
  return stream;
}

/// XPENDING tells idle times, not delivery times: they are left out on both sides.
Object without_delivery_times(Object object) {
  if (auto* stream = std::get_if<Stream>(&object))
    for (Group& group : stream->groups)
      for (PendingEntry& entry : group.pending) entry.delivery_time_ms = 0;
  return object;
}

Object asked(TestServer& server, const std::string& key, Kind kind) {
  return kind == Kind::stream ? asked_stream(server, key) : asked_plain(server, key, kind);
}

class EachServer : public testing::TestWithParam<std::string> {
 protected:
  EachServer() {
    fill(server, random);
    fill_expiring(server, random);
  }
  Random random{20240229};
  TestServer server{GetParam(), {"--hash-max-ziplist-entries", "128"}};
};

TEST_P(EachServer, TellsTheSameOfEveryKey) {
  std::set<ValueType> types;
  for (const std::string& key : keys_of(server)) {
    const std::string dump = server.call({"DUMP", key}).text;
    const DumpView view = parse_dump_payload(dump);
    types.insert(view.type);
    const Object decoded = decode_object(view.type, view.value);
    ASSERT_EQ(without_delivery_times(decoded), asked(server, key, *kind_of(view.type)))
        << key << " of type " << type_info(view.type).name;
  }
  std::string seen;
  for (const ValueType type : types)
    seen += std::string(seen.empty() ? "" : " ") + type_info(type).name;
  RecordProperty("types", seen);
  std::cout << "types: " << seen << "\n";
  EXPECT_GE(types.size(), 6u);
}

TEST_P(EachServer, RestoresOurPayloads) {
  for (const std::string& key : keys_of(server)) {
    const std::string dump = server.call({"DUMP", key}).text;
    const DumpView view = parse_dump_payload(dump);
    std::string ours;
    append_dump_payload(ours, view.type, view.value, *lowest_version_for(view.type));
    EXPECT_EQ(ours.size(), dump_payload_size(view.value));
    server.call({"DEL", "copy"});
    server.call({"RESTORE", "copy", "0", ours});
    const std::string again = server.call({"DUMP", "copy"}).text;
    const DumpView copy = parse_dump_payload(again);
    EXPECT_TRUE(
        same_value(decode_object(view.type, view.value), decode_object(copy.type, copy.value)))
        << key;
    EXPECT_EQ(value_digest(view.type, view.value), value_digest(copy.type, copy.value)) << key;
  }
}

std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

TEST_P(EachServer, SavesAFileThatSaysTheSame) {
  server.call({"SAVE"});
  const std::string path = server.directory() / "dump.rdb";
  const FileSummary summary = check_file(path);
  EXPECT_EQ(static_cast<int64_t>(summary.keys), server.call({"DBSIZE"}).integer);
  EXPECT_EQ(summary.bytes, std::filesystem::file_size(path));
  EXPECT_TRUE(summary.checksum_present);
  const std::string file = read_file(path);
  Framer framer;
  for (Bytes rest = file;;) {
    const Event event = framer.next(rest);
    if (std::holds_alternative<End>(event)) break;
    ASSERT_FALSE(std::holds_alternative<NeedMore>(event));
    if (const auto* entry = std::get_if<Entry>(&event)) {
      const std::string dump = server.call({"DUMP", std::string(entry->key)}).text;
      ASSERT_EQ(printable(dump.substr(1, dump.size() - 1 - dump_footer_bytes)),
                printable(entry->value));
      const int64_t ttl = server.call({"PTTL", std::string(entry->key)}).integer;
      EXPECT_EQ(ttl > 0, entry->expire_at.has_value());
      EXPECT_EQ(entry->expire_at.value_or(ExpireAt{4000000000123}).ms, 4000000000123);
    }
    rest.remove_prefix(framer.consumed());
  }
}

/// Feeds parts of values cut as small as can be, and compares with the values whole.
TEST_P(EachServer, CutsValuesWithoutLoss) {
  server.call({"SAVE"});
  const std::string file = read_file(server.directory() / "dump.rdb");
  Framer framer({.value_bytes_max = 64});
  std::optional<ObjectBuilder> builder;
  std::string key;
  size_t cut = 0;
  for (size_t start = 0, end = 0;;) {
    const Event event = framer.next(Bytes(file).substr(start, end - start));
    start += framer.consumed();
    if (std::holds_alternative<End>(event)) break;
    if (std::holds_alternative<NeedMore>(event)) {
      ASSERT_LT(end, file.size());
      end = std::min(file.size(), std::max(end + 100, start + framer.needed()));
    } else if (const auto* begin = std::get_if<BigBegin>(&event)) {
      key = begin->entry.key;
      builder.emplace(*kind_of(begin->entry.type));
      ++cut;
    } else if (const auto* part = std::get_if<BigPart>(&event)) {
      decode_part(*part, *builder);
    } else if (std::holds_alternative<BigEnd>(event)) {
      const std::string dump = server.call({"DUMP", key}).text;
      const DumpView view = parse_dump_payload(dump);
      ASSERT_EQ(builder->take(), decode_object(view.type, view.value)) << key;
    }
  }
  EXPECT_GT(cut, 20u);
}

INSTANTIATE_TEST_SUITE_P(Server, EachServer, testing::ValuesIn(fixtures::test_servers()),
                         [](const auto& tested) { return "n" + std::to_string(tested.index); });

/// A file of one small key of each type and encoding.
std::string small_file(TestServer& server) {
  server.call({"SET", "s", "text"});
  server.call({"SET", "lzf", std::string(40, 'a')});
  server.call({"RPUSH", "l", "a", "1", "100000"});
  server.call({"SADD", "i", "1", "2"});
  server.call({"HSET", "h", "f", "v"});
  server.call({"ZADD", "z", "1.5", "m"});
  server.call({"CONFIG", "SET", "zset-max-listpack-entries", "0"});
  server.call({"CONFIG", "SET", "hash-max-listpack-entries", "0"});
  server.call({"SADD", "set", "a", "b"});
  server.call({"HSET", "h2", "f", "v"});
  server.call({"ZADD", "z2", "1.5", "m"});
  server.call({"XADD", "x", "1-1", "f", "v"});
  server.call({"XGROUP", "CREATE", "x", "g", "0"});
  server.call({"XREADGROUP", "GROUP", "g", "c", "STREAMS", "x", ">"});
  server.call({"PEXPIREAT", "s", "4000000000123"});
  server.call({"SAVE"});
  return read_file(server.directory() / "dump.rdb");
}

/// What framing and decoding of a file comes to: "end", "need more", or the error.
std::string outcome(Bytes file) {
  Framer framer;
  Digest128 sum;
  try {
    for (;;) {
      const Event event = framer.next(file);
      if (std::holds_alternative<End>(event)) return "end";
      if (std::holds_alternative<NeedMore>(event)) return "need more";
      if (const auto* entry = std::get_if<Entry>(&event)) {
        try {
          sum += value_digest(entry->type, entry->value);
        } catch (const FormatError&) {
        }
      }
      file.remove_prefix(framer.consumed());
    }
  } catch (const FormatError& error) {
    return error.what();
  }
}

TEST(DamagedFile, IsNeverTakenForAGoodOne) {
  TestServer server("redis-server", {});
  const std::string good = small_file(server);
  ASSERT_EQ(outcome(good), "end");
  for (size_t at = 0; at < good.size(); ++at)
    for (const int flip : {0x01, 0x10, 0x80, 0xff}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      ASSERT_NE(outcome(bad), "end") << "byte " << at << " ^ " << flip;
    }
  for (size_t length = 0; length < good.size(); ++length)
    ASSERT_EQ(outcome(Bytes(good).substr(0, length)), "need more") << length;
}

}  // namespace
}  // namespace lockstep::rdb
