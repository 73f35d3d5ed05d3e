#include "verifier/test_sync.h"

#include <cstdlib>

#include "fixtures/poll_until.h"
#include "sync/cluster/discover.h"
#include "sync/cluster/slot.h"
#include "sync/net/http_client.h"

namespace lockstep::verifier {

using std::chrono::seconds;

namespace {

using Load = std::function<std::vector<Writer::Request>(int)>;

/// Of all that makes an engine's life hard: lists, increments, keys that expire, keys that move
/// over slots, transactions.
std::vector<Writer::Request> standalone_load(int round) {
  const std::string n = std::to_string(round % 97), m = std::to_string((round * 7) % 97);
  return {{0, {"RPUSH", "list" + n, "e" + std::to_string(round)}},
          {0, {"LTRIM", "list" + n, "-20", "-1"}},
          {0, {"INCR", "count" + m}},
          {0, {"SET", "soon" + n, m, "PX", "40"}},
          {0, {"SADD", "set" + n, m, n}},
          {0, {"SMOVE", "set" + n, "set" + m, n}},
          {0, {"ZADD", "zset" + m, std::to_string(round), n}},
          {0, {"ZUNIONSTORE", "union" + n, "2", "zset" + n, "zset" + m}},
          {0, {"HSET", "hash" + n, m, n}},
          {0, {"RENAME", "count" + m, "renamed" + n}},
          {0, {"EXPIRE", "hash" + m, "100"}},
          {0, {"APPEND", "text" + n, "x"}},
          {0, {"SETRANGE", "text" + m, "3", "yz"}}};
}

/// The same within slots, to the node that serves each key.
Load cluster_load(const cluster::Topology& topology) {
  return [topology](int round) {
    const std::string n = std::to_string(round % 97), m = std::to_string((round * 7) % 97);
    const std::vector<Words> requests = {{"RPUSH", "list" + n, "e" + std::to_string(round)},
                                         {"LTRIM", "list" + n, "-20", "-1"},
                                         {"INCR", "count" + m},
                                         {"SET", "soon" + n, m, "PX", "40"},
                                         {"SADD", "{" + n + "}a", m, n},
                                         {"SMOVE", "{" + n + "}a", "{" + n + "}b", m},
                                         {"HSET", "hash" + n, m, n},
                                         {"EXPIRE", "hash" + m, "100"},
                                         {"APPEND", "text" + n, "x"}};
    std::vector<Writer::Request> result;
    for (const Words& words : requests)
      result.push_back({*topology.shard_of(cluster::slot_of(words[1])), words});
    return result;
  };
}

asio::awaitable<void> learn(net::Endpoint endpoint, cluster::Topology& topology) {
  topology = co_await cluster::discover(endpoint);
}

}  // namespace

std::string numbered(const char* name, int number) { return name + std::to_string(number); }

std::unique_ptr<Writer> TwoSidesAndEngine::write() {
  std::unique_ptr<Writer> writer;
  if (source_->is_cluster()) {
    cluster::Topology topology;
    await(learn(source(), topology));
    std::vector<net::Endpoint> endpoints;
    for (const auto& shard : topology.shards) endpoints.push_back(shard.primary.endpoint);
    writer = std::make_unique<Writer>(endpoints, cluster_load(topology));
  } else {
    writer = std::make_unique<Writer>(std::vector<net::Endpoint>{source()}, standalone_load);
  }
  await_key(owner(*target_, "text0"), "text0");
  return writer;
}

void TwoSidesAndEngine::fill(int count) {
  for (int i = 0; i < count; ++i) {
    const std::string key = numbered("still", i);
    ask(owner(*source_, key), {"RPUSH", key, "a", std::to_string(i), "b"});
  }
}

asio::awaitable<void> TwoSidesAndEngine::ask_status(nlohmann::json& status) {
  net::HttpRequest request{.address = control(), .target = "/status"};
  const net::HttpAnswer answer = co_await net::ask_http(std::move(request));
  status = nlohmann::json::parse(answer.body);
}

nlohmann::json TwoSidesAndEngine::engine_status() {
  nlohmann::json status;
  await(ask_status(status));
  return status;
}

asio::awaitable<void> TwoSidesAndEngine::await_streaming() {
  co_await fixtures::poll_until(seconds(30), "the full copy",
                                [this]() -> asio::awaitable<std::string> {
                                  nlohmann::json status;
                                  co_await ask_status(status);
                                  if (status["state"] == "failed")
                                    throw UserError(status["error"].get<std::string>());
                                  if (status["links"].empty()) co_return "no links";
                                  for (const auto& link : status["links"]) {
                                    if (link["phase"] != "streaming")
                                      co_return link["phase"].get<std::string>();
                                  }
                                  co_return "";
                                });
}

asio::awaitable<void> TwoSidesAndEngine::await_applied() {
  std::map<std::string, int64_t> wanted;
  for (const fixtures::Server* server : source_->primaries()) {
    const auto client = co_await net::Client::connect(server->endpoint());
    Words request{"INFO", "replication"};
    const resp::Value info = co_await client->command(request);
    const std::string name = "master_repl_offset:";
    wanted[server->endpoint().label()] =
        std::stoll(info.text.substr(info.text.find(name) + name.size()));
  }
  co_await fixtures::poll_until(seconds(30), "catching up",
                                [this, &wanted]() -> asio::awaitable<std::string> {
                                  nlohmann::json status;
                                  co_await ask_status(status);
                                  for (const auto& link : status["links"]) {
                                    const auto source = link["source"].get<std::string>();
                                    if (link["applied_offset"].get<int64_t>() < wanted.at(source))
                                      co_return source;
                                  }
                                  co_return "";
                                });
}

void TwoSidesAndEngine::await_caught_up() { await(await_applied()); }

void TwoSidesAndEngine::start_engine(const Words& more_arguments) {
  const char* program = std::getenv("LOCKSTEP_BINARY");
  ASSERT_NE(program, nullptr);
  fixtures::ChildOptions options;
  options.program = program;
  options.args = {"sync",        "--quiet",
                  "--control",   control(),
                  "--log-file",  (directory_.path() / "engine.log").string(),
                  "--spool-dir", directory_.path().string()};
  for (const std::string& each : source_->urls())
    options.args.insert(options.args.end(), {"--from", each});
  for (const std::string& each : target_->urls())
    options.args.insert(options.args.end(), {"--to", each});
  options.args.insert(options.args.end(), more_arguments.begin(), more_arguments.end());
  options.output = directory_.path() / "engine.out";
  engine_ = std::make_unique<fixtures::Child>(io_.get_executor(), options);
  await(await_streaming());
}

VerifyOptions TwoSidesAndEngine::options_with(CutMode cut) const {
  VerifyOptions changed = options();
  changed.confirm_quiet = VerifyOptions().confirm_quiet;
  changed.engine = control();
  changed.cut = cut;
  return changed;
}

}  // namespace lockstep::verifier
