#include "verifier/test_support.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstdlib>

#include "fixtures/child.h"
#include "fixtures/cluster_builder.h"
#include "fixtures/poll_until.h"
#include "sync/base/error.h"
#include "sync/cluster/discover.h"
#include "sync/cluster/slot.h"

namespace lockstep::verifier {

namespace {

const fixtures::ServerSpec& spec(const char* variable) {
  const char* name = std::getenv(variable);
  return name ? fixtures::find_server(name) : fixtures::default_server();
}

fixtures::DeploymentOptions deployment(const char* name, fixtures::Topology topology,
                                       const fixtures::ServerSpec& spec) {
  fixtures::DeploymentOptions options;
  options.name = name;
  options.topology = topology;
  options.spec = spec;
  options.primaries = topology == fixtures::Topology::standalone ? 1
                      : topology == fixtures::Topology::cluster  ? 3
                                                                 : 2;
  return options;
}

/// Every key of every database, with its exact expiry.
asio::awaitable<void> copy_all(net::Endpoint from, net::Endpoint to) {
  auto source = co_await net::Client::connect(from);
  auto target = co_await net::Client::connect(to);
  Words flush{"FLUSHALL"};
  co_await target->command_or_throw(flush);
  for (int db = 0; db < 16; ++db) {
    Words select{"SELECT", std::to_string(db)}, all{"KEYS", "*"};
    co_await source->command_or_throw(select);
    co_await target->command_or_throw(select);
    const resp::Value keys = co_await source->command_or_throw(all);
    for (const resp::Value& key : keys.items) {
      Words dump{"DUMP", key.text}, ttl{"PTTL", key.text};
      const resp::Value payload = co_await source->command_or_throw(dump);
      const int64_t left = (co_await source->command_or_throw(ttl)).integer;
      if (payload.is_null()) continue;
      Words restore{"RESTORE", key.text, std::to_string(std::max<int64_t>(0, left)), payload.text};
      co_await target->command_or_throw(restore);
    }
  }
}

asio::awaitable<void> learn(net::Endpoint endpoint, cluster::Topology& topology) {
  topology = co_await cluster::discover(endpoint);
}

}  // namespace

void TwoSides::await(asio::awaitable<void> task) {
  bool done = false;
  std::exception_ptr failure;
  asio::co_spawn(io_, std::move(task), [&](std::exception_ptr error) {
    failure = error;
    done = true;
  });
  io_.restart();
  while (!done) io_.run_one();
  if (failure) std::rethrow_exception(failure);
}

asio::awaitable<void> TwoSides::start_both(fixtures::Topology source, fixtures::Topology target) {
  auto executor = io_.get_executor();
  auto source_options = deployment("source", source, spec("LOCKSTEP_TEST_SOURCE"));
  source_options.replicas = source_replicas_;
  auto target_options = deployment("target", target, spec("LOCKSTEP_TEST_TARGET"));
  target_options.replicas = target_replicas_;
  source_ =
      co_await fixtures::Deployment::start(executor, addresses_, directory_.path(), source_options);
  target_ =
      co_await fixtures::Deployment::start(executor, addresses_, directory_.path(), target_options);
}

void TwoSides::start(fixtures::Topology source, fixtures::Topology target) {
  await(start_both(source, target));
}

asio::awaitable<void> TwoSides::exchange(net::Endpoint endpoint, Words words, resp::Value& reply) {
  auto& client = clients_[endpoint.label() + endpoint.user];
  if (!client) client = co_await net::Client::connect(endpoint);
  reply = co_await client->command(words);
}

resp::Value TwoSides::try_ask(const net::Endpoint& endpoint, const Words& words) {
  resp::Value reply;
  await(exchange(endpoint, words, reply));
  return reply;
}

void TwoSides::ask_until(const net::Endpoint& endpoint, const Words& words,
                         const std::function<bool(const resp::Value&)>& wanted) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  for (resp::Value reply = try_ask(endpoint, words); !wanted(reply);
       reply = try_ask(endpoint, words)) {
    if (std::chrono::steady_clock::now() < end) continue;
    throw UserError(fmt::format("{} still answers \"{}\" to {}", endpoint.label(), reply.text,
                                fmt::join(words, " ")));
  }
}

void TwoSides::await_key(const net::Endpoint& endpoint, const std::string& key) {
  ask_until(endpoint, {"EXISTS", key}, [](const resp::Value& reply) { return reply.integer > 0; });
}

resp::Value TwoSides::ask(const net::Endpoint& endpoint, const Words& words) {
  const resp::Value reply = try_ask(endpoint, words);
  EXPECT_FALSE(reply.is_error()) << words[0] << " " << (words.size() > 1 ? words[1] : "") << ": "
                                 << reply.text;
  return reply;
}

