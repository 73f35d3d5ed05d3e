// Our own decoder of RDB files against another program's, over files of every server version that
// this machine has.

#include "scenarios/rdb_decoder.h"

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>
#include <iostream>
#include <set>

#include "fixtures/capabilities.h"
#include "fixtures/dataset.h"
#include "fixtures/deployment.h"
#include "fixtures/run.h"
#include "fixtures/run_files.h"
#include "fixtures/test_server.h"
#include "scenarios/server_facts.h"
#include "sync/net/client.h"
#include "sync/rdb/framer.h"
#include "sync/rdb/object.h"

namespace lockstep::scenarios {
namespace {

namespace fs = std::filesystem;
using fixtures::Deployment;
using Words = std::vector<std::string>;

std::string id_text(rdb::StreamId id) {
  return std::to_string(id.ms) + "-" + std::to_string(id.seq);
}

std::string ids_text(const std::vector<rdb::StreamId>& ids) {
  std::string text;
  for (const rdb::StreamId id : ids) text += id_text(id) + " ";
  return text;
}

/// What our decoder tells of a value, in the words of the other's.
struct AsContent {
  KeyContent& content;

  void operator()(const rdb::String& string) { content.parts["value"] = string_text(string.text); }
  void operator()(const rdb::List& list) {
    for (size_t i = 0; i < list.items.size(); ++i) content.parts[list_part(i)] = list.items[i];
  }
  void operator()(const rdb::Set& set) {
    for (const auto& member : set.members) content.parts[member];
  }
  void operator()(const rdb::Hash& hash) {
    for (const auto& field : hash.fields) {
      content.parts[field.field] = field.value;
      if (field.expire_at) content.field_expiries[field.field] = field.expire_at->ms;
    }
  }
  void operator()(const rdb::SortedSet& zset) {
    for (const auto& member : zset.members) content.parts[member.member] = score_text(member.score);
  }
  void operator()(const rdb::Stream& stream) {
    for (const auto& entry : stream.entries) {
      std::map<std::string, std::string> fields;
      for (const auto& [field, value] : entry.fields) fields[field] = value;
      content.parts["entry " + id_text(entry.id)] = entry_text(fields);
    }
    content.parts["last id"] = id_text(stream.info.last_id);
    content.parts["length"] = std::to_string(stream.info.length);
    if (stream.info.entries_added)
      content.parts["?entries added"] = std::to_string(*stream.info.entries_added);
    if (stream.info.max_deleted_id)
      content.parts["?greatest deleted id"] = id_text(*stream.info.max_deleted_id);
    for (const rdb::Group& group : stream.groups) add(group);
  }
  void operator()(const rdb::Module&) { FAIL() << "no module is loaded"; }

