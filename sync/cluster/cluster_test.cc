#include <gtest/gtest.h>

#include "sync/base/error.h"
#include "sync/cluster/slot.h"
#include "sync/cluster/topology.h"

namespace lockstep::cluster {
namespace {

// The values that CLUSTER KEYSLOT of a real server gives; "123456789" is the check value of
// CRC16/XMODEM (0x31c3).
TEST(Slot, IsCrc16OfTheHashTag) {
  EXPECT_EQ(slot_of("123456789").value, 0x31c3);
  EXPECT_EQ(slot_of("foo").value, 12182);
  EXPECT_EQ(slot_of("{foo}.bar"), slot_of("foo"));
  EXPECT_EQ(hash_tag("a{}{b}"), "a{}{b}");
  EXPECT_EQ(hash_tag("a{{b}}"), "{b");
  EXPECT_EQ(slot_of("").value, 0);
}

const net::Endpoint asked{.host = "10.0.0.9",
                          .port = 7000,
                          .unix_path = {},
                          .tls = false,
                          .tls_options = {},
                          .user = "u",
                          .password = "p",
                          .db = 0};

TEST(Topology, ReadsClusterNodes) {
  const Topology topology = parse_cluster_nodes(
      "a 10.0.0.1:6379@16379,host-a master - 0 0 1 connected 0-100 102 [5->-b]\n"
      "b [::1]:6380@16380 myself,master - 0 0 2 disconnected 103-16383\n"
      "c :6381@16381 slave a 0 0 1 connected\n"
      "d 10.0.0.4:6379@16379 master,fail - 0 0 3 disconnected\n",
      asked);
  ASSERT_EQ(topology.shards.size(), 2u);
  EXPECT_EQ(topology.shards[0].primary.endpoint.label(), "10.0.0.1:6379");
  EXPECT_EQ(topology.shards[0].primary.endpoint.user, "u");
  ASSERT_EQ(topology.shards[0].replicas.size(), 1u);
  EXPECT_EQ(topology.shards[0].replicas[0].endpoint.label(), "10.0.0.9:6381");
  ASSERT_EQ(topology.uncovered().size(), 1u);
  EXPECT_EQ(topology.uncovered()[0].first.value, 101);
  EXPECT_EQ(topology.migrating, std::vector<Slot>{Slot{5}});
  EXPECT_EQ(topology.shard_of(Slot{102}), 0u);
  EXPECT_EQ(topology.shard_of(Slot{101}), std::nullopt);
  EXPECT_TRUE(topology.shards[1].primary.healthy);
}

TEST(Topology, RefusesNonsense) {
  EXPECT_THROW(parse_cluster_nodes("what is this\n", asked), FormatError);
  EXPECT_THROW(parse_cluster_nodes("a 10.0.0.1:99999@1 master - 0 0 1 connected 0-1\n", asked),
               FormatError);
  EXPECT_THROW(parse_cluster_nodes("a 10.0.0.1:6379@1 master - 0 0 1 connected 7-99999\n", asked),
               FormatError);
}

TEST(Redirect, ReadsMovedAndAsk) {
  const auto moved = parse_redirect("MOVED 3999 ::1:6381");
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->host, "::1");
  EXPECT_EQ(moved->port, 6381);
  EXPECT_FALSE(moved->ask);
  EXPECT_TRUE(parse_redirect("ASK 1 10.0.0.1:7000")->ask);
  EXPECT_FALSE(parse_redirect("MOVED 99999 a:1"));
  EXPECT_FALSE(parse_redirect("ERR no"));
}

}  // namespace
}  // namespace lockstep::cluster
