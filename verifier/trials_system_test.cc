// Random data, equal on both sides, then one to ten random differences: every one must be found,
// classed and located rightly, and nothing else. ci/verify-trials runs thousands of them.
//   LOCKSTEP_TRIALS       how many each test runs
//   LOCKSTEP_TRIAL_SEED   of the first; trial n has the seed of the first plus n

#include <fmt/format.h>

#include <cstdlib>
#include <set>

#include "fixtures/capabilities.h"
#include "sync/cluster/discover.h"
#include "sync/cluster/slot.h"
#include "sync/resp/encoder.h"
#include "verifier/test_support.h"
#include "verifier/trial_mutations.h"

namespace lockstep::verifier {
namespace {

using fixtures::Topology;

/// Connections to all primaries of a deployment.
struct Fleet {
  cluster::Topology topology;
  std::vector<std::unique_ptr<net::Client>> clients;

  size_t node_of(Bytes key) const {
    return clients.size() == 1 ? 0 : *topology.shard_of(cluster::slot_of(key));
  }
};

asio::awaitable<void> open_fleet(net::Endpoint endpoint, Fleet& fleet) {
  fleet.topology = co_await cluster::discover(endpoint);
  for (const cluster::Shard& shard : fleet.topology.shards)
    fleet.clients.push_back(co_await net::Client::connect(shard.primary.endpoint));
}

/// Sends requests to the nodes of their keys, in order, all of a node at once. Errors throw.
/// `replies`, if wanted, in the order of the requests.
asio::awaitable<void> send(Fleet& fleet, TrialRequests requests,
                           std::vector<resp::Value>* replies = nullptr) {
  if (replies) replies->resize(requests.size());
  for (size_t node = 0; node < fleet.clients.size(); ++node) {
    std::string text;
    std::vector<size_t> places;  // of a SELECT: none, the number of requests
    uint32_t db = 0;
    const auto select = [&](uint32_t wanted) {
      if (std::exchange(db, wanted) == wanted) return;
      resp::append_command(text, {"SELECT", std::to_string(wanted)});
      places.push_back(requests.size());
    };
    for (size_t i = 0; i < requests.size(); ++i) {
      if (fleet.node_of(requests[i].key) != node) continue;
      select(requests[i].db.value);
      const std::vector<Bytes> words(requests[i].words.begin(), requests[i].words.end());
      resp::append_command(text, words);
      places.push_back(i);
    }
    select(0);
    if (places.empty()) continue;
    const auto got = co_await fleet.clients[node]->pipeline(std::move(text), places.size());
    for (size_t i = 0; i < got.size(); ++i) {
      const bool own = places[i] < requests.size();
      if (got[i].is_error()) {
        const std::string what = own ? requests[places[i]].words.front() : "SELECT";
        throw UserError(what + ": " + got[i].text);
      }
      if (own && replies) (*replies)[places[i]] = got[i];
    }
  }
}

asio::awaitable<void> flush(Fleet& fleet) {
  for (auto& client : fleet.clients) {
    Words flush_all{"FLUSHALL"};
    co_await client->command_or_throw(flush_all);
  }
}

/// Makes the target hold the same, payload by payload, with the same absolute expiries.
asio::awaitable<void> copy_keys(Fleet& source, Fleet& target, std::vector<TrialKey> keys) {
  TrialRequests dumps, restores;
  for (const TrialKey& key : keys) dumps.push_back(key.request({"DUMP", key.name}));
  std::vector<resp::Value> payloads;
  co_await send(source, std::move(dumps), &payloads);
  for (size_t i = 0; i < keys.size(); ++i) {
    const TrialKey& key = keys[i];
    restores.push_back(key.request({"RESTORE", key.name, "0", payloads[i].text}));
    if (key.expire_at)
      restores.push_back(key.request({"PEXPIREAT", key.name, std::to_string(*key.expire_at)}));
  }
  co_await send(target, std::move(restores));
}

/// Leaves a copy of `key` at a node that does not serve it: what an interrupted move of a slot
/// does.
asio::awaitable<void> leave_astray(Fleet& fleet, std::string key, size_t node) {
  const std::string slot = std::to_string(cluster::slot_of(key).value);
  net::Client& owner = *fleet.clients[fleet.node_of(key)];
  Words my_id{"CLUSTER", "MYID"};
  const std::string id = (co_await owner.command_or_throw(my_id)).text;
  std::string requests;
  resp::append_command(requests, {"CLUSTER", "SETSLOT", slot, "IMPORTING", id});
  resp::append_command(requests, {"ASKING"});
  resp::append_command(requests, {"SET", key, "astray"});
  resp::append_command(requests, {"CLUSTER", "SETSLOT", slot, "STABLE"});
  const auto replies = co_await fleet.clients[node]->pipeline(std::move(requests), 4);
  for (const resp::Value& reply : replies) {
    if (reply.is_error()) throw UserError("leave_astray: " + reply.text);
  }
}

uint64_t number_from(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

bool expires_fields(const fixtures::ServerSpec& spec) {
  return fixtures::capabilities_of(spec).has("field-expiry");
}

/// What one trial has planted.
struct Planted {
  std::map<std::pair<uint32_t, std::string>, Expected> expected;
  std::string story;
};

class Trials : public TwoSides {
 protected:
  void start_fleets(Topology source, Topology target) {
    start(source, target);
    await(open_fleet(this->source(), from_));
    await(open_fleet(this->target(), to_));
    const fixtures::ServerSpec& s = source_->options().spec;
    const fixtures::ServerSpec& t = target_->options().spec;
    abilities_ = {s.commands, t.commands, expires_fields(s) && expires_fields(t),
                  source == Topology::standalone && target == Topology::standalone};
  }

  void run_trials() {
    const uint64_t trials = number_from("LOCKSTEP_TRIALS", 15);
    const uint64_t first = number_from("LOCKSTEP_TRIAL_SEED", 1);
    for (uint64_t seed = first; seed < first + trials && !HasFailure(); ++seed) run_trial(seed);
    std::string kinds;
    for (const auto& [name, count] : planted_) kinds += name + " " + std::to_string(count) + ", ";
    fmt::print("{} trials, {} kinds of differences planted: {}\n", trials, planted_.size(), kinds);
  }

 private:
  void run_trial(uint64_t seed) {
    Random random(seed);
    const std::vector<TrialKey> keys = random_keys(random, 12 + random.below(30), abilities_);
    TrialRequests base;
    for (const TrialKey& key : keys) {
      for (TrialRequest& request : key.commands()) base.push_back(std::move(request));
    }
    await(flush(from_));
    await(flush(to_));
    await(send(from_, base));
    await(copy_keys(from_, to_, keys));
    const ReadMode mode = random.one_in(2) ? ReadMode::scan : ReadMode::snapshot;
    if (random.one_in(4)) judge(seed, mode, keys.size(), {{}, "nothing"});
    const Planted planted = plant(keys, random);
    judge(seed, mode, keys.size(), planted);
  }

  Planted plant(const std::vector<TrialKey>& keys, Random& random) {
    Planted result;
    std::set<size_t> used;
    for (size_t left = 1 + random.below(10); left > 0 && used.size() < keys.size(); --left) {
      if (random.one_in(8)) {
        add(extra_key(random, left, abilities_), result);
        continue;
      }
      const size_t at = random.below(keys.size());
      if (!used.insert(at).second) continue;
      if (to_.clients.size() > 1 && random.one_in(6)) {
        stray(keys[at], random, result);
      } else {
        add(random_mutation(keys[at], random, abilities_), result);
      }
    }
    return result;
  }

  void add(const Mutation& mutation, Planted& result) {
    await(send(to_, mutation.commands));
    for (const Expected& each : mutation.expected)
      result.expected.emplace(std::pair(each.db.value, each.key), each);
    note(mutation.name, mutation.commands.front().key, result);
  }

  void stray(const TrialKey& key, Random& random, Planted& result) {
    const size_t nodes = to_.clients.size();
    const size_t elsewhere = (to_.node_of(key.name) + 1 + random.below(nodes - 1)) % nodes;
    await(leave_astray(to_, key.name, elsewhere));
    result.expected.emplace(std::pair(0u, key.name),
                            Expected{key.db, key.name, DiffClass::misplaced, "held by"});
    note("on two nodes", key.name, result);
  }

  void note(const std::string& name, const std::string& key, Planted& result) {
    ++planted_[name];
    result.story += name + " of \"" + printable(key) + "\"; ";
  }

  void judge(uint64_t seed, ReadMode mode, size_t keys, const Planted& planted) {
    VerifyOptions all = options();
    all.read = mode;
    all.max_differences = 1000;
    const VerifyReport report = verify(all);
    SCOPED_TRACE(fmt::format("seed {}, {}, planted: {}", seed,
                             mode == ReadMode::scan ? "scan" : "snapshot", planted.story));
    size_t extra = 0;
    for (const auto& [key, each] : planted.expected) extra += each.diff_class == DiffClass::extra;
    EXPECT_EQ(report.compared, keys + extra) << report.problem;
    EXPECT_EQ(report.difference_count(), planted.expected.size()) << found(report);
    EXPECT_EQ(report.unverifiable_count + report.flapping, 0u);
    for (const Difference& difference : report.differences) judge_one(difference, planted);
  }

  void judge_one(const Difference& difference, const Planted& planted) {
    const auto found = planted.expected.find({difference.db.value, difference.key});
    ASSERT_NE(found, planted.expected.end())
        << "reported though equal: " << diff_class_name(difference.diff_class) << " of "
        << printable(difference.key) << ": " << difference.detail;
    EXPECT_STREQ(diff_class_name(difference.diff_class), diff_class_name(found->second.diff_class))
        << printable(difference.key) << ": " << difference.detail;
    EXPECT_NE(difference.detail.find(found->second.detail), std::string::npos)
        << printable(difference.key) << ": \"" << difference.detail << "\" has no \""
        << found->second.detail << '"';
  }

  Fleet from_, to_;
  Abilities abilities_;
  std::map<std::string, uint64_t> planted_;
};

TEST_F(Trials, StandaloneToStandalone) {
  start_fleets(Topology::standalone, Topology::standalone);
  run_trials();
}

TEST_F(Trials, StandaloneToCluster) {
  start_fleets(Topology::standalone, Topology::cluster);
  run_trials();
}

TEST_F(Trials, ClusterToCluster) {
  start_fleets(Topology::cluster, Topology::cluster);
  run_trials();
}

}  // namespace
}  // namespace lockstep::verifier