net::Endpoint TwoSides::owner(const fixtures::Deployment& deployment, const std::string& key) {
  cluster::Topology topology;
  await(learn(deployment.client_endpoint(), topology));
  return topology.shards[*topology.shard_of(cluster::slot_of(key))].primary.endpoint;
}

void TwoSides::move_slot(const fixtures::Deployment& side, const std::string& name, bool finish) {
  const net::Endpoint from = owner(side, name);
  const auto nodes = side.primaries();
  const auto other = std::find_if(nodes.begin(), nodes.end(), [&](fixtures::Server* server) {
    return server->endpoint().label() != from.label();
  });
  const net::Endpoint to = (*other)->endpoint();
  const std::string slot = std::to_string(cluster::slot_of(name).value);
  const std::string from_id = ask(from, {"CLUSTER", "MYID"}).text;
  const std::string to_id = ask(to, {"CLUSTER", "MYID"}).text;
  ask(to, {"CLUSTER", "SETSLOT", slot, "IMPORTING", from_id});
  ask(from, {"CLUSTER", "SETSLOT", slot, "MIGRATING", to_id});
  for (const resp::Value& each : ask(from, {"CLUSTER", "GETKEYSINSLOT", slot, "1000"}).items)
    ask(from, {"MIGRATE", to.host, std::to_string(to.port), each.text, "0", "5000"});
  if (finish) give_slot(side, slot, to_id);
}

void TwoSides::give_slot(const fixtures::Deployment& side, const std::string& slot,
                         const std::string& node_id) {
  for (fixtures::Server* server : side.primaries())
    ask(server->endpoint(), {"CLUSTER", "SETSLOT", slot, "NODE", node_id});
}

void TwoSides::finish_move(const fixtures::Deployment& side, const std::string& name) {
  const std::string slot = std::to_string(cluster::slot_of(name).value);
  for (fixtures::Server* server : side.primaries()) {
    const net::Endpoint endpoint = server->endpoint();
    if (ask(endpoint, {"CLUSTER", "COUNTKEYSINSLOT", slot}).integer == 0) continue;
    give_slot(side, slot, ask(endpoint, {"CLUSTER", "MYID"}).text);
    return;
  }
}

void TwoSides::copy() { await(copy_all(source(), target())); }

asio::awaitable<void> TwoSides::run_child(std::string program, Words arguments, int& status) {
  fixtures::ChildOptions options;
  options.program = program;
  options.args = arguments;
  options.output = directory_.path() / "output";
  fixtures::Child child(io_.get_executor(), options);
  status = (co_await child.wait(std::chrono::seconds(60))).value_or(-1);
}

int TwoSides::run_program(const std::string& program, const Words& arguments) {
  int status = -1;
  std::filesystem::remove(directory_.path() / "output");  // a child appends
  await(run_child(program, arguments, status));
  return status;
}

int TwoSides::lockstep(const Words& arguments) {
  const char* program = std::getenv("LOCKSTEP_BINARY");
  EXPECT_NE(program, nullptr);
  return program == nullptr ? -1 : run_program(program, arguments);
}

VerifyOptions TwoSides::options() const {
  VerifyOptions options;
  options.from = source_->urls();
  options.to = target_->urls();
  options.confirm_quiet = milliseconds(0);
  return options;
}

VerifyReport TwoSides::check(ReadMode mode) const {
  VerifyOptions changed = options();
  changed.read = mode;
  return verify(changed);
}

std::string found(const VerifyReport& report) {
  std::vector<std::string> each;
  for (const Difference& difference : report.differences) {
    const std::string db = difference.db.value ? ":" + std::to_string(difference.db.value) : "";
    each.push_back(std::string(diff_class_name(difference.diff_class)) + " " + difference.key + db);
  }
  std::sort(each.begin(), each.end());
  std::string text = report.problem;
  for (const std::string& one : each) text += (text.empty() ? "" : ", ") + one;
  return text;
}

Writer::Writer(std::vector<net::Endpoint> endpoints,
               std::function<std::vector<Request>(int)> requests)
    : endpoints_(std::move(endpoints)), requests_(std::move(requests)), thread_([this] {
        asio::io_context io;
        asio::co_spawn(io, run(), asio::detached);
        io.run();
      }) {}

Writer::~Writer() {
  stop_ = true;
  thread_.join();
}

asio::awaitable<void> Writer::run() {
  std::vector<std::unique_ptr<net::Client>> clients;
  for (const net::Endpoint& endpoint : endpoints_)
    clients.push_back(co_await net::Client::connect(endpoint));
  for (int round = 0; !stop_; ++round) {
    const std::vector<Request> requests = requests_(round);
    for (const Request& request : requests)
      co_await clients[request.endpoint]->command(request.words);
  }
}

}  // namespace lockstep::verifier