  void add(const rdb::Group& group) {
    const std::string prefix = "group " + group.name;
    content.parts[prefix + " last id"] = id_text(group.last_delivered_id);
    if (group.entries_read && *group.entries_read != -1)
      content.parts["?" + prefix + " entries read"] = std::to_string(*group.entries_read);
    for (const auto& entry : group.pending)
      content.parts[prefix + " pending " + id_text(entry.id)] =
          pending_text(entry.delivery_count, static_cast<uint64_t>(entry.delivery_time_ms));
    for (const auto& consumer : group.consumers)
      content.parts[prefix + " consumer " + consumer.name] = ids_text(consumer.pending);
  }
};

/// A whole file by our own decoder, and the value types in it.
Contents decode_by_ours(const std::string& file, std::set<rdb::ValueType>& types) {
  Contents contents;
  rdb::Framer framer;
  for (Bytes left = file;;) {
    const rdb::Event event = framer.next(left);
    left.remove_prefix(framer.consumed());
    if (std::holds_alternative<rdb::End>(event)) return contents;
    if (std::holds_alternative<rdb::NeedMore>(event)) throw UserError("the file ends too early");
    const auto* entry = std::get_if<rdb::Entry>(&event);
    if (entry == nullptr) continue;
    types.insert(entry->type);
    KeyContent content;
    content.type = rdb::kind_name(*rdb::kind_of(entry->type));
    if (entry->expire_at) content.expire_at_ms = entry->expire_at->ms;
    std::visit(AsContent{content}, rdb::decode_object(entry->type, entry->value));
    contents.keys[{entry->db.value, std::string(entry->key)}] = content;
  }
}

std::string names_of(const std::set<rdb::ValueType>& types) {
  std::string names;
  for (const auto type : types)
    names += std::string(names.empty() ? "" : ", ") + rdb::type_info(type).name;
  return names;
}

class other_decoder : public testing::TestWithParam<std::string> {
 protected:
  asio::awaitable<std::unique_ptr<Deployment>> start(std::string name) {
    fixtures::DeploymentOptions options;
    options.name = "node";
    options.spec = fixtures::find_server(name);
    auto executor = co_await asio::this_coro::executor;
    co_return co_await Deployment::start(executor, addresses_, directory_.path(), options);
  }
  asio::awaitable<void> fill(const Deployment* node) {
    fixtures::DatasetOptions options;
    options.keys = 5000;
    options.mix = fixtures::Mix::everything;
    options.expiries = 0.2;
    options.databases = 3;
    options.big_keys = 5;
    std::vector<net::Endpoint> servers{node->client_endpoint()};
    co_await fixtures::load_dataset(servers, options);
    if (node->options().spec.commands >= 500) co_await fill_groups(node);
    if (fixtures::capabilities_of(node->options().spec).has("field-expiry"))
      co_await fill_expiring_hash(node);
  }
  /// A hash too large to be packed, every second field of which expires.
  asio::awaitable<void> fill_expiring_hash(const Deployment* node) {
    auto client = co_await net::Client::connect(node->client_endpoint());
    for (int i = 0; i < 1000; ++i) {
      const std::string field = "f" + std::to_string(i);
      Words set{"HSET", "expiring", field, "v"};
      co_await client->command_or_throw(set);
      Words expire{"HPEXPIREAT", "expiring", std::to_string(4'000'000'000'000 + 7 * i),
                   "FIELDS",     "1",        field};
      if (i % 2 == 0) co_await client->command_or_throw(expire);
    }
  }
  /// Streams with groups, consumers with and without pending entries, and deleted entries.
  asio::awaitable<void> fill_groups(const Deployment* node) {
    auto client = co_await net::Client::connect(node->client_endpoint());
    for (int i = 1; i <= 300; ++i) {
      const std::string id = std::to_string(i);
      Words add{"XADD", "groups", id + "-" + id, "field", id, i % 7 == 0 ? "other" : "same", "v"};
      co_await client->command_or_throw(add);
    }
    Words workers{"XGROUP", "CREATE", "groups", "workers", "0"};
    Words idle{"XGROUP", "CREATE", "groups", "idle", "40-0"};
    co_await client->command_or_throw(workers);
    co_await client->command_or_throw(idle);
    for (const char* consumer : {"anna", "berta", "anna"}) {
      Words read{"XREADGROUP", "GROUP",   "workers", consumer, "COUNT",
                 "90",         "STREAMS", "groups",  ">"};
      co_await client->command_or_throw(read);
    }
    Words ack{"XACK", "groups", "workers", "3-3", "4-4"},
        remove{"XDEL", "groups", "5-5", "300-300"};
    co_await client->command_or_throw(ack);
    co_await client->command_or_throw(remove);
  }
  /// SAVE; the file that it left.
  asio::awaitable<fs::path> save(const Deployment* node) {
    Words words{"SAVE"};
    co_await ask_server(node->client_endpoint(), words);
    co_return node->primaries().front()->directory() / "dump.rdb";
  }

  fixtures::TemporaryDirectory directory_;
  fixtures::AddressPlan addresses_;
};

TEST_P(other_decoder, tells_the_same_of_every_key) {
  const auto decoder = find_rdb_decoder();
  if (!decoder)
    GTEST_SKIP() << "Skipped: the RDB decoder is not on this machine; ci/rdb-decoder installs it";
  if (!fixtures::locate(fixtures::find_server(GetParam())))
    GTEST_SKIP() << "Skipped: " << GetParam()
                 << " is not on this machine; lockstep servers install fetches it";
  const auto body = [this, decoder]() -> asio::awaitable<void> {
    const auto node = co_await start(GetParam());
    co_await fill(node.get());
    const fs::path file = co_await save(node.get());
    const Contents other = co_await decode_rdb_file(co_await asio::this_coro::executor, *decoder,
                                                    file, std::chrono::seconds(60));
    std::set<rdb::ValueType> types;
    const Contents ours = decode_by_ours(fixtures::read_text(file), types);
    EXPECT_GE(ours.keys.size(), 5000u);
    EXPECT_EQ(ours.keys.size(), other.keys.size());
    const ContentFindings found = compare_contents(ours, other, 0);
    EXPECT_EQ(found.count(), 0u) << (found.first.empty() ? "" : found.first.front());
    EXPECT_TRUE(ours.keys == other.keys);
    std::cout << ours.keys.size() << " keys of the types " << names_of(types) << "\n";
  };
  fixtures::run(body());
}

INSTANTIATE_TEST_SUITE_P(server, other_decoder, testing::ValuesIn(fixtures::plain_servers()),
                         [](const auto& with) { return fixtures::test_name(with.param); });

}  // namespace
}  // namespace lockstep::scenarios
